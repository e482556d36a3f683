"""What goes along with Keras `fit`: order of the epochs, the best weights, checkpoints, and a look at every execution."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import keras
import numpy as np
from numpy.typing import NDArray

from headway.errors import Interrupted
from headway.training.feed import Feed
from headway.training.guard import NotFinite
from headway.training.optimizer import scale_is_lowest
from headway.training.state import BEST, TrainingState, Variables, not_finite, weights_of

if TYPE_CHECKING:
    from headway.config.training import TrainingSpec

EpochEnd = Callable[[int, Mapping[str, float]], None]


class Keeper(Protocol):
    """Keeps states of a training, the last good one at hand."""

    @property
    def good(self) -> TrainingState:
        """The newest planned state."""

    @property
    def stop(self) -> bool:
        """Whether training is to end as soon as its state is saved."""

    def save(self, state: TrainingState) -> None:
        """Keep a state."""


class Memory:
    """A keeper that forgets when the process ends, and never asks to stop."""

    def __init__(self) -> None:
        self._good = TrainingState()

    @property
    def good(self) -> TrainingState:
        """The newest planned state."""
        return self._good

    @property
    def stop(self) -> bool:
        """Never."""
        return False

    def save(self, state: TrainingState) -> None:
        """Keep a state."""
        if state.planned:
            self._good = state


class EpochIsOver(Exception):  # noqa: N818 - how `fit` is left before it would finalise a training that goes on
    """The epoch that another process had begun is over."""


class Loop(keras.callbacks.Callback):
    """Follows the training of one network from a state to its end.

    Args:
        variables: Of the model that is trained.
        train: The feed of whole epochs.
        spec: The training group.
        steps: Of one execution, which is a batch to Keras.
        keeper: Takes the states.
        on_epoch_end: Called with the 0-based epoch and its metrics; may look at the model.
        begin: Where training begins; without arrays it begins anew.
    """

    def __init__(
        self,
        variables: Variables,
        train: Feed,
        spec: "TrainingSpec",
        *,
        steps: int,
        keeper: Keeper,
        on_epoch_end: EpochEnd,
        begin: TrainingState,
    ) -> None:
        super().__init__()
        self._variables, self._train, self._spec, self._steps = variables, train, spec, steps
        self._keeper, self._hand_on = keeper, on_epoch_end
        self._begin, self._to_restore, self._in_rest = begin, bool(begin.arrays), bool(begin.step)
        self._is_new = not begin.arrays
        self._epoch, self._step = begin.epoch, begin.step
        self._looked = begin.epoch * train.num_batches + begin.step
        self._history = {name: list(values) for name, values in begin.history.items()}
        self._best = {name: array for name, array in begin.arrays.items() if name.startswith(BEST)}
        self._best_epoch, self._waited = begin.best_epoch, begin.waited
        self._raw: list[NDArray[Any]] = []  # the weights themselves, while the model has their average
        self._sums: list[NDArray[Any]] = []  # of the metrics, before the execution under way

    @property
    def state(self) -> TrainingState:
        """Where training is, without the arrays of the model."""
        return TrainingState(
            epoch=self._epoch,
            step=self._step,
            arrays=self._best,
            history={name: tuple(values) for name, values in self._history.items()},
            best_epoch=self._best_epoch,
            waited=self._waited,
            rollbacks=self._begin.rollbacks,
            finished=self._epoch >= self._spec.epochs or self._waited >= self._spec.patience,
        )

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Take the epoch's order, and what an earlier process left of it."""
        self._train.start(epoch)
        if self._raw:  # training goes on from its own weights, not from their average
            for variable, value in zip(self.model.trainable_variables, self._raw, strict=True):
                variable.assign(value)
            self._raw = []
        if self._to_restore:
            # Not earlier: `fit` sets the sums of an epoch to zero just before.
            self.model  # noqa: B018 - on JAX it takes the variables back from the step
            self._variables.restore(self._begin.arrays)
            self._to_restore = False
        elif self._is_new or self._is_due():
            self._save(planned=True)
        self._is_new = False
        self._look()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Look at what an execution has done; save or stop where it is time."""
        before = self._begin.step if self._in_rest else 0
        self._step = min(before + (batch + 1) * self._steps, self._train.num_batches)
        loss = float((logs or {})["loss"])
        if not math.isfinite(loss):
            if not self._is_scaled or scale_is_lowest(self.model.optimizer):
                raise NotFinite(self._epoch, self._step, f"the loss is {loss}")
            self._leave_out()
        if self._step < self._train.num_batches:  # after the last one comes validation, and then the next epoch
            if self._is_due():
                self._save(planned=True)
            self._look()

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Let validation see the moving average of the weights, where there is one."""
        if self._spec.ema:
            model = self.model
            self._raw = [np.array(value.numpy()) for value in model.trainable_variables]
            model.optimizer.finalize_variable_values(model.trainable_variables)
            for variable in model.trainable_variables:
                # A copy: a step on JAX uses up the arrays it is given, and the optimizer still needs its own.
                variable.assign(np.array(variable.numpy()))

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Keep the weights if they are the best so far, hand the metrics on, and see whether it is enough."""
        values = {name: float(value) for name, value in (logs or {}).items()}
        for name, value in values.items():
            if not math.isfinite(value):
                raise NotFinite(epoch, self._train.num_batches, f"{name} is {value}")
        model, losses = self.model, self._history.get("val_loss", [])
        self._waited += 1
        if self._best_epoch < 0 or values["val_loss"] < losses[self._best_epoch]:
            found = {f"{BEST}{path}": value for path, value in weights_of(model).items()}
            if broken := not_finite(found):
                raise NotFinite(epoch, self._train.num_batches, f"{broken} holds a value that is not finite")
            self._best, self._best_epoch, self._waited = found, epoch, 0
        for name, value in values.items():
            self._history.setdefault(name, []).append(value)
        self._hand_on(epoch, {**values, **self._more(model)})
        self._epoch, self._step = epoch + 1, 0
        model.stop_training = self.state.finished
        if self._in_rest:
            self._in_rest = False
            raise EpochIsOver

    def _more(self, model: keras.Model) -> dict[str, float]:
        """What the metrics do not say of an epoch."""
        optimizer = model.optimizer
        found = {"learning_rate": float(keras.ops.convert_to_numpy(optimizer.learning_rate))}
        if self._is_scaled:
            taken = int(keras.ops.convert_to_numpy(optimizer.iterations))
            found["skipped_steps"] = float((self._epoch + 1) * self._train.num_batches - taken)
            found["loss_scale"] = float(keras.ops.convert_to_numpy(optimizer.dynamic_scale))
        if self._begin.rollbacks:
            found["rollbacks"] = float(self._begin.rollbacks)
        return found

    @property
    def _is_scaled(self) -> bool:
        return isinstance(self.model.optimizer, keras.optimizers.LossScaleOptimizer)

    def _is_due(self) -> bool:
        """Whether a multiple of `checkpoint_steps` lies between the last look and here; so in every process."""
        every = self._spec.checkpoint_steps
        return self._here() // every > self._looked // every

    def _here(self) -> int:
        return self._epoch * self._train.num_batches + self._step

    def _look(self) -> None:
        """Stop if that is asked for; remember what the next execution begins with."""
        if self._keeper.stop:
            self._save(planned=False)
            raise Interrupted("interrupted")
        self._looked = self._here()
        if self._is_scaled:
            self._sums = [np.array(value.numpy()) for value in self._variables.sums]

    def _leave_out(self) -> None:
        """Count an execution in no mean of the epoch: float16 has skipped its bad steps, and lowered the scale."""
        sums = self._variables.sums
        for variable, value in zip(sums, self._sums, strict=True):
            variable.assign(value)
        if self._step == self._train.num_batches and not float(keras.ops.convert_to_numpy(sums[1])):
            raise NotFinite(self._epoch, self._step, "no step of the epoch was taken: each overflowed")

    def _save(self, *, planned: bool) -> None:
        self.model  # noqa: B018 - on JAX it takes the variables back from the step
        arrays = {**self._variables.capture(), **self._best}
        if broken := not_finite(arrays):
            raise NotFinite(self._epoch, self._step, f"{broken} holds a value that is not finite")
        self._keeper.save(replace(self.state, arrays=arrays, planned=planned))
