"""Windows as rivals see them, and what a rival must be able to do."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Cases:
    """A batch of windows: exactly what the model sees, and the past of the targets.

    Attributes:
        context: [B, T, F] standardised, 0 where missing.
        observed: [B, T, F], 1 where observed, else 0.
        known_future: [B, T+H, C] calendar and other covariates known in advance.
        series: [B] indices of the series.
        num_series: Series there are.
        history: [B, L, targets] the last L rows of the targets up to the origin in their own units, NaN
            where missing; L is at least one season and at least T.
        target: [B, H, targets] in their own units, NaN where missing. Only `fit` looks at it.
        season: Steps of one season.
        mean, scale: [targets] of the training rows, in the targets' own units.
    """

    context: NDArray[np.float32]
    observed: NDArray[np.float32]
    known_future: NDArray[np.float32]
    series: NDArray[np.int64]
    num_series: int
    history: Array
    target: Array
    season: int
    mean: Array
    scale: Array

    def __len__(self) -> int:
        return len(self.context)

    @property
    def context_length(self) -> int:
        """Steps T of the context."""
        return self.context.shape[1]

    @property
    def horizon(self) -> int:
        """Steps H to forecast."""
        return self.target.shape[1]

    @property
    def last(self) -> Array:
        """The last value of each target that is not missing, [B, targets]; NaN if none."""
        observed = ~np.isnan(self.history)
        last = self.history.shape[1] - 1 - observed[:, ::-1].argmax(axis=1)
        found: Array = np.take_along_axis(self.history, last[:, None], axis=1)[:, 0]
        return found


class Rival(Protocol):
    """A simple forecaster that stands beside the model in every table.

    Attributes:
        learns: Whether `fit` learns anything; what learns is fitted once and its forecasts are kept.
    """

    learns: ClassVar[bool]

    def fit(self, cases: Iterable[Cases]) -> None:
        """Learn from training windows, given once, in batches."""

    def forecast(self, cases: Cases) -> Array:
        """Point forecasts [B, H, targets] in the targets' own units."""
