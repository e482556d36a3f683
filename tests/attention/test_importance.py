"""Permutation importance against brute force over the same donors."""

from typing import Any

import numpy as np

from headway.attention.importance import cells, known_columns, permuted_losses, series
from headway.attention.replacement import Inputs, donors

WINDOWS, STEPS, FEATURES, REPEATS = 53, 5, 3, 7
TRUTH = (STEPS - 2, 1)  # the step and feature that the target repeats


def windows() -> dict[str, Any]:
    generator = np.random.default_rng(1)
    return {
        "context": generator.normal(size=(WINDOWS, STEPS, FEATURES)).astype("float32"),
        "observed": np.ones((WINDOWS, STEPS, FEATURES), "float32"),
        "known_future": generator.normal(size=(WINDOWS, STEPS + 2, 4)).astype("float32"),
        "series": np.arange(WINDOWS, dtype="int32") % 11,
    }


TARGET = windows()["context"][:, -2, 1] + 0.1


def measure(inputs: Inputs) -> np.ndarray:
    """Error of the forecast context[:, -2, 1]; 0.1 where nothing is changed."""
    return np.abs(inputs["context"][:, -2, 1] - TARGET).astype("float64")


def only(position: int, length: int) -> np.ndarray:
    return np.arange(length) == position


def losses_of(parts: dict[str, Any], *, measure: Any = measure, repeats: int = REPEATS) -> dict[str, np.ndarray]:
    return permuted_losses(measure, windows(), parts, repeats=repeats, generator=np.random.default_rng(4))


def draws(repeats: int = REPEATS) -> list[np.ndarray]:
    generator = np.random.default_rng(4)
    return [donors(WINDOWS, generator=generator) for _ in range(repeats)]


FEATURE_PARTS = {f"feature {f}": cells(np.ones(STEPS, bool), only(f, FEATURES)) for f in range(FEATURES)}
LAG_PARTS = {f"lag {step}": cells(only(step, STEPS), np.ones(FEATURES, bool)) for step in range(STEPS)}
CELL_PARTS = {f"{t} {f}": cells(only(t, STEPS), only(f, FEATURES)) for t in range(STEPS) for f in range(FEATURES)}


def test_the_feature_lag_and_cell_that_are_read_raise_the_error_and_no_others_do() -> None:
    # By hand: the forecast of a window becomes the value of its donor.
    values = TARGET - 0.1
    expected = np.mean([np.abs(values[draw] - TARGET) for draw in draws()], axis=0)
    found = losses_of(FEATURE_PARTS | LAG_PARTS | CELL_PARTS)
    for name, losses in found.items():
        matters = name in (f"feature {TRUTH[1]}", f"lag {TRUTH[0]}", f"{TRUTH[0]} {TRUTH[1]}")
        np.testing.assert_allclose(losses, expected if matters else np.full(WINDOWS, 0.1), rtol=1e-4)
    assert expected.mean() > 0.5


def test_whether_a_value_was_observed_goes_with_it() -> None:
    def missing(inputs: Inputs) -> np.ndarray:
        return 1.0 - inputs["observed"][:, 2, 0]

    inputs = windows()
    inputs["observed"][:19, 2, 0] = 0
    part = {"cell": cells(only(2, STEPS), only(0, FEATURES))}
    found = permuted_losses(missing, inputs, part, repeats=1, generator=np.random.default_rng(4))["cell"]
    np.testing.assert_array_equal(found, (draws(1)[0] < 19).astype(float))


def test_columns_known_in_advance_are_permuted_on_their_own() -> None:
    def second_column(inputs: Inputs) -> np.ndarray:
        return inputs["known_future"][:, -1, 2].astype("float64")

    parts = {"one": known_columns(np.array([0, 1])), "two": known_columns(np.array([2]))}
    found = losses_of(parts, measure=second_column, repeats=1)
    column = windows()["known_future"][:, -1, 2]
    np.testing.assert_array_equal(found["one"], column)
    np.testing.assert_array_equal(found["two"], column[draws(1)[0]])


def test_the_series_can_be_permuted() -> None:
    def number(inputs: Inputs) -> np.ndarray:
        return inputs["series"].astype("float64")

    found = losses_of({"which": series()}, measure=number)["which"]
    expected = np.mean([windows()["series"][draw] for draw in draws()], axis=0)
    np.testing.assert_allclose(found, expected)


def test_all_parts_have_the_same_donors_whatever_is_asked_beside_them() -> None:
    alone = losses_of({"cell": CELL_PARTS["3 1"]})["cell"]
    together = losses_of(FEATURE_PARTS | LAG_PARTS)
    np.testing.assert_array_equal(alone, together["lag 3"])
    np.testing.assert_array_equal(alone, together["feature 1"])


def test_repeats_are_averaged() -> None:
    once, often = (losses_of({"lag": LAG_PARTS["lag 3"]}, repeats=repeats)["lag"] for repeats in (1, 41))
    assert often.std() < once.std() / 2
    assert abs(often.mean() - once.mean()) < 0.3
