"""The gaps of a clock: rows that are missing are marked, and none is invented."""

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from headway.data.clock import Clock
from headway.data.series import Series
from headway.errors import DataError

if TYPE_CHECKING:
    from headway.config.dataset import DatasetSpec

Columns = dict[str, NDArray[np.float64]]
_MOST_FILLED, _MOST_FILLED_SHARE = 10_000_000, 50  # rows of a series, and how many more than it has


def on_clock(
    name: str,
    times: NDArray[np.datetime64],
    ticks: NDArray[np.int64],
    own: Columns,
    known: Columns,
    keep: NDArray[np.int64],
    features: tuple[str, ...],
    spec: "DatasetSpec",
    clock: Clock,
    notes: Counter[str],
    file: str,
) -> Series:
    """Insert the missing rows of short gaps, and begin a segment after long ones.

    Args:
        name: Of the series.
        times, ticks: [rows] as read, in order of time, and the steps of the clock since the series began.
        own: Column -> values [rows] of the series.
        known: Column -> values of all rows of the file, known in advance.
        keep: [rows] positions of the series' rows in the file.
        features: Columns of the context, in their order.
        spec: The policies.
        clock: The clock.
        notes: What was found, counted; added to.
        file: As configured, for messages.

    Raises:
        DataError: The gaps would add so many rows that they exhaust the memory.
    """
    steps = np.diff(ticks)
    missing = steps - 1
    short = (missing > 0) & (missing <= spec.max_gap)
    notes["gaps in the clock"] += int((missing > 0).sum())
    notes["gaps of one hour where clocks go forward, if these are local times: write them in UTC"] += _spring_gaps(
        times, steps, clock
    )
    notes["missing rows marked"] += int(missing[short].sum())
    notes[f"gaps longer than {spec.max_gap} steps, which no window crosses"] += int((missing > spec.max_gap).sum())
    advance = np.concatenate([[0], np.where(short, steps, 1)])
    rows = np.cumsum(advance)
    length = int(rows[-1]) + 1
    if length > _MOST_FILLED and length > _MOST_FILLED_SHARE * len(rows):
        raise DataError(
            f"{file}: the gaps of series {name!r} would add {length - len(rows):,} missing rows to {len(rows):,}; lower "
            "dataset.max_gap, so that long gaps begin a stretch of their own"
        )
    values = np.full((length, len(features)), np.nan)
    values[rows] = np.stack([own[column] for column in features], axis=1)
    known_future = np.full((length, len(known)), np.nan)
    for index, column in enumerate(known.values()):
        known_future[rows, index] = column[keep]
    segments = (0, *(int(row) for row in rows[1:][missing > spec.max_gap]))
    stored = np.arange(length)
    base = np.searchsorted(rows, stored, side="right") - 1
    timestamps = clock.after(times[base].astype("datetime64[s]"), stored - rows[base])
    return Series(name, timestamps, values, known_future, segments)


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
