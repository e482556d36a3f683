"""A model against each of its rivals: skill, its bootstrap interval, and whether it could be chance."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headway.evaluation.forecasts import Forecasts
from headway.evaluation.metrics import Array
from headway.evaluation.significance import diebold_mariano, skill_intervals
from headway.evaluation.verdicts import Verdict

MOST_BINS = 4096
"""Of time in the bootstrap; finer than its blocks are long."""
_LONGEST_GAP = 1000  # grid steps of time without any origin that are told apart


@dataclass(frozen=True)
class Comparison:
    """What came out.

    Attributes:
        verdicts: One per target and rival.
        intervals: Target -> rival -> [1 + H, 2] interval of the skill, row 0 over all steps.
    """

    verdicts: tuple[Verdict, ...]
    intervals: Mapping[str, Mapping[str, Array]]


def compare(forecasts: Forecasts, *, draws: int, seed: int) -> Comparison:
    """Compare absolute errors of the model with those of every rival.

    Errors are first summed over the series that share an origin: what happens at one time happens to all
    of them, and they are no independent witnesses. The test sees them linearised as the ratio that a
    difference of MAEs is (Cochran 1977, "Sampling Techniques", chapter 6): its mean over origins is that
    difference, however many values are missing where, so that test and skill agree about who is better.

    Args:
        forecasts: Of model and rivals for the same windows.
        draws: Of the bootstrap; 0 for no intervals.
        seed: Of the bootstrap.
    """
    grid, overlap = time_grid(forecasts.ticks, forecasts.horizon)
    if not forecasts.rivals or not len(grid):
        return Comparison((), {target: {} for target in forecasts.targets})
    width = -(-int(grid.max() + 1) // MOST_BINS)
    verdicts: list[Verdict] = []
    intervals = {}
    for position, target in enumerate(forecasts.targets):
        by_origin, by_bin = _Losses(forecasts, grid, 1), _Losses(forecasts, grid // width, forecasts.horizon + 1)
        for windows in forecasts.parts():
            actual = forecasts.actual[windows, :, position]
            observed = ~np.isnan(actual)
            for number, name in enumerate(forecasts.forecasters):
                point = forecasts.point(name, windows)[..., position]
                loss = np.where(observed, np.abs(point - actual), 0.0)
                by_origin.add(number, windows, loss.sum(axis=1, keepdims=True))
                by_bin.add(number, windows, np.concatenate([loss.sum(axis=1, keepdims=True), loss], axis=1))
            by_origin.count(windows, observed.sum(axis=1))
        own, *others = by_origin.sums[..., 0]
        own_bins, other_bins = by_bin.sums[0], by_bin.sums[1:]
        found = skill_intervals(own_bins, other_bins, overlap=-(-overlap // width), draws=draws, seed=seed)
        intervals[target] = dict(zip(forecasts.rivals, found, strict=True))
        for rival, other, interval in zip(forecasts.rivals, others, found, strict=True):
            test = diebold_mariano(_difference(own - other, by_origin.counts), overlap=overlap)
            total = other.sum()
            skill = float(1 - own.sum() / total) if total > 0 else np.nan
            low, high = (float(border) for border in interval[0])
            verdicts.append(Verdict(target, rival, skill, low, high, test.p_value))
    return Comparison(tuple(verdicts), intervals)


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
        for column in range(losses.shape[1]):
            found = np.bincount(self._times[windows], losses[:, column], minlength=self._length)
            self.sums[forecaster, :, column] += found

    def count(self, windows: slice, counts: NDArray[np.int64]) -> None:
        """Count observed values [W]."""
        self.counts += np.bincount(self._times[windows], counts, minlength=self._length)
