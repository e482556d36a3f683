"""Windows whose rows are on the device are the windows that a gather on the host gives, and so is their training."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from headway.config.train import TrainConfig
from headway.config.training import TrainingSpec
from headway.data import batches
from headway.feeds import training_feed, validation_feed
from headway.fitting import compiled
from headway.task import Task
from headway.training.feed import Executions, Feed, Gathered
from headway.training.fit import fit, steps_per_execution
from headway.training.resident import ResidentWindows

Compose = Callable[..., TrainConfig]
SMALL = (
    "dataset=csv", "dataset.timestamp=time", "dataset.series=station", "dataset.targets=[load,price]",
    "windows.context_length=5", "windows.horizon=3", "model.d_model=4", "model.heads=2", "model.feed_forward=4",
    "training.batch_size=7", "training.epochs=2", "training.precision=float32",
)  # fmt: skip


@pytest.fixture
def config(compose: Compose, tmp_path: Any) -> TrainConfig:
    """Two series of three columns, with a gap and missing values."""
    generator, lines = np.random.default_rng(0), ["time,station,load,price,wind"]
    for station, rows in (("north", 83), ("south", 61)):
        for hour in range(rows):
            if hour in (20, 21):
                continue
            load, price, wind = generator.normal(size=3).round(3)
            when = np.datetime64("2024-01-01T00", "h") + hour
            lines.append(f"{when}:00,{station},{load},{'' if hour % 11 == 3 else price},{wind}")
    path = tmp_path / "small.csv"
    path.write_text("\n".join(lines) + "\n")
    return compose(*SMALL, f"dataset.path={path}")


@pytest.fixture
def task(config: TrainConfig) -> Task:
    """The windows of these series."""
    from headway.data import sources
    from headway.task import prepare

    dataset = sources.read(config.dataset)
    return prepare(dataset, dataset_spec=config.dataset, splits=config.splits, windows=config.windows)


def gathered(task: Task, feed: Feed, split: str) -> Feed:
    """The same feed with windows gathered on the host."""

    def gather(numbers: Any) -> Any:
        batch = batches.gather(task.rows, task.windows[split], numbers)
        return batch.inputs, batch.target, batch.target_observed

    last = bool(len(feed.numbers) % feed.batch_size and feed.num_batches == len(feed.numbers) // feed.batch_size)
    return Feed(Gathered(gather), feed.order, batch_size=feed.batch_size, drop_last=last)


def test_a_batch_taken_on_the_device_is_the_batch_gathered_on_the_host(task: Task) -> None:
    for feed, split in (
        (training_feed(task, seed=3, batch_size=7), "train"),
        (validation_feed(task, batch_size=5), "validation"),
    ):
        other = gathered(task, feed, split)
        assert isinstance(feed.windows, ResidentWindows)
        assert feed.num_batches == other.num_batches > 1
        for place in range(feed.num_batches):
            (inputs, target, weight), (inputs_, target_, weight_) = feed[place], other[place]
            for name, array in inputs_.items():
                np.testing.assert_array_equal(inputs[name], array, err_msg=name)
            np.testing.assert_array_equal(target, target_)
            np.testing.assert_array_equal(weight, weight_)


@pytest.mark.parametrize("steps", [1, 4])
def test_training_from_rows_on_the_device_is_training_from_gathered_windows(
    config: TrainConfig, task: Task, steps: int
) -> None:
    spec = config.training.model_copy(update={"steps_per_execution": steps})
    histories = []
    for on_host in (False, True):
        train, validation = training_feed(task, seed=3, batch_size=7), validation_feed(task, batch_size=5)
        if on_host:
            train, validation = gathered(task, train, "train"), gathered(task, validation, "validation")
        forecaster = compiled(config, task, precision="float32", steps_per_epoch=train.num_batches, seed=1)
        history = fit(
            forecaster.network, train, validation, spec, on_epoch_end=lambda epoch, values: None, progress="none"
        )
        histories.append(history.metrics)
        assert train.waiting.seconds > 0
    assert histories[0] == histories[1]


@pytest.mark.parametrize(
    ("count", "batch_size", "drop_last", "steps", "sizes"),
    [
        (23, 5, True, 3, [(3, 5), (1, 5)]),
        (23, 5, False, 3, [(3, 5), (1, 5), (1, 3)]),
        (23, 5, True, 100, [(4, 5)]),
        (3, 5, False, 2, [(1, 3)]),
        (20, 5, False, 2, [(2, 5), (2, 5)]),
    ],
)
def test_executions_hold_every_batch_once(
    count: int, batch_size: int, drop_last: bool, steps: int, sizes: list[tuple[int, int]]
) -> None:
    windows = Gathered(lambda numbers: (numbers, numbers, numbers))
    feed = Feed(windows, lambda epoch: np.arange(count), batch_size=batch_size, drop_last=drop_last)
    executions = Executions(feed, steps)
    found = [executions[place][0] for place in range(len(executions))]
    assert [array.shape for array in found] == sizes
    kept = count - count % batch_size if drop_last else count
    assert np.concatenate([array.ravel() for array in found]).tolist() == list(range(kept))


def test_an_execution_is_never_longer_than_an_epoch(training: Callable[..., TrainingSpec]) -> None:
    feed = Feed(Gathered(lambda numbers: numbers), lambda epoch: np.arange(31), batch_size=10, drop_last=True)
    assert steps_per_execution(training("steps_per_execution=16"), feed) == 3
    assert steps_per_execution(training("steps_per_execution=2"), feed) == 2
    assert steps_per_execution(training("steps_per_execution=null"), feed) == 3


def test_an_execution_is_never_longer_than_what_a_kill_may_cost(training: Callable[..., TrainingSpec]) -> None:
    feed = Feed(Gathered(lambda numbers: numbers), lambda epoch: np.arange(310), batch_size=10, drop_last=True)
    assert steps_per_execution(training("steps_per_execution=16", "checkpoint_steps=5"), feed) == 5
    assert steps_per_execution(training("steps_per_execution=null", "checkpoint_steps=5"), feed) == 5


@pytest.mark.parametrize(("width", "steps"), [(1_000, 16), (1_000_000, 3), (100_000_000, 1)])
def test_an_execution_of_wide_windows_is_bounded_by_its_bytes(
    width: int, steps: int, training: Callable[..., TrainingSpec]
) -> None:
    narrow = np.zeros(1, np.float32)
    windows = Gathered(lambda numbers: np.broadcast_to(narrow, (10, width // 4)))  # of 10 windows; takes no memory
    feed = Feed(windows, lambda epoch: np.arange(310), batch_size=10, drop_last=True)
    assert feed.bytes_sent == 10 * width
    assert steps_per_execution(training("steps_per_execution=16"), feed) == steps


def test_rows_are_on_the_device_once_for_all_feeds_of_a_task(task: Task) -> None:
    train, again = (training_feed(task, seed=seed, batch_size=5) for seed in (0, 1))
    validation = validation_feed(task, batch_size=7)
    assert isinstance(train.windows, ResidentWindows)
    assert train.windows.arrays["rows"] is validation.windows.arrays["rows"]
    assert train.windows.arrays["rows"] is again.windows.arrays["rows"]


def test_what_is_left_of_an_epoch_waits_on_the_same_account() -> None:
    feed = Feed(Gathered(lambda numbers: numbers), lambda epoch: np.arange(31), batch_size=5, drop_last=True)
    rest = feed.rest(0, 2).executions(2)
    rest.next_of(iter([rest[0]]))
    assert feed.waiting.seconds > 0
