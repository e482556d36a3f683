"""The encoder block: attention and a feed-forward part, each around a residual."""

from typing import Any

import keras
from keras import KerasTensor

from headway.models.attention import ATTENTION
from headway.models.dense import Dense
from headway.models.layer_norm import LayerNorm


class EncoderBlock(keras.layers.Layer):
    """A pre-norm transformer encoder block, for any [B, T, D].

    x + attention(norm(x)), then x + feed_forward(norm(x)): Vaswani et al. 2017 with the
    normalisation inside the residual (Xiong et al. 2020), which trains without a long warm-up.

    Args:
        attention: "self" or "projected".
        heads: Number N of heads.
        key_dim: Size of query and key per head.
        feed_forward: Hidden features of the feed-forward part.
        dropout: Share of each branch's activations dropped in training.
        dtype: Policy of computation.
    """

    def __init__(
        self,
        *,
        attention: str,
        heads: int,
        key_dim: int,
        feed_forward: int,
        dropout: float,
        dtype: Any = None,
        name: str = "block",
    ) -> None:
        super().__init__(dtype=dtype, name=name)
        policy = self.dtype_policy
        self.attention_norm = LayerNorm(epsilon=1e-6, dtype=policy, name="attention_norm")
        self.attention = ATTENTION[attention](heads=heads, key_dim=key_dim, dtype=policy)
        self.feed_forward_norm = LayerNorm(epsilon=1e-6, dtype=policy, name="feed_forward_norm")
        self.hidden = Dense(feed_forward, activation="relu", dtype=policy, name="hidden")
        self.attention_dropout = keras.layers.Dropout(dropout, dtype=policy, name="attention_dropout")
        self.feed_forward_dropout = keras.layers.Dropout(dropout, dtype=policy, name="feed_forward_dropout")

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Create the weights for inputs [B, T, D]."""
        self.output_projection = Dense(input_shape[-1], dtype=self.dtype_policy, name="output")
        for layer in (self.attention_norm, self.attention, self.feed_forward_norm, self.hidden):
            layer.build(input_shape)
        self.output_projection.build((*input_shape[:-1], self.hidden.units))

    def call(self, x: KerasTensor, training: bool | None = None) -> KerasTensor:
        """Encoded steps, [B, T, D]."""
        x = x + self.attention_dropout(self.attention(self.attention_norm(x)), training=training)
        return x + self.feed_forward_dropout(self._feed_forward(x), training=training)

    def with_scores(self, x: KerasTensor) -> tuple[KerasTensor, KerasTensor]:
        """Encoded steps [B, T, D] as in a forecast, and this block's attention scores [B, N, T, S]."""
        attended, scores = self.attention.with_scores(self.attention_norm(x))
        x = x + attended
        return x + self._feed_forward(x), scores

    def _feed_forward(self, x: KerasTensor) -> KerasTensor:
        return self.output_projection(self.hidden(self.feed_forward_norm(x)))
