"""Keras `fit` with what a run needs around it: the best weights, exact resume, and finite numbers."""

import contextlib
import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import keras
import numpy as np
from numpy.typing import NDArray

from headway.errors import NumericError
from headway.training import guard
from headway.training.executions import Fed
from headway.training.feed import Feed
from headway.training.guard import ROLLBACKS, NotFinite
from headway.training.loop import EpochEnd, EpochIsOver, Keeper, Loop, Memory
from headway.training.optimizer import optimizer_for, slow_down
from headway.training.precision import device
from headway.training.state import TrainingState, Variables, digest_of, keep_best

if TYPE_CHECKING:
    from headway.config.training import TrainingSpec

log = logging.getLogger(__name__)
Shown = Literal["bar", "lines", "none"]
_STEPS_ON_CPU = 16
_BYTES_SENT = 1 << 25  # in one call, where windows are gathered for it


@dataclass(frozen=True)
class History:
    """What training did.

    Attributes:
        metrics: Name -> one value per epoch; "loss" and "mae" on training, "val_..." on validation.
        best_epoch: 0-based epoch with the lowest validation loss, whose weights the model holds now.
        steps: Optimizer steps taken.
        validation: Name -> value on validation of the weights that are kept.
        digest: Of all that training left: weights, moments, loss scale, seeds; the same for the same training.
    """

    metrics: Mapping[str, Sequence[float]]
    best_epoch: int
    steps: int
    validation: Mapping[str, float]
    digest: str = ""


def compile_model(
    model: keras.Model,
    spec: "TrainingSpec",
    *,
    loss: keras.losses.Loss,
    metrics: Sequence[keras.metrics.Metric],
    steps_per_epoch: int,
) -> None:
    """Give a model its optimizer, loss and metrics.

    Args:
        model: The network; its own dtype policy decides whether the loss is scaled.
        spec: The training group.
        loss: Loss with sample weights.
        metrics: Metrics with sample weights.
        steps_per_epoch: Steps of an epoch, for the schedule.
    """
    model.compile(
        optimizer=optimizer_for(
            spec,
            total_steps=steps_per_epoch * spec.epochs,
            scaled=model.dtype_policy.name == "mixed_float16",
        ),
        loss=loss,
        weighted_metrics=list(metrics),
        # JAX has no graph without XLA: each operation on its own takes some hundred times longer.
        jit_compile=spec.jit or keras.backend.backend() == "jax",
    )


def steps_per_execution(spec: "TrainingSpec", feed: Feed) -> int:
    """Steps that the backend runs per call: never more than an epoch has, nor than lie between two checkpoints.

    Where windows are not on the device, those of a few calls are in memory at once, and a call is bounded by that.
    """
    asked = spec.steps_per_execution
    if asked is None:
        # A GPU waits for every launch; on a CPU the state is looked at every second or so.
        asked = spec.checkpoint_steps if device().is_gpu else _STEPS_ON_CPU
    most = _BYTES_SENT // feed.bytes_sent if feed.bytes_sent else asked
    return max(1, min(asked, spec.checkpoint_steps, feed.num_batches, most))


def fit(
    model: keras.Model,
    train: Feed,
    validation: Feed,
    spec: "TrainingSpec",
    *,
    metrics: Sequence[keras.metrics.Metric] = (),
    on_epoch_end: EpochEnd,
    progress: Shown = "lines",
    keeper: Keeper | None = None,
    begin: TrainingState | None = None,
    name_windows: Callable[[NDArray[np.int64]], str] = lambda numbers: ", ".join(map(str, numbers)),
) -> History:
    """Train until validation stops improving, and keep the best weights.

    Where a value is not finite, training goes back to its last good state and on at half the rate, at most three times.

    Args:
        model: A compiled model.
        train, validation: Batches.
        spec: The training group.
        metrics: Those the model was compiled with.
        on_epoch_end: Called with the 0-based epoch and its metrics; may look at the model.
        progress: Keras's moving bar, one line an epoch, or nothing.
        keeper: Takes the states of the training; None keeps the last good one in memory.
        begin: Where training goes on; None begins anew.
        name_windows: Says of numbers of training windows which they are.

    Returns:
        The history; the model holds the weights of its best epoch.

    Raises:
        NumericError: Training left the finite numbers again and again.
        Interrupted: The keeper asked to stop; the state is saved.
        StoredRunError: The state to begin with does not fit.
    """
    state = begin or TrainingState()
    if not state.finished:
        state = _to_its_end(
            Variables(model, metrics),
            train,
            validation,
            spec,
            keeper or Memory(),
            state,
            on_epoch_end,
            progress,
            name_windows,
        )
    keep_best(model, state.arrays)
    kept = {name[4:]: values[state.best_epoch] for name, values in state.history.items() if name.startswith("val_")}
    return History(state.history, state.best_epoch, train.num_batches * state.epoch, kept, state.digest)


def join(histories: Sequence[History], validation: Mapping[str, float]) -> History:
    """What the trainings of an ensemble did, one after another.

    Args:
        histories: Of each member.
        validation: Name -> value on validation of all of them together.
    """
    metrics = {name: [value for one in histories for value in one.metrics[name]] for name in histories[0].metrics}
    losses = metrics["val_loss"]
    steps = sum(one.steps for one in histories)
    digest = hashlib.sha256(" ".join(one.digest for one in histories).encode()).hexdigest()
    return History(metrics, min(range(len(losses)), key=losses.__getitem__), steps, validation, digest)


