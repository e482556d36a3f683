"""A run of two made series with an untrained forecaster, for whoever tests what a run keeps: fixtures to be imported."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from headway import tracking
from headway.config.train import TrainConfig
from headway.data.clock import Clock
from headway.data.series import Dataset, Series
from headway.fitting import untrained
from headway.forecaster import Forecaster
from headway.models.transformer import Transformer
from headway.task import Task, prepare
from headway.tracking import Run

WORDS = (
    *("windows.context_length=3", "windows.horizon=2", "model.d_model=4", "model.heads=2", "model.feed_forward=3"),
    *("evaluation.rivals=[persistence,drift]", "evaluation.attention_windows=5", "training.ensemble=1", "tracking=off"),
)


@pytest.fixture(name="config")
def made_config(compose: Callable[..., TrainConfig]) -> TrainConfig:
    return compose(*WORDS)


@pytest.fixture(name="task")
def made_task(config: TrainConfig) -> Task:
    """Two series of hourly noise."""
    times = np.datetime64("2024-01-01T00", "s") + np.arange(311) * np.timedelta64(3600, "s")
    values = np.random.default_rng(7).normal(size=(2, 311, 1))
    series = tuple(Series(name, times, own, np.zeros((311, 0))) for name, own in zip("ab", values, strict=True))
    dataset = Dataset("made", series, ("y",), ("y",), (), Clock.parse("1h"), 5, units={"y": "MW"})
    return prepare(dataset, dataset_spec=config.dataset, splits=config.splits, windows=config.windows)


@pytest.fixture(name="forecaster")
def made_forecaster(config: TrainConfig, task: Task) -> Forecaster:
    return untrained(Transformer(config.model, task.shape), task)


@pytest.fixture(name="run")
def made_run(config: TrainConfig, tmp_path: Path) -> Run:
    with tracking.start(config.tracking, name="made", comparable="x", root=tmp_path / "runs") as started:
        return started
