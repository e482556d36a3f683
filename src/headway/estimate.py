"""What a training would take, before it is begun: windows, weights, and time measured on a few of its steps."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from headway.config.train import TrainConfig
from headway.data import sources
from headway.feeds import training_feed
from headway.fitting import compiled, refuse_misfits
from headway.models.transformer import Transformer
from headway.task import Task, prepare
from headway.training.fit import run_epochs, steps_per_execution
from headway.training.precision import device, precision_for

_TIMED_EXECUTIONS = 4
_REPEATS = 3


@dataclass(frozen=True)
class Estimate:
    """What one training would take.

    Attributes:
        windows: Split -> how many.
        weights: Numbers that are fitted.
        seconds: Of training through all its epochs, without start-up; an upper bound, since it may stop early.
    """

    windows: dict[str, int]
    weights: int
    seconds: float


def estimates(configs: Sequence[TrainConfig], *, project: Path) -> list[Estimate]:
    """Estimate every training from a few timed steps of the smallest and the largest network among them.

    Between the two, time per window is taken to grow in proportion to the number of weights.

    Args:
        configs: The trainings.
        project: Folder in which shipped data are found.

    Raises:
        DataError: A dataset cannot be read, or is too small.
    """
    tasks: dict[str, Task] = {}
    sizes: dict[str, int] = {}
    keys, weights = [], []
    for config in configs:
        data = config.model_dump_json(include={"dataset", "splits", "windows"})
        if data not in tasks:
            dataset = sources.read(config.dataset, project=project)
            tasks[data] = prepare(dataset, dataset_spec=config.dataset, splits=config.splits, windows=config.windows)
        refuse_misfits(config, tasks[data])
        network = data + config.model.model_dump_json()
        if network not in sizes:
            sizes[network] = int(Transformer(config.model, tasks[data].shape).count_params())
            keras.backend.clear_session()
        keys.append(data)
        weights.append(sizes[network])
    ends = sorted({int(np.argmin(weights)), int(np.argmax(weights))}, key=lambda place: weights[place])
    measured = [_seconds_per_window(configs[place], tasks[keys[place]]) for place in ends]
    sizes_measured = [weights[place] for place in ends]
    return [
        Estimate(
            windows={split: len(index) for split, index in tasks[key].windows.items()},
            weights=size * config.training.ensemble,
            seconds=float(np.interp(size, sizes_measured, measured))
            * len(tasks[key].windows["train"])
            * config.training.epochs
            * config.training.ensemble,
        )
        for config, key, size in zip(configs, keys, weights, strict=True)
    ]


def _seconds_per_window(config: TrainConfig, task: Task) -> float:
    """The fastest of some short epochs after a first one that compiles."""
    spec = config.training
    whole = training_feed(task, seed=config.seed, batch_size=spec.batch_size)
    steps = steps_per_execution(spec, whole)
    most = steps * _TIMED_EXECUTIONS * spec.batch_size
    feed = training_feed(task, seed=config.seed, batch_size=spec.batch_size, most=most)
    forecaster = compiled(
        config,
        task,
        precision=precision_for(spec.precision, device()),
        steps_per_epoch=feed.num_batches,
        seed=config.seed,
    )
    times = []
    for _ in range(_REPEATS):
        started = time.monotonic()
        run_epochs(forecaster.network, feed, steps=steps, epochs=1)
        times.append(time.monotonic() - started)
    return min(times) / (feed.num_batches * spec.batch_size)
