"""The update rule: all weights as one vector, rate by step, clipping, and a loss scale that stays within bounds."""

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
from keras import KerasTensor, ops

if TYPE_CHECKING:
    from headway.config.training import TrainingSpec

SCALE_LIMITS = (1.0, 2.0**24)
"""Of float16's loss scale. Keras has none: a run of bad batches drives its scale to 0, and the next good step makes
every weight NaN. 2^24 is the largest whole number up to which float32 holds all of them."""


class Rate(keras.optimizers.schedules.LearningRateSchedule):
    """Rate by optimizer step: a linear warm-up, then half a cosine down to zero, or the rate that was reached.

    The numbers are those of Keras's CosineDecay, without its branch: that is a program of its own in the step, and on
    JAX compiled anew whenever the rate is read.

    Args:
        highest: Where the warm-up ends.
        warmup, decay: Steps of both; the warm-up may have none.
        falls: Whether the rate falls after the warm-up.

    Attributes:
        factor: What the rate is multiplied by, by which training is slowed down after it has left the finite numbers;
            compiled into the step, so a change shows in the next that is.
    """

    def __init__(self, highest: float, *, warmup: int, decay: int, falls: bool) -> None:
        super().__init__()
        self.highest, self.warmup, self.decay, self.falls, self.factor = highest, warmup, decay, falls, 1.0

    def __call__(self, step: KerasTensor) -> KerasTensor:
        """The rate at a step."""
        step = ops.cast(step, "float32")
        after = ops.minimum(step - self.warmup, self.decay)
        share = 0.5 * (1.0 + ops.cos(math.pi * (after / self.decay))) if self.falls else 1.0
        risen = self.highest * (step / max(self.warmup, 1))
        return ops.where(step < self.warmup, risen, self.highest * share) * self.factor


class _AsOneVector:
    """Makes a rule of Keras work on one vector of all weights, in their order, instead of on each by itself.

    A network of thirty weights takes five hundred small operations a step otherwise; what they compute is the same.

    Attributes:
        rate: The schedule.
    """

    rate: "Rate"
    built: bool
    use_ema: bool
    _all: Any

    def build(self, variables: Sequence[keras.Variable]) -> None:
        """Make moments for the weights."""
        self._shapes = [tuple(variable.shape) for variable in variables]
        sizes = [math.prod(shape) for shape in self._shapes]
        self._borders = [*itertools.accumulate(sizes[:-1])]
        # Set past Keras, which would store it with the moments: it holds nothing between two steps.
        object.__setattr__(self, "_all", keras.Variable(ops.zeros(sum(sizes)), dtype="float32", name="weights"))
        super().build([self._all])  # type: ignore[misc]

    def apply(self, grads: Sequence[Any], trainable_variables: Any = None) -> None:
        """Take a step; without variables the gradient is already one vector."""
        if trainable_variables is None:
            super().apply(grads)  # type: ignore[misc]
            return
        variables = list(trainable_variables)
        if not self.built:
            self.build(variables)
        self._all.assign(self._together(variables))
        super().apply([self._together(grads)], [self._all])  # type: ignore[misc]
        self._give_back(self._all, variables)

    def stateless_apply(self, optimizer_variables: Any, grads: Sequence[Any], trainable_variables: Any) -> Any:
        """The same as a function of its variables, for JAX."""
        (moved,), own = super().stateless_apply(  # type: ignore[misc]
            optimizer_variables, [self._together(grads)], [self._together(trainable_variables)]
        )
        return self._apart(moved), own

    def finalize_variable_values(self, var_list: Sequence[keras.Variable]) -> None:
        """Give the weights their moving average, where there is one."""
        if self.use_ema:
            self._give_back(self._model_variables_moving_average[0], var_list)  # type: ignore[attr-defined]

    def _together(self, parts: Sequence[Any]) -> KerasTensor:
        """One vector of weights or of their gradients; a weight that nothing came from has a gradient of zeros."""
        flat = [
            ops.zeros(math.prod(shape)) if part is None else ops.reshape(ops.convert_to_tensor(part), (-1,))
            for part, shape in zip(parts, self._shapes, strict=True)
        ]
        return ops.concatenate(flat)

    def _apart(self, vector: KerasTensor) -> list[KerasTensor]:
        parts = ops.split(vector, self._borders) if self._borders else [vector]
        return [ops.reshape(part, shape) for part, shape in zip(parts, self._shapes, strict=True)]

    def _give_back(self, vector: keras.Variable, variables: Sequence[keras.Variable]) -> None:
        for variable, part in zip(variables, self._apart(ops.convert_to_tensor(vector)), strict=True):
            variable.assign(part)


class AdamW(_AsOneVector, keras.optimizers.AdamW):
    """Decoupled weight decay (Loshchilov and Hutter 2019)."""


class Adam(_AsOneVector, keras.optimizers.Adam):
    """Kingma and Ba 2015."""


class SGD(_AsOneVector, keras.optimizers.SGD):
    """Gradient descent."""


_RULES = {"adamw": AdamW, "adam": Adam, "sgd": SGD}


class BoundedLossScale(keras.optimizers.LossScaleOptimizer):
    """Float16's loss scaling, between `SCALE_LIMITS`."""

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        """Take a step, or skip it where a gradient overflows."""
        super().apply(grads, trainable_variables)
        self.dynamic_scale.assign(ops.clip(self.dynamic_scale, *SCALE_LIMITS))

    def stateless_apply(self, optimizer_variables: Any, grads: Any, trainable_variables: Any) -> Any:
        """The same as a function of its variables, for JAX."""
        trainable, own = super().stateless_apply(optimizer_variables, grads, trainable_variables)
        place = next(place for place, variable in enumerate(self.variables) if variable is self.dynamic_scale)
        bounded = [*own]
        bounded[place] = ops.clip(bounded[place], *SCALE_LIMITS)
        return trainable, bounded


def optimizer_for(spec: "TrainingSpec", *, total_steps: int, scaled: bool) -> keras.optimizers.Optimizer:
    """The optimizer of a configuration.

    Args:
        spec: The training group.
        total_steps: Of the whole training, for the schedule.
        scaled: Scale the loss, as float16 needs it.
    """
    warmup = round(spec.warmup * total_steps)
    # Named: Keras would number the optimizers of a process, and their states are stored by name.
    options: dict[str, Any] = {"name": spec.optimizer}
    options |= {"weight_decay": spec.weight_decay} if spec.optimizer == "adamw" else {}
    if spec.ema:
        options |= {"use_ema": True, "ema_momentum": spec.ema}
    rate = Rate(spec.learning_rate, warmup=warmup, decay=max(total_steps - warmup, 1), falls=spec.schedule == "cosine")
    rule = _RULES[spec.optimizer](learning_rate=rate, global_clipnorm=spec.gradient_clip, **options)
    rule.rate = rate
    return BoundedLossScale(rule, initial_scale=spec.loss_scale, name="loss_scale") if scaled else rule


def slow_down(model: keras.Model, factor: float) -> None:
    """Multiply the rates of a compiled model by a factor of the configured ones."""
    inner = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    inner.rate.factor = factor


def scale_is_lowest(optimizer: keras.optimizers.Optimizer) -> bool:
    """Whether float16's loss scale can fall no further, so that an overflow is the network's own."""
    return float(ops.convert_to_numpy(optimizer.dynamic_scale)) <= SCALE_LIMITS[0]
