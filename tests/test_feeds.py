"""What training is fed: every training window once an epoch, and all validation windows in order."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from headway.config.train import TrainConfig
from headway.data.clock import Clock
from headway.data.series import Dataset, Series
from headway.feeds import training_feed, validation_feed
from headway.task import Task, prepare
from headway.training.feed import Feed


@pytest.fixture
def task(compose: Callable[..., TrainConfig]) -> Task:
    """One series of 101 rows whose values are their own row numbers."""
    config = compose("windows.context_length=5", "windows.horizon=3")
    times = np.datetime64("2024-01-01T00", "s") + np.arange(101) * np.timedelta64(3600, "s")
    series = Series("only", times, np.arange(101.0)[:, None], np.zeros((101, 0)))
    dataset = Dataset("made", (series,), ("y",), ("y",), (), Clock.parse("1h"), 24)
    return prepare(dataset, dataset_spec=config.dataset, splits=config.splits, windows=config.windows)


def first_targets(feed: Feed, task: Task, epoch: int) -> list[list[int]]:
    """Rows of the first target of all windows, batch by batch."""
    feed.start(epoch)
    batches: list[Any] = [feed[number][1] for number in range(feed.num_batches)]
    mean, scale = task.scaler.mean[0], task.scaler.scale[0]
    return [np.rint(batch[:, 0, 0] * scale + mean).astype(int).tolist() for batch in batches]


def test_an_epoch_holds_training_windows_once_in_an_order_of_its_own(task: Task) -> None:
    # 0.7 x 101 rows: targets begin in rows 5 to 71 - 3 = 68, 64 windows, of which 9 x 7 fill batches.
    feed = training_feed(task, seed=0, batch_size=7)
    epochs = [first_targets(feed, task, epoch) for epoch in (0, 1)]
    for batches in epochs:
        assert [len(batch) for batch in batches] == [7] * 9
        rows = [row for batch in batches for row in batch]
        assert len(set(rows)) == 63 and set(rows) <= set(range(5, 69))
        assert rows != sorted(rows)
    assert epochs[0] != epochs[1]


def test_the_order_is_that_of_seed_and_epoch(task: Task) -> None:
    orders = [first_targets(training_feed(task, seed=seed, batch_size=7), task, 3) for seed in (0, 0, 1)]
    assert orders[0] == orders[1] != orders[2]


def test_validation_windows_come_in_order_all_of_them_in_every_epoch(task: Task) -> None:
    feed = validation_feed(task, batch_size=5)
    # Rows 71 to 80: the last target lies in row 80.
    assert [first_targets(feed, task, epoch) for epoch in (0, 2)] == [[[71, 72, 73, 74, 75], [76, 77, 78]]] * 2


def test_a_batch_is_inputs_target_and_what_of_it_was_observed(task: Task) -> None:
    inputs, target, observed = validation_feed(task, batch_size=5)[0]
    assert inputs["context"].shape == (5, 5, 1) and target.shape == observed.shape == (5, 3, 1)
    np.testing.assert_allclose(inputs["context"][0, :, 0] * task.scaler.scale + task.scaler.mean, range(66, 71))
    assert (observed == 1).all()
