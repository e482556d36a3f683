"""From what was encoded to numbers: quantiles by step of the horizon and target, always in float32."""

from typing import Any

import keras
import numpy as np
from keras import KerasTensor, ops

from headway.models.dense import Dense
from headway.models.initializers import Normal


class StepHead(keras.layers.Layer):
    """From hidden features of each step ahead to a number per target and quantile level, always in float32.

    Args:
        targets: Columns to forecast.
        levels: Quantile levels in rising order with 0.5 among them; a point forecast stands for the median.
    """

    def __init__(self, *, targets: int, levels: tuple[float, ...], name: str = "head") -> None:
        super().__init__(dtype="float32", name=name)
        self.targets, self.levels = targets, levels
        self.projection = Dense(targets * len(levels), kernel_initializer=_start(), dtype="float32", name="projection")

    def build(self, hidden_shape: tuple[Any, ...]) -> None:
        """Create the projection for [B, H, hidden]."""
        self.projection.build(hidden_shape)

    def call(self, hidden: KerasTensor) -> KerasTensor:
        """Unordered changes from the level, [B, H, targets, Q]."""
        raw = self.projection(ops.cast(hidden, "float32"))
        return ops.reshape(raw, (-1, hidden.shape[1], self.targets, len(self.levels)))


class DirectHead(keras.layers.Layer):
    """From all encoded tokens to the whole horizon by one linear map, always in float32.

    It begins at zero: of hundreds of encoded features even small weights would be noise that a forecast must unlearn.

    Args:
        targets: Columns to forecast.
        levels: Quantile levels in rising order with 0.5 among them.
        horizon: Steps H.
        dropout: Share of the encoded features dropped in training.
        readout: "all" reads every encoded token, "last" the last one alone.
    """

    def __init__(
        self,
        *,
        targets: int,
        levels: tuple[float, ...],
        horizon: int,
        dropout: float,
        readout: str,
        name: str = "head",
    ) -> None:
        super().__init__(dtype="float32", name=name)
        self.readout = readout
        self.sizes = (-1, horizon, targets, len(levels))
        self.dropout = keras.layers.Dropout(dropout, dtype="float32", name="dropout")
        self.projection = Dense(
            horizon * targets * len(levels), kernel_initializer="zeros", dtype="float32", name="projection"
        )

    def build(self, encoded_shape: tuple[Any, ...]) -> None:
        """Create the projection for [B, P, D]."""
        batch, tokens, width = encoded_shape
        self.projection.build((batch, width * (tokens if self.readout == "all" else 1)))

    def call(self, encoded: KerasTensor, training: bool | None = None) -> KerasTensor:
        """Unordered changes from the level, [B, H, targets, Q]."""
        read = ops.cast(encoded if self.readout == "all" else encoded[:, -1:], "float32")
        flat = ops.reshape(read, (-1, self.projection.kernel.shape[0]))
        return ops.reshape(self.projection(self.dropout(flat, training=training)), self.sizes)


class Quantiles(keras.layers.Layer):
    """Quantiles that cannot cross: the median, and rising steps away from it.

    Args:
        median: Position of the median among the levels.
    """

    def __init__(self, median: int, *, name: str = "quantiles") -> None:
        super().__init__(dtype="float32", name=name)
        self.median = median

    def call(self, raw: KerasTensor) -> KerasTensor:
        """[..., Q], rising along Q; one level stays as it is."""
        count, median = raw.shape[-1], self.median
        if count == 1:
            return raw
        # The sums of steps as one product: a quantile is the median and the steps between the two, which have a sign.
        level, step = np.arange(count), np.arange(count)[:, None]
        above = (step > median) & (step <= level)
        below = (step < median) & (step >= level)
        is_median = np.broadcast_to(step == median, (count, count))
        signs, first = (above * 1.0 - below * 1.0).astype("float32"), is_median.astype("float32")
        rows = ops.reshape(raw, (-1, count))
        found = ops.matmul(rows, first) + ops.matmul(ops.softplus(rows), signs)
        return ops.reshape(found, (-1, *raw.shape[1:]))


def _start() -> keras.initializers.Initializer:
    """A small start: the first forecast is close to "no change"."""
    return Normal(stddev=0.02)
