"""Offsets in the words of a clock."""

import numpy as np
import pytest

from headway.report.offsets import horizon_ticks, offset_labels, past_ticks, span_ticks


@pytest.mark.parametrize(
    ("clock", "steps", "labels"),
    [
        (np.timedelta64(1, "h"), [-5, 0, 2], ["-5 h", "0", "+2 h"]),
        (np.timedelta64(60, "m"), [-48, 0], ["-2 d", "0"]),
        (np.timedelta64(1, "h"), [-36, -24], ["-36 h", "-24 h"]),
        (np.timedelta64(15, "m"), [1, 4], ["+15 min", "+60 min"]),
        (np.timedelta64(10, "s"), [-3, 0], ["-30 s", "0"]),
        (np.timedelta64(7, "D"), [-3, 0], ["-3 wk", "0"]),
        (np.timedelta64(3, "M"), [1, 3], ["+3 mo", "+9 mo"]),
        (np.timedelta64(3, "M"), [4], ["+1 yr"]),
        (np.timedelta64(1_800_000, "ms"), [-1], ["-30 min"]),
    ],
)
def test_offsets_are_whole_in_the_largest_unit(clock: np.timedelta64, steps: list[int], labels: list[str]) -> None:
    assert offset_labels(steps, clock=clock) == labels


def test_ticks_fall_on_round_times() -> None:
    hour = np.timedelta64(1, "h")
    assert past_ticks(97, clock=hour, most=4) == [-96, -72, -48, -24, 0]
    assert horizon_ticks(6, clock=hour, most=8) == [1, 2, 3, 4, 5, 6]
    assert horizon_ticks(96, clock=hour, most=8) == [12, 24, 36, 48, 60, 72, 84, 96]
    assert span_ticks(-7, 5, clock=hour, most=5) == [-6, -3, 0, 3]


def test_ticks_of_an_odd_clock_are_still_few() -> None:
    assert len(past_ticks(97, clock=np.timedelta64(7, "m"), most=4)) <= 5
    assert len(horizon_ticks(9973, clock=np.timedelta64(13, "M"), most=5)) <= 5


@pytest.mark.parametrize(
    "clock",
    [
        np.timedelta64(0, "h"),
        np.timedelta64(-1, "h"),
        np.timedelta64("NaT"),
        np.timedelta64(1),
        np.timedelta64(1, "ms"),
    ],
)
def test_a_clock_without_a_length_is_refused(clock: np.timedelta64) -> None:
    with pytest.raises(ValueError, match="clock must be a positive timedelta64"):
        offset_labels([1], clock=clock)
