"""The scaler: mean and standard deviation per feature, fitted on training rows only."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headway.data.series import Dataset
from headway.data.splits import Borders
from headway.errors import DataError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Scaler:
    """Standardisation per column, (value - mean) / scale, with ddof 0.

    Attributes:
        mean: [F] in the columns' own units.
        scale: [F] in the columns' own units; 1 where a column does not vary.
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]

    @classmethod
    def fit(cls, rows: NDArray[np.float64]) -> "Scaler":
        """Fit on rows [time, F]; NaN is left out. A column never observed gets mean 0 and scale 1."""
        observed = ~np.isnan(rows)
        count = np.maximum(observed.sum(axis=0), 1)
        mean = np.where(observed, rows, 0.0).sum(axis=0) / count
        deviation = np.where(observed, rows - mean, 0.0)
        scale = np.sqrt((deviation**2).sum(axis=0) / count)
        # A constant has a deviation of rounding errors, not of zero.
        constant = scale <= 1e-9 * np.maximum(np.abs(mean), 1e-30)
        return cls(mean, np.where(constant, 1.0, scale))

    def scaled(self, values: NDArray[np.float64]) -> NDArray[np.float32]:
        """Values [..., F] in their own units, standardised; NaN stays NaN."""
        return ((values - self.mean) / self.scale).astype(np.float32)

    def columns(self, indices: Sequence[int]) -> "Scaler":
        """The scaler of some of the columns, in the order given."""
        return Scaler(self.mean[list(indices)], self.scale[list(indices)])


def training_rows(dataset: Dataset, borders: Sequence[Borders], *, known_future: bool = False) -> NDArray[np.float64]:
    """The training rows of all series, one below the other: [time, F], or [time, K] for known_future."""
    columns = [series.known_future if known_future else series.values for series in dataset.series]
    return np.concatenate([values[slice(*border["train"])] for values, border in zip(columns, borders, strict=True)])


def fit_scalers(dataset: Dataset, borders: Sequence[Borders]) -> tuple[Scaler, Scaler]:
    """Scalers of the features and of the columns known in advance, from training rows only.

    Raises:
        DataError: If a target is constant or never observed in the training rows.
    """
    rows = training_rows(dataset, borders)
    for target, index in zip(dataset.targets, dataset.target_indices, strict=True):
        observed = rows[:, index][~np.isnan(rows[:, index])]
        if len(rows) and not len(observed):
            raise DataError(
                f"{dataset.origin}: target {target!r} is never observed in the training rows; choose another column or enlarge splits.train"
            )
        if len(observed) > 1 and np.ptp(observed) == 0:
            raise DataError(
                f"{dataset.origin}: target {target!r} is constant ({observed[0]:g}) in the training rows; there is nothing to "
                "forecast: choose another column or enlarge splits.train"
            )
    for feature, column in zip(dataset.features, rows.T, strict=True):
        observed = column[~np.isnan(column)]
        if len(observed) == 0 or np.ptp(observed) == 0:
            log.warning("%s: feature %s does not vary in the training rows; its scale is 1", dataset.origin, feature)
    return Scaler.fit(rows), Scaler.fit(training_rows(dataset, borders, known_future=True))
