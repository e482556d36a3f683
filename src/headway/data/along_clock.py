"""The rows of one series, put against the clock: in order, on it, on one clock only, and each time once."""

from collections import Counter
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from headway.data.clock import Clock
from headway.errors import DataError

if TYPE_CHECKING:
    from headway.config.dataset import DatasetSpec

Columns = dict[str, NDArray[np.float64]]
EQUAL_GAPS = 8  # in a row; a sensor that fails does not fail so regularly


class Places(Protocol):
    """Where the rows of a file stand, for messages."""

    @property
    def file(self) -> str:
        """The file's name."""
        ...

    def __len__(self) -> int:
        """Rows of the file."""
        ...

    def line(self, position: int) -> int:
        """Line of the row at a position."""
        ...

    def place(self, position: int) -> str:
        """File and line of the row at a position."""
        ...


def backward(times: NDArray[np.datetime64]) -> int | None:
    """The first of these rows that lies before the one above it, or None."""
    back = np.diff(times) < np.timedelta64(0)
    return int(back.argmax()) + 1 if back.any() else None


def goes_back(
    times: NDArray[np.datetime64], positions: NDArray[np.int64], at: int, name: str, places: Places
) -> DataError:
    """The refusal of rows that are not in order of time, of which the one at `at` is the first."""
    return DataError(
        f"{places.place(int(positions[at]))}: series {name!r} goes back in time to {times[at].astype('datetime64[s]')}; "
        "sort the file or set dataset.sort=true"
    )


def ticks_of(
    times: NDArray[np.datetime64],
    positions: NDArray[np.int64],
    name: str,
    clock: Clock,
    places: Places,
    *,
    origin: np.datetime64 | None = None,
) -> NDArray[np.int64]:
    """Steps since the series began; refuses times that are off the clock.

    Args:
        times: [rows] of the series, in order.
        positions: [rows] in the file.
        name: Of the series.
        clock: The clock.
        places: For messages.
        origin: Time of the series' first row, where these are later ones.

    Raises:
        DataError: Naming the first row that is off the clock.
    """
    origin = times[0] if origin is None else origin
    whole = None if clock.is_calendar else _whole_steps(times - origin, clock.step)
    if whole is not None:
        return whole
    steps = clock.steps_between(origin, times)
    ticks = np.round(steps)
    off = ~(np.abs(steps - ticks) < 1e-9)
    if off.any():
        first = int(off.argmax())
        common = Counter(np.diff(times).astype("timedelta64[s]").astype(int).tolist()).most_common(3)
        histogram = ", ".join(f"{seconds} s ({count} times)" for seconds, count in common)
        raise DataError(
            f"{places.place(int(positions[first]))}: {times[first].astype('datetime64[s]')} of series {name!r} is off the "
            f"clock of {clock}; steps found: {histogram}; resample the file or set dataset.frequency"
        )
    return ticks.astype(np.int64)


def _whole_steps(since: NDArray[np.timedelta64], step: np.timedelta64) -> NDArray[np.int64] | None:
    """Steps in each stretch of time if all are whole, which is the rule, and quickly found; else None."""
    unit = np.timedelta64(1, np.datetime_data(since.dtype)[0])  # type: ignore[call-overload]
    length = int(step / unit)
    if length <= 0:
        return None
    ticks: NDArray[np.int64] = since.view(np.int64) // length
    return ticks if bool((ticks * length == since.view(np.int64)).all()) else None


def refuse_second_clock(
    ticks: NDArray[np.int64], positions: NDArray[np.int64], name: str, clock: Clock, places: Places
) -> None:
    """Refuse a stretch of equal gaps: there the series has another clock, and nothing is missing.

    Raises:
        DataError: Naming the row after the first of the gaps.
    """
    steps = np.diff(ticks)
    if len(steps) <= EQUAL_GAPS or steps.max() <= 1:
        return
    stretches = np.lib.stride_tricks.sliding_window_view(steps, EQUAL_GAPS)
    other = (stretches == stretches[:, :1]).all(axis=1) & (stretches[:, 0] > 1)
    if other.any():
        first = int(other.argmax())
        raise DataError(
            f"{places.place(int(positions[first + 1]))}: the clock of series {name!r} changes from {clock} to "
            f"{clock.count * steps[first]}{clock.unit}; resample the file, or set dataset.frequency={clock} if the rows "
            "between are missing"
        )


def kept(
    times: NDArray[np.datetime64],
    ticks: NDArray[np.int64],
    positions: NDArray[np.int64],
    own: Columns,
    spec: "DatasetSpec",
    notes: Counter[str],
    places: Places,
) -> NDArray[np.bool_] | None:
    """Which rows stay where every time stands once, by the policy of the configuration; None: all.

    Args:
        times, ticks, positions: [rows] of the series, in order.
        own: Column -> values [rows]; where the policy says so, those of rows that stay become the mean.
        spec: The policies.
        notes: What was found, counted; added to.
        places: For messages.

    Raises:
        DataError: A time stands twice, and the policy is to refuse that.
    """
    again = np.concatenate([[False], np.diff(ticks) == 0])
    if not again.any():
        return None
    if spec.duplicates == "error":
        second = int(again.argmax())
        raise DataError(
            f"{places.place(int(positions[second]))}: {times[second].astype('datetime64[s]')} stands twice, first in line "
            f"{places.line(int(positions[second - 1]))}; remove one or set dataset.duplicates=first or mean"
        )
    if spec.duplicates == "mean":
        group = np.cumsum(~again) - 1
        shared = again | np.append(again[1:], False)
        for column, values in own.items():
            mean = pd.Series(values).groupby(group).transform("mean").to_numpy()
            own[column] = np.where(shared, mean, values)
    notes[f"duplicate timestamps merged ({spec.duplicates})"] += int(again.sum())
    kept_rows: NDArray[np.bool_] = ~again
    return kept_rows
