"""Judging a forecaster: the same windows for all, and nothing learned from the test split."""

import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import StandardScaler

from headway.config.train import TrainConfig
from headway.config.windows import SplitsSpec
from headway.data import batches, sources
from headway.data.clock import Clock
from headway.data.series import Dataset, Series
from headway.evaluation.scaled import MSE, Published
from headway.fitting import untrained
from headway.forecaster import Forecaster
from headway.forecasting import MODEL, calibration_of, median_errors, with_calibration
from headway.judgement import SCALED, Judgement, judge_forecaster
from headway.models.transformer import Transformer
from headway.rival_forecasts import rival_forecasts
from headway.task import Task, prepare

WORDS = (
    *("dataset=csv", "dataset.timestamp=time", "dataset.targets=[y]", "dataset.season=5", "dataset.calendar.week=0"),
    "evaluation=quick",
    *("windows.context_length=3", "windows.horizon=2", "model.d_model=4", "model.heads=1", "model.feed_forward=3"),
)


@pytest.fixture
def config(compose: Callable[..., TrainConfig], write_csv: Callable[..., Path]) -> TrainConfig:
    """A small task: hourly rows of y, with a missing hour longer than any window may cross."""
    generator = np.random.default_rng(1)
    times = np.datetime64("2024-01-01T00", "m") + 60 * np.r_[0:50, 90:611]
    rows = [
        (time, round(value, 3), row % 7)
        for row, (time, value) in enumerate(zip(times, generator.normal(size=571), strict=True))
    ]
    path = write_csv([("time", "y", "x"), *rows])
    return compose(*WORDS, f"dataset.path={path}", "dataset.max_gap=3")


@pytest.fixture
def task(config: TrainConfig) -> Task:
    dataset = sources.read(config.dataset, project=Path())
    return prepare(dataset, dataset_spec=config.dataset, splits=config.splits, windows=config.windows)


def forecaster_of(config: TrainConfig, task: Task) -> Forecaster:
    """A network of random weights."""
    network = Transformer(config.model, task.shape)
    generator = np.random.default_rng(2)
    for variable in network.weights:
        variable.assign(generator.normal(scale=0.3, size=variable.shape))
    return untrained(network, task)


def noisy_task(config: TrainConfig, test_rows: int) -> Task:
    """Hourly rows of y and x, 2,000 to train on."""
    rows, generator = 2500 + test_rows, np.random.default_rng(5)
    times = np.datetime64("2000-01-01", "s") + np.arange(rows) * np.timedelta64(3600, "s")
    series = Series("one", times, generator.normal(size=(rows, 2)).cumsum(axis=0), np.empty((rows, 0)))
    dataset = Dataset("made", (series,), ("y", "x"), ("y",), (), Clock(1, "h"), 24)
    splits = SplitsSpec(train=2000, validation=500, test=test_rows, purge=0)
    return prepare(dataset, dataset_spec=config.dataset, splits=splits, windows=config.windows)


def judged(config: TrainConfig, task: Task) -> Judgement:
    return judge_forecaster(forecaster_of(config, task), task, config.evaluation, seed=0, cache=None)


def together(config: TrainConfig, *, batch_size: int = 1024) -> Judgement:
    """Two targets of unlike size, judged on their standardised values."""
    dataset = config.dataset.model_copy(update={"targets": ("y", "x")})
    config = config.model_copy(update={"dataset": dataset})
    task = prepare(
        sources.read(dataset, project=Path()), dataset_spec=dataset, splits=config.splits, windows=config.windows
    )
    rivals = ("persistence", "drift", "least_squares")
    spec = config.evaluation.model_copy(update={"batch_size": batch_size, "rivals": rivals})
    published = [Published("paper", 0.1234, 0.2345, "a source")]
    forecaster = forecaster_of(config, task)
    return judge_forecaster(forecaster, task, spec, seed=0, cache=None, scaled=True, published=published)


def changed_after(task: Task, row: int) -> Task:
    """The task with other values from a row on, scaled as before."""
    series = task.dataset.series[0]
    values = series.values.copy()
    values[row:] += 1000
    other: Series = replace(series, values=values)
    return replace(task, dataset=replace(task.dataset, series=(other,)))


