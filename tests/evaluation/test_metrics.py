"""Metrics against scikit-learn and by hand; what is missing counts nowhere."""

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, mean_pinball_loss, root_mean_squared_error

from headway.evaluation.metrics import METRICS, Judged, reliability, scores, seasonal_scale

LEVELS = (0.1, 0.5, 0.6, 0.9)
GENERATOR = np.random.default_rng(1)
ACTUAL = np.where(GENERATOR.random((23, 5, 2)) < 0.3, np.nan, GENERATOR.normal(size=(23, 5, 2)))
FORECAST = np.sort(GENERATOR.normal(size=(23, 5, 2, 4)), axis=-1)
SCALE = GENERATOR.uniform(1, 3, size=(23, 2))
JUDGED = Judged(ACTUAL, FORECAST, LEVELS, SCALE)
FOUND = scores(JUDGED)
SLICES = [(0, slice(None)), *((step, slice(step - 1, step)) for step in range(1, 6))]


def judged(actual: list[float], forecast: list[float]) -> Judged:
    """One window, one target."""
    return Judged(np.array(actual)[None, :, None], np.array(forecast)[None, :, None, None], (0.5,), np.array([[4.0]]))


def observed(steps: slice, target: int) -> tuple[np.ndarray, np.ndarray]:
    """Observed actuals [n] and their quantiles [n, Q]."""
    actual = ACTUAL[:, steps, target]
    return actual[~np.isnan(actual)], FORECAST[:, steps, target][~np.isnan(actual)]


@pytest.mark.parametrize("target", [0, 1])
@pytest.mark.parametrize(("row", "steps"), SLICES, ids=[f"row {row}" for row, _ in SLICES])
def test_overall_and_by_step_metrics_are_scikit_learns_over_what_was_observed(
    row: int, steps: slice, target: int
) -> None:
    actual, forecast = observed(steps, target)
    assert 0 < len(actual) < 23 * 5
    pinball = [mean_pinball_loss(actual, forecast[:, q], alpha=level) for q, level in enumerate(LEVELS)]
    inside = (forecast[:, 0] <= actual) & (actual <= forecast[:, 3])
    expected = {
        "mae": mean_absolute_error(actual, forecast[:, 1]),
        "rmse": root_mean_squared_error(actual, forecast[:, 1]),
        "pinball": np.mean(pinball),
        "coverage": 100 * inside.mean(),
    }
    assert {name: FOUND[name][row, target] for name in expected} == pytest.approx(expected)


def test_every_metric_is_by_step_and_target() -> None:
    assert {name: values.shape for name, values in FOUND.items()} == dict.fromkeys(METRICS, (6, 2))


def test_mase_divides_each_window_by_the_scale_of_its_series() -> None:
    parts = []
    for window in range(23):
        error = np.abs(FORECAST[window, :, 1, 1] - ACTUAL[window, :, 1]) / SCALE[window, 1]
        parts += error[~np.isnan(error)].tolist()
    assert FOUND["mase"][0, 1] == pytest.approx(sum(parts) / len(parts))


@pytest.mark.parametrize(
    ("actual", "forecast", "expected"), [(1, 3, 100), (3, 1, 100), (2, 2, 0), (5, -5, 200), (0, 0, 0), (0, 1, 200)]
)
def test_smape_runs_from_0_to_200(actual: float, forecast: float, expected: float) -> None:
    assert scores(judged([actual], [forecast]))["smape"][0, 0] == pytest.approx(expected)


def test_a_step_that_was_never_observed_has_no_score_and_no_weight() -> None:
    found = scores(judged([1.0, np.nan, 5.0], [2.0, 9.0, 2.0]))
    np.testing.assert_allclose(found["mae"][:, 0], [2, 1, np.nan, 3])
    np.testing.assert_allclose(found["rmse"][:, 0], [np.sqrt(5), 1, np.nan, 3])
    np.testing.assert_allclose(found["mase"][:, 0], [0.5, 0.25, np.nan, 0.75])


def test_a_point_forecast_has_half_its_absolute_error_as_pinball_and_no_coverage() -> None:
    found = scores(judged([1.0, 5.0], [2.0, 2.0]))
    assert found["pinball"][0, 0] == 1.0
    assert np.isnan(found["coverage"]).all()


def test_borders_of_the_interval_count_as_inside() -> None:
    forecast = np.tile([1.0, 2.0, 3.0], (1, 4, 1, 1))
    found = scores(Judged(np.array([[[1.0], [3.0], [0.99], [np.nan]]]), forecast, (0.1, 0.5, 0.9), np.ones((1, 1))))
    np.testing.assert_allclose(found["coverage"][:, 0], [200 / 3, 100, 100, 0, np.nan])


@pytest.mark.parametrize(
    ("levels", "outer"), [((0.1, 0.5, 0.9), (0.1, 0.9)), ((0.5,), None), ((0.5, 0.9), None), ((0.2, 0.5, 0.9), None)]
)
def test_an_interval_needs_levels_that_lie_symmetrically(levels: tuple[float, ...], outer: object) -> None:
    assert Judged(ACTUAL, FORECAST[..., : len(levels)], levels, SCALE).outer == outer


def test_reliability_is_the_share_of_actuals_at_or_below_each_quantile() -> None:
    overall, by_step = reliability(JUDGED)
    rows = [(ACTUAL[..., target], FORECAST[:, :, target]) for target in (0, 1)]
    below = np.concatenate([(actual[..., None] <= forecast)[~np.isnan(actual)] for actual, forecast in rows])
    np.testing.assert_allclose(overall, below.mean(axis=0))
    third = np.concatenate(
        [(actual[:, 2, None] <= forecast[:, 2])[~np.isnan(actual[:, 2])] for actual, forecast in rows]
    )
    assert by_step.shape == (5, 4)
    np.testing.assert_allclose(by_step[2], third.mean(axis=0))


def test_the_scale_of_mase_is_the_mean_difference_to_one_season_before() -> None:
    rows = np.array([[1.0, 5], [2, 5], [4, 5], [np.nan, 5], [10, 5]])
    # season 2: |4-1|, |nan-2|, |10-4|; the second column never changes
    np.testing.assert_allclose(seasonal_scale(rows, 2), [4.5, np.nan])


@pytest.mark.parametrize("rows", [3, 24])
def test_rows_shorter_than_a_season_have_no_scale(rows: int) -> None:
    assert np.isnan(seasonal_scale(np.arange(rows, dtype=float)[:, None], 24)).all()
