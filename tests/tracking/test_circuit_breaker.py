"""The circuit breaker: what a slow or failing store may cost."""

import logging
import threading

import pytest

from headway.errors import TrackingError
from headway.tracking.breaker import Breaker


def breaker(*, required: bool = False, patience: float = 10.0) -> Breaker:
    return Breaker("the store", consolation="All is well.", required=required, patience=patience)


def fail() -> None:
    raise OSError("the disk\nis full")


def test_after_the_first_failure_nothing_is_called_and_one_line_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    calls: list[int] = []
    guard = breaker()
    guard.call("sending", fail)
    guard.call("sending", lambda: calls.append(1))
    guard.call("sending", fail)
    assert calls == []
    (record,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert record.getMessage() == "MLflow at the store failed (sending: the disk is full). All is well."


def test_a_call_that_never_answers_is_left_behind() -> None:
    never = threading.Event()
    guard = breaker(patience=0.01)
    assert guard.call("sending", never.wait, allowance=0.01) is None
    assert guard.is_open
    never.set()


def test_calls_that_each_take_a_little_too_long_use_up_the_patience() -> None:
    pause = threading.Event()
    guard = breaker(patience=0.05)
    for _ in range(30):
        guard.call("sending", lambda: pause.wait(0.01), allowance=0.0)
    assert guard.is_open


def test_where_tracking_is_required_every_call_after_a_failure_raises() -> None:
    guard = breaker(required=True)
    for call in (fail, lambda: None):
        with pytest.raises(TrackingError, match="the disk is full"):
            guard.call("sending", call)


def test_calls_of_several_threads_are_made_one_after_the_other() -> None:
    guard = breaker()
    inside: list[int] = []
    overlaps: list[int] = []

    def call() -> None:
        overlaps.extend(inside)
        inside.append(1)
        inside.pop()

    threads = [threading.Thread(target=lambda: [guard.call("sending", call) for _ in range(101)]) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    guard.close()
    assert overlaps == []
    assert not guard.is_open
