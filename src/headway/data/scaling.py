"""The scaler: mean and standard deviation per feature, fitted on training rows only."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from headway.data.series import Dataset, chunks
from headway.data.splits import Borders
from headway.errors import DataError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Moments:
    """What a scaler is made of, of some rows; that of more rows is found from their parts.

    Attributes:
        count: [F] observed values.
        mean: [F] of them; 0 where there are none.
        squares: [F] sum of their squared distances from the mean.
        lowest, highest: [F] of them; inf and -inf where there are none.
    """

    count: NDArray[np.int64]
    mean: NDArray[np.float64]
    squares: NDArray[np.float64]
    lowest: NDArray[np.float64]
    highest: NDArray[np.float64]

    @classmethod
    def of(cls, rows: NDArray[np.float64]) -> "Moments":
        """Of rows [time, F]; NaN is left out."""
        observed = ~np.isnan(rows)
        count = observed.sum(axis=0)
        mean = np.where(observed, rows, 0.0).sum(axis=0) / np.maximum(count, 1)
        deviation = np.where(observed, rows - mean, 0.0)
        # fmin and fmax pass over NaN.
        lowest = np.fmin.reduce(rows, axis=0, initial=np.inf)
        highest = np.fmax.reduce(rows, axis=0, initial=-np.inf)
        return cls(count, mean, (deviation**2).sum(axis=0), lowest, highest)

    def joined(self, other: "Moments") -> "Moments":
        """Of both parts together.

        Chan, Golub and LeVeque (1983, "Algorithms for computing the sample variance"): no sum of squares that the mean
        dominates is ever taken, so that nothing cancels out.
        """
        count = self.count + other.count
        share = other.count / np.maximum(count, 1)
        between = other.mean - self.mean
        return Moments(
            count,
            self.mean + between * share,
            self.squares + other.squares + between**2 * self.count * share,
            np.minimum(self.lowest, other.lowest),
            np.maximum(self.highest, other.highest),
        )

    @property
    def varies(self) -> NDArray[np.bool_]:
        """[F], whether any two values differ."""
        return self.lowest < self.highest

    @property
    def scaler(self) -> "Scaler":
        """The scaler of the rows. A column never observed gets mean 0 and scale 1."""
        scale = np.sqrt(self.squares / np.maximum(self.count, 1))
        # A constant has a deviation of rounding errors, not of zero.
        constant = scale <= 1e-9 * np.maximum(np.abs(self.mean), 1e-30)
        return Scaler(self.mean, np.where(constant, 1.0, scale))


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
        return Moments.of(rows).scaler

    def scaled(self, values: NDArray[np.float64]) -> NDArray[np.float32]:
        """Values [..., F] in their own units, standardised; NaN stays NaN."""
        return ((values - self.mean) / self.scale).astype(np.float32)

    def columns(self, indices: Sequence[int]) -> "Scaler":
        """The scaler of some of the columns, in the order given."""
        return Scaler(self.mean[list(indices)], self.scale[list(indices)])


def training_rows(
    dataset: Dataset, borders: Sequence[Borders], *, known_future: bool = False
) -> Iterator[NDArray[np.float64]]:
    """The training rows of all series, one below the other: [time, F], or [time, K] for known_future.

    Yields:
        All of them in one piece where they are in memory; a chunk at a time where they stay in their file.
    """
    columns = [series.known_future if known_future else series.values for series in dataset.series]
    spans = [(values, *border["train"]) for values, border in zip(columns, borders, strict=True)]
    if not dataset.is_stored:
        yield np.concatenate([values[begin:end] for values, begin, end in spans])
        return
    yield columns[0][:0]
    for values, begin, end in spans:
        for first, after in chunks(begin, min(end, len(values)), columns=values.shape[1]):
            yield values[first:after]


def fit_scalers(dataset: Dataset, borders: Sequence[Borders]) -> tuple[Scaler, Scaler]:
    """Scalers of the features and of the columns known in advance, from training rows only.

    Raises:
        DataError: If a target is constant or never observed in the training rows.
    """
    num_rows = sum(border["train"][1] - border["train"][0] for border in borders)
    features = _moments(training_rows(dataset, borders))
    for target, index in zip(dataset.targets, dataset.target_indices, strict=True):
        if num_rows and not features.count[index]:
            raise DataError(
                f"{dataset.origin}: target {target!r} is never observed in the training rows; choose another column or enlarge splits.train"
            )
        if features.count[index] > 1 and not features.varies[index]:
            raise DataError(
                f"{dataset.origin}: target {target!r} is constant ({features.lowest[index]:g}) in the training rows; there is nothing to "
                "forecast: choose another column or enlarge splits.train"
            )
    for feature, varies in zip(dataset.features, features.varies, strict=True):
        if not varies:
            log.warning("%s: feature %s does not vary in the training rows; its scale is 1", dataset.origin, feature)
    return features.scaler, _moments(training_rows(dataset, borders, known_future=True)).scaler


def _moments(pieces: Iterable[NDArray[np.float64]]) -> Moments:
    return reduce(Moments.joined, map(Moments.of, pieces))
