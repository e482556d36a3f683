"""Keras `fit` with what a run needs around it: schedule, clipping, early stopping, finite numbers."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import keras

from headway.errors import NumericError
from headway.training.feed import Feed

if TYPE_CHECKING:
    from headway.config.training import TrainingSpec

_OPTIMIZERS = {"adamw": keras.optimizers.AdamW, "adam": keras.optimizers.Adam, "sgd": keras.optimizers.SGD}
EpochEnd = Callable[[int, Mapping[str, float]], None]


@dataclass(frozen=True)
class History:
    """What training did.

    Attributes:
        metrics: Name -> one value per epoch; "loss" and "mae" on training, "val_..." on validation.
        best_epoch: 0-based epoch with the lowest validation loss, whose weights the model holds now.
        steps: Optimizer steps taken.
        validation: Name -> value on validation of the weights that are kept.
    """

    metrics: Mapping[str, Sequence[float]]
    best_epoch: int
    steps: int
    validation: Mapping[str, float]


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
    # A short last execution would compile a second graph: never more steps than an epoch has.
    steps_per_execution = min(spec.steps_per_execution, steps_per_epoch)
    model.compile(
        optimizer=_optimizer(spec, total_steps=steps_per_epoch * spec.epochs),
        loss=loss,
        weighted_metrics=list(metrics),
        # JAX has no graph without XLA: each operation on its own takes some hundred times longer.
        jit_compile=spec.jit or keras.backend.backend() == "jax",
        steps_per_execution=steps_per_execution,
    )


def fit(
    model: keras.Model,
    train: Feed,
    validation: Feed,
    spec: "TrainingSpec",
    *,
    on_epoch_end: EpochEnd,
    progress: Literal["bar", "lines", "none"] = "lines",
) -> History:
    """Train until validation stops improving, and keep the best weights.

    Args:
        model: A compiled model.
        train, validation: Batches.
        spec: The training group.
        on_epoch_end: Called with the 0-based epoch and its metrics; may look at the model.
        progress: Keras's moving bar, one line an epoch, or nothing.

    Returns:
        The history; the model holds the weights of its best epoch.

    Raises:
        NumericError: If an epoch's training or validation loss is not finite.
    """
    best = keras.callbacks.EarlyStopping("val_loss", mode="min", patience=spec.patience, restore_best_weights=True)
    watch = _Watch(train, on_epoch_end)
    # First of all: what comes after it, keeping the best weights among them, sees the average.
    averaged: list[keras.callbacks.Callback] = [keras.callbacks.SwapEMAWeights(swap_on_epoch=True)] if spec.ema else []
    callbacks = [*averaged, watch, best, *([_ProgressBar()] if progress == "bar" else [])]
    verbose = {"bar": 1, "lines": 2, "none": 0}[progress]
    history = model.fit(
        for_backend(train),
        validation_data=for_backend(validation),
        epochs=spec.epochs,
        shuffle=False,
        callbacks=callbacks,
        verbose=verbose,
    ).history
    losses = history["val_loss"]
    best_epoch = min(range(len(losses)), key=losses.__getitem__)
    kept = {name[4:]: values[best_epoch] for name, values in history.items() if name.startswith("val_")}
    return History(history, best_epoch, int(train.num_batches * len(losses)), kept)


def join(histories: Sequence[History], validation: Mapping[str, float]) -> History:
    """What the trainings of an ensemble did, one after another.

    Args:
        histories: Of each member.
        validation: Name -> value on validation of all of them together.
    """
    metrics = {name: [value for one in histories for value in one.metrics[name]] for name in histories[0].metrics}
    losses = metrics["val_loss"]
    steps = sum(one.steps for one in histories)
    return History(metrics, min(range(len(losses)), key=losses.__getitem__), steps, validation)


def for_backend(feed: Feed) -> Any:
    """The feed as the backend takes it best."""
    if keras.backend.backend() != "tensorflow":
        return feed
    # Imported here because it imports TensorFlow, which need not be installed.
    from headway.training import tensorflow_backend

    return tensorflow_backend.as_dataset(feed)


class _ProgressBar(keras.callbacks.ProgbarLogger):
    """Keras's bar, which with several steps an execution would count past the end (80 of 71)."""

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        super().on_train_batch_end(min(batch, self.target - 1), logs)


class _Watch(keras.callbacks.Callback):
    """Starts every epoch's feed, hands its metrics on, and ends a training that has left the finite numbers."""

    def __init__(self, train: Feed, on_epoch_end: EpochEnd) -> None:
        super().__init__()
        self.train, self.hand_on = train, on_epoch_end

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.train.start(epoch)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        values = {name: float(value) for name, value in (logs or {}).items()}
        values["learning_rate"] = float(self.model.optimizer.learning_rate)
        self.hand_on(epoch, values)
        for name in ("loss", "val_loss"):
            if not math.isfinite(values[name]):
                raise NumericError(
                    f"epoch {epoch + 1}: {name} is {values[name]}; lower training.learning_rate (now {values['learning_rate']:.2g}) "
                    "or training.gradient_clip, or set training.precision=float32"
                )


def _optimizer(spec: "TrainingSpec", *, total_steps: int) -> keras.optimizers.Optimizer:
    warmup = round(spec.warmup * total_steps)
    # alpha=1 keeps the rate where the warm-up left it.
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup else spec.learning_rate,
        decay_steps=max(total_steps - warmup, 1),
        alpha=0.0 if spec.schedule == "cosine" else 1.0,
        warmup_target=spec.learning_rate if warmup else None,
        warmup_steps=warmup,
    )
    options: dict[str, Any] = {"weight_decay": spec.weight_decay} if spec.optimizer == "adamw" else {}
    if spec.ema:
        options |= {"use_ema": True, "ema_momentum": spec.ema}
    return _OPTIMIZERS[spec.optimizer](learning_rate=schedule, global_clipnorm=spec.gradient_clip, **options)
