"""Forecasts of a task's windows: the forecaster's, calibrated or not, beside its rivals'."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from headway.config.evaluation import EvaluationSpec
from headway.data import batches
from headway.data.batches import RawWindows
from headway.evaluation.calibration import Calibration, calibrate
from headway.evaluation.forecasts import Forecasts
from headway.evaluation.metrics import Array
from headway.evaluation.reliability import Reliability
from headway.forecaster import Forecaster
from headway.rival_forecasts import CACHE, rival_forecasts
from headway.slicing import slicings
from headway.task import Task

MODEL = "transformer"
_WINDOWS_AT_ONCE = 8192  # forecast in one go, in the series' own units


def forecast_all(
    forecaster: Forecaster, task: Task, spec: EvaluationSpec, *, judged_on: Task, cache: Path | None = CACHE
) -> tuple[Forecasts, Array | None]:
    """Forecasts of the test split of a task, and the shares below the quantiles before calibration (or None).

    Quantiles are calibrated as they come, a few thousand windows at a time: there is no second copy of them.
    Arguments as for `judge_forecaster`.
    """
    index, calibration = judged_on.windows["test"], forecaster.calibration
    plain = replace(forecaster, calibration=None)
    ticks, series = np.empty(len(index), np.int64), np.empty(len(index), np.int64)
    actual = np.empty((len(index), index.horizon, len(forecaster.targets)))
    quantiles = np.empty((*actual.shape, len(forecaster.levels)))
    before = Reliability(index.horizon, len(forecaster.levels))
    start = judged_on.dataset.first_time
    for numbers, windows, found in _parts(plain, judged_on, "test", batch_size=spec.batch_size):
        before.add(windows.target, found)
        quantiles[numbers] = found if calibration is None else calibration.applied(found)
        actual[numbers], series[numbers] = windows.target, windows.series
        ticks[numbers] = judged_on.dataset.clock.steps_between(start, windows.origins).round()
    forecasts = Forecasts(
        model=MODEL,
        targets=forecaster.targets,
        levels=forecaster.levels,
        ticks=ticks,
        series=series,
        actual=actual,
        quantiles=quantiles,
        rivals=rival_forecasts(spec.rivals, trained_on=task, judged_on=judged_on, cache=cache),
        seasonal_scale=np.array(forecaster.profile.seasonal_scale, np.float64),
        seasonal_square=np.array(forecaster.profile.seasonal_square, np.float64),
        slicings=slicings(spec.slices, judged_on, index),
    )
    return forecasts, None if calibration is None else before.shares


def forecast_windows(forecaster: Forecaster, task: Task, split: str, *, batch_size: int) -> tuple[Array, Array]:
    """Quantiles [W, H, targets, Q] of all windows of a split, and what happened [W, H, targets].

    Windows are gathered a few thousand at a time: memory grows with what is returned.
    """
    sizes = (len(task.windows[split]), task.shape.horizon, len(task.shape.targets))
    found, actual = np.empty((*sizes, len(forecaster.levels))), np.empty(sizes)
    for numbers, windows, quantiles in _parts(forecaster, task, split, batch_size=batch_size):
        found[numbers], actual[numbers] = quantiles, windows.target
    return found, actual


def with_calibration(forecaster: Forecaster, task: Task, spec: EvaluationSpec) -> Forecaster:
    """The forecaster with the calibration that is asked for, found on validation windows where it has none."""
    if spec.calibration == "off" or len(forecaster.levels) == 1:
        return replace(forecaster, calibration=None)
    if forecaster.calibration is not None:
        return forecaster
    return replace(forecaster, calibration=calibration_of(forecaster, task, batch_size=spec.batch_size))


def median_errors(forecaster: Forecaster, task: Task, split: str, *, batch_size: int) -> Array:
    """Mean absolute error [targets] of the medians of a split; NaN where it has no window."""
    count = len(task.windows[split])
    if not count:
        return np.full(len(forecaster.targets), np.nan)
    errors = np.empty((count, task.shape.horizon, len(forecaster.targets)))
    for numbers, windows, quantiles in _parts(forecaster, task, split, batch_size=batch_size):
        errors[numbers] = np.abs(quantiles[..., forecaster.median] - windows.target)
    means: Array = np.nanmean(errors, axis=(0, 1))
    return means


def calibration_of(forecaster: Forecaster, task: Task, *, batch_size: int) -> Calibration:
    """The conformal calibration of a forecaster's quantiles on validation windows."""
    quantiles, actual = forecast_windows(
        replace(forecaster, calibration=None), task, "validation", batch_size=batch_size
    )
    return calibrate(actual, quantiles, forecaster.levels)


def _parts(
    forecaster: Forecaster, task: Task, split: str, *, batch_size: int
) -> Iterator[tuple[slice, RawWindows, Array]]:
    """A few thousand windows of a split at a time: their numbers, what they are, and their quantiles."""
    index = task.windows[split]
    for numbers in batches.all_numbers(index, batch_size=_WINDOWS_AT_ONCE):
        windows = batches.gather_raw(task.dataset, index, numbers)
        quantiles = forecaster.forecast(
            windows.values,
            origins=windows.origins,
            series=windows.series,
            known_future=windows.known_future,
            batch_size=batch_size,
        )
        yield slice(int(numbers[0]), int(numbers[-1]) + 1), windows, quantiles
