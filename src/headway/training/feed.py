"""Batches for Keras `fit`: a pure function of (seed, epoch), whatever the backend."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
# inputs, target and sample weight, as Keras takes them
FitBatch = tuple[dict[str, Any], NDArray[np.float32], NDArray[np.float32]]


class Feed(keras.utils.PyDataset):
    """Window numbers of an epoch, cut into batches and gathered one by one.

    Args:
        gather: Window numbers [B] -> inputs, target, weight.
        order: Epoch -> all window numbers in the order of that epoch.
        batch_size: Windows per batch.
        drop_last: Leave out a last, smaller batch; in training every epoch drops other windows.
    """

    def __init__(
        self,
        gather: Callable[[Numbers], FitBatch],
        order: Callable[[int], Numbers],
        *,
        batch_size: int,
        drop_last: bool,
    ) -> None:
        super().__init__(workers=1, use_multiprocessing=False)
        self.gather, self.order, self.batch_size = gather, order, batch_size
        self.start(0)
        count = len(self.numbers)
        self.batches = count // batch_size if drop_last else -(-count // batch_size)

    @property
    def num_batches(self) -> int:
        """Batches per epoch."""
        return self.batches

    def __getitem__(self, index: int) -> FitBatch:
        """Batch `index` of this epoch."""
        return self.gather(self.numbers[index * self.batch_size : (index + 1) * self.batch_size])

    def start(self, epoch: int) -> None:
        """Take the order of a 0-based epoch; Keras's own `on_epoch_end` also comes before the first."""
        self.numbers = self.order(epoch)

    def rest(self, epoch: int, step: int) -> "Feed":
        """What is left of an epoch after its first steps, as a feed of its own."""
        numbers = self.order(epoch)[step * self.batch_size : self.batches * self.batch_size]
        return Feed(self.gather, lambda _: numbers, batch_size=self.batch_size, drop_last=True)
