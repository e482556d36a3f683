"""Normalisation, dense products and attention by the shortest way: values and gradients of Keras's own layers."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from headway.models.attention import MultiHeadAttention, softmax
from headway.models.dense import Dense
from headway.models.head import Quantiles
from headway.models.layer_norm import LayerNorm

X = np.random.default_rng(0).normal(loc=3.0, scale=2.0, size=(3, 7, 11)).astype("float32")
UPSTREAM = np.random.default_rng(1).normal(size=(3, 7, 11)).astype("float32")


def with_gradients(call: Callable[[Any], Any], variables: list[Any], x: np.ndarray = X) -> list[np.ndarray]:
    """Output, and the gradients of its product with `UPSTREAM` by the input and the variables."""
    given = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(given)
        found = call(given)
        total = tf.reduce_sum(
            tf.cast(found, "float32") * UPSTREAM[: found.shape[0], : found.shape[1], : found.shape[2]]
        )
    parts = tape.gradient(total, [given, *(variable.value for variable in variables)])
    return [ops.convert_to_numpy(found), *(np.array(part) for part in parts)]


def twins(ours: Any, theirs: Any, randomise: Callable[..., Any], *shapes: tuple[Any, ...]) -> tuple[Any, Any]:
    for layer in (ours, theirs):
        layer.build(*shapes)
        randomise(layer)
    theirs.set_weights(ours.get_weights())
    return ours, theirs


def assert_alike(ours: Any, theirs: Any, call: Callable[[Any, Any], Any], x: np.ndarray = X) -> None:
    found, expected = (
        with_gradients(lambda given, one=one: call(one, given), one.trainable_variables, x) for one in (ours, theirs)
    )
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=5e-4, atol=2e-4)
    assert max(np.abs(other).max() for other in expected) > 0.1


def test_a_normalisation_is_that_of_keras_with_its_gradients(randomise: Callable[..., Any]) -> None:
    layers = twins(LayerNorm(epsilon=1e-6), keras.layers.LayerNormalization(epsilon=1e-6), randomise, X.shape)
    assert_alike(*layers, lambda layer, x: layer(x))


def test_a_normalised_row_has_mean_0_and_variance_1_in_half_precision_too() -> None:
    layer = LayerNorm(epsilon=1e-6, dtype="mixed_float16")
    layer.build(X.shape)
    found = layer(ops.cast(X * 200, "float16"))  # squares would overflow float16
    assert keras.backend.standardize_dtype(found.dtype) == "float16"
    rows = ops.convert_to_numpy(found).astype("float64")
    np.testing.assert_allclose(rows.mean(axis=-1), 0, atol=2e-3)
    np.testing.assert_allclose(rows.var(axis=-1), 1, atol=5e-3)


@pytest.mark.parametrize("activation", [None, "relu"])
@pytest.mark.parametrize("use_bias", [True, False])
def test_a_dense_layer_over_rows_is_that_of_keras_with_its_gradients(
    randomise: Callable[..., Any], activation: str | None, use_bias: bool
) -> None:
    layers = [kind(5, activation=activation, use_bias=use_bias) for kind in (Dense, keras.layers.Dense)]
    assert_alike(*twins(*layers, randomise, X.shape), lambda layer, x: layer(x))


def test_a_dense_layer_takes_rows_and_batches_of_unknown_size() -> None:
    layer = Dense(5)
    assert tuple(layer(keras.Input((7, 11))).shape) == (None, 7, 5)
    assert layer(X[:, 0]).shape == (3, 5)
    np.testing.assert_allclose(layer(X[:, 0]), layer(X)[:, 0], rtol=1e-5)


def test_attention_of_one_input_is_that_of_keras_with_its_gradients(randomise: Callable[..., Any]) -> None:
    layers = [kind(3, 5) for kind in (MultiHeadAttention, keras.layers.MultiHeadAttention)]
    assert_alike(*twins(*layers, randomise, X.shape, X.shape), lambda layer, x: layer(query=x, value=x, key=x))


def test_attention_of_three_inputs_is_that_of_keras_with_its_gradients(randomise: Callable[..., Any]) -> None:
    layers = [kind(3, 5) for kind in (MultiHeadAttention, keras.layers.MultiHeadAttention)]
    others = X[::-1, :5] * 0.5, X[:, 1:6] ** 2 * 0.1
    assert_alike(
        *twins(*layers, randomise, X.shape, X.shape),
        lambda layer, x: layer(query=x, value=tf.constant(others[0]), key=tf.constant(others[1])),
    )


def test_softmax_is_that_of_keras_with_its_gradient_and_bears_large_logits() -> None:
    for logits in (X, X * 1e4):
        found, gradient = with_gradients(softmax, [], logits)
        expected, expected_gradient = with_gradients(lambda x: ops.softmax(x, axis=-1), [], logits)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(gradient, expected_gradient, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(found.sum(axis=-1), 1, rtol=1e-5)


@pytest.mark.parametrize(("count", "median"), [(1, 0), (3, 1), (5, 2), (7, 1)])
def test_quantiles_are_the_median_and_sums_of_positive_steps_away_from_it(count: int, median: int) -> None:
    raw = np.random.default_rng(2).normal(size=(3, 2, count))
    step = np.log1p(np.exp(raw))
    expected = np.empty_like(raw)
    expected[..., median] = raw[..., median]
    for level in range(median + 1, count):
        expected[..., level] = expected[..., level - 1] + step[..., level]
    for level in range(median - 1, -1, -1):
        expected[..., level] = expected[..., level + 1] - step[..., level]
    np.testing.assert_allclose(Quantiles(median)(raw.astype("float32")), expected, rtol=1e-5, atol=1e-6)
