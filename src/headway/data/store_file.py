"""The Arrow file of a store while it is written: all but the numbers first, and these wherever they come to stand."""

import mmap
import os
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from functools import cached_property, partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from headway import files
from headway.data.ahead import beginning
from headway.data.scratch import mapped, write_at
from headway.data.series import Series
from headway.data.series_stream import Filled

_SYNCED_AT_ONCE = 32 << 20  # bytes


@contextmanager
def writing(path: Path, key: str, *, rows: int, features: int, known_future: int) -> Iterator["Writing"]:
    """An Arrow file of a store, to be filled in any order; it takes its place when the block ends well.

    Args:
        path: The file, in a folder that exists.
        key: What is converted, and how.
        rows, features, known_future: Its shape.

    Raises:
        OSError: The disk is full, or cannot be written.
    """
    with files.writing(path) as file:
        found = Writing(path, file, key, features=features, known_future=known_future)
        found.lay_out(rows)
        yield found
        found.end()


@contextmanager
def growing(path: Path, key: str, *, features: int) -> Iterator["Writing"]:
    """An Arrow file of a store, to be filled with values first; it takes its place if it is whole when the block ends.

    Args:
        path: The file, in a folder that exists.
        key: What is converted, and how.
        features: Columns of the values.

    Raises:
        OSError: The disk is full, or cannot be written.
    """
    with suppress(_NotWholeError), files.writing(path) as file:
        found = Writing(path, file, key, features=features, known_future=0)
        found.lay_out(1)
        yield found
        found.end()
        if not found.is_whole:
            raise _NotWholeError


class Writing:
    """An Arrow file of a store that is being written.

    Args:
        path: Where it is to take its place.
        file: It.
        key: What is converted, and how.
        features, known_future: Numbers in a row.

    Attributes:
        is_whole: Whether what came before the number of rows was known has become a store.
    """

    def __init__(self, path: Path, file: BinaryIO, key: str, *, features: int, known_future: int) -> None:
        self.is_whole = False
        self._file, self._features, self._known = file, features, known_future
        self._lay_out = partial(_lay_out, file, key, features=features, known_future=known_future, near=path.parent)
        self._rows, self._begins = 0, [0, 0]
        self._syncing = _Syncing(file)

    @property
    def values(self) -> tuple[BinaryIO, int]:
        """The file, and where in it the values begin, however many rows there are."""
        return self._file, self._begins[0]

    def lay_out(self, rows: int) -> None:
        """Make room for so many rows; values that are there stay.

        Raises:
            OSError: The disk is full, or cannot be written.
        """
        begin = self._begins[0]
        self._rows, self._begins = rows, self._lay_out(rows=rows)
        if begin and self._begins[0] != begin:
            raise RuntimeError(f"the values of {rows} rows begin at byte {self._begins[0]}, those of one at {begin}")

    def write_times(self, at: int, timestamps: NDArray[np.datetime64]) -> None:
        """Write times, from a row of the store's on; errors as for `lay_out`."""
        write_at(self._file.fileno(), timestamps.astype("datetime64[s]"), self._begins[1] + 8 * at)

    def write(self, at: int, rows: Filled) -> None:
        """Write rows, from one of the store's on; errors as for `lay_out`."""
        number = self._file.fileno()
        write_at(number, rows.values, self._begins[0] + 8 * self._features * at)
        self.write_times(at, rows.timestamps)
        if self._known:
            write_at(number, rows.known_future, self._begins[2] + 8 * self._known * at)
        self._syncing.written(rows.values.nbytes)

    def series(self, name: str, begin: int, length: int, segments: Sequence[int]) -> Series:
        """A series where it lies in the file."""
        times, values, known = (column[begin : begin + length] for column in self._columns)
        return Series(name, times, values, known, tuple(segments))

    @cached_property
    def _columns(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        rows, values, known = self._rows, self._rows * self._features, self._rows * self._known
        return (
            mapped(self._file, "datetime64[s]", rows, self._begins[1]),
            mapped(self._file, np.float64, values, self._begins[0]).reshape(rows, self._features),
            mapped(self._file, np.float64, known, self._begins[-1]).reshape(rows, self._known),
        )

    def end(self) -> None:
        """Nothing more is written."""
        self._syncing.end()


class _Syncing:
    """Brings a file to the disk while more is written, so that little is left to wait for at the end.

    Args:
        file: The file, open.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._since = file, 0
        self._coming: Future[None] | None = None

    def written(self, size: int) -> None:
        """So many bytes more; raises what an earlier sync has raised."""
        self._since += size
        if self._since >= _SYNCED_AT_ONCE and (self._coming is None or self._coming.done()):
            self.end()
            self._since, self._coming = 0, beginning(partial(os.fdatasync, self._file.fileno()))

    def end(self) -> None:
        """Nothing more comes: a sync that has failed would not fail again."""
        if self._coming is not None:
            self._coming.result()


class _NotWholeError(Exception):
    """What the file holds is not the store, and goes."""


def _lay_out(file: BinaryIO, key: str, *, rows: int, features: int, known_future: int, near: Path) -> list[int]:
    """Let Arrow write all but the numbers; where those of each column begin, the file has a hole."""
    widths = {"values": features, "known_future": known_future}
    with tempfile.TemporaryFile(dir=near) as empty:
        empty.truncate(max(1, rows * 8 * max(1, *widths.values())))
        with mmap.mmap(empty.fileno(), 0, access=mmap.ACCESS_READ) as zeros:
            nothing = pa.py_buffer(zeros)  # is measured, and never read
            columns = {"timestamps": pa.Array.from_buffers(pa.timestamp("s"), rows, [None, nothing.slice(0, rows * 8)])}
            for name, width in widths.items():
                if width:
                    numbers = pa.Array.from_buffers(
                        pa.float64(), rows * width, [None, nothing.slice(0, rows * width * 8)]
                    )
                    columns[name] = pa.FixedSizeListArray.from_arrays(numbers, width)
            # The values first, so that they begin at one place, however many rows there are.
            names = [name for name in ("values", "timestamps", "known_future") if name in columns]
            arrays = [columns[name] for name in names]
            batch = pa.RecordBatch.from_arrays(arrays, names).replace_schema_metadata({"headway": key})
            file.seek(0)
            hollow = _Hollow(file, nothing.address)
            large = pa.ipc.IpcWriteOptions(allow_64bit=True)  # more than 2^31 numbers
            with pa.ipc.new_file(pa.PythonFile(hollow, "w"), batch.schema, options=large) as writer:
                writer.write_batch(batch)
            del nothing, numbers, columns, arrays, batch
    file.truncate(hollow.at)
    os.posix_fallocate(file.fileno(), 0, hollow.at)  # a disk that is too full says so now
    return hollow.holes


class _Hollow:
    """A file that notes where blocks of numbers belong, those that lie at one address, and does not write them."""

    closed = False

    def __init__(self, file: BinaryIO, address: int) -> None:
        self.at, self.holes = 0, list[int]()
        self._file, self._address = file, address

    def write(self, content: pa.Buffer | bytes) -> int:
        size = memoryview(content).nbytes
        if isinstance(content, pa.Buffer) and content.address == self._address:
            self.holes.append(self.at)
            self._file.seek(size, os.SEEK_CUR)
        else:
            self._file.write(memoryview(content))
        self.at += size
        return size

    def tell(self) -> int:
        return self.at

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        """Arrow may think that it has closed the file."""
