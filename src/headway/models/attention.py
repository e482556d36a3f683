"""Attention over the time steps of a context, built on Keras `MultiHeadAttention`.

Three traps of `MultiHeadAttention`, met here once: `return_attention_scores` is an argument of the
call, not of the constructor; its results come as (output, scores); its positional order is query,
value, key, so all three are passed by name.
"""

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import KerasTensor, ops

from headway.models.attention_controls import FrozenAttention, UniformAttention
from headway.models.dense import Dense
from headway.models.initializers import Glorot
from headway.models.products import inner_products, product


class MultiHeadAttention(keras.layers.MultiHeadAttention):
    """Keras's layer by the shortest way for short contexts; no masks, no dropout, same weights, same numbers to rounding.

    Keras multiplies [B, T, D] by each kernel as B small products, and derives the gradient of the softmax operation by
    operation. Here the projections of one input are one product over all B*T steps, heads are an axis of the batch, and
    the softmax knows its gradient.
    """

    def call(
        self,
        query: KerasTensor,
        value: KerasTensor,
        key: KerasTensor | None = None,
        return_attention_scores: bool = False,
        training: bool | None = None,
    ) -> KerasTensor | tuple[KerasTensor, KerasTensor]:
        """Attended values [B, T, D]; with `return_attention_scores` also the weights [B, N, T, S]."""
        key = value if key is None else key
        if query is value and value is key:
            heads = _projected(query, [self.query_dense, self.key_dense, self.value_dense])
        else:
            sides = ((query, self.query_dense), (key, self.key_dense), (value, self.value_dense))
            heads = [_projected(x, [projection])[0] for x, projection in sides]
        scores = softmax(inner_products(heads[0] * self._inverse_sqrt_key_dim, heads[1]))
        attended = ops.transpose(product(scores, heads[2]), (0, 2, 1, 3))  # [B, N, T, K] -> [B, T, N, K]
        kernel = self.output_dense.kernel
        width = math.prod(kernel.shape[:2])
        output = product(ops.reshape(attended, (-1, width)), ops.reshape(kernel, (width, -1)))
        output = ops.reshape(ops.add(output, self.output_dense.bias), (-1, *query.shape[1:-1], kernel.shape[-1]))
        return (output, scores) if return_attention_scores else output


class SelfAttention(keras.layers.Layer):
    """Attention with query = value = key: [B, T, D] -> [B, T, D].

    Args:
        heads: Number N of heads.
        key_dim: Size of query and key per head; need not divide D, since the output projection
            brings the size back.
        dtype: Policy of computation.
    """

    def __init__(self, *, heads: int, key_dim: int, dtype: Any = None, name: str = "attention") -> None:
        super().__init__(dtype=dtype, name=name)
        self.attention = MultiHeadAttention(heads, key_dim, kernel_initializer=Glorot(), dtype=dtype, name="heads")

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Create the projections for inputs [B, T, D]."""
        self.attention.build(input_shape, input_shape)

    def call(self, x: KerasTensor) -> KerasTensor:
        """Attended values, [B, T, D]."""
        return self.attention(query=x, value=x, key=x)

    def with_scores(self, x: KerasTensor) -> tuple[KerasTensor, KerasTensor]:
        """Attended values [B, T, D], and the softmaxed weights [B, N, T, S]."""
        return self.attention(query=x, value=x, key=x, return_attention_scores=True)


class ProjectedAttention(keras.layers.Layer):
    """Attention behind a dense projection each for query, key and value: [B, T, D] -> [B, T, D].

    Args:
        heads: Number N of heads.
        key_dim: Size of query and key per head.
        dtype: Policy of computation.
    """

    def __init__(self, *, heads: int, key_dim: int, dtype: Any = None, name: str = "attention") -> None:
        super().__init__(dtype=dtype, name=name)
        self.heads, self.key_dim = heads, key_dim

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Create the projections for inputs [B, T, D]."""
        width = input_shape[-1]
        self.query = Dense(width, dtype=self.dtype_policy, name="query")
        self.key = Dense(width, dtype=self.dtype_policy, name="key")
        self.value = Dense(width, dtype=self.dtype_policy, name="value")
        for projection in (self.query, self.key, self.value):
            projection.build(input_shape)
        self.attention = MultiHeadAttention(
            self.heads, self.key_dim, kernel_initializer=Glorot(), dtype=self.dtype_policy, name="heads"
        )
        self.attention.build(input_shape, input_shape)

    def call(self, x: KerasTensor) -> KerasTensor:
        """Attended values, [B, T, D]."""
        return self.attention(query=self.query(x), value=self.value(x), key=self.key(x))

    def with_scores(self, x: KerasTensor) -> tuple[KerasTensor, KerasTensor]:
        """Attended values [B, T, D], and the softmaxed weights [B, N, T, S]."""
        return self.attention(query=self.query(x), value=self.value(x), key=self.key(x), return_attention_scores=True)


ATTENTION: dict[str, Any] = {
    "self": SelfAttention,
    "projected": ProjectedAttention,
    "uniform": UniformAttention,
    "frozen": FrozenAttention,
}


@ops.custom_gradient
def softmax(logits: KerasTensor) -> tuple[KerasTensor, Any]:
    """Softmax over the last axis, in float32 whatever the logits are in."""
    exact = ops.cast(logits, "float32")
    raised = ops.exp(exact - ops.max(exact, axis=-1, keepdims=True))
    weights = raised / ops.sum(raised, axis=-1, keepdims=True)

    def gradient(*args: KerasTensor, upstream: KerasTensor | None = None) -> KerasTensor:
        moved = ops.cast(args[0] if upstream is None else upstream, "float32") * weights
        return ops.cast(moved - weights * ops.sum(moved, axis=-1, keepdims=True), logits.dtype)

    return ops.cast(weights, logits.dtype), gradient


def _projected(x: KerasTensor, projections: Sequence[keras.layers.EinsumDense]) -> list[KerasTensor]:
    """Heads [B, N, T, K] of each projection of [B, T, D], by one product over B*T rows."""
    width, heads, size = projections[0].kernel.shape
    steps = x.shape[1]
    kernel = ops.concatenate([ops.reshape(one.kernel, (width, -1)) for one in projections], axis=-1)
    bias = ops.concatenate([ops.reshape(one.bias, (-1,)) for one in projections], axis=-1)
    rows = ops.add(product(ops.reshape(x, (-1, width)), kernel), bias)
    apart = ops.reshape(rows, (-1, steps, len(projections), heads, size))
    # Taken apart by an unstack: the gradient of a slice is a copy of the whole, filled up with zeros.
    return list(ops.unstack(ops.transpose(apart, (2, 0, 3, 1, 4)), axis=0))
