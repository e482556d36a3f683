"""Rivals: the simple forecasters that stand beside the model in every table.

To add one, write a class with `fit` and `forecast`, register it in `RIVALS`, and name it in
`evaluation.rivals`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Cases:
    """Windows as a rival sees them: what the model sees, in the series' own units, and its past.

    Attributes:
        context: [B, T, F], NaN where missing.
        known_future: [B, T+H, C] calendar and other covariates known in advance.
        series: [B] indices of the series.
        history: [B, L, targets] the last L rows of the targets up to the origin, NaN where missing;
            L is at least one season.
        target: [B, H, targets], NaN where missing. Only `fit` looks at it.
        season: Steps of one season.
    """

    context: Array
    known_future: Array
    series: NDArray[np.int64]
    history: Array
    target: Array
    season: int

    @property
    def horizon(self) -> int:
        """Steps H to forecast."""
        return self.target.shape[1]


class Rival(Protocol):
    """A forecaster that is fitted on training windows alone."""

    def fit(self, cases: Iterable[Cases]) -> None:
        """Learn from training windows, given in batches."""

    def forecast(self, cases: Cases) -> Array:
        """Point forecasts [B, H, targets]."""


def last_observed(history: Array) -> Array:
    """The last value of each target that is not missing: [B, L, targets] -> [B, targets]; NaN if none."""
    observed = ~np.isnan(history)
    last = history.shape[1] - 1 - observed[:, ::-1].argmax(axis=1)
    found: Array = np.take_along_axis(history, last[:, None], axis=1)[:, 0]
    return found


class Persistence:
    """The last observed value, for every step."""

    def fit(self, cases: Iterable[Cases]) -> None:
        """Nothing to learn."""

    def forecast(self, cases: Cases) -> Array:
        """[B, H, targets]."""
        return np.repeat(last_observed(cases.history)[:, None], cases.horizon, axis=1)


class SeasonalNaive:
    """The value one season before; where that is missing, the last observed value."""

    def fit(self, cases: Iterable[Cases]) -> None:
        """Nothing to learn."""

    def forecast(self, cases: Cases) -> Array:
        """[B, H, targets]."""
        step = np.arange(cases.horizon) % cases.season
        seasonal = cases.history[:, cases.history.shape[1] - cases.season + step]
        return np.where(np.isnan(seasonal), last_observed(cases.history)[:, None], seasonal)


class LeastSquares:
    """Linear in context, calendar of the origin and of the step ahead, and series; one fit per step and target.

    It forecasts the change from the last observed value. Columns are standardised and a missing value
    is the training mean, with a mark beside it. The normal equations carry a ridge of 1e-6 of their
    mean diagonal, which matters only where columns depend on each other.
    """

    def fit(self, cases: Iterable[Cases]) -> None:
        """Solve the normal equations, gathered batch by batch."""
        batches = list(cases)
        contexts = np.concatenate([batch.context.reshape(len(batch.context), -1) for batch in batches])
        observed = ~np.isnan(contexts)
        count = np.maximum(observed.sum(axis=0), 1)
        self.mean = np.where(observed, contexts, 0.0).sum(axis=0) / count
        spread = np.sqrt((np.where(observed, contexts - self.mean, 0.0) ** 2).sum(axis=0) / count)
        self.scale = np.where(spread > 0, spread, 1.0)
        self.marked = np.flatnonzero(~observed.all(axis=0))
        self.num_series = 1 + max(int(batch.series.max()) for batch in batches)
        horizon, targets = batches[0].target.shape[1:]
        self.weights = [[self._solve(batches, step, target) for target in range(targets)] for step in range(horizon)]

    def forecast(self, cases: Cases) -> Array:
        """[B, H, targets]."""
        last = last_observed(cases.history)
        changes = [
            np.stack([self._design(cases, step) @ weights for weights in row], axis=1)
            for step, row in enumerate(self.weights)
        ]
        return last[:, None] + np.stack(changes, axis=1)

    def _solve(self, batches: list[Cases], step: int, target: int) -> Array:
        gram: Array | float = 0.0
        moment: Array | float = 0.0
        for batch in batches:
            change = batch.target[:, step, target] - last_observed(batch.history)[:, target]
            known = ~np.isnan(change)
            design = self._design(batch, step)[known]
            gram, moment = gram + design.T @ design, moment + design.T @ change[known]
        matrix = np.asarray(gram)
        ridge = 1e-6 * np.trace(matrix) / len(matrix)
        solution: Array = np.linalg.solve(matrix + ridge * np.eye(len(matrix)), np.asarray(moment))
        return solution

    def _design(self, cases: Cases, step: int) -> Array:
        """Columns of the regression for one step ahead, [B, columns]."""
        flat = cases.context.reshape(len(cases.context), -1)
        missing = np.isnan(flat)
        standard = np.where(missing, 0.0, (flat - self.mean) / self.scale)
        length = cases.context.shape[1]
        calendar = cases.known_future[:, [length - 1, length + step]].reshape(len(flat), -1)
        owner = cases.series[:, None] == np.arange(self.num_series)
        return np.concatenate([standard, missing[:, self.marked], calendar, owner], axis=1)


RIVALS: dict[str, type[Rival]] = {
    "persistence": Persistence,
    "seasonal_naive": SeasonalNaive,
    "least_squares": LeastSquares,
}
