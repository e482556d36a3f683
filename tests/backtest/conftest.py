"""A small file of one's own, its configuration, and its data."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from headway.config.train import TrainConfig
from headway.data import sources
from headway.data.series import Dataset


@pytest.fixture
def config(
    compose: Callable[..., TrainConfig],
    write_csv: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> TrainConfig:
    """Hourly rows of y and of x, which wanders off; one epoch of a small network."""
    monkeypatch.chdir(tmp_path)  # rivals are kept in runs/ there
    generator = np.random.default_rng(5)
    times = np.datetime64("2024-01-01T00", "m") + 60 * np.arange(311)
    values = zip(times, generator.normal(size=311).round(3), generator.normal(size=311).cumsum().round(3), strict=True)
    path = write_csv([("time", "y", "x"), *values])
    return compose(
        *("dataset=csv", f"dataset.path={path}", "dataset.timestamp=time", "dataset.targets=[y]", "dataset.season=5"),
        *(
            "evaluation=quick",
            "evaluation.slices=[x]",
            "training.epochs=1",
            "training.ensemble=1",
            "training.optimizer=sgd",
        ),
        *("windows.context_length=3", "windows.horizon=2", "model.d_model=4", "model.heads=1", "model.feed_forward=3"),
    )


@pytest.fixture
def dataset(config: TrainConfig) -> Dataset:
    return sources.read(config.dataset, project=Path())
