"""Conformal calibration: quantiles moved by what they missed on validation, per horizon step.

Conformalized quantile regression (Romano, Patterson and Candès 2019). The borders of an interval between
the levels q and 1 - q move apart, or together, by the same amount: by how far validation actuals lay
outside them (negative inside), that distance which the nominal share of actuals kept within, with the
correction for a finite sample. A level without its counterpart moves by its own residuals' quantile. The
guarantee, coverage of at least the nominal share, is for data whose order does not matter; of a time series
it holds as far as the test resembles the validation split. Moving each border by its own residuals, and the
median with them, follows the bias of the validation weeks, and was worse (docs/EXPERIMENTS.md).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headway.evaluation.metrics import Array

_FEWEST = 40  # residuals below which no quantile is moved


@dataclass(frozen=True)
class Calibration:
    """What is added to quantile forecasts.

    Attributes:
        offsets: [H, targets, Q] in the targets' own units; 0 at the median.
        median: Position of the median among the levels.
    """

    offsets: Array
    median: int

    def applied(self, quantiles: NDArray[np.floating]) -> Array:
        """Calibrated quantiles [..., H, targets, Q], rising along Q; the median stays what it was.

        No quantile crosses the median: where a forecast is so far off that it should, it stops there.
        """
        moved = quantiles + self.offsets
        middle = self.median
        above = np.maximum.accumulate(moved[..., middle:], axis=-1)
        below = np.minimum.accumulate(moved[..., middle::-1], axis=-1)[..., ::-1]
        return np.concatenate([below[..., :-1], above], axis=-1)


def calibrate(actual: Array, quantiles: Array, levels: tuple[float, ...]) -> Calibration:
    """Offsets from validation forecasts.

    Args:
        actual: [W, H, targets], NaN where missing.
        quantiles: [W, H, targets, Q] as the model gives them.
        levels: [Q] in rising order, 0.5 among them.

    Returns:
        The calibration. Steps with few observed actuals are left as they are; where so few cannot tell a
        share, above n / (n + 1) or below 1 / (n + 1), the outermost of them counts.
    """
    median = levels.index(0.5)
    offsets = np.zeros(quantiles.shape[1:])
    for step, target in np.ndindex(*offsets.shape[:2]):
        observed = ~np.isnan(actual[:, step, target])
        if observed.sum() < _FEWEST:
            continue
        missed = actual[observed, step, target, None] - quantiles[observed, step, target]
        for position, level in enumerate(levels):
            other = _counterpart(levels, position)
            if position == median:
                continue
            if other is None:
                offsets[step, target, position] = _order_statistic(missed[:, position], level)
            elif position < other:
                outside = np.maximum(-missed[:, position], missed[:, other])
                distance = _order_statistic(outside, levels[other] - level)
                offsets[step, target, [position, other]] = -distance, distance
    return Calibration(offsets, median)


def _counterpart(levels: tuple[float, ...], position: int) -> int | None:
    """Position of 1 - level, or None where there is none."""
    found = np.flatnonzero(np.abs(np.array(levels) + levels[position] - 1) < 1e-9)
    return int(found[0]) if len(found) else None


def _order_statistic(values: Array, share: float) -> float:
    """The share-quantile of values, outwards of the plain one as a finite sample asks for."""
    count = len(values)
    if share > 0.5:
        rank = min(int(np.ceil((count + 1) * share - 1e-9)), count)
    else:
        rank = max(int(np.floor((count + 1) * share + 1e-9)), 1)
    return float(np.partition(values, rank - 1)[rank - 1])
