"""Threads that work ahead hand on the same things in the same order, and end when nobody asks any more."""

import threading
from collections.abc import Callable, Generator
from typing import Any

import pytest

from headway.data import ahead

WAYS: dict[str, Callable[[Generator[int]], Generator[Any]]] = {
    "ahead": ahead.ahead,
    "each": lambda things: (made // 7 for _, made in ahead.each(things, lambda thing: 7 * thing)),
}


def counted(last: int, made: list[int], closed: list[bool]) -> Generator[int]:
    try:
        for number in range(last):
            made.append(number)
            yield number
    finally:
        closed.append(True)


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.startswith(("ahead", "each"))}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("last", [0, 1, 2, 3, 29])
def test_the_things_are_the_same_in_the_same_order(way: Callable[..., Any], last: int) -> None:
    closed: list[bool] = []
    assert list(way(counted(last, [], closed))) == list(range(last))
    assert closed
    assert not threads()


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_no_more_than_a_few_are_made_before_they_are_asked_for(way: Callable[..., Any]) -> None:
    made: list[int] = []
    coming = way(counted(29, made, []))
    for asked in range(1, 12):
        next(coming)
        assert asked <= len(made) <= asked + 3
    coming.close()


@pytest.mark.parametrize("way", [ahead.ahead, lambda things: ahead.each(things, str)], ids=WAYS)
def test_who_stops_early_ends_the_threads_and_closes_what_makes_the_things(way: Callable[..., Any]) -> None:
    closed: list[bool] = []
    coming = way(counted(29, [], closed))
    for _ in range(3):
        next(coming)
    assert threads()
    coming.close()
    assert closed
    assert not threads()


def failing(at: int) -> Generator[int]:
    yield from range(at)
    raise OSError("the disk is gone")


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_an_error_comes_where_the_thing_would_have_come(way: Callable[..., Any]) -> None:
    coming = way(failing(5))
    assert [next(coming) for _ in range(5)] == list(range(5))
    with pytest.raises(OSError, match="the disk is gone"):
        next(coming)
    assert not threads()


def test_what_cannot_be_made_of_one_thing_is_said_at_that_thing() -> None:
    coming = ahead.each((number for number in range(9)), lambda number: 12 // (4 - number))
    assert [next(coming) for _ in range(4)] == [(0, 3), (1, 4), (2, 6), (3, 12)]
    with pytest.raises(ZeroDivisionError):
        next(coming)
    assert not threads()


def test_a_beginning_has_a_result_or_an_error() -> None:
    assert ahead.beginning(lambda: 7 * 5).result(timeout=60) == 35
    with pytest.raises(ZeroDivisionError):
        ahead.beginning(lambda: 1 // 0).result(timeout=60)
