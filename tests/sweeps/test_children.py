"""Children as rows: what each was, how it did, and which one won."""

import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from headway.sweeps import children
from headway.sweeps.children import Row
from headway.sweeps.space import Span
from headway.sweeps.storage import JOURNAL, open_storage
from headway.sweeps.study import Plan, Study

ROW = Row(
    number=3,
    state="finished",
    parameters={"model.heads": "2", "+training.learning_rate": "0.00123457"},
    curve={1: 5.0, 2: 3.0, 3: 4.0},
    metrics={"validation/best_error": 3.0},
    values=(3.0,),
    seconds=17.4,
    run="2026-01-31_12-00-00_0a1b2c",
    mlflow_run=None,
    task="same",
    error=None,
    reused=False,
)


def finished(number: int, score: float, **changes: object) -> Row:
    return replace(ROW, number=number, metrics={"validation/best_error": score}, **changes)


PRUNED = replace(ROW, number=5, state="pruned", metrics={}, values=(), curve={1: 7.0, 2: 6.5})
RUNNING = replace(ROW, number=7, state="running", metrics={}, values=(), curve={1: 2.0}, seconds=None)
WAITING = replace(ROW, number=11, state="waiting", metrics={}, values=(), curve={}, seconds=None, run=None)
FAILED = replace(ROW, number=13, state="failed", metrics={}, values=(), curve={1: 1.0}, error="no luck")


@pytest.mark.parametrize(
    ("row", "score"),
    [(ROW, 3.0), (PRUNED, 6.5), (RUNNING, 2.0), (WAITING, None), (FAILED, None)],
    ids=lambda row: getattr(row, "state", None),
)
def test_the_score_is_the_best_of_a_finished_child_and_the_last_of_another(row: Row, score: float | None) -> None:
    assert row.score == score


def test_epochs_of_an_earlier_run_are_not_counted() -> None:
    assert (ROW.epochs, WAITING.epochs) == (3, 0)
    assert replace(ROW, reused=True).epochs == 0


def test_the_best_is_the_lowest_finished_and_of_equals_the_first() -> None:
    rows = [FAILED, RUNNING, PRUNED, finished(17, 2.5), finished(2, 2.5), finished(1, 9.0)]
    best = children.best_of(rows)
    assert best is not None
    assert best.number == 2


def test_a_finished_child_without_a_score_is_passed_over() -> None:
    best = children.best_of([replace(ROW, metrics={}), finished(17, 2.5)])
    assert best is not None
    assert best.number == 17


def test_there_is_no_best_among_none_and_among_different_tasks() -> None:
    assert children.best_of([]) is None
    assert children.best_of([FAILED, PRUNED, RUNNING]) is None
    assert children.best_of([finished(1, 2.5), finished(2, 1.5, task="another")]) is None
    assert children.best_of([finished(1, 2.5), replace(FAILED, task="another")]) is not None


def test_children_are_ranked_by_how_they_ended_and_then_by_error() -> None:
    rows = [
        FAILED,
        WAITING,
        finished(1, 9.0),
        RUNNING,
        PRUNED,
        finished(2, 2.5),
        replace(PRUNED, number=6, curve={1: 1.0}),
    ]
    assert [row.number for row in children.ranked(rows)] == [2, 1, 6, 5, 7, 11, 13]


def test_a_table_shows_every_child_best_first() -> None:
    text = children.table([FAILED, finished(1, 9.0), finished(2, 2.54321), WAITING])
    header, _, *lines = text.splitlines()
    assert header.split() == [
        "trial",
        "heads",
        "learning_rate",
        "validation",
        "error",
        "state",
        "epochs",
        "time",
        "run",
    ]
    assert [line.split()[0] for line in lines] == ["2", "1", "11", "13"]
    assert lines[0].split() == ["2", "2", "0.001235", "2.543", "finished", "3", "17", "s", ROW.run]
    assert "failed: no luck" in lines[3]


