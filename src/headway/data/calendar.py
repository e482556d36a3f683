"""Calendar covariates: where in the day, week and year a time step lies, known for any future."""

from collections.abc import Mapping

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
    columns = []
    for cycle, harmonics in cycles.items():
        phase = 2 * np.pi * _phase(timestamps, cycle)
        for harmonic in range(1, harmonics + 1):
            columns += [np.sin(harmonic * phase), np.cos(harmonic * phase)]
    if not columns:
        return np.zeros((*timestamps.shape, 0), np.float32)
    return np.stack(columns, axis=-1).astype(np.float32)


def _phase(timestamps: NDArray[np.datetime64], cycle: str) -> NDArray[np.float64]:
    """Share of the cycle that has passed, in [0, 1)."""
    seconds = timestamps.astype("datetime64[s]")
    if cycle == "year":
        year = seconds.astype("datetime64[Y]")
        begin, end = year.astype("datetime64[s]"), (year + 1).astype("datetime64[s]")
        passed: NDArray[np.float64] = (seconds - begin) / (end - begin)
        return passed
    since_monday = (seconds - np.datetime64("1970-01-05", "s")).astype(np.int64)
    length = round(_LENGTH_IN_DAYS[cycle] * 86_400)
    return (since_monday % length) / length
