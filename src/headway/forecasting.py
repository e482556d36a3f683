"""Forecasts of a task's windows: the forecaster's, calibrated or not, beside its rivals'."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from headway.config.evaluation import EvaluationSpec
from headway.data import batches
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

    Arguments as for `judge_forecaster`.
    """
    index = judged_on.windows["test"]
    plain = replace(forecaster, calibration=None)
    quantiles, actual = forecast_windows(plain, judged_on, "test", batch_size=spec.batch_size)
    raw_shares = None
    if forecaster.calibration is not None:
        before = Reliability(index.horizon, len(forecaster.levels))
        before.add(actual, quantiles)
        raw_shares = before.shares
        quantiles = forecaster.calibration.applied(quantiles)
    numbers = np.arange(len(index))
    rows = index.starts(numbers) + index.context_length - 1
    forecasts = Forecasts(
        model=MODEL,
        targets=forecaster.targets,
        levels=forecaster.levels,
        ticks=_ticks(judged_on)[rows],
        series=index.series_of(numbers),
        actual=actual,
        quantiles=quantiles,
        rivals=rival_forecasts(spec.rivals, trained_on=task, judged_on=judged_on, cache=cache),
        seasonal_scale=np.array(forecaster.profile.seasonal_scale, np.float64),
        seasonal_square=np.array(forecaster.profile.seasonal_square, np.float64),
        slicings=slicings(spec.slices, judged_on, index),
    )
    return forecasts, raw_shares


def forecast_windows(forecaster: Forecaster, task: Task, split: str, *, batch_size: int) -> tuple[Array, Array]:
    """Quantiles [W, H, targets, Q] of all windows of a split, and what happened [W, H, targets].

    Windows are gathered a few thousand at a time: memory grows with what is returned.
    """
    index = task.windows[split]
    shape = task.shape
    sizes = (len(index), shape.horizon, len(shape.targets))
    quantiles = np.empty((*sizes, len(forecaster.levels)))
    actual = np.empty(sizes)
    for numbers in batches.all_numbers(index, batch_size=_WINDOWS_AT_ONCE):
        windows = batches.gather_raw(task.dataset, index, numbers)
        quantiles[numbers] = forecaster.forecast(
            windows.values,
            origins=windows.origins,
            series=windows.series,
            known_future=windows.known_future,
            batch_size=batch_size,
        )
        actual[numbers] = windows.target
    return quantiles, actual


def with_calibration(forecaster: Forecaster, task: Task, spec: EvaluationSpec) -> Forecaster:
    """The forecaster with the calibration that is asked for, found on validation windows where it has none."""
    if spec.calibration == "off" or len(forecaster.levels) == 1:
        return replace(forecaster, calibration=None)
    if forecaster.calibration is not None:
        return forecaster
    return replace(forecaster, calibration=calibration_of(forecaster, task, batch_size=spec.batch_size))


def median_errors(forecaster: Forecaster, task: Task, split: str, *, batch_size: int) -> Array:
    """Mean absolute error [targets] of the medians of a split; NaN where it has no window."""
    if not len(task.windows[split]):
        return np.full(len(forecaster.targets), np.nan)
    quantiles, actual = forecast_windows(forecaster, task, split, batch_size=batch_size)
    errors: Array = np.nanmean(np.abs(quantiles[..., forecaster.median] - actual), axis=(0, 1))
    return errors


def calibration_of(forecaster: Forecaster, task: Task, *, batch_size: int) -> Calibration:
    """The conformal calibration of a forecaster's quantiles on validation windows."""
    quantiles, actual = forecast_windows(
        replace(forecaster, calibration=None), task, "validation", batch_size=batch_size
    )
    return calibrate(actual, quantiles, forecaster.levels)


def _ticks(task: Task) -> NDArray[np.int64]:
    """All rows' times in steps of the clock, from one origin for all series."""
    times = task.dataset.timestamps
    return task.dataset.clock.steps_between(times.min(), times).round().astype(np.int64)
