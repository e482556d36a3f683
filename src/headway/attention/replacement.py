"""Windows with parts of them replaced: by the training mean, or by what another window holds there.

Both are unfair in their own way: a mean never happened, and another window's value does not fit its
neighbours. What holds for both is more than an artefact of either.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Inputs = Mapping[str, NDArray[Any]]


def donors(count: int, *, generator: np.random.Generator) -> NDArray[np.int64]:
    """For each of `count` windows the number of another one, every window once."""
    order = generator.permutation(count)
    found = np.empty(count, np.int64)
    found[order] = np.roll(order, 1)
    return found


def with_mean(inputs: Inputs, where: NDArray[np.bool_]) -> Inputs:
    """The windows with context values [B, T] or [B, T, F] at the training mean, 0 in what the network sees, and observed."""
    mask = _by_feature(where)
    return {
        **inputs,
        "context": np.where(mask, np.float32(0), inputs["context"]),
        "observed": np.where(mask, np.float32(1), inputs["observed"]),
    }


def with_others(inputs: Inputs, where: NDArray[np.bool_], donors: NDArray[np.int64]) -> Inputs:
    """The windows with context values [B, T] or [B, T, F], and whether they were observed, taken from the donors [B]."""
    mask = _by_feature(where)
    return {
        **inputs,
        "context": np.where(mask, inputs["context"][donors], inputs["context"]),
        "observed": np.where(mask, inputs["observed"][donors], inputs["observed"]),
    }


def with_others_known(inputs: Inputs, columns: NDArray[np.int64], donors: NDArray[np.int64]) -> Inputs:
    """The windows with columns of what is known in advance taken from the donors [B], over context and horizon."""
    known = inputs["known_future"].copy()
    known[..., columns] = known[donors][..., columns]
    return {**inputs, "known_future": known}


def with_others_series(inputs: Inputs, donors: NDArray[np.int64]) -> Inputs:
    """The windows under the name of the series that the donors [B] belong to."""
    return {**inputs, "series": inputs["series"][donors]}


def _by_feature(where: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return where[..., None] if where.ndim == 2 else where
