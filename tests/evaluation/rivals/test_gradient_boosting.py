"""Gradient boosting against scikit-learn's, fed with columns put together here."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from headway.evaluation.cases import Cases
from headway.evaluation.rivals.gradient_boosting import GradientBoosting

Wild = Callable[..., Cases]


def columns(cases: Cases) -> np.ndarray:
    """Context with NaN where missing, everything known in advance, and the series, window by window."""
    rows = []
    for window in range(len(cases)):
        shown = [
            value if seen else np.nan
            for value, seen in zip(cases.context[window].flat, cases.observed[window].flat, strict=True)
        ]
        rows.append([*shown, *cases.known_future[window].flat, cases.series[window]])
    return np.array(rows, np.float32)


@pytest.mark.parametrize(("num_series", "categories"), [(1, None), (3, [171]), (255, [171])])
def test_it_is_scikit_learns_boosting_of_the_change_from_the_last_value(
    wild: Wild, num_series: int, categories: list[int] | None
) -> None:
    def owned(cases: Cases) -> Cases:
        return replace(cases, series=(cases.series * 7 + np.arange(len(cases))) % num_series, num_series=num_series)

    cases, other, rival = wild(length=113), owned(wild(seed=2)), GradientBoosting(iterations=3)
    cases = owned(cases)
    rival.fit([cases])
    found = rival.forecast(other)
    shown, asked = columns(cases), columns(other)
    for step in (0, 3, 6):
        for target in range(2):
            change = cases.target[:, step, target] - cases.last[:, target]
            known = ~np.isnan(change)
            oracle = HistGradientBoostingRegressor(
                loss="absolute_error",
                max_iter=3,
                early_stopping=False,
                random_state=0,
                categorical_features=categories,
            ).fit(shown[known], change[known])
            expected = other.last[:, target] + oracle.predict(asked)
            np.testing.assert_array_equal(found[:, step, target], expected)


def test_a_series_more_than_trees_can_name_is_no_trouble(wild: Wild, part: Callable[..., Cases]) -> None:
    cases, rival = part(wild(length=113), slice(256)), GradientBoosting(iterations=1)
    cases = replace(cases, series=np.arange(256), num_series=256, target=np.nan_to_num(cases.target))
    rival.fit([cases])
    assert np.isfinite(rival.forecast(cases)).all()


def test_series_are_told_apart_by_name_and_not_by_order(wild: Wild) -> None:
    cases, rival = wild(length=113), GradientBoosting(iterations=3)
    names = np.array([1, 2, 0])[cases.series]
    rival.fit([cases])
    found = rival.forecast(cases)
    rival.fit([replace(cases, series=names)])
    np.testing.assert_allclose(rival.forecast(replace(cases, series=names)), found, rtol=1e-12)


def test_a_value_missing_for_the_first_time_and_a_column_never_observed_are_no_trouble(wild: Wild) -> None:
    cases, rival = wild(), GradientBoosting(iterations=3)
    observed = np.ones_like(cases.observed)
    observed[:, :, 1] = 0
    rival.fit([replace(cases, observed=observed)])
    assert np.isfinite(rival.forecast(wild(seed=2))).all()


def test_one_thread_grows_the_same_trees_as_two(cases_of: Wild) -> None:
    rows = np.random.default_rng(1).normal(size=(1009, 3)).cumsum(axis=0)
    cases, found = cases_of([rows], horizon=1, targets=[0], calendar=2), []
    for threads in (1, 2):
        rival = GradientBoosting(iterations=3)
        with threadpool_limits(threads, user_api="openmp"):
            rival.fit([cases])
            found.append(rival.forecast(cases))
    np.testing.assert_array_equal(found[0], found[1])


def test_an_ensemble_has_four_hundred_trees_unless_told_otherwise() -> None:
    assert GradientBoosting().iterations == 400
