"""From encoded tokens to features of every step ahead, knowing what is known of that step."""

from typing import Any

import keras
from keras import KerasTensor, ops

from headway.models.dense import Dense
from headway.models.initializers import Normal


class HorizonDecoder(keras.layers.Layer):
    """Meets what was seen with what is known of each step ahead: -> [B, H, hidden].

    Args:
        hidden: Features per horizon step.
        horizon: Steps H.
        readout: "all" reads every encoded step; "last" the last one alone, so that whatever the steps
            before it tell must come through attention.
        dtype: Policy of computation.
    """

    def __init__(
        self, *, hidden: int, horizon: int, readout: str = "all", dtype: Any = None, name: str = "decoder"
    ) -> None:
        super().__init__(dtype=dtype, name=name)
        policy = self.dtype_policy
        self.horizon, self.readout = horizon, readout
        self.summary = Dense(hidden, dtype=policy, name="summary")
        self.known = Dense(hidden, use_bias=False, dtype=policy, name="known")
        self.mix = Dense(hidden, activation="relu", dtype=policy, name="mix")

    def build(self, encoded_shape: tuple[Any, ...], known_future_shape: tuple[Any, ...]) -> None:
        """Create the weights for encoded steps [B, T, D] and covariates [B, T+H, C]."""
        batch, tokens, width = encoded_shape
        self.summary.build((batch, width * (tokens if self.readout == "all" else 1)))
        self.known.build((batch, self.horizon, known_future_shape[-1]))
        self.step = self.add_weight(
            shape=(self.horizon, self.summary.units),
            initializer=Normal(stddev=0.1),
            name="step",
        )
        self.mix.build((batch, self.horizon, self.summary.units))

    def call(self, encoded: KerasTensor, known_future: KerasTensor) -> KerasTensor:
        """Hidden features of every step ahead, [B, H, hidden]."""
        _, tokens, width = encoded.shape
        read = ops.reshape(encoded, (-1, tokens * width)) if self.readout == "all" else encoded[:, -1]
        summary = self.summary(read)
        ahead = self.known(ops.cast(known_future[:, -self.horizon :], self.compute_dtype))
        x = ops.expand_dims(summary, 1) + ahead + ops.cast(self.step, self.compute_dtype)
        x = ops.relu(x)
        return x + self.mix(x)
