"""Deletion curves of a measure whose outcome is known by hand."""

from typing import Any

import numpy as np
import pytest

from headway.attention.deletion import ORDERS, REPLACEMENTS, Deletion, delete
from headway.attention.replacement import Inputs

WINDOWS, STEPS, FEATURES = 13, 7, 3
# Weights that differ between windows in which step they prefer, and never tie.
RECEIVED = np.random.default_rng(1).permuted(np.tile(np.arange(1.0, STEPS + 1) / 28, (WINDOWS, 1)), axis=1)
RANKS = STEPS - (RECEIVED * 28).round().astype(int)  # 0 is attended most


def windows(steps: int = STEPS, count: int = WINDOWS) -> dict[str, Any]:
    """Every value of a window is its number and its step."""
    numbers = np.arange(1, count + 1)[:, None, None] + np.arange(steps)[:, None] / 100
    context = np.broadcast_to(numbers, (count, steps, FEATURES)).astype("float32")
    return {
        "context": context,
        "observed": np.zeros_like(context),
        "known_future": np.zeros((count, steps + 2, 0), "float32"),
        "series": np.zeros(count, "int32"),
    }


def replaced(inputs: Inputs) -> np.ndarray:
    """How many steps of each window are not its own any more."""
    own = windows(inputs["context"].shape[1], len(inputs["context"]))["context"]
    return (inputs["context"] != own).all(axis=2).sum(axis=1).astype("float64")


def important(inputs: Inputs) -> np.ndarray:
    """1 from the moment on when the most attended step of a window is gone."""
    own = windows()["context"]
    return (inputs["context"] != own).all(axis=2)[RANKS == 0].astype("float64")


def deleted(measure: Any = replaced, received: np.ndarray = RECEIVED, *, seed: int = 3) -> Deletion:
    return delete(measure, windows(received.shape[1], len(received)), received, generator=np.random.default_rng(seed))


def test_a_short_context_is_deleted_step_by_step() -> None:
    found = deleted()
    assert found.steps.tolist() == list(range(STEPS + 1))
    assert found.losses.shape == (2, 3, STEPS + 1, WINDOWS)
    # Every order and every replacement has taken exactly so many steps.
    expected = np.broadcast_to(np.arange(STEPS + 1.0)[:, None], found.losses.shape)
    np.testing.assert_array_equal(found.losses, expected)
    np.testing.assert_allclose(found.areas, np.full((2, 3, WINDOWS), STEPS / 2))


def test_a_long_context_is_deleted_in_eight_strides() -> None:
    received = np.random.default_rng(2).dirichlet(np.ones(96), size=5)
    found = deleted(received=received)
    assert found.steps.tolist() == [0, 12, 24, 36, 48, 60, 72, 84, 96]
    np.testing.assert_array_equal(found.losses[1, 2, :, 4], found.steps)
    np.testing.assert_allclose(found.areas, np.full((2, 3, 5), 48.0))


@pytest.mark.parametrize(
    ("steps", "expected"), [(1, [0, 1]), (2, [0, 1, 2]), (8, [*range(9)]), (9, [0, 1, 2, 3, 4, 6, 7, 8, 9])]
)
def test_steps_reach_from_none_to_all(steps: int, expected: list[int]) -> None:
    received = np.random.default_rng(2).dirichlet(np.ones(steps), size=5)
    found = deleted(received=received)
    assert found.steps.tolist() == expected
    np.testing.assert_array_equal(found.losses[0, 0, :, 3], expected)


def test_orders_are_what_they_are_called() -> None:
    most, random, least = deleted(important).losses.mean(axis=-1)[0]
    assert ORDERS == ("most attended first", "random", "least attended first")
    # By hand: gone with the first step, with the last one, or after k of 7 steps in k of 7 windows.
    np.testing.assert_array_equal(most, [0, *[1] * STEPS])
    np.testing.assert_array_equal(least, [*[0] * STEPS, 1])
    assert 0 < random[1] < 0.6 and 0.4 < random[STEPS - 1] <= 1 and (np.diff(random) >= 0).all()


