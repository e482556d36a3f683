"""The profile of training rows: a drift index against other formulas, and what is missing or constant."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import entropy

from headway.data.profile import ColumnProfile, Profile, seasonal_scales

NOTHING = np.full(7, np.nan)
TRAINING = np.random.default_rng(1).normal(size=1009)


def index_of(training: object, later: object) -> float:
    return ColumnProfile.of(np.array(training, float)).drift(np.array(later, float)).stability_index


def test_the_index_is_that_of_a_hand_calculation() -> None:
    # Shares (3/4, 1/4) become (1/4, 3/4): -1/2 ln(1/3) + 1/2 ln(3) = ln 3.
    assert index_of([0, 0, 1, 0], [1, 1, 0, 1]) == pytest.approx(math.log(3))


def test_the_index_is_the_divergence_of_decile_shares_in_both_directions() -> None:
    later = np.random.default_rng(2).normal(0.4, 1.3, size=503)
    borders = [-np.inf, *np.quantile(TRAINING, np.arange(1, 10) / 10), np.inf]
    before, after = (
        pd.Series(pd.cut(values, borders)).value_counts(normalize=True, sort=False) for values in (TRAINING, later)
    )
    assert (after > 0).all()
    assert index_of(TRAINING, later) == pytest.approx(entropy(after, before) + entropy(before, after))


@pytest.mark.parametrize("values", [TRAINING, np.arange(5.0), np.full(11, 3.5), np.array([*NOTHING, 2.0, 9.0])])
def test_the_same_data_have_not_drifted(values: np.ndarray) -> None:
    drift = ColumnProfile.of(values).drift(values)
    assert (drift.stability_index, drift.outside) == (0.0, 0.0)


@pytest.mark.parametrize("direction", [1, -1])
def test_the_index_grows_with_the_shift(direction: int) -> None:
    found = [index_of(TRAINING, TRAINING + direction * shift) for shift in (0.1, 0.3, 0.9, 2.7)]
    assert found == sorted(found)
    assert found[0] < 0.1 and found[-1] > 0.25


def test_the_index_of_a_mirrored_shift_is_about_the_same() -> None:
    up, down = (index_of(TRAINING, TRAINING + shift) for shift in (0.5, -0.5))
    assert up == pytest.approx(down, rel=0.2)


def test_rows_swapped_are_as_far_apart_where_the_cells_are_the_same() -> None:
    first, second = [0, 0, 1, 2, 2], [0, 1, 1, 1, 2]
    assert index_of(first, second) == pytest.approx(index_of(second, first))


def test_a_cell_that_is_empty_on_one_side_counts_with_a_floor() -> None:
    # (1/2, 1/2) -> (1, 0); the floor of an empty cell is 0.0001.
    expected = (1 - 0.5) * math.log(1 / 0.5) + (0.0001 - 0.5) * math.log(0.0001 / 0.5)
    assert index_of([0, 1], [0, 0, 0]) == pytest.approx(expected)


def test_a_value_on_an_edge_belongs_below_it() -> None:
    profile = ColumnProfile.of(np.array([0.0, 2.0]))
    assert profile.edges == (1.0,)
    assert profile.drift(np.array([1.0])) != profile.drift(np.array([1.0 + 1e-9]))
    assert profile.drift(np.array([1.0])).stability_index == profile.drift(np.array([0.0])).stability_index


@pytest.mark.parametrize("later", [3.6, 3.4, -1e300])
def test_a_constant_that_moves_is_far_away_and_wholly_outside(later: float) -> None:
    drift = ColumnProfile.of(np.full(13, 3.5)).drift(np.full(5, later))
    assert drift.stability_index > 0.25
    assert drift.outside == 1.0


def test_a_value_that_most_rows_share_is_one_cell() -> None:
    profile = ColumnProfile.of(np.array([*[0.0] * 97, *range(1, 14)]))
    assert len(profile.edges) < 9 and list(profile.edges) == sorted(set(profile.edges))
    assert profile.shares[0] == pytest.approx(97 / 110)
    assert sum(profile.shares) == pytest.approx(1)
    assert len(profile.shares) == len(profile.edges) + 1


def test_few_distinct_values_have_a_cell_each() -> None:
    profile = ColumnProfile.of(np.array([5.0, 1, 1, 2, 5, 5, np.nan]))
    assert profile.edges == (1.5, 3.5)
    np.testing.assert_allclose(profile.shares, np.array([2, 1, 3]) / 6)


def test_quartiles_are_those_of_numpy_and_stand_once() -> None:
    np.testing.assert_allclose(ColumnProfile.of(TRAINING).quartiles, np.quantile(TRAINING, [0.25, 0.5, 0.75]))
    assert ColumnProfile.of(np.array([0.0, 0, 0, 0, 7])).quartiles == (0.0,)


def test_range_and_shares_are_those_of_the_observed_rows() -> None:
    profile = ColumnProfile.of(np.array([2.0, np.nan, 8, 5, np.nan]))
    assert (profile.rows, profile.missing, profile.lowest, profile.highest) == (5, 0.4, 2, 8)
    drift = profile.drift(np.array([1.0, 2, 8, 9, np.nan, np.nan, 10]))
    assert (drift.rows, drift.missing, drift.lowest, drift.highest) == (7, pytest.approx(2 / 7), 1, 10)
    assert drift.outside == pytest.approx(3 / 5)


def test_a_column_without_any_later_value_has_no_index_and_no_range() -> None:
    drift = ColumnProfile.of(TRAINING).drift(NOTHING)
    assert (drift.rows, drift.missing, drift.outside) == (7, 1.0, 0.0)
    assert np.isnan([drift.stability_index, drift.lowest, drift.highest]).all()


def test_training_that_saw_no_value_saw_none_of_the_later_ones() -> None:
    profile = ColumnProfile.of(NOTHING)
    assert (profile.rows, profile.missing, profile.edges) == (7, 1.0, ())
    drift = profile.drift(np.array([1.0, np.nan, 2.0]))
    assert drift.outside == 1.0
    assert np.isnan(drift.stability_index)


def test_no_rows_at_all_are_neither_missing_nor_drifted() -> None:
    nothing = np.zeros(0)
    assert ColumnProfile.of(nothing).missing == 0.0
    assert ColumnProfile.of(TRAINING).drift(nothing).missing == 0.0


def test_seasonal_scales_are_means_over_all_observed_pairs_one_season_apart() -> None:
    rows = np.random.default_rng(3).normal(size=(23, 2))
    rows[[4, 11], [0, 1]] = np.nan
    pairs = [[rows[t, c] - rows[t - 5, c] for t in range(5, 23)] for c in (0, 1)]
    pairs = [[one for one in column if one == one] for column in pairs]
    assert [len(column) for column in pairs] == [17, 16]
    absolute, square = seasonal_scales([rows], 5)
    np.testing.assert_allclose(absolute, [sum(map(abs, column)) / len(column) for column in pairs])
    np.testing.assert_allclose(square, [sum(one**2 for one in column) / len(column) for column in pairs])


def test_the_scales_by_hand() -> None:
    rows = np.array([[1.0, 5], [2, 5], [4, 5], [np.nan, 5], [10, 5]])
    # season 2: |4-1|, |nan-2|, |10-4|; the second column never changes
    absolute, square = seasonal_scales([rows], 2)
    np.testing.assert_allclose(absolute, [4.5, np.nan])
    np.testing.assert_allclose(square, [22.5, np.nan])


@pytest.mark.parametrize("rows", [0, 3, 24])
def test_rows_no_longer_than_a_season_have_no_scale(rows: int) -> None:
    assert np.isnan(seasonal_scales([np.arange(rows, dtype=float)[:, None]], 24)).all()


def test_a_profile_survives_json_which_has_no_nan() -> None:
    columns = {"y": ColumnProfile.of(TRAINING), "empty": ColumnProfile.of(NOTHING)}
    profile = Profile(columns, {"a": "2024-01-01T05:00:00"}, [[1.5, math.nan]], [[2.25, math.nan]])
    text = json.dumps(profile.to_json(), allow_nan=False)
    assert repr(Profile.from_json(json.loads(text))) == repr(profile)


@pytest.mark.parametrize(
    "change",
    [{"columns": []}, {"columns": {"y": 5}}, {"last_time": {"a": "noon"}}, {"seasonal_scale": 5}, {"columns": None}],
)
def test_json_that_is_no_profile_is_refused(change: dict[str, object]) -> None:
    stored = Profile({"y": ColumnProfile.of(TRAINING)}, {}, [[1.0]], [[1.0]]).to_json()
    with pytest.raises((AttributeError, KeyError, TypeError, ValueError)):
        Profile.from_json(stored | change)


@pytest.mark.parametrize("training", [TRAINING, np.arange(97.0), NOTHING])
def test_parts_of_later_values_add_up_to_the_whole(training: np.ndarray) -> None:
    later = np.random.default_rng(3).normal(3, 5, size=211)
    later[later > 9] = np.nan
    profile = ColumnProfile.of(training)
    parts = np.split(later, [0, 7, 7, 100, 209])  # two of them empty
    counted = [profile.counted(part) for part in parts]
    joined = profile.drift_of(sum(counted[1:], start=counted[0]))
    whole = profile.drift(later)
    assert repr(joined) == repr(whole)  # NaN is not equal to itself
    assert joined.rows == 211
