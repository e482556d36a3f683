"""Windows whose rows are on the device: a batch is B integers, and the step gathers what they stand for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras
import numpy as np
from keras import KerasTensor, ops
from numpy.typing import NDArray

Arrays = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class ResidentRows:
    """All rows of all series, one below the other: on the device once, whoever takes windows from them.

    Attributes:
        values: [rows, F] standardised, 0 where missing.
        observed: [rows, F], 1 where observed, else 0.
        known_future: [rows, C] covariates known in advance.
        series: [rows] index of the series of each row.
    """

    values: NDArray[np.float32]
    observed: NDArray[np.float32]
    known_future: NDArray[np.float32]
    series: NDArray[np.int32]

    @cached_property
    def arrays(self) -> Arrays:
        """The rows on the device: one table, so that a window is one stretch of memory."""
        columns = np.concatenate([self.values, self.observed, self.known_future], axis=1)
        return {"rows": ops.convert_to_tensor(columns), "series": ops.convert_to_tensor(self.series)}


@dataclass(frozen=True)
class ResidentWindows:
    """How a window is found among rows on the device.

    Attributes:
        rows: The rows.
        targets: Positions of the targets among the features.
        context_length, horizon: In rows.
        first_rows: Window numbers [B] -> first rows [B] of their contexts.
    """

    rows: ResidentRows
    targets: tuple[int, ...]
    context_length: int
    horizon: int
    first_rows: Callable[[NDArray[np.int64]], NDArray[np.int64]]

    def starts(self, numbers: NDArray[np.int64]) -> NDArray[np.int32]:
        """All that a step is sent of windows by number [B]: their first rows [B]."""
        return self.first_rows(numbers).astype(np.int32)

    @property
    def arrays(self) -> Arrays:
        """See `ResidentRows`."""
        return self.rows.arrays

    def take(self, arrays: Arrays, starts: KerasTensor) -> tuple[dict[str, KerasTensor], KerasTensor, KerasTensor]:
        """Inputs, target and weight of the windows that begin in some rows, inside the step.

        Args:
            arrays: As `arrays` has them.
            starts: [B].

        Returns:
            "context" and "observed" [B, T, F], "known_future" [B, T+H, C], "series" [B]; target and weight
            [B, H, targets].
        """
        steps, features = self.context_length, self.rows.values.shape[1]
        span = ops.expand_dims(starts, 1) + ops.arange(steps + self.horizon, dtype="int32")
        window = ops.take(arrays["rows"], span, axis=0)  # [B, T+H, F + F + C]
        inputs = {
            "context": window[:, :steps, :features],
            "observed": window[:, :steps, features : 2 * features],
            "known_future": window[:, :, 2 * features :],
            "series": ops.take(arrays["series"], starts, axis=0),
        }
        ahead = window[:, steps:, : 2 * features]
        target = ops.take(ahead, list(self.targets), axis=-1)
        weight = ops.take(ahead, [features + target for target in self.targets], axis=-1)
        return inputs, target, weight

    def batch(self, numbers: NDArray[np.int64]) -> Any:
        """Inputs, target and weight of windows by number [B], taken as a step takes them and brought back."""
        found = self.take(self.arrays, ops.convert_to_tensor(self.starts(numbers)))
        return keras.tree.map_structure(ops.convert_to_numpy, found)
