"""The transformer: tokens of the context, encoder blocks, a decoder over the horizon, a head."""

from typing import TYPE_CHECKING, Any

import keras
from keras import KerasTensor, ops

from headway.models.embedding import EMBEDDING, POSITION
from headway.models.encoder import EncoderBlock
from headway.models.head import HEAD, HorizonDecoder, last_observed
from headway.models.shape import TaskShape

if TYPE_CHECKING:
    from headway.config.model import ModelSpec


class Transformer(keras.Model):
    """An attention-based forecaster of scaled quantiles.

    Args:
        spec: Sizes and choices of the network.
        shape: Sizes that data and windows give.
        dtype: Precision policy; set on the model itself, so that mixed_float16 is loss-scaled.
    """

    def __init__(self, spec: "ModelSpec", shape: TaskShape, *, dtype: Any = "float32") -> None:
        # Without autocast the context arrives in float32: a half-precision last value would shift the forecast.
        super().__init__(dtype=dtype, autocast=False, name="transformer")
        self.spec, self.shape = spec, shape
        policy = self.dtype_policy
        self.embedding = EMBEDDING[spec.embedding](d_model=spec.d_model, num_series=shape.num_series, dtype=policy)
        self.position = POSITION[spec.position](dtype=policy, name="position")
        self.blocks = [
            EncoderBlock(
                attention=spec.attention,
                heads=spec.heads,
                key_dim=spec.key_dim or spec.d_model // spec.heads,
                feed_forward=spec.feed_forward,
                dropout=spec.dropout,
                dtype=policy,
                name=f"block_{number}",
            )
            for number in range(1, spec.layers + 1)
        ]
        self.norm = keras.layers.LayerNormalization(epsilon=1e-6, dtype=policy, name="norm")
        self.decoder = HorizonDecoder(
            hidden=2 * spec.d_model, horizon=shape.horizon, readout=spec.readout, dtype=policy
        )
        self.head = HEAD[spec.head](targets=len(shape.targets), levels=spec.levels)
        self.build({name: tensor.shape for name, tensor in self.input_signature().items()})

    def input_signature(self) -> dict[str, KerasTensor]:
        """Names, shapes and types of the inputs; see `call`."""
        shape = self.shape
        context = (None, shape.context_length, shape.num_features)
        known = (None, shape.context_length + shape.horizon, shape.num_known_future)
        return {
            "context": KerasTensor(context, "float32"),
            "observed": KerasTensor(context, "float32"),
            "known_future": KerasTensor(known, "float32"),
            "series": KerasTensor((None,), "int32"),
        }

    def build(self, input_shape: dict[str, tuple[Any, ...]]) -> None:
        """Create all weights; they have the same paths in every process."""
        self.embedding.build(input_shape)
        tokens = (None, self.shape.context_length, self.spec.d_model)
        for layer in (self.position, *self.blocks, self.norm):
            layer.build(tokens)
        self.decoder.build(tokens, input_shape["known_future"])
        self.head.build((None, self.shape.horizon, self.decoder.summary.units))
        self.built = True

    def call(self, inputs: dict[str, KerasTensor], training: bool | None = None) -> KerasTensor:
        """Forecast scaled quantiles.

        Args:
            inputs: "context" and "observed" [B, T, F], "known_future" [B, T+H, C], "series" [B].
            training: Whether dropout is active.

        Returns:
            [B, H, targets, Q] float32, rising along Q.
        """
        x = self.position(self.embedding(inputs))  # [B, T, F] -> [B, T, D]
        for block in self.blocks:
            x = block(x, training=training)
        hidden = self.decoder(self.norm(x), inputs["known_future"])  # [B, T, D] -> [B, H, hidden]
        return self._last_value(inputs) + self.head(hidden)

    def attention_scores(self, inputs: dict[str, KerasTensor]) -> KerasTensor:
        """Softmaxed attention weights of a forecast, in a pass of their own.

        Args:
            inputs: As for `call`.

        Returns:
            [B, layers, N, T, S] float32; every row over S sums to 1.
        """
        x = self.position(self.embedding(inputs))
        scores = []
        for block in self.blocks:
            x, weights = block.with_scores(x)
            scores.append(ops.cast(weights, "float32"))
        return ops.stack(scores, axis=1)

    def _last_value(self, inputs: dict[str, KerasTensor]) -> KerasTensor:
        """Scaled last observed value of each target, [B, 1, targets, 1]."""
        columns = list(self.shape.targets)
        values = ops.cast(ops.take(inputs["context"], columns, axis=-1), "float32")
        observed = ops.cast(ops.take(inputs["observed"], columns, axis=-1), "float32")
        return ops.expand_dims(ops.expand_dims(last_observed(values, observed), 1), -1)
