"""Datasets in memory and small tables on disk."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from headway.config.train import TrainConfig
from headway.data import sources
from headway.data.clock import Clock
from headway.data.series import Dataset, Series


@pytest.fixture(scope="session")
def make_dataset() -> Callable[..., Dataset]:
    """Makes hourly series of three columns, of which the third and the first are targets; no two values are equal."""

    def make(
        lengths: Sequence[int], segments: Sequence[tuple[int, ...]] | None = None, missing: float = 0.0
    ) -> Dataset:
        generator = np.random.default_rng(7)
        series = []
        for number, length in enumerate(lengths):
            values = np.arange(3.0 * length).reshape(length, 3) + 1000 * number
            values[generator.random(values.shape) < missing] = np.nan
            times = np.datetime64("2024-01-01T00", "s") + np.arange(length) * np.timedelta64(3600, "s")
            series.append(Series(f"s{number}", times, values, -values[:, :1], segments[number] if segments else (0,)))
        return Dataset("made", tuple(series), ("a", "b", "c"), ("c", "a"), ("k",), Clock(1, "h"), 24)

    return make


@pytest.fixture
def read(compose: Callable[..., TrainConfig]) -> Callable[..., Dataset]:
    """Reads a file with timestamp "time" and target "y", or what the overrides say instead."""

    def read(path: Path, *overrides: str) -> Dataset:
        words = ["dataset=csv", f"dataset.path={path}", "dataset.timestamp=time", "dataset.targets=[y]"]
        return sources.read(compose(*words, *overrides).dataset)

    return read


@pytest.fixture(scope="session")
def weather_config(compose: Callable[..., TrainConfig]) -> TrainConfig:
    return compose()


@pytest.fixture(scope="session")
def weather(weather_config: TrainConfig, project: Path) -> Dataset:
    return sources.read(weather_config.dataset, project=project)


@pytest.fixture
def hourly() -> Callable[..., list[list[Any]]]:
    """Makes a table of hourly rows: the header, then time, y and x."""

    def make(count: int = 61, start: str = "2024-01-01T00:00") -> list[list[Any]]:
        times: NDArray[np.datetime64] = np.datetime64(start, "m") + 60 * np.arange(count)
        rows = [[str(time), (7 * row) % 11 + 0.5, row % 5] for row, time in enumerate(times)]
        return [["time", "y", "x"], *rows]

    return make