def test_every_forecaster_is_judged_on_the_same_windows(config: TrainConfig, task: Task) -> None:
    judgement = judged(config, task)
    index = task.windows["test"]
    assert judgement.forecasts.forecasters == (MODEL, *config.evaluation.rivals)
    expected = batches.gather_raw(task.dataset, index, np.arange(len(index))).target
    np.testing.assert_array_equal(judgement.forecasts.actual, expected)
    assert np.isfinite(judgement.forecasts.quantiles).all()
    for forecast in judgement.forecasts.rivals.values():
        assert forecast.shape == expected.shape and np.isfinite(forecast).all()
    assert judgement.scores.num_windows == len(index)


def test_nobody_learns_from_the_test_split(config: TrainConfig, task: Task) -> None:
    begin, _ = task.borders[0]["test"]
    first, second = (judged(config, one).forecasts for one in (task, changed_after(task, begin + 10)))
    # The first test windows end before the change.
    np.testing.assert_array_equal(first.quantiles[:9], second.quantiles[:9])
    for name, forecast in first.rivals.items():
        np.testing.assert_array_equal(forecast[:9], second.rivals[name][:9])
    assert not np.array_equal(first.quantiles, second.quantiles)


def test_calibration_is_learned_from_validation_windows_alone(config: TrainConfig, task: Task) -> None:
    forecaster, size = forecaster_of(config, task), config.evaluation.batch_size
    plain = calibration_of(forecaster, task, batch_size=size).offsets
    begin, end = task.borders[0]["test"][0], task.borders[0]["validation"][0]
    np.testing.assert_array_equal(
        calibration_of(forecaster, changed_after(task, begin), batch_size=size).offsets, plain
    )
    assert not np.array_equal(calibration_of(forecaster, changed_after(task, end), batch_size=size).offsets, plain)


def test_calibration_can_be_switched_off_and_is_kept_where_there_is_one(config: TrainConfig, task: Task) -> None:
    forecaster = forecaster_of(config, task)
    calibrated = with_calibration(forecaster, task, config.evaluation)
    assert calibrated.calibration is not None and np.abs(calibrated.calibration.offsets).max() > 0
    assert with_calibration(calibrated, changed_after(task, 0), config.evaluation) is calibrated
    off = config.evaluation.model_copy(update={"calibration": "off"})
    assert with_calibration(calibrated, task, off).calibration is None


def test_forecasts_that_are_judged_are_those_the_forecaster_gives(config: TrainConfig, task: Task) -> None:
    forecaster = with_calibration(forecaster_of(config, task), task, config.evaluation)
    index = task.windows["test"]
    raw = batches.gather_raw(task.dataset, index, np.arange(len(index)))
    expected = forecaster.forecast(raw.values, origins=raw.origins, series=raw.series, known_future=raw.known_future)
    judgement = judged(config, task)
    np.testing.assert_allclose(judgement.forecasts.quantiles, expected, rtol=1e-5, atol=1e-5)
    raw_quantiles = replace(forecaster, calibration=None).forecast(
        raw.values, origins=raw.origins, series=raw.series, known_future=raw.known_future
    )
    assert judgement.raw_shares is not None
    below = (raw.target[..., None] <= raw_quantiles).mean(axis=(0, 1, 2))
    np.testing.assert_allclose(judgement.raw_shares[0], below, atol=1e-3)  # a tie may fall either way


@pytest.mark.parametrize("size", [1, 32, 512])
def test_scores_do_not_depend_on_the_batch_size(config: TrainConfig, task: Task, size: int) -> None:
    spec = config.evaluation.model_copy(update={"batch_size": size})
    expected = judged(config, task).scores.table
    found = judge_forecaster(forecaster_of(config, task), task, spec, seed=0, cache=None).scores.table
    numbers = expected.select_dtypes("number").columns
    # Matrix products of another height round otherwise: float32.
    np.testing.assert_allclose(found[numbers], expected[numbers], rtol=2e-5)


