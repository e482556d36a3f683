"""The rows of one series as they come, a chunk at a time, to what `assemble` makes of all of them at once."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from headway.data.along_clock import EQUAL_GAPS, Columns, Places, kept, refuse_second_clock, ticks_of
from headway.data.assemble import implausible, made_of
from headway.data.clock import Clock
from headway.data.filling import filled, filled_times, placement, refuse_overfilling, side_by_side
from headway.data.plausibility import Accepted, mask_implausible

if TYPE_CHECKING:
    from headway.config.dataset import DatasetSpec

_ROWS_AT_ONCE = 1 << 19  # rows that leave; gaps may make many of few


class Rows(NamedTuple):
    """Rows as read, in order of time.

    Attributes:
        times: [rows].
        positions: [rows] in the file.
        table: [rows, columns] of the sources, then of the columns known in advance.
    """

    times: NDArray[np.datetime64]
    positions: NDArray[np.int64]
    table: NDArray[np.float64]

    def then(self, later: "Rows") -> "Rows":
        """These rows and later ones."""
        return Rows(
            np.concatenate([self.times, later.times]),
            np.concatenate([self.positions, later.positions]),
            np.concatenate([self.table, later.table]),
        )

    def copied(self) -> "Rows":
        """The rows in memory of their own."""
        return Rows(self.times.copy(), self.positions.copy(), self.table.copy())

    def part(self, rows: slice | NDArray[np.bool_]) -> "Rows":
        """Some of the rows."""
        return Rows(self.times[rows], self.positions[rows], self.table[rows])


class Filled(NamedTuple):
    """Rows on the clock: timestamps [rows] in seconds, values [rows, F] and known_future [rows, K]."""

    timestamps: NDArray[np.datetime64]
    values: NDArray[np.float64]
    known_future: NDArray[np.float64]


class SeriesStream:
    """One series on its way.

    What a row becomes depends on rows before it, of which this holds what is needed. The last rows that share one time
    wait for the next chunk, which may bring more of them.

    Args:
        name: Of the series.
        origin: Its first time.
        spec: The policies.
        clock: The clock.
        features: Names of the columns of the context.
        sources: Names of the columns of the file that come in.
        places: For messages.

    Attributes:
        name: Of the series.
        length: Rows handed on so far, those that were missing included.
        is_as_read: Whether they are the rows as read: none was merged, and none was missing.
        segments: First rows of the stretches that no window may leave.
        missing: [F] values that are.
    """

    def __init__(
        self,
        name: str,
        origin: np.datetime64,
        spec: "DatasetSpec",
        clock: Clock,
        *,
        features: Sequence[str],
        sources: Sequence[str],
        places: Places,
    ) -> None:
        self.length = 0
        self.is_as_read = True
        self.segments = [0]
        self.missing = np.zeros(len(features), np.int64)
        self.name, self._origin, self._spec, self._clock, self._places = name, origin, spec, clock, places
        self._features, self._sources = list(features), list(sources)
        self._rows = 0
        self._waiting: Rows | None = None
        self._before: tuple[NDArray[np.datetime64], NDArray[np.int64]] | None = None  # time and tick of the last row
        self._recent = (np.empty(0, np.int64), np.empty(0, np.int64))  # ticks and positions, for a second clock
        self._accepted: dict[str, Accepted] = {}
        self._merged, self._masked, self._gaps = Counter[str](), Counter[str](), Counter[str]()

    @property
    def notes(self) -> Counter[str]:
        """What was found so far, in the order in which it is said."""
        found = Counter(self._merged)
        found.update(implausible(self._masked))
        found.update(self._gaps)  # not a sum, which would lose the order of what was found not once
        return found

    def add(self, rows: Rows, *, is_last: bool = False) -> Iterator[Filled]:
        """Take the next rows, and hand on those that are ready.

        Args:
            rows: In order of time.
            is_last: Whether no more come.

        Raises:
            DataError: As `assemble`.
        """
        if self._waiting is not None:
            rows, self._waiting = self._waiting.then(rows), None
        if not len(rows.times):
            return
        ticks = ticks_of(rows.times, rows.positions, self.name, self._clock, self._places, origin=self._origin)
        if not is_last:
            ready = int(np.searchsorted(ticks, ticks[-1]))
            # A copy, because a view would keep the whole chunk.
            self._waiting = rows.part(slice(ready, None)).copied()
            rows, ticks = rows.part(slice(ready)), ticks[:ready]
        if len(ticks):
            yield from self._filled(rows, ticks)

    def _filled(self, rows: Rows, ticks: NDArray[np.int64]) -> Iterator[Filled]:
        spec = self._spec
        self._check_clock(ticks, rows.positions)
        own = {column: rows.table[:, index] for index, column in enumerate(self._sources)}
        known = rows.table[:, len(self._sources) :]
        times = rows.times
        keep = kept(times, ticks, rows.positions, own, spec, self._merged, self._places)
        if keep is not None:
            self.is_as_read = False
            own = {column: values[keep] for column, values in own.items()}
            times, ticks, known = times[keep], ticks[keep], known[keep]
        masked = mask_implausible(
            own,
            ticks,
            plausible=spec.plausible,
            max_jump=spec.max_jump,
            patience=spec.max_gap,
            accepted=self._accepted,
        )
        for what, count in masked.items():
            self._masked[what] += count
        values = self._values(own, len(ticks), None if keep is not None else rows.table)
        yield from self._on_clock(times, ticks, values, known)

    def _check_clock(self, ticks: NDArray[np.int64], positions: NDArray[np.int64]) -> None:
        if self._spec.frequency is not None:
            return
        recent, at = self._recent
        recent, at = np.concatenate([recent, ticks]), np.concatenate([at, positions])
        refuse_second_clock(recent, at, self.name, self._clock, self._places)
        self._recent = recent[-EQUAL_GAPS - 1 :].copy(), at[-EQUAL_GAPS - 1 :].copy()

    def _values(self, own: Columns, rows: int, table: NDArray[np.float64] | None) -> NDArray[np.float64]:
        """[rows, F]: the table's first columns where they are the features as they stand, else put together."""
        if table is not None and self._features == self._sources[: len(self._features)]:
            plain = all(np.shares_memory(own[column], table) for column in self._features)
            if plain:
                return table[:, : len(self._features)]
        own |= made_of(own, self._spec)
        return side_by_side([own[column] for column in self._features], rows)

    def _on_clock(
        self,
        times: NDArray[np.datetime64],
        ticks: NDArray[np.int64],
        values: NDArray[np.float64],
        known: NDArray[np.float64],
    ) -> Iterator[Filled]:
        # The row before comes along, to show the gap to it, and is left out of what is handed on.
        again = 0
        last = times[-1:].copy(), ticks[-1:].copy()
        self._rows += len(ticks)
        if self._before is not None:
            again = 1
            times, ticks = np.concatenate([self._before[0], times]), np.concatenate([self._before[1], ticks])
        self._before = last
        placed = placement(times, ticks, self._spec, self._clock, self._gaps)
        own = placed if placed.rows is None else replace(placed, rows=placed.rows[again:])
        self.is_as_read = self.is_as_read and placed.rows is None
        start = self.length - again
        self.segments += [start + row for row in placed.begins]
        self.length = start + placed.length
        refuse_overfilling(self.name, self.length, self._rows, self._places.file)
        shift = again if placed.rows is None else 0
        for begin in range(again, placed.length, _ROWS_AT_ONCE):
            end = min(begin + _ROWS_AT_ONCE, placed.length)
            part = Filled(
                filled_times(times, placed, self._clock, begin, end),
                filled(values, own, begin - shift, end - shift),
                filled(known, own, begin - shift, end - shift),
            )
            if np.isnan(part.values.sum()):
                self.missing += np.isnan(part.values).sum(axis=0)
            yield part