def test_a_long_table_ends_with_a_count() -> None:
    rows = [finished(number, float(number)) for number in range(7)]
    assert children.table(rows, most=5).endswith("\n\n2 more in trials.csv")
    assert "more in" not in children.table(rows, most=7)


def test_an_earlier_run_shows_no_time_of_its_own() -> None:
    line = children.table([finished(1, 2.5, reused=True)]).splitlines()[-1]
    assert "finished before" in line
    assert " s " not in line


def test_a_long_error_is_cut() -> None:
    line = children.table([replace(FAILED, error="word " * 97)]).splitlines()[-1]
    assert len(line) < 200
    assert "..." in line


def test_a_table_bears_children_with_different_parameters() -> None:
    other = replace(finished(2, 2.5), parameters={"seed": "5"})
    header = children.table([ROW, other]).splitlines()[0]
    assert header.split()[:4] == ["trial", "heads", "learning_rate", "seed"]
    assert children.table([], style="github").count("\n") == 1


def test_children_are_counted_by_state() -> None:
    rows = [finished(1, 1.0), finished(2, 1.0), PRUNED, FAILED]
    assert children.counts(rows) == "2 finished, 1 pruned, 1 failed"
    assert children.counts([]) == "none"


def test_a_command_survives_a_shell() -> None:
    row = replace(ROW, parameters={"dataset.path": "a b'c.csv", "model.quantiles": "[0.1,0.5]"})
    words = children.command_of(row, ["training.epochs=3"])
    assert words[:2] == ["python", "train.py"]
    assert shlex.split(children.spelled(words)) == words
    assert words[2:] == ["training.epochs=3", "dataset.path=a b'c.csv", "model.quantiles=[0.1,0.5]"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.00123457", "0.001235"),
        ("0.000001", "0.000001"),
        ("transformer_small", "transformer_small"),
        ("4096", "4096"),
        ("123456789", "1.235e+08"),
    ],
)
def test_a_number_of_many_digits_is_shortened(text: str, expected: str) -> None:
    assert children.short(text) == expected


@pytest.fixture
def study(tmp_path: Path) -> Study:
    plan = Plan(
        dimensions={"model.dropout": Span(0.0, 0.3)}, constants=(), points=(), n_trials=5,
        sampler="random", seed=3, objectives=("error",), retries=2,
    )  # fmt: skip
    return Study(open_storage(JOURNAL, tmp_path), "weather", plan, folder=tmp_path)


@pytest.fixture
def raw(tmp_path: Path) -> Callable[[], optuna.Study]:
    return lambda: optuna.load_study(study_name="weather", storage=open_storage(JOURNAL, tmp_path))


def test_rows_are_what_the_study_knows(study: Study, raw: Callable[[], optuna.Study]) -> None:
    assignments = study.ask(4)
    study.reuse(0, [1.5], run="2026", mlflow_run="abc", metrics={"validation/best_error": 1.5}, task="same")
    study.fail(1, "no luck")
    storage = raw()._storage
    storage.set_trial_intermediate_value(raw().trials[2]._trial_id, 1, 7.0)
    raw().tell(2, state=TrialState.PRUNED)
    rows = children.rows_of(study)
    assert [row.state for row in rows] == ["finished", "failed", "pruned", "running"]
    assert [dict(row.parameters) for row in rows] == [
        {"model.dropout": assignment.overrides[0].partition("=")[2]} for assignment in assignments
    ]
    known = rows[0]
    assert (known.score, known.values, known.run, known.mlflow_run, known.task) == (1.5, (1.5,), "2026", "abc", "same")
    assert (known.reused, rows[1].error, rows[2].score, rows[3].seconds) == (True, "no luck", 7.0, None)


def test_a_lost_trial_is_no_child(study: Study) -> None:
    study.ask(2)
    study.give_up(0)
    assert [(row.number, row.state) for row in children.rows_of(study)] == [(1, "running"), (2, "waiting")]
