"""Metrics of forecasts. To add one, write a function of `Judged` and register it with `@metric`.

Each gives a loss per target value, [W, H, targets], NaN where the actual is missing; its mean over
whatever is asked for (all windows, one hour) is the metric. RMSE takes the root of that mean.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Judged:
    """One forecaster's forecasts beside what happened, in the targets' own units.

    Attributes:
        actual: [W, H, targets], NaN where missing.
        forecast: [W, H, targets, Q]; Q = 1 is a point forecast.
        levels: [Q] quantile levels; (0.5,) for a point forecast.
        seasonal_scale: [W, targets] mean absolute seasonal difference of the training rows of the
            window's series, for MASE.
    """

    actual: Array
    forecast: Array
    levels: tuple[float, ...]
    seasonal_scale: Array

    @property
    def point(self) -> Array:
        """The median, [W, H, targets]."""
        return self.forecast[..., self.levels.index(0.5)]

    @property
    def error(self) -> Array:
        """Forecast minus actual, [W, H, targets]."""
        return self.point - self.actual

    @property
    def outer(self) -> tuple[float, float] | None:
        """The widest pair of levels that lie symmetrically about the median, or None."""
        low, high = self.levels[0], self.levels[-1]
        return (low, high) if len(self.levels) > 1 and abs(low + high - 1) < 1e-9 else None


@dataclass(frozen=True)
class Metric:
    """A metric by name.

    Attributes:
        loss: Loss per target value.
        finish: What turns a mean of losses into the metric.
        unit: "target" for the target's own unit, "%" or "" for none.
        definition: One line, as printed beside a table.
    """

    name: str
    loss: Callable[[Judged], Array]
    finish: Callable[[Array], Array]
    unit: str
    definition: str


METRICS: dict[str, Metric] = {}


def metric(
    name: str, *, unit: str, finish: Callable[[Array], Array] = np.asarray
) -> Callable[[Callable[[Judged], Array]], Callable[[Judged], Array]]:
    """Register a function as a metric; the first line of its docstring is its definition."""

    def register(loss: Callable[[Judged], Array]) -> Callable[[Judged], Array]:
        METRICS[name] = Metric(name, loss, finish, unit, (loss.__doc__ or "").splitlines()[0])
        return loss

    return register


@metric("mae", unit="target")
def absolute_error(judged: Judged) -> Array:
    """Mean absolute error of the median."""
    return np.abs(judged.error)


@metric("rmse", unit="target", finish=np.sqrt)
def squared_error(judged: Judged) -> Array:
    """Root of the mean squared error of the median."""
    return judged.error**2


@metric("mase", unit="")
def scaled_error(judged: Judged) -> Array:
    """Absolute error over the mean absolute seasonal difference of the training rows (Hyndman and Koehler 2006)."""
    return np.abs(judged.error) / judged.seasonal_scale[:, None]


@metric("smape", unit="%")
def symmetric_percentage_error(judged: Judged) -> Array:
    """200 |y - f| / (|y| + |f|), from 0 to 200; means little where zero is arbitrary, as in °F."""
    scale = np.abs(judged.actual) + np.abs(judged.point)
    return 200 * np.abs(judged.error) / np.where(scale == 0, 1.0, scale)


@metric("pinball", unit="target")
def pinball(judged: Judged) -> Array:
    """Mean pinball loss over the quantile levels; a point forecast counts as all its quantiles."""
    error = judged.actual[..., None] - judged.forecast
    levels = np.array(judged.levels)
    return np.maximum(levels * error, (levels - 1) * error).mean(axis=-1)


@metric("coverage", unit="%")
def coverage(judged: Judged) -> Array:
    """Share of actuals inside the outermost interval of quantiles; nominal beside the table."""
    if judged.outer is None:
        return np.full(judged.actual.shape, np.nan)
    inside = (judged.actual >= judged.forecast[..., 0]) & (judged.actual <= judged.forecast[..., -1])
    return np.where(np.isnan(judged.actual), np.nan, 100.0 * inside)


def scores(judged: Judged, names: Mapping[str, Metric] = METRICS) -> dict[str, Array]:
    """Every metric by horizon step and overall.

    Args:
        judged: Forecasts and actuals.
        names: The metrics to take.

    Returns:
        Metric -> [1 + H, targets]; row 0 is over all steps, row h over step h. NaN where nothing counts.
    """
    found = {}
    for name, one in names.items():
        loss = one.loss(judged)
        counted = ~np.isnan(loss)
        total, count = np.where(counted, loss, 0.0).sum(axis=0), counted.sum(axis=0)
        rows = np.concatenate([total.sum(axis=0, keepdims=True), total])
        counts = np.concatenate([count.sum(axis=0, keepdims=True), count])
        found[name] = one.finish(np.where(counts == 0, np.nan, rows / np.maximum(counts, 1)))
    return found


def reliability(judged: Judged) -> tuple[Array, Array]:
    """Share of actuals at or below each quantile: overall [Q], and by horizon step [H, Q]."""
    below = np.where(np.isnan(judged.actual)[..., None], np.nan, judged.actual[..., None] <= judged.forecast)
    return np.nanmean(below, axis=(0, 1, 2)), np.nanmean(below, axis=(0, 2))


def seasonal_scale(rows: Array, season: int) -> Array:
    """Mean absolute difference of rows [time, targets] to one season before, for MASE.

    Returns:
        [targets]; NaN where no such difference was observed or all are zero.
    """
    difference = np.abs(rows[season:] - rows[:-season])
    observed = ~np.isnan(difference)
    total, count = np.where(observed, difference, 0.0).sum(axis=0), observed.sum(axis=0)
    return np.where((count > 0) & (total > 0), total / np.maximum(count, 1), np.nan)
