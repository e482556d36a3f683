"""Mistakes as they are made, planted in the pipeline one at a time: the audit must report every one."""

import hashlib
from collections.abc import Callable
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from headway import feeds, forecasting, rival_forecasts
from headway import task as tasks
from headway.audit import PROPERTIES, audit_leaks
from headway.config.train import TrainConfig
from headway.data import assemble, batches, scaling, splits
from headway.data.scaling import Scaler
from headway.data.series import Dataset, Series
from headway.data.splits import SPLITS
from headway.data.windows import WindowIndex
from headway.evaluation.rivals.seasonal_naive import SeasonalNaive
from headway.forecaster import Forecaster
from headway.models.transformer import Transformer
from headway.task import Task
from headway.training.resident import ResidentWindows

Patch = pytest.MonkeyPatch
Values = NDArray[np.float64]
Plant = Callable[[Patch], None]
PLANTED: dict[str, tuple[str, Plant]] = {}


def planted(*, breaks: str) -> Callable[[Plant], Plant]:
    """A mistake, and by its property's number and its name a thing that must be told to move."""

    def keep(plant: Plant) -> Plant:
        PLANTED[plant.__name__.replace("_", " ")] = (breaks, plant)
        return plant

    return keep


def wrap(patch: Patch, module: Any, name: str, change: Callable[..., Any]) -> None:
    """The function goes on as change(original, its arguments)."""
    original = getattr(module, name)
    patch.setattr(module, name, lambda *arguments, **named: change(original, *arguments, **named))


# What is fitted


@planted(breaks="1 scaler.mean")
def scaler_fitted_on_all_rows(patch: Patch) -> None:
    patch.setattr(scaling, "training_rows", all_rows)


@planted(breaks="1 training.context")
def scaler_fitted_on_training_and_validation(patch: Patch) -> None:
    longer = lambda borders: [{"train": (0, border["validation"][1])} for border in borders]  # noqa: E731
    wrap(patch, scaling, "training_rows", lambda rows, data, borders, **named: rows(data, longer(borders), **named))


@planted(breaks="1 scaler.scale")
def scaler_fitted_past_the_border_into_the_purge(patch: Patch) -> None:
    longer = lambda borders: [{"train": (0, border["train"][1] + 1)} for border in borders]  # noqa: E731
    wrap(patch, scaling, "training_rows", lambda rows, data, borders, **named: rows(data, longer(borders), **named))


@planted(breaks="5 task.known_future_scaler.mean")
def known_future_scaler_fitted_on_all_rows(patch: Patch) -> None:
    def change(fit: Any, dataset: Dataset, borders: Any) -> Any:
        return fit(dataset, borders)[0], Scaler.fit(dataset.known_future)

    wrap(patch, tasks, "fit_scalers", change)


@planted(breaks="1 profile.columns")
def profile_of_all_rows(patch: Patch) -> None:
    patch.setattr(tasks, "training_rows", all_rows)


@planted(breaks="1 profile.seasonal_scale")
def scale_of_mase_from_all_rows(patch: Patch) -> None:
    wrap(patch, tasks, "_apart", lambda apart, series, begin, end, data: apart(series, 0, len(series), data))


@planted(breaks="1 rivals.least_squares")
def rivals_fitted_on_training_and_test(patch: Patch) -> None:
    def change(original: Any, names: Any, *, trained_on: Task, **named: Any) -> Any:
        return original(names, trained_on=joined(trained_on, "train", "test"), **named)

    wrap(patch, rival_forecasts, "rival_forecasts", change)


@planted(breaks="2 calibration.offsets")
def calibration_on_test_windows(patch: Patch) -> None:
    wrap(
        patch,
        forecasting,
        "calibration_of",
        lambda of, forecaster, task, **named: of(forecaster, swapped(task), **named),
    )


@planted(breaks="2 validation.target")
def selection_on_test_windows(patch: Patch) -> None:
    wrap(patch, feeds, "validation_feed", lambda feed, task, **named: feed(swapped(task), **named))


def all_rows(dataset: Dataset, borders: Any, *, known_future: bool = False) -> list[Values]:
    return [dataset.known_future if known_future else dataset.values]


