"""Short ways beside attention: what is linear in the past, and what the calendar alone tells."""

from typing import Any

import keras
from keras import KerasTensor, ops


class LinearPath(keras.layers.Layer):
    """One linear map from the steps of a target to its horizon, shared by all targets, always in float32.

    It begins at zero: what is linear in the past is learned here (Zeng et al. 2023, "Are Transformers Effective for
    Time Series Forecasting?"), and attention is left the rest.

    Args:
        horizon: Steps H.
    """

    def __init__(self, horizon: int, *, name: str = "linear_path") -> None:
        super().__init__(dtype="float32", name=name)
        self.projection = keras.layers.Dense(horizon, kernel_initializer="zeros", dtype="float32", name="projection")

    def build(self, context_shape: tuple[Any, ...]) -> None:
        """Create the map for [B, T, targets]."""
        self.projection.build((context_shape[0], context_shape[2], context_shape[1]))

    def call(self, context: KerasTensor) -> KerasTensor:
        """Changes from the level, [B, T, targets] -> [B, H, targets, 1]."""
        ahead = self.projection(ops.transpose(ops.cast(context, "float32"), (0, 2, 1)))
        return ops.expand_dims(ops.transpose(ahead, (0, 2, 1)), -1)


class CalendarPath(keras.layers.Layer):
    """What a target is expected to be by calendar and known columns alone, linear in them, always in float32.

    Taken from the context and added to the forecast, as the learned cycle of CycleNet is (Lin et al. 2024,
    "CycleNet: Enhancing Time Series Forecasting through Modeling Periodic Patterns"), but smooth: a few sines and
    cosines instead of a number for each phase. It begins at zero.

    Args:
        targets: Columns to forecast.
    """

    def __init__(self, targets: int, *, name: str = "calendar_path") -> None:
        super().__init__(dtype="float32", name=name)
        self.projection = keras.layers.Dense(
            targets, use_bias=False, kernel_initializer="zeros", dtype="float32", name="projection"
        )

    def build(self, known_future_shape: tuple[Any, ...]) -> None:
        """Create the map for [B, T+H, C]."""
        self.projection.build(known_future_shape)

    def call(self, known_future: KerasTensor) -> KerasTensor:
        """Scaled values, [B, T+H, C] -> [B, T+H, targets]."""
        return self.projection(ops.cast(known_future, "float32"))
