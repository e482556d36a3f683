"""What a training would take: windows and weights as in the training itself, time from a few steps."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from headway.config.train import TrainConfig
from headway.data import sources
from headway.errors import DataError
from headway.estimate import Estimate, estimates
from headway.models.transformer import Transformer
from headway.task import prepare

SIZES = ["training.ensemble=1", "windows.context_length=5", "windows.horizon=3", "model.layers=1", "model.heads=1"]
SIZES += ["training.batch_size=13", "training.steps_per_execution=1"]  # a step alone is traced soonest


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A csv of a random walk with a gap."""
    path = tmp_path_factory.mktemp("data") / "walk.csv"
    values = np.random.default_rng(3).normal(size=(211, 2)).cumsum(axis=0).round(3)
    hours = np.r_[np.arange(101), np.arange(149, 259)]
    times = np.datetime64("2024-01-01T00", "m") + 60 * hours
    lines = [f"{time},{y},{x}\n" for time, (y, x) in zip(times, values, strict=True)]
    path.write_text("time,y,x\n" + "".join(lines))
    return path


@pytest.fixture(scope="module")
def config(compose: Callable[..., TrainConfig], walk: Path) -> Callable[..., TrainConfig]:
    words = ["dataset=csv", "dataset.timestamp=time", "dataset.targets=[y]", f"dataset.path={walk}", *SIZES]
    return lambda *overrides: compose(*words, *overrides)


CHANGES = {
    "small": ["model.d_model=4"],
    "middle": ["model.d_model=16"],
    "large": ["model.d_model=64"],
    "long": ["model.d_model=16", "training.epochs=7"],
    "few": ["model.d_model=16", "windows.stride=2"],
    "several": ["model.d_model=16", "training.ensemble=3"],
    "far": ["model.d_model=16", "windows.horizon=7"],
}


@pytest.fixture(scope="module")
def found(config: Callable[..., TrainConfig], project: Path) -> dict[str, Estimate]:
    """Of all changes together: only the smallest and the largest network are timed."""
    configs = [config("training.epochs=3", *words) for words in CHANGES.values()]
    return dict(zip(CHANGES, estimates(configs, project=project), strict=True))


@pytest.mark.parametrize("name", CHANGES)
def test_windows_and_weights_are_those_of_the_training(
    found: dict[str, Estimate], config: Callable[..., TrainConfig], name: str
) -> None:
    asked = config(*CHANGES[name])
    dataset = sources.read(asked.dataset)
    task = prepare(dataset, dataset_spec=asked.dataset, splits=asked.splits, windows=asked.windows)
    assert found[name].windows == {split: len(index) for split, index in task.windows.items()}
    one = Transformer(asked.model, task.shape).count_params()
    assert found[name].weights == one * asked.training.ensemble
    assert found[name].seconds > 0


def test_time_grows_with_epochs_and_windows(found: dict[str, Estimate]) -> None:
    once, longer, fewer = found["middle"], found["long"], found["few"]
    assert longer.seconds == pytest.approx(once.seconds * 7 / 3)
    assert fewer.windows["train"] < once.windows["train"]
    assert fewer.seconds == pytest.approx(once.seconds * fewer.windows["train"] / once.windows["train"])


def test_between_two_networks_time_grows_with_the_weights(found: dict[str, Estimate]) -> None:
    small, middle, large = found["small"], found["middle"], found["large"]
    share = (middle.weights - small.weights) / (large.weights - small.weights)
    assert middle.seconds == pytest.approx(small.seconds + share * (large.seconds - small.seconds))


def test_data_that_are_too_small_are_refused(config: Callable[..., TrainConfig], project: Path) -> None:
    with pytest.raises(DataError):
        estimates([config("windows.horizon=97")], project=project)


def test_a_batch_larger_than_the_split_is_refused_as_in_a_training(
    config: Callable[..., TrainConfig], project: Path
) -> None:
    with pytest.raises(DataError, match=r"training\.batch_size=997 is larger than the"):
        estimates([config("training.batch_size=997")], project=project)
