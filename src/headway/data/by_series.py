"""The rows of a file that is being converted, taken apart: each goes to its series."""

from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from headway.data.along_clock import backward, goes_back
from headway.data.clock import Clock, Steps
from headway.data.scratch import Chunk, Scratch
from headway.data.series_stream import Filled, Rows, SeriesStream
from headway.errors import DataError

if TYPE_CHECKING:
    from headway.config.dataset import DatasetSpec

_ROWS_AT_ONCE = 1 << 16  # of one series
_STRIDED = 1 << 30  # bytes that the system surely keeps in memory while they are read once for each series
_LONGEST_TURN = 1 << 12  # of series that come in turn


@dataclass(frozen=True)
class Lines:
    """Where the rows of a file stand: one below the other, from its first line of data on."""

    file: str
    first: int
    rows: int

    def __len__(self) -> int:
        return self.rows

    def line(self, position: int) -> int:
        """Line of the row at a position."""
        return self.first + position

    def place(self, position: int) -> str:
        """File and line of the row at a position."""
        return f"{self.file}:{self.line(position)}"


class Placed(NamedTuple):
    """Rows of one series.

    Attributes:
        share: Of the file, before them.
        number: Of the series.
        at: Which row of the series the first of them is.
        rows: They.
    """

    share: float
    number: int
    at: int
    rows: Filled


def surveyed(scratch: Scratch, names: list[str], spec: "DatasetSpec", lines: Lines) -> dict[str, Steps]:
    """Steps between the times of every series, which must be in order.

    Raises:
        DataError: They are not.
    """
    found = [Steps() for _ in names]
    for chunk in scratch.chunks(with_table=False):
        for number, rows in _split(chunk):
            steps, times = found[number], chunk.times[rows]
            joined = times if steps.last is None else np.concatenate([steps.last, times])
            at = backward(joined)
            if at is not None and spec.sort:
                raise DataError(
                    f"{lines.file}: is too large to be sorted by dataset.sort=true; sort the file by time first, or set "
                    "dataset.store=never if it fits into memory"
                )
            if at is not None:
                positions = np.arange(chunk.first, chunk.first + len(chunk.times))[rows]
                raise goes_back(times, positions, at - len(joined) + len(times), names[number], lines)
            steps.add(times)
    return dict(zip(names, found, strict=True))


def streams(
    steps: dict[str, Steps],
    spec: "DatasetSpec",
    clock: Clock,
    features: tuple[str, ...],
    sources: Sequence[str],
    lines: Lines,
) -> list[SeriesStream]:
    """What makes of the rows of every series what the configuration says."""
    return [
        SeriesStream(name, own.first, spec, clock, features=features, sources=sources, places=lines)
        for name, own in steps.items()
        if own.first is not None
    ]


def flowing(scratch: Scratch, streams: list[SeriesStream], *, with_table: bool) -> Generator[Placed]:
    """All rows through their streams.

    Raises:
        DataError: As `SeriesStream.add`.
    """
    written = [0] * len(streams)
    for chunk in scratch.chunks(with_table=with_table):
        positions = np.arange(chunk.first, chunk.first + len(chunk.times))
        is_last = chunk.first + len(chunk.times) == scratch.rows
        for number, rows in _split(chunk):
            for part in streams[number].add(Rows(chunk.times[rows], positions[rows], chunk.table[rows])):
                yield Placed(chunk.first / scratch.rows, number, written[number], part)
                written[number] += len(part.timestamps)
        if is_last:
            nothing = Rows(chunk.times[:0], positions[:0], chunk.table[:0])
            for number, stream in enumerate(streams):
                for part in stream.add(nothing, is_last=True):
                    yield Placed(1.0, number, written[number], part)
                    written[number] += len(part.timestamps)


def moving(scratch: Scratch, series: int, *, features: int) -> Generator[Placed]:
    """All rows as they were read, where that is known to be what the streams would make of them.

    Args:
        scratch: The rows.
        series: How many series there are.
        features: Columns of the context, the first of a row.
    """
    if series > 1 and scratch.size <= _STRIDED and scratch.is_in_turn(series):
        yield from _in_turn(scratch, series, features)
        return
    written: Counter[int] = Counter()
    for chunk in scratch.chunks(with_table=True):
        for number, rows in _split(chunk):
            table = np.ascontiguousarray(chunk.table[rows])  # here, where a thread may do it
            part = Filled(chunk.times[rows], table[:, :features], table[:, features:])
            yield Placed(chunk.first / scratch.rows, number, written[number], part)
            written[number] += len(table)


def _in_turn(scratch: Scratch, series: int, features: int) -> Generator[Placed]:
    """The rows of the first series, then those of the second one, and so on: each is soon whole."""
    times, table = scratch.mapped()
    for number in range(series):
        own_times, own = times[number::series], table[number::series]
        for begin in range(0, len(own), _ROWS_AT_ONCE):
            rows = np.ascontiguousarray(own[begin : begin + _ROWS_AT_ONCE])
            part = Filled(own_times[begin : begin + len(rows)], rows[:, :features], rows[:, features:])
            yield Placed((number + begin / len(own)) / series, number, begin, part)


def _split(chunk: Chunk) -> Iterator[tuple[int, slice | NDArray[np.int64]]]:
    """Number of a series, and its rows in a chunk."""
    if chunk.series is None or (chunk.series == chunk.series[0]).all():
        yield (0 if chunk.series is None else int(chunk.series[0])), slice(None)
        return
    turn = _turn(chunk.series)
    if turn:
        yield from ((int(chunk.series[at]), slice(at, None, turn)) for at in np.argsort(chunk.series[:turn]))
        return
    # Short numbers are sorted digit by digit.
    numbers = chunk.series.astype(np.min_scalar_type(int(chunk.series.max())))
    together = np.argsort(numbers, kind="stable")
    borders = np.flatnonzero(np.diff(numbers[together])) + 1
    for rows in np.split(together, borders):
        yield int(chunk.series[rows[0]]), rows


def _turn(series: NDArray[np.int32]) -> int:
    """After how many rows the same series come again in the same order, each once; 0: they do not."""
    turn = int((series[1:_LONGEST_TURN] == series[0]).argmax()) + 1
    is_turn = np.array_equal(series[turn:], series[:-turn]) and len(np.unique(series[:turn])) == turn
    return turn if is_turn else 0
