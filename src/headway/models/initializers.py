"""First weights, drawn by NumPy: a seed begins the same network whatever computes with it."""

import math
from typing import Any

import keras
import numpy as np
from keras import KerasTensor, ops


class Glorot(keras.initializers.GlorotUniform):
    """Uniform within sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010), as Keras counts the two."""

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> KerasTensor:
        """First weights of a shape."""
        field = math.prod(shape[:-2])  # of a kernel of more than two axes, as of a convolution
        limit = math.sqrt(6 / (field * (shape[-2] + shape[-1])))
        drawn = np.random.default_rng(self.seed).uniform(-limit, limit, shape)
        return ops.convert_to_tensor(drawn, dtype or "float32")


class Normal(keras.initializers.RandomNormal):
    """Normal with mean 0."""

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> KerasTensor:
        """First weights of a shape."""
        drawn = np.random.default_rng(self.seed).normal(self.mean, self.stddev, shape)
        return ops.convert_to_tensor(drawn, dtype or "float32")


class Uniform(keras.initializers.RandomUniform):
    """Uniform between -0.05 and 0.05, as Keras begins an embedding."""

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> KerasTensor:
        """First weights of a shape."""
        drawn = np.random.default_rng(self.seed).uniform(self.minval, self.maxval, shape)
        return ops.convert_to_tensor(drawn, dtype or "float32")
