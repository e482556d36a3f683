"""What a source hands on: series on one regular clock, missing values marked, nothing invented."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from headway.data.clock import Clock

_VALUES_AT_ONCE = 1 << 20  # numbers of a chunk of rows: 8 MiB
_HASHED_AT_ONCE = 1 << 15  # numbers that a processor's cache holds, so that only hashing them takes time


@dataclass(frozen=True)
class Series:
    """One series.

    Attributes:
        name: Its name in the file's series column.
        timestamps: [time], rising. Neighbours are one step of the clock apart, except where a
            segment begins.
        values: [time, F] in the series' own units; NaN where nothing was observed.
        known_future: [time, K] columns known in advance, in their own units.
        segments: First rows of the stretches that no window may leave; begins with 0.
    """

    name: str
    timestamps: NDArray[np.datetime64]
    values: NDArray[np.float64]
    known_future: NDArray[np.float64]
    segments: tuple[int, ...] = (0,)

    def __post_init__(self) -> None:
        rows = len(self.timestamps)
        if len(self.values) != rows or len(self.known_future) != rows:
            raise ValueError(
                f"series {self.name!r}: {rows} timestamps, {len(self.values)} rows of values and "
                f"{len(self.known_future)} of known_future must agree"
            )

    def __len__(self) -> int:
        return len(self.timestamps)

    @property
    def observed(self) -> NDArray[np.bool_]:
        """[time, F], True where a value was observed."""
        return ~np.isnan(self.values)

    @property
    def num_missing(self) -> NDArray[np.int64]:
        """[F] rows without a value."""
        return self._missing[0]

    @property
    def num_empty(self) -> int:
        """Rows without any value."""
        return self._missing[1]

    @cached_property
    def _missing(self) -> tuple[NDArray[np.int64], int]:
        missing, empty = np.zeros(self.values.shape[1], np.int64), 0
        for begin, end in chunks(0, len(self), columns=self.values.shape[1]):
            marks = np.isnan(self.values[begin:end])
            missing += marks.sum(axis=0)
            empty += int(marks.all(axis=1).sum())
        return missing, empty


@dataclass(frozen=True)
class StoredRows:
    """Rows that stay in their file: memory-mapped arrays over all series, one below the other.

    A page that is read belongs to the system, which may take it back at any time; what is computed from it
    is private memory. Whoever reads all rows does it a chunk at a time (`chunks`).

    Attributes:
        values: [rows, F] in the series' own units, NaN where missing.
        known_future: [rows, K] columns known in advance.
        timestamps: [rows].
        fingerprint: Of the dataset, as `fingerprint` computes it, found once when the rows were stored.
        begins: Row of each series' first, where they do not stand in the order of the dataset's series.

    Raises:
        ValueError: If the arrays differ in length.
    """

    values: NDArray[np.float64]
    known_future: NDArray[np.float64]
    timestamps: NDArray[np.datetime64]
    fingerprint: str
    begins: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        rows = len(self.timestamps)
        if len(self.values) != rows or len(self.known_future) != rows:
            raise ValueError(
                f"stored rows must agree: got {rows} timestamps, {len(self.values)} rows of values and "
                f"{len(self.known_future)} of known_future"
            )


@dataclass(frozen=True)
class Dataset:
    """All series of a file, and what they have in common.

    Attributes:
        name: The dataset's name.
        series: One or many.
        features: Names of the F columns of the context.
        targets: Names of the columns to forecast; each is a feature.
        known_future_columns: Names of the K columns known in advance.
        clock: The regular clock.
        season: Steps of one season.
        units: Column -> unit.
        notes: What the policies changed, in words, with counts.
        file: As configured, for messages; empty for what was never in a file.
        stored: The rows of all series where they stay in their file; each series is then a view of them.
    """

    name: str
    series: tuple[Series, ...]
    features: tuple[str, ...]
    targets: tuple[str, ...]
    known_future_columns: tuple[str, ...]
    clock: Clock
    season: int
    units: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    file: str = ""
    stored: StoredRows | None = None

    def __post_init__(self) -> None:
        if self.stored is not None and self.stored.values.shape != (self.num_rows, len(self.features)):
            raise ValueError(
                f"stored values must be [{self.num_rows}, {len(self.features)}], as the series and features say: "
                f"got {list(self.stored.values.shape)}"
            )

    @property
    def is_stored(self) -> bool:
        """Whether the rows stay in their file, so that nothing may be computed of all of them at once."""
        return self.stored is not None

    @property
    def origin(self) -> str:
        """What messages call it: the file as the user typed it, or the name of what has none."""
        return self.file or self.name

    @property
    def target_indices(self) -> list[int]:
        """Positions of the targets among the features."""
        return [self.features.index(target) for target in self.targets]

    @cached_property
    def begins(self) -> NDArray[np.int64]:
        """Where each series begins among the rows of all."""
        if self.stored is not None and self.stored.begins is not None:
            return np.array(self.stored.begins, np.int64)
        return np.cumsum([0, *(len(series) for series in self.series[:-1])])

    @cached_property
    def values(self) -> NDArray[np.float64]:
        """[rows, F] of all series, one below the other."""
        if self.stored is not None:
            return self.stored.values
        return np.concatenate([series.values for series in self.series])

    @cached_property
    def known_future(self) -> NDArray[np.float64]:
        """[rows, K] of all series, one below the other."""
        if self.stored is not None:
            return self.stored.known_future
        return np.concatenate([series.known_future for series in self.series])

    @cached_property
    def timestamps(self) -> NDArray[np.datetime64]:
        """[rows] of all series, one below the other."""
        if self.stored is not None:
            return self.stored.timestamps
        return np.concatenate([series.timestamps for series in self.series])

    @property
    def first_time(self) -> np.datetime64:
        """The time of the earliest row of any series."""
        return min(series.timestamps[0] for series in self.series if len(series))

    @cached_property
    def segment_starts(self) -> NDArray[np.int64]:
        """First rows of all segments, counted over all series one below the other."""
        pairs = zip(self.series, self.begins, strict=True)
        return np.sort(np.concatenate([np.array(series.segments, np.int64) + begin for series, begin in pairs]))

    @property
    def num_rows(self) -> int:
        """Rows of all series, inserted ones included."""
        return sum(len(series) for series in self.series)

    def fingerprint(self) -> str:
        """SHA-256 over names, times and values: what the model can see, whatever the file's format."""
        if self.stored is not None:
            return self.stored.fingerprint
        names = (self.features, self.targets, self.known_future_columns)
        return fingerprint(self.series, names, self.clock)


