"""The gaps of a clock: rows that are missing are marked, and none is invented."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from headway.data.clock import Clock
from headway.errors import DataError

if TYPE_CHECKING:
    from headway.config.dataset import DatasetSpec

_MOST_FILLED, _MOST_FILLED_SHARE = 10_000_000, 50  # rows of a series, and how many more than it has
_ROWS_AT_ONCE = 4096  # whose columns are put side by side while they are in the processor's cache


@dataclass(frozen=True)
class Placement:
    """Where the rows of a series go when its short gaps are filled.

    Attributes:
        rows: [rows as read] their new positions, from 0 on; None: nothing is missing, and they stay.
        length: Rows afterwards.
        begins: New positions at which a segment begins after a long gap.
    """

    rows: NDArray[np.int64] | None
    length: int
    begins: tuple[int, ...]


def placement(
    times: NDArray[np.datetime64],
    ticks: NDArray[np.int64],
    spec: "DatasetSpec",
    clock: Clock,
    notes: Counter[str],
) -> Placement:
    """Find the gaps of a series, and what is to be done about them.

    Args:
        times, ticks: [rows] as read, in order of time, and the steps of the clock since the series began.
        spec: The policies.
        clock: The clock.
        notes: What was found, counted; added to.
    """
    steps = np.diff(ticks)
    gaps = np.flatnonzero(steps > 1)
    missing = steps[gaps] - 1
    is_short = missing <= spec.max_gap
    notes["gaps in the clock"] += len(gaps)
    notes["gaps of one hour where clocks go forward, if these are local times: write them in UTC"] += (
        _spring_gaps(times, steps, clock) if len(gaps) else 0
    )
    notes["missing rows marked"] += int(missing[is_short].sum())
    notes[f"gaps longer than {spec.max_gap} steps, which no window crosses"] += int((~is_short).sum())
    long = gaps[~is_short]
    if not is_short.any():
        return Placement(None, len(ticks), tuple(int(row) for row in long + 1))
    steps[long] = 1
    rows = np.concatenate([[0], np.cumsum(np.maximum(steps, 1))])
    return Placement(rows, int(rows[-1]) + 1, tuple(int(row) for row in rows[long + 1]))


def refuse_overfilling(name: str, length: int, rows: int, file: str) -> None:
    """Refuse gaps that would add so many rows that they exhaust the memory.

    Args:
        name: Of the series.
        length: Rows with the missing ones.
        rows: Rows as read.
        file: As configured, for the message.

    Raises:
        DataError: They would.
    """
    if length > _MOST_FILLED and length > _MOST_FILLED_SHARE * rows:
        raise DataError(
            f"{file}: the gaps of series {name!r} would add {length - rows:,} missing rows to {rows:,}; lower "
            "dataset.max_gap, so that long gaps begin a stretch of their own"
        )


def filled_times(
    times: NDArray[np.datetime64], placed: Placement, clock: Clock, begin: int = 0, end: int | None = None
) -> NDArray[np.datetime64]:
    """Times in seconds of the new rows from `begin` to before `end`, the missing ones included."""
    seconds = times.astype("datetime64[s]")
    if placed.rows is None:
        return seconds[begin:end]
    rows = np.arange(begin, placed.length if end is None else end)
    base = np.searchsorted(placed.rows, rows, side="right") - 1
    return clock.after(seconds[base], rows - placed.rows[base])


def filled(
    table: NDArray[np.float64], placed: Placement, begin: int = 0, end: int | None = None
) -> NDArray[np.float64]:
    """The new rows from `begin` to before `end` of a table [rows as read, columns]; those that are missing are NaN."""
    if placed.rows is None:
        return table[begin:end]
    end = placed.length if end is None else end
    first, last = np.searchsorted(placed.rows, [begin, end])
    rows = np.full((end - begin, table.shape[1]), np.nan)
    rows[placed.rows[first:last] - begin] = table[first:last]
    return rows


def side_by_side(columns: Sequence[NDArray[np.float64]], rows: int) -> NDArray[np.float64]:
    """A table [rows, columns] of columns [rows]."""
    table = np.empty((rows, len(columns)))
    for begin in range(0, rows, _ROWS_AT_ONCE):
        for index, column in enumerate(columns):
            table[begin : begin + _ROWS_AT_ONCE, index] = column[begin : begin + _ROWS_AT_ONCE]
    return table


def _spring_gaps(times: NDArray[np.datetime64], steps: NDArray[np.int64], clock: Clock) -> int:
    """Gaps of one hour, one to four o'clock on a Sunday of March: in local times no hour is missing there."""
    before = times[:-1].astype("datetime64[s]")
    hour = (before - before.astype("datetime64[D]")) // np.timedelta64(1, "h")
    is_sunday = (before.astype("datetime64[D]").astype(np.int64) + 4) % 7 == 0
    is_march = before.astype("datetime64[M]").astype(np.int64) % 12 == 2
    gap = (
        (steps > 1) & (np.diff(times) - clock.step == np.timedelta64(1, "h"))
        if clock.unit in ("s", "min", "h")
        else False
    )
    return int(np.sum(gap & is_sunday & is_march & (hour <= 3)))
