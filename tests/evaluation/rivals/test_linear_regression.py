"""Linear regression on the model's inputs against scikit-learn, on columns put together here."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from sklearn import linear_model

from headway.evaluation.cases import Cases
from headway.evaluation.rivals.linear_regression import LinearRegression

Wild = Callable[..., Cases]


def design(cases: Cases, step: int) -> np.ndarray:
    """Columns of a step ahead, window by window; a series is a column of its own."""
    rows = []
    for window in range(len(cases)):
        row = [*cases.context[window].ravel(), *(cases.observed[window].ravel() == 0)]
        row += [*cases.known_future[window, 4], *cases.known_future[window, 5 + step]]
        row += [cases.series[window] == number for number in range(cases.num_series)]
        rows.append(row)
    return np.array(rows, np.float64)


@pytest.mark.parametrize("same_gaps", [True, False])
def test_it_is_scikit_learns_ridge_on_the_same_columns(wild: Wild, same_gaps: bool) -> None:
    cases, other, rival = wild(), wild(seed=2), LinearRegression()
    if same_gaps:
        gaps = np.isnan(cases.target).any(axis=2, keepdims=True)
        cases = replace(cases, target=np.where(gaps, np.nan, cases.target))
    rival.fit([cases])
    found = rival.forecast(other)
    for step in range(7):
        columns, asked = design(cases, step), design(other, step)
        for target in range(2):
            change = cases.target[:, step, target] - cases.last[:, target]
            known = ~np.isnan(change)
            assert not known.all()
            alpha = 1e-6 * (columns[known] ** 2).sum(axis=0).mean()
            oracle = linear_model.Ridge(alpha=alpha, fit_intercept=False).fit(columns[known], change[known])
            expected = other.last[:, target] + oracle.predict(asked)
            np.testing.assert_allclose(found[:, step, target], expected, rtol=1e-7)


def test_marks_that_never_vary_and_series_that_never_came_change_nothing(
    wild: Wild, part: Callable[..., Cases]
) -> None:
    cases = part(wild(), wild().series == 1)
    observed = cases.observed.copy()
    observed[:, 2, 1], observed[:, 3, 0] = 0, 1
    cases = replace(cases, observed=observed)
    alone, among = LinearRegression(), LinearRegression()
    alone.fit([replace(cases, num_series=1, series=np.zeros(len(cases), np.int64))])
    among.fit([cases])
    expected = alone.forecast(replace(cases, num_series=1, series=np.zeros(len(cases), np.int64)))
    np.testing.assert_allclose(among.forecast(cases), expected, rtol=1e-9)
    assert np.isfinite(among.forecast(wild(seed=2))).all()


def test_an_hour_ahead_that_follows_from_the_hour_now_is_no_trouble(wild: Wild) -> None:
    def clock(cases: Cases) -> Cases:
        hours = np.arange(len(cases))[:, None] + np.arange(12)
        phase = 2 * np.pi * hours / 24
        return replace(cases, known_future=np.stack([np.sin(phase), np.cos(phase)], axis=-1).astype(np.float32))

    cases, rival = clock(wild()), LinearRegression()
    rival.fit([cases])
    found = rival.forecast(cases)
    for step in range(7):
        change = cases.target[:, step, 1] - cases.last[:, 1]
        known = ~np.isnan(change)
        oracle = linear_model.LinearRegression().fit(design(cases, step)[known], change[known])
        expected = cases.last[:, 1] + oracle.predict(design(cases, step))
        np.testing.assert_allclose(found[known, step, 1], expected[known], atol=0.01)  # the ridge; values are near 50


def test_it_recovers_a_series_that_is_exactly_linear_in_what_it_sees(cases_of: Callable[..., Cases]) -> None:
    generator = np.random.default_rng(3)
    rows = generator.normal(size=(211, 3))
    for row in range(2, 211):
        rows[row, 0] = 1.5 * rows[row - 1, 0] - 0.9 * rows[row - 2, 0] + 0.3 * rows[row - 1, 1] + 0.2
    rows[:, 0] += 100
    cases, rival = cases_of([rows], horizon=1, targets=[0]), LinearRegression()
    rival.fit([cases])
    np.testing.assert_allclose(rival.forecast(cases), cases.target, atol=1e-3 * cases.target.std())