def fingerprint(series: Iterable[Series], names: tuple[tuple[str, ...], ...], clock: Clock) -> str:
    """SHA-256 over names, times and values, a chunk of rows at a time: the same from memory and from a file.

    Args:
        series: All series.
        names: Of the features, of the targets and of the columns known in advance.
        clock: The regular clock.
    """
    digest = hashlib.sha256()
    digest.update(repr((*names, str(clock))).encode())
    for one in series:
        digest.update(repr((one.name, one.segments)).encode())
        for begin in range(0, len(one), _HASHED_AT_ONCE):
            times = one.timestamps[begin : begin + _HASHED_AT_ONCE].astype("datetime64[s]").astype("<i8")
            digest.update(times.tobytes())
        for values in (one.values, one.known_future):
            rows = max(1, _HASHED_AT_ONCE // max(values.shape[1], 1))
            for begin in range(0, len(one), rows):
                # One bit pattern for every missing value and one for zero.
                canonical = values[begin : begin + rows] + 0.0
                canonical[np.isnan(canonical)] = np.nan
                digest.update(canonical.astype("<f8").tobytes())
    return digest.hexdigest()


def rows_at_once(columns: int) -> int:
    """Rows of so many numbers that are looked at in one go: 8 MiB of them."""
    return max(1, _VALUES_AT_ONCE // max(columns, 1))


def chunks(begin: int, end: int, *, columns: int = 1) -> Iterator[tuple[int, int]]:
    """(first, row after the last) of every chunk of rows, in order, each of `rows_at_once`.

    Args:
        begin, end: First row, and row after the last.
        columns: Numbers in a row.
    """
    rows = rows_at_once(columns)
    for first in range(begin, end, rows):
        yield first, min(first + rows, end)