def test_files_hold_the_table_of_the_scores(config: TrainConfig, task: Task, tmp_path: Path) -> None:
    judgement = judged(config, task)
    judgement.write(tmp_path)
    assert {"calibration.png", "skill.png", "slices.csv", "slices.png"} <= set(judgement.files)
    assert all((tmp_path / name).stat().st_size for name in judgement.files)
    table = pd.read_csv(tmp_path / "scores.csv", dtype={"horizon": str})
    row = table[(table.forecaster == "persistence") & (table.horizon == "2")]
    assert float(row.mae.iloc[0]) == pytest.approx(judgement.scores.value("y", "persistence", "mae", 2))
    text = (tmp_path / "scores.txt").read_text()
    assert f"{judgement.scores.value('y', MODEL, 'mae'):.3f}" in text and "winkler:" in text
    skill = judgement.skills("y")["persistence"]
    mae = [judgement.scores.value("y", name, "mae") for name in (MODEL, "persistence")]
    assert skill == pytest.approx(1 - mae[0] / mae[1])
    hours = judgement.scores.by_slice("y", "hour")
    own = hours[hours.forecaster == MODEL]
    assert (own.mae * own.num_values).sum() / own.num_values.sum() == pytest.approx(mae[0])


def test_coverage_that_is_off_is_explained_by_errors_that_have_grown(config: TrainConfig, task: Task) -> None:
    judgement = judged(config, task)
    found, mae = (judgement.scores.value("y", MODEL, metric) for metric in ("coverage", "mae"))

    def note(*, nominal: float, validation: float) -> str:
        scores = replace(judgement.scores, nominal=nominal)
        return replace(judgement, scores=scores, validation_errors=np.array([validation])).coverage_note

    held = f"intervals of y hold {found:.1f} % of the actuals, not"
    assert f"{held} {found + 5:g} %: the model errs 25 % more" in note(nominal=found + 5, validation=mae / 1.25)
    assert f"{held} {found + 5:g} %, although the model errs 20 % less" in note(nominal=found + 5, validation=mae / 0.8)
    assert f"{held} {found - 5:g} %: the model errs 20 % less" in note(nominal=found - 5, validation=mae / 0.8)
    assert note(nominal=found + 1, validation=mae / 2) == ""


def test_errors_on_validation_are_those_of_the_medians(config: TrainConfig, task: Task) -> None:
    forecaster, index = forecaster_of(config, task), task.windows["validation"]
    raw = batches.gather_raw(task.dataset, index, np.arange(len(index)))
    forecast = forecaster.forecast(raw.values, origins=raw.origins, series=raw.series, known_future=raw.known_future)
    expected = np.nanmean(np.abs(forecast[..., 2] - raw.target))
    assert median_errors(forecaster, task, "validation", batch_size=64) == pytest.approx([expected], rel=1e-5)


def test_another_task_is_judged_with_what_was_learned_from_the_first(config: TrainConfig, task: Task) -> None:
    forecaster, other = forecaster_of(config, task), changed_after(task, 0)
    judgement = judge_forecaster(forecaster, task, config.evaluation, seed=0, judged_on=other, cache=None)
    own = judged(config, task)
    assert judgement.task is other
    np.testing.assert_allclose(judgement.forecasts.actual, own.forecasts.actual + 1000)
    for where, same in ((task, True), (other, False)):
        expected = rival_forecasts(["linear_regression"], trained_on=where, judged_on=other, cache=None)
        assert np.array_equal(judgement.forecasts.rivals["linear_regression"], expected["linear_regression"]) is same
    validation = median_errors(forecaster, task, "validation", batch_size=config.evaluation.batch_size)
    np.testing.assert_array_equal(judgement.validation_errors, validation)
    assert judgement.forecaster.calibration is not None and own.forecaster.calibration is not None
    np.testing.assert_array_equal(judgement.forecaster.calibration.offsets, own.forecaster.calibration.offsets)


