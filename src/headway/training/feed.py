"""What training is fed: a pure function of (seed, epoch), whatever the backend."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import keras
import numpy as np
from numpy.typing import NDArray

from headway.training.resident import ResidentWindows

Numbers = NDArray[np.int64]
# inputs, target and sample weight, as Keras takes them
FitBatch = tuple[Any, NDArray[np.float32], NDArray[np.float32]]


class Order(Protocol):
    """Window numbers in an order; an array, or what computes the stretches that it is asked for."""

    def __len__(self) -> int:
        """How many there are."""

    def __getitem__(self, stretch: slice, /) -> Numbers:
        """A stretch of them."""


@dataclass(frozen=True)
class Gathered:
    """Windows that are gathered batch by batch, where all rows would not fit on the device.

    Attributes:
        gather: Window numbers [B] -> inputs, target, weight.
    """

    gather: Callable[[Numbers], FitBatch]

    def batch(self, numbers: Numbers) -> FitBatch:
        """Windows by number [B]."""
        return self.gather(numbers)


@dataclass
class Waiting:
    """Time that was spent waiting, in seconds."""

    seconds: float = 0.0


class Feed:
    """Window numbers of an epoch, cut into batches.

    Args:
        windows: Where the windows come from.
        order: Epoch -> all window numbers in the order of that epoch.
        batch_size: Windows per batch.
        drop_last: Leave out a last, smaller batch; in training every epoch drops other windows.

    Attributes:
        waiting: Time that executions have waited for their input, those of `rest` included.
    """

    def __init__(
        self, windows: Gathered | ResidentWindows, order: Callable[[int], Order], *, batch_size: int, drop_last: bool
    ) -> None:
        self.windows, self.order, self.batch_size, self.waiting = windows, order, batch_size, Waiting()
        self.start(0)
        count = len(self.numbers)
        self.num_batches = count // batch_size if drop_last else -(-count // batch_size)

    def __getitem__(self, index: int) -> FitBatch:
        """Batch `index` of this epoch."""
        return self.windows.batch(self.numbers_of(index, index + 1))

    def numbers_of(self, first: int, after: int) -> Numbers:
        """Window numbers of the batches from one to before another."""
        return np.asarray(self.numbers[first * self.batch_size : after * self.batch_size])

    def start(self, epoch: int) -> None:
        """Take the order of a 0-based epoch."""
        self.numbers = self.order(epoch)

    def rest(self, epoch: int, step: int) -> "Feed":
        """What is left of an epoch after its first steps, as a feed of its own."""
        numbers = self.order(epoch)[step * self.batch_size : self.num_batches * self.batch_size]
        rest = Feed(self.windows, lambda _: numbers, batch_size=self.batch_size, drop_last=True)
        rest.waiting = self.waiting
        return rest

    @cached_property
    def bytes_sent(self) -> int:
        """What a batch of windows takes that are not on the device; 0 where they are."""
        if isinstance(self.windows, ResidentWindows):
            return 0
        return sum(array.nbytes for array in keras.tree.flatten(self[0]))

    def executions(self, steps: int) -> "Executions":
        """The batches of an epoch, several to each call of the backend."""
        return Executions(self, steps)


class Executions(keras.utils.PyDataset):
    """Several batches at a time, as the backend is handed them: what Keras calls a batch is one execution.

    An element is what the windows are found by, [S, B], where their rows are on the device; else the windows
    themselves, each array [S, B, ...]. A last, smaller batch is an execution of its own.

    Args:
        feed: The batches.
        steps: Batches S in one execution, at most.
    """

    def __init__(self, feed: Feed, steps: int) -> None:
        super().__init__(workers=1, use_multiprocessing=False)
        self.feed, self.steps = feed, max(1, min(steps, feed.num_batches))
        whole = min(len(feed.numbers) // feed.batch_size, feed.num_batches)
        self._edges = [*range(0, whole, self.steps), whole, *([feed.num_batches] if feed.num_batches > whole else [])]

    def __len__(self) -> int:
        return len(self._edges) - 1

    @property
    def num_batches(self) -> int:
        """The same for Keras, which asks for it under this name."""
        return len(self)

    def __getitem__(self, index: int) -> Any:
        """Execution `index` of this epoch."""
        feed, first, after = self.feed, self._edges[index], self._edges[index + 1]
        numbers, count = feed.numbers_of(first, after), after - first
        if isinstance(feed.windows, ResidentWindows):
            return (feed.windows.starts(numbers).reshape(count, -1),)  # Keras knows tuples alone
        # One after the other: what a batch is computed from stays in the processor's cache.
        batches = [feed.windows.batch(some) for some in np.split(numbers, count)]
        return keras.tree.map_structure(lambda *arrays: np.stack(arrays), *batches)

    def next_of(self, iterator: Any) -> Any:
        """The next element of an iterator over executions; the time it takes is counted as waited."""
        began = time.perf_counter()
        try:
            return next(iterator)
        finally:
            self.feed.waiting.seconds += time.perf_counter() - began
