"""Scores by target, forecaster, horizon and slice against scikit-learn over plain slices of the arrays."""

import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import mean_absolute_error, mean_pinball_loss, root_mean_squared_error

from headway.evaluation import forecasts as module
from headway.evaluation.forecasts import Forecasts, Slicing
from headway.evaluation.metrics import METRICS
from headway.evaluation.scores import Scores, score

WINDOWS, HORIZON, TARGETS, LEVELS = 53, 5, ("temp", "load"), (0.05, 0.25, 0.5, 0.95)
HOURS, AREAS = ("00", "01", "02", "03", "04", "05", "06"), ("north", "south", "nowhere")


def make(horizon: int = HORIZON) -> Forecasts:
    generator = np.random.default_rng(3)
    shape = (WINDOWS, horizon, len(TARGETS))
    return Forecasts(
        model="model",
        targets=TARGETS,
        levels=LEVELS,
        ticks=np.arange(WINDOWS),
        series=np.arange(WINDOWS) % 3,
        actual=np.where(generator.random(shape) < 0.2, np.nan, generator.normal(20, 5, size=shape)),
        quantiles=np.sort(generator.normal(20, 5, size=(*shape, 4)), axis=-1).astype(np.float32),
        rivals={name: generator.normal(20, 6, size=shape).astype(np.float32) for name in ("naive", "drift")},
        seasonal_scale=generator.uniform(1, 2, size=(3, 2)),
        seasonal_square=generator.uniform(1, 2, size=(3, 2)),
        slicings={
            "hour": Slicing(HOURS, ((np.arange(WINDOWS)[:, None] + np.arange(horizon)) % 7).astype(np.int32)),
            "area": Slicing(AREAS, (np.arange(WINDOWS) % 3 - 1)[:, None].astype(np.int32)),
        },
    )


FORECASTS = make()
FOUND = score(FORECASTS)


def expected(forecasts: Forecasts, name: str, target: int, chosen: np.ndarray) -> dict[str, float]:
    """Metrics over the chosen values [W, H] of one target that were observed."""
    chosen = chosen & ~np.isnan(forecasts.actual[..., target])
    actual = forecasts.actual[..., target][chosen]
    is_model = name == "model"
    quantiles = (
        forecasts.quantiles[:, :, target].astype(float)
        if is_model
        else np.repeat(forecasts.rivals[name][:, :, target, None].astype(float), 4, axis=-1)
    )[chosen]
    owner = np.repeat(forecasts.series[:, None], forecasts.horizon, axis=1)[chosen]
    scale, square = forecasts.seasonal_scale[owner, target], forecasts.seasonal_square[owner, target]
    median = quantiles[:, 2]
    pinball = np.array([mean_pinball_loss(actual, quantiles[:, q], alpha=level) for q, level in enumerate(LEVELS)])
    weights = np.array([0.15, 0.225, 0.35, 0.275])  # spans 0, .15, .375, .725, 1
    low, high = quantiles[:, 0], quantiles[:, 3]
    beyond = np.maximum(low - actual, 0) + np.maximum(actual - high, 0)
    none = np.nan
    return {
        "num_values": len(actual),
        "mae": mean_absolute_error(actual, median),
        "rmse": root_mean_squared_error(actual, median),
        "mase": mean_absolute_error(actual / scale, median / scale),
        "rmsse": root_mean_squared_error(actual / np.sqrt(square), median / np.sqrt(square)),
        "smape": (200 * np.abs(actual - median) / (np.abs(actual) + np.abs(median))).mean(),
        "bias": median.mean() - actual.mean(),
        "pinball": pinball.mean(),
        "wql": 2 * pinball.mean() * len(actual) / np.abs(actual).sum(),
        "crps": 2 * weights @ pinball if is_model else mean_absolute_error(actual, median),
        "coverage": 100 * ((low <= actual) & (actual <= high)).mean() if is_model else none,
        "width": (high - low).mean() if is_model else none,
        "winkler": (high - low + 2 / 0.1 * beyond).mean() if is_model else none,
    }


