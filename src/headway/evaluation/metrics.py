"""Metrics of forecasts. To add one, write a function of `Judged` and register it with `@metric`.

Each gives a loss per target value, [W, H, targets], NaN where the actual is missing; its mean over
whatever is asked for (all windows, one hour) is the metric. RMSE takes the root of that mean, and the
weighted quantile loss divides by another mean.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Judged:
    """One forecaster's forecasts beside what happened, in the targets' own units.

    Attributes:
        actual: [W, H, targets], NaN where missing.
        forecast: [W, H, targets, Q]; Q = 1 is a point forecast.
        levels: [Q] quantile levels in rising order; (0.5,) for a point forecast.
        scored_levels: Levels at which quantiles are scored; a point forecast counts as all of them.
        seasonal_scale: [W, targets] mean absolute seasonal difference of the training rows of the
            window's series, for MASE; NaN where unknown: those windows count nowhere in it.
        seasonal_square: [W, targets] mean squared seasonal difference of the same rows, for RMSSE.
    """

    actual: Array
    forecast: Array
    levels: tuple[float, ...]
    scored_levels: tuple[float, ...]
    seasonal_scale: Array
    seasonal_square: Array

    @cached_property
    def point(self) -> Array:
        """The median, [W, H, targets]."""
        return self.forecast[..., self.levels.index(0.5)]

    @cached_property
    def error(self) -> Array:
        """Forecast minus actual, [W, H, targets]."""
        return self.point - self.actual

    @cached_property
    def pinball(self) -> Array:
        """Pinball loss at each level, [W, H, targets, scored levels]."""
        missed = self.actual[..., None] - self.forecast
        levels = np.array(self.scored_levels)
        return np.maximum(levels * missed, (levels - 1) * missed)

    @property
    def interval(self) -> tuple[Array, Array] | None:
        """Lower and upper border [W, H, targets] of the widest symmetric interval, or None without one."""
        return None if outer(self.levels) is None else (self.forecast[..., 0], self.forecast[..., -1])


def outer(levels: tuple[float, ...]) -> tuple[float, float] | None:
    """The outermost levels where they lie symmetrically about the median, or None."""
    low, high = levels[0], levels[-1]
    return (low, high) if len(levels) > 1 and abs(low + high - 1) < 1e-9 else None


def nominal_coverage(levels: tuple[float, ...]) -> float | None:
    """What share of actuals the outermost levels should hold, in percent, or None."""
    borders = outer(levels)
    return None if borders is None else round(100 * (borders[1] - borders[0]), 6)


@dataclass(frozen=True)
class Metric:
    """A metric by name.

    Attributes:
        loss: Loss per target value, or None where the forecast has nothing to take it of.
        over: A second quantity per target value by whose mean the mean loss is divided, or None.
        finish: What turns that into the metric.
        unit: "target" for the target's own unit, "%" or "" for none.
        definition: One line, as printed beside a table.
        headline: Whether it stands in the short table of the terminal.
    """

    name: str
    loss: Callable[[Judged], Array | None]
    over: Callable[[Judged], Array] | None
    finish: Callable[[Array], Array]
    unit: str
    definition: str
    headline: bool


METRICS: dict[str, Metric] = {}
Loss = Callable[[Judged], Array | None]


def metric(
    name: str,
    *,
    unit: str,
    finish: Callable[[Array], Array] = np.asarray,
    over: Callable[[Judged], Array] | None = None,
    headline: bool = False,
) -> Callable[[Loss], Loss]:
    """Register a function as a metric; the first paragraph of its docstring is its definition."""

    def register(loss: Loss) -> Loss:
        definition = " ".join((loss.__doc__ or "").split("\n\n")[0].split())
        METRICS[name] = Metric(name, loss, over, finish, unit, definition, headline)
        return loss

    return register


@metric("mae", unit="target", headline=True)
def absolute_error(judged: Judged) -> Array:
    """Mean absolute error of the median."""
    return np.abs(judged.error)


@metric("rmse", unit="target", finish=np.sqrt, headline=True)
def squared_error(judged: Judged) -> Array:
    """Root of the mean squared error of the median."""
    return judged.error**2


@metric("mase", unit="", headline=True)
def scaled_error(judged: Judged) -> Array:
    """Absolute error over the mean absolute seasonal difference of the training rows (Hyndman and Koehler 2006)."""
    return np.abs(judged.error) / judged.seasonal_scale[:, None]


@metric("rmsse", unit="", finish=np.sqrt)
def scaled_squared_error(judged: Judged) -> Array:
    """Root of the mean of squared errors over the mean squared seasonal difference of the training rows."""
    return judged.error**2 / judged.seasonal_square[:, None]


@metric("smape", unit="%")
def symmetric_percentage_error(judged: Judged) -> Array:
    """200 |y - f| / (|y| + |f|), from 0 to 200; means little where zero is arbitrary, as in °F."""
    scale = np.abs(judged.actual) + np.abs(judged.point)
    return 200 * np.abs(judged.error) / np.where(scale == 0, 1.0, scale)


@metric("bias", unit="target", headline=True)
def error(judged: Judged) -> Array:
    """Mean of forecast minus actual: above 0 the forecasts are too high."""
    return judged.error


@metric("pinball", unit="target")
def pinball(judged: Judged) -> Array:
    """Mean pinball loss over the quantile levels; a point forecast counts as all its quantiles."""
    return judged.pinball.mean(axis=-1)


@metric("wql", unit="", over=lambda judged: np.abs(judged.actual))
def weighted_quantile_loss(judged: Judged) -> Array:
    """2 x sum of pinball over sum of |y|, mean over the levels; means little where zero is arbitrary, as in °F."""
    return 2 * judged.pinball.mean(axis=-1)


@metric("crps", unit="target", headline=True)
def ranked_probability_score(judged: Judged) -> Array:
    """Continuous ranked probability score, approximated by 2 x pinball summed over the levels, each level weighted
    by the span of probability nearest to it; of a point forecast it is the absolute error.
    """
    if judged.forecast.shape[-1] == 1:
        return np.abs(judged.error)
    edges = np.concatenate([[0.0], (np.array(judged.levels)[1:] + np.array(judged.levels)[:-1]) / 2, [1.0]])
    return 2 * (judged.pinball * np.diff(edges)).sum(axis=-1)


@metric("coverage", unit="%", headline=True)
def coverage(judged: Judged) -> Array | None:
    """Share of actuals inside the widest symmetric interval, borders included."""
    if judged.interval is None:
        return None
    low, high = judged.interval
    inside = (low <= judged.actual) & (judged.actual <= high)
    return np.where(np.isnan(judged.actual), np.nan, 100.0 * inside)


@metric("width", unit="target", headline=True)
def width(judged: Judged) -> Array | None:
    """Mean width of the widest symmetric interval."""
    if judged.interval is None:
        return None
    low, high = judged.interval
    return np.where(np.isnan(judged.actual), np.nan, high - low)


@metric("winkler", unit="target")
def interval_score(judged: Judged) -> Array | None:
    """Width of the widest symmetric interval plus 2 / alpha times what the actual lies outside it, alpha being the
    share that should (Winkler 1972).
    """
    borders = outer(judged.levels)
    if judged.interval is None or borders is None:
        return None
    low, high = judged.interval
    alpha = 1 - (borders[1] - borders[0])
    beyond = np.maximum(low - judged.actual, 0) + np.maximum(judged.actual - high, 0)
    return (high - low) + 2 / alpha * beyond
