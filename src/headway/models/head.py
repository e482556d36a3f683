"""From encoded steps to a forecast: the change from the last observed value, per step of the horizon."""

from typing import Any

import keras
from keras import KerasTensor, ops


def last_observed(values: KerasTensor, observed: KerasTensor) -> KerasTensor:
    """The last observed value of each column.

    Args:
        values: [B, T, columns], 0 where missing.
        observed: [B, T, columns], 1 where observed, else 0.

    Returns:
        [B, columns]; 0, the training mean, where a column was never observed in the context.
    """
    later = ops.flip(ops.cumsum(ops.flip(observed, axis=1), axis=1), axis=1)
    # Counted from the end, the last observed row is the observed one with a count of one.
    is_last = ops.where(later == 1, observed, ops.zeros_like(observed))
    return ops.sum(values * is_last, axis=1)


class HorizonDecoder(keras.layers.Layer):
    """Meets what was seen with what is known of each step ahead: -> [B, H, hidden].

    Args:
        hidden: Features per horizon step.
        horizon: Steps H.
        readout: "all" reads every encoded step; "last" the last one alone, so that whatever the steps
            before it tell must come through attention.
        dtype: Policy of computation.
    """

    def __init__(
        self, *, hidden: int, horizon: int, readout: str = "all", dtype: Any = None, name: str = "decoder"
    ) -> None:
        super().__init__(dtype=dtype, name=name)
        policy = self.dtype_policy
        self.horizon, self.readout = horizon, readout
        self.summary = keras.layers.Dense(hidden, dtype=policy, name="summary")
        self.known = keras.layers.Dense(hidden, use_bias=False, dtype=policy, name="known")
        self.mix = keras.layers.Dense(hidden, activation="relu", dtype=policy, name="mix")

    def build(self, encoded_shape: tuple[Any, ...], known_future_shape: tuple[Any, ...]) -> None:
        """Create the weights for encoded steps [B, T, D] and covariates [B, T+H, C]."""
        batch, steps, width = encoded_shape
        self.summary.build((batch, width * (steps if self.readout == "all" else 1)))
        self.known.build((batch, self.horizon, known_future_shape[-1]))
        self.step = self.add_weight(
            shape=(self.horizon, self.summary.units),
            initializer=keras.initializers.RandomNormal(stddev=0.1),
            name="step",
        )
        self.mix.build((batch, self.horizon, self.summary.units))

    def call(self, encoded: KerasTensor, known_future: KerasTensor) -> KerasTensor:
        """Hidden features of every step ahead, [B, H, hidden]."""
        _, steps, width = encoded.shape
        read = ops.reshape(encoded, (-1, steps * width)) if self.readout == "all" else encoded[:, -1]
        summary = self.summary(read)
        ahead = self.known(ops.cast(known_future[:, steps:], self.compute_dtype))
        x = ops.expand_dims(summary, 1) + ahead + ops.cast(self.step, self.compute_dtype)
        x = ops.relu(x)
        return x + self.mix(x)


class QuantileHead(keras.layers.Layer):
    """Quantiles that cannot cross: the median, and rising steps away from it, always in float32.

    Args:
        targets: Columns to forecast.
        levels: Quantile levels in rising order with 0.5 among them.
    """

    def __init__(self, *, targets: int, levels: tuple[float, ...], name: str = "head") -> None:
        super().__init__(dtype="float32", name=name)
        self.targets, self.levels, self.median = targets, levels, levels.index(0.5)
        # A small start: the first forecast is close to "no change".
        start = keras.initializers.RandomNormal(stddev=0.02)
        self.projection = keras.layers.Dense(
            targets * len(levels), kernel_initializer=start, dtype="float32", name="projection"
        )

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Create the projection for [B, H, hidden]."""
        self.projection.build(input_shape)

    def call(self, hidden: KerasTensor) -> KerasTensor:
        """Scaled changes from the last value, [B, H, targets, Q]."""
        raw = self.projection(ops.cast(hidden, "float32"))
        raw = ops.reshape(raw, (-1, hidden.shape[1], self.targets, len(self.levels)))
        median = raw[..., self.median : self.median + 1]
        above = ops.cumsum(ops.softplus(raw[..., self.median + 1 :]), axis=-1)
        below = ops.cumsum(ops.softplus(ops.flip(raw[..., : self.median], axis=-1)), axis=-1)
        return ops.concatenate([median - ops.flip(below, axis=-1), median, median + above], axis=-1)


class PointHead(keras.layers.Layer):
    """One value per step and target, always in float32.

    Args:
        targets: Columns to forecast.
        levels: The one level that the value stands for.
    """

    def __init__(self, *, targets: int, levels: tuple[float, ...], name: str = "head") -> None:
        super().__init__(dtype="float32", name=name)
        start = keras.initializers.RandomNormal(stddev=0.02)
        self.projection = keras.layers.Dense(targets, kernel_initializer=start, dtype="float32", name="projection")

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Create the projection for [B, H, hidden]."""
        self.projection.build(input_shape)

    def call(self, hidden: KerasTensor) -> KerasTensor:
        """Scaled changes from the last value, [B, H, targets, 1]."""
        return ops.expand_dims(self.projection(ops.cast(hidden, "float32")), -1)


HEAD: dict[str, Any] = {"quantile": QuantileHead, "point": PointHead}
