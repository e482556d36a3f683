"""The clock, against pandas where it has the same idea."""

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pytest

from headway.data.clock import Clock, Steps

STEPS = {
    "7s": "7s",
    "15min": "15min",
    "1h": "1h",
    "5h": "5h",
    "1D": "1D",
    "7D": "7D",
    "1M": "MS",
    "3M": "QS",
    "12M": "YS",
}


def times(frequency: str, count: int) -> np.ndarray:
    return pd.date_range("2019-01-01", periods=count, freq=frequency).to_numpy()


@pytest.mark.parametrize(("name", "pandas_name"), STEPS.items())
def test_the_clock_is_read_off_timestamps(name: str, pandas_name: str) -> None:
    assert Clock.from_timestamps(times(pandas_name, 31)) == Clock.parse(name)


@pytest.mark.parametrize(("name", "pandas_name"), STEPS.items())
def test_steps_there_and_back(name: str, pandas_name: str) -> None:
    clock, stamps = Clock.parse(name), times(pandas_name, 31)
    assert str(clock) == name
    np.testing.assert_array_equal(clock.steps_between(stamps[3], stamps), np.arange(-3.0, 28.0))
    np.testing.assert_array_equal(clock.after(stamps[3], np.arange(-3, 28)), stamps)


@pytest.mark.parametrize("pandas_name", ["1h", "MS"])
def test_gaps_and_repeated_times_do_not_hide_the_clock(pandas_name: str) -> None:
    stamps = np.repeat(np.delete(times(pandas_name, 31), [5, 6, 17]), 3)
    assert Clock.from_timestamps(stamps) == Clock.from_timestamps(times(pandas_name, 31))


def test_a_month_keeps_its_day_and_hour_whatever_its_length() -> None:
    begin = np.datetime64("2023-12-15T06:00", "s")
    later = Clock.parse("1M").after(begin, np.arange(4))
    assert [str(time) for time in later] == [
        f"{month}-15T06:00:00" for month in ("2023-12", "2024-01", "2024-02", "2024-03")
    ]


@pytest.mark.parametrize(
    ("frequency", "late"), [("1h", "2019-01-01T02:00:01"), ("1M", "2019-02-01T01:00"), ("2h", "2019-01-01T03:00")]
)
def test_a_time_off_the_clock_is_no_whole_number_of_steps(frequency: str, late: str) -> None:
    steps = Clock.parse(frequency).steps_between(np.datetime64("2019-01-01"), np.array([late], "datetime64[ns]"))
    assert steps[0] != np.round(steps[0])


@pytest.mark.parametrize(
    ("frequency", "season"),
    [("1min", 1440), ("15min", 96), ("1h", 24), ("6h", 4), ("1D", 7), ("1W", 1), ("1M", 12), ("3M", 4), ("12M", 1)],
)
def test_the_season_is_a_day_a_week_or_a_year(frequency: str, season: int) -> None:
    assert Clock.parse(frequency).season == season


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_times_show_no_clock(count: int) -> None:
    assert Clock.from_timestamps(times("1h", count)) is None


@pytest.mark.parametrize("unit", ["h", "M"])
def test_steps_that_come_in_chunks_are_counted_like_those_that_come_at_once(unit: str) -> None:
    steps = np.cumsum(np.random.default_rng(2).choice([0, 1, 1, 2, 5], 97))
    times: Any = np.datetime64("2001-03-01T07:00:00") + steps * np.timedelta64(1, "h")
    if unit == "M":
        months: Any = np.datetime64("2001-03") + steps.astype("timedelta64[M]")
        times = months.astype("datetime64[s]") + np.timedelta64(7, "h")
    counted = Steps()
    for part in np.split(times, [1, 1, 2, 31, 64, 96]):
        counted.add(part)
    seconds = np.diff(times).astype(int)
    assert counted.seconds == Counter(seconds[seconds > 0].tolist())
    assert str(counted.clock()) == f"1{unit}" == str(Clock.from_timestamps(times))