def swapped(task: Task) -> Task:
    return replace(task, windows={**task.windows, "validation": task.windows["test"]})


def joined(task: Task, split: str, other: str) -> Task:
    one, another = task.windows[split], task.windows[other]
    runs = ("first", "count", "series")
    parts = {name: np.concatenate([getattr(each, name) for each in (one, another)]) for name in runs}
    return replace(task, windows={**task.windows, split: replace(one, **parts)})


# Which windows a split has


@planted(breaks="6 train.targets")
def training_targets_reach_across_the_border(patch: Patch) -> None:
    longer_targets(patch, "train")


@planted(breaks="6 order.validation before test")
def validation_targets_reach_into_the_test(patch: Patch) -> None:
    longer_targets(patch, "validation")


@planted(breaks="6 targets.splits")
def the_first_test_target_is_the_last_of_validation(patch: Patch) -> None:
    def change(index: Any, dataset: Dataset, borders: Any, split: str, **sizes: int) -> WindowIndex:
        early = 4 if split == "test" else 0  # the purge, and a row
        own = [{split: (border[split][0] - early, border[split][1])} for border in borders]
        return index(dataset, own, split, **sizes)

    wrap(patch, tasks, "index_windows", change)


@planted(breaks="6 train.border")
def purge_ignored(patch: Patch) -> None:
    wrap(patch, splits, "split_rows", lambda rows, count, **named: rows(count, **{**named, "purge": 0}))


@planted(breaks="6 order.train before test")
def windows_shuffled_before_the_split(patch: Patch) -> None:
    def change(index: Any, dataset: Dataset, borders: Any, split: str, **sizes: int) -> WindowIndex:
        whole = index(dataset, [{split: (0, len(series))} for series in dataset.series], split, **sizes)
        order = np.random.default_rng(1).permutation(len(whole))
        share = np.split(order, [int(0.6 * len(order)), int(0.8 * len(order))])[SPLITS.index(split)]
        return of_numbers(whole, np.sort(share))

    wrap(patch, tasks, "index_windows", change)


@planted(breaks="6 test.targets")
def windows_run_from_one_series_into_the_next(patch: Patch) -> None:
    def change(index: Any, dataset: Dataset, borders: Any, split: str, **sizes: int) -> WindowIndex:
        found = index(dataset, borders, split, **sizes)
        last = np.append(np.diff(found.series) > 0, False)
        return replace(found, count=found.count + 4 * (last & (split == "test")))

    wrap(patch, tasks, "index_windows", change)


@planted(breaks="5 train.windows")
def windows_run_across_long_gaps(patch: Patch) -> None:
    def change(index: Any, dataset: Dataset, *rest: Any, **sizes: int) -> WindowIndex:
        series = tuple(replace(one, segments=(0,)) for one in dataset.series)
        return index(replace(dataset, series=series), *rest, **sizes)

    wrap(patch, tasks, "index_windows", change)


@planted(breaks="3 windows.test")
def easy_test_windows_kept(patch: Patch) -> None:
    def change(index: Any, dataset: Dataset, borders: Any, split: str, **sizes: int) -> WindowIndex:
        found = index(dataset, borders, split, **sizes)
        target = batches.gather_raw(dataset, found, np.arange(len(found))).target[..., 0]
        spread = np.nanmax(target, axis=1, initial=-99) - np.nanmin(target, axis=1, initial=99)
        easy = spread <= np.quantile(spread, 0.8)
        return of_numbers(found, np.flatnonzero(easy)) if split == "test" else found

    wrap(patch, tasks, "index_windows", change)


@planted(breaks="6 training.epoch")
def epochs_draw_validation_windows_too(patch: Patch) -> None:
    wrap(patch, feeds, "training_feed", lambda feed, task, **named: feed(joined(task, "train", "validation"), **named))


@planted(breaks="6 training.epoch")
def epochs_draw_windows_again(patch: Patch) -> None:
    def change(original: Any, places: Any, *, count: int, seed: int, epoch: int) -> Any:
        return np.random.default_rng([seed, epoch]).integers(0, count, count)[places]

    wrap(patch, batches, "shuffled", change)


