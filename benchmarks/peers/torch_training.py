"""What measures a Lightning training, and counts the matrix products of its model."""

import contextlib

import torch
from measure import Clock
from rows import BATCH
from torch.utils.flop_counter import FlopCounterMode

STEPS = 10_000_000  # the clock stops it
WARM_UP = 20  # steps
COUNTED = 3  # the step whose products are counted: no longer the first, and not yet measured

# Nothing beside the training: no checks, no logs, no bars, no checkpoints.
TRAINER = {"accelerator": "cpu", "devices": 1, "barebones": True, "limit_val_batches": 0}


class Timed:
    """Tells a clock of every step; to be mixed with the `Callback` of the Lightning that a library uses.

    Args:
        clock: To be told.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock, self.steps = clock, 0
        self.flops_per_window = self.weights = 0
        self.counting = contextlib.ExitStack()

    def __deepcopy__(self, memo: dict) -> "Timed":
        return self  # neuralforecast trains a copy of its model, and its callbacks would be copied with it

    def on_train_batch_start(self, trainer, module, batch, index) -> None:
        if self.steps == COUNTED:
            # oneDNN's LSTM is one operation, whose products the counter would not see.
            self.counting.enter_context(torch.backends.mkldnn.flags(enabled=False))
            self.counter = self.counting.enter_context(FlopCounterMode(display=False))

    def on_before_backward(self, trainer, module, loss) -> None:
        if self.steps == COUNTED:
            self.counting.close()
            # Backward costs twice as much as forward.
            self.flops_per_window = 3 * self.counter.get_total_flops() / BATCH

    def on_train_batch_end(self, trainer, module, outputs, batch, index) -> None:
        self.steps += 1
        self.clock.stepped()
        trainer.should_stop = self.clock.mark(self.steps * BATCH)

    def on_train_end(self, trainer, module) -> None:
        self.weights = sum(weight.numel() for weight in module.parameters() if weight.requires_grad)


def loading(workers: int) -> dict:
    """What a `DataLoader` is told of its workers: kept from epoch to epoch."""
    return {"num_workers": workers, "persistent_workers": workers > 0}


def products(left, right, times: int):
    """What multiplies two arrays so often."""
    x, y = torch.from_numpy(left), torch.from_numpy(right)
    out = torch.empty(len(left), right.shape[1])

    def chain() -> None:
        for _ in range(times):
            torch.mm(x, y, out=out)

    return chain
