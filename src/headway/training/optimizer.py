"""The update rule: rate by step, clipping, and a loss scale that stays within bounds."""

from typing import TYPE_CHECKING, Any

import keras
from keras import KerasTensor, ops

if TYPE_CHECKING:
    from headway.config.training import TrainingSpec

SCALE_LIMITS = (1.0, 2.0**24)
"""Of float16's loss scale. Keras has none: a run of bad batches drives its scale to 0, and the next good step makes
every weight NaN. 2^24 is the largest whole number up to which float32 holds all of them."""

_RULES = {"adamw": keras.optimizers.AdamW, "adam": keras.optimizers.Adam, "sgd": keras.optimizers.SGD}


class Rate(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule times a factor, by which training is slowed down after it has left the finite numbers.

    Args:
        schedule: Rate by optimizer step.

    Attributes:
        factor: What the rate is multiplied by; compiled into the step, so a change needs a new one.
    """

    def __init__(self, schedule: keras.optimizers.schedules.LearningRateSchedule) -> None:
        super().__init__()
        self.schedule, self.factor = schedule, 1.0

    def __call__(self, step: KerasTensor) -> KerasTensor:
        """The rate at a step."""
        return self.schedule(step) * self.factor


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
    # alpha=1 keeps the rate where the warm-up left it.
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup else spec.learning_rate,
        decay_steps=max(total_steps - warmup, 1),
        alpha=0.0 if spec.schedule == "cosine" else 1.0,
        warmup_target=spec.learning_rate if warmup else None,
        warmup_steps=warmup,
    )
    # Named: Keras would number the optimizers of a process, and their states are stored by name.
    options: dict[str, Any] = {"name": spec.optimizer}
    options |= {"weight_decay": spec.weight_decay} if spec.optimizer == "adamw" else {}
    if spec.ema:
        options |= {"use_ema": True, "ema_momentum": spec.ema}
    rate = Rate(schedule)
    rule = _RULES[spec.optimizer](learning_rate=rate, global_clipnorm=spec.gradient_clip, **options)
    rule.rate = rate
    return BoundedLossScale(rule, initial_scale=spec.loss_scale, name="loss_scale") if scaled else rule


def slow_down(model: keras.Model, factor: float) -> None:
    """Multiply the rates of a compiled model by a factor of the configured ones."""
    inner = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    if inner.rate.factor != factor:
        inner.rate.factor = factor
        model.make_train_function(force=True)


def scale_is_lowest(optimizer: keras.optimizers.Optimizer) -> bool:
    """Whether float16's loss scale can fall no further, so that an overflow is the network's own."""
    return float(ops.convert_to_numpy(optimizer.dynamic_scale)) <= SCALE_LIMITS[0]
