"""Trials whose process is gone are tried again, as they were, and not without end."""

import os
import socket
import time
from collections.abc import Callable

import optuna
import pytest
from optuna.storages import BaseStorage
from optuna.trial import TrialState

from headway.process import Process
from headway.sweeps.study import MOST_UNSEEN, Assignment, Plan, Study

HERE = socket.gethostname()
DEAD = {"host": HERE, "pid": os.getpid(), "started": 1.0}  # of a process that had this one's number
ELSEWHERE = {"host": "elsewhere", "pid": 1, "started": 1.0}


@pytest.fixture
def mark(storage: BaseStorage, raw: Callable[[], optuna.Study]) -> Callable[..., None]:
    """Changes what is kept with a trial, as its process would: mark(3, owner=DEAD, claimed=True)."""

    def write(number: int, **attributes: object) -> None:
        for name, value in attributes.items():
            storage.set_trial_user_attr(raw().trials[number]._trial_id, name, value)

    return write


def numbers(assignments: list[Assignment]) -> list[int]:
    return [assignment.number for assignment in assignments]


def test_a_trial_of_a_dead_process_is_tried_again_with_the_same_parameters(
    sweep: Callable[..., Study], raw: Callable[[], optuna.Study], mark: Callable[..., None]
) -> None:
    study = sweep()
    before = study.ask(3)
    mark(1, owner=DEAD, claimed=True)
    again = study.ask(7)
    assert numbers(again) == [3, 4, 5]  # five in all, and the lost one is none of them
    assert again[0].overrides == before[1].overrides
    assert raw().trials[3].params == raw().trials[1].params
    assert raw().trials[1].state == TrialState.FAIL
    assert [trial.number for trial in study.trials] == [0, 2, 3, 4, 5]


def test_what_was_lost_before_it_began_is_no_suspect(sweep: Callable[..., Study], mark: Callable[..., None]) -> None:
    study = sweep()
    study.ask(3)
    mark(1, owner=DEAD)
    again = study.ask(7)
    assert numbers(again) == [3, 4, 5]
    assert not any(assignment.alone for assignment in again)


def test_a_trial_that_kills_its_process_is_given_up(sweep: Callable[..., Study], mark: Callable[..., None]) -> None:
    study = sweep(n_trials=1)
    overrides = set()
    for attempt in range(3):  # the first and two retries
        (assignment,) = study.ask(7)
        assert assignment.alone == (attempt > 0)
        overrides.add(assignment.overrides)
        mark(assignment.number, claimed=True)
        study.give_up(assignment.number, counts=True)
    assert study.ask(7) == []
    assert len(overrides) == 1
    (trial,) = study.trials
    assert trial.state == TrialState.FAIL
    assert trial.user_attrs["error"].startswith("its process ended without a word 3 times")


def test_a_trial_that_vanishes_with_its_sweeper_is_given_up_after_many_times(
    sweep: Callable[..., Study], mark: Callable[..., None]
) -> None:
    study = sweep(n_trials=1, retries=0)
    for _ in range(MOST_UNSEEN + 1):
        (assignment,) = study.ask(7)
        assert not assignment.alone
        mark(assignment.number, owner=DEAD, claimed=True)
    assert study.ask(7) == []
    (trial,) = study.trials
    assert trial.state == TrialState.FAIL
    assert trial.user_attrs["error"].startswith(f"its process ended without a word {MOST_UNSEEN + 1} times")


def test_without_retries_a_lost_trial_has_failed(sweep: Callable[..., Study], mark: Callable[..., None]) -> None:
    study = sweep(n_trials=1, retries=0)
    study.ask(1)
    mark(0, claimed=True)
    study.give_up(0, counts=True)
    assert study.ask(7) == []
    assert study.finished == 1


def test_jobs_that_never_began_are_tried_again_without_end(
    sweep: Callable[..., Study], mark: Callable[..., None]
) -> None:
    study = sweep(n_trials=1)
    for attempt in range(5):
        assert numbers(study.ask(7)) == [attempt]
        mark(attempt, owner=DEAD)
    assert numbers(study.ask(7)) == [5]


