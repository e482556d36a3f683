"""A task as a whole: what a model is trained and judged on."""

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headway.config.train import TrainConfig
from headway.data import sources
from headway.data.batches import RowsOnDisk, ScaledRows
from headway.data.profile import ColumnProfile
from headway.data.series import Dataset
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


def test_of_each_split_a_sample_is_taken_and_the_log_says_of_how_many(
    csv_task: Callable[..., Task], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        task = csv_task(np.arange(211) % 17, "windows.most=31")
    # 148, 21 and 42 rows; the first 6 of all have no context.
    assert {split: (len(index), index.total) for split, index in task.windows.items()} == {
        "train": (31, 148 - 6 - 5),
        "validation": (16, 16),
        "test": (31, 42 - 5),
    }
    assert "csv: windows: train 31 of 137, validation 16, test 31 of 37" in caplog.messages


def test_the_shape_counts_calendar_and_known_columns(csv_task: Callable[..., Task]) -> None:
    sizes = ["windows.context_length=5", "windows.horizon=3"]
    task = csv_task(np.arange(211) % 17, *sizes, "dataset.known_future=[x]", "dataset.calendar.week=0")
    assert (task.shape.context_length, task.shape.horizon, task.shape.num_features) == (5, 3, 1)
    assert task.shape.num_known_future == 2 * (2 + 1) + 2  # the column and its mark


@pytest.mark.parametrize(
    "change",
    ["windows.horizon=5", "windows.stride=2", "windows.most=31", "splits.purge=3", "windows.context_length=7"],
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


@pytest.fixture
def two_series(compose: Callable[..., TrainConfig], write_csv: Callable[..., Path]) -> Callable[..., Task]:
    """Makes a task of hourly y and x of two series; the second has a gap that no window crosses and a value missing."""

    def make(*overrides: str, after: int | None = None) -> Task:
        generator, rows = np.random.default_rng(1), []
        for name, hours in (("a", np.r_[0:113]), ("b", np.r_[0:31, 47:149])):
            values = generator.normal(size=(len(hours), 2)).round(3)
            values[slice(len(hours) if after is None else after, None)] += 100
            for row, (hour, (y, x)) in enumerate(zip(hours, values, strict=True)):
                time = np.datetime64("2024-01-01T00", "m") + 60 * hour
                rows.append((time, name, "" if (name, row) == ("b", 17) else y, x))
        words = ["dataset=csv", f"dataset.path={write_csv([('time', 'name', 'y', 'x'), *rows])}"]
        words += ["dataset.timestamp=time", "dataset.series=name", "dataset.targets=[y]", "dataset.max_gap=3"]
        words += ["dataset.season=5", "windows.context_length=3", "windows.horizon=2"]
        return task_of(compose(*words, *overrides))

    return make


def test_the_profile_is_that_of_the_training_rows_of_all_series_and_of_columns_known_in_advance(
    two_series: Callable[..., Task],
) -> None:
    task = two_series("dataset.known_future=[x]")
    pairs = list(zip(task.dataset.series, task.borders, strict=True))
    y, x = (
        np.concatenate([getattr(series, name)[slice(*border["train"]), 0] for series, border in pairs])
        for name in ("values", "known_future")
    )
    assert dict(task.profile.columns) == {"y": ColumnProfile.of(y), "x": ColumnProfile.of(x)}
    assert task.profile.columns["y"].rows == round(0.7 * 113) + round(0.7 * 133)


def test_a_task_whose_rows_stay_in_their_file_is_the_same_task(
    two_series: Callable[..., Task],
    on_disk: Callable[[Dataset], Dataset],
    compose: Callable[..., TrainConfig],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = compose("windows.context_length=3", "windows.horizon=2")
    memory = two_series("dataset.known_future=[x]", "dataset.calendar.week=0")
    with monkeypatch.context() as patch:
        patch.setattr("headway.data.series._VALUES_AT_ONCE", 11)
        disk = prepare(
            on_disk(memory.dataset), dataset_spec=config.dataset, splits=config.splits, windows=config.windows
        )
        found = disk.profile
    assert isinstance(disk.rows, RowsOnDisk) and isinstance(memory.rows, ScaledRows)
    assert disk.shape == replace(memory, cycles=disk.cycles).shape
    assert disk.identity(config.splits) == memory.identity(config.splits)
    assert disk.question(config.splits) == memory.question(config.splits)
    assert (found.columns, found.last_time) == (memory.profile.columns, memory.profile.last_time)
    np.testing.assert_allclose(found.seasonal_scale, memory.profile.seasonal_scale)
    np.testing.assert_allclose(found.seasonal_square, memory.profile.seasonal_square)
    for one, other in ((disk.scaler, memory.scaler), (disk.known_future_scaler, memory.known_future_scaler)):
        np.testing.assert_allclose([one.mean, one.scale], [other.mean, other.scale], rtol=1e-12)


def test_later_rows_move_nothing_of_the_profile(two_series: Callable[..., Task]) -> None:
    assert repr(two_series().profile) == repr(two_series(after=round(0.7 * 133)).profile)
    assert repr(two_series().profile) != repr(two_series(after=round(0.7 * 113) - 1).profile)


def test_seasonal_scales_come_from_training_rows_and_no_difference_crosses_a_gap(
    two_series: Callable[..., Task],
) -> None:
    task = two_series()
    assert task.dataset.series[1].segments == (0, 31)
    for number, (series, border) in enumerate(zip(task.dataset.series, task.borders, strict=True)):
        values, end = series.values[:, 0], border["train"][1]
        gap = 31 if number else end
        pairs = [(row, row - 5) for row in range(5, end) if (row < gap) == (row - 5 < gap)]
        steps = [values[row] - values[before] for row, before in pairs]
        steps = [step for step in steps if step == step]
        assert len(steps) == (end - 5 if not number else end - 5 - 5 - 2)  # five across the gap, two of a missing value
        np.testing.assert_allclose(task.profile.seasonal_scale[number], [sum(map(abs, steps)) / len(steps)])
        np.testing.assert_allclose(task.profile.seasonal_square[number], [sum(s * s for s in steps) / len(steps)])


def test_the_last_time_of_a_series_is_that_of_its_last_validation_row(two_series: Callable[..., Task]) -> None:
    task = two_series()
    expected = {
        series.name: str(series.timestamps[border["validation"][1] - 1])
        for series, border in zip(task.dataset.series, task.borders, strict=True)
    }
    assert dict(task.profile.last_time) == expected


def test_a_series_without_rows_before_the_test_split_has_no_last_time(two_series: Callable[..., Task]) -> None:
    task = two_series()
    none = {"train": (0, 0), "validation": (0, 0), "test": (0, 113)}
    assert list(replace(task, borders=(none, task.borders[1])).profile.last_time) == ["b"]


def test_a_task_of_other_rows_than_its_forecaster_was_trained_on_has_that_ones_profile(
    two_series: Callable[..., Task],
) -> None:
    trained, other = two_series(), two_series(after=0)
    assert replace(other, trained_profile=trained.profile).profile is trained.profile
