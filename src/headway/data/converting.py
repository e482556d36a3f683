"""Converting a file once to a store on the disk, a chunk at a time, whatever its size.

The rows are read once, checked, and put into scratch files in the file's order. From these the clock is read off, then
how many rows every series gets, and then each row is written where it belongs. What the process holds is a chunk.
"""

import contextlib
import logging
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from headway.data import parts, store
from headway.data.along_clock import backward, goes_back
from headway.data.assemble import clock_of, in_words, refuse_missing, times_of
from headway.data.clock import Clock, Steps
from headway.data.columns import features_of, sources_of, targets_of
from headway.data.progress import progress
from headway.data.scratch import Chunk, Scratch
from headway.data.series import fingerprint
from headway.data.series_stream import Filled, Rows, SeriesStream
from headway.data.source_file import check_digest, ends, identity
from headway.errors import DataError, StorageError

if TYPE_CHECKING:
    from headway.config.dataset import DatasetSpec

log = logging.getLogger(__name__)

_READ, _COUNTED, _WRITTEN = 0.6, 0.7, 0.95  # share of the time after which a step is done, about


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


def convert(path: Path, spec: "DatasetSpec", folder: Path, key: str) -> store.Header:
    """Make a store of a file.

    Args:
        path: A csv or parquet file.
        spec: The dataset group.
        folder: Of the store; it exists, and nobody else writes into it.
        key: What the store is asked for by.

    Returns:
        What is known of the store, as it is written there.

    Raises:
        DataError: If the file cannot be read as what the configuration says.
        StorageError: If there is no room for the store.
        OSError: It cannot be written.
    """
    began = time.monotonic()
    with _readable(spec):
        source, digest = identity(path), check_digest(path, spec)
        names = parts.column_names(path, spec)
    targets = targets_of(names, spec)
    features = features_of(names, spec, targets)
    sources = sources_of(spec, features)
    width = len(sources) + len(spec.known_future)
    with (
        progress(f"converting {spec.path}") as tell,
        Scratch(folder, columns=width, many_series=spec.series is not None) as scratch,
    ):
        series, first = _read(path, spec, sources, scratch, _Room(folder, width + len(features) + 4, tell))
        lines = Lines(spec.path, first, scratch.rows)
        steps = _surveyed(scratch, series, spec, lines)
        clock = clock_of({name: own.clock() for name, own in steps.items()}, lines, spec)
        # A first time without numbers, to know how many rows there will be.
        bare = spec.model_copy(update={"plausible": {}, "max_jump": {}, "components": {}})
        counted = _streams(steps, bare, clock, (), [], lines)
        for share, *_ in _flowing(scratch, counted, with_table=False):
            tell(_READ + share * (_COUNTED - _READ))
        begins = np.cumsum([0, *(one.length for one in counted)])
        streams = _streams(steps, spec, clock, features, sources, lines)
        rows_file = folder / store.ROWS
        with store.writing(
            rows_file, key, rows=int(begins[-1]), features=len(features), known_future=len(spec.known_future)
        ) as write:
            for share, number, at, part in _flowing(scratch, streams, with_table=True):
                write(int(begins[number]) + at, part)
                tell(_COUNTED + share * (_WRITTEN - _COUNTED))
        header = store.Header(
            key=key,
            source=source,
            sha256=digest,
            features=features,
            targets=targets,
            known_future=spec.known_future,
            series=tuple((name, one.length, tuple(one.segments)) for name, one in zip(steps, streams, strict=True)),
            clock=str(clock),
            notes=_notes(streams, features),
            fingerprint="",
            size=rows_file.stat().st_size,
            ends=ends(rows_file),
        )
        rows = store.columns(folder, header)
        if rows is None:
            raise StorageError(f"{folder}: the store that was just written is damaged; is the disk failing?")
        columns = (features, targets, spec.known_future)
        header = replace(header, fingerprint=fingerprint(store.series_of(header, rows), columns, clock))
    with _readable(spec):
        if identity(path) != source:
            raise DataError(f"{spec.path}: changed while it was read; start again when nobody writes it any more")
    header.write(folder)
    seconds = time.monotonic() - began
    log.info("%s: converted in %.1f s to %s (%.2f GB)", spec.path, seconds, folder, header.size / 1e9)
    return header


