"""From context to tokens: what each patch of time steps tells the encoder."""

from typing import Any

import keras
from keras import KerasTensor, ops

from headway.models.dense import Dense
from headway.models.initializers import Normal, Uniform
from headway.models.patches import Patches


class LinearEmbedding(keras.layers.Layer):
    """One token per patch from its values and marks, the calendar of its last step, and the series it belongs to.

    Args:
        d_model: Features D per token.
        num_series: Series the model knows; with more than one each gets a vector of its own.
        patches: How steps become tokens.
        dtype: Policy of computation.
    """

    def __init__(
        self, *, d_model: int, num_series: int, patches: Patches, dtype: Any = None, name: str = "embedding"
    ) -> None:
        super().__init__(dtype=dtype, name=name)
        self.patches = patches
        self.projection = Dense(d_model, dtype=self.dtype_policy, name="projection")
        self.series = None
        if num_series > 1:
            self.series = keras.layers.Embedding(
                num_series, d_model, embeddings_initializer=Uniform(), dtype=self.dtype_policy, name="series"
            )

    def build(self, input_shape: dict[str, tuple[Any, ...]]) -> None:
        """Create the projection; `input_shape` maps the names of the inputs to their shapes."""
        batch, _, features = input_shape["context"]
        width = 2 * features * self.patches.length + input_shape["known_future"][-1]
        self.projection.build((batch, self.patches.count, width))
        if self.series is not None:
            self.series.build((batch,))

    def call(self, inputs: dict[str, KerasTensor]) -> KerasTensor:
        """Tokens, [B, P, D]."""
        context, observed = self.patches.cut(inputs["context"]), self.patches.cut(inputs["observed"])
        known = self.patches.ends(inputs["known_future"][:, : self.patches.steps])
        patch = ops.concatenate([context, observed, known], axis=-1)
        tokens = self.projection(ops.cast(patch, self.compute_dtype))
        if self.series is None:
            return tokens
        return tokens + ops.expand_dims(self.series(inputs["series"]), 1)


class NoEmbedding(keras.layers.Layer):
    """The scaled context itself as tokens: [B, T, F] -> [B, T, D] with D = F."""

    def __init__(
        self, *, d_model: int, num_series: int, patches: Patches, dtype: Any = None, name: str = "embedding"
    ) -> None:
        super().__init__(dtype=dtype, name=name)
        self.d_model = d_model

    def build(self, input_shape: dict[str, tuple[Any, ...]]) -> None:
        """Check the width: there is no projection that could change it."""
        features = input_shape["context"][-1]
        if features != self.d_model:
            raise ValueError(
                f"embedding=none needs d_model equal to the number of features: got d_model={self.d_model}, {features} features."
            )

    def call(self, inputs: dict[str, KerasTensor]) -> KerasTensor:
        """Tokens, [B, T, F]."""
        return ops.cast(inputs["context"], self.compute_dtype)


class LearnedPosition(keras.layers.Layer):
    """Adds one learned vector per time step: [B, T, D] -> [B, T, D]."""

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Create the vectors [T, D]."""
        self.position = self.add_weight(shape=input_shape[1:], initializer=Normal(stddev=0.02), name="position")

    def call(self, x: KerasTensor) -> KerasTensor:
        """Tokens that know their place, [B, T, D]."""
        return x + ops.cast(self.position, x.dtype)


EMBEDDING: dict[str, Any] = {"linear": LinearEmbedding, "none": NoEmbedding}
POSITION: dict[str, Any] = {"learned": LearnedPosition, "none": keras.layers.Identity}
