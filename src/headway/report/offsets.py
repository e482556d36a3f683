"""Steps of the clock as offsets that a person reads: '-5 h', '+2 d', '0'."""

from collections.abc import Sequence

import numpy as np

_SECONDS = {"wk": 604_800, "d": 86_400, "h": 3_600, "min": 60, "s": 1}
_MONTHS = {"yr": 12, "mo": 1}
_ROUND_SECONDS = (
    *(1, 2, 5, 10, 15, 30),
    *(60 * n for n in (1, 2, 5, 10, 15, 30)),
    *(3_600 * n for n in (1, 2, 3, 6, 12)),
    *(86_400 * n for n in (1, 2, 7, 14, 28, 56, 91, 182, 364, 728, 1820, 3640)),
)
_ROUND_MONTHS = (1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200)
_EVERY_STEP = 12  # so many steps and fewer are marked by their ends, not by round offsets


def offset_labels(steps: Sequence[int], *, clock: np.timedelta64) -> list[str]:
    """Name every offset, all in the largest unit in which all are whole.

    Args:
        steps: Offsets in steps of the clock; negative is the past, 0 the last step observed.
        clock: Length of one step.

    Raises:
        ValueError: The clock is not a positive length of time of whole seconds or months.
    """
    length, units = _length(clock)
    name, size = next((n, s) for n, s in units.items() if all(k * length % s == 0 for k in steps))
    return ["0" if k == 0 else f"{k * length // size:+d} {name}" for k in steps]


def past_ticks(count: int, *, clock: np.timedelta64, most: int) -> list[int]:
    """Choose offsets to label among the last `count` steps, the last of which is 0.

    A short past is labelled at both its ends, a longer one at round offsets.
    """
    if count <= _EVERY_STEP:
        return sorted({1 - count, 0})
    stride = _stride(count - 1, clock, most)
    return list(range(-((count - 1) // stride) * stride, 1, stride))


def horizon_ticks(count: int, *, clock: np.timedelta64, most: int) -> list[int]:
    """Choose offsets to label among the next `count` steps, the first of which is 1."""
    stride = _stride(count, clock, most)
    return list(range(stride, count + 1, stride))


def span_ticks(first: int, last: int, *, clock: np.timedelta64, most: int) -> list[int]:
    """Choose round offsets to label from `first` to `last`, 0 among them where it lies inside."""
    stride = _stride(last - first, clock, most)
    return [k for k in range(first, last + 1) if k % stride == 0]


def _stride(steps: int, clock: np.timedelta64, most: int) -> int:
    """The smallest round stride that gives at most `most` ticks over so many steps."""
    length, units = _length(clock)
    rounds = _ROUND_MONTHS if units is _MONTHS else _ROUND_SECONDS
    least = max(1, -(-steps // most))
    if least == 1:
        return 1
    return next((r // length for r in rounds if r % length == 0 and r // length >= least), least)


def _length(clock: np.timedelta64) -> tuple[int, dict[str, int]]:
    """Length of one step in seconds or in months, with the units that belong to it."""
    unit, _ = np.datetime_data(clock)
    if unit in ("Y", "M"):
        length, units = int(clock.astype("timedelta64[M]").astype(int)), _MONTHS
    elif unit == "generic" or np.isnat(clock) or clock % np.timedelta64(1, "s"):
        length, units = 0, _SECONDS
    else:
        length, units = int(clock // np.timedelta64(1, "s")), _SECONDS
    if length <= 0:
        raise ValueError(f"clock must be a positive timedelta64 of whole seconds or months: got {clock!r}")
    return length, units
