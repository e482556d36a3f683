"""Scaled scores against scikit-learn's scaler and errors over windows cut by plain slices."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, mean_squared_error
from sklearn.preprocessing import StandardScaler

from headway.evaluation import scaled as module
from headway.evaluation.comparison import compare
from headway.evaluation.forecasts import Forecasts
from headway.evaluation.scaled import MAE, MSE, Published, ScaledScores, scaled_errors, score_scaled
from headway.evaluation.significance import diebold_mariano, skill_intervals

TRAIN, HORIZON, TARGETS, RIVALS = 101, 5, ("temp", "load", "wind"), ("persistence", "better")
GENERATOR = np.random.default_rng(5)
ROWS = np.array([20.0, -3.0, 400.0]) + np.array([5.0, 0.1, 60.0]) * GENERATOR.normal(size=(229, 3)).cumsum(axis=0) / 7
SCALER = StandardScaler().fit(ROWS[:TRAIN])
STARTS = range(TRAIN, len(ROWS) - HORIZON + 1)
PUBLISHED = (Published("paper", 0.25, np.nan, "a source"),)


def make(*, missing: float) -> Forecasts:
    """Windows of the rows after the training rows, a model that is right up to noise, and two rivals."""
    actual = np.stack([ROWS[start : start + HORIZON] for start in STARTS])
    noise = SCALER.scale_ * np.random.default_rng(2).normal(size=(2, *actual.shape))
    last = np.stack([np.repeat(ROWS[None, start - 1], HORIZON, axis=0) for start in STARTS])
    gaps = np.random.default_rng(3).random(actual.shape) < missing
    return Forecasts(
        model="model",
        targets=TARGETS,
        levels=(0.5,),
        ticks=np.arange(len(actual)),
        series=np.zeros(len(actual), np.int64),
        actual=np.where(gaps, np.nan, actual),
        quantiles=(actual + 0.3 * noise[0])[..., None],
        rivals={"persistence": last, "better": actual + 0.2 * noise[1]},
        seasonal_scale=np.ones((1, 3)),
        seasonal_square=np.ones((1, 3)),
        slicings={},
    )


def scored(forecasts: Forecasts, *, draws: int = 100) -> ScaledScores:
    return score_scaled(forecasts, SCALER.scale_, draws=draws, seed=3, published=PUBLISHED)


def standardised(values: np.ndarray) -> np.ndarray:
    return SCALER.transform(values.reshape(-1, len(TARGETS))).reshape(values.shape)


WHOLE, GAPS = make(missing=0.0), make(missing=0.3)


@pytest.mark.parametrize("forecasts", [WHOLE, GAPS], ids=["whole", "gaps"])
@pytest.mark.parametrize("name", ["model", *RIVALS])
def test_errors_are_those_of_standardised_values_over_all_that_was_observed(forecasts: Forecasts, name: str) -> None:
    found = scored(forecasts, draws=0)
    point = forecasts.quantiles[..., 0] if name == "model" else forecasts.rivals[name]
    observed = ~np.isnan(forecasts.actual)
    pair = standardised(forecasts.actual)[observed], standardised(point)[observed]
    assert found.mse[name] == pytest.approx(mean_squared_error(*pair), rel=1e-9)
    assert found.mae[name] == pytest.approx(mean_absolute_error(*pair), rel=1e-9)
    assert (found.num_windows, found.num_targets) == (len(STARTS), 3)


@pytest.mark.parametrize("size", [1, 7 * HORIZON * 3])
def test_windows_may_be_taken_any_number_at_once(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    expected = scaled_errors(GAPS.actual, GAPS.rivals["better"], SCALER.scale_)
    monkeypatch.setattr(module, "_VALUES_AT_ONCE", size)
    assert scaled_errors(GAPS.actual, GAPS.rivals["better"], SCALER.scale_) == pytest.approx(expected, rel=1e-12)


def test_where_nothing_was_observed_there_is_no_error() -> None:
    nothing = replace(WHOLE, actual=np.full_like(WHOLE.actual, np.nan))
    found = scored(nothing, draws=0)
    assert np.isnan(found.mse["model"]) and found.metrics() == {}


@pytest.mark.parametrize("forecasts", [WHOLE, GAPS], ids=["whole", "gaps"])
def test_the_skill_that_decides_is_that_of_the_squared_errors_printed(forecasts: Forecasts) -> None:
    found = scored(forecasts)
    assert [verdict.rival for verdict in found.verdicts] == list(RIVALS)
    for verdict in found.comparison.verdicts:
        errors = {MSE: found.mse, MAE: found.mae}[verdict.target]
        assert verdict.skill == pytest.approx(1 - errors["model"] / errors[verdict.rival], rel=1e-9)
    assert found.verdicts[0].better and found.verdicts[1].worse
    assert found.strongest_rival == "better"


def test_interval_and_p_value_are_those_of_standardised_squared_errors_by_origin() -> None:
    actual = standardised(WHOLE.actual)
    points = [WHOLE.quantiles[..., 0], *WHOLE.rivals.values()]
    losses = np.array([(standardised(point) - actual) ** 2 for point in points]).sum(axis=-1)  # [F, W, H]
    columns = np.concatenate([losses.sum(axis=2, keepdims=True), losses], axis=2)
    intervals = skill_intervals(columns[0], columns[1:], overlap=HORIZON - 1, draws=100, seed=3)
    for number, verdict in enumerate(scored(WHOLE).verdicts):
        by_origin = losses.mean(axis=2) / 3
        test = diebold_mariano(by_origin[0] - by_origin[1 + number], overlap=HORIZON - 1)
        assert verdict.p_value == pytest.approx(test.p_value, rel=1e-6)
        assert [verdict.low, verdict.high] == pytest.approx(intervals[number, 0].tolist(), rel=1e-9)


def test_a_loss_of_ones_own_leaves_the_comparison_by_target_as_it_is() -> None:
    plain = compare(GAPS, draws=0, seed=1)
    named = compare(GAPS, draws=0, seed=1, losses={"first": lambda error: np.abs(error[..., :1])})
    assert [verdict.target for verdict in plain.verdicts] == [name for name in TARGETS for _ in RIVALS]
    assert [(one.skill, one.p_value) for one in named.verdicts] == [
        (one.skill, one.p_value) for one in plain.verdicts[: len(RIVALS)]
    ]


def test_the_table_has_the_model_its_rivals_and_what_is_published() -> None:
    found = scored(WHOLE)
    cells = found.table()
    assert [row[0] for row in cells.rows] == ["model", *RIVALS, "paper"]
    assert list(cells.head[1:3]) == ["mse", "mae"] and cells.head[-1] == "source"
    assert [row[1] for row in cells.rows[:3]] == [f"{value:.4f}" for value in found.mse.values()]
    assert [row[2] for row in cells.rows[:3]] == [f"{value:.4f}" for value in found.mae.values()]
    assert cells.rows[1][3] == f"{found.verdicts[0].skill:+.1%}" and cells.rows[1][4] and cells.rows[1][5]
    assert list(cells.rows[3]) == ["paper", "0.250", "", "", "", "", "published: a source"]
    assert found.caption == f"scaled values, all {len(STARTS):,} test windows, mean over 3 columns"
    without = replace(found, published=()).table()
    assert "source" not in without.head and {len(row) for row in without.rows} == {len(without.head)}


def test_errors_are_logged_by_path_and_read_back_as_csv() -> None:
    found = scored(WHOLE, draws=0)
    assert found.metrics() == {
        "scaled_mse": found.mse["model"],
        "scaled_mse_persistence": found.mse["persistence"],
        "scaled_mse_better": found.mse["better"],
        "scaled_mae": found.mae["model"],
        "scaled_mae_persistence": found.mae["persistence"],
        "scaled_mae_better": found.mae["better"],
    }
    first = found.csv().splitlines()[1].split(",")
    assert first[:2] == ["all", "model"] and float(first[2]) == found.mse["model"]
    assert float(first[3]) == found.mae["model"]
