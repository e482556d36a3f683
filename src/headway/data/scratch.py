"""Rows of a file that is being converted: on the disk, without a name, and gone with the process however it ends."""

import mmap
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

_BYTES_AT_ONCE = 8 << 20
_MOST_AHEAD = 1 << 22  # rows


class Chunk(NamedTuple):
    """Rows that follow each other in the file.

    Attributes:
        first: Position of the first.
        times: [rows].
        series: [rows] numbers of their series, or None where there is one.
        table: [rows, columns]; no columns where only times were asked for.
    """

    first: int
    times: NDArray[np.datetime64]
    series: NDArray[np.int32] | None
    table: NDArray[np.float64]


class Scratch:
    """Times, series and numbers of all rows, in the file's order, to be read as often as one likes.

    Args:
        folder: A folder on a disk with room for them.
        columns: Numbers in a row.
        many_series: Whether rows belong to more than one series.
        table: An open file for the numbers, and where in it they begin, if they are to stay there; else they get their own.

    Attributes:
        rows: So far.
        missing: [columns] numbers that are NaN.
    """

    def __init__(
        self, folder: Path, *, columns: int, many_series: bool, table: tuple[BinaryIO, int] | None = None
    ) -> None:
        self.rows = self._room = 0
        self.missing = np.zeros(columns, np.int64)
        self._columns = columns
        self._is_guest = table is not None
        self._times = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - they close with this object
        self._table, self._begin = table or (tempfile.TemporaryFile(dir=folder), 0)  # noqa: SIM115
        self._series = tempfile.TemporaryFile(dir=folder) if many_series else None  # noqa: SIM115

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in (self._times, None if self._is_guest else self._table, self._series):
            if file is not None:
                file.close()

    def append(
        self, times: NDArray[np.datetime64], series: NDArray[np.int32] | None, table: NDArray[np.float64]
    ) -> None:
        """Add rows.

        Raises:
            OSError: The disk is full, or cannot be written.
        """
        self._grow(self.rows + len(times))
        write_at(self._times.fileno(), times.astype("datetime64[ns]"), self.rows * 8)
        write_at(self._table.fileno(), table, self._begin + self.rows * self._columns * 8)
        if self._series is not None and series is not None:
            write_at(self._series.fileno(), series.astype(np.int32), self.rows * 4)
        self.rows += len(times)
        if np.isnan(table.sum()):
            self.missing += np.isnan(table).sum(axis=0)

    def _grow(self, rows: int) -> None:
        """Room for rows and for as many again: the system writes several times faster where it need not look for room."""
        if rows <= self._room:
            return
        self._room = rows + min(rows, _MOST_AHEAD)
        for file, begin, size in (
            (self._times, 0, 8),
            (self._table, self._begin, 8 * self._columns),
            (self._series, 0, 4),
        ):
            if file is not None and size:
                os.posix_fallocate(file.fileno(), begin, self._room * size)

    def chunks(self, *, with_table: bool) -> Iterator[Chunk]:
        """All rows, some at a time; what is handed on may be changed."""
        columns = self._columns if with_table else 0
        at_once = max(1, _BYTES_AT_ONCE // (8 * (2 + columns)))
        for first in range(0, self.rows, at_once):
            rows = min(at_once, self.rows - first)
            times = _read(self._times, "datetime64[ns]", rows, 8 * first)
            series = None if self._series is None else _read(self._series, np.int32, rows, 4 * first)
            table = _read(self._table, np.float64, rows * columns, self._begin + 8 * first * columns)
            table = table.reshape(rows, columns)
            yield Chunk(first, times, series, table)

    @property
    def size(self) -> int:
        """Bytes of the numbers."""
        return 8 * self.rows * self._columns

    def is_in_turn(self, series: int) -> bool:
        """Whether the rows of so many series come in turn from the first to the last."""
        if self._series is None:
            return series == 1
        for chunk in self.chunks(with_table=False):
            turns = np.arange(chunk.first, chunk.first + len(chunk.times)) % series
            if chunk.series is None or not np.array_equal(turns, chunk.series):
                return False
        return True

    def mapped(self) -> tuple[NDArray[np.datetime64], NDArray[np.float64]]:
        """Times [rows] and numbers [rows, columns] where they lie in their files."""
        times = mapped(self._times, "datetime64[ns]", self.rows, 0)
        table = mapped(self._table, np.float64, self.rows * self._columns, self._begin)
        return times, table.reshape(self.rows, self._columns)


def write_at(file: int, numbers: NDArray[Any], offset: int) -> None:
    """Write an array into an open file.

    Raises:
        OSError: The disk is full, or cannot be written.
    """
    rest = np.ascontiguousarray(numbers).view(np.uint8).reshape(-1).data
    while rest:
        written = os.pwrite(file, rest, offset)
        rest, offset = rest[written:], offset + written


def _read(file: BinaryIO, dtype: Any, count: int, offset: int) -> NDArray[Any]:
    numbers: NDArray[Any] = np.empty(count, dtype)
    rest = numbers.view(np.uint8).data
    while rest:
        got = os.preadv(file.fileno(), [rest], offset)
        if not got:
            raise OSError("a file that was just written is shorter than it was")
        rest, offset = rest[got:], offset + got
    return numbers


def mapped(file: BinaryIO, dtype: Any, count: int, offset: int) -> NDArray[Any]:
    """Numbers of an open file where they lie."""
    end = offset + count * np.dtype(dtype).itemsize
    if end == offset:
        return np.empty(0, dtype)
    numbers: NDArray[Any] = np.frombuffer(mmap.mmap(file.fileno(), end, access=mmap.ACCESS_READ), dtype, count, offset)
    return numbers
