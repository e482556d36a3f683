"""Windows with parts of them replaced."""

from typing import Any

import numpy as np
import pytest

from headway.attention.replacement import donors, with_mean, with_others, with_others_known, with_others_series

WINDOWS, STEPS, FEATURES, KNOWN, HORIZON = 11, 5, 3, 4, 2


def windows() -> dict[str, Any]:
    generator = np.random.default_rng(1)
    return {
        "context": generator.normal(3, 1, size=(WINDOWS, STEPS, FEATURES)).astype("float32"),
        "observed": (generator.random((WINDOWS, STEPS, FEATURES)) < 0.6).astype("float32"),
        "known_future": generator.normal(size=(WINDOWS, STEPS + HORIZON, KNOWN)).astype("float32"),
        "series": np.arange(WINDOWS, dtype="int32") % 7,
    }


OTHERS = np.roll(np.arange(WINDOWS), 3)
STEPS_ONLY = np.random.default_rng(2).random((WINDOWS, STEPS)) < 0.4
CELLS = np.random.default_rng(3).random((WINDOWS, STEPS, FEATURES)) < 0.4


def cells_of(where: np.ndarray) -> list[tuple[int, int, int]]:
    """Every cell of a mask [B, T] or [B, T, F], by window, step and feature."""
    found = np.argwhere(where).tolist()
    return [(*cell, f) for cell in found for f in range(FEATURES)] if where.ndim == 2 else [(*cell,) for cell in found]


@pytest.mark.parametrize("count", [2, 3, 4, 5, 6, 7, 13, 101])
def test_every_window_gives_once_and_never_to_itself(count: int) -> None:
    for seed in range(20):
        found = donors(count, generator=np.random.default_rng(seed))
        assert sorted(found) == list(range(count))
        assert (found != np.arange(count)).all()


def test_donors_are_drawn_by_the_generator_alone() -> None:
    first, again, other = (donors(97, generator=np.random.default_rng(seed)) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert (first != other).mean() > 0.9


def test_a_donor_is_any_other_window_alike() -> None:
    generator = np.random.default_rng(1)
    counts = np.bincount([donors(5, generator=generator)[2] for _ in range(4000)], minlength=5)
    assert counts[2] == 0
    assert np.abs(counts[[0, 1, 3, 4]] - 1000).max() < 5 * np.sqrt(4000 * 0.25 * 0.75)


def test_a_single_window_can_only_give_to_itself() -> None:
    assert donors(1, generator=np.random.default_rng(0)).tolist() == [0]


@pytest.mark.parametrize("where", [STEPS_ONLY, CELLS], ids=["steps", "cells"])
def test_the_training_mean_is_an_observed_zero(where: np.ndarray) -> None:
    inputs, expected = windows(), windows()
    for cell in cells_of(where):
        expected["context"][cell], expected["observed"][cell] = 0, 1
    found = with_mean(inputs, where)
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype


@pytest.mark.parametrize("where", [STEPS_ONLY, CELLS], ids=["steps", "cells"])
def test_another_window_gives_its_value_and_whether_it_was_observed(where: np.ndarray) -> None:
    inputs, expected = windows(), windows()
    for window, step, feature in cells_of(where):
        for name in ("context", "observed"):
            expected[name][window, step, feature] = inputs[name][OTHERS[window], step, feature]
    found = with_others(inputs, where, OTHERS)
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)


def test_known_columns_of_another_window_are_taken_over_context_and_horizon() -> None:
    inputs, expected = windows(), windows()
    for window in range(WINDOWS):
        for column in (0, 3):
            expected["known_future"][window, :, column] = inputs["known_future"][OTHERS[window], :, column]
    found = with_others_known(inputs, np.array([0, 3]), OTHERS)
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)


def test_a_window_may_go_under_the_name_of_another_ones_series() -> None:
    inputs = windows()
    found = with_others_series(inputs, OTHERS)
    assert found["series"].tolist() == [inputs["series"][other] for other in OTHERS]
    assert all(found[name] is inputs[name] for name in ("context", "observed", "known_future"))


def test_what_was_given_is_left_as_it_was() -> None:
    inputs, untouched = windows(), windows()
    with_mean(inputs, STEPS_ONLY)
    with_others(inputs, CELLS, OTHERS)
    with_others_known(inputs, np.array([1]), OTHERS)
    with_others_series(inputs, OTHERS)
    for name, array in untouched.items():
        np.testing.assert_array_equal(inputs[name], array)
