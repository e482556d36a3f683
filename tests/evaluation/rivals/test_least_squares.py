"""The shared linear map against scikit-learn, on rows built by plain loops."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from sklearn.linear_model import LinearRegression

from headway.evaluation.cases import Cases
from headway.evaluation.rivals.least_squares import LeastSquares

Wild = Callable[..., Cases]
Carried = Callable[[np.ndarray], np.ndarray]


def rows_of(cases: Cases, carried: Carried) -> tuple[np.ndarray, np.ndarray]:
    """Contexts [windows * targets, T] and targets [windows * targets, H], standardised."""
    pairs = [(window, target) for window in range(len(cases)) for target in range(2)]
    contexts = [carried((cases.history[w, -5:, k] - cases.mean[k]) / cases.scale[k]) for w, k in pairs]
    targets = [(cases.target[w, :, k] - cases.mean[k]) / cases.scale[k] for w, k in pairs]
    return np.array(contexts), np.array(targets)


def test_it_is_scikit_learns_regression_on_the_windows_of_all_targets(wild: Wild, carried: Carried) -> None:
    rival, other = LeastSquares(), wild(seed=2)
    rival.fit([wild()])
    found = rival.forecast(other)
    contexts, targets = rows_of(wild(), carried)
    asked, _ = rows_of(other, carried)
    for step in range(7):
        known = ~np.isnan(targets[:, step])
        assert not known.all()
        oracle = LinearRegression().fit(contexts[known], targets[known, step])
        expected = oracle.predict(asked).reshape(len(other), 2) * other.scale + other.mean
        np.testing.assert_allclose(found[:, step], expected, rtol=1e-7)


def test_windows_without_a_value_in_the_context_teach_nothing(wild: Wild, part: Callable[..., Cases]) -> None:
    cases = wild()
    history = cases.history.copy()
    history[:31, -5:] = np.nan
    some, rest = LeastSquares(), LeastSquares()
    some.fit([replace(cases, history=history)])
    rest.fit([part(cases, slice(31, None))])
    np.testing.assert_allclose(some.forecast(cases), rest.forecast(cases), rtol=1e-9)


def test_it_continues_a_series_that_is_exactly_linear_in_its_past(cases_of: Callable[..., Cases]) -> None:
    time = np.arange(211)
    rows = np.stack([100 + np.sin(2 * np.pi * time / 13 + shift) for shift in (0.0, 1.0, 2.0)], axis=1)
    cases, rival = cases_of([rows]), LeastSquares()
    rival.fit([cases])
    np.testing.assert_allclose(rival.forecast(cases), cases.target, atol=1e-5)


def test_a_step_that_was_never_observed_is_forecast_by_the_mean_of_the_training_rows(wild: Wild) -> None:
    cases, rival = wild(), LeastSquares()
    target = cases.target.copy()
    target[:, 4] = np.nan
    rival.fit([replace(cases, target=target)])
    np.testing.assert_array_equal(rival.forecast(cases)[:, 4], np.tile(cases.mean, (len(cases), 1)))