def test_areas_are_those_of_the_curves_by_the_trapezoidal_rule() -> None:
    areas = deleted(important).areas[0]
    np.testing.assert_allclose(areas[0], np.full(WINDOWS, (STEPS - 0.5) / STEPS))
    np.testing.assert_allclose(areas[2], np.full(WINDOWS, 0.5 / STEPS))
    uneven = Deletion(np.array([0, 1, 4, 6]), np.array([[[[3.0], [5.0], [7.0], [13.0]]]]))
    np.testing.assert_allclose(uneven.areas, [[[(4 * 1 + 6 * 3 + 10 * 2) / 6]]])


def test_random_order_is_drawn_for_every_window_and_knows_nothing_of_attention() -> None:
    def first_gone(inputs: Inputs) -> np.ndarray:
        gone = (inputs["context"] != windows(STEPS, 2003)["context"]).all(axis=2)
        return np.where(gone.sum(axis=1) == 1, gone.argmax(axis=1), -1).astype("float64")

    received = np.tile(RECEIVED[0], (2003, 1))
    first = deleted(first_gone, received).losses[0, :, 1]
    assert (first[0] == RECEIVED[0].argmax()).all() and (first[2] == RECEIVED[0].argmin()).all()
    counts = np.bincount(first[1].astype(int), minlength=STEPS)
    assert np.abs(counts - 2003 / STEPS).max() < 5 * np.sqrt(2003 / STEPS)


@pytest.mark.parametrize("noise", [0.0, 1e-9])
def test_ties_go_in_random_order(noise: float) -> None:
    def first_gone(inputs: Inputs) -> np.ndarray:
        gone = (inputs["context"] != windows(5, 2003)["context"]).all(axis=2)
        return np.where(gone.sum(axis=1) == 1, gone.argmax(axis=1), -1).astype("float64")

    # Uniform but for rounding, which would always delete the same step first.
    received = np.tile(0.2 + noise * np.arange(5), (2003, 1))
    first = deleted(first_gone, received).losses[0, :, 1].astype(int)
    for order in first:
        assert np.abs(np.bincount(order, minlength=5) - 2003 / 5).max() < 5 * np.sqrt(2003 / 5)
    assert (first[0] != first[1]).mean() > 0.5


def test_all_orders_share_their_first_and_last_point() -> None:
    def value(inputs: Inputs) -> np.ndarray:
        weights = np.random.default_rng(5).normal(size=STEPS)
        return inputs["context"][:, :, 1].astype("float64") @ weights

    found = deleted(value)
    for end in (0, -1):
        np.testing.assert_array_equal(found.losses[:, 0, end], found.losses[:, 1, end])
        np.testing.assert_array_equal(found.losses[:, 0, end], found.losses[:, 2, end])
    np.testing.assert_array_equal(found.losses[0, :, 0], found.losses[1, :, 0])
    np.testing.assert_array_equal(found.losses[0, 0, 0], value(windows()))
    np.testing.assert_array_equal(found.losses[0, 0, -1], np.zeros(WINDOWS))  # all at the training mean


def test_replacements_are_the_training_mean_and_another_window() -> None:
    def mean_of(inputs: Inputs) -> np.ndarray:
        return inputs["context"][:, 0, 0].astype("float64")

    assert REPLACEMENTS == ("training mean", "another window")
    by_mean, by_others = deleted(mean_of).losses[:, 0, -1]
    np.testing.assert_array_equal(by_mean, np.zeros(WINDOWS))
    assert sorted(by_others) == list(range(1, WINDOWS + 1))
    assert (by_others != np.arange(1, WINDOWS + 1)).all()


def test_a_generator_in_the_same_state_deletes_the_same_steps() -> None:
    first, again, other = (deleted(important, seed=seed).losses for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first[:, 1], other[:, 1])