def longer_targets(patch: Patch, leaking: str) -> None:
    """Windows whose first target lies in the split, wherever the last one is."""

    def change(index: Any, dataset: Dataset, borders: Any, split: str, **sizes: int) -> WindowIndex:
        more = sizes["horizon"] - 1 if split == leaking else 0
        return index(
            dataset, [{split: (border[split][0], border[split][1] + more)} for border in borders], split, **sizes
        )

    wrap(patch, tasks, "index_windows", change)


def of_numbers(index: WindowIndex, numbers: Any) -> WindowIndex:
    runs = {
        "first": index.starts(numbers),
        "count": np.ones(len(numbers), np.int64),
        "series": index.series_of(numbers),
    }
    return replace(index, **runs)


# What becomes of the series


@planted(breaks="3 rows.values")
def centred_rolling_mean(patch: Patch) -> None:
    def smooth(values: Values) -> Values:
        around = np.stack([np.roll(values, shift, axis=0) for shift in (-1, 0, 1)])
        mean = np.where(np.isnan(around), 0, around).sum(axis=0) / np.maximum(1, (~np.isnan(around)).sum(axis=0))
        return np.where(np.isnan(values), np.nan, mean)

    on_series(patch, smooth)


@planted(breaks="3 scaled.context")
def missing_values_filled_from_behind(patch: Patch) -> None:
    def fill(values: Values) -> Values:
        filled = values.copy()
        for row in range(len(values) - 2, -1, -1):
            filled[row] = np.where(np.isnan(filled[row]), filled[row + 1], filled[row])
        return filled

    on_series(patch, fill)


@planted(breaks="3 raw.values")
def missing_values_interpolated(patch: Patch) -> None:
    def interpolate(values: Values) -> Values:
        rows = np.arange(len(values))
        columns = [np.interp(rows, rows[~np.isnan(one)], one[~np.isnan(one)]) for one in values.T]
        return np.stack(columns, axis=1)

    on_series(patch, interpolate)


@planted(breaks="1 training.context")
def missing_values_filled_with_the_mean_of_all_rows(patch: Patch) -> None:
    on_series(patch, lambda values: np.where(np.isnan(values), np.nanmean(values, axis=0), values))


@planted(breaks="5 file.heat")
def outliers_by_mean_and_deviation_of_all_rows(patch: Patch) -> None:
    def change(original: Any, columns: dict[str, Values], *rest: Any, **named: Any) -> Any:
        found = original(columns, *rest, **named)
        for values in columns.values():
            values[np.abs(values - np.nanmean(values)) > 2 * np.nanstd(values)] = np.nan
        return found

    wrap(patch, assemble, "mask_implausible", change)


@planted(breaks="5 file.load")
def values_clipped_at_the_quantiles_of_all_rows(patch: Patch) -> None:
    on_series(patch, lambda values: np.clip(values, *np.nanquantile(values, (0.02, 0.98), axis=0)))


@planted(breaks="3 rivals.context")
def difference_with_the_next_row(patch: Patch) -> None:
    on_feature(patch, lambda wind: np.append(wind[1:] - wind[:-1], np.nan))


@planted(breaks="3 network.forecast")
def covariate_of_the_next_row(patch: Patch) -> None:
    on_feature(patch, lambda wind: np.append(wind[1:], np.nan))


@planted(breaks="1 rivals.history")
def mean_of_all_rows_subtracted_by_series(patch: Patch) -> None:
    on_series(patch, lambda values: values - np.nanmean(values, axis=0))


@planted(breaks="1 training.target")
def trend_of_all_rows_subtracted(patch: Patch) -> None:
    def detrend(values: Values) -> Values:
        rows, known = np.arange(len(values)), ~np.isnan(values)
        lines = [
            np.polyval(np.polyfit(rows[own], one[own], 1), rows) for one, own in zip(values.T, known.T, strict=True)
        ]
        return values - np.stack(lines, axis=1)

    on_series(patch, detrend)


