"""From a prepared task to a trained, calibrated forecaster."""

import time
from collections.abc import Callable, Mapping
from typing import Literal

import keras

from headway.config.train import TrainConfig
from headway.errors import DataError
from headway.feeds import training_feed, validation_feed
from headway.forecaster import Forecaster
from headway.forecasting import with_calibration
from headway.models.transformer import Transformer
from headway.task import Task
from headway.training import losses
from headway.training.fit import History, compile_model, fit

Progress = Literal["bar", "lines", "none"]
# Forecaster, epochs done (0 before the first), their metrics by path.
Watch = Callable[[Forecaster, int, Mapping[str, float]], None]


def refuse_misfits(config: TrainConfig, task: Task) -> None:
    """Refuse what only the data show: a batch larger than the split, or a width that no embedding changes.

    Raises:
        DataError: Naming the key to change.
    """
    windows = len(task.windows["train"])
    if config.training.batch_size > windows:
        raise DataError(
            f"training.batch_size={config.training.batch_size} is larger than the {windows} training windows; lower it"
        )
    features = task.shape.num_features
    if config.model.embedding == "none" and features != config.model.d_model:
        raise DataError(
            f"model.embedding=none needs model.d_model={features}, the number of features in the file; got {config.model.d_model}"
        )


def untrained(network: Transformer, task: Task) -> Forecaster:
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


def compiled(config: TrainConfig, task: Task, *, precision: str, steps_per_epoch: int) -> Forecaster:
    """An untrained forecaster that is ready to be fitted.

    Args:
        config: The validated configuration.
        task: Data, windows and scalers.
        precision: Policy of the network.
        steps_per_epoch: Steps of an epoch, for the schedule.
    """
    keras.utils.set_random_seed(config.seed)
    forecaster = untrained(Transformer(config.model, task.shape, dtype=precision), task)
    compile_model(
        forecaster.network,
        config.training,
        loss=losses.loss_for(config.loss, forecaster.levels),
        metrics=_metrics(config, task, forecaster.median),
        steps_per_epoch=steps_per_epoch,
    )
    return forecaster


def fit_forecaster(
    config: TrainConfig,
    task: Task,
    *,
    precision: str,
    watch: Watch = lambda forecaster, epochs, metrics: None,
    progress: Progress = "none",
) -> tuple[Forecaster, History]:
    """Train a network on a task and calibrate its quantiles on the validation split.

    Args:
        config: The validated configuration.
        task: Data, windows and scalers.
        precision: Policy of the network.
        watch: Told before the first epoch and after each.
        progress: What the terminal shows.

    Returns:
        The forecaster with the weights of its best epoch, and what training did.
    """
    spec = config.training
    train = training_feed(task, seed=config.seed, batch_size=spec.batch_size)
    forecaster = compiled(config, task, precision=precision, steps_per_epoch=train.num_batches)
    watch(forecaster, 0, {})
    clock = time.monotonic()

    def on_epoch_end(epoch: int, values: Mapping[str, float]) -> None:
        nonlocal clock
        rate = train.num_batches * spec.batch_size / (time.monotonic() - clock)
        watch(forecaster, epoch + 1, {**_by_path(values), "train/windows_per_second": rate})
        clock = time.monotonic()

    validation = validation_feed(task, batch_size=config.evaluation.batch_size)
    history = fit(forecaster.network, train, validation, spec, on_epoch_end=on_epoch_end, progress=progress)
    return with_calibration(forecaster, task, config.evaluation), history


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