def evaluate(model: keras.Model, feed: Feed) -> dict[str, float]:
    """Loss and metrics of a compiled model on all windows of a feed."""
    with Fed(model, validation=feed) as fed:
        found = model.evaluate(fed.validation, verbose=0, return_dict=True)
    return {name: float(value) for name, value in found.items()}


def run_epochs(
    model: keras.Model, feed: Feed, *, steps: int, epochs: int, callbacks: Sequence[keras.callbacks.Callback] = ()
) -> None:
    """Steps and nothing else, to measure what they take.

    Args:
        model: A compiled model.
        feed: The training windows.
        steps: Per execution.
        epochs: How many; all in the order of the first.
        callbacks: What goes along.
    """
    with Fed(model, train=feed, steps=steps) as fed:
        model.fit(fed.train, epochs=epochs, shuffle=False, verbose=0, callbacks=[*callbacks])


def _to_its_end(
    variables: Variables,
    train: Feed,
    validation: Feed,
    spec: "TrainingSpec",
    keeper: Keeper,
    begin: TrainingState,
    on_epoch_end: EpochEnd,
    progress: Shown,
    name_windows: Callable[[NDArray[np.int64]], str],
) -> TrainingState:
    while True:
        steps = steps_per_execution(spec, train)
        loop = Loop(variables, train, spec, steps=steps, keeper=keeper, on_epoch_end=on_epoch_end, begin=begin)
        slow_down(variables.model, 0.5**begin.rollbacks)
        try:
            _run(variables.model, train, validation, spec, loop, begin, progress)
        except NotFinite as failure:
            begin = _rolled_back(variables, train, keeper.good, begin.rollbacks, failure, name_windows)
            continue
        done = replace(loop.state, digest=digest_of(variables.capture()))
        keeper.save(done)
        return done


def _run(
    model: keras.Model,
    train: Feed,
    validation: Feed,
    spec: "TrainingSpec",
    loop: Loop,
    begin: TrainingState,
    progress: Shown,
) -> None:
    fixed = {
        "epochs": spec.epochs,
        "shuffle": False,
        "verbose": {"bar": 1, "lines": 2, "none": 0}[progress],
    }
    steps = steps_per_execution(spec, train)
    if begin.step:
        # A `fit` of its own: by its first epoch it would learn how long the others are.
        rest = train.rest(begin.epoch, begin.step)
        with (
            Fed(model, train=rest, validation=validation, steps=steps) as fed,
            contextlib.suppress(EpochIsOver),
        ):
            shown = [loop, *_shown(progress, rest, steps)]
            model.fit(fed.train, validation_data=fed.validation, initial_epoch=begin.epoch, callbacks=shown, **fixed)
    if not loop.state.finished:
        train.start(loop.state.epoch)
        with Fed(model, train=train, validation=validation, steps=steps) as fed:
            shown = [loop, *_shown(progress, train, steps)]
            model.fit(
                fed.train, validation_data=fed.validation, initial_epoch=loop.state.epoch, callbacks=shown, **fixed
            )


def _rolled_back(
    variables: Variables,
    train: Feed,
    good: TrainingState,
    rollbacks: int,
    failure: NotFinite,
    name_windows: Callable[[NDArray[np.int64]], str],
) -> TrainingState:
    """The state to go on with after a failure.

    Raises:
        NumericError: There is none, or training has gone back often enough.
    """
    words = f"epoch {failure.epoch + 1}: {failure.what}"
    if good.arrays:
        culprit = guard.find(variables, train, good, failure)
        words = f"epoch {culprit.epoch}, step {culprit.step}: {culprit.what}"
        if len(culprit.windows):
            words += f" {name_windows(culprit.windows)}"
    if rollbacks == ROLLBACKS or not good.arrays:
        tried = (
            f"; the same at {' and '.join(f'1/{2**n}' for n in range(1, ROLLBACKS + 1))} of the rate"
            if rollbacks
            else ""
        )
        raise NumericError(
            f"{words}{tried}; lower training.learning_rate or training.gradient_clip, or set training.precision=float32"
        )
    log.warning(
        "%s; back to epoch %d, step %d with 1/%d of the learning rate (%d of %d)",
        *(words, good.epoch + 1, good.step, 2 ** (rollbacks + 1), rollbacks + 1, ROLLBACKS),
    )
    return replace(good, rollbacks=rollbacks + 1)


def _shown(progress: Shown, train: Feed, steps: int) -> list[keras.callbacks.Callback]:
    return [] if progress == "none" else [_ProgressBar(train.num_batches, steps)]


class _ProgressBar(keras.callbacks.ProgbarLogger):
    """Keras's bar, counting steps: to Keras an execution of several is one.

    Args:
        num_batches: Steps of an epoch.
        steps: Of an execution.
    """

    def __init__(self, num_batches: int, steps: int) -> None:
        super().__init__()
        self._num_batches, self._steps = num_batches, steps

    def set_params(self, params: dict[str, Any]) -> None:
        """Take what `fit` says of itself."""
        super().set_params({**params, "steps": self._num_batches})

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Move the bar."""
        super().on_train_batch_end(min((batch + 1) * self._steps, self._num_batches) - 1, logs)
