"""Calendar covariates by hand."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.data.calendar import calendar_features, cycles_for
from headway.data.clock import Clock

MINUTES = {"hour": 60, "day": 1440, "week": 10_080}


def at(*times: str) -> np.ndarray:
    return np.array(times, "datetime64[s]")


@pytest.mark.parametrize(
    ("time", "cycle", "share"),
    [
        ("2024-03-05T06:00", "day", 0.25),
        ("2024-03-05T00:15", "hour", 0.25),
        ("2024-03-04T00:00", "week", 0.0),  # a Monday
        ("2024-03-07T12:00", "week", 0.5),
        ("2023-07-02T12:00", "year", 0.5),
        ("2024-07-02T00:00", "year", 0.5),  # a leap year has a day more in its first half
        ("1968-12-30T18:00", "day", 0.75),
    ],
)
def test_a_share_of_the_cycle_becomes_sine_and_cosine(time: str, cycle: str, share: float) -> None:
    angle = 2 * np.pi * share
    expected = [np.sin(angle), np.cos(angle), np.sin(2 * angle), np.cos(2 * angle)]
    np.testing.assert_allclose(calendar_features(at(time), {cycle: 2})[0], expected, atol=1e-6)


@pytest.mark.parametrize(("cycle", "minutes"), MINUTES.items())
def test_covariates_repeat_with_their_cycle(cycle: str, minutes: int) -> None:
    times = np.datetime64("2024-02-27T00:00", "m") + np.arange(0, 97, 7)
    later = times + 13 * minutes
    np.testing.assert_array_equal(calendar_features(times, {cycle: 3}), calendar_features(later, {cycle: 3}))


def test_cycles_stand_in_order_and_shape_is_kept() -> None:
    times = at("2024-01-01", "2024-01-02", "2024-01-03").reshape(1, 3)
    features = calendar_features(times, {"day": 2, "year": 1})
    assert features.shape == (1, 3, 6)
    np.testing.assert_array_equal(features[..., 4:], calendar_features(times, {"year": 1}))
    assert calendar_features(times, {}).shape == (1, 3, 0)


@settings(max_examples=200, deadline=None)
@given(count=st.integers(1, 2000), unit=st.sampled_from(["min", "h", "D"]), cycle=st.sampled_from(sorted(MINUTES)))
def test_a_harmonic_has_more_than_two_steps_a_period(count: int, unit: str, cycle: str) -> None:
    step = count * {"min": 1, "h": 60, "D": 1440}[unit]
    possible = [harmonic for harmonic in range(1, 8) if Fraction(MINUTES[cycle], harmonic) > 2 * step]
    assert cycles_for(Clock(count, unit), {cycle: 7}) == ({cycle: len(possible)} if possible else {})


@pytest.mark.parametrize(
    ("frequency", "expected"),
    [
        ("1h", {"day": 2, "week": 1, "year": 1}),
        ("6h", {"day": 1, "week": 1, "year": 1}),
        ("1D", {"week": 1, "year": 1}),
        ("1M", {"year": 1}),
        ("12M", {}),
    ],
)
def test_cycles_that_a_clock_cannot_resolve_are_left_out(frequency: str, expected: dict[str, int]) -> None:
    assert cycles_for(Clock.parse(frequency), {"day": 2, "week": 1, "year": 1}) == expected
