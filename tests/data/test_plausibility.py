"""What becomes missing, by hand and against the rule walked row by row."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.data.plausibility import components, jumps, mask_implausible, outside

NAN = float("nan")


def flagged(values: list[float], ticks: list[int] | None = None, patience: int = 3) -> list[int]:
    steps = np.array(ticks if ticks is not None else range(len(values)))
    return np.flatnonzero(jumps(np.array(values), steps, largest=5.0, patience=patience)).tolist()


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        ([1, 2, 50, 3, 4], [2]),  # a spike
        ([1, 2, 50, 51, 3], [2, 3]),  # a spike of two rows
        ([1, 2, 50, 51, 52, 53, 54], [2, 3, 4]),  # a level that has moved, accepted when patience ends
        ([1, 2, NAN, 50, 3], [3]),  # a missing value does not reset the rule
        ([1, NAN, NAN, NAN, 50, 3], [5]),  # after the patience the next value is accepted, whatever it is
        ([50, 1, 2, 3, 4, 5], [1, 2, 3]),  # the first value has nothing to be compared with
        ([1, 6, 11, 16], []),  # just as much as may be
        ([NAN, NAN], []),
        ([], []),
    ],
)
def test_jumps_are_found_where_a_hand_finds_them(values: list[float], wrong: list[int]) -> None:
    assert flagged(values) == wrong


def test_a_gap_longer_than_the_patience_ends_the_memory() -> None:
    assert flagged([1, 2, 50, 51], ticks=[0, 1, 4, 5]) == [2]
    assert flagged([1, 2, 50, 51], ticks=[0, 1, 5, 6]) == []


def test_without_patience_the_neighbour_still_counts() -> None:
    assert flagged([1, 50, 51, 52], patience=0) == [1]


def walked(values: list[float], ticks: list[int], patience: int) -> list[int]:
    """The rule as its documentation says it, without a shortcut."""
    wrong: list[int] = []
    last: int | None = None
    for row, value in enumerate(values):
        if np.isnan(value):
            continue
        close = last is not None and ticks[row] - ticks[last] <= max(patience, 1)
        if last is not None and close and abs(value - values[last]) > 5:
            wrong.append(row)
        else:
            last = row
    return wrong


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([0.0, 3.0, 7.0, 11.0, NAN]), st.integers(1, 4)), max_size=17), st.integers(0, 5)
)
def test_the_shortcut_agrees_with_the_rule(rows: list[tuple[float, int]], patience: int) -> None:
    values, ticks = [value for value, _ in rows], np.cumsum([step for _, step in rows]).astype(int).tolist()
    assert flagged(values, ticks, patience) == walked(values, ticks, patience)


def test_the_borders_of_what_is_plausible_are_plausible() -> None:
    values = np.array([-1.1, -1.0, 0.0, 7.0, 7.1, NAN])
    assert outside(values, -1.0, 7.0).tolist() == [True, False, False, False, True, False]


@pytest.mark.parametrize(
    ("direction", "u", "v"),
    [(0, 0, -10), (90, -10, 0), (180, 0, 10), (270, 10, 0), (360, 0, -10), (30, -5, -8.660254)],
)
def test_wind_from_a_direction_blows_the_other_way(direction: float, u: float, v: float) -> None:
    found = components(np.array([10.0]), np.array([direction]))
    np.testing.assert_allclose(found, [[u], [v]], atol=1e-6)


def test_calm_needs_no_direction_and_other_wind_does() -> None:
    speed, direction = np.array([0.0, 0.0, 5.0, NAN, NAN]), np.array([NAN, 270.0, NAN, 90.0, NAN])
    u, v = components(speed, direction)
    np.testing.assert_array_equal(u, [0, 0, NAN, NAN, NAN])
    np.testing.assert_array_equal(v, [0, 0, NAN, NAN, NAN])
    assert not np.signbit([u[:2], v[:2]]).any()


def test_implausible_values_become_missing_and_are_counted() -> None:
    columns = {"a": np.array([1.0, 99.0, 2.0, 9.0, 3.0]), "b": np.array([1.0, 99.0, 2.0, 9.0, 3.0])}
    counts = mask_implausible(columns, np.arange(5), plausible={"a": (0, 50)}, max_jump={"a": 5.0}, patience=3)
    np.testing.assert_array_equal(columns["a"], [1, NAN, 2, NAN, 3])
    np.testing.assert_array_equal(columns["b"], [1, 99, 2, 9, 3])
    assert counts == {"a outside 0 to 50": 1, "a jumped by more than 5": 1}