class _Room:
    """Says how far reading has come, and refuses a disk that is too small as soon as that can be told.

    Args:
        folder: On the disk.
        numbers: That a row takes in all, in scratch files and in the store.
        tell: Told the share.
    """

    def __init__(self, folder: Path, numbers: int, tell: Callable[[float], None]) -> None:
        self._folder, self._numbers, self._tell, self._is_told = folder, numbers, tell, False

    def read(self, rows: int, share: float) -> None:
        """So many rows, this share of the file, have been read."""
        self._tell(share * _READ)
        if self._is_told:
            return
        self._is_told = True
        needed, free = rows / share * 8 * self._numbers, shutil.disk_usage(self._folder).free
        if needed > free:
            raise StorageError(
                f"{self._folder}: converting takes about {needed / 1e9:.1f} GB there, {free / 1e9:.1f} GB are free; make "
                "room, start where there is more, or set dataset.store=never to read the file into memory"
            )


@contextlib.contextmanager
def _readable(spec: "DatasetSpec") -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{spec.path}: cannot be read ({error.strerror or error}); is the disk or the mount gone?"
        ) from None


def _read(path: Path, spec: "DatasetSpec", sources: list[str], scratch: Scratch, room: _Room) -> tuple[list[str], int]:
    """Put all rows of a file into scratch; names of the series in their order, and the first line."""
    numbers: dict[str, int] = {}
    first: int | None = None
    parts_of_file = parts.parts(path, spec)
    while True:
        with _readable(spec):
            part = next(parts_of_file, None)
        if part is None:
            return [*numbers] or [spec.name], first or 1
        table = part.table
        first = table.line(0) if first is None else first
        times = times_of(table, spec, first=first)
        rows = part.numbers([*sources, *spec.known_future])
        refuse_missing(table, {name: rows[:, len(sources) + at] for at, name in enumerate(spec.known_future)})
        series = None
        if spec.series is not None:
            own, names = table.names(spec.series)
            series = np.array([numbers.setdefault(name, len(numbers)) for name in names], np.int32)[own]
        scratch.append(times, series, rows)
        room.read(scratch.rows, part.share)


def _split(chunk: Chunk) -> Iterator[tuple[int, slice | NDArray[np.int64]]]:
    """Number of a series, and its rows in a chunk."""
    if chunk.series is None or (chunk.series == chunk.series[0]).all():
        yield (0 if chunk.series is None else int(chunk.series[0])), slice(None)
        return
    together = np.argsort(chunk.series, kind="stable")
    ordered = chunk.series[together]
    borders = np.flatnonzero(np.diff(ordered)) + 1
    for rows in np.split(together, borders):
        yield int(chunk.series[rows[0]]), rows


def _surveyed(scratch: Scratch, names: list[str], spec: "DatasetSpec", lines: Lines) -> dict[str, Steps]:
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


def _streams(
    steps: dict[str, Steps],
    spec: "DatasetSpec",
    clock: Clock,
    features: tuple[str, ...],
    sources: list[str],
    lines: Lines,
) -> list[SeriesStream]:
    return [
        SeriesStream(name, own.first, spec, clock, features=features, sources=sources, places=lines)
        for name, own in steps.items()
        if own.first is not None
    ]


def _flowing(
    scratch: Scratch, streams: list[SeriesStream], *, with_table: bool
) -> Iterator[tuple[float, int, int, Filled]]:
    """All rows through their streams: share of the file, number of the series, first row there, and the rows."""
    written = [0] * len(streams)
    for chunk in scratch.chunks(with_table=with_table):
        positions = np.arange(chunk.first, chunk.first + len(chunk.times))
        is_last = chunk.first + len(chunk.times) == scratch.rows
        for number, rows in _split(chunk):
            for part in streams[number].add(Rows(chunk.times[rows], positions[rows], chunk.table[rows])):
                yield chunk.first / scratch.rows, number, written[number], part
                written[number] += len(part.timestamps)
        if is_last:
            nothing = Rows(chunk.times[:0], positions[:0], chunk.table[:0])
            for number, stream in enumerate(streams):
                for part in stream.add(nothing, is_last=True):
                    yield 1.0, number, written[number], part
                    written[number] += len(part.timestamps)


def _notes(streams: list[SeriesStream], features: tuple[str, ...]) -> tuple[str, ...]:
    notes: Counter[str] = Counter()
    for stream in streams:
        notes.update(stream.notes)
    return in_words(notes, features, np.sum([stream.missing for stream in streams], axis=0))
