"""What training is fed: training windows in the order of an epoch, and validation windows in their own."""

from collections.abc import Callable
from typing import Any

import numpy as np

from headway.data import batches
from headway.task import Task
from headway.training.feed import Feed


def training_feed(task: Task, *, seed: int, batch_size: int, most: int | None = None) -> Feed:
    """Training windows, shuffled anew in every epoch by (seed, epoch); a last, smaller batch is left out.

    Args:
        task: Data and windows.
        seed, batch_size: Of the training.
        most: Windows an epoch, where a part of them is enough to measure time.
    """
    count = len(task.windows["train"])
    return _feed(
        task,
        "train",
        lambda epoch: batches.permutation(count, seed=seed, epoch=epoch)[:most],
        batch_size=batch_size,
        drop_last=True,
    )


def validation_feed(task: Task, *, batch_size: int) -> Feed:
    """Validation windows in order, all of them: what chooses the epoch whose weights are kept."""
    in_order = np.arange(len(task.windows["validation"]))
    return _feed(task, "validation", lambda epoch: in_order, batch_size=batch_size, drop_last=False)


def _feed(task: Task, split: str, order: Callable[[int], Any], *, batch_size: int, drop_last: bool) -> Feed:
    def gather(numbers: Any) -> Any:
        batch = batches.gather(task.rows, task.windows[split], numbers)
        return batch.inputs, batch.target, batch.target_observed

    return Feed(gather, order, batch_size=batch_size, drop_last=drop_last)
