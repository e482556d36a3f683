"""Conformal calibration: by hand, its guarantee by simulation, and a series in time."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from headway.evaluation.calibration import Calibration, calibrate

LEVELS = (0.1, 0.3, 0.5, 0.8, 0.9)  # an interval of 80 %, and two levels without their counterparts
MEDIAN = 2


def by_hand(values: list[float], share: str) -> float:
    """The order statistic that split conformal prediction asks for, outwards of the plain quantile."""
    rank = (len(values) + 1) * Fraction(share)
    number = math.ceil(rank) if Fraction(share) > Fraction(1, 2) else math.floor(rank)
    return sorted(values)[min(max(number, 1), len(values)) - 1]


@pytest.mark.parametrize("windows", [40, 41, 49, 97, 199])
def test_offsets_are_order_statistics_of_what_was_observed(windows: int) -> None:
    generator = np.random.default_rng(windows)
    actual = generator.normal(size=(windows + 7, 3, 2))
    for step, target in np.ndindex(3, 2):  # seven missing at each step, other ones each time
        actual[generator.choice(windows + 7, 7, replace=False), step, target] = np.nan
    quantiles = np.sort(generator.normal(size=(windows + 7, 3, 2, 5)), axis=-1)
    found = calibrate(actual, quantiles, LEVELS)
    assert found.median == MEDIAN
    for step, target in np.ndindex(3, 2):
        rows = [
            (float(seen), borders)
            for seen, borders in zip(actual[:, step, target], quantiles[:, step, target].tolist(), strict=True)
            if not math.isnan(seen)
        ]
        apart = by_hand([max(borders[0] - seen, seen - borders[4]) for seen, borders in rows], "0.8")
        lower = by_hand([seen - borders[1] for seen, borders in rows], "0.3")
        upper = by_hand([seen - borders[3] for seen, borders in rows], "0.8")
        assert found.offsets[step, target].tolist() == [-apart, lower, 0, upper, apart]


def test_too_few_residuals_move_nothing() -> None:
    generator = np.random.default_rng(3)
    actual, quantiles = generator.normal(size=(40, 3, 1)), np.zeros((40, 3, 1, 5))
    actual[7, 1] = np.nan
    moved = calibrate(actual, quantiles, LEVELS).offsets.any(axis=(1, 2))
    assert moved.tolist() == [True, False, True]


def test_a_level_that_so_few_residuals_cannot_tell_is_moved_by_the_outermost() -> None:
    actual = np.random.default_rng(3).normal(size=(41, 1, 1))
    offsets = calibrate(actual, np.zeros((41, 1, 1, 3)), (0.01, 0.5, 0.98)).offsets[0, 0]
    assert offsets.tolist() == [actual.min(), 0, actual.max()]
    apart = calibrate(actual, np.zeros((41, 1, 1, 3)), (0.01, 0.5, 0.99)).offsets[0, 0]
    assert apart.tolist() == [-np.abs(actual).max(), 0, np.abs(actual).max()]


def test_an_interval_that_is_too_wide_becomes_narrower() -> None:
    actual = np.random.default_rng(3).normal(size=(997, 1, 1))
    wide = np.tile([-5.0, 0, 5], (997, 1, 1, 1))
    found = calibrate(actual, wide, (0.1, 0.5, 0.9)).applied(wide)[0, 0, 0]
    np.testing.assert_allclose(found, [-1.2816, 0, 1.2816], atol=0.1)


@pytest.mark.parametrize("windows", [43, 47, 199])
def test_of_data_in_any_order_each_side_holds_at_least_its_share_and_hardly_more(windows: int) -> None:
    draws, levels = 3001, (0.1, 0.5, 0.8)
    actual = np.random.default_rng(windows).normal(size=(windows, draws, 1))  # a calibration per "step"
    found = calibrate(actual, np.zeros((windows, draws, 1, 3)), levels).applied(np.zeros((1, draws, 1, 3)))
    missed_below, _, held_above = norm.cdf(found).mean(axis=(0, 1, 2))
    noise = 4 * math.sqrt(0.1 * 0.9 / windows / draws)
    assert 0.1 - 1 / (windows + 1) - noise < missed_below < 0.1 + noise
    noise = 4 * math.sqrt(0.8 * 0.2 / windows / draws)
    assert 0.8 - noise < held_above < 0.8 + 1 / (windows + 1) + noise


@pytest.mark.parametrize("windows", [43, 47, 199])
def test_of_data_in_any_order_an_interval_holds_at_least_its_share_and_hardly_more(windows: int) -> None:
    draws, levels = 3001, (0.1, 0.5, 0.9)
    actual = np.random.default_rng(windows).normal(loc=0.5, size=(windows, draws, 1))
    found = calibrate(actual, np.zeros((windows, draws, 1, 3)), levels).applied(np.zeros((1, draws, 1, 3)))
    below, _, above = np.moveaxis(norm.cdf(found - 0.5), -1, 0)
    noise = 4 * math.sqrt(0.8 * 0.2 / windows / draws)
    assert 0.8 - noise < (above - below).mean() < 0.8 + 1 / (windows + 1) + noise


def series(seed: int, *, steps: int = 30_011, horizon: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Actuals [W, H, 1] of an AR(1) whose noise swings by the day, and quantiles too narrow and too high."""
    generator = np.random.default_rng(seed)
    noise = generator.normal(size=steps) * (1 + 0.6 * np.sin(2 * np.pi * np.arange(steps) / 24))
    values = np.zeros(steps)
    for time in range(1, steps):
        values[time] = 0.7 * values[time - 1] + noise[time]
    origins, ahead = np.arange(steps - horizon), np.arange(1, horizon + 1)
    actual = values[origins[:, None] + ahead]
    center = 0.25 + values[origins, None] * 0.7**ahead
    deviation = 0.6 * np.sqrt((1 - 0.49**ahead) / (1 - 0.49))
    return actual[..., None], (center[..., None] + deviation[:, None] * norm.ppf(LEVELS))[:, :, None]


