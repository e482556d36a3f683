"""The command as far as it goes before Keras is loaded, in this process."""

import logging
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from headway.config import door
from headway.config.sweep import TrainCommand
from headway.config.validate import validate
from headway.data import sources
from headway.data.columns import check_header
from headway.task import prepare
from headway.tracking import uri

Tree = dict[str, bytes | str]


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        code: Its exit code.
        errors: Its lines on standard error.
        logged: What it logged.
    """

    code: int
    errors: list[str]
    logged: str


@pytest.fixture(scope="session")
def composed(compose_settings: Callable[..., Any]) -> Callable[..., Any]:
    """Settings of words, composed once: most files are read with the same words."""
    return cache(compose_settings)


@pytest.fixture
def quiet_signals() -> Iterator[None]:
    """Gives back what a signal did before the command, which takes some over."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def command(
    composed: Callable[..., Any],
    project: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    quiet_signals: None,
) -> Callable[..., Ended]:
    """Runs train.py's steps in their order and in its door, up to the scaled windows, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")  # the door sets it; so that it is taken back
    caplog.set_level(logging.INFO)

    def run(*words: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["train.py", *words])

        def steps() -> None:
            # A searched folder is read afresh.
            plain = (composed.__wrapped__ if "hydra.searchpath=[.]" in words else composed)(*words)
            config = validate(plain, TrainCommand).config
            check_header(config.dataset, project=project)
            uri.resolve(config.tracking.uri)
            dataset = sources.read(config.dataset, project=project)
            prepare(dataset, dataset_spec=config.dataset, splits=config.splits, windows=config.windows)

        caplog.clear()
        code = door.run(steps, configuration=TrainCommand)
        return Ended(code, capsys.readouterr().err.splitlines(), caplog.text)

    return run


@pytest.fixture
def tree(tmp_path: Path) -> Callable[[], Tree]:
    """Everything in the command's folder: its name, and its content or where it leads."""

    def content(path: Path) -> bytes | str:
        if path.is_symlink():
            return str(path.readlink())
        return path.read_bytes() if path.is_file() else "no file"

    return lambda: {str(path): content(path) for path in sorted(tmp_path.rglob("*"))}
