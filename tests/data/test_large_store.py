"""A store of more numbers than 32 bits can count: laid out and read where it is a hole, so that no disk is taken."""

import os
from pathlib import Path

import numpy as np
import pytest

from headway.data import store, store_file
from headway.data.series_stream import Filled

ROWS, FEATURES, KNOWN_FUTURE = 268_435_459, 11, 3  # 2,952,790,049 values, of 23.6 GB
KEY = "a key"


@pytest.fixture
def hollow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which files get their length without room on the disk."""
    monkeypatch.setattr(os, "posix_fallocate", lambda number, offset, length: os.ftruncate(number, offset + length))
    probe = tmp_path / "probe"
    with probe.open("wb") as file:
        file.truncate(1 << 30)
    if probe.stat().st_blocks * 512 > 1 << 20:
        pytest.skip("this file system has no holes")
    probe.unlink()
    return tmp_path


def header(path: Path) -> store.Header:
    names = tuple(f"f{number}" for number in range(FEATURES)), tuple(f"k{number}" for number in range(KNOWN_FUTURE))
    series = (("first", ROWS - 7, (0,)), ("second", 7, (0,)))
    size = path.stat().st_size
    return store.Header(KEY, {}, None, names[0], names[0][:1], names[1], series, "1min", (), "", size, "")


def filled(first: int, count: int) -> Filled:
    """Rows whose numbers tell which they are."""
    numbers = np.arange(first, first + count)
    times = np.datetime64("1500-01-01", "s") + numbers * np.timedelta64(60, "s")
    values = numbers[:, None] + np.arange(FEATURES) / 16
    return Filled(times, values, values[:, :KNOWN_FUTURE] * -2)


def test_the_last_of_more_than_two_to_the_31_numbers_is_read_where_it_was_written(hollow: Path) -> None:
    assert ROWS * FEATURES > 2**31
    path, places = hollow / store.ROWS, (0, 2**31 // FEATURES - 2, ROWS - 5)
    with store_file.writing(path, KEY, rows=ROWS, features=FEATURES, known_future=KNOWN_FUTURE) as file:
        for place in reversed(places):
            file.write(place, filled(place, 5))
    status = path.stat()
    assert status.st_size > 8 * ROWS * (1 + FEATURES + KNOWN_FUTURE)
    assert status.st_blocks * 512 < 1 << 20
    rows = store.columns(hollow, header(path))
    assert rows is not None
    assert (rows.timestamps.shape, rows.values.shape) == ((ROWS,), (ROWS, FEATURES))
    for place in places:
        expected, part = filled(place, 5), slice(place, place + 5)
        for name in ("timestamps", "values", "known_future"):
            np.testing.assert_array_equal(getattr(rows, name)[part], getattr(expected, name))
    assert not rows.values[ROWS // 3].any()  # of the hole
    second = store.series_of(header(path), rows)[1]
    np.testing.assert_array_equal(second.values[2:], filled(ROWS - 5, 5).values)


def test_a_file_that_is_cut_by_a_row_is_no_store(hollow: Path) -> None:
    path = hollow / store.ROWS
    with store_file.writing(path, KEY, rows=ROWS, features=FEATURES, known_future=KNOWN_FUTURE):
        pass
    whole = header(path)
    assert store.columns(hollow, whole) is not None
    with path.open("r+b") as file:
        file.truncate(whole.size - 8 * FEATURES)
    assert store.columns(hollow, whole) is None
