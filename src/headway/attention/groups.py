"""Groups of windows: what attention is like by hour, season, series or error, and how much windows differ."""

import numpy as np
from numpy.typing import NDArray

from headway.attention.maps import FloatArray, slices

BEST_TENTH, THE_REST, WORST_TENTH = 0, 1, 2


def grouped(attention_scores: FloatArray, codes: NDArray[np.integer], count: int) -> NDArray[np.float32]:
    """Mean of scores over the windows of each group.

    Args:
        attention_scores: [W, ...]: scores, rollouts, or what each step receives.
        codes: Group [W] of each window, 0 to count - 1; below 0 the window belongs to none.
        count: Number G of groups.

    Returns:
        [G, ...] means; NaN for a group without windows.

    Raises:
        ValueError: There is no window, not one code per window, or a code that is not below `count`.
    """
    if codes.shape != attention_scores.shape[:1]:
        raise ValueError(f"One code per window: got codes {codes.shape} for {len(attention_scores)} windows.")
    if codes.size and codes.max() >= count:
        raise ValueError(f"Codes run from 0 to {count - 1}: got {codes.max()}. Raise `count`, or mark it by -1.")
    total = np.zeros((count, *attention_scores.shape[1:]))
    for some in slices(attention_scores):
        # Not by a product with indicators: 0 * NaN would carry a left-out window into every group.
        for group in np.unique(codes[some][codes[some] >= 0]):
            total[group] += attention_scores[some][codes[some] == group].sum(axis=0, dtype=np.float64)
    sizes = np.bincount(codes[codes >= 0])
    means = np.full(total.shape, np.nan, np.float32)
    for group in np.flatnonzero(sizes):
        means[group] = total[group] / sizes[group]
    return means


def spread(attention_scores: FloatArray) -> NDArray[np.float32]:
    """How much windows differ: standard deviation [...] of scores [W, ...] over all W windows.

    Raises:
        ValueError: There is no window.
    """
    windows = len(attention_scores)
    mean, squares = (np.zeros(attention_scores.shape[1:]) for _ in range(2))
    for some in slices(attention_scores):
        mean += attention_scores[some].sum(axis=0, dtype=np.float64) / windows
    for some in slices(attention_scores):
        squares += np.square(attention_scores[some] - mean).sum(axis=0)
    return np.sqrt(squares / windows).astype(np.float32)


def error_tenths(errors: FloatArray) -> NDArray[np.int64]:
    """Group windows by their error: the best tenth, the worst tenth, and the rest.

    Args:
        errors: Error [W] of each window, lower is better; NaN where there is none to judge.

    Returns:
        [W] codes: BEST_TENTH 0, THE_REST 1, WORST_TENTH 2, and -1 without an error. A tenth is rounded
        down, but never empty where there are two errors or more; a single one belongs to the rest. Equal
        errors keep the order of their windows.
    """
    codes = np.where(np.isnan(errors), -1, THE_REST)
    judged = np.flatnonzero(codes == THE_REST)
    ranked = judged[np.argsort(errors[judged], kind="stable")]
    tenth = max(1, len(ranked) // 10) if len(ranked) > 1 else 0
    codes[ranked[:tenth]] = BEST_TENTH
    codes[ranked[len(ranked) - tenth :]] = WORST_TENTH
    return codes
