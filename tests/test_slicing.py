"""Slices of errors: the time of the step ahead as pandas tells it, and features at their training quartiles."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from headway.data.clock import Clock
from headway.data.scaling import fit_scalers
from headway.data.series import Dataset, Series
from headway.data.windows import index_windows
from headway.errors import DataError
from headway.evaluation.forecasts import Slicing
from headway.slicing import slicings
from headway.task import Task

CONTEXT, HORIZON = 3, 5
BEGINS = {"1h": "2023-12-30T19", "1D": "2023-11-27", "1M": "2021-10-01", "15min": "2023-12-31T22:15"}


def task_of(columns: Sequence[np.ndarray], *, frequency: str = "1h", begin: str | None = None, train: int = 29) -> Task:
    """A task of one series per matrix [time, F] with features a, b, ...; the test rows are all after the first `train`."""
    clock, series = Clock.parse(frequency), []
    first = np.datetime64(begin or BEGINS[frequency], "s")
    for number, values in enumerate(columns):
        times = clock.after(first, np.arange(len(values)))
        series.append(Series(f"s{number}", times, values, np.zeros((len(values), 0))))
    features = tuple("abcdefg"[: columns[0].shape[1]])
    dataset = Dataset("made", tuple(series), features, ("a",), (), clock, season=2)
    borders = tuple({"train": (0, train), "validation": (train, train), "test": (train, len(one))} for one in series)
    windows = {
        split: index_windows(dataset, borders, split, context_length=CONTEXT, horizon=HORIZON) for split in borders[0]
    }
    return Task(dataset, borders, windows, *fit_scalers(dataset, borders), cycles={})


def rows(length: int = 71, columns: int = 2, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(length, columns))


def sliced(task: Task, name: str) -> Slicing:
    return slicings((name,), task, task.windows["test"])[name]


def labelled(slicing: Slicing) -> np.ndarray:
    """Label of each value, [W, 1] or [W, H]."""
    return np.array(slicing.labels)[slicing.codes]


@pytest.mark.parametrize("frequency", ["1h", "15min", "1D", "1M"])
@pytest.mark.parametrize(
    ("name", "of"),
    [
        ("hour", lambda times: times.strftime("%H")),
        ("weekday", lambda times: times.day_name()),
        ("month", lambda times: times.strftime("%Y-%m")),
    ],
)
def test_time_slices_are_those_of_the_step_ahead_on_any_clock(frequency: str, name: str, of: object) -> None:
    task = task_of([rows(71), rows(53)], frequency=frequency)
    found = labelled(sliced(task, name))
    expected = []
    for one in task.dataset.series:
        for first in range(29, len(one) - HORIZON + 1):
            expected.append(of(pd.DatetimeIndex(one.timestamps[first : first + HORIZON])))
    np.testing.assert_array_equal(found, np.array(expected))
    assert len(np.unique(found)) == len(sliced(task, name).labels)


def test_times_before_1970_have_their_hour_and_weekday() -> None:
    task = task_of([rows()], begin="1969-12-29T05")
    times = task.dataset.series[0].timestamps[29 : 29 + HORIZON]
    assert labelled(sliced(task, "hour"))[0].tolist() == pd.DatetimeIndex(times).strftime("%H").tolist()
    assert labelled(sliced(task, "weekday"))[0].tolist() == pd.DatetimeIndex(times).day_name().tolist()


def test_slices_of_time_stand_in_their_own_order() -> None:
    assert sliced(task_of([rows(229)]), "hour").labels == tuple(f"{hour:02d}" for hour in range(24))
    assert sliced(task_of([rows(229)]), "weekday").labels[0] == "Monday"
    assert sliced(task_of([rows()], frequency="1D"), "month").labels == ("2023-12", "2024-01", "2024-02")


def test_series_always_come_first() -> None:
    task = task_of([rows(71), rows(53)])
    found = slicings(("hour",), task, task.windows["test"])
    assert list(found) == ["series", "hour"]
    counts = [71 - 29 - HORIZON + 1, 53 - 29 - HORIZON + 1]
    assert labelled(found["series"])[:, 0].tolist() == ["s0"] * counts[0] + ["s1"] * counts[1]


def test_a_feature_is_cut_at_the_quartiles_of_its_training_rows_by_its_value_at_the_origin() -> None:
    values = rows()
    values[41, 1] = np.nan
    task = task_of([values])
    low, middle, high = pd.Series(values[:29, 1]).quantile([0.25, 0.5, 0.75])
    low_word, middle_word, high_word = (f"{edge:.4g}" for edge in (low, middle, high))
    found = sliced(task, "b")
    assert found.labels == (
        f"up to {low_word}",
        f"{low_word} to {middle_word}",
        f"{middle_word} to {high_word}",
        f"above {high_word}",
        "missing",
    )
    for window, code in enumerate(found.codes[:, 0]):
        value = values[28 + window, 1]
        expected = 4 if np.isnan(value) else sum(value > edge for edge in (low, middle, high))
        assert code == expected
    assert set(found.codes.ravel()) == {0, 1, 2, 3, 4}


def test_quartiles_do_not_look_past_the_training_rows() -> None:
    values = rows()
    other = values.copy()
    other[29:] += 1000
    assert sliced(task_of([values]), "b").labels == sliced(task_of([other]), "b").labels


def test_quartiles_are_those_of_another_task_where_the_forecaster_was_trained_on_that() -> None:
    trained = task_of([rows()])
    later = replace(task_of([rows(seed=2) + 10]), trained_profile=trained.profile)
    found = sliced(later, "b")
    assert found.labels == sliced(trained, "b").labels
    assert labelled(found)[:, 0].tolist() == [found.labels[3]] * len(later.windows["test"])


@pytest.mark.parametrize(
    ("column", "labels"),
    [
        ([5.0] * 71, ("any", "missing")),
        ([0.0] * 70 + [1.0], ("any", "missing")),
        ([0.0, 1.0] * 35 + [0.0], ("up to 0", "above 0", "missing")),
        ([np.nan] * 71, ("any", "missing")),
    ],
    ids=["constant", "constant in training", "two values", "never observed"],
)
def test_a_feature_of_few_values_has_no_empty_slice(column: list[float], labels: tuple[str, ...]) -> None:
    values = rows()
    values[:, 1] = column
    assert sliced(task_of([values]), "b").labels == labels


def test_labels_tell_close_and_large_quartiles_apart() -> None:
    values = rows()
    values[:, 1] = 123_456 + np.arange(71) / 1000
    labels = sliced(task_of([values]), "b").labels
    assert len(set(labels)) == 5
    assert not any("e+" in label for label in labels)


@pytest.mark.parametrize(
    ("name", "hint"), [("hours", "did you mean hour?"), ("series", "series, which is always there")]
)
def test_a_slice_that_is_no_feature_is_refused_with_what_there_is(name: str, hint: str) -> None:
    task = task_of([rows()])
    with pytest.raises(DataError, match="hour, weekday, month and the features a, b") as error:
        slicings((name,), task, task.windows["test"])
    assert hint in str(error.value)
    assert len(str(error.value).splitlines()) == 1
