"""The heads of two forecasters: over the same windows, paired as alike as can be."""

from collections.abc import Callable
from itertools import permutations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.distance import jensenshannon

from headway.comparing.heads import HeadsComparison, compare_heads, why_not
from headway.comparing.side import Side
from headway.data import batches


def mean_maps(side: Side) -> NDArray[np.float32]:
    """[L, N, T, S] over the validation windows a run of these settings is probed with."""
    index = side.task.windows["validation"]
    numbers = np.linspace(0, len(index) - 1, 7).round().astype(np.int64)
    raw = batches.gather_raw(side.task.dataset, index, numbers)
    scores = side.forecaster.attention_scores(
        side.forecaster.inputs(raw.values, origins=raw.origins, series=raw.series)
    )
    return np.asarray(scores.mean(axis=0))


def alike(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """1 - Jensen-Shannon divergence of two maps [T, S], mean over rows, by scipy."""
    return 1 - float(np.mean([jensenshannon(*rows, base=2) ** 2 for rows in zip(one, other, strict=True)]))


def test_maps_are_means_over_the_probes_and_pairs_the_best_there_are(side: Callable[..., Side]) -> None:
    first, second = side("model.heads=3", "model.key_dim=5"), side("model.heads=3", "model.key_dim=5", weights=3)
    heads = compare_heads(first, second)
    own, other = mean_maps(first), mean_maps(second)
    np.testing.assert_allclose(heads.first, own, atol=1e-6)
    np.testing.assert_allclose(heads.second, other, atol=1e-6)
    assert heads.windows == 7
    table = [[alike(one, another) for another in other[0]] for one in own[0]]
    best = max(permutations(range(3)), key=lambda order: sum(table[i][j] for i, j in enumerate(order)))
    assert [(i, j) for i, j, _ in heads.pairs[0]] == list(enumerate(best))
    assert [pair[2] for pair in heads.pairs[0]] == pytest.approx([table[i][j] for i, j in enumerate(best)], abs=1e-5)
    assert heads.by_chance == pytest.approx(np.mean(table), abs=1e-5)


def test_of_the_deeper_model_the_last_layers_are_compared(side: Callable[..., Side]) -> None:
    first, second = side("model.layers=3"), side("model.layers=2", "model.heads=1", weights=3)
    heads = compare_heads(first, second)
    np.testing.assert_allclose(heads.first, mean_maps(first)[1:], atol=1e-6)
    np.testing.assert_allclose(heads.second, mean_maps(second), atol=1e-6)
    assert (heads.skipped, [len(pairs) for pairs in heads.pairs]) == ((1, 0), [1, 1])
    assert heads.words.endswith("; of the 3 layers of A only the last 2 are compared")


def test_the_words_name_the_pair_that_is_least_alike_by_its_own_layers() -> None:
    maps = np.full((2, 3, 5, 5), 0.2, np.float32)
    pairs = [[(0, 2, 0.95), (1, 0, 0.91), (2, 1, 0.9)], [(0, 0, 0.99), (1, 2, 0.7), (2, 1, 1.0)]]
    heads = HeadsComparison(maps, maps, pairs, (2, 4), 7, 0.8)
    assert heads.words == (
        "4 of 6 heads have a partner of similarity above 0.9; the least alike: L2 H2 and L4 H3 (0.70); "
        "in the mean partners are 0.91 alike, any head of A and any of B in the same layer 0.80; "
        "of the 4 layers of B only the last 2 are compared"
    )


def test_heads_without_partner_count_among_those_that_have_none() -> None:
    heads = HeadsComparison(np.ones((1, 1, 1, 1)), np.ones((1, 3, 1, 1)), [[(0, 1, 0.93)]], (1, 1), 7, 0.9)
    assert heads.words.startswith(
        "1 of 3 heads have a partner of similarity above 0.9; the least alike: L1 H1 and L1 H2"
    )


@pytest.mark.parametrize(("by_chance", "warned"), [(0.89, False), (0.91, True)])
def test_partners_say_little_where_any_two_heads_are_alike(by_chance: float, warned: bool) -> None:
    maps = np.ones((1, 1, 1, 1), np.float32)
    words = HeadsComparison(maps, maps, [[(0, 0, 0.93)]], (1, 1), 7, by_chance).words
    assert words.endswith("that any two are as alike makes a partner say little") == warned


def test_maps_over_other_steps_are_not_compared(side: Callable[..., Side]) -> None:
    first = side()
    assert why_not(first, side("windows.context_length=5")) == (
        "attention maps are not compared: A attends over 3 steps, B over 5"
    )
    assert why_not(first, side("model.heads=1", "seed=3")) == ""
