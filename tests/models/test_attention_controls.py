"""Attention that has learned nothing of where to look."""

from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from headway.models.attention_controls import FrozenAttention, UniformAttention

BOTH = pytest.mark.parametrize("attention", [UniformAttention, FrozenAttention])
CONTEXT = np.random.default_rng(0).normal(size=(3, 5, 7)).astype("float32")


def built(attention: Any, **options: Any) -> Any:
    layer = attention(heads=2, key_dim=11, **options)
    layer.build((None, 5, 7))
    return layer


@BOTH
def test_a_control_weighs_values_by_its_scores(attention: Any) -> None:
    layer = built(attention)
    output, scores = (ops.convert_to_numpy(array) for array in layer.with_scores(CONTEXT))
    kernel, bias, out, out_bias = (
        ops.convert_to_numpy(variable)
        for dense in (layer.value, layer.output_projection)
        for variable in (dense.kernel, dense.bias)
    )
    expected = np.zeros((3, 5, 7))
    for head in range(2):
        columns = slice(11 * head, 11 * head + 11)
        values = CONTEXT @ kernel[:, columns] + bias[columns]
        expected += np.stack([scores[window, head] @ values[window] for window in range(3)]) @ out[columns]
    np.testing.assert_allclose(output, expected + out_bias, atol=1e-5)
    np.testing.assert_allclose(ops.convert_to_numpy(layer(CONTEXT)), output, atol=1e-6)


@BOTH
def test_rows_sum_to_one_and_no_window_has_weights_of_its_own(attention: Any) -> None:
    scores = ops.convert_to_numpy(built(attention).with_scores(CONTEXT)[1])
    assert scores.shape == (3, 2, 5, 5)
    np.testing.assert_allclose(scores.sum(axis=-1), 1, atol=1e-6)
    assert (scores == scores[:1]).all()


def test_uniform_attention_gives_every_step_the_same_weight() -> None:
    np.testing.assert_allclose(ops.convert_to_numpy(built(UniformAttention).with_scores(CONTEXT)[1]), 1 / 5, rtol=1e-6)


def test_frozen_weights_differ_between_heads_and_follow_the_seed() -> None:
    drawn = []
    for seed in (1, 1, 2):
        keras.utils.set_random_seed(seed)
        drawn.append(ops.convert_to_numpy(built(FrozenAttention).with_scores(CONTEXT)[1])[0])
    assert np.abs(drawn[0][0] - drawn[0][1]).max() > 0.05
    assert (drawn[0] == drawn[1]).all()
    assert np.abs(drawn[0] - drawn[2]).max() > 0.05


@BOTH
def test_training_moves_values_and_never_the_weights(attention: Any) -> None:
    layer = built(attention)
    assert [variable.name for variable in layer.non_trainable_weights] == ["logits"]
    assert len(layer.trainable_weights) == 4


@BOTH
def test_a_control_computes_in_the_policy_it_is_given(attention: Any) -> None:
    output, scores = built(attention, dtype="mixed_float16").with_scores(CONTEXT)
    assert output.dtype == scores.dtype == "float16"
