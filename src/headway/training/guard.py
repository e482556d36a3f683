"""Where a training left the finite numbers: the step, and the windows of its batch that are to blame."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from headway.training.feed import Feed, FitBatch
from headway.training.state import TrainingState, Variables, not_finite, weights_of

ROLLBACKS = 3
"""How often training goes back to its last good state, each time to half the rate."""

_MOST_NAMED = 3


class NotFinite(Exception):  # noqa: N818 - the name says what was found
    """Training met a value that is not finite.

    Args:
        epoch: 0-based.
        step: 1-based last step of the execution after which it was found.
        what: What it was, in words.
    """

    def __init__(self, epoch: int, step: int, what: str) -> None:
        super().__init__(what)
        self.epoch, self.step, self.what = epoch, step, what


@dataclass(frozen=True)
class Culprit:
    """Where it began.

    Attributes:
        epoch, step: Both 1-based, as they are told.
        what: What was not finite, in words.
        windows: Numbers of the windows to blame; empty where it is none of a single batch.
    """

    epoch: int
    step: int
    what: str
    windows: NDArray[np.int64]


def find(variables: Variables, feed: Feed, good: TrainingState, failure: NotFinite) -> Culprit:
    """Replay the steps since the last good state one by one.

    Args:
        variables: Of the compiled model; their values are used up.
        feed: The training windows.
        good: The state to begin at.
        failure: What was found.
    """
    step = _first_bad(variables, feed, good, failure)
    if step is None:  # validation alone, or one that a step by itself does not show
        return Culprit(failure.epoch + 1, failure.step, failure.what, np.array([], np.int64))
    epoch, number = step
    _replay_to(variables, feed, good, epoch, number)
    feed.start(epoch)
    numbers = feed.numbers_of(number, number + 1)
    what, culprits = _blame(variables.model, feed[number])
    return Culprit(epoch + 1, number + 1, what, numbers[culprits])


def _first_bad(variables: Variables, feed: Feed, good: TrainingState, failure: NotFinite) -> tuple[int, int] | None:
    model = variables.model
    variables.restore(good.arrays)
    for epoch in range(good.epoch, failure.epoch + 1):
        feed.start(epoch)
        last = failure.step if epoch == failure.epoch else feed.num_batches
        for number in range(good.step if epoch == good.epoch else 0, last):
            loss = _train(model, feed[number])
            if not np.isfinite(loss) or not_finite(weights_of(model)):
                return epoch, number
    return None


def _replay_to(variables: Variables, feed: Feed, good: TrainingState, epoch: int, step: int) -> None:
    model = variables.model
    variables.restore(good.arrays)
    for passed in range(good.epoch, epoch + 1):
        feed.start(passed)
        for number in range(good.step if passed == good.epoch else 0, step if passed == epoch else feed.num_batches):
            _train(model, feed[number])


def _train(model: keras.Model, batch: FitBatch) -> float:
    model.reset_metrics()
    return float(model.train_on_batch(*batch, return_dict=True)["loss"])


def _blame(model: keras.Model, batch: FitBatch) -> tuple[str, NDArray[np.intp]]:
    """What is wrong with a batch before its step is taken, and the places of the windows it is wrong with."""
    inputs, target, weight = batch
    seen = inputs if isinstance(inputs, dict) else {"input": inputs}
    for name, array in {**seen, "target": np.where(weight > 0, target, 0)}.items():
        bad = ~np.isfinite(array).reshape(len(array), -1).all(axis=1)
        if bad.any():
            return f"{name} holds a value that is not finite in", np.flatnonzero(bad)[:_MOST_NAMED]
    forecast = keras.ops.convert_to_numpy(model(_as_tensors(inputs), training=False))
    losses = keras.ops.convert_to_numpy(model.loss.call(keras.ops.convert_to_tensor(target), forecast))
    with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is what is looked for
        losses = losses * weight
    by_window = np.abs(losses).reshape(len(losses), -1).sum(axis=1)
    bad = ~np.isfinite(by_window)
    if bad.any():
        return "the forecast is not finite of", np.flatnonzero(bad)[:_MOST_NAMED]
    return "the gradient is not finite; the largest loss is of", by_window.argsort()[::-1][:1]


def _as_tensors(inputs: Any) -> Any:
    if isinstance(inputs, dict):
        return {name: keras.ops.convert_to_tensor(array) for name, array in inputs.items()}
    return keras.ops.convert_to_tensor(inputs)