@planted(breaks="2 validation.context")
def target_encoding_from_all_rows(patch: Patch) -> None:
    """A covariate replaced by the target's mean in its quarter of the day."""

    def change(original: Any, name: str, *rest: Any) -> Series:
        series = original(name, *rest)
        values, quarters = series.values.copy(), series.timestamps.astype("datetime64[h]").astype(int) % 24 // 6
        means = np.array([np.nanmean(values[quarters == quarter, 0]) for quarter in range(4)])
        values[:, 2] = np.where(np.isnan(values[:, 2]), np.nan, means[quarters])
        return replace(series, values=values)

    wrap(patch, assemble, "Series", change)


@planted(breaks="5 file.promo")
def known_column_shifted_by_a_row(patch: Patch) -> None:
    def change(original: Any, name: str, *rest: Any) -> Series:
        series = original(name, *rest)
        return replace(series, known_future=np.roll(series.known_future, -1, axis=0))

    wrap(patch, assemble, "Series", change)


def on_series(patch: Patch, change: Callable[[Values], Values]) -> None:
    def changed(original: Any, name: str, *rest: Any) -> Series:
        series = original(name, *rest)
        return replace(series, values=change(series.values))

    wrap(patch, assemble, "Series", changed)


def on_feature(patch: Patch, change: Callable[[Values], Values]) -> None:
    on_series(patch, lambda values: np.column_stack([values[:, :2], change(values[:, 2])]))


# What a window is made of


@planted(breaks="3 rivals.context")
def context_one_row_late(patch: Patch) -> None:
    def change(batch: Any, rows: Any, index: Any, numbers: Any) -> dict[str, Any]:
        span = index.starts(numbers)[:, None] + 1 + np.arange(index.context_length)
        return {"context": rows.values[span], "observed": rows.observed[span]}

    on_inputs(patch, change)


@planted(breaks="3 scaled.observed")
def marks_of_the_next_row(patch: Patch) -> None:
    def change(batch: Any, rows: Any, index: Any, numbers: Any) -> dict[str, Any]:
        span = index.starts(numbers)[:, None] + 1 + np.arange(index.context_length)
        return {"observed": rows.observed[span]}

    on_inputs(patch, change)


@planted(breaks="5 validation.target")
def target_one_row_early(patch: Patch) -> None:
    def change(take: Any, windows: ResidentWindows, arrays: Any, starts: Any) -> Any:
        inputs, _, _ = take(windows, arrays, starts)
        _, target, observed = take(windows, arrays, starts - 1)
        return inputs, target, observed

    wrap(patch, ResidentWindows, "take", change)


@planted(breaks="5 test.known_future")
def calendar_one_step_late(patch: Patch) -> None:
    hour = np.timedelta64(1, "h")
    wrap(patch, batches, "calendar_features", lambda features, times, cycles: features(times + hour, cycles))


@planted(breaks="3 scaled.context")
def windows_scaled_by_context_and_horizon(patch: Patch) -> None:
    def change(gather: Any, rows: Any, index: WindowIndex, numbers: Any) -> Any:
        batch = gather(rows, index, numbers)
        span = index.starts(numbers)[:, None] + np.arange(index.context_length + index.horizon)
        mean = rows.values[span].mean(axis=1, keepdims=True)
        inputs = {**batch.inputs, "context": batch.inputs["context"] - mean}
        return replace(batch, inputs=inputs, target=batch.target - mean[..., list(rows.targets)])

    wrap(patch, batches, "gather", change)


@planted(breaks="4 test.context")
def batches_scaled_by_their_own_mean(patch: Patch) -> None:
    on_inputs(patch, lambda batch, *rest: {"context": batch.inputs["context"] - batch.inputs["context"].mean(axis=0)})


@planted(breaks="3 rivals.history")
def history_up_to_the_row_after_the_origin(patch: Patch) -> None:
    later_history(patch, 1)


@planted(breaks="3 rivals.seasonal_naive")
def history_of_the_coming_season(patch: Patch) -> None:
    later_history(patch, 3)


@planted(breaks="4 train.history")
def history_that_runs_into_another_series(patch: Patch) -> None:
    patch.setattr(Dataset, "segment_starts", property(lambda dataset: np.zeros(1, np.int64)))


