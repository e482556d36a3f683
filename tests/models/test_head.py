"""The last observed value, and quantiles that cannot cross."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from headway.models.decoder import HorizonDecoder
from headway.models.head import DirectHead, Quantiles, StepHead
from headway.models.normalisation import last_observed

LEVELS = (0.05, 0.1, 0.5, 0.7, 0.8, 0.9, 0.95)


def found(values: Any, observed: Any) -> np.ndarray:
    values, observed = np.asarray(values, "float32"), np.asarray(observed, "float32")
    return ops.convert_to_numpy(last_observed(values[None, :, None], observed[None, :, None]))[0, 0]


def head(layer: Any, *, scale: float, seed: int) -> Any:
    layer.build((None, 3, 5))
    generator = np.random.default_rng(seed)
    for variable in layer.weights:
        variable.assign(generator.normal(scale=scale, size=variable.shape))
    return layer


@pytest.mark.parametrize(
    ("observed", "expected"),
    [([1, 1, 1], 7), ([1, 1, 0], 5), ([1, 0, 0], 3), ([0, 1, 0], 5), ([0, 0, 1], 7), ([0, 0, 0], 0)],
)
def test_the_last_value_is_the_last_observed_one(observed: list[int], expected: float) -> None:
    assert found([3, 5, 7], observed) == expected


# Backends flush subnormal numbers to zero, so they are left out.
@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-100, 100, width=32, allow_subnormal=False), st.booleans()), min_size=1, max_size=41)
)
def test_the_last_value_is_what_plain_indexing_finds(steps: list[tuple[float, bool]]) -> None:
    values = [value if seen else 0.0 for value, seen in steps]
    seen = [value for value, observed in steps if observed]
    assert found(values, [observed for _, observed in steps]) == (seen[-1] if seen else 0)


@pytest.mark.parametrize("scale", [0.1, 30.0, 3000.0])
def test_quantiles_never_cross_whatever_the_weights(scale: float) -> None:
    layer = head(StepHead(targets=2, levels=LEVELS), scale=scale, seed=4)
    hidden = np.random.default_rng(5).normal(scale=100, size=(211, 3, 5)).astype("float32")
    quantiles = ops.convert_to_numpy(Quantiles(2)(layer(hidden)))
    assert quantiles.shape == (211, 3, 2, 7)
    assert np.isfinite(quantiles).all()
    assert (np.diff(quantiles, axis=-1) >= 0).all()


def test_the_median_is_linear_and_the_others_rise_from_it_by_softplus() -> None:
    layer = head(StepHead(targets=1, levels=(0.1, 0.3, 0.5, 0.9)), scale=0.5, seed=6)
    hidden = np.random.default_rng(7).normal(size=(2, 3, 5)).astype("float32")
    kernel, bias = (ops.convert_to_numpy(weight) for weight in layer.projection.weights)
    raw = hidden @ kernel + bias
    rise = np.log1p(np.exp(raw))
    median = raw[..., 2]
    below = median - rise[..., 1]
    expected = np.stack([below - rise[..., 0], below, median, median + rise[..., 3]], axis=-1)
    np.testing.assert_allclose(ops.convert_to_numpy(Quantiles(2)(layer(hidden)))[:, :, 0], expected, atol=1e-5)


@pytest.mark.parametrize("readout", ["all", "last"])
def test_a_direct_head_maps_what_was_encoded_to_all_steps_at_once(readout: str) -> None:
    layer = head(
        DirectHead(targets=2, levels=(0.3, 0.5, 0.9), horizon=7, dropout=0.5, readout=readout), scale=1.0, seed=3
    )
    encoded = np.random.default_rng(8).normal(size=(11, 3, 5)).astype("float32")
    kernel, bias = (ops.convert_to_numpy(weight) for weight in layer.projection.weights)
    read = encoded.reshape(11, 15) if readout == "all" else encoded[:, 2]
    expected = (read @ kernel + bias).reshape(11, 7, 2, 3)
    np.testing.assert_allclose(ops.convert_to_numpy(layer(encoded)), expected, rtol=1e-4, atol=1e-4)
    assert np.abs(ops.convert_to_numpy(layer(encoded, training=True)) - expected).max() > 0.1


@pytest.mark.parametrize(
    "layer",
    [
        StepHead(targets=2, levels=LEVELS),
        DirectHead(targets=2, levels=(0.5,), horizon=3, dropout=0.0, readout="all"),
    ],
)
def test_heads_answer_in_float32_whatever_comes_in(layer: Any) -> None:
    layer.build((None, 3, 5))
    assert layer(np.ones((2, 3, 5), "float16")).dtype == "float32"


def test_the_decoder_meets_a_summary_of_the_context_with_each_step_ahead() -> None:
    layer = HorizonDecoder(hidden=7, horizon=3)
    layer.build((None, 5, 2), (None, 8, 2))
    generator = np.random.default_rng(9)
    for variable in layer.weights:
        variable.assign(generator.normal(size=variable.shape))
    step, summary, bias, known, mix, mix_bias = (ops.convert_to_numpy(weight) for weight in layer.weights)
    encoded, ahead = (generator.normal(size=(2, steps, 2)).astype("float32") for steps in (5, 8))
    start = np.maximum((encoded.reshape(2, 10) @ summary + bias)[:, None] + ahead[:, 5:] @ known + step, 0)
    expected = start + np.maximum(start @ mix + mix_bias, 0)
    np.testing.assert_allclose(ops.convert_to_numpy(layer(encoded, ahead)), expected, rtol=1e-4, atol=1e-4)


def test_the_decoder_reads_the_covariates_of_the_horizon_alone() -> None:
    layer = HorizonDecoder(hidden=7, horizon=3)
    layer.build((None, 5, 2), (None, 8, 2))
    generator = np.random.default_rng(8)
    encoded, known = (generator.normal(size=(1, steps, 2)).astype("float32") for steps in (5, 8))
    past, ahead = known.copy(), known.copy()
    past[:, :5] += 1
    ahead[:, 6] += 1
    before, after = (ops.convert_to_numpy(layer(encoded, array)) for array in (past, ahead))
    changed = np.abs(after - before).max(axis=-1)[0] > 1e-6
    assert changed.tolist() == [False, True, False]  # row 6 is the second of the horizon's rows 5, 6, 7


def test_a_decoder_that_reads_the_last_step_hears_no_other() -> None:
    layer = HorizonDecoder(hidden=7, horizon=3, readout="last")
    layer.build((None, 5, 2), (None, 8, 2))
    generator = np.random.default_rng(10)
    encoded, known = (generator.normal(size=(1, steps, 2)).astype("float32") for steps in (5, 8))
    earlier, last = encoded.copy(), encoded.copy()
    earlier[:, :4] += 1
    last[:, 4] += 1
    before, same, moved = (ops.convert_to_numpy(layer(array, known)) for array in (encoded, earlier, last))
    np.testing.assert_array_equal(before, same)
    assert np.abs(moved - before).max() > 1e-3
