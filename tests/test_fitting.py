"""Training on a task: what is told on the way, and what comes out."""

from collections.abc import Callable, Mapping

import numpy as np
import pytest

from headway.config.train import TrainConfig
from headway.data.clock import Clock
from headway.data.series import Dataset, Series
from headway.errors import DataError
from headway.fitting import fit_forecaster, refuse_misfits
from headway.forecaster import Forecaster
from headway.forecasting import calibration_of, median_errors
from headway.task import Task, prepare

WORDS = ("windows.context_length=3", "windows.horizon=2", "model.d_model=4", "model.heads=1", "model.feed_forward=3")
TRAINING = (
    "training.ensemble=1",
    "training.optimizer=sgd",
    "training.epochs=2",
    "training.batch_size=64",
    "training.learning_rate=0.1",
)


def task_of(config: TrainConfig) -> Task:
    """Hourly rows of a cycle of 11 hours and noise, beside a column of noise."""
    generator = np.random.default_rng(3)
    times = np.datetime64("2024-01-01T00", "s") + np.arange(701) * np.timedelta64(3600, "s")
    y = 20 + 5 * np.sin(2 * np.pi * np.arange(701) / 11) + generator.normal(size=701)
    values = np.stack([y, generator.normal(size=701)], axis=1)
    dataset = Dataset(
        "made", (Series("only", times, values, np.zeros((701, 0))),), ("y", "x"), ("y",), (), Clock.parse("1h"), 11
    )
    return prepare(dataset, dataset_spec=config.dataset, splits=config.splits, windows=config.windows)


def test_training_is_told_of_epoch_by_epoch_and_ends_with_the_best_weights_calibrated(
    compose: Callable[..., TrainConfig],
) -> None:
    config = compose(*WORDS, *TRAINING)
    task, told = task_of(config), []

    def watch(forecaster: Forecaster, epochs: int, metrics: Mapping[str, float]) -> None:
        told.append((epochs, dict(metrics), median_errors(forecaster, task, "validation", batch_size=64)[0]))

    forecaster, history = fit_forecaster(config, task, precision="float32", watch=watch)
    assert [epochs for epochs, _, _ in told] == [0, 1, 2]
    assert told[0][1] == {}
    for (_, metrics, error), mae in zip(told[1:], history.metrics["val_mae"], strict=True):
        assert metrics["validation/mae"] == pytest.approx(error, rel=1e-4) == mae
        assert {"train/loss", "train/mae", "validation/loss", "train/windows_per_second"} <= set(metrics)
    assert told[2][2] < told[0][2]
    kept = median_errors(forecaster, task, "validation", batch_size=64)[0]
    assert kept == pytest.approx(history.validation["mae"], rel=1e-4)
    assert forecaster.calibration is not None
    np.testing.assert_array_equal(
        forecaster.calibration.offsets, calibration_of(forecaster, task, batch_size=1024).offsets
    )
    assert (forecaster.features, forecaster.targets, forecaster.series) == (("y", "x"), ("y",), ("only",))


def test_an_ensemble_is_several_trainings_that_forecast_together(compose: Callable[..., TrainConfig]) -> None:
    config = compose(*WORDS, *TRAINING, "training.ensemble=2", "evaluation.calibration=off")
    task, told = task_of(config), []
    forecaster, history = fit_forecaster(
        config, task, precision="float32", watch=lambda _, epochs, metrics: told.append((epochs, metrics))
    )
    assert [epochs for epochs, _ in told] == [0, 1, 2, 3, 4]
    assert [metrics["validation/mae"] for _, metrics in told[1:]] == history.metrics["val_mae"]
    assert (history.steps, history.best_epoch) == (28, int(np.argmin(history.metrics["val_loss"])))
    error = median_errors(forecaster, task, "validation", batch_size=64)[0]
    assert history.validation["mae"] == pytest.approx(error, rel=1e-4)
    alone, _ = fit_forecaster(compose(*WORDS, *TRAINING, "evaluation.calibration=off"), task, precision="float32")
    first, second = forecaster.network.members
    np.testing.assert_array_equal(
        *(np.concatenate([np.ravel(weight) for weight in network.weights]) for network in (first, alone.network))
    )
    assert np.abs(first.weights[0].numpy() - second.weights[0].numpy()).max() > 0.01


def test_the_seed_decides_the_weights(compose: Callable[..., TrainConfig]) -> None:
    config = compose(*WORDS, *TRAINING, "training.epochs=1", "evaluation.calibration=off")
    task, weights = task_of(config), []
    for seed in (0, 0, 1):
        forecaster, _ = fit_forecaster(config.model_copy(update={"seed": seed}), task, precision="float32")
        assert forecaster.calibration is None
        weights.append(np.concatenate([np.ravel(weight) for weight in forecaster.network.weights]))
    np.testing.assert_array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("training.batch_size=488",), r"training\.batch_size=488 is larger than the 487 training windows"),
        (("model.embedding=none", "model.d_model=8"), r"model\.embedding=none needs model\.d_model=2, .*got 8"),
    ],
)
def test_what_does_not_fit_the_data_is_refused(
    compose: Callable[..., TrainConfig], words: tuple[str, ...], message: str
) -> None:
    config = compose(*WORDS, *words)
    with pytest.raises(DataError, match=message):
        refuse_misfits(config, task_of(config))


def test_a_batch_of_all_training_windows_and_a_model_as_wide_as_the_file_fit(
    compose: Callable[..., TrainConfig],
) -> None:
    config = compose(
        *WORDS, "training.batch_size=487", "model.embedding=none", "model.d_model=2", "dataset.features=[temp,dewp]"
    )
    refuse_misfits(config, task_of(config))