def cells(horizon: int = HORIZON) -> Iterator[tuple[str, str, str, np.ndarray]]:
    """by, slice, horizon, and which values [W, H] they hold."""
    steps = np.broadcast_to(np.arange(1, horizon + 1), (WINDOWS, horizon))
    hour = (np.arange(WINDOWS)[:, None] + np.arange(horizon)) % 7
    area = np.broadcast_to((np.arange(WINDOWS) % 3 - 1)[:, None], (WINDOWS, horizon))
    for by, codes, labels in (("", 0 * steps, [""]), ("hour", hour, HOURS), ("area", area, AREAS)):
        for code, label in enumerate(labels):
            yield by, label, "all", codes == code
            for step in range(1, horizon + 1):
                yield by, label, str(step), (codes == code) & (steps == step)


def rows(scores: Scores) -> pd.DataFrame:
    """Table and slices as one, by target, by, slice, horizon and forecaster."""
    frame = pd.concat([scores.table.assign(by="", slice=""), scores.slices])
    return frame.set_index(["target", "by", "slice", "horizon", "forecaster"]).sort_index()


def assert_close(found: Scores, other: Scores) -> None:
    pd.testing.assert_frame_equal(rows(found), rows(other), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found.reliability, other.reliability, rtol=1e-12)


def test_a_value_that_has_no_slice_counts_in_none() -> None:
    hours = FORECASTS.slicings["hour"]
    some = Slicing(HOURS, np.where(hours.codes == 3, -1, hours.codes).astype(np.int32))
    found = score(replace(FORECASTS, slicings={"hour": some})).slices
    whole = FOUND.slices[FOUND.slices.by == "hour"]
    for label in HOURS:
        one, other = (rows[rows.slice == label].reset_index(drop=True) for rows in (found, whole))
        if label == "03":
            assert (one.num_values == 0).all()
        else:
            pd.testing.assert_frame_equal(one, other, rtol=1e-12)


@pytest.mark.parametrize(("horizon", "logged"), [(47, True), (53, False)])
def test_a_long_horizon_has_no_metric_of_every_step(horizon: int, logged: bool) -> None:
    found = score(make(horizon)).metrics()
    assert ("temp/mae_h1" in found, f"load/crps_h{horizon}" in found) == (logged, logged)
    assert {"temp/mae", "load/skill_naive", "temp/mae_drift"} <= set(found)


@pytest.mark.parametrize("name", ["model", "naive", "drift"])
@pytest.mark.parametrize("target", [0, 1])
def test_every_metric_of_every_cell_is_that_of_the_values_in_it(target: int, name: str) -> None:
    found = rows(FOUND)
    count = 0
    for by, label, horizon, chosen in cells():
        row = found.loc[(TARGETS[target], by, label, horizon, name)]
        if not (chosen & ~np.isnan(FORECASTS.actual[..., target])).any():
            assert row.num_values == 0
            assert row[list(METRICS)].isna().all()
            continue
        wanted = expected(FORECASTS, name, target, chosen)
        assert set(wanted) == {"num_values", *METRICS}
        assert row[list(wanted)].to_dict() == pytest.approx(wanted, rel=1e-9, abs=1e-9, nan_ok=True)
        count += 1
    assert count == (1 + 7 + 2) * 6  # nothing is nowhere
    assert len(found) == 2 * 3 * (1 + 7 + 3) * 6


def test_skill_is_one_minus_the_error_over_the_rivals_in_every_cell() -> None:
    error = rows(FOUND).mae.unstack("forecaster")
    for rival in ("naive", "drift"):
        skill = rows(FOUND)[f"skill_{rival}"].unstack("forecaster")
        for name in ("model", "naive", "drift"):
            pd.testing.assert_series_equal(skill[name], 1 - error[name] / error[rival], check_names=False)


