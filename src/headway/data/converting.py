"""Converting a file once to a store on the disk, a chunk at a time, whatever its size.

The rows are read once, checked, and put into scratch files in the file's order. From these the clock is read off, then
how many rows every series gets, and then each row is written where it belongs. What the process holds is a chunk.
Rows of one series of which nothing is made go into the store's own file at once, and stay there if none is missing.
"""

import contextlib
import logging
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from headway.data import by_series, parts, store, store_file
from headway.data.ahead import ahead, beginning
from headway.data.assemble import clock_of, in_words, refuse_missing
from headway.data.clock import Clock
from headway.data.columns import features_of, sources_of, targets_of
from headway.data.progress import progress
from headway.data.room import Room
from headway.data.scratch import Scratch
from headway.data.series import Series, fingerprint
from headway.data.series_stream import SeriesStream
from headway.data.source_file import check_digest, ends, identity
from headway.errors import DataError, StorageError

if TYPE_CHECKING:
    from headway.config.dataset import DatasetSpec

log = logging.getLogger(__name__)

_READ, _COUNTED, _WRITTEN = 0.6, 0.7, 0.95  # share of the time after which a step is done, about


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
    plan = _Plan(path, spec, features, targets, tuple(sources_of(spec, features)), folder, key)
    with progress(f"converting {spec.path}") as tell:
        written = _written(plan, tell)
        header = store.Header(
            key=key,
            source=source,
            sha256=digest,
            features=features,
            targets=targets,
            known_future=spec.known_future,
            series=tuple((one.name, one.length, tuple(one.segments)) for one in written.series),
            clock=str(written.clock),
            notes=_notes(written, features),
            fingerprint="",
            size=plan.rows_file.stat().st_size,
            ends=ends(plan.rows_file),
        )
        if store.columns(folder, header) is None:
            raise StorageError(f"{folder}: the store that was just written is damaged; is the disk failing?")
        header = replace(header, fingerprint=written.fingerprint.result())
    with _readable(spec):
        if identity(path) != source:
            raise DataError(f"{spec.path}: changed while it was read; start again when nobody writes it any more")
    header.write(folder)
    seconds = time.monotonic() - began
    log.info("%s: converted in %.1f s to %s (%.2f GB)", spec.path, seconds, folder, header.size / 1e9)
    return header


@dataclass(frozen=True)
class _Plan:
    """What is converted, and into what.

    Attributes:
        path: The file.
        spec: The dataset group.
        features, targets: Names of the store's columns.
        sources: Names of the columns of the file that the features are, or are made of.
        folder, key: Of the store.
    """

    path: Path
    spec: "DatasetSpec"
    features: tuple[str, ...]
    targets: tuple[str, ...]
    sources: tuple[str, ...]
    folder: Path
    key: str

    @property
    def rows_file(self) -> Path:
        """The store's rows."""
        return self.folder / store.ROWS

    @property
    def names(self) -> tuple[tuple[str, ...], ...]:
        """Of all columns, as the fingerprint has them."""
        return self.features, self.targets, self.spec.known_future

    @property
    def columns(self) -> list[str]:
        """Names of the columns of the file, in the order of a row in scratch."""
        return [*self.sources, *self.spec.known_future]

    @property
    def keeps_numbers(self) -> bool:
        """Whether nothing is made of the numbers that are read."""
        changes = self.spec.plausible, self.spec.max_jump, self.spec.components
        return not any(changes) and self.features == self.sources

    @property
    def keeps_places(self) -> bool:
        """Whether rows may stay where they are put when they are read, if none is missing or merged."""
        return self.keeps_numbers and not self.spec.known_future and self.spec.series is None


class _Written(NamedTuple):
    """What is known of the rows of a store.

    Attributes:
        series: What every series has become.
        missing: [F] values that are.
        clock: The clock.
        fingerprint: Of the dataset; a thread finds it.
    """

    series: list[SeriesStream]
    missing: NDArray[np.int64]
    clock: Clock
    fingerprint: Future[str]


