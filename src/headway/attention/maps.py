"""Attention maps: softmaxed scores of chosen windows, kept whole, and their means."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def mean_map(attention_scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean over windows of scores [P, layers, N, T, S]: [layers, N, T, S], one map per layer and head."""
    mean: NDArray[np.float32] = attention_scores.mean(axis=0)
    return mean


def save_scores(
    path: Path,
    attention_scores: NDArray[np.float32],
    *,
    origins: NDArray[np.datetime64],
    series: NDArray[np.str_],
) -> None:
    """Write scores as npz, without pickle.

    Args:
        path: The file to write.
        attention_scores: [P, layers, N, T, S], [layers, N, T, S] per probe window.
        origins: Times [P] of each window's last context row.
        series: Names [P] of each window's series.
    """
    np.savez_compressed(path, attention_scores=attention_scores, origins=origins.astype("datetime64[s]"), series=series)
