"""What training is fed: training windows in the order of an epoch, and validation windows in their own."""

from collections.abc import Callable
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from headway.data import batches
from headway.task import Task
from headway.training.feed import Feed, Gathered, Numbers, Order
from headway.training.resident import ResidentRows, ResidentWindows


@dataclass(frozen=True)
class Stretches:
    """Window numbers that are computed where they are asked for: a billion of them take no memory.

    Attributes:
        count: How many there are.
        at: Places [B] -> the numbers that stand there.
    """

    count: int
    at: Callable[[Numbers], Numbers]

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, stretch: slice) -> Numbers:
        return self.at(np.arange(*stretch.indices(self.count)))


def training_feed(task: Task, *, seed: int, batch_size: int, most: int | None = None) -> Feed:
    """Training windows, shuffled anew in every epoch by (seed, epoch); a last, smaller batch is left out.

    Args:
        task: Data and windows.
        seed, batch_size: Of the training.
        most: Windows an epoch, where a part of them is enough to measure time.
    """
    count = len(task.windows["train"])

    def order(epoch: int) -> Order:
        shuffled = Stretches(count, lambda places: batches.shuffled(places, count=count, seed=seed, epoch=epoch))
        return shuffled if most is None else shuffled[:most]

    return Feed(_windows(task, "train"), order, batch_size=batch_size, drop_last=True)


def validation_feed(task: Task, *, batch_size: int) -> Feed:
    """Validation windows in order, all of them: what chooses the epoch whose weights are kept."""
    in_order = Stretches(len(task.windows["validation"]), lambda places: places)
    return Feed(_windows(task, "validation"), lambda epoch: in_order, batch_size=batch_size, drop_last=False)


def _windows(task: Task, split: str) -> Gathered | ResidentWindows:
    rows, index = task.rows, task.windows[split]
    if isinstance(rows, batches.ScaledRows):
        return ResidentWindows(
            rows=_resident(rows, task),
            targets=rows.targets,
            context_length=index.context_length,
            horizon=index.horizon,
            first_rows=index.starts,
        )

    def gather(numbers: Numbers) -> tuple[batches.Inputs, np.ndarray, np.ndarray]:
        batch = batches.gather(rows, index, numbers)
        return batch.inputs, batch.target, batch.target_observed

    return Gathered(gather)


_RESIDENT: WeakKeyDictionary[batches.ScaledRows, ResidentRows] = WeakKeyDictionary()


def _resident(rows: batches.ScaledRows, task: Task) -> ResidentRows:
    """The rows for the device: the same for training, for validation and for every network of a task."""
    if rows not in _RESIDENT:
        lengths = [len(series) for series in task.dataset.series]
        series = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
        _RESIDENT[rows] = ResidentRows(rows.values, rows.observed, rows.known_future, series)
    return _RESIDENT[rows]
