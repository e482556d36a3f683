"""Where a result comes from: the code's commit and the versions of what computed it."""

import os
import platform
import re
import subprocess
from importlib import metadata
from pathlib import Path

from headway.redaction import redacted

_PACKAGES = ("headway", "tensorflow", "keras", "jax", "numpy", "pandas", "mlflow", "hydra-core")

# Variables that change bits or the number of threads.
_FLAGS = (
    "KERAS_BACKEND",
    "TF_ENABLE_ONEDNN_OPTS",
    "TF_DETERMINISTIC_OPS",
    "TF_CUDNN_DETERMINISTIC",
    "TF_XLA_FLAGS",
    "XLA_FLAGS",
    "JAX_ENABLE_X64",
    "JAX_DEFAULT_MATMUL_PRECISION",
    "NVIDIA_TF32_OVERRIDE",
    "CUDA_VISIBLE_DEVICES",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "PYTHONHASHSEED",
)


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


def environment() -> str:
    """Everything that is installed, as `name==version`, and what else changes what is computed.

    Only names and versions: where a distribution came from may be an address with a password in it.

    Returns:
        Lines of text; those on Python, the machine, threads and flags begin with `#`, so that the rest can be installed from.
    """
    # Each `metadata` reads and parses a file anew, `version` too: once for every package, of which there are hundreds.
    installed = (one.metadata for one in metadata.distributions())
    found = {
        re.sub(r"[-_.]+", "-", str(each["Name"])).lower(): each["Version"]
        for each in installed
        if each["Name"] and each["Version"]
    }
    implementation = f"{platform.python_implementation()} {platform.python_version()}"
    facts = {
        "python": implementation,
        "platform": platform.platform(),
        "machine": f"{platform.machine()}, {_cores()} cores",
        **{name: redacted(os.environ[name]) for name in _FLAGS if name in os.environ},
    }
    head = [f"# {name}: {' '.join(words.split())}" for name, words in facts.items()]
    return "\n".join([*head, *(f"{name}=={version}" for name, version in sorted(found.items()))]) + "\n"


def _cores() -> int:
    # Those that this process may use: a container has fewer than its machine.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
