"""Every writer at every one of its operations: whoever comes after finds the old content or the new one, whole."""

import contextlib
import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from headway import checked_folder, files, rival_forecasts
from headway.attention import maps
from headway.config import door
from headway.config.sweep import TrainCommand
from headway.config.train import TrainConfig
from headway.errors import StoredRunError
from headway.evaluation.forecasts import Forecasts, Slicing
from headway.stored import Result, Stored
from headway.tracking import folder as run_folder
from headway.tracking import journal
from headway.training.checkpoint import Checkpoint, Checkpoints

KINDS = ("full", "broken", "read-only", "killed", "killed within", "power lost")
IDS = ("2024-01-02_03-04-05_abcdef", "2024-01-02_03-04-06_fedcba")
OLD, NEW = {"a.json": b'{"old": 1}', "b.bin": b"\x00" * 61}, {"a.json": b'{"new": 23}', "c.bin": b"\x01" * 97}


def of_one_folder(write: Callable[[Path, dict[str, bytes]], None]) -> dict[str, Any]:
    def read(folder: Path) -> list[Any] | tuple[Any, ...] | None:
        place = folder / "kept"
        return tuple((path.name, path.read_bytes()) for path in sorted(place.iterdir())) if place.exists() else None

    return {
        "prepare": lambda folder: write(folder / "kept", OLD),
        "write": lambda folder: write(folder / "kept", NEW),
        "read": read,
    }


def of_one_file(name: str, write: Callable[[Path, bytes], None]) -> dict[str, Any]:
    def read(folder: Path) -> bytes | None:
        return (folder / name).read_bytes() if (folder / name).exists() else None

    return {
        "prepare": lambda folder: write(folder / name, b"old" * 11),
        "write": lambda folder: write(folder / name, b"new" * 101),
        "read": read,
    }


def stream(path: Path, content: bytes) -> None:
    with files.writing(path) as file:
        for first in range(0, len(content), 89):
            file.flush()
            file.write(content[first : first + 89])


def checked(folder: Path) -> Any:
    """What the reader of a checked folder believes."""
    try:
        return checked_folder.read(folder / "forecaster", ["a.json"])["a.json"]
    except StoredRunError:
        return None


def result(folder: Path) -> Result | None:
    try:
        return Result.read(folder)
    except StoredRunError:
        return None


def record_of(folder: Path, status: str) -> run_folder.RunRecord:
    return run_folder.RunRecord(folder.name, "made", status, started="2024-01-02", process={"pid": 7})


def log(folder: Path, steps: range) -> None:
    own = journal.Journal(folder)
    try:
        for step in steps:
            own.append({"train/loss": 1 / step, "validation/loss": float("nan")}, step=step, time=step)
    finally:
        own.close()


def save(folder: Path, epoch: int) -> None:
    arrays = {"weights": np.full((7, 3), epoch, np.float32), "seed": np.array([epoch])}
    Checkpoints(folder / "checkpoints").write(Checkpoint({"epoch": epoch}, arrays))


def forecasts(number: int) -> Forecasts:
    values = np.random.default_rng(number).normal(size=(5, 3, 2, 1))
    return Forecasts(
        model="m",
        targets=("y", "z"),
        levels=(0.5,),
        ticks=np.arange(5),
        series=np.zeros(5, np.int64),
        actual=values[..., 0] + 1,
        quantiles=values,
        rivals={"persistence": values[..., 0] - 1},
        seasonal_scale=np.ones((1, 2)),
        seasonal_square=np.ones((1, 2)),
        slicings={"error": Slicing(("low", "high"), np.zeros((5, 1), np.int32))},
    )


def loaded(folder: Path) -> Any:
    """What a backtest believes of the forecasts it kept."""
    try:
        found = Forecasts.load(folder / "origin_0001.npz")
    except (OSError, ValueError):
        return None
    return found.quantiles.tolist(), found.rivals["persistence"].tolist()


TASK: Any = SimpleNamespace(shape=SimpleNamespace(horizon=3, targets=("y", "z")), windows={"test": range(5)})


def kept(folder: Path) -> Any:
    """What an evaluation believes of a rival's forecasts."""
    found = rival_forecasts._kept(folder / "cache" / "ridge.npz", TASK, "test")
    return None if found is None else (found.tolist(),)


def save_scores(folder: Path, seed: int) -> None:
    scores = np.random.default_rng(seed).random((2, 1, 2, 3, 3), np.float32)
    maps.save_scores(
        folder / "scores.npz", scores, origins=np.array(["2024", "2025"], "M8[s]"), series=np.array(["a", "b"])
    )


def scores(folder: Path) -> Any:
    if not (folder / "scores.npz").exists():
        return None
    with np.load(folder / "scores.npz") as stored:
        return stored["attention_scores"].tolist(), stored["series"].tolist()


