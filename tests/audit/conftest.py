"""A small, dirty file, and a forecaster with weights that nobody trained."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headway import forecasting
from headway import task as tasks
from headway.audit import Audit, audit_leaks
from headway.config.train import TrainConfig
from headway.data import sources
from headway.fitting import untrained
from headway.forecaster import Forecaster
from headway.models.transformer import Transformer
from headway.task import Task

WORDS = (
    *("dataset=csv", "dataset.timestamp=time", "dataset.targets=[load,heat]", "dataset.known_future=[promo]"),
    *("dataset.season=7", "dataset.max_gap=4", "+dataset.plausible.load=[-90,90]", "+dataset.max_jump.wind=40"),
    *("windows.context_length=5", "windows.horizon=3", "splits.train=0.6", "splits.validation=0.2", "splits.test=0.2"),
    *("splits.purge=3", "model.d_model=4", "model.heads=1", "model.feed_forward=3", "model.layers=1"),
    *("training.batch_size=31", "evaluation.batch_size=53", "evaluation.rivals=[seasonal_naive]"),
)
LENGTHS = {"north": 211, "south": 197}

Lines = list[list[object]]


def dirty_lines(series: dict[str, int] = LENGTHS) -> Lines:
    """Hourly rows with a short and a long gap, missing values and outliers; the header first."""
    generator = np.random.default_rng(3)
    lines: Lines = [["time", "name", "load", "heat", "wind", "promo"]]
    for number, (name, length) in enumerate(series.items()):
        hours = np.arange(length) + 2 * (np.arange(length) > 40) + 23 * (np.arange(length) > 90 + number)
        values = generator.normal(size=(length, 3)).cumsum(axis=0) / 3 + 5 * np.sin(hours / 24 * 2 * np.pi)[:, None]
        values += np.linspace(0, 9, length)[:, None]
        values[17 + number, 0], values[60, 0], values[29, 2] = 300, 55, 90
        missing = generator.random(values.shape) < 0.07
        missing[[70, 71, 72, 139, 140, 180, 181]] = True
        for hour, row, gaps in zip(hours, values, missing, strict=True):
            time = np.datetime64("2024-03-01T00", "h") + hour
            cells = ["" if gap else f"{value:.3f}" for value, gap in zip(row, gaps, strict=True)]
            lines.append([time, name, *cells, int(hour % 9 < 2) + number + int(hour // 50)])
    return lines


class DirectTransformer(Transformer):
    """The same network without Keras's pipeline around a forecast, which costs more than a few windows do."""

    def predict(self, inputs: dict[str, Any], *, batch_size: int, verbose: int) -> Any:
        count = len(inputs["context"])
        parts = [
            self.predict_on_batch({name: array[first : first + batch_size] for name, array in inputs.items()})
            for first in range(0, count, batch_size)
        ]
        return np.concatenate(parts)


def _task_of(config: TrainConfig, project: Path | None = None) -> Task:
    dataset = sources.read(config.dataset, project=project)
    return tasks.prepare(dataset, dataset_spec=config.dataset, splits=config.splits, windows=config.windows)


def _network_of(config: TrainConfig, task: Task, kind: type[Transformer] = Transformer) -> Transformer:
    """A network whose weights are drawn, so that its forecast depends on all it sees."""
    network = kind(config.model, task.shape)
    generator = np.random.default_rng(5)
    for variable in network.weights:
        variable.assign(generator.normal(scale=0.3, size=variable.shape))
    return network


def _forecaster_of(config: TrainConfig, task: Task, network: Transformer) -> Forecaster:
    return forecasting.with_calibration(untrained(network, task), task, config.evaluation)


@pytest.fixture(scope="session")
def dirty_config(compose: Callable[..., TrainConfig], tmp_path_factory: pytest.TempPathFactory) -> TrainConfig:
    """Two series, two targets, a column known in advance, a purge: everything at once."""
    path = tmp_path_factory.mktemp("audit") / "dirty.csv"
    path.write_text("".join(",".join(map(str, line)) + "\n" for line in dirty_lines()))
    return compose(*WORDS, f"dataset.path={path}", "dataset.series=name")


@pytest.fixture(scope="session")
def task_of() -> Callable[..., Task]:
    return _task_of


@pytest.fixture(scope="session")
def forecaster_of() -> Callable[..., Forecaster]:
    return _forecaster_of


@pytest.fixture(scope="session")
def clean_task(dirty_config: TrainConfig) -> Task:
    return _task_of(dirty_config)


@pytest.fixture(scope="session")
def network(dirty_config: TrainConfig, clean_task: Task) -> Transformer:
    return _network_of(dirty_config, clean_task, DirectTransformer)


@pytest.fixture(scope="session")
def audited() -> Callable[..., Audit]:
    """Audits a configuration with a forecaster as training would have left it."""

    def audit(config: TrainConfig, network: Transformer | None = None, project: Path | None = None) -> Audit:
        task = _task_of(config, project)
        forecaster = _forecaster_of(config, task, network or _network_of(config, task))
        return audit_leaks(config, forecaster, project=project or Path())

    return audit
