"""Attention that has learned nothing of where to look: what a map is worth shows beside these.

The uniform control is that of Wiegreffe and Pinter ("Attention is not not explanation", EMNLP 2019),
the frozen one the fixed random Synthesizer of Tay et al. ("Synthesizer", ICML 2021). Values and
output are learned as in attention proper; only the weights are not.
"""

from typing import Any

import keras
from keras import KerasTensor, ops

from headway.models.dense import Dense
from headway.models.initializers import Normal


class UniformAttention(keras.layers.Layer):
    """Every step hears the mean of all steps: [B, T, D] -> [B, T, D].

    Args:
        heads: Number N of heads.
        key_dim: Size of a value per head.
        dtype: Policy of computation.
    """

    def __init__(self, *, heads: int, key_dim: int, dtype: Any = None, name: str = "attention") -> None:
        super().__init__(dtype=dtype, name=name)
        self.heads, self.key_dim = heads, key_dim
        self.value = Dense(heads * key_dim, dtype=self.dtype_policy, name="value")

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Create the projections and the weights [N, T, T] for inputs [B, T, D]."""
        _, steps, width = input_shape
        self.value.build(input_shape)
        self.output_projection = Dense(width, dtype=self.dtype_policy, name="output")
        self.output_projection.build((None, steps, self.value.units))
        self.logits = self.add_weight(
            shape=(self.heads, steps, steps), initializer=self.logits_start(), trainable=False, name="logits"
        )

    def logits_start(self) -> Any:
        """What the weights are the softmax of, before it."""
        return "zeros"

    def call(self, x: KerasTensor) -> KerasTensor:
        """Attended values, [B, T, D]."""
        return self.with_scores(x)[0]

    def with_scores(self, x: KerasTensor) -> tuple[KerasTensor, KerasTensor]:
        """Attended values [B, T, D], and the weights [B, N, T, S], the same for every window."""
        steps = self.logits.shape[-1]
        weights = ops.cast(ops.softmax(ops.cast(self.logits, "float32"), axis=-1), self.compute_dtype)
        values = ops.reshape(self.value(x), (-1, steps, self.heads, self.key_dim))
        attended = ops.einsum("nts,bsnk->btnk", weights, values)
        output = self.output_projection(ops.reshape(attended, (-1, steps, self.value.units)))
        return output, ops.broadcast_to(weights, (ops.shape(x)[0], *weights.shape))


class FrozenAttention(UniformAttention):
    """Every step hears all steps by weights that were drawn once, of normal logits: [B, T, D] -> [B, T, D]."""

    def logits_start(self) -> Any:
        """What the weights are the softmax of, before it."""
        return Normal(stddev=1.0)