@pytest.mark.parametrize("size", [1, 7])
def test_scores_do_not_depend_on_how_many_windows_are_taken_at_once(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(module, "_VALUES_AT_ONCE", size * HORIZON * 2 * 4)
    assert len(list(FORECASTS.parts())) == -(-WINDOWS // size)
    assert_close(score(FORECASTS), FOUND)


def reordered(forecasts: Forecasts, order: np.ndarray) -> Forecasts:
    return replace(
        forecasts,
        **{name: getattr(forecasts, name)[order] for name in ("ticks", "series", "actual", "quantiles")},
        rivals={name: forecast[order] for name, forecast in forecasts.rivals.items()},
        slicings={name: Slicing(one.labels, one.codes[order]) for name, one in forecasts.slicings.items()},
    )


def test_scores_do_not_depend_on_the_order_of_windows() -> None:
    assert_close(score(reordered(FORECASTS, np.random.default_rng(1).permutation(WINDOWS))), FOUND)


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.integers(1, 29))
def test_windows_without_an_actual_change_nothing(seed: int, count: int) -> None:
    order = np.concatenate([np.arange(WINDOWS), np.random.default_rng(seed).integers(WINDOWS, size=count)])
    longer = reordered(FORECASTS, order)
    longer.actual[WINDOWS:] = np.nan
    assert_close(score(longer), FOUND)


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_a_masked_value_counts_nowhere_and_touches_no_other_target(seed: int, share: float) -> None:
    masked = replace(FORECASTS, actual=FORECASTS.actual.copy())
    hidden = np.random.default_rng(seed).random((WINDOWS, HORIZON)) < share
    masked.actual[hidden, 0] = np.nan
    found = score(masked)
    pd.testing.assert_frame_equal(rows(found).loc["load"], rows(FOUND).loc["load"])
    assert found.table.num_values[0] == (~np.isnan(masked.actual[..., 0])).sum()
    if found.table.num_values[0]:
        wanted = expected(masked, "model", 0, ~hidden)
        assert {name: found.value("temp", "model", name) for name in wanted} == pytest.approx(wanted)


def test_a_series_without_a_seasonal_scale_is_left_out_of_scaled_errors_alone() -> None:
    scale = FORECASTS.seasonal_scale.copy()
    scale[1, 0] = np.nan
    found = score(replace(FORECASTS, seasonal_scale=scale))
    rest = np.broadcast_to((FORECASTS.series != 1)[:, None], (WINDOWS, HORIZON))
    assert found.value("temp", "model", "mase") == pytest.approx(expected(FORECASTS, "model", 0, rest)["mase"])
    assert found.value("temp", "model", "mae") == FOUND.value("temp", "model", "mae")
    assert found.value("load", "model", "mase") == FOUND.value("load", "model", "mase")


def test_an_empty_slice_is_left_out_of_the_rows_by_slice() -> None:
    found = FOUND.by_slice("load", "area")
    assert found["slice"].unique().tolist() == ["north", "south"]
    assert found.forecaster.tolist() == ["model", "model", "naive", "naive", "drift", "drift"]
    assert set(found.horizon) == {"all"}


def test_rows_keep_the_order_of_targets_forecasters_slices_and_steps() -> None:
    assert FOUND.table.columns[:4].tolist() == ["target", "forecaster", "horizon", "num_values"]
    assert FOUND.slices.columns[:5].tolist() == ["target", "by", "slice", "horizon", "forecaster"]
    assert FOUND.table.target.unique().tolist() == list(TARGETS)
    assert FOUND.table.horizon[:6].tolist() == ["all", "1", "2", "3", "4", "5"]
    assert FOUND.by_slice("temp", "hour")["slice"].unique().tolist() == list(HOURS)
    assert (FOUND.num_windows, FOUND.rivals, FOUND.nominal) == (WINDOWS, ["naive", "drift"], 90)


@pytest.mark.parametrize("horizon", [24, 25])
def test_slices_of_a_long_horizon_are_scored_over_all_steps_alone(horizon: int) -> None:
    long = make(horizon)
    found = score(long)
    assert found.table.horizon.nunique() == 1 + horizon
    assert found.slices.horizon.nunique() == (1 + horizon if horizon == 24 else 1)
    for by, label, chosen in ((one[0], one[1], one[3]) for one in cells(horizon) if one[0] and one[2] == "all"):
        sliced = found.by_slice("temp", by)
        row = sliced[(sliced["slice"] == label) & (sliced.forecaster == "model")]
        wanted = expected(long, "model", 0, chosen) if len(row) else {}
        assert row[list(wanted)].to_dict("records") == ([pytest.approx(wanted)] if wanted else [])


def test_a_slicing_may_bear_the_name_of_the_whole() -> None:
    found = score(replace(FORECASTS, slicings={"all": FORECASTS.slicings["area"]}))
    pd.testing.assert_frame_equal(found.table, FOUND.table)
    assert found.by_slice("temp", "all").mae.tolist() == FOUND.by_slice("temp", "area").mae.tolist()


def test_without_slicings_there_are_no_slices_but_their_columns() -> None:
    found = score(replace(FORECASTS, slicings={}))
    assert found.slices.columns.tolist() == FOUND.slices.columns.tolist()
    assert found.by_slice("temp", "hour").empty


def test_values_by_step_are_those_of_each_forecaster() -> None:
    found = FOUND.by_horizon("load", "rmse")
    assert list(found) == ["model", "naive", "drift"]
    for name, values in found.items():
        assert values.tolist() == [FOUND.value("load", name, "rmse", step) for step in range(1, 6)]


def test_the_strongest_rival_is_the_one_with_the_lowest_error() -> None:
    near = {"far": FORECASTS.rivals["naive"], "near": np.nan_to_num(FORECASTS.actual, nan=1.0).astype(np.float32)}
    assert score(replace(FORECASTS, rivals=near)).strongest_rival("load") == "near"
    assert score(replace(FORECASTS, rivals={})).strongest_rival("load") is None


def test_no_skill_is_measured_against_a_rival_without_error() -> None:
    actual = np.full_like(FORECASTS.actual, 2.0)
    found = score(replace(FORECASTS, actual=actual, rivals={"perfect": actual.astype(np.float32)}))
    assert found.table.skill_perfect.isna().all()


def test_metrics_are_the_models_by_path_and_its_rivals_error() -> None:
    found = FOUND.metrics()
    steps = ["", *(f"_h{step}" for step in range(1, 6))]
    by_step = {"mae", "crps", "coverage"}
    paths = {
        f"{target}/{name}{step}" for target in TARGETS for step in steps for name in (by_step if step else METRICS)
    }
    paths |= {f"{target}/{kind}_{rival}" for target in TARGETS for kind in ("skill", "mae") for rival in FOUND.rivals}
    assert set(found) == paths
    for path, value in found.items():
        target, metric, step = re.fullmatch(r"(\w+?)/(\w+?)(?:_h(\d))?", path).groups()
        rival = metric.removeprefix("mae_") if metric.startswith("mae_") else "model"
        name = "mae" if metric.startswith("mae_") else metric
        assert value == FOUND.value(target, rival, name, step or "all")


def test_a_target_that_was_never_observed_has_no_metric_at_all() -> None:
    unseen = replace(FORECASTS, actual=np.full_like(FORECASTS.actual, np.nan))
    assert score(unseen).metrics() == {}
    assert np.isnan(score(unseen).reliability).all()


def test_a_point_forecast_has_no_interval_and_its_absolute_error_as_crps() -> None:
    found = score(replace(FORECASTS, levels=(0.5,), quantiles=FORECASTS.quantiles[..., 2:3]))
    assert found.nominal is None
    assert found.table[["coverage", "width", "winkler"]].isna().all(axis=None)
    pd.testing.assert_series_equal(found.table.crps, found.table.mae, check_names=False)
    assert not [path for path in found.metrics() if "coverage" in path]


def test_reliability_is_of_the_model_over_all_targets() -> None:
    observed = ~np.isnan(FORECASTS.actual)
    below = FORECASTS.actual[..., None] <= FORECASTS.quantiles
    np.testing.assert_allclose(FOUND.reliability[0], below[observed].mean(axis=0))
    np.testing.assert_allclose(FOUND.reliability[4], below[:, 3][observed[:, 3]].mean(axis=0))