def test_best_typical_and_worst_windows_are_those_of_their_errors(config: TrainConfig, task: Task) -> None:
    judgement = judged(config, task)
    found = judgement.examples()
    index = task.windows["test"]
    raw = batches.gather_raw(task.dataset, index, np.arange(len(index)))
    errors = np.abs(judgement.forecasts.quantiles[:, :, 0, 2] - raw.target[:, :, 0]).mean(axis=1)
    ordered = np.sort(errors)
    assert [example.label for example in found] == ["best", "typical", "worst"]
    expected = [ordered[0], ordered[len(ordered) // 2], ordered[-1]]
    assert [example.error for example in found] == pytest.approx(expected)
    for example in found:
        number = int(np.flatnonzero(raw.origins == example.origin)[0])
        assert errors[number] == pytest.approx(example.error)
        np.testing.assert_array_equal(example.context, raw.values[number, :, 0])
        np.testing.assert_array_equal(example.actual, raw.target[number, :, 0])


def test_the_worst_windows_do_not_overlap_and_are_the_worst_of_their_time(config: TrainConfig, task: Task) -> None:
    judgement = judged(config, task)
    found = judgement.examples(worst=3)
    assert [example.label for example in found] == ["best", "typical", "worst", "worst", "worst"]
    index = task.windows["test"]
    raw = batches.gather_raw(task.dataset, index, np.arange(len(index)))
    means = np.abs(judgement.forecasts.quantiles[:, :, 0, 2] - raw.target[:, :, 0]).mean(axis=1)
    left = dict(zip(raw.origins, means, strict=True))
    # By hand: the worst, then the worst of those two hours and more away from what is taken already.
    expected: list[np.datetime64] = []
    for _ in range(3):
        expected.append(max(left, key=left.__getitem__))
        left = {time: mean for time, mean in left.items() if abs(time - expected[-1]) >= np.timedelta64(2, "h")}
    assert [example.origin for example in reversed(found[2:])] == expected


def test_windows_a_horizon_apart_do_not_overlap(config: TrainConfig, task: Task) -> None:
    judgement = judged(config, task)
    means = np.abs(judgement.forecasts.quantiles[:, :, 0, 2] - judgement.forecasts.actual[:, :, 0]).mean(axis=1)
    order = np.argsort(means)
    ticks = np.empty_like(judgement.forecasts.ticks)
    ticks[order] = 2 * np.arange(len(order))  # the worst is two steps, a horizon, from the second worst, and so on
    found = replace(judgement, forecasts=replace(judgement.forecasts, ticks=ticks)).examples(worst=3)
    assert [example.error for example in found[2:]] == pytest.approx(np.sort(means)[-3:])


def test_where_all_windows_overlap_there_is_one_worst(config: TrainConfig, task: Task) -> None:
    judgement = judged(config, task)
    forecasts = replace(judgement.forecasts, ticks=judgement.forecasts.ticks * 0)
    found = replace(judgement, forecasts=forecasts).examples(worst=4)
    assert [example.label for example in found] == ["best", "typical", "worst"]


def test_pictures_are_named_as_the_files_that_hold_them(config: TrainConfig, task: Task) -> None:
    judgement = judged(config, task)
    assert set(judgement.pictures) == {name for name in judgement.files if name.endswith(".png")}


def test_scaled_scores_are_those_of_forecasts_over_the_scale_of_the_training_rows(config: TrainConfig) -> None:
    judgement = together(config)
    rows = pd.read_csv(config.dataset.path)[["y", "x"]].to_numpy()
    begin, end = judgement.task.borders[0]["train"]
    assert len(judgement.task.dataset.series[0]) == len(rows)  # a gap no window may cross takes no rows
    scaler = StandardScaler().fit(rows[begin:end])
    index = judgement.task.windows["test"]
    actual = batches.gather_raw(judgement.task.dataset, index, np.arange(len(index))).target
    point = judgement.forecasts.quantiles[..., 2]
    error = (scaler.transform(point.reshape(-1, 2)) - scaler.transform(actual.reshape(-1, 2))).ravel()
    assert judgement.scaled is not None
    assert judgement.scaled.mse[MODEL] == pytest.approx((error**2).mean(), rel=1e-9)
    assert judgement.scaled.mae[MODEL] == pytest.approx(np.abs(error).mean(), rel=1e-9)
    assert judgement.metrics()["scaled_mse"] == judgement.scaled.mse[MODEL]
    assert judgement.metrics()["y/mae"] == judgement.scores.value("y", MODEL, "mae")


@pytest.mark.parametrize("size", [1, 32])
def test_scaled_scores_do_not_depend_on_the_batch_size(config: TrainConfig, size: int) -> None:
    expected, found = together(config, batch_size=512).scaled, together(config, batch_size=size).scaled
    assert expected is not None and found is not None
    assert dict(found.mse) == pytest.approx(dict(expected.mse), rel=1e-6)
    assert dict(found.mae) == pytest.approx(dict(expected.mae), rel=1e-6)


def test_where_scaled_scores_decide_the_verdicts_by_target_do_not(config: TrainConfig) -> None:
    judgement = together(config)
    assert judgement.scaled is not None
    assert [(one.target, one.rival) for one in judgement.deciding] == [
        (MSE, rival) for rival in ("persistence", "drift", "least_squares")
    ]
    beaten = tuple(replace(one, skill=0.2, p_value=0.001) for one in judgement.scaled.comparison.verdicts)
    lost = tuple(replace(one, skill=-0.2, p_value=0.001) for one in judgement.comparison.verdicts)
    assert {one.target for one in lost} == {"y", "x"}
    won = replace(
        judgement,
        comparison=replace(judgement.comparison, verdicts=lost),
        scaled=replace(judgement.scaled, comparison=replace(judgement.scaled.comparison, verdicts=beaten)),
    )
    assert won.beats_baselines and won.unmet == []
    assert not replace(won, scaled=None).beats_baselines and len(replace(won, scaled=None).unmet) == len(lost)


def test_the_headline_of_scaled_scores_names_least_squares_and_repeat_last(config: TrainConfig) -> None:
    judgement = together(config)
    assert judgement.scaled is not None
    mse, mae, verdict = judgement.scaled.mse, judgement.scaled.mae, judgement.scaled.verdicts[2]
    assert judgement.headline == (
        f"scaled MSE on the test split {mse[MODEL]:.4f}, MAE {mae[MODEL]:.4f}; {verdict.words}; "
        f"repeat last has {mse['persistence']:.4f}"
    )
    assert verdict.rival == "least_squares" and "least squares" in verdict.words


def test_files_hold_the_scaled_scores_first_and_those_by_target_below(config: TrainConfig, tmp_path: Path) -> None:
    judgement = together(config)
    judgement.write(tmp_path)
    assert SCALED in judgement.files and SCALED not in replace(judgement, scaled=None).files
    assert judgement.scaled is not None
    table = pd.read_csv(tmp_path / SCALED).set_index("forecaster")
    assert table.mse.to_dict() == pytest.approx(dict(judgement.scaled.mse), rel=1e-12)
    assert list(table.index) == [MODEL, "persistence", "drift", "least_squares"] and set(table.target) == {"all"}
    text = (tmp_path / "scores.txt").read_text()
    words = ["scaled values, all", "published: a source", f"{MSE}: {MODEL}", f"y: {MODEL}", "winkler:"]
    places = [text.index(word) for word in words]
    assert places == sorted(places) and "0.123" in text and f"x: {MODEL}" in text
    assert judgement.summary().startswith("scaled values, all") and "published" not in judgement.table()


def test_judging_holds_no_second_copy_of_the_forecasts(
    compose: Callable[..., TrainConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (
        "forecasting._WINDOWS",
        "slicing._WINDOWS",
        "evaluation.forecasts._VALUES",
        "evaluation.scaled._VALUES",
    ):
        monkeypatch.setattr(f"headway.{module}_AT_ONCE", 4096)  # small parts: what grows is not they
    small = ["model.d_model=4", "model.heads=1", "model.feed_forward=3", "evaluation.bootstrap=20"]
    config = compose(*small, "windows.horizon=12", "evaluation.rivals=[persistence,window_mean]")
    own, peaks = [], []
    for rows in (9_000, 33_000):
        task = noisy_task(config, rows)
        forecaster = forecaster_of(config, task)
        _ = task.rows, task.profile, task.dataset.values  # not what judging adds
        tracemalloc.start()
        judgement = judge_forecaster(forecaster, task, config.evaluation, seed=0, cache=None, scaled=True)
        judgement.examples()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        found = judgement.forecasts
        arrays = [found.quantiles, found.actual, *found.rivals.values(), found.ticks, found.series]
        own.append(sum(array.nbytes for array in (*arrays, *(one.codes for one in found.slicings.values()))))
    assert peaks[1] - peaks[0] < 1.5 * (own[1] - own[0])
