"""Short ways beside attention: what is linear in the past, and what the calendar alone tells."""

from typing import Any

import keras
from keras import KerasTensor, ops


class LinearPath(keras.layers.Layer):
    """What is linear in everything the network sees of a window, a map for each step ahead, always in float32.

    The values and marks of the context, the series, and what is known of the step ahead. It begins at zero, or where
    least squares puts it, and attention is left the rest (a linear map beside a network: Zeng et al. 2023, "Are
    Transformers Effective for Time Series Forecasting?").

    Args:
        horizon: Steps H.
        targets: Columns to forecast.
        num_series: Series the network tells apart.
    """

    def __init__(self, horizon: int, *, targets: int, num_series: int, name: str = "linear_path") -> None:
        super().__init__(dtype="float32", name=name)
        self.horizon, self.targets, self.num_series = horizon, targets, num_series

    def build(self, context_shape: tuple[Any, ...], known_future_shape: tuple[Any, ...]) -> None:
        """Create the maps for contexts [B, T, F] and covariates [B, T+H, C]."""
        _, steps, features = context_shape
        self.kernel = self.add_weight(
            shape=(2 * steps * features + self.num_series, self.horizon, self.targets),
            initializer="zeros",
            name="kernel",
        )
        self.ahead = self.add_weight(
            shape=(self.horizon, known_future_shape[-1], self.targets), initializer="zeros", name="ahead"
        )

    def rows(self, inputs: dict[str, KerasTensor]) -> KerasTensor:
        """What all steps ahead have in common, [B, 2 * T * F + series]: values, marks of what is missing, the series."""
        width = (self.kernel.shape[0] - self.num_series) // 2
        values, missing = (
            ops.reshape(ops.cast(part, "float32"), (-1, width)) for part in (inputs["context"], 1 - inputs["observed"])
        )
        return ops.concatenate([values, missing, ops.one_hot(inputs["series"], self.num_series)], axis=-1)

    def call(self, inputs: dict[str, KerasTensor]) -> KerasTensor:
        """Changes from the level, [B, H, targets, 1]."""
        known = ops.cast(inputs["known_future"][:, -self.horizon :], "float32")
        common = ops.reshape(
            ops.matmul(self.rows(inputs), ops.reshape(self.kernel, (self.kernel.shape[0], -1))),
            (-1, self.horizon, self.targets),
        )
        return ops.expand_dims(common + ops.einsum("bhc,hck->bhk", known, self.ahead), -1)


class OwnLinearPath(keras.layers.Layer):
    """What is linear in a target's own past, one map of its steps shared by all targets, always in float32.

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
