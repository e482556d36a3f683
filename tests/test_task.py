"""A task as a whole: what a model is trained and judged on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headway.config.train import TrainConfig
from headway.data import sources
from headway.errors import DataError
from headway.task import Task, prepare


def task_of(config: TrainConfig, project: Path | None = None) -> Task:
    dataset = sources.read(config.dataset, project=project)
    return prepare(dataset, dataset_spec=config.dataset, splits=config.splits, windows=config.windows)


@pytest.fixture
def csv_task(compose: Callable[..., TrainConfig], write_csv: Callable[..., Path]) -> Callable[..., Task]:
    """Makes a task of hourly values of y and a number of rows."""

    def make(values: Any, *overrides: str) -> Task:
        times = np.datetime64("2024-01-01T00", "m") + 60 * np.arange(len(values))
        path = write_csv(
            [("time", "y", "x"), *((time, y, row % 5) for row, (time, y) in enumerate(zip(times, values, strict=True)))]
        )
        words = ["dataset=csv", f"dataset.path={path}", "dataset.timestamp=time", "dataset.targets=[y]"]
        return task_of(compose(*words, *overrides))

    return make


def test_the_shipped_task_has_the_published_windows_and_shape(
    compose: Callable[..., TrainConfig], project: Path
) -> None:
    task = task_of(compose(), project)
    assert [len(index) for index in task.windows.values()] == [18_300, 2_604, 5_223]
    shape = task.shape
    assert (shape.context_length, shape.horizon, shape.num_features, shape.num_series) == (6, 6, 8, 3)
    assert (shape.targets, shape.num_known_future) == ((0,), 6)  # a day in two pairs, a year in one


def test_the_shape_counts_calendar_and_known_columns(csv_task: Callable[..., Task]) -> None:
    sizes = ["windows.context_length=5", "windows.horizon=3"]
    task = csv_task(np.arange(211) % 17, *sizes, "dataset.known_future=[x]", "dataset.calendar.week=0")
    assert (task.shape.context_length, task.shape.horizon, task.shape.num_features) == (5, 3, 1)
    assert task.shape.num_known_future == 2 * (2 + 1) + 2  # the column and its mark


@pytest.mark.parametrize(
    "change", ["windows.horizon=5", "windows.stride=2", "splits.purge=3", "windows.context_length=7"]
)
def test_tasks_share_an_identity_only_if_their_scores_can_be_compared(
    csv_task: Callable[..., Task], compose: Callable[..., TrainConfig], change: str
) -> None:
    values = np.arange(211) % 17
    plain, other = compose("windows.horizon=3").splits, compose(change).splits
    assert csv_task(values).identity(plain) == csv_task(values, "model.heads=2", "seed=7").identity(plain)
    assert csv_task(values).identity(plain) != csv_task(values, change).identity(other)
    assert csv_task(values).identity(plain) != csv_task(values + 1).identity(plain)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.arange(7), r"no window of 6 \+ 6 rows \(train 0, validation 0, test 0; rows: csv 7\)"),
        (np.arange(31), r"no window of 6 \+ 6 rows \(train 11, validation 0, test 1; rows: csv 31\); lower windows"),
        (np.full(101, 4), r"target 'y' is constant \(4\)"),
        ([""] * 101, "target 'y' is never observed"),
        ([*range(71), *[""] * 30], r"validation 0, test 0; .*target never observed: \d+"),
    ],
    ids=["short", "short validation", "constant", "missing", "missing after the border"],
)
def test_a_task_without_windows_or_target_is_refused(csv_task: Callable[..., Task], values: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        csv_task(values)


def test_one_row_is_too_short_rather_than_constant(csv_task: Callable[..., Task]) -> None:
    with pytest.raises(DataError, match=r"no window of 6 \+ 6 rows .*rows: csv 1"):
        csv_task([3.0], "dataset.frequency=1h")