def shares_below(actual: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
    return (actual[..., None] <= quantiles).mean(axis=(0, 2))  # [H, Q]


def test_coverage_of_a_series_in_time_is_nominal_at_every_step() -> None:
    found = calibrate(*series(1), LEVELS)
    actual, quantiles = series(2)
    before, after = (shares_below(actual, one) for one in (quantiles, found.applied(quantiles)))
    assert (np.abs(before - LEVELS)[:, [0, 4]] > 0.03).all()
    assert (before[:, 4] - before[:, 0] < 0.72).all()
    assert (np.abs(after - LEVELS)[:, [1, 3]] < 0.02).all()
    assert (np.abs(after[:, 4] - after[:, 0] - 0.8) < 0.02).all()


@settings(max_examples=50)
@given(st.integers(0, 2**32 - 1), st.floats(0, 10))
def test_quantiles_never_cross_and_the_median_stays(seed: int, size: float) -> None:
    generator = np.random.default_rng(seed)
    quantiles = np.sort(generator.normal(size=(7, 3, 2, 5)), axis=-1).astype(np.float32)
    offsets = size * generator.normal(size=(3, 2, 5))
    offsets[..., MEDIAN] = 0
    found = Calibration(offsets, MEDIAN).applied(quantiles)
    assert (np.diff(found, axis=-1) >= 0).all()
    np.testing.assert_array_equal(found[..., MEDIAN], quantiles[..., MEDIAN])
    plain = quantiles + offsets
    rising = (np.diff(plain, axis=-1) >= 0).all(axis=-1)
    np.testing.assert_array_equal(found[rising], plain[rising])


def test_a_crossing_quantile_stops_at_its_neighbour_towards_the_median() -> None:
    quantiles = np.array([[[1.0, 2.0, 3.0, 4.0, 5.0]]])
    offsets = np.array([[[1.5, 0, 0, 2.0, -1.0]]])  # 2.5 2 3 6 4
    np.testing.assert_array_equal(Calibration(offsets, MEDIAN).applied(quantiles)[0, 0], [2, 2, 3, 6, 6])
    over = np.array([[[0, 5.0, 0, -9.0, 0]]])  # 1 7 3 -5 5
    np.testing.assert_array_equal(Calibration(over, MEDIAN).applied(quantiles)[0, 0], [1, 3, 3, 3, 5])
