"""Permutation importance: the rise of the error when a part of every window is another window's.

Breiman ("Random forests", 2001) for the model-agnostic form of Fisher, Rudin and Dominici ("All models are
wrong, but many are useful", 2019). Parts that go together share their importance: permuting one leaves the
other to tell.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from headway.attention.replacement import (
    Inputs,
    donors,
    with_others,
    with_others_known,
    with_others_series,
)

Part = Callable[[Inputs, NDArray[np.int64]], Inputs]
"""The windows with a part taken from the donors [W]."""


def cells(steps: NDArray[np.bool_], features: NDArray[np.bool_]) -> Part:
    """Values of the context at steps [T] and features [F], and whether they were observed."""
    where = steps[:, None] & features[None, :]

    def permuted(inputs: Inputs, others: NDArray[np.int64]) -> Inputs:
        return with_others(inputs, np.broadcast_to(where, inputs["context"].shape), others)

    return permuted


def known_columns(columns: NDArray[np.int64]) -> Part:
    """Columns of what is known in advance, over context and horizon."""
    return lambda inputs, others: with_others_known(inputs, columns, others)


def series() -> Part:
    """Which series a window belongs to."""
    return with_others_series


def permuted_losses(
    measure: Callable[[Inputs], NDArray[np.float64]],
    inputs: Inputs,
    parts: Mapping[str, Part],
    *,
    repeats: int,
    generator: np.random.Generator,
) -> dict[str, NDArray[np.float64]]:
    """The error of every window [W] with each part permuted, mean over the repeats.

    All parts are permuted with the same donors, so that differences between parts are no luck of the draw.

    Args:
        measure: The error [W] of each of the windows it is given.
        inputs: Windows as the network sees them.
        parts: By name.
        repeats: Permutations to average over.
        generator: Of the donors.
    """
    draws = [donors(len(inputs["context"]), generator=generator) for _ in range(repeats)]
    return {name: np.mean([measure(part(inputs, draw)) for draw in draws], axis=0) for name, part in parts.items()}