# What a writer writes over, what it writes, and what its reader finds; see `hold`.
WRITERS: dict[str, dict[str, Any]] = {
    "a file": of_one_file("a.csv", files.write),
    "a large file": of_one_file("a.npz", stream),
    "a folder": of_one_folder(files.write_folder),
    "a folder where names cannot change places": of_one_folder(files.write_folder) | {"exchanges": False},
    "a checked folder": {
        "prepare": lambda folder: checked_folder.write(folder / "forecaster", OLD),
        "write": lambda folder: checked_folder.write(folder / "forecaster", NEW),
        "read": checked,
    },
    "training.json": {
        "prepare": lambda folder: Result({"validation/error": 2.0}, "old task").write(folder),
        "write": lambda folder: Result({"validation/error": 1.0}, "new task").write(folder),
        "read": result,
    },
    "run.json": {
        "prepare": lambda folder: run_folder.write(folder, record_of(folder, "running")),
        "write": lambda folder: run_folder.write(folder, record_of(folder, "finished")),
        "read": lambda folder: _status(folder),
    },
    "the folder of a run": {
        "prepare": lambda folder: run_folder.make(folder, run_folder.RunRecord(IDS[0], "made", started="2024")),
        "write": lambda folder: run_folder.make(folder, run_folder.RunRecord(IDS[1], "made", started="2024")),
        "read": lambda folder: _runs(folder),
    },
    "a checkpoint": {
        "prepare": lambda folder: [save(folder, epoch) for epoch in (1, 2)],
        "write": lambda folder: save(folder, 3),
        "read": lambda folder: _newest(folder),
    },
    "the journal": {
        "prepare": lambda folder: log(folder, range(1, 3)),
        "write": lambda folder: log(folder, range(3, 6)),
        "read": lambda folder: [(line["step"], line["metrics"]["train/loss"]) for line in journal.read_journal(folder)],
        "durable": False,
    },
    "forecasts of a backtest": {
        "prepare": lambda folder: forecasts(1).save(folder / "origin_0001.npz"),
        "write": lambda folder: forecasts(2).save(folder / "origin_0001.npz"),
        "read": loaded,
    },
    "forecasts of a rival": {
        "prepare": lambda folder: rival_forecasts._keep(folder / "cache" / "ridge.npz", forecasts(1).actual),
        "write": lambda folder: rival_forecasts._keep(folder / "cache" / "ridge.npz", forecasts(2).actual),
        "read": kept,
        "silent": True,
    },
    "attention scores": {
        "prepare": lambda folder: save_scores(folder, 1),
        "write": lambda folder: save_scores(folder, 2),
        "read": scores,
    },
}


def _status(folder: Path) -> str | None:
    """The status that `run.json` tells: of whichever folder, as they are copied."""
    if not (folder / run_folder.FILE).exists():
        return None
    return str(json.loads((folder / run_folder.FILE).read_text())["status"])


def _runs(folder: Path) -> tuple[str, ...]:
    """The runs that can be found; a folder of that form without a record would be none, and in the way."""
    found = tuple(sorted(run_folder.records(folder)))
    assert found == tuple(sorted(path.name for path in folder.iterdir() if run_folder.is_id(path.name)))
    return found


def _newest(folder: Path) -> Any:
    found = Checkpoints(folder / "checkpoints").newest()
    return found and (found.header["epoch"], found.arrays["weights"].tolist(), found.arrays["seed"].tolist())


@pytest.mark.parametrize("over", [False, True], ids=["new", "over the old"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", WRITERS)
def test_a_reader_finds_the_old_or_the_new_whatever_operation_fails(
    name: str, kind: str, over: bool, hold: Callable[..., int]
) -> None:
    words = dict(WRITERS[name])
    prepare = words.pop("prepare")
    assert hold(kind, prepare=prepare if over else None, **words) >= 3


@pytest.mark.parametrize("kind", ["killed", "power lost"])
def test_a_configuration_is_the_old_or_the_new(
    kind: str, hold: Callable[..., int], compose: Callable[..., TrainConfig]
) -> None:
    first, second = (Stored(compose(f"seed={seed}"), "0123", ("python", "train.py")) for seed in (1, 2))

    def seed(folder: Path) -> int | None:
        try:
            return Stored.read(folder).config.seed
        except StoredRunError:
            return None

    assert hold(kind, prepare=first.write, write=second.write, read=seed, seeds=1) >= 3


@pytest.mark.parametrize("kind", ["full", "broken", "read-only"])
@pytest.mark.parametrize("name", ["a file", "a large file", "a folder", "run.json", "the journal", "training.json"])
def test_a_command_ends_with_exit_6_and_one_line_that_names_the_file_and_the_reason(
    name: str,
    kind: str,
    disk: type,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "argv", ["train.py"])
    monkeypatch.setattr(signal, "signal", lambda *words: None)  # of the whole process that tests run in
    with disk(tmp_path, kind, at=1)():
        code = door.run(lambda: WRITERS[name]["write"](tmp_path), configuration=TrainCommand)
    (line,) = capsys.readouterr().err.splitlines()
    reason = {"full": "No space left on device", "broken": "Input/output error", "read-only": "Read-only file system"}
    assert code == 6
    assert line.startswith("error: ") and str(tmp_path) in line and reason[kind] in line
    assert ".tmp" not in line


def test_what_a_kill_has_left_is_never_mirrored(disk: type, tmp_path: Path) -> None:
    files.write_folder(tmp_path / "windows", {"a.png": b"whole"})
    for write in (files.write, lambda path, content: files.write_folder(path, {"c.png": content})):
        with disk(tmp_path, "killed", at=2)(), contextlib.suppress(BaseException):
            write(tmp_path / "windows" / "b.png", b"half" * 10)
    assert len(list((tmp_path / "windows").glob(".b.png.*.tmp"))) == 2
    assert [path.name for path in run_folder.files_of(tmp_path, "windows")] == ["a.png"]
