"""Borders in time."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.data.series import Dataset
from headway.data.splits import split, split_rows
from headway.errors import DataError


@pytest.mark.parametrize(
    ("rows", "shares", "purge", "expected"),
    [
        (101, (0.7, 0.1, 0.2), 0, [(0, 71), (71, 81), (81, 101)]),
        (8755, (0.7, 0.1, 0.2), 0, [(0, 6128), (6128, 7004), (7004, 8755)]),
        (103, (0.5, 0.2, 0.2), 0, [(0, 52), (52, 72), (72, 93)]),
        (17420, (8640, 2880, 2880), 0, [(0, 8640), (8640, 11520), (11520, 14400)]),
        (101, (61, 23, 17), 5, [(0, 56), (61, 79), (84, 101)]),
        (11, (5, 3, 3), 7, [(0, 0), (5, 5), (8, 11)]),
    ],
)
def test_borders_are_where_a_hand_puts_them(
    rows: int, shares: tuple[float, float, float], purge: int, expected: list[tuple[int, int]]
) -> None:
    train, validation, test = shares
    borders = split_rows(rows, train=train, validation=validation, test=test, purge=purge)
    assert list(borders.values()) == expected


@settings(max_examples=100, deadline=None)
@given(rows=st.integers(0, 10_007), train=st.floats(0.01, 0.98), share=st.floats(0.01, 0.99), purge=st.integers(0, 31))
def test_splits_follow_each_other_and_cover_all_rows_but_the_purged(
    rows: int, train: float, share: float, purge: int
) -> None:
    validation = (1 - train) * share
    test = 1 - train - validation
    borders = split_rows(rows, train=train, validation=validation, test=test, purge=purge)
    assert all(first <= after for first, after in borders.values())
    assert borders["test"][1] == rows
    for earlier, later in (("train", "validation"), ("validation", "test")):
        end, begin = borders[earlier][1], borders[later][0]
        assert begin - end == min(purge, begin - borders[earlier][0])


def test_every_series_is_cut_by_its_own_length(make_dataset: Callable[..., Dataset]) -> None:
    borders = split(make_dataset((101, 53)), train=0.7, validation=0.1, test=0.2)
    assert [border["train"] for border in borders] == [(0, 71), (0, 37)]


def test_rows_that_a_series_does_not_have_are_refused(make_dataset: Callable[..., Dataset]) -> None:
    with pytest.raises(DataError, match="'s1' has 47 rows but the splits ask for 53"):
        split(make_dataset((53, 47)), train=31, validation=11, test=11)
