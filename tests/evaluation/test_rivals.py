"""Rivals against plain indexing and scikit-learn."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from headway.evaluation.rivals import RIVALS, Cases, LeastSquares, Persistence, SeasonalNaive


def cases_of(rows: np.ndarray, *, context: int, horizon: int, season: int, targets: list[int]) -> Cases:
    """All windows of rows [time, F] whose history fits, cut by plain slicing."""
    past = max(season, context)
    origins = range(past - 1, len(rows) - horizon)
    return Cases(
        context=np.stack([rows[origin - context + 1 : origin + 1] for origin in origins]),
        known_future=np.zeros((len(origins), context + horizon, 0)),
        series=np.zeros(len(origins), np.int64),
        history=np.stack([rows[origin - past + 1 : origin + 1, targets] for origin in origins]),
        target=np.stack([rows[origin + 1 : origin + 1 + horizon, targets] for origin in origins]),
        season=season,
    )


def wild(windows: int = 101, *, seed: int = 1) -> Cases:
    """Windows of noise over two series, with a calendar and missing values but in the last context row."""
    generator = np.random.default_rng(seed)
    context = 50 + 7 * generator.normal(size=(windows, 5, 3))
    missing = generator.random(context.shape) < 0.1
    missing[:, -1] = False
    context[missing] = np.nan
    target = generator.normal(size=(windows, 2, 1))
    target[generator.random(target.shape) < 0.1] = np.nan
    return Cases(
        context,
        generator.normal(size=(windows, 7, 2)),
        generator.integers(0, 2, windows),
        context[:, :, :1],
        target,
        season=5,
    )


def test_persistence_repeats_the_last_value_that_was_observed() -> None:
    history = np.array([[[1.0, 2.0], [3.0, np.nan], [np.nan, np.nan]], [[4.0, np.nan], [5.0, np.nan], [6.0, np.nan]]])
    cases = replace(wild(2), history=history, target=np.zeros((2, 5, 2)))
    found = Persistence().forecast(cases)
    assert found.shape == (2, 5, 2)
    np.testing.assert_array_equal(found, np.repeat([[[3.0, 2.0]], [[6.0, np.nan]]], 5, axis=1))


@pytest.mark.parametrize("horizon", [3, 7, 17])
def test_seasonal_naive_is_the_latest_known_row_a_whole_number_of_seasons_before(horizon: int) -> None:
    rows = np.random.default_rng(2).normal(size=(53, 3))
    cases = cases_of(rows, context=5, horizon=horizon, season=7, targets=[2, 0])
    found = SeasonalNaive().forecast(cases)
    for number, origin in enumerate(range(6, 53 - horizon)):
        for ahead in range(1, horizon + 1):
            row = origin + ahead
            while row > origin:
                row -= 7
            np.testing.assert_array_equal(found[number, ahead - 1], rows[row, [2, 0]])


def test_seasonal_naive_reads_the_end_of_a_history_longer_than_a_season() -> None:
    history = np.arange(11.0)[None, :, None]
    cases = replace(wild(1), history=history, target=np.zeros((1, 4, 1)), season=3)
    assert SeasonalNaive().forecast(cases).ravel().tolist() == [8, 9, 10, 8]


def test_seasonal_naive_takes_the_last_observed_value_where_the_season_is_missing() -> None:
    history = np.array([np.nan, 2.0, 3.0, np.nan])[None, :, None]
    cases = replace(wild(1), history=history, target=np.zeros((1, 4, 1)), season=4)
    assert SeasonalNaive().forecast(cases).ravel().tolist() == [3, 2, 3, 3]


def test_least_squares_recovers_a_series_that_is_exactly_linear_in_its_past() -> None:
    generator = np.random.default_rng(3)
    rows = generator.normal(size=(211, 2))
    for row in range(2, 211):
        rows[row, 0] = 1.5 * rows[row - 1, 0] - 0.9 * rows[row - 2, 0] + 0.3 * rows[row - 1, 1] + 0.2
    rows[:, 0] += 100
    cases = cases_of(rows, context=5, horizon=1, season=3, targets=[0])
    rival = LeastSquares()
    rival.fit([cases])
    np.testing.assert_allclose(rival.forecast(cases), cases.target, atol=1e-3 * cases.target.std())


def test_least_squares_is_scikit_learns_regression_on_the_same_columns() -> None:
    cases, other = wild(), wild(7, seed=2)
    rival = LeastSquares()
    rival.fit([cases])

    flat = cases.context.reshape(101, -1)
    mean, deviation = np.nanmean(flat, axis=0), np.nanstd(flat, axis=0)
    marked = np.isnan(flat).any(axis=0)

    def design(some: Cases, step: int) -> np.ndarray:
        values = some.context.reshape(len(some.context), -1)
        standard = np.nan_to_num((values - mean) / deviation)
        calendar = np.concatenate([some.known_future[:, 4], some.known_future[:, 5 + step]], axis=1)
        return np.column_stack([standard, np.isnan(values)[:, marked], calendar, some.series == 1])

    found = rival.forecast(other)
    for step in range(2):
        change = cases.target[:, step, 0] - cases.context[:, -1, 0]
        known = ~np.isnan(change)
        oracle = LinearRegression().fit(design(cases, step)[known], change[known])
        expected = other.context[:, -1, 0] + oracle.predict(design(other, step))
        np.testing.assert_allclose(found[:, step, 0], expected, atol=1e-3)  # the ridge


def test_least_squares_does_not_depend_on_how_its_windows_were_batched() -> None:
    cases = wild()
    halves = [
        Cases(*(getattr(cases, name)[part] for name in ("context", "known_future", "series", "history", "target")), 5)
        for part in (slice(0, 40), slice(40, 101))
    ]
    found = []
    for batches in ([cases], halves):
        rival = LeastSquares()
        rival.fit(batches)
        found.append(rival.forecast(cases))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-8)


@pytest.mark.parametrize("make", RIVALS.values(), ids=RIVALS)
def test_no_rival_looks_at_the_targets_it_forecasts(make: Callable[[], Persistence]) -> None:
    rival, cases = make(), wild()
    rival.fit([cases])
    blind = replace(cases, target=np.full_like(cases.target, np.nan))
    np.testing.assert_array_equal(rival.forecast(cases), rival.forecast(blind))
    assert rival.forecast(cases).shape == (101, 2, 1)
    assert np.isfinite(rival.forecast(cases)).all()
