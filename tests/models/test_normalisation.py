"""Windows in a level of their own, with values missing."""

from typing import Any

import numpy as np
import pytest
from keras import ops

from headway.models.normalisation import levelled

TARGETS = (2, 0)


def window(seed: int = 1, *, missing: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    """Contexts [5, 7, 3] with a trend of their own, 0 where missing, and their marks."""
    generator = np.random.default_rng(seed)
    values = generator.normal(loc=generator.normal(scale=5, size=(5, 1, 3)), size=(5, 7, 3))
    observed = generator.random((5, 7, 3)) >= missing
    return np.where(observed, values, 0).astype("float32"), observed.astype("float32")


def found(kind: Any, context: np.ndarray, observed: np.ndarray) -> list[np.ndarray | None]:
    parts = levelled(ops.convert_to_tensor(context), ops.convert_to_tensor(observed), targets=TARGETS, kind=kind)
    return [None if part is None else ops.convert_to_numpy(part) for part in parts]


def test_level_and_spread_are_those_of_the_observed_values_alone() -> None:
    context, observed = window()
    seen, level, spread = found("standard", context, observed)
    expected = np.ma.masked_array(context, observed == 0)
    mean, deviation = expected.mean(axis=1), np.sqrt(expected.var(axis=1) + 1e-5)
    np.testing.assert_allclose(level[:, 0, :, 0], mean[:, list(TARGETS)], atol=1e-5)
    np.testing.assert_allclose(spread[:, 0, :, 0], deviation[:, list(TARGETS)], rtol=1e-4)
    np.testing.assert_allclose(seen, ((expected - mean[:, None]) / deviation[:, None]).filled(0), atol=1e-4)


def test_the_mean_is_taken_away_and_no_spread_divided() -> None:
    context, observed = window()
    seen, level, spread = found("mean", context, observed)
    expected = np.ma.masked_array(context, observed == 0)
    np.testing.assert_allclose(seen, (expected - expected.mean(axis=1)[:, None]).filled(0), atol=1e-5)
    assert spread is None and level.shape == (5, 1, 2, 1)


@pytest.mark.parametrize("kind", ["none", "last"])
def test_the_level_is_the_last_value_that_was_observed(kind: str) -> None:
    context, observed = window()
    seen, level, spread = found(kind, context, observed)
    last = np.array(
        [
            [values[np.flatnonzero(marks)[-1]] for values, marks in zip(one.T, seen_of.T, strict=True)]
            for one, seen_of in zip(context, observed, strict=True)
        ]
    )
    np.testing.assert_array_equal(level[:, 0, :, 0], last[:, list(TARGETS)])
    assert spread is None
    np.testing.assert_allclose(seen, context if kind == "none" else (context - last[:, None]) * observed, atol=1e-6)


@pytest.mark.parametrize("kind", ["last", "mean", "standard"])
def test_a_window_without_any_value_and_a_constant_one_stay_finite(kind: str) -> None:
    context, observed = np.zeros((2, 7, 3), "float32"), np.zeros((2, 7, 3), "float32")
    context[1], observed[1] = 3.0, 1.0
    seen, level, spread = found(kind, context, observed)
    assert np.isfinite(seen).all() and (seen == 0).all()
    assert level[:, 0, 0, 0].tolist() == [0.0, 3.0]
    assert spread is None or (spread > 0).all()