@planted(breaks="3 rivals.seasonal_naive")
def a_rival_that_looks_at_the_target(patch: Patch) -> None:
    def change(forecast: Any, rival: SeasonalNaive, cases: Any) -> Any:
        return np.where(np.isnan(cases.target), forecast(rival, cases), cases.target)

    wrap(patch, SeasonalNaive, "forecast", change)


@planted(breaks="4 network.forecast")
def forecasts_by_statistics_of_the_batch(patch: Patch) -> None:
    def change(forecast: Any, forecaster: Forecaster, values: Values, **named: Any) -> Any:
        return forecast(forecaster, values - np.nanmean(values, axis=0) + forecaster.scaler.mean, **named)

    wrap(patch, Forecaster, "forecast", change)


def on_inputs(patch: Patch, change: Callable[..., dict[str, Any]]) -> None:
    def changed(gather: Any, rows: Any, index: WindowIndex, numbers: Any) -> Any:
        batch = gather(rows, index, numbers)
        return replace(batch, inputs={**batch.inputs, **change(batch, rows, index, numbers)})

    wrap(patch, batches, "gather", changed)


def later_history(patch: Patch, rows: int) -> None:
    def change(history: Any, dataset: Dataset, index: WindowIndex, numbers: Any, *, length: int) -> Values:
        return history(dataset, replace(index, context_length=index.context_length + rows), numbers, length=length)

    wrap(patch, batches, "gather_history", change)


# The proof


def digest(config: TrainConfig, task: Task, forecaster: Forecaster) -> str:
    """Of all that the pipeline prepares, learns and forecasts."""
    found = hashlib.sha256(repr((astuple(task.scaler), astuple(task.known_future_scaler), task.profile)).encode())
    feed = feeds.training_feed(task, seed=config.seed, batch_size=config.training.batch_size)
    chooses = feeds.validation_feed(task, batch_size=config.evaluation.batch_size)
    parts: list[Any] = [one[number] for one in (feed, chooses) for number in range(one.num_batches)]
    parts += [astuple(one) for split in SPLITS for one in rival_forecasts.cases(task, task.windows[split])]
    parts.append(forecasting.forecast_windows(forecaster, task, "test", batch_size=53))
    names = ["least_squares", "seasonal_naive"]
    parts.append(rival_forecasts.rival_forecasts(names, trained_on=task, judged_on=task, cache=None))
    for array in arrays_of(parts):
        found.update(array.tobytes())
    return found.hexdigest()


def arrays_of(parts: Any) -> list[NDArray[Any]]:
    if isinstance(parts, dict):
        return arrays_of(list(parts.values()))
    if isinstance(parts, list | tuple):
        return [array for part in parts for array in arrays_of(part)]
    return [np.asarray(parts)]


@pytest.fixture(scope="module")
def clean_digest(dirty_config: TrainConfig, clean_task: Task, network: Transformer, forecaster_of: Any) -> str:
    return digest(dirty_config, clean_task, forecaster_of(dirty_config, clean_task, network))


@pytest.mark.parametrize(("breaks", "plant"), PLANTED.values(), ids=PLANTED)
def test_a_planted_leak_is_reported(
    breaks: str,
    plant: Plant,
    dirty_config: TrainConfig,
    network: Transformer,
    clean_digest: str,
    task_of: Any,
    forecaster_of: Any,
    monkeypatch: Patch,
    record_property: Callable[[str, object], None],
) -> None:
    plant(monkeypatch)
    task = task_of(dirty_config)
    forecaster = forecaster_of(dirty_config, task, network)
    assert digest(dirty_config, task, forecaster) != clean_digest
    leaks = audit_leaks(dirty_config, forecaster, project=Path()).leaks
    broken = [leak.removeprefix("audit=leaks: property ").replace(" does not hold: ", " ") for leak in leaks]
    record_property("breaks", sorted({int(words[0]) for words in broken}))
    assert any(words.startswith(f"{breaks}: ") for words in broken)


def test_enough_leaks_are_planted_to_break_every_property() -> None:
    assert len(PLANTED) >= 24
    assert {int(breaks[0]) for breaks, _ in PLANTED.values()} == set(range(1, len(PROPERTIES) + 1))
