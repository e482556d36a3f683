"""Other values in a file: in the rows that are named, readable, and of the kind that is asked for."""

import numpy as np
import pandas as pd
import pytest

from headway.audit.perturbation import KINDS, perturbed
from headway.data.contract import Table

VALUES = np.array([3.0, np.nan, -5.0, 7.0, 2.0, 11.0, np.nan, 4.0, 6.0, 1.0, 8.0])


def test_other_values_stay_plausible_and_missing_where_they_were() -> None:
    changed = KINDS["other values"](VALUES)
    np.testing.assert_array_equal(np.isnan(changed), np.isnan(VALUES))
    assert np.nanmin(changed) >= -5
    assert np.nanmax(changed) <= 11
    assert changed[0] == (8 - 5) / 2


def test_extreme_values_are_far_off_on_both_sides_and_still_readable() -> None:
    changed = KINDS["extreme values"](VALUES)
    np.testing.assert_array_equal(changed[[0, 3, 6, 9]], [-11_000, 11_000, -11_000, 11_000])
    np.testing.assert_array_equal(changed[[1, 2, 4]], VALUES[[1, 2, 4]])
    assert np.abs(KINDS["extreme values"](np.full(3, 1e15))).max() < 2**53


def test_missing_values_leave_neighbours_to_make_a_window_of() -> None:
    changed = KINDS["missing values"](np.arange(11.0))
    np.testing.assert_array_equal(np.flatnonzero(~np.isnan(changed)), [1, 2, 5, 6, 9, 10])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("typed", [True, False])
def test_only_the_named_rows_and_columns_change(kind: str, typed: bool) -> None:
    text = ["" if np.isnan(value) else f"{value}" for value in VALUES]
    frame = pd.DataFrame({"y": VALUES if typed else text, "x": text}, index=range(2, 13))
    rows = [np.array([5, 3]), np.array([8, 9, 10])]
    table = Table("f.csv", frame)
    found = perturbed(table, ["y"], rows, KINDS[kind])
    np.testing.assert_array_equal(found.numbers("x"), VALUES)
    expected = VALUES.copy()
    for each in rows:
        expected[each] = KINDS[kind](VALUES[each])
    np.testing.assert_array_equal(found.numbers("y"), expected)
    assert not np.array_equal(expected, VALUES, equal_nan=True)
    np.testing.assert_array_equal(table.numbers("y"), VALUES)
    assert list(found.frame.index) == list(frame.index)
