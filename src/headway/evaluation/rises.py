"""By how much an error rises when something is changed, and the interval of that."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from headway.evaluation.comparison import MOST_BINS, time_grid
from headway.evaluation.metrics import Array
from headway.evaluation.significance import skill_intervals


def rises(
    losses: Array, changed: Sequence[Array] | Array, *, ticks: NDArray[np.int64], horizon: int, draws: int, seed: int
) -> Array:
    """Relative rise of the mean loss, changed / as it was - 1, with its 95 % interval.

    It is the skill of what was over what is, on another scale: 1 / (1 - skill) - 1. So it takes the same bootstrap of
    blocks of time, joint over series, and what windows that overlap share is no second witness.

    Args:
        losses: Of every window as it was [W].
        changed: Of every window after each of K changes [K, W].
        ticks: Origin of each window in steps of the clock [W].
        horizon: Steps of a forecast.
        draws: Of the bootstrap; 0 for no intervals.
        seed: Of the bootstrap.

    Returns:
        [K, 3] rise, lower and upper end; NaN ends where there is no interval.
    """
    rows = np.asarray(changed, np.float64).reshape(-1, len(losses))
    positions, overlap = time_grid(ticks, horizon)
    width = -(-int(positions.max() + 1) // MOST_BINS)
    bins = positions // width
    sums = np.stack([np.bincount(bins, row).astype(np.float64) for row in (losses, *rows)])[..., None]
    intervals = skill_intervals(sums[0], sums[1:], overlap=-(-overlap // width), draws=draws, seed=seed)[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        rise = rows.sum(axis=1) / losses.sum() - 1
        ends = 1 / (1 - intervals) - 1
    return np.column_stack([rise, ends])
