"""Calls that are repeated in the background."""

import threading
import time

from headway.sweeps.repeat import repeated


def test_a_call_is_repeated_until_the_block_ends() -> None:
    called = threading.Semaphore(0)
    with repeated(called.release, every=0.001):
        for _ in range(3):
            assert called.acquire(timeout=30)
    while called.acquire(blocking=False):
        pass
    time.sleep(0.05)
    assert not called.acquire(blocking=False)


def test_a_block_that_ends_before_the_first_turn_makes_the_last_call() -> None:
    calls: list[int] = []
    with repeated(lambda: calls.append(1), every=3600):
        assert not calls
    assert calls == [1]


def test_a_call_that_fails_is_made_again() -> None:
    called = threading.Semaphore(0)

    def call() -> None:
        called.release()
        raise OSError("the database is away")

    with repeated(call, every=0.001):
        assert called.acquire(timeout=30)
        assert called.acquire(timeout=30)
