"""The encoder block against its formula: pre-norm, both residuals, no dropout at inference."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from headway.models.encoder import EncoderBlock


def block(*, attention: str = "self", dropout: float = 0.0, shape: tuple[Any, ...] = (None, 7, 11)) -> EncoderBlock:
    layer = EncoderBlock(attention=attention, heads=3, key_dim=5, feed_forward=13, dropout=dropout)
    layer.build(shape)
    return layer


def norm(x: np.ndarray, weights: dict[str, np.ndarray], name: str) -> np.ndarray:
    centred = x - x.mean(axis=-1, keepdims=True)
    deviation = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-6)
    return centred / deviation * weights[f"{name}/gamma"] + weights[f"{name}/beta"]


def test_a_block_is_attention_and_feed_forward_each_around_a_residual(
    randomise: Callable[..., Any], weights_of: Callable[..., Any], attention_oracle: Callable[..., Any]
) -> None:
    layer = randomise(block())
    weights = weights_of(layer)
    x = np.random.default_rng(3).normal(size=(2, 7, 11))
    normed = norm(x, weights, "attention_norm")
    attended, expected_scores = attention_oracle(normed, normed, normed, weights, "attention/heads/")
    middle = x + attended
    hidden = norm(middle, weights, "feed_forward_norm") @ weights["hidden/kernel"] + weights["hidden/bias"]
    expected = middle + np.maximum(hidden, 0) @ weights["output/kernel"] + weights["output/bias"]
    np.testing.assert_allclose(ops.convert_to_numpy(layer(x.astype("float32"))), expected, atol=1e-4)
    output, scores = layer.with_scores(ops.convert_to_tensor(x, "float32"))
    np.testing.assert_allclose(ops.convert_to_numpy(output), expected, atol=1e-4)
    np.testing.assert_allclose(ops.convert_to_numpy(scores), expected_scores, atol=1e-5)


@pytest.mark.parametrize("shape", [(6, 8), (1, 2), (23, 5)])
def test_a_block_takes_any_length_and_width(shape: tuple[int, int]) -> None:
    output = EncoderBlock(attention="projected", heads=3, key_dim=2, feed_forward=7, dropout=0.1)(keras.Input(shape))
    assert tuple(output.shape) == (None, *shape)


def test_dropout_acts_in_training_alone() -> None:
    layer = block(dropout=0.5)
    x = np.ones((2, 7, 11), "float32") * np.arange(11, dtype="float32")
    still, _ = layer.with_scores(x)
    np.testing.assert_allclose(ops.convert_to_numpy(layer(x)), ops.convert_to_numpy(still), atol=1e-6)
    assert np.abs(ops.convert_to_numpy(layer(x, training=True)) - ops.convert_to_numpy(still)).max() > 0.01


def test_a_step_hears_of_every_other_step(randomise: Callable[..., Any]) -> None:
    layer = randomise(block())
    x = np.random.default_rng(5).normal(size=(1, 7, 11)).astype("float32")
    moved = x.copy()
    moved[0, 6, 0] += 1  # one feature: the norm takes a shift of all of them away
    difference = np.abs(ops.convert_to_numpy(layer(moved)) - ops.convert_to_numpy(layer(x))).max(axis=-1)[0]
    assert (difference > 1e-4).all()
