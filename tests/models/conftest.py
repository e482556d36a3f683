"""Weights that are all alive, and the layers of the network written out in NumPy."""

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

Weights = dict[str, np.ndarray]


@pytest.fixture(scope="session")
def randomise() -> Callable[..., Any]:
    """Gives every weight of a layer random values, biases and gammas too, and returns the layer."""

    def randomise(layer: Any, *, scale: float = 0.5, seed: int = 1) -> Any:
        generator = np.random.default_rng(seed)
        for variable in layer.weights:
            variable.assign(generator.normal(scale=scale, size=variable.shape))
        return layer

    return randomise


@pytest.fixture(scope="session")
def weights_of() -> Callable[[Any], Weights]:
    """A layer's weights by path below the layer's own name."""
    return lambda layer: {
        variable.path.partition("/")[2]: np.asarray(keras.ops.convert_to_numpy(variable), np.float64)
        for variable in layer.weights
    }


@pytest.fixture(scope="session")
def attention_oracle() -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """Multi-head attention written out: (output [B, T, D], scores [B, N, T, S])."""

    def attend(
        query: np.ndarray, key: np.ndarray, value: np.ndarray, weights: Weights, prefix: str
    ) -> tuple[np.ndarray, np.ndarray]:
        def project(x: np.ndarray, name: str) -> np.ndarray:
            kernel, bias = weights[f"{prefix}{name}/kernel"], weights[f"{prefix}{name}/bias"]
            return np.einsum("btd,dnk->bntk", x, kernel) + bias[:, None]

        queries, keys, values = project(query, "query"), project(key, "key"), project(value, "value")
        logits = queries @ keys.swapaxes(-1, -2) / math.sqrt(queries.shape[-1])
        scores = np.exp(logits - logits.max(axis=-1, keepdims=True))
        scores /= scores.sum(axis=-1, keepdims=True)
        output = np.einsum("bntk,nkd->btd", scores @ values, weights[f"{prefix}attention_output/kernel"])
        return output + weights[f"{prefix}attention_output/bias"], scores

    return attend
