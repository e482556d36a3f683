"""Values that cannot be: they become missing, by rules that the configuration states.

Both rules look at the present and the past alone, so that no row's value depends on a later one.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


def outside(values: NDArray[np.float64], low: float, high: float) -> NDArray[np.bool_]:
    """Which values [time] lie outside the plausible interval [low, high]; missing ones do not."""
    return (values < low) | (values > high)


def jumps(values: NDArray[np.float64], ticks: NDArray[np.int64], *, largest: float, patience: int) -> NDArray[np.bool_]:
    """Which values [time] lie further than `largest` from the last accepted one.

    After `patience` steps of the clock without an accepted value the next one is accepted whatever it
    is: then the level has moved, and it is not the value that is wrong.

    Args:
        values: One series, in time order; NaN where missing.
        ticks: [time] steps of the clock since the series began.
        largest: Largest plausible change.
        patience: Steps for which the last accepted value still counts.

    Returns:
        [time], True where a value is implausible.
    """
    wrong = np.zeros(len(values), bool)
    seen = np.flatnonzero(~np.isnan(values))
    # Only where neighbours differ that much can anything be wrong; there the rule is walked row by row.
    suspect = seen[1:][np.abs(np.diff(values[seen])) > largest]
    for start in suspect:
        position = int(np.searchsorted(seen, start))
        if wrong[start] or position == 0:
            continue
        accepted = seen[position - 1]
        while position < len(seen):
            row = seen[position]
            near = ticks[row] - ticks[accepted] <= max(patience, 1)
            if wrong[accepted] or not near or abs(values[row] - values[accepted]) <= largest:
                break
            wrong[row] = True
            position += 1
    return wrong


@dataclass(frozen=True)
class Accepted:
    """What the rule on jumps needs to know of the rows before: the last accepted value, and after it one that was not.

    Attributes:
        values: [at most 2].
        ticks: [at most 2] steps of the clock since the series began.
    """

    values: NDArray[np.float64]
    ticks: NDArray[np.int64]


def jumps_after(
    before: Accepted | None, values: NDArray[np.float64], ticks: NDArray[np.int64], *, largest: float, patience: int
) -> tuple[NDArray[np.bool_], Accepted]:
    """`jumps` of later rows of a series, and what the rows after them need to know.

    Args:
        before: What it was after the rows before, or None for the first rows.
        values, ticks, largest, patience: As for `jumps`.
    """
    if before is not None:
        values, ticks = np.concatenate([before.values, values]), np.concatenate([before.ticks, ticks])
    wrong = jumps(values, ticks, largest=largest, patience=patience)
    known = np.flatnonzero(~np.isnan(values))
    accepted = known[~wrong[known]][-1:]
    left = np.concatenate([accepted, known[-1:][wrong[known[-1:]]]])
    return wrong[0 if before is None else len(before.values) :], Accepted(values[left], ticks[left])


def components(
    speed: NDArray[np.float64], direction: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Eastward and northward components of a flow that comes from a direction.

    u = -speed sin(direction), v = -speed cos(direction), the convention of meteorology. Calm is
    (0, 0) whatever its direction; a missing speed, or a missing direction of a moving flow, is missing.

    Args:
        speed: [time].
        direction: [time] in degrees, clockwise from north.

    Returns:
        u and v, [time] each, in the speed's unit.
    """
    angle = np.deg2rad(np.where(speed == 0, 0.0, direction))
    # Adding 0.0 turns -0.0 into 0.0.
    return -speed * np.sin(angle) + 0.0, -speed * np.cos(angle) + 0.0


def mask_implausible(
    columns: dict[str, NDArray[np.float64]],
    ticks: NDArray[np.int64],
    *,
    plausible: Mapping[str, tuple[float, float]],
    max_jump: Mapping[str, float],
    patience: int,
    accepted: dict[str, Accepted] | None = None,
) -> dict[str, int]:
    """Turn implausible values of one series into NaN.

    Args:
        columns: Column -> values [time] of one series; a column that changes is replaced.
        ticks: [time] steps of the clock since the series began.
        plausible: Column -> lowest and highest plausible value.
        max_jump: Column -> largest plausible change.
        patience: Steps for which the last accepted value still counts.
        accepted: Column -> what the rule on jumps knows of the rows before; changed to what it knows now. None where
            these are all rows.

    Returns:
        What was done, in words -> number of values.
    """
    accepted = {} if accepted is None else accepted
    counts = {}
    for column, (low, high) in plausible.items():
        wrong = outside(columns[column], low, high)
        if wrong.any():  # in an array of its own: the column may be the file's
            columns[column] = np.where(wrong, np.nan, columns[column])
        counts[f"{column} outside {low:g} to {high:g}"] = int(wrong.sum())
    for column, largest in max_jump.items():
        wrong, accepted[column] = jumps_after(
            accepted.get(column), columns[column], ticks, largest=largest, patience=patience
        )
        if wrong.any():  # in an array of its own: the column may be the file's
            columns[column] = np.where(wrong, np.nan, columns[column])
        counts[f"{column} jumped by more than {largest:g}"] = int(wrong.sum())
    return counts
