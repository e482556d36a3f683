"""Every metric against scikit-learn, utilsforecast and scoringrules; where definitions differ the test says how."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import scoringrules
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import mean_absolute_error, mean_pinball_loss, root_mean_squared_error
from utilsforecast import losses

from headway.evaluation.metrics import METRICS, Judged, nominal_coverage, outer

LEVELS = (0.1, 0.5, 0.6, 0.9)
SEASON = 7
GENERATOR = np.random.default_rng(1)
TRAINING = GENERATOR.normal(10, 3, size=(2, 41))  # [series, time]
DIFFERENCE = TRAINING[:, SEASON:] - TRAINING[:, :-SEASON]
OWNER = np.arange(23) % 2
JUDGED = Judged(
    actual=GENERATOR.normal(2, 3, size=(23, 5, 1)),
    forecast=np.sort(GENERATOR.normal(2, 3, size=(23, 5, 1, 4)), axis=-1),
    levels=LEVELS,
    scored_levels=LEVELS,
    seasonal_scale=np.abs(DIFFERENCE).mean(axis=1)[OWNER, None],
    seasonal_square=(DIFFERENCE**2).mean(axis=1)[OWNER, None],
)
POINT = replace(JUDGED, forecast=JUDGED.forecast[..., 1:2], levels=(0.5,))
ACTUAL, QUANTILES = JUDGED.actual.ravel(), JUDGED.forecast.reshape(-1, 4)
FRAME = pd.DataFrame(
    {
        "unique_id": np.repeat(OWNER, 5),
        "ds": 41 + np.arange(len(ACTUAL)),
        "y": ACTUAL,
        "m": QUANTILES[:, 1],
        "m-lo-80": QUANTILES[:, 0],
        "m-hi-80": QUANTILES[:, 3],
        **{f"q{number}": QUANTILES[:, number] for number in range(4)},
    }
)
TRAINING_FRAME = pd.DataFrame(
    {"unique_id": np.repeat([0, 1], 41), "ds": np.tile(np.arange(41), 2), "y": TRAINING.ravel()}
)
BY_LEVEL = {"m": ["q0", "q1", "q2", "q3"]}


def value(name: str, judged: Judged) -> float:
    """The metric over all values that have a loss."""
    one = METRICS[name]
    loss = one.loss(judged)
    assert loss is not None
    counted = ~np.isnan(loss)
    over = 1.0 if one.over is None else one.over(judged)[counted].mean()
    return float(one.finish(np.asarray(loss[counted].mean() / over)))


def loss(name: str, judged: Judged) -> np.ndarray:
    found = METRICS[name].loss(judged)
    assert found is not None
    return found[..., 0].ravel()


def one_value(actual: float, forecast: float) -> Judged:
    shape = (1, 1, 1)
    scale = np.ones((1, 1))
    return Judged(np.full(shape, actual), np.full((*shape, 1), forecast), (0.5,), (0.5,), scale, scale)


def test_errors_of_the_median_are_scikit_learns() -> None:
    assert value("mae", JUDGED) == pytest.approx(mean_absolute_error(ACTUAL, QUANTILES[:, 1]))
    assert value("rmse", JUDGED) == pytest.approx(root_mean_squared_error(ACTUAL, QUANTILES[:, 1]))


@pytest.mark.parametrize(
    ("name", "factor", "found"),
    [
        ("bias", 1, losses.bias(FRAME, ["m"])),
        ("smape", 200, losses.smape(FRAME, ["m"])),  # theirs runs from 0 to 1
        ("coverage", 100, losses.coverage(FRAME, ["m"], 80)),  # theirs is a share
        ("winkler", 1, losses.winkler_score(FRAME, ["m"], 80)),
        ("pinball", 1, losses.mqloss(FRAME, BY_LEVEL, np.array(LEVELS))),
        ("wql", 1, losses.scaled_crps(FRAME, BY_LEVEL, np.array(LEVELS))),  # the weighted quantile loss by another name
        ("mase", 1, losses.mase(FRAME, ["m"], SEASON, TRAINING_FRAME)),
        ("rmsse", 1, losses.rmsse(FRAME, ["m"], SEASON, TRAINING_FRAME)),
    ],
)
def test_metrics_are_those_of_utilsforecast_for_each_series(name: str, factor: float, found: pd.DataFrame) -> None:
    for series, expected in zip((0, 1), factor * found.sort_values("unique_id").m, strict=True):
        rows = series == OWNER
        one = Judged(
            JUDGED.actual[rows],
            JUDGED.forecast[rows],
            LEVELS,
            LEVELS,
            JUDGED.seasonal_scale[rows],
            JUDGED.seasonal_square[rows],
        )
        assert value(name, one) == pytest.approx(expected)


def test_pinball_is_the_mean_over_levels_of_scikit_learns_and_of_scoringrules() -> None:
    expected = [mean_pinball_loss(ACTUAL, QUANTILES[:, q], alpha=level) for q, level in enumerate(LEVELS)]
    assert value("pinball", JUDGED) == pytest.approx(np.mean(expected))
    by_value = scoringrules.quantile_score(ACTUAL[:, None], QUANTILES, np.array(LEVELS)).mean(axis=1)
    np.testing.assert_allclose(loss("pinball", JUDGED), by_value)


def test_a_point_forecast_counts_as_all_quantiles_of_the_model_it_stands_beside() -> None:
    expected = [mean_pinball_loss(ACTUAL, QUANTILES[:, 1], alpha=level) for level in LEVELS]
    assert value("pinball", POINT) == pytest.approx(np.mean(expected))
    assert value("wql", POINT) == pytest.approx(2 * np.mean(expected) / np.abs(ACTUAL).mean())


def test_the_winkler_score_of_each_value_is_the_interval_score_of_scoringrules() -> None:
    expected = scoringrules.interval_score(ACTUAL, QUANTILES[:, 0], QUANTILES[:, 3], 0.2)
    np.testing.assert_allclose(loss("winkler", JUDGED), expected)
    np.testing.assert_allclose(loss("width", JUDGED), QUANTILES[:, 3] - QUANTILES[:, 0])


def test_crps_at_the_middles_of_equal_spans_is_the_quantile_crps_of_scoringrules() -> None:
    levels = (0.125, 0.375, 0.5, 0.625, 0.875)
    even = (0.1, 0.3, 0.5, 0.7, 0.9)
    forecast = np.sort(GENERATOR.normal(size=(23, 5, 1, 5)), axis=-1)
    for chosen, agrees in ((even, True), (levels, False)):  # theirs gives every level the same weight
        judged = replace(JUDGED, forecast=forecast, levels=chosen, scored_levels=chosen)
        expected = scoringrules.crps_quantile(ACTUAL, forecast.reshape(-1, 5), np.array(chosen))
        assert np.allclose(loss("crps", judged), expected) == agrees


def test_crps_weighs_each_level_by_the_span_nearest_to_it() -> None:
    levels = (0.1, 0.5, 0.9)
    judged = replace(one_value(4, 0), forecast=np.array([[[[1.0, 2.0, 8.0]]]]), levels=levels, scored_levels=levels)
    # spans 0 to .3, .3 to .7, .7 to 1; pinball .1 * 3, .5 * 2, .1 * 4
    assert value("crps", judged) == pytest.approx(2 * (0.3 * 0.3 + 0.4 * 1.0 + 0.3 * 0.4))


@pytest.mark.parametrize(("count", "tolerance"), [(9, 0.1), (99, 0.01), (999, 0.001)])
def test_crps_of_dense_quantiles_of_a_normal_tends_to_its_closed_form(count: int, tolerance: float) -> None:
    levels = tuple(np.linspace(0, 1, count + 2)[1:-1].round(9).tolist())
    forecast = np.broadcast_to(norm.ppf(levels, loc=2, scale=3), (23, 5, 1, count))
    judged = replace(JUDGED, forecast=forecast, levels=levels, scored_levels=levels)
    assert value("crps", judged) == pytest.approx(scoringrules.crps_normal(ACTUAL, 2, 3).mean(), rel=tolerance)


def test_crps_of_a_point_forecast_is_its_absolute_error() -> None:
    np.testing.assert_array_equal(loss("crps", POINT), np.abs(QUANTILES[:, 1] - ACTUAL))


@pytest.mark.parametrize(
    ("actual", "forecast", "expected"), [(1, 3, 100), (3, 1, 100), (2, 2, 0), (5, -5, 200), (0, 0, 0), (0, 1, 200)]
)
def test_smape_runs_from_0_to_200(actual: float, forecast: float, expected: float) -> None:
    assert value("smape", one_value(actual, forecast)) == pytest.approx(expected)


def test_a_forecast_that_is_too_high_has_a_bias_above_0() -> None:
    assert value("bias", one_value(2, 5)) == 3


@pytest.mark.parametrize(("actual", "inside"), [(1.0, 100), (3.0, 100), (0.99, 0), (3.01, 0)])
def test_borders_of_the_interval_count_as_inside(actual: float, inside: float) -> None:
    levels = (0.1, 0.5, 0.9)
    judged = replace(one_value(actual, 0), forecast=np.array([[[[1.0, 2.0, 3.0]]]]), levels=levels)
    assert value("coverage", judged) == inside


@pytest.mark.parametrize(
    ("levels", "borders"), [((0.1, 0.5, 0.9), (0.1, 0.9)), ((0.5,), None), ((0.5, 0.9), None), ((0.2, 0.5, 0.9), None)]
)
def test_an_interval_needs_levels_that_lie_symmetrically(levels: tuple[float, ...], borders: object) -> None:
    judged = replace(JUDGED, forecast=JUDGED.forecast[..., : len(levels)], levels=levels)
    assert outer(levels) == borders
    assert nominal_coverage(levels) == (None if borders is None else 80)
    for name in ("coverage", "width", "winkler"):
        assert (METRICS[name].loss(judged) is None) == (borders is None)


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("judged", [JUDGED, POINT], ids=["quantiles", "point"])
def test_what_is_missing_has_no_loss_and_the_rest_keeps_its_own(name: str, judged: Judged) -> None:
    missing = GENERATOR.random((23, 5, 1)) < 0.3
    full, masked = (
        METRICS[name].loss(one) for one in (judged, replace(judged, actual=np.where(missing, np.nan, judged.actual)))
    )
    if full is None:
        assert masked is None
    else:
        np.testing.assert_array_equal(masked, np.where(missing, np.nan, full))


@given(st.floats(0.01, 1000))
def test_metrics_in_the_targets_unit_change_with_it_and_the_others_do_not(factor: float) -> None:
    other = Judged(
        factor * JUDGED.actual,
        factor * JUDGED.forecast,
        LEVELS,
        LEVELS,
        factor * JUDGED.seasonal_scale,
        factor**2 * JUDGED.seasonal_square,
    )
    for name, one in METRICS.items():
        expected = value(name, JUDGED) * (factor if one.unit == "target" else 1)
        # An actual exactly on a border may fall on either side of it once both are scaled; none is here.
        assert value(name, other) == pytest.approx(expected, rel=1e-9), name


@given(st.floats(-1000, 1000))
def test_where_zero_lies_matters_to_percentages_alone(shift: float) -> None:
    other = replace(JUDGED, actual=JUDGED.actual + shift, forecast=JUDGED.forecast + shift)
    for name in set(METRICS) - {"smape", "wql", "coverage"}:
        assert value(name, other) == pytest.approx(value(name, JUDGED), rel=1e-6, abs=1e-9), name


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_has_a_definition_and_a_known_unit(name: str) -> None:
    assert METRICS[name].unit in ("target", "%", "")
    assert len(METRICS[name].definition) > 20
    assert "\n" not in METRICS[name].definition
