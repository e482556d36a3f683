"""How honest quantiles are: the share of actuals at or below each."""

import numpy as np
from numpy.typing import NDArray

from headway.evaluation.metrics import Array


class Reliability:
    """Counts of actuals at or below each quantile, gathered a few windows at a time.

    Args:
        horizon: Steps H.
        num_levels: Quantiles Q.
    """

    def __init__(self, horizon: int, num_levels: int) -> None:
        self._below = np.zeros((horizon, num_levels))
        self._count = np.zeros(horizon)

    def add(self, actual: Array, quantiles: NDArray[np.floating]) -> None:
        """Count actuals [W, H, targets], NaN where missing, against quantiles [W, H, targets, Q]."""
        self._count += (~np.isnan(actual)).sum(axis=(0, 2))
        self._below += (actual[..., None] <= quantiles).sum(axis=(0, 2))  # NaN is below nothing

    @property
    def shares(self) -> Array:
        """[1 + H, Q], row 0 over all steps; NaN where nothing was observed."""
        below = np.concatenate([self._below.sum(axis=0, keepdims=True), self._below])
        count = np.concatenate([self._count.sum(keepdims=True), self._count])
        return below / np.where(count == 0, np.nan, count)[:, None]


def pit_cells(shares: Array) -> Array:
    """Mass of the probability integral transform between the quantiles: [..., Q] -> [..., Q + 1].

    With only some quantiles known the transform is known up to the cell between two of them; of honest
    quantiles each cell holds the share that its levels span.
    """
    edge = np.zeros((*shares.shape[:-1], 1))
    return np.diff(np.concatenate([edge, shares, edge + 1], axis=-1), axis=-1)
