"""Calendar covariates: where in the day, week and year a time step lies, known for any future."""

from collections.abc import Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from headway.data.clock import Clock

_LENGTH_IN_DAYS = {"hour": 1 / 24, "day": 1.0, "week": 7.0, "year": 365.2425}


def cycles_for(clock: Clock, calendar: Mapping[str, int]) -> dict[str, int]:
    """The cycles a clock can resolve, each with its number of harmonics.

    A harmonic needs more than two steps per period (the sampling theorem); what has fewer is left out.

    Args:
        clock: The dataset's clock.
        calendar: Cycle -> harmonics asked for.

    Returns:
        Cycle -> harmonics that remain; cycles without any are left out.
    """
    resolved = {}
    for cycle, harmonics in calendar.items():
        largest = int(np.ceil(_LENGTH_IN_DAYS[cycle] / clock.days / 2)) - 1
        if min(harmonics, largest) > 0:
            resolved[cycle] = min(harmonics, largest)
    return resolved


def calendar_features(timestamps: NDArray[np.datetime64], cycles: Mapping[str, int]) -> NDArray[np.float32]:
    """Sine and cosine of every harmonic of every cycle.

    Args:
        timestamps: Times of any shape [...].
        cycles: Cycle -> number of harmonics, as `cycles_for` gives them.

    Returns:
        [..., C] float32 in [-1, 1]; C is twice the sum of harmonics.
    """
    found = np.empty((*timestamps.shape, 2 * sum(cycles.values())), np.float32)
    seconds, first = timestamps.astype("datetime64[s]"), 0
    for cycle, harmonics in cycles.items():
        after = first + 2 * harmonics
        if cycle in ("hour", "day"):
            length = round(_LENGTH_IN_DAYS[cycle] * 86_400)
            found[..., first:after] = _by_second(length, harmonics)[seconds.astype(np.int64) % length]
        else:
            found[..., first:after] = _waves(_phase(seconds, cycle), harmonics)
        first = after
    return found


@cache
def _by_second(length: int, harmonics: int) -> NDArray[np.float32]:
    """The columns at every second of a short cycle, which are looked up: many rows share each."""
    return _waves(np.arange(length) / length, harmonics)


def _waves(passed: NDArray[np.float64], harmonics: int) -> NDArray[np.float32]:
    """Sine and cosine of each harmonic, [..., 2 * harmonics], where a share of the cycle has passed."""
    phases = 2 * np.pi * passed[..., None] * np.arange(1, harmonics + 1)
    return np.stack([np.sin(phases), np.cos(phases)], axis=-1).reshape(*passed.shape, -1).astype(np.float32)


def _phase(seconds: NDArray[np.datetime64], cycle: str) -> NDArray[np.float64]:
    """Share of a week or year that has passed, in [0, 1)."""
    if cycle == "year":
        year = seconds.astype("datetime64[Y]")
        begin, end = year.astype("datetime64[s]"), (year + 1).astype("datetime64[s]")
        passed: NDArray[np.float64] = (seconds - begin) / (end - begin)
        return passed
    since_monday = (seconds - np.datetime64("1970-01-05", "s")).astype(np.int64)
    length = round(_LENGTH_IN_DAYS[cycle] * 86_400)
    return (since_monday % length) / length