def _written(plan: _Plan, tell: Callable[[float], None]) -> _Written:
    """Read the rows of a file, and write them into the store."""
    spec, features = plan.spec, len(plan.features)
    with contextlib.ExitStack() as stack:
        growing = None
        if plan.keeps_places:
            growing = stack.enter_context(store_file.growing(plan.rows_file, plan.key, features=features))
        scratch = Scratch(
            plan.folder,
            columns=len(plan.columns),
            many_series=spec.series is not None,
            table=None if growing is None else growing.values,
        )
        stack.enter_context(scratch)
        names, first = _read(plan, scratch, tell)
        lines = by_series.Lines(spec.path, first, scratch.rows)
        steps = by_series.surveyed(scratch, names, spec, lines)
        clock = clock_of({name: own.clock() for name, own in steps.items()}, lines, spec)
        # A first time without numbers, to know how many rows there will be.
        bare = spec.model_copy(update={"plausible": {}, "max_jump": {}, "components": {}})
        series = by_series.streams(steps, bare, clock, (), (), lines)
        if growing is not None:
            growing.lay_out(scratch.rows)
        for share, number, at, rows in by_series.flowing(scratch, series, with_table=False):
            if growing is not None and series[number].is_as_read:
                growing.write_times(at, rows.timestamps)
            tell(_READ + share * (_COUNTED - _READ))
        if not plan.keeps_numbers or not all(one.is_as_read for one in series):
            made = by_series.streams(steps, spec, clock, plan.features, plan.sources, lines)
            found = _write(plan, series, clock, by_series.flowing(scratch, made, with_table=True), tell)
            return _Written(made, np.sum([one.missing for one in made], axis=0), clock, found)
        if growing is None:
            found = _write(plan, series, clock, by_series.moving(scratch, len(series), features=features), tell)
        else:
            growing.is_whole, only = True, growing.series(series[0].name, 0, scratch.rows, series[0].segments)
            found = beginning(partial(fingerprint, [only], plan.names, clock))
        return _Written(series, scratch.missing[:features], clock, found)


def _read(plan: _Plan, scratch: Scratch, tell: Callable[[float], None]) -> tuple[list[str], int]:
    """Put all rows of a file into scratch; names of the series in their order, and the first line."""
    spec, numbers = plan.spec, dict[str, int]()
    room = Room(plan.folder, len(plan.columns) + len(plan.features) + 4, lambda share: tell(share * _READ))
    first: int | None = None
    with contextlib.closing(parts.parts(plan.path, spec)) as parts_of_file:
        while True:
            with _readable(spec):
                part = next(parts_of_file, None)
            if part is None:
                return [*numbers] or [spec.name], first or 1
            first = part.first if first is None else first
            times = part.times(first=first)
            rows = part.numbers(plan.columns)
            if spec.known_future:
                known = rows[:, len(plan.sources) :]
                refuse_missing(part.table, dict(zip(spec.known_future, known.T, strict=True)))
            series = None
            if spec.series is not None:
                own, names = part.series(spec.series)
                series = np.array([numbers.setdefault(name, len(numbers)) for name in names], np.int32)[own]
            scratch.append(times, series, rows)
            room.read(scratch.rows, part.share)


def _write(
    plan: _Plan,
    series: list[SeriesStream],
    clock: Clock,
    placed: Generator[by_series.Placed],
    tell: Callable[[float], None],
) -> Future[str]:
    """Write rows into the store; the dataset's fingerprint, which is found series by series, when one is whole."""
    begins: list[int] = np.cumsum([0, *(one.length for one in series)]).tolist()
    shape = {"features": len(plan.features), "known_future": len(plan.spec.known_future)}
    whole, left = SimpleQueue[Series | None](), [one.length for one in series]
    found = beginning(partial(fingerprint, iter(whole.get, None), plan.names, clock))
    try:
        with (
            store_file.writing(plan.rows_file, plan.key, rows=begins[-1], **shape) as file,
            contextlib.closing(ahead(placed)) as coming,
        ):
            done = 0
            for share, number, at, rows in coming:
                file.write(begins[number] + at, rows)
                left[number] -= len(rows.timestamps)
                while done < len(series) and not left[done]:
                    one = series[done]
                    whole.put(file.series(one.name, begins[done], one.length, one.segments))
                    done += 1
                tell(_COUNTED + share * (_WRITTEN - _COUNTED))
            whole.put(None)
    finally:
        whole.put(None)  # whatever happened, the thread waits for no more
    return found


@contextlib.contextmanager
def _readable(spec: "DatasetSpec") -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{spec.path}: cannot be read ({error.strerror or error}); is the disk or the mount gone?"
        ) from None


def _notes(written: _Written, features: tuple[str, ...]) -> tuple[str, ...]:
    notes: Counter[str] = Counter()
    for one in written.series:
        notes.update(one.notes)
    return in_words(notes, features, written.missing)
