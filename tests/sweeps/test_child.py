"""A sweep's job tells the study how it ended, whatever becomes of it."""

import gc
import math
import os
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState

from headway.errors import ConfigError, DataError, Interrupted, NumericError, Pruned
from headway.process import Process
from headway.sweeps import child
from headway.sweeps.child import Child
from headway.sweeps.space import Span
from headway.sweeps.storage import JOURNAL, open_storage
from headway.sweeps.study import Plan, Study
from headway.sweeps.ticket import Ticket

PLAN = Plan(
    dimensions={"model.dropout": Span(0.0, 0.3)}, constants=(), points=(), n_trials=11,
    sampler="random", seed=3, objectives=("error",), retries=2,
)  # fmt: skip
METRICS = {"validation/best_error": 1.5, "train/seconds": 17.0, "weights": 97.0}


@pytest.fixture(autouse=True, scope="module")
def frozen() -> Iterator[None]:
    """Every job ends with a collection of garbage, which takes long where other tests have loaded a lot."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return Study(open_storage(JOURNAL, tmp_path), "weather", PLAN, folder=tmp_path)


@pytest.fixture
def ticket(study: Study, tmp_path: Path) -> Callable[..., Ticket]:
    """Makes the ticket of a new trial."""

    def make(**changes: object) -> Ticket:
        (assignment,) = study.ask(1)
        known = Ticket(
            storage=JOURNAL, folder=str(tmp_path), study="weather", trial=assignment.number, parent="2026-parent",
            parent_mlflow="abc", sweeper=Process.own().as_dict(), swept=assignment.overrides, objectives=["error"],
            pruner="none", is_search=True, epochs=5, threads=None,
        )  # fmt: skip
        return replace(known, **changes)  # type: ignore[arg-type]

    return make


@pytest.fixture
def stored(tmp_path: Path) -> Callable[[int], FrozenTrial]:
    """A trial as another process reads it."""
    return lambda number: optuna.load_study(study_name="weather", storage=open_storage(JOURNAL, tmp_path)).trials[
        number
    ]


def result(**changes: float) -> SimpleNamespace:
    return SimpleNamespace(metrics={**METRICS, **{name.replace("__", "/"): value for name, value in changes.items()}})


def raising(error: BaseException) -> Callable[[Child], Any]:
    def work(sweep: Child) -> None:
        raise error

    return work


def test_a_result_is_told_with_its_metrics(ticket: Callable[..., Ticket], stored: Callable[[int], FrozenTrial]) -> None:
    assert child.run(ticket(), lambda sweep: result()) == 1.5
    trial = stored(0)
    assert (trial.state, trial.values) == (TrialState.COMPLETE, [1.5])
    assert trial.user_attrs["metrics"] == METRICS
    assert (trial.user_attrs["claimed"], trial.user_attrs["owner"]) == (True, Process.own().as_dict())


def test_objectives_are_told_in_their_order(tmp_path: Path, ticket: Callable[..., Ticket]) -> None:
    two = replace(PLAN, objectives=("weights", "error", "seconds"))
    Study(open_storage(JOURNAL, tmp_path), "three", two, folder=tmp_path).ask(1)
    given = replace(ticket(), study="three", trial=0, objectives=list(two.objectives))
    assert child.run(given, lambda sweep: result()) == 1.5
    three = optuna.load_study(study_name="three", storage=open_storage(JOURNAL, tmp_path))
    assert three.trials[0].values == [97.0, 1.5, 17.0]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RuntimeError("no luck\n  at all"), "RuntimeError: no luck at all"),
        (MemoryError(), "MemoryError:"),
        (SystemExit(3), "something called sys.exit(3)"),
        (GeneratorExit("gone"), "GeneratorExit: gone"),
        (ConfigError("one mistake", "another"), "one mistake another"),
        (NumericError("the loss is nan"), "the loss is nan"),
        (KeyError("weights"), "KeyError: 'weights'"),
        (ValueError("x" * 5000), "ValueError: " + "x" * 1988),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_a_failure_is_told_and_raises_nothing(
    ticket: Callable[..., Ticket], stored: Callable[[int], FrozenTrial], error: BaseException, words: str
) -> None:
    assert child.run(ticket(), raising(error)) is None
    trial = stored(0)
    assert (trial.state, trial.user_attrs["error"]) == (TrialState.FAIL, words)
    assert trial.values is None


def test_a_pruned_trial_is_told_as_one(ticket: Callable[..., Ticket], stored: Callable[[int], FrozenTrial]) -> None:
    assert child.run(ticket(), raising(Pruned("enough"))) is None
    assert stored(0).state == TrialState.PRUNED
    assert "error" not in stored(0).user_attrs


@pytest.mark.parametrize("error", [Interrupted("by the user"), KeyboardInterrupt()])
def test_an_interruption_ends_the_job_and_leaves_its_trial_to_the_sweeper(
    ticket: Callable[..., Ticket], stored: Callable[[int], FrozenTrial], error: BaseException
) -> None:
    with pytest.raises(type(error)):
        child.run(ticket(), raising(error))
    assert stored(0).state == TrialState.RUNNING


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_no_result(
    ticket: Callable[..., Ticket], stored: Callable[[int], FrozenTrial], value: float
) -> None:
    assert child.run(ticket(), lambda sweep: result(validation__best_error=value)) is None
    assert stored(0).state == TrialState.FAIL
    assert "a result that is not finite is none" in stored(0).user_attrs["error"]
    assert stored(0).values is None


def test_an_objective_that_is_not_finite_is_none_either(tmp_path: Path, ticket: Callable[..., Ticket]) -> None:
    two = replace(PLAN, objectives=("error", "seconds"))
    other = Study(open_storage(JOURNAL, tmp_path), "two", two, folder=tmp_path)
    other.ask(1)
    given = replace(ticket(), study="two", trial=0, objectives=["error", "seconds"])
    assert child.run(given, lambda sweep: result(train__seconds=math.nan)) is None
    assert [trial.state for trial in other.trials] == [TrialState.FAIL]


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_an_epoch_that_is_not_finite_is_not_reported(
    ticket: Callable[..., Ticket], stored: Callable[[int], FrozenTrial], value: float
) -> None:
    def work(sweep: Child) -> SimpleNamespace:
        sweep.report(1, 3.0)
        sweep.report(2, value)
        return result()

    child.run(ticket(pruner="asha"), work)
    assert stored(0).intermediate_values == {1: 3.0}


def test_every_epoch_is_reported(ticket: Callable[..., Ticket], stored: Callable[[int], FrozenTrial]) -> None:
    def work(sweep: Child) -> SimpleNamespace:
        for epoch in range(1, 6):
            sweep.report(epoch, 7.0 / epoch)
        return result()

    child.run(ticket(), work)
    assert stored(0).intermediate_values == {epoch: 7.0 / epoch for epoch in range(1, 6)}


def test_who_is_overtaken_is_pruned_in_its_first_epoch(
    ticket: Callable[..., Ticket], stored: Callable[[int], FrozenTrial]
) -> None:
    def work(score: float) -> Callable[[Child], SimpleNamespace]:
        def train(sweep: Child) -> SimpleNamespace:
            for epoch in (1, 2, 3):
                sweep.report(epoch, score)
            return result(validation__best_error=score)

        return train

    outcomes = [child.run(ticket(pruner="asha"), work(score)) for score in (2.0, 3.0, 1.0)]
    assert outcomes == [2.0, None, 1.0]
    assert (stored(1).state, stored(1).last_step) == (TrialState.PRUNED, 1)
    assert [child.run(ticket(pruner="none"), work(5.0))] == [5.0]


def test_a_job_says_who_it_is_and_knows_its_parent(
    ticket: Callable[..., Ticket], stored: Callable[[int], FrozenTrial]
) -> None:
    def work(sweep: Child) -> SimpleNamespace:
        assert (sweep.parent.id, sweep.parent.mlflow_run_id) == ("2026-parent", "abc")
        sweep.begin("2026-own", None, task="same")
        return result()

    child.run(ticket(), work)
    kept = stored(0).user_attrs
    assert (kept["run"], kept["mlflow_run"], kept["task"]) == ("2026-own", None, "same")


def test_a_search_refuses_another_task_and_a_grid_bears_it(
    ticket: Callable[..., Ticket], stored: Callable[[int], FrozenTrial]
) -> None:
    def work(task: str) -> Callable[[Child], SimpleNamespace]:
        def train(sweep: Child) -> SimpleNamespace:
            sweep.begin("2026-own", None, task=task)
            return result()

        return train

    assert child.run(ticket(is_search=False), work("of a grid")) == 1.5
    outcomes = [child.run(ticket(), work(task)) for task in ("first", "another", "first")]
    assert outcomes == [1.5, None, 1.5]
    assert "forecasts something else than the study's first" in stored(2).user_attrs["error"]
    assert child.run(ticket(is_search=False), work("another")) == 1.5


def test_the_task_is_refused_before_anything_is_trained(ticket: Callable[..., Ticket]) -> None:
    def work(sweep: Child) -> SimpleNamespace:
        sweep.begin("first", None, task="first")
        with pytest.raises(DataError):
            sweep.begin("second", None, task="second")
        return result()

    assert child.run(ticket(), work) == 1.5


@pytest.mark.parametrize("state", [TrialState.FAIL, TrialState.PRUNED])
def test_a_trial_that_has_ended_is_not_worked_on(
    tmp_path: Path, ticket: Callable[..., Ticket], state: TrialState
) -> None:
    given = ticket()
    optuna.load_study(study_name="weather", storage=open_storage(JOURNAL, tmp_path)).tell(given.trial, state=state)
    assert child.run(given, raising(AssertionError("worked on"))) is None


@pytest.mark.parametrize(
    ("owner", "beat", "is_taken"),
    [
        ({"host": "elsewhere", "pid": 1, "started": 1.0}, 0.0, True),  # long silent
        ({"host": "elsewhere", "pid": 1, "started": 1.0}, math.inf, False),
        ({"host": socket.gethostname(), "pid": os.getpid(), "started": 1.0}, math.inf, True),  # dead
        (Process.own().as_dict(), math.inf, True),
    ],
)
def test_a_trial_that_another_job_works_on_is_left_to_it(
    tmp_path: Path, ticket: Callable[..., Ticket], owner: dict[str, Any], beat: float, is_taken: bool
) -> None:
    given, storage = ticket(), open_storage(JOURNAL, tmp_path)
    trial_id = storage.get_trial_id_from_study_id_trial_number(0, given.trial)
    for name, value in {"claimed": True, "owner": owner, "beat": min(beat, time.time())}.items():
        storage.set_trial_user_attr(trial_id, name, value)
    assert child.run(given, lambda sweep: result()) == (1.5 if is_taken else None)


def test_a_job_whose_trial_was_given_up_meanwhile_raises_nothing(
    study: Study, ticket: Callable[..., Ticket], stored: Callable[[int], FrozenTrial]
) -> None:
    def work(sweep: Child) -> SimpleNamespace:
        study.give_up(0)
        return result()

    assert child.run(ticket(), work) is None
    assert stored(0).state == TrialState.FAIL
