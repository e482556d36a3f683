"""Attention maps: softmaxed scores of chosen windows, kept whole, their means, and what each step receives."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headway import files

FloatArray = NDArray[np.floating[Any]]

_WEIGHTS_AT_ONCE = 2**20  # 4 MiB of float32: temporary arrays stay near the processor


def mean_map(attention_scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean over windows of scores [P, layers, N, T, S]: [layers, N, T, S], one map per layer and head."""
    mean: NDArray[np.float32] = attention_scores.mean(axis=0)
    return mean


def received(maps: FloatArray, readout: str) -> FloatArray:
    """Weight that each step receives in maps, as the forecast reads the encoded steps.

    Args:
        maps: [..., T, S] weights, time attending by time attended to; of one head, a mean, or a rollout.
        readout: The network's `model.readout`. "all": the forecast reads every encoded step, and the mean
            over attending steps counts; it holds no opinion on which of them the forecast finds useful.
            "last": the forecast reads the last encoded step alone, and only its row counts.

    Returns:
        [..., S] weights, summing to 1 where rows do; times S, 1 is uniform attention.

    Raises:
        ValueError: The readout is neither "all" nor "last".
    """
    if readout == "all":
        mean: FloatArray = maps.mean(axis=-2)
        return mean
    if readout == "last":
        return maps[..., -1, :]
    raise ValueError(f'The readout must be "all" or "last": got "{readout}". Pass the run\'s model.readout.')


def slices(attention_scores: FloatArray) -> Iterator[slice]:
    """Walk through scores a few windows at a time, so that what is made of them never takes their size again.

    Args:
        attention_scores: [W, ...], first axis windows.

    Yields:
        Slices of all windows in order, about a million weights each.

    Raises:
        ValueError: There is no window.
    """
    windows = len(attention_scores)
    if windows == 0:
        raise ValueError("Attention is described over at least one window: got none. Choose more windows.")
    step = max(1, _WEIGHTS_AT_ONCE * windows // max(1, attention_scores.size))
    for start in range(0, windows, step):
        yield slice(start, start + step)


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
    times = origins.astype("datetime64[s]")
    with files.writing(path) as file:
        np.savez_compressed(file, attention_scores=attention_scores, origins=times, series=series)
