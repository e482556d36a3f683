"""A model against each of its rivals: skill, its bootstrap interval, and whether it could be chance."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headway.evaluation.forecasts import Forecasts
from headway.evaluation.metrics import Array
from headway.evaluation.significance import diebold_mariano, skill_intervals
from headway.evaluation.verdicts import Verdict

MOST_BINS = 4096
"""Of time in the bootstrap; finer than its blocks are long."""
_MOST_TIMES = 1 << 20  # told apart in the test; windows that are a sample may be spread over far more, with gaps
_LONGEST_GAP = 1000  # grid steps of time without any origin that are told apart
Loss = Callable[[Array], Array]
"""Errors [W, H, targets], NaN where missing, to losses [W, H, K], NaN where missing."""


@dataclass(frozen=True)
class Comparison:
    """What came out.

    Attributes:
        verdicts: One per loss and rival; a loss is named as the target it is of, or as what it is.
        intervals: Loss -> rival -> [1 + H, 2] interval of the skill, row 0 over all steps.
    """

    verdicts: tuple[Verdict, ...]
    intervals: Mapping[str, Mapping[str, Array]]


def compare(forecasts: Forecasts, *, draws: int, seed: int, losses: Mapping[str, Loss] | None = None) -> Comparison:
    """Compare losses of the model with those of every rival.

    Errors are first summed over the series that share an origin: what happens at one time happens to all
    of them, and they are no independent witnesses. The test sees them linearised as the ratio that a
    difference of means is (Cochran 1977, "Sampling Techniques", chapter 6): its mean over origins is that
    difference, however many values are missing where, so that test and skill agree about who is better.

    Args:
        forecasts: Of model and rivals for the same windows.
        draws: Of the bootstrap; 0 for no intervals.
        seed: Of the bootstrap.
        losses: Name -> loss, the K values of a step counted together; None for the absolute error of each target.
    """
    losses = absolute_errors(forecasts.targets) if losses is None else losses
    grid, overlap = time_grid(forecasts.ticks, forecasts.horizon)
    if not forecasts.rivals or not len(grid):
        return Comparison((), {name: {} for name in losses})
    length = int(grid.max()) + 1
    fine, width = -(-length // _MOST_TIMES), -(-length // MOST_BINS)
    verdicts: list[Verdict] = []
    intervals = {}
    for name, loss in losses.items():
        by_origin = _Losses(forecasts, grid // fine, 1)
        by_bin = _Losses(forecasts, grid // width, forecasts.horizon + 1)
        for windows in forecasts.parts():
            for number, forecaster in enumerate(forecasts.forecasters):
                values = loss(forecasts.point(forecaster, windows) - forecasts.actual[windows])
                observed = ~np.isnan(values)
                by_step = np.where(observed, values, 0.0).sum(axis=-1)
                total = by_step.sum(axis=1, keepdims=True)
                by_origin.add(number, windows, total)
                by_bin.add(number, windows, np.concatenate([total, by_step], axis=1))
            by_origin.count(windows, observed.sum(axis=(1, 2)))  # the same for all forecasters
        own, *others = by_origin.sums[..., 0]
        own_bins, other_bins = by_bin.sums[0], by_bin.sums[1:]
        found = skill_intervals(own_bins, other_bins, overlap=-(-overlap // width), draws=draws, seed=seed)
        intervals[name] = dict(zip(forecasts.rivals, found, strict=True))
        for rival, other, interval in zip(forecasts.rivals, others, found, strict=True):
            test = diebold_mariano(_difference(own - other, by_origin.counts), overlap=-(-overlap // fine))
            total = other.sum()
            skill = float(1 - own.sum() / total) if total > 0 else np.nan
            low, high = (float(border) for border in interval[0])
            verdicts.append(Verdict(name, rival, skill, low, high, test.p_value))
    return Comparison(tuple(verdicts), intervals)


def absolute_errors(targets: Sequence[str]) -> dict[str, Loss]:
    """Target -> its absolute error, in its own unit."""

    def of(position: int) -> Loss:
        return lambda error: np.abs(error[..., position : position + 1])

    return {target: of(position) for position, target in enumerate(targets)}


def time_grid(ticks: NDArray[np.int64], horizon: int) -> tuple[NDArray[np.int64], int]:
    """Origins as positions [W] on a regular grid of time, and by how many positions forecasts overlap."""
    times, positions = np.unique(ticks, return_inverse=True)
    steps = np.diff(times)
    step = int(np.gcd.reduce(steps)) if len(steps) else 1
    overlap = (horizon - 1) // step
    # Eras that lie far apart need no memory for the years between.
    apart = np.minimum(steps // step, max(_LONGEST_GAP, 10 * overlap))
    return np.concatenate([[0], np.cumsum(apart)])[positions].astype(np.int64), overlap


def _difference(sums: Array, counts: Array) -> Array:
    """Differences of loss by origin [time], NaN without origin, whose mean is that over all values."""
    observed = counts > 0
    if not observed.any():
        return np.full(len(sums), np.nan)
    mean = sums.sum() / counts.sum()
    return np.where(observed, mean + (sums - mean * counts) / counts[observed].mean(), np.nan)


class _Losses:
    """Sums of losses over all series at each time, [forecasters, time, columns], and how many there are [time]."""

    def __init__(self, forecasts: Forecasts, times: NDArray[np.int64], columns: int) -> None:
        self._times = times
        self._length = int(times.max()) + 1
        self.sums = np.zeros((len(forecasts.forecasters), self._length, columns))
        self.counts = np.zeros(self._length)

    def add(self, forecaster: int, windows: slice, losses: Array) -> None:
        """Add losses [W, columns]."""
        np.add.at(self.sums[forecaster], self._times[windows], losses)

    def count(self, windows: slice, counts: NDArray[np.int64]) -> None:
        """Count observed values [W]."""
        self.counts += np.bincount(self._times[windows], counts, minlength=self._length)
