"""The audit of what is installed and committed: it finds what is wrong, and what it cannot look at is wrong."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
HASH = "--hash=sha256:" + "3f" * 32
LOCK = (
    f"alpha==1.2.3 \\\n    {HASH}\n    # via beta\nbeta==0.4 ; sys_platform == 'linux' \\\n    {HASH} \\\n    {HASH}\n"
)
PYPROJECT = """[build-system]
requires = ["setuptools>=80,<83"]
[project]
dependencies = ["alpha>=1,<2"]
[project.optional-dependencies]
test = ["headway[jax]", "beta[x]>=0.4,<0.5"]
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A small repository in which nothing is wrong, and an environment with what it locks."""
    folder = tmp_path / "repository"
    (folder / ".ci").mkdir(parents=True)
    shutil.copy(PROJECT / ".ci/audit", folder / ".ci/audit")
    for name in ("requirements.lock", "requirements-test.lock"):
        (folder / name).write_text(LOCK)
    (folder / "pyproject.toml").write_text(PYPROJECT)
    install(tmp_path, "Alpha", "1.2.3")
    install(tmp_path, "beta", "0.4")
    subprocess.run(["git", "init", "--quiet", folder], check=True)
    return folder


def install(folder: Path, name: str, version: str) -> None:
    place = folder / f"installed/{name}-{version}.dist-info"
    place.mkdir(parents=True)
    (place / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def audit(repository: Path, *words: str, path: str = os.environ["PATH"]) -> tuple[int, str]:
    if (repository / ".git").exists():
        subprocess.run(["git", "-C", repository, "add", "--all"], check=True)
    # Without site: installed is what the folder beside the repository says.
    done = subprocess.run(
        [sys.executable, "-S", repository / ".ci/audit", *words],
        env={"PATH": path, "PYTHONPATH": str(repository.parent / "installed"), "HOME": str(repository)},
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stderr


def test_nothing_is_found_where_nothing_is_wrong(repository: Path) -> None:
    assert audit(repository) == (0, "")


def edit(name: str, old: str, new: str) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1))

    return change


def add(name: str, text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(text)


HARM: dict[str, tuple[Callable[[Path], object], str]] = {
    "no hash": (edit("requirements.lock", f"alpha==1.2.3 \\\n    {HASH}\n", "alpha==1.2.3\n"), "alpha: has no hash"),
    "a weak hash": (edit("requirements.lock", HASH, "--hash=md5:" + "0" * 32), "alpha: has no hash, or something besides"),
    "no version": (edit("requirements-test.lock", "alpha==1.2.3", "alpha>=1.2.3"), "alpha>=1.2.3"),
    "an option": (edit("requirements.lock", "alpha==", "--pre\nalpha=="), "--pre: expected name==version"),
    "an index": (edit("requirements.lock", "alpha==", "--index-" + "url http://127.0.0.1\nalpha=="), "expected name==version"),
    "an address": (edit("requirements.lock", "alpha==1.2.3", "alpha @ http://127.0.0.1/a.whl"), "expected name==version"),
    "an empty lock": (add("requirements.lock", ""), "requirements.lock: locks nothing"),
    "no lock": (lambda folder: (folder / "requirements.lock").unlink(), "could not be made: FileNotFoundError"),
    "a stranger": (lambda folder: install(folder.parent, "gamma", "9"), "installed gamma 9: the lock files have nothing of"),
    "another version": (lambda folder: install(folder.parent, "BETA", "0.5"), "installed beta 0.5: the lock files have 0.4"),
    "no highest version": (edit("pyproject.toml", "alpha>=1,<2", "alpha>=1"), "dependencies: alpha>=1: expected a lowest"),
    "no lowest version": (edit("pyproject.toml", "beta[x]>=0.4,<0.5", "beta<0.5"), "test: beta<0.5: expected a lowest"),
    "a dependency by address": (edit("pyproject.toml", "alpha>=1,<2", "alpha @ http://h/a>=1,<2"), "expected a lowest"),
    "an unbounded builder": (edit("pyproject.toml", "setuptools>=80,<83", "setuptools"), "build-system: setuptools"),
    "no pyproject": (lambda folder: (folder / "pyproject.toml").unlink(), "could not be made: FileNotFoundError"),
    "a registry": (add("notes.md", "see https://py" + "pi.org/project/x"), "notes.md: names the registry"),
    "a private key": (add("key.pem", "-----BEGIN EC PRIV" + "ATE KEY-----\nabc"), "key.pem: holds a private key"),
    "a link": (lambda folder: (folder / "link").symlink_to("/etc/passwd"), "link: is a link"),
    "no repository": (lambda folder: shutil.rmtree(folder / ".git"), "could not be made"),
}  # fmt: skip


@pytest.mark.parametrize("harm", HARM)
def test_what_is_wrong_is_named_and_fails(repository: Path, harm: str) -> None:
    change, words = HARM[harm]
    change(repository)
    code, said = audit(repository)
    assert code == 1
    assert words in said
    assert all(line.startswith("audit: ") for line in said.splitlines())


def program(repository: Path, text: str) -> str:
    """Puts a stand-in for the outside program pip-audit on the path."""
    place = repository.parent / "bin/pip-audit"
    place.parent.mkdir()
    place.write_text(f"#!/bin/sh\n{text}\n")
    place.chmod(0o755)
    return f"{place.parent}:{os.environ['PATH']}"


ANSWERS = {
    "nothing known": ('{"dependencies": [{"name": "alpha", "version": "1", "vulns": []}]}', 0, 0, ""),
    "something known": (
        '{"dependencies": [{"name": "alpha", "version": "1", "vulns": [{"id": "X-1", "fix_versions": ["2"]}]}]}',
        1,
        1,
        "alpha 1: X-1; mended in 2",
    ),
    "known but well": ('{"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "X-1"}]}]}', 0, 1, "X-1"),
    "not looked at": ('{"dependencies": [{"name": "a", "skip_reason": "not found"}]}', 0, 1, "a: not looked at: not found"),
    "no answer": ("", 1, 1, "pip-audit ended with 1"),
    "an empty answer": ('{"dependencies": []}', 0, 1, "pip-audit ended with 0"),
}  # fmt: skip


@pytest.mark.parametrize("answer", ANSWERS)
def test_of_vulnerabilities_only_a_full_answer_without_any_passes(repository: Path, answer: str) -> None:
    text, ends, code, words = ANSWERS[answer]
    path = program(repository, f"echo '{text}'; exit {ends}")
    found, said = audit(repository, "vulnerabilities", path=path)
    assert (found, words in said) == (code, True), said


def test_without_the_program_the_audit_of_vulnerabilities_fails(repository: Path) -> None:
    code, said = audit(repository, "vulnerabilities", path="/usr/bin:/bin")
    assert (code, "pip-audit is not installed" in said) == (1, True)


def test_unknown_words_fail(repository: Path) -> None:
    assert audit(repository, "vulnerabilites")[0] == 1


def test_this_repository_has_no_finding_but_for_what_is_installed_here() -> None:
    done = subprocess.run([sys.executable, PROJECT / ".ci/audit"], capture_output=True, text=True)
    assert [line for line in done.stderr.splitlines() if not line.startswith("audit: installed ")] == []
