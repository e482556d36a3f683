"""What a run keeps of every epoch, and what it draws meanwhile."""

import threading
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from tests.made_run import made_config, made_forecaster, made_run, made_task  # noqa: F401 - fixtures

from headway import tracking
from headway.config.train import TrainConfig
from headway.data import batches
from headway.epoch_record import EpochRecord
from headway.forecaster import Forecaster
from headway.report.drawing import Drawing
from headway.task import Task
from headway.tracking import Run


def test_attention_is_drawn_at_twenty_epochs_at_most_the_first_among_them(
    config: TrainConfig, task: Task, forecaster: Forecaster, tmp_path: Path
) -> None:
    longer = config.model_copy(update={"training": config.training.model_copy(update={"epochs": 41})})
    with tracking.start(config.tracking, name="made", comparable="x", root=tmp_path) as run:
        record = EpochRecord(run, longer, task)
        for epochs in range(9):
            record(forecaster, epochs, {"validation/mae": 1.0} if epochs else {})
    # A third of 41 epochs is 14 pictures; half would be 21.
    drawn = sorted(int(path.stem) for path in run.folder.glob("images/attention/all_heads/*.png"))
    assert drawn == [0, 1, 4, 7]


def test_the_entropy_of_every_layer_is_in_the_journal_of_every_epoch_drawn(
    config: TrainConfig, task: Task, forecaster: Forecaster, run: Run
) -> None:
    record = EpochRecord(run, config, task)
    for epochs in range(3):
        record(forecaster, epochs, {"validation/mae": 1.0} if epochs else {})
    index = task.windows["validation"]
    inputs = batches.gather(task.rows, index, batches.evenly_spaced(index, 5)).inputs
    rows = forecaster.attention_scores(inputs)[:, 0].reshape(-1, 3)
    expected = np.mean([scipy.stats.entropy(row) / np.log(3) for row in rows])
    lines = [line for line in tracking.read_journal(run.folder) if "attention/entropy_l1" in line["metrics"]]
    assert [line["step"] for line in lines] == [0, 1, 2]
    assert lines[2]["metrics"]["attention/entropy_l1"] == pytest.approx(expected, rel=1e-5)


def drawn(run: Run) -> list[str]:
    return sorted(path.name for path in run.folder.glob("images/attention/all_heads/*.png"))


def test_pictures_drawn_meanwhile_are_those_drawn_at_once(
    config: TrainConfig, task: Task, forecaster: Forecaster, run: Run, tmp_path: Path
) -> None:
    with tracking.start(config.tracking, name="other", comparable="x", root=tmp_path / "other") as other:
        at_once = EpochRecord(other, config, task)
        with Drawing(later=True) as drawing:
            meanwhile = EpochRecord(run, config, task, drawing=drawing)
            for epochs in range(3):
                for record in (at_once, meanwhile):
                    record(forecaster, epochs, {"validation/mae": 1.0} if epochs else {})
            assert (len(drawn(other)), len(drawn(run))) == (3, 0)
            meanwhile.finish()
    for name in ("00000.png", "00001.png", "00002.png"):
        path = f"images/attention/all_heads/{name}"
        assert (run.folder / path).read_bytes() == (other.folder / path).read_bytes()


def test_a_picture_is_logged_at_the_next_epoch_by_the_thread_that_trains(
    config: TrainConfig, task: Task, forecaster: Forecaster, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[threading.Thread] = []
    log_image = Run.log_image

    def watched(self: Run, png: bytes, *, key: str, step: int) -> None:
        threads.append(threading.current_thread())
        log_image(self, png, key=key, step=step)

    monkeypatch.setattr(Run, "log_image", watched)
    with Drawing() as drawing:
        record = EpochRecord(run, config, task, drawing=drawing)
        record(forecaster, 0, {})
        drawing.wait()
        record(forecaster, 1, {"validation/mae": 1.0})
        assert "00000.png" in drawn(run)
        record.finish()
    assert drawn(run) == ["00000.png", "00001.png"]
    assert set(threads) == {threading.current_thread()}


def test_pictures_that_an_end_came_before_are_drawn_when_the_run_goes_on(
    config: TrainConfig, task: Task, forecaster: Forecaster, run: Run
) -> None:
    with pytest.raises(KeyboardInterrupt), Drawing(later=True) as drawing:
        record = EpochRecord(run, config, task, drawing=drawing)
        record(forecaster, 0, {})
        record(forecaster, 1, {"validation/mae": 1.0})
        raise KeyboardInterrupt
    assert drawn(run) == []
    EpochRecord(run, config, task)
    assert drawn(run) == ["00000.png", "00001.png"]
