"""Attention over the time steps of a context, built on Keras `MultiHeadAttention`.

Three traps of `MultiHeadAttention`, met here once: `return_attention_scores` is an argument of the
call, not of the constructor; its results come as (output, scores); its positional order is query,
value, key, so all three are passed by name.
"""

import math
from typing import Any

import keras
from keras import KerasTensor, ops

from headway.models.attention_controls import FrozenAttention, UniformAttention


class MultiHeadAttention(keras.layers.MultiHeadAttention):
    """Keras's layer with each projection as one product over all B*T steps; no masks, same weights.

    Keras multiplies [B, T, D] by a kernel as B small products, and TensorFlow then sums B gradients of
    the kernel. One product takes a tenth off a training step (benchmarks/throughput.py), and gives the
    same numbers to rounding.
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
        attended, scores = self._compute_attention(
            _project(self.query_dense, query, 1),
            _project(self.key_dense, value if key is None else key, 1),
            _project(self.value_dense, value, 1),
            training=training,
            return_attention_scores=return_attention_scores,
        )
        output = _project(self.output_dense, attended, 2)
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
        self.attention = MultiHeadAttention(heads, key_dim, dtype=dtype, name="heads")

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
        self.query = keras.layers.Dense(width, dtype=self.dtype_policy, name="query")
        self.key = keras.layers.Dense(width, dtype=self.dtype_policy, name="key")
        self.value = keras.layers.Dense(width, dtype=self.dtype_policy, name="value")
        for projection in (self.query, self.key, self.value):
            projection.build(input_shape)
        self.attention = MultiHeadAttention(self.heads, self.key_dim, dtype=self.dtype_policy, name="heads")
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


def _project(projection: keras.layers.EinsumDense, x: KerasTensor, axes: int) -> KerasTensor:
    """A projection that contracts the last `axes` axes of [B, T, ...], as one product over B*T rows."""
    kernel = projection.kernel
    width = math.prod(kernel.shape[:axes])
    rows = ops.matmul(ops.reshape(x, (-1, width)), ops.reshape(kernel, (width, -1)))
    rows = rows + ops.reshape(projection.bias, (-1,))
    return ops.reshape(rows, (-1, ops.shape(x)[1], *kernel.shape[axes:]))
