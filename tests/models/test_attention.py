"""The three usages of MultiHeadAttention on [None, 6, 8], and what its options are called."""

from collections.abc import Callable
from typing import Any, get_args

import keras
import numpy as np
import pytest
from keras import ops

from headway.config.model import ModelSpec
from headway.models.attention import ATTENTION, MultiHeadAttention, ProjectedAttention, SelfAttention

CONTEXT = np.random.default_rng(0).normal(size=(3, 6, 8)).astype("float32")
BOTH = pytest.mark.parametrize("attention", [SelfAttention, ProjectedAttention])


def built(attention: Any, *, heads: int, key_dim: int, shape: tuple[Any, ...] = (None, 6, 8)) -> Any:
    layer = attention(heads=heads, key_dim=key_dim)
    layer.build(shape)
    return layer


def dense(x: np.ndarray, weights: dict[str, np.ndarray], name: str) -> np.ndarray:
    return x @ weights[f"{name}/kernel"] + weights[f"{name}/bias"]


@BOTH
def test_attention_keeps_the_shape_of_a_batch_of_unknown_size(attention: Any) -> None:
    output = attention(heads=2, key_dim=4)(keras.Input((6, 8)))
    assert tuple(output.shape) == (None, 6, 8)


@BOTH
def test_scores_of_a_batch_of_unknown_size_have_one_map_per_head(attention: Any) -> None:
    layer = built(attention, heads=5, key_dim=4)
    output, scores = keras.Function(inputs := keras.Input((6, 8)), layer.with_scores(inputs)).outputs
    assert (tuple(output.shape), tuple(scores.shape)) == ((None, 6, 8), (None, 5, 6, 6))


@BOTH
def test_asking_for_scores_does_not_change_the_output(attention: Any, randomise: Callable[..., Any]) -> None:
    layer = randomise(built(attention, heads=5, key_dim=3))
    output, scores = map(ops.convert_to_numpy, layer.with_scores(CONTEXT))
    np.testing.assert_allclose(output, ops.convert_to_numpy(layer(CONTEXT)), atol=1e-5)
    np.testing.assert_allclose(scores.sum(axis=-1), np.ones((3, 5, 6)), atol=1e-6)
    assert scores.min() >= 0


def test_self_attention_is_the_textbook_formula_with_one_input_thrice(
    randomise: Callable[..., Any], weights_of: Callable[..., Any], attention_oracle: Callable[..., Any]
) -> None:
    layer = randomise(built(SelfAttention, heads=2, key_dim=4))
    output, scores = map(ops.convert_to_numpy, layer.with_scores(CONTEXT))
    expected, expected_scores = attention_oracle(CONTEXT, CONTEXT, CONTEXT, weights_of(layer), "heads/")
    np.testing.assert_allclose(output, expected, atol=1e-4)
    np.testing.assert_allclose(scores, expected_scores, atol=1e-5)


def test_each_projection_reaches_its_own_side_of_the_attention(
    randomise: Callable[..., Any], weights_of: Callable[..., Any], attention_oracle: Callable[..., Any]
) -> None:
    layer = randomise(built(ProjectedAttention, heads=2, key_dim=4))
    weights = weights_of(layer)
    query, key, value = (dense(CONTEXT, weights, name) for name in ("query", "key", "value"))
    expected, expected_scores = attention_oracle(query, key, value, weights, "heads/")
    swapped, _ = attention_oracle(query, value, key, weights, "heads/")
    output, scores = map(ops.convert_to_numpy, layer.with_scores(CONTEXT))
    np.testing.assert_allclose(output, expected, atol=1e-4)
    np.testing.assert_allclose(ops.convert_to_numpy(layer(CONTEXT)), expected, atol=1e-4)
    np.testing.assert_allclose(scores, expected_scores, atol=1e-5)
    assert np.abs(expected - swapped).max() > 0.1  # else the test could not tell them apart


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_one_product_over_all_steps_gives_what_keras_gives(dtype: str, randomise: Callable[..., Any]) -> None:
    ours, theirs = (layer(3, 5, dtype=dtype) for layer in (MultiHeadAttention, keras.layers.MultiHeadAttention))
    for layer in (ours, theirs):
        layer.build((None, 6, 8), (None, 11, 8))
        randomise(layer)
    other = np.random.default_rng(1).normal(size=(3, 11, 8)).astype("float32")
    tolerance = 1e-5 if dtype == "float32" else 0.1
    for found, expected in zip(
        ours(query=CONTEXT, value=other, return_attention_scores=True),
        theirs(query=CONTEXT, value=other, return_attention_scores=True),
        strict=True,
    ):
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        np.testing.assert_allclose(
            *(np.asarray(ops.convert_to_numpy(x), np.float64) for x in (found, expected)), atol=tolerance
        )


@BOTH
def test_key_dim_need_not_divide_the_features(attention: Any) -> None:
    layer = built(attention, heads=3, key_dim=5, shape=(None, 7, 11))
    output, scores = layer.with_scores(np.zeros((2, 7, 11), "float32"))
    assert (tuple(output.shape), tuple(scores.shape)) == ((2, 7, 11), (2, 3, 7, 7))
    heads = next(variable for variable in layer.weights if variable.path.endswith("heads/query/kernel"))
    assert tuple(heads.shape) == (11, 3, 5)


def test_keras_refuses_scores_as_an_option_of_the_constructor() -> None:
    with pytest.raises((TypeError, ValueError), match="return_attention_scores"):
        keras.layers.MultiHeadAttention(2, 4, return_attention_scores=True)


def test_a_configuration_may_choose_every_attention_and_no_other() -> None:
    assert set(get_args(ModelSpec.model_fields["attention"].annotation)) == set(ATTENTION)
