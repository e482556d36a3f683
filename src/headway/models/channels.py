"""Targets as windows of their own, each seen alone by one network (channel independence: Nie et al. 2023, PatchTST)."""

from dataclasses import replace

from keras import KerasTensor, ops

from headway.models.shape import TaskShape


def apart(shape: TaskShape) -> TaskShape:
    """What the network sees of a task: one target, which it tells apart from the others as if each were a series."""
    targets = len(shape.targets)
    return replace(shape, num_features=1, targets=(0,), num_series=shape.num_series * targets)


def separated(inputs: dict[str, KerasTensor], shape: TaskShape) -> dict[str, KerasTensor]:
    """Windows of each target, [B, T, F] -> [B * targets, T, 1]; columns that are no targets are left out.

    Args:
        inputs: "context" and "observed" [B, T, F], "known_future" [B, T+H, C], "series" [B].
        shape: Sizes of the task.
    """
    columns, targets = list(shape.targets), len(shape.targets)

    def of_targets(values: KerasTensor) -> KerasTensor:
        rows = ops.transpose(ops.take(values, columns, axis=-1), (0, 2, 1))  # [B, targets, T]
        return ops.reshape(rows, (-1, shape.context_length, 1))

    channel = ops.expand_dims(inputs["series"] * targets, 1) + ops.arange(targets, dtype="int32")
    return {
        "context": of_targets(inputs["context"]),
        "observed": of_targets(inputs["observed"]),
        "known_future": ops.repeat(inputs["known_future"], targets, axis=0),
        "series": ops.reshape(channel, (-1,)),
    }


def together(forecast: KerasTensor, targets: int) -> KerasTensor:
    """[B * targets, H, 1, Q] -> [B, H, targets, Q]."""
    by_window = ops.reshape(forecast, (-1, targets, forecast.shape[1], forecast.shape[3]))
    return ops.transpose(by_window, (0, 2, 1, 3))


def mean(scores: KerasTensor, targets: int) -> KerasTensor:
    """[B * targets, ...] -> [B, ...]."""
    return ops.mean(ops.reshape(scores, (-1, targets, *scores.shape[1:])), axis=1)
