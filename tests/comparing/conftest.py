"""Sides of a comparison: runs in a folder, with forecasters of random weights."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from headway import tracking
from headway.comparing.side import Side
from headway.config.train import TrainConfig
from headway.data import sources
from headway.fitting import untrained
from headway.models.transformer import Transformer
from headway.stored import Stored
from headway.task import prepare

WORDS = (
    *("dataset=csv", "dataset.path=own.csv", "dataset.timestamp=time", "dataset.series=place", "dataset.targets=[y]"),
    *("dataset.season=5", "dataset.calendar.week=0", "dataset.max_gap=3", "tracking=off", "evaluation=quick"),
    *("windows.context_length=3", "windows.horizon=2", "model.d_model=4", "model.heads=2", "model.feed_forward=3"),
    *("evaluation.bootstrap=100", "evaluation.attention_windows=7"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with own.csv: two series of hourly noise, a gap in each that no window may cross."""
    folder, generator, parts = tmp_path_factory.mktemp("compared"), np.random.default_rng(1), []
    for place, gap in (("north", 211), ("south", 197)):
        hours = np.r_[0:gap, gap + 11 : 241]
        times = np.datetime64("2024-01-01T00", "m") + 60 * hours
        values = generator.normal(50, 7, size=(len(hours), 2)).round(3)
        parts.append(pd.DataFrame({"time": times.astype(str), "place": place, "y": values[:, 0], "x": values[:, 1]}))
    pd.concat(parts).to_csv(folder / "own.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def stored() -> dict[object, Side]:
    """The runs that a file's tests have stored so far."""
    return {}


@pytest.fixture
def side(
    folder: Path,
    stored: dict[object, Side],
    compose: Callable[..., TrainConfig],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., Side]:
    """Stores a run whose forecaster has random weights: side("model.heads=1", name="one head", weights=3).

    What a test asks for again is the same run: a network's first forecast takes most of a test's time.
    """
    monkeypatch.chdir(folder)

    def side(*overrides: str, name: str = "made", weights: int = 2) -> Side:
        key = (overrides, name, weights)
        if key not in stored:
            stored[key] = make(*overrides, name=name, weights=weights)
        return stored[key]

    def make(*overrides: str, name: str, weights: int) -> Side:
        config = compose(*WORDS, *overrides)
        dataset = sources.read(config.dataset)
        task = prepare(dataset, dataset_spec=config.dataset, splits=config.splits, windows=config.windows)
        network = Transformer(config.model, task.shape)
        generator = np.random.default_rng(weights)
        for variable in network.weights:
            variable.assign(generator.normal(scale=0.7, size=variable.shape))
        forecaster = replace(untrained(network, task), units={"y": "MW"})
        with tracking.start(config.tracking, name=name, comparable="x") as run:
            Stored(config, dataset.fingerprint(), ("python", "train.py", *overrides)).write(run.folder)
            forecaster.save(run.folder / "forecaster")
        return Side(run, config, task, forecaster)

    return side
