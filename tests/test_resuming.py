"""Runs that are stopped and gone on with, from the configuration to the end."""

import json
import logging
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headway import pipeline, tracking
from headway.config.train import TrainConfig
from headway.errors import Interrupted, StoredRunError
from headway.training.checkpoint import Checkpoint, Checkpoints

WORDS = (
    *("dataset=csv", "dataset.path=own.csv", "dataset.timestamp=time", "dataset.targets=[y]", "dataset.season=5"),
    *("dataset.calendar.week=0", "windows.context_length=3", "windows.horizon=2", "evaluation=quick", "tracking=off"),
    *("model.d_model=4", "model.heads=1", "model.feed_forward=3", "training.epochs=2", "training.batch_size=16"),
    *("training.ensemble=2", "training.steps_per_execution=2", "training.checkpoint_steps=3", "evaluate=false"),
)


@pytest.fixture
def train(
    compose: Callable[..., TrainConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., pipeline.Outcome]:
    """Train on a small file in a folder of one's own."""
    times = np.datetime64("2024-01-01T00", "m") + 60 * np.arange(211)
    values = np.random.default_rng(1).normal(size=211).round(3)
    rows = "".join(f"{time},{value}\n" for time, value in zip(times, values, strict=True))

    def run(*words: str, folder: str = "here", resume: str = "off") -> pipeline.Outcome:
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "own.csv").write_text(f"time,y\n{rows}")
        monkeypatch.chdir(tmp_path / folder)
        config = compose(*WORDS, *words)
        return pipeline.train(config, name="made", command=["python", "train.py"], project=Path(), resume=resume)

    return run


@pytest.fixture
def sigterm_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sends this process a SIGTERM when its n-th checkpoint is written."""
    write = Checkpoints.write

    def arrange(number: int) -> None:
        left = [number]

        def written(self: Checkpoints, checkpoint: Checkpoint, *, planned: bool = True) -> None:
            write(self, checkpoint, planned=planned)
            left[0] -= 1
            if not left[0]:
                os.kill(os.getpid(), signal.SIGTERM)

        monkeypatch.setattr(Checkpoints, "write", written)

    return arrange


def result(folder: Path) -> dict[str, Any]:
    (run,) = (path.parent for path in folder.glob("runs/2*/run.json"))
    assert json.loads((run / "run.json").read_text())["status"] == "finished" and not (run / "checkpoints").exists()
    with np.load(run / "attention_epochs.npz") as maps:
        drawn = {name: maps[name].tolist() for name in maps.files}
    return {**json.loads((run / "training.json").read_text()), "metrics": None, "maps": drawn}


@pytest.mark.parametrize("number", [2, pytest.param(5, marks=pytest.mark.slow), 8])  # 2 and 5: in the first network
def test_a_run_that_was_stopped_goes_on_in_its_folder_and_ends_the_same(
    train: Callable[..., pipeline.Outcome], sigterm_at: Callable[[int], None], tmp_path: Path, number: int
) -> None:
    alone = train(folder="alone")
    sigterm_at(number)
    with pytest.raises(Interrupted, match="is kept; the same command with resume=auto goes on with it") as error:
        train()
    assert error.value.exit_code == 75
    (stopped,) = tracking.folder.records(Path("runs")).values()
    assert stopped.status == "killed"
    again = train(resume="auto")
    assert again.run_id == stopped.id and again.text == alone.text
    assert result(tmp_path / "here") == result(tmp_path / "alone")


def test_a_seed_that_was_drawn_is_kept(
    train: Callable[..., pipeline.Outcome],
    sigterm_at: Callable[[int], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn = iter([7, 8, 7, 8])
    monkeypatch.setattr("headway.pipeline.training_run.secrets.randbits", lambda bits: next(drawn))
    train("training.determinism=off", folder="seven")
    train("training.determinism=off", folder="eight")
    sigterm_at(3)
    with pytest.raises(Interrupted):
        train("training.determinism=off")  # draws 7 again
    train("training.determinism=off", resume="auto")  # draws 8, and goes on with 7
    states = [result(tmp_path / name)["state"] for name in ("seven", "here", "eight")]
    assert states[0] == states[1] != states[2]


def test_only_the_same_training_goes_on(
    train: Callable[..., pipeline.Outcome], sigterm_at: Callable[[int], None], caplog: pytest.LogCaptureFixture
) -> None:
    sigterm_at(2)
    with pytest.raises(Interrupted):
        train()
    (stopped,) = tracking.folder.records(Path("runs"))
    for changed in ("seed=5", "training.optimizer=sgd", "training.precision=mixed_bfloat16", "model.heads=2"):
        with pytest.raises(StoredRunError, match="other settings, data or code"):
            train(changed, resume=stopped)
    with caplog.at_level(logging.INFO):
        assert train("seed=5", resume="auto").run_id != stopped
    assert "no unfinished run of these settings, data and code" in caplog.text
    with caplog.at_level(logging.INFO):
        train()
    assert f"run {stopped} of the same settings is unfinished: resume=auto would go on with it" in caplog.text
    assert train(resume=stopped).run_id == stopped
    with pytest.raises(StoredRunError, match="finished"):
        train(resume=stopped)
    with pytest.raises(StoredRunError, match="There is no run"):
        train(resume="2026-01-31_12-00-00_0a1b2c")


def test_a_damaged_checkpoint_is_named_and_the_run_ends_the_same(
    train: Callable[..., pipeline.Outcome],
    sigterm_at: Callable[[int], None],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    train(folder="alone")
    sigterm_at(4)
    with pytest.raises(Interrupted):
        train()
    newest = max(Path("runs").glob("2*/checkpoints/0*/arrays.bin"))
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(content)
    train(resume="auto")
    assert f"{newest.parent.name}/arrays.bin" in caplog.text and "the checkpoint before it is taken" in caplog.text
    assert result(tmp_path / "here") == result(tmp_path / "alone")
