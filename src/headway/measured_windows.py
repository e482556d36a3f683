"""How a forecaster's error changes when its windows do: for permutation importance and the deletion test."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from headway.data import batches
from headway.evaluation.rises import rises
from headway.forecaster import Forecaster
from headway.task import Task

Array = NDArray[np.float64]

_STEPS_AT_ONCE = 50_000  # of context in a forward pass: many small windows go together


@dataclass(frozen=True)
class MeasuredWindows:
    """Windows of a split, and a forecaster whose error on them is measured however they are changed.

    Attributes:
        forecaster: The forecaster.
        batch: The windows, as the network sees them.
        origins: Times [W] of their last context rows.
        ticks: The same in steps of the clock.
        horizon: Steps of a forecast.
        draws, seed: Of the bootstrap behind intervals.
    """

    forecaster: Forecaster
    batch: batches.Batch
    origins: NDArray[np.datetime64]
    ticks: NDArray[np.int64]
    horizon: int
    draws: int
    seed: int

    @classmethod
    def of(
        cls, forecaster: Forecaster, task: Task, split: str, numbers: NDArray[np.int64], *, draws: int, seed: int
    ) -> Self:
        """The windows of a split by number [W]."""
        index = task.windows[split]
        origins = task.dataset.timestamps[index.starts(numbers) + index.context_length - 1]
        ticks = task.dataset.clock.steps_between(origins.min(), origins).round().astype(np.int64)
        batch = batches.gather(task.rows, index, numbers)
        return cls(forecaster, batch, origins, ticks, index.horizon, draws, seed)

    @property
    def inputs(self) -> batches.Inputs:
        """The windows as they are."""
        return self.batch.inputs

    @property
    def batch_size(self) -> int:
        """Windows per forward pass: many where they are short."""
        return max(1, _STEPS_AT_ONCE // self.forecaster.network.shape.context_length)

    @cached_property
    def untouched(self) -> Array:
        """Error of each window [W] as it is."""
        return self.measure(self.inputs)

    def measure(self, inputs: Mapping[str, NDArray[np.generic]]) -> Array:
        """Error of each window [W] in scaled units, so that several targets count alike."""
        forecast = self.forecaster.forecast_scaled(inputs, batch_size=self.batch_size)[..., self.forecaster.median]
        errors = np.abs(forecast - self.batch.target) * self.batch.target_observed
        means: Array = errors.sum(axis=(1, 2), dtype=np.float64) / self.batch.target_observed.sum(axis=(1, 2))
        return means

    def raised(self, changed: Array, *, over: Array | None = None) -> Array:
        """(rise, low, high) [K, 3] of errors [K, W] over what they were."""
        was = self.untouched if over is None else over
        return rises(was, changed, ticks=self.ticks, horizon=self.horizon, draws=self.draws, seed=self.seed)
