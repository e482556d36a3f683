"""What a run keeps for its review."""

import numpy as np
import pytest
from tests.made_run import made_config, made_forecaster, made_run, made_task  # noqa: F401 - fixtures

from headway import tracking
from headway.config.train import TrainConfig
from headway.data import batches
from headway.epoch_record import EpochRecord
from headway.forecaster import Forecaster
from headway.judgement import judge_forecaster
from headway.record import facts, record_judgement, record_report, record_training
from headway.stored import Result, Stored
from headway.task import Task
from headway.tracking import Run
from headway.training.fit import History

HISTORY = History({"loss": [2, 1], "val_loss": [2, 1], "mae": [2, 1], "val_mae": [2, 1]}, 1, 2, {"mae": 1})


def test_a_trained_run_holds_forecaster_attention_and_curves(
    config: TrainConfig, task: Task, forecaster: Forecaster, run: Run
) -> None:
    record = EpochRecord(run, config, task)
    for epochs in range(3):
        record(forecaster, epochs, {"validation/mae": 1.0} if epochs else {})
    record_training(run, config, task, forecaster, HISTORY, metrics={"weights": 97.0}, epochs=record)
    assert Result.read(run.folder) == Result({"weights": 97.0}, task.question(config.splits))
    assert Forecaster.load(run.folder / "forecaster").targets == ("y",)
    for name in ("attention_map.png", "attention_epochs.png", "learning_curves.png"):
        assert (run.folder / name).stat().st_size
    with np.load(run.folder / "attention_scores.npz") as stored:
        (scores,) = (stored[name] for name in stored.files if stored[name].ndim == 5)
        origins = next(stored[name] for name in stored.files if stored[name].dtype.kind == "M")
        names = {value for name in stored.files if stored[name].dtype.kind == "U" for value in stored[name].ravel()}
    assert scores.shape == (5, 1, 2, 3, 3)
    np.testing.assert_allclose(scores.sum(axis=-1), 1, rtol=1e-5)
    # Validation rows are 218 to 248 of each series; the first forecast is made from the row before.
    hours = (origins - np.datetime64("2024-01-01T00")) / np.timedelta64(1, "h")
    assert hours.min() >= 217 and hours.max() <= 246
    assert {"a", "b"} <= names


def test_attention_by_epoch_is_that_of_the_probe_windows(
    config: TrainConfig, task: Task, forecaster: Forecaster, run: Run
) -> None:
    record = EpochRecord(run, config, task)
    for epochs in range(3):
        record(forecaster, epochs, {"validation/mae": 1.0} if epochs else {})
    index = task.windows["validation"]
    inputs = batches.gather(task.rows, index, batches.evenly_spaced(index, 5)).inputs
    expected = forecaster.attention_scores(inputs).mean(axis=0)
    assert sorted(record.maps()) == [0, 1, 2]
    np.testing.assert_allclose(record.maps()[2], expected, atol=1e-6)
    record_training(run, config, task, forecaster, HISTORY, metrics={"weights": 97.0}, epochs=record)
    with np.load(run.folder / "attention_epochs.npz") as stored:
        assert stored["epochs"].tolist() == [0, 1, 2] and stored["best"] == 2
        np.testing.assert_allclose(stored["attention_scores"][1], expected, atol=1e-6)
        # The forecast reads every step, so what a lag receives is the mean over all that attend.
        np.testing.assert_allclose(stored["received"][1], expected.mean(axis=-2), atol=1e-6)


def test_the_page_of_a_run_has_the_curves_and_the_best_epoch_of_its_journal(
    config: TrainConfig, task: Task, run: Run
) -> None:
    for epoch, loss in enumerate((0.9, 0.5, 0.7), start=1):
        run.log_metrics({"train/loss": loss, "validation/loss": loss, "validation/mae": loss}, step=epoch)
    run.log_metrics({"validation/best_error": 0.5}, step=2)
    run.log_metrics({"test/y/mae": 0.6})  # of judging: no epoch
    kept = Stored(config, "fingerprint of it", ("python", "train.py"))
    record_report(run, kept, task, headline="what was found")
    html = (run.folder / "report.html").read_text(encoding="utf-8")
    assert "The weights of epoch 2 are kept" in html and "over 3 epochs" in html
    assert "what was found" in html and f"made ({run.id})" in html and "fingerprint of it" in html


def test_a_judged_run_holds_a_report_whose_pictures_are_there(
    config: TrainConfig, task: Task, forecaster: Forecaster, run: Run
) -> None:
    judgement = judge_forecaster(forecaster, task, config.evaluation, seed=0, cache=None)
    (run.folder / "attention_map.png").write_bytes(b"")
    words = record_judgement(run, config, task, judgement, command=["python", "train.py"], seeds="of three seeds")
    report = (run.folder / "report.md").read_text()
    error = judgement.scores.value("y", "transformer", "mae")
    assert words.startswith(f"MAE of y on the test split {error:.3f} MW; against its strongest rival: ")
    assert report.startswith(f"**{words}**\n\n- ran: `python train.py`\n")
    assert "- seeds: of three seeds\n" in report
    assert all(f"- {line}\n" in report for line in judgement.verdicts.splitlines())
    linked = [line[line.index("](") + 2 : -1] for line in report.splitlines() if line.startswith("![")]
    assert {"forecast.png", "skill.png", "calibration.png", "slices.png", "attention_map.png"} == set(linked)
    assert all((run.folder / name).exists() for name in linked)
    for by in ("series", "hour"):
        assert f"y [MW] by {by}" in report


def test_scaled_scores_are_logged_and_stand_in_the_description_without_the_tables_by_target(
    config: TrainConfig, task: Task, forecaster: Forecaster, run: Run
) -> None:
    judgement = judge_forecaster(forecaster, task, config.evaluation, seed=0, cache=None, scaled=True)
    words = record_judgement(run, config, task, judgement, command=["python", "train.py"], seeds="")
    assert judgement.scaled is not None and words == judgement.headline
    logged = {name: value for line in tracking.read_journal(run.folder) for name, value in line["metrics"].items()}
    assert logged["test/scaled_mse"] == pytest.approx(judgement.scaled.mse["transformer"], rel=1e-5)
    assert logged["test/scaled_mae"] == pytest.approx(judgement.scaled.mae["transformer"], rel=1e-5)
    assert logged["test/scaled_mse_drift"] == pytest.approx(judgement.scaled.mse["drift"], rel=1e-5)
    report = (run.folder / "report.md").read_text()
    # What the description shows ends with its last picture; the tables by target come after it.
    shown, below = report[: report.rindex("![")], report[report.rindex("![") :]
    assert f"**{words}**" in shown and "scaled values, all" in shown and "- scaled MSE: transformer" in shown
    assert "y [MW]" not in shown and "by steps of 1h" in below and "mase" in below
    assert (run.folder / "scaled.csv").exists()


def test_facts_say_what_ran(config: TrainConfig, task: Task) -> None:
    found = facts(config, task, ["python", "train.py", "run name=a b"])
    assert found["ran"] == "`python train.py 'run name=a b'`"
    # 218, 31 and 62 of 311 rows a series.
    counts = (2 * (218 - 4), 2 * (31 - 1), 2 * (62 - 1))
    assert "made: 2 series on a clock of 1h; windows train {}, validation {}, test {}".format(*counts) == found["data"]
    assert (
        found["model"]
        == "3 steps in, 2 out; 1 layer, 2 heads, d_model 4, self attention; a quantile forecast reads everything encoded"
    )
