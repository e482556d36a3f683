"""Layer normalisation (Ba et al. 2016) with a backward pass of its own, over as few passes as it takes."""

from typing import Any

import keras
from keras import KerasTensor, ops


class LayerNorm(keras.layers.LayerNormalization):
    """Keras's layer, over the last axis; same weights, same numbers to rounding.

    Its gradient is written down instead of derived operation by operation: with few features per row a step is
    mostly passes over memory, and this one makes half as many.
    """

    def call(self, inputs: KerasTensor) -> KerasTensor:
        """Normalised features, [..., D]."""
        x = ops.cast(self.standardised(inputs), "float32") * self.gamma + self.beta
        return ops.cast(x, self.compute_dtype)

    def standardised(self, x: KerasTensor) -> KerasTensor:
        """Features with mean 0 and variance 1 in each row, before scale and shift; computed in float32."""
        epsilon = self.epsilon

        @ops.custom_gradient
        def standardise(x: KerasTensor) -> tuple[KerasTensor, Any]:
            centred = x - ops.mean(x, axis=-1, keepdims=True)
            inverse = ops.rsqrt(ops.mean(ops.square(centred), axis=-1, keepdims=True) + epsilon)
            found = centred * inverse

            def gradient(*args: KerasTensor, upstream: KerasTensor | None = None) -> KerasTensor:
                of = args[0] if upstream is None else upstream
                along = found * ops.mean(of * found, axis=-1, keepdims=True)
                return inverse * (of - ops.mean(of, axis=-1, keepdims=True) - along)

            return found, gradient

        return ops.cast(standardise(ops.cast(x, "float32")), self.compute_dtype)