def test_a_trial_without_an_owner_was_asked_for_by_a_sweeper_that_is_gone(
    sweep: Callable[..., Study], raw: Callable[[], optuna.Study]
) -> None:
    study = sweep()
    raw().ask()  # killed before it could say anything
    assert numbers(study.ask(7)) == [1, 2, 3, 4, 5]
    assert len(study.trials) == 5


def test_a_retry_that_is_lost_while_it_is_asked_for_keeps_its_parameters(
    sweep: Callable[..., Study], raw: Callable[[], optuna.Study], mark: Callable[..., None]
) -> None:
    study = sweep(n_trials=1)
    study.ask(1)
    mark(0, owner=DEAD)
    with study.alone():
        study.recover()
    raw().ask()  # killed after the queued trial was taken, before its parameters were read
    (again,) = study.ask(1)
    assert raw().trials[again.number].params == raw().trials[0].params


def test_a_trial_of_a_living_process_is_left_alone(sweep: Callable[..., Study]) -> None:
    study = sweep()
    study.ask(3)
    assert study.recover() == 0
    assert sweep().recover() == 0


@pytest.mark.parametrize(("silent", "is_lost"), [(550.0, 0), (650.0, 1)])
def test_a_process_of_another_machine_lives_while_it_beats(
    sweep: Callable[..., Study], mark: Callable[..., None], silent: float, is_lost: int
) -> None:
    study = sweep()
    study.ask(1)
    mark(0, owner=ELSEWHERE, beat=time.time() - silent, claimed=True)
    assert study.recover() == is_lost


def test_a_beat_keeps_a_trial_and_is_not_heard_of_one_that_has_ended(
    sweep: Callable[..., Study], raw: Callable[[], optuna.Study], mark: Callable[..., None]
) -> None:
    study = sweep()
    study.ask(2)
    for number in range(2):
        mark(number, owner=ELSEWHERE, beat=0.0)
    raw().tell(1, 97.0)
    study.beat([0, 1])
    assert study.recover() == 0
    assert raw().trials[1].user_attrs["beat"] == 0.0


def test_a_lost_point_of_a_grid_is_asked_for_again_until_it_is_given_up(
    sweep: Callable[..., Study], grid: Plan, mark: Callable[..., None]
) -> None:
    study = sweep(grid, retries=1)
    study.ask(6)
    mark(2, claimed=True)
    study.give_up(2, counts=True)
    (again,) = study.ask(7)
    assert (list(again.overrides), again.alone) == (grid.points[2], True)
    mark(again.number, claimed=True)
    study.give_up(again.number, counts=True)
    assert study.ask(7) == []
    assert len(study.trials) == 6
    assert [trial.user_attrs["point"] for trial in study.trials if trial.state == TrialState.FAIL] == [2]


@pytest.mark.parametrize(
    ("counts", "claimed", "is_suspect"), [(True, True, True), (True, False, False), (False, True, False)]
)
def test_a_trial_given_up_is_tried_again(
    sweep: Callable[..., Study], mark: Callable[..., None], counts: bool, claimed: bool, is_suspect: bool
) -> None:
    study = sweep(n_trials=1)
    (before,) = study.ask(1)
    mark(0, claimed=claimed)
    study.give_up(0, counts=counts)
    (again,) = study.ask(7)
    assert again == Assignment(1, before.overrides, is_suspect)


def test_giving_up_what_has_ended_changes_nothing(sweep: Callable[..., Study], raw: Callable[[], optuna.Study]) -> None:
    study = sweep(n_trials=1)
    study.ask(1)
    raw().tell(0, 97.0)
    study.give_up(0, counts=True)
    assert study.ask(7) == []
    assert [trial.value for trial in study.trials] == [97.0]


def test_workers_are_named_while_they_work(
    sweep: Callable[..., Study], raw: Callable[[], optuna.Study], mark: Callable[..., None]
) -> None:
    study = sweep()
    study.ask(3)
    mark(1, owner=DEAD)
    raw().tell(2, 97.0)
    assert study.workers_of([0, 1, 2]) == {0: Process.own(), 1: None}
    assert not study.is_claimed(0)
    mark(0, claimed=True)
    assert study.is_claimed(0)
