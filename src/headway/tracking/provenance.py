"""Where a result comes from: the code's commit and the versions of what computed it."""

import platform
import subprocess
from importlib import metadata
from pathlib import Path

_PACKAGES = ("headway", "tensorflow", "keras", "jax", "numpy", "pandas", "mlflow", "hydra-core")


def provenance() -> dict[str, str]:
    """Commit and versions, ready to be logged as tags or parameters.

    Returns:
        `git_commit` and `git_dirty` (`unknown` without git), `python`, `platform`, and the version of every package that is
        installed. Nothing is imported for it.
    """
    found = {**_git(), "python": platform.python_version(), "platform": platform.platform()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _git() -> dict[str, str]:
    # The folder of the code, not the current one: a user may train from anywhere.
    folder = Path(__file__).resolve().parent
    commit = _output("git", "-C", str(folder), "rev-parse", "HEAD")
    if commit is None or _output("git", "-C", str(folder), "ls-files", "--error-unmatch", __file__) is None:
        # Installed into an environment that happens to lie inside somebody's repository: its commit says nothing about this code.
        return {"git_commit": "unknown", "git_dirty": "unknown"}
    changes = _output("git", "-C", str(folder), "status", "--porcelain", "--untracked-files=no")
    return {"git_commit": commit, "git_dirty": "unknown" if changes is None else str(bool(changes)).lower()}


def _output(*command: str) -> str | None:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
