"""From a prepared task to a trained, calibrated forecaster."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import keras

from headway import backend, solved_paths
from headway.config.train import TrainConfig
from headway.errors import DataError
from headway.feeds import training_feed, validation_feed
from headway.forecaster import Forecaster
from headway.forecasting import with_calibration
from headway.models import ensemble
from headway.models.ensemble import Ensemble
from headway.models.transformer import Transformer
from headway.task import Task, name_windows
from headway.training import losses
from headway.training.feed import Feed
from headway.training.fit import History, Shown, compile_model, evaluate, fit, join
from headway.training.progress import Progress

# Forecaster, epochs done (0 before the first), their metrics by path.
Watch = Callable[[Forecaster, int, Mapping[str, float]], None]
_SEED_STEP = 0x9E3779B1  # between the seeds of an ensemble's members, the first of which has the run's own; odd, so that all differ


def refuse_misfits(config: TrainConfig, task: Task) -> None:
    """Refuse what only the data show: a batch larger than the split, or a width that no embedding changes.

    Raises:
        DataError: Naming the key to change.
    """
    windows = len(task.windows["train"])
    if config.training.batch_size > windows:
        raise DataError(
            f"training.batch_size={config.training.batch_size} is larger than the {windows} training windows; lower it, or "
            "let there be more of them (windows.most, windows.stride, splits.train)"
        )
    features = task.shape.num_features
    if config.model.embedding == "none" and features != config.model.d_model:
        raise DataError(
            f"model.embedding=none needs model.d_model={features}, the number of features in the file; got {config.model.d_model}"
        )


def untrained(network: Transformer | Ensemble, task: Task) -> Forecaster:
    """A forecaster of a network as it is, with the scalers and names of a task."""
    dataset = task.dataset
    return Forecaster(
        network=network,
        features=dataset.features,
        targets=dataset.targets,
        known_future_columns=dataset.known_future_columns,
        series=tuple(series.name for series in dataset.series),
        clock=dataset.clock,
        cycles=task.cycles,
        scaler=task.scaler,
        known_future_scaler=task.known_future_scaler,
        units=dataset.units,
        profile=task.profile,
    )


def compiled(
    config: TrainConfig,
    task: Task,
    *,
    precision: str,
    steps_per_epoch: int,
    seed: int,
    member: int | None = None,
    metrics: Sequence[keras.metrics.Metric] = (),
) -> Forecaster:
    """An untrained forecaster that is ready to be fitted.

    Args:
        config: The validated configuration.
        task: Data, windows and scalers.
        precision: Policy of the network.
        steps_per_epoch: Steps of an epoch, for the schedule.
        seed: Of its weights and its dropout.
        member: Which member of an ensemble it is to be, or None for a network of its own.
        metrics: What is measured beside the loss.
    """
    backend.seed_everything(seed)
    name = "transformer" if member is None else ensemble.member_name(member)
    forecaster = untrained(Transformer(config.model, task.shape, dtype=precision, name=name), task)
    solved_paths.solve(forecaster.network, task)
    _compile(forecaster, config, steps_per_epoch=steps_per_epoch, metrics=metrics)
    return forecaster


def fit_forecaster(
    config: TrainConfig,
    task: Task,
    *,
    precision: str,
    watch: Watch = lambda forecaster, epochs, metrics: None,
    progress: Shown = "none",
    so_far: Progress | None = None,
) -> tuple[Forecaster, History]:
    """Train a network, or several as one, on a task and calibrate the quantiles on the validation split.

    Args:
        config: The validated configuration.
        task: Data, windows and scalers.
        precision: Policy of the network.
        watch: Told before the first epoch and after each; the epochs of an ensemble's members are counted on.
        progress: What the terminal shows.
        so_far: What earlier processes have done of it, and who keeps what this one does; None keeps nothing.

    Returns:
        The forecaster with the weights of its best epoch, and what training did.

    Raises:
        NumericError: Training left the finite numbers again and again.
        Interrupted: It was asked to stop, and its state is kept.
        StoredRunError: What earlier processes have done does not fit.
    """
    members = config.training.ensemble
    validation = validation_feed(task, batch_size=config.evaluation.batch_size)
    so_far = so_far or Progress(seed=config.seed)
    one = _One(config, task, validation, precision, progress, so_far)
    if members == 1:
        forecaster, history = one.fit(None, watch)
        return with_calibration(forecaster, task, config.evaluation), history
    fitted: list[Forecaster] = []
    histories: list[History] = []
    for member in range(members):
        done = sum(len(history.metrics["loss"]) for history in histories)
        forecaster, history = one.fit(member, _counted_on(watch, done))
        fitted.append(forecaster)
        histories.append(history)
    together = replace(fitted[0], network=ensemble.Ensemble([one.network for one in fitted]))
    _compile(together, config, steps_per_epoch=1, metrics=_metrics(config, task, together.median))
    history = join(histories, evaluate(together.network, validation))
    return with_calibration(together, task, config.evaluation), history


@dataclass(frozen=True)
class _One:
    """Trains one network of a configuration, of its own or of an ensemble."""

    config: TrainConfig
    task: Task
    validation: Feed
    precision: str
    progress: Shown
    so_far: Progress

    def fit(self, member: int | None, watch: Watch) -> tuple[Forecaster, History]:
        """The trained network as a forecaster, and what training did."""
        config, task, spec = self.config, self.task, self.config.training
        seed = (self.so_far.seed + (member or 0) * _SEED_STEP) % 2**32
        train = training_feed(task, seed=seed, batch_size=spec.batch_size)
        metrics = _metrics(config, task, config.model.levels.index(0.5))
        forecaster = compiled(
            config,
            task,
            precision=self.precision,
            steps_per_epoch=train.num_batches,
            seed=seed,
            member=member,
            metrics=metrics,
        )
        begin = self.so_far.begin(member or 0)
        if not begin.arrays:
            watch(forecaster, 0, {})
        clock, steps, waited = time.monotonic(), train.num_batches - begin.step, 0.0

        def on_epoch_end(epoch: int, values: Mapping[str, float]) -> None:
            nonlocal clock, steps, waited
            seconds = time.monotonic() - clock
            measured = {
                "train/windows_per_second": steps * spec.batch_size / seconds,
                "train/input_share": (train.waiting.seconds - waited) / seconds,
            }
            watch(forecaster, epoch + 1, {**_by_path(values), **measured})
            clock, steps, waited = time.monotonic(), train.num_batches, train.waiting.seconds

        history = fit(
            forecaster.network,
            train,
            self.validation,
            spec,
            metrics=metrics,
            on_epoch_end=on_epoch_end,
            progress=self.progress,
            keeper=self.so_far,
            begin=begin,
            name_windows=lambda numbers: name_windows(task, "train", numbers),
        )
        return forecaster, history


def _counted_on(watch: Watch, done: int) -> Watch:
    """Of a later member the epochs follow those of the earlier ones, and what is before its first is not new."""

    def counted(forecaster: Forecaster, epochs: int, metrics: Mapping[str, float]) -> None:
        if epochs or not done:
            watch(forecaster, done + epochs, metrics)

    return counted


def _compile(
    forecaster: Forecaster, config: TrainConfig, *, steps_per_epoch: int, metrics: Sequence[keras.metrics.Metric]
) -> None:
    compile_model(
        forecaster.network,
        config.training,
        loss=losses.loss_for(config.loss, forecaster.levels),
        metrics=metrics,
        steps_per_epoch=steps_per_epoch,
    )


def _metrics(config: TrainConfig, task: Task, median: int) -> list[keras.metrics.Metric]:
    scale = task.scaler.columns(task.shape.targets).scale
    error = losses.MedianAbsoluteError(tuple(scale.tolist()), median)
    return [error, losses.ScaledSquaredError()] if config.criterion == "mse" else [error]


def _by_path(values: Mapping[str, float]) -> dict[str, float]:
    """Keras's names as paths: val_mae -> validation/mae, mae -> train/mae."""
    return {
        f"validation/{name[4:]}" if name.startswith("val_") else f"train/{name}": value
        for name, value in values.items()
    }
