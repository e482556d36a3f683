"""What level and spread a window is seen in, and in which the forecast is told.

Reversible instance normalisation (Kim et al. 2022, "Reversible Instance Normalization for Accurate Time-Series
Forecasting against Distribution Shift"), without its learned affine part, for windows in which values may be missing.
"""

from typing import Any, Literal, NamedTuple

from keras import KerasTensor, ops

_LEAST_SPREAD = 1e-5  # added to the variance: a window may be constant

Normalisation = Literal["none", "last", "mean", "standard"]


class Levelled(NamedTuple):
    """A context, and how a forecast of its targets becomes one in the units of the whole series.

    Attributes:
        context: [B, T, F], 0 where missing.
        level: [B, 1, targets, 1] what the forecast is a change from.
        spread: [B, 1, targets, 1] units of that change, or None for 1.
    """

    context: KerasTensor
    level: KerasTensor
    spread: KerasTensor | None


def levelled(context: KerasTensor, observed: KerasTensor, *, targets: tuple[int, ...], kind: Normalisation) -> Levelled:
    """See a window in a level of its own.

    Args:
        context: [B, T, F] scaled, 0 where missing.
        observed: [B, T, F], 1 where observed, else 0.
        targets: Positions of the targets among the features.
        kind: "none" leaves the context as it is, and a forecast is a change from the last observed value;
            "last" and "mean" take each feature's last value or mean in the window from it; "standard" also
            divides by its standard deviation in the window.
    """
    values, marks = ops.cast(context, "float32"), ops.cast(observed, "float32")
    columns = list(targets)
    if kind == "none":
        last = last_observed(ops.take(values, columns, axis=-1), ops.take(marks, columns, axis=-1))
        return Levelled(context, ops.expand_dims(ops.expand_dims(last, 1), -1), None)
    count = ops.maximum(ops.sum(marks, axis=1, keepdims=True), 1.0)
    if kind == "last":
        level = ops.expand_dims(last_observed(values, marks), 1)
    else:
        level = ops.sum(values * marks, axis=1, keepdims=True) / count
    values = (values - level) * marks
    if kind != "standard":
        return Levelled(values, _of_targets(level, columns), None)
    spread = ops.sqrt(ops.sum(ops.square(values), axis=1, keepdims=True) / count + _LEAST_SPREAD)
    return Levelled(values / spread, _of_targets(level, columns), _of_targets(spread, columns))


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


def _of_targets(values: KerasTensor, columns: list[int]) -> Any:
    """[B, 1, F] -> [B, 1, targets, 1]."""
    return ops.expand_dims(ops.take(values, columns, axis=-1), -1)
