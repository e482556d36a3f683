"""What the heads do: how widely and how far they look, and how alike they are."""

from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.special import entr

from headway.attention.maps import FloatArray, slices

Array = NDArray[np.float64]


def entropy(attention_scores: FloatArray) -> Array:
    """How widely each head looks: Shannon's entropy of its rows as a share of that of uniform attention.

    Attention entropy per head as in Ghader and Monz (2017, "What does attention in neural machine
    translation pay attention to?"), divided by log S.

    Args:
        attention_scores: Softmaxed weights [W, L, N, T, S].

    Returns:
        [L, N] means over windows and rows: 1 is uniform, 0 all weight on one step. With one step it is 0.

    Raises:
        ValueError: There is no window.
    """
    windows, layers, heads, rows, steps = attention_scores.shape
    total = np.zeros((layers, heads))
    for some in slices(attention_scores):
        total += entr(attention_scores[some]).sum(axis=(0, 3, 4), dtype=np.float64)
    return total / (windows * rows * np.log(steps)) if steps > 1 else total * 0


def distance(attention_scores: FloatArray) -> Array:
    """How far each head looks: the mean of |t - s|, weighted by attention.

    Mean attention distance of Dosovitskiy et al. (2021, "An image is worth 16x16 words", figure 7), in time.

    Args:
        attention_scores: Softmaxed weights [W, L, N, T, S].

    Returns:
        [L, N] means over windows and rows, in steps: 0 is each step itself, and uniform attention over T
        steps gives (T² - 1) / 3T.

    Raises:
        ValueError: There is no window.
    """
    windows, layers, heads, rows, steps = attention_scores.shape
    away = np.abs(np.arange(rows)[:, None] - np.arange(steps)).astype(np.float64)  # [T, S]
    total = np.zeros((layers, heads))
    for some in slices(attention_scores):
        total += np.tensordot(
            attention_scores[some].sum(axis=0, dtype=np.float64), away, axes=2
        )  # [L, N, T, S] -> [L, N]
    return total / (windows * rows)


def redundancy(attention_scores: FloatArray) -> Array:
    """How alike each pair of heads is, window by window: 1 minus their Jensen-Shannon divergence in bits.

    Clark et al. (2019, "What does BERT look at?", section 6) compare heads by this divergence (Lin, 1991,
    "Divergence measures based on the Shannon entropy", bounded by 1 bit). Heads that look the same way in
    the mean but not in the same windows are not redundant.

    Args:
        attention_scores: Softmaxed weights [W, L, N, T, S].

    Returns:
        [L * N, L * N] means over windows and rows, heads of the first layer first: 1 where two heads have
        the same map in every window, 0 where they never look at the same step.

    Raises:
        ValueError: There is no window.
    """
    windows, layers, heads, rows, steps = attention_scores.shape
    divergence = np.zeros((layers * heads, layers * heads))
    for some in slices(attention_scores):
        maps = attention_scores[some].reshape(-1, layers * heads, rows, steps)
        own = entr(maps).sum(axis=-1, dtype=np.float64)  # [w, L * N, T]
        for i, j in combinations(range(layers * heads), 2):
            mixed = entr((maps[:, i] + maps[:, j]) / 2).sum(axis=-1, dtype=np.float64)
            divergence[i, j] += (mixed - (own[:, i] + own[:, j]) / 2).sum()
    return _similarity((divergence + divergence.T) / (windows * rows))


def matched(first: FloatArray, second: FloatArray) -> list[tuple[int, int, float]]:
    """Pair the heads of two models, one to one, so that the pairs are as alike as can be in sum.

    The order of heads means nothing: of two trainings alike, one's first head may be the other's third.
    Alike is as in `redundancy`, of mean maps; the assignment is optimal (Crouse, 2016, "On implementing
    2D rectangular assignment algorithms", by scipy).

    Args:
        first: Mean maps [N, T, S] of one model's layer.
        second: Mean maps [M, T, S] of the other's.

    Returns:
        (head of the first, head of the second, similarity 0 to 1) of min(N, M) pairs, by head of the first.

    Raises:
        ValueError: The maps differ in T or S.
    """
    if first.shape[1:] != second.shape[1:]:
        raise ValueError(
            f"Heads are matched over the same steps: got maps {first.shape[1:]} and {second.shape[1:]}. "
            "Compare runs of one windows.context_length."
        )
    own, other = (entr(maps).sum(axis=-1, dtype=np.float64).mean(axis=-1) for maps in (first, second))
    divergence = np.empty((len(first), len(second)))
    for i, maps in enumerate(first):
        mixed = entr((maps + second) / 2).sum(axis=-1, dtype=np.float64).mean(axis=-1)  # [M]
        divergence[i] = mixed - (own[i] + other) / 2
    similarity = _similarity(divergence)
    pairs = zip(*linear_sum_assignment(similarity, maximize=True), strict=True)
    return sorted((int(i), int(j), float(similarity[i, j])) for i, j in pairs)


def _similarity(divergence: Array) -> Array:
    """1 minus a divergence in nats, told in bits; rounding may leave a hair below 0."""
    return np.clip(1 - divergence / np.log(2), 0.0, 1.0)
