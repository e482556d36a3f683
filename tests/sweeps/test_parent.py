"""The parent run holds the winner's values, the table, the pictures and the command that repeats the best."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import optuna
import pytest
from optuna.trial import TrialState

from headway import tracking
from headway.sweeps import parent
from headway.sweeps.space import Choice, Span
from headway.sweeps.storage import JOURNAL, open_storage
from headway.sweeps.study import Plan, Study
from headway.tracking import Run, read_journal

SEARCH = Plan(
    dimensions={"training.learning_rate": Span(0.001, 0.1, log=True), "model.heads": Choice(("2", "4"))},
    constants=(), points=(), n_trials=29, sampler="random", seed=3, objectives=("error",), retries=2,
)  # fmt: skip
SHARED = ["training.epochs=7", "dataset.name=a b"]
OFF = SimpleNamespace(kind="off", uri="", experiment="weather", required=False, system_metrics=False)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    monkeypatch.chdir(tmp_path)
    with tracking.start(OFF, name="sweep", comparable="", tags={"headway.kind": "sweep"}) as own:
        yield own


@pytest.fixture
def study(tmp_path: Path) -> Callable[..., Study]:
    """Makes a study with four finished trials (the third is the best), one pruned, one failed and one that runs."""

    def make(**changes: object) -> Study:
        made = Study(open_storage(JOURNAL, tmp_path), "weather", replace(SEARCH, **changes), folder=tmp_path)  # type: ignore[arg-type]
        raw = optuna.load_study(study_name="weather", storage=made._storage)
        made.ask(7)
        for number, error in enumerate((4.0, 3.0, 1.25, 2.0)):
            for epoch in range(1, 8):
                made._storage.set_trial_intermediate_value(raw.trials[number]._trial_id, epoch, error + 7 - epoch)
            metrics = {"validation/best_error": error, "train/seconds": 10 - error, "weights": 97.0}
            for name, value in {"metrics": metrics, "run": f"2026-{number}", "task": "same"}.items():
                made._set(number, name, value)
            values = {"error": error, "seconds": 10 - error}
            raw.tell(number, [values[objective] for objective in changes.get("objectives", ("error",))])  # type: ignore[attr-defined]
        for epoch in (1, 2):
            made._storage.set_trial_intermediate_value(raw.trials[4]._trial_id, epoch, 9.0)
        raw.tell(4, state=TrialState.PRUNED)
        made.fail(5, "no luck")
        return made

    return make


@pytest.fixture
def record(run: Run) -> Callable[..., str]:
    """Records a study on the run."""

    def write(study: Study, **changes: object) -> str:
        known = {"name": "weather", "command": ["python", "train.py", "-m", "a b=1,2"], "shared": SHARED}
        known |= {"dimensions": SEARCH.dimensions, "objectives": ("error",)}
        return parent.record(run, study, **(known | changes))  # type: ignore[arg-type]

    return write


def test_the_parent_has_the_winners_values_and_the_counts(
    run: Run, record: Callable[..., str], study: Callable[..., Study]
) -> None:
    record(study())
    (line,) = read_journal(run.folder)
    assert line["metrics"] == {
        "sweep/finished": 4, "sweep/pruned": 1, "sweep/failed": 1, "sweep/epochs": 4 * 7 + 2, "sweep/best_trial": 2,
        "validation/best_error": 1.25, "train/seconds": 8.75, "weights": 97.0,
    }  # fmt: skip
    assert run.record.best == "2026-2"


def test_the_csv_has_every_child(run: Run, record: Callable[..., str], study: Callable[..., Study]) -> None:
    record(study())
    with (run.folder / "trials.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["trial"] for row in rows] == [str(number) for number in range(7)]
    assert [row["state"] for row in rows] == ["finished"] * 4 + ["pruned", "failed", "running"]
    assert [row["validation_error"] for row in rows] == ["4.0", "3.0", "1.25", "2.0", "9.0", "", ""]
    assert [row["epochs"] for row in rows] == ["7", "7", "7", "7", "2", "0", "0"]
    assert rows[5]["error"] == "no luck"
    assert all(0.001 <= float(row["training.learning_rate"]) <= 0.1 and row["model.heads"] in "24" for row in rows)


def test_the_report_says_how_to_repeat_and_to_judge_the_best(
    run: Run, record: Callable[..., str], study: Callable[..., Study]
) -> None:
    text = record(study())
    with (run.folder / "trials.csv").open(encoding="utf-8", newline="") as file:
        best = list(csv.DictReader(file))[2]
    settings = [f"{key}={best[key]}" for key in SEARCH.dimensions]
    again = " ".join(["python train.py training.epochs=7 'dataset.name=a b'", *settings])
    page = (run.folder / "report.md").read_text(encoding="utf-8")
    for words in (again, f"best of 7: trial 2 with {' '.join(settings)}: validation error 1.25"):
        assert words in page
        assert words in text
    assert "python evaluate.py run=2026-2" in page
    assert "`python train.py -m 'a b=1,2'`" in page
    assert "4 finished, 1 pruned, 1 running, 1 failed" in page
    # Five of seven epochs were not trained of one in five children.
    assert "1 trials were pruned: 30 epochs instead of up to 35 (14% saved)" in text


def test_every_picture_of_a_search_is_drawn_and_stands_in_the_report(
    run: Run, record: Callable[..., str], study: Callable[..., Study]
) -> None:
    record(study())
    page = (run.folder / "report.md").read_text(encoding="utf-8")
    drawn = {path.name for path in run.folder.glob("*.png")}
    expected = {"comparison", "history", "intermediate_values", "parallel_coordinates", "importance"}
    assert drawn == {f"{name}.png" for name in expected}
    for name in drawn:
        assert (run.folder / name).read_bytes().startswith(b"\x89PNG")
        assert f"({name})" in page


def test_two_objectives_have_a_front(run: Run, record: Callable[..., str], study: Callable[..., Study]) -> None:
    text = record(study(objectives=("error", "seconds")), objectives=("error", "seconds"))
    # The lower the error, the longer it took: nobody is beaten.
    front = [line for line in text.splitlines() if line.startswith("  trial")]
    assert front == [
        "  trial 2: error 1.25, seconds 8.75", "  trial 3: error 2, seconds 8",
        "  trial 1: error 3, seconds 7", "  trial 0: error 4, seconds 6",
    ]  # fmt: skip
    assert (run.folder / "pareto.png").exists()


def test_what_the_winner_is_worth_is_said(run: Run, record: Callable[..., str], study: Callable[..., Study]) -> None:
    assert "MAE on the test split 97" in record(study(), judged="MAE on the test split 97")
    assert "MAE on the test split 97" in (run.folder / "report.md").read_text(encoding="utf-8")


def test_a_second_record_replaces_the_first(run: Run, record: Callable[..., str], study: Callable[..., Study]) -> None:
    first = study()
    record(first)
    first.fail(6, "as asked")
    record(first)
    assert (run.folder / "trials.csv").read_text().count("\n") == 8
    assert read_journal(run.folder)[-1]["metrics"]["sweep/failed"] == 2
    assert (run.folder / "report.md").read_text().count("# ") <= 1


@pytest.mark.parametrize("ended", ["failed", "running", "asked for nothing"])
def test_a_sweep_without_a_result_is_recorded_too(
    tmp_path: Path, run: Run, record: Callable[..., str], ended: str
) -> None:
    study = Study(open_storage(JOURNAL, tmp_path), "weather", SEARCH, folder=tmp_path)
    for number in range(3 if ended != "asked for nothing" else 0):
        study.ask(1)
        if ended == "failed":
            study.fail(number, "no luck")
    assert "no child finished" in record(study)
    assert run.record.best == ""


def test_a_grid_of_equal_errors_is_recorded(tmp_path: Path, run: Run, record: Callable[..., str]) -> None:
    grid = replace(SEARCH, dimensions={}, points=[[f"model.heads={heads}", "model.layers=1"] for heads in (2, 4)])
    study = Study(open_storage(JOURNAL, tmp_path), "weather", grid, folder=tmp_path)
    study.ask(2)
    for number in range(2):
        metrics = {"validation/best_error": 1.5}
        study.reuse(number, [1.5], run=f"2026-{number}", mlflow_run=None, metrics=metrics, task="same")
    assert "best of 2: trial 0 with model.heads=2 model.layers=1" in record(study, dimensions={})


def test_no_winner_is_named_among_children_that_forecast_different_things(
    tmp_path: Path, run: Run, record: Callable[..., str]
) -> None:
    grid = replace(SEARCH, dimensions={}, points=[["windows.horizon=3"], ["windows.horizon=5"]])
    study = Study(open_storage(JOURNAL, tmp_path), "weather", grid, folder=tmp_path)
    study.ask(2)
    for number in range(2):
        metrics = {"validation/best_error": 1.5}
        study.reuse(number, [1.5], run=f"2026-{number}", mlflow_run=None, metrics=metrics, task=str(number))
    text = record(study, dimensions={})
    assert "no winner is named: the children forecast different things" in text
    assert "again:" not in text
    assert run.record.best == ""
