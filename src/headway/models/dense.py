"""A dense layer that is one matrix product over all rows."""

from typing import Any

import keras
from keras import KerasTensor, ops

from headway.models.initializers import Glorot
from headway.models.products import product


class Dense(keras.layers.Dense):
    """Keras's layer as one product over all rows, [..., D] -> [..., units]; same weights, same numbers.

    Keras hands TensorFlow a bias and an activation apart from a product of three axes; over rows the three are one
    operation, and nothing in between is written to memory.
    """

    def __init__(self, units: int, *, kernel_initializer: Any = None, **options: Any) -> None:
        super().__init__(units, kernel_initializer=kernel_initializer or Glorot(), **options)

    def call(self, inputs: KerasTensor, training: bool | None = None) -> KerasTensor:
        """The layer's output."""
        rows = product(ops.reshape(inputs, (-1, inputs.shape[-1])), self.kernel)
        if self.bias is not None:
            rows = ops.add(rows, self.bias)
        if self.activation is not None:
            rows = self.activation(rows)
        return rows if len(inputs.shape) == 2 else ops.reshape(rows, (-1, *inputs.shape[1:-1], self.units))
