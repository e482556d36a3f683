"""Losses and the metric of training; missing targets count nowhere.

`y_true` is [B, H, targets], forecasts are [B, H, targets, Q], and the sample weight [B, H, targets]
is 1 where the target was observed.
"""

import keras
from keras import KerasTensor, ops


class PinballLoss(keras.losses.Loss):
    """Mean pinball loss over quantile levels (Koenker and Bassett 1978).

    max(level * (y - f), (level - 1) * (y - f)), meaned over levels and observed targets.

    Args:
        levels: Quantile levels, in the order of the forecast's last axis.
    """

    def __init__(self, levels: tuple[float, ...]) -> None:
        super().__init__(name="pinball", reduction="mean_with_sample_weight", dtype="float32")
        self.levels = levels

    def call(self, y_true: KerasTensor, y_pred: KerasTensor) -> KerasTensor:
        """Loss per target value, [B, H, targets]."""
        error = ops.expand_dims(y_true, -1) - y_pred
        levels = ops.convert_to_tensor(self.levels, dtype="float32")
        return ops.mean(ops.maximum(levels * error, (levels - 1) * error), axis=-1)


class PointLoss(keras.losses.Loss):
    """Mean absolute or squared error of a point forecast over observed targets.

    Args:
        error: "mae" or "mse".
    """

    def __init__(self, error: str) -> None:
        super().__init__(name=error, reduction="mean_with_sample_weight", dtype="float32")
        self.power = {"mae": ops.abs, "mse": ops.square}[error]

    def call(self, y_true: KerasTensor, y_pred: KerasTensor) -> KerasTensor:
        """Loss per target value, [B, H, targets]."""
        return self.power(y_true - y_pred[..., 0])


class _ObservedMean(keras.metrics.Metric):
    """A mean over observed targets."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name, dtype="float32")
        self.total = self.add_weight(name="total", initializer="zeros")
        self.count = self.add_weight(name="count", initializer="zeros")

    def add(self, error: KerasTensor, sample_weight: KerasTensor | None) -> None:
        """Add errors [B, H, targets]."""
        weight = ops.ones_like(error) if sample_weight is None else ops.cast(sample_weight, "float32")
        self.total.assign_add(ops.sum(error * weight))
        self.count.assign_add(ops.sum(weight))

    def result(self) -> KerasTensor:
        """Mean so far."""
        return self.total / ops.maximum(self.count, 1.0)


class MedianAbsoluteError(_ObservedMean):
    """Mean absolute error of the median over observed targets, in the targets' own units.

    With several targets it is the plain mean over all their values, whatever their units: a number to
    compare epochs and runs of one task by, not one to quote.

    Args:
        scale: Own units per scaled unit, per target.
        median: Position of the median among the quantiles.
    """

    def __init__(self, scale: tuple[float, ...], median: int, name: str = "mae") -> None:
        super().__init__(name)
        self.scale, self.median = scale, median

    def update_state(self, y_true: KerasTensor, y_pred: KerasTensor, sample_weight: KerasTensor | None = None) -> None:
        """Add a batch."""
        error = ops.abs(y_true - y_pred[..., self.median]) * ops.convert_to_tensor(self.scale, dtype="float32")
        self.add(error, sample_weight)


class ScaledSquaredError(_ObservedMean):
    """Mean squared error of a point forecast over observed targets, on scaled values, as published benchmarks score it."""

    def __init__(self, name: str = "mse") -> None:
        super().__init__(name)

    def update_state(self, y_true: KerasTensor, y_pred: KerasTensor, sample_weight: KerasTensor | None = None) -> None:
        """Add a batch."""
        self.add(ops.square(y_true - y_pred[..., 0]), sample_weight)


def loss_for(name: str, levels: tuple[float, ...]) -> keras.losses.Loss:
    """The loss of a configuration by name: "pinball", "mae" or "mse"."""
    return PinballLoss(levels) if name == "pinball" else PointLoss(name)
