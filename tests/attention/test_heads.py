"""How widely and how far heads look, and how alike they are."""

from collections.abc import Callable
from itertools import permutations

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy as shannon

from headway.attention.heads import distance, entropy, matched, redundancy

SCORES = np.random.default_rng(3).dirichlet(np.full(7, 0.4), size=(11, 2, 3, 5)).astype("float32")
UNIFORM = np.full((11, 2, 3, 5, 7), 1 / 7, "float32")
ON_ONE = np.zeros((11, 2, 3, 5, 7), "float32")
ON_ONE[..., 4] = 1


def alike(first: np.ndarray, second: np.ndarray) -> float:
    """Mean similarity of maps [..., T, S], by scipy, whose distance is the root of the divergence."""
    return 1 - float(np.mean(jensenshannon(first, second, base=2, axis=-1) ** 2))


def test_entropy_is_the_mean_over_windows_and_rows_as_a_share_of_the_most() -> None:
    found = entropy(SCORES)
    assert found.shape == (2, 3)
    np.testing.assert_allclose(found, shannon(SCORES, axis=-1, base=7).mean(axis=(0, 3)), rtol=1e-5)


def test_entropy_is_one_for_uniform_attention_and_zero_on_one_step() -> None:
    np.testing.assert_allclose(entropy(UNIFORM), 1, rtol=1e-6)
    np.testing.assert_array_equal(entropy(ON_ONE), np.zeros((2, 3)))


def test_entropy_of_a_single_step_is_zero() -> None:
    np.testing.assert_array_equal(entropy(np.ones((11, 2, 3, 1, 1), "float32")), np.zeros((2, 3)))


def test_distance_is_the_attended_distance_in_steps() -> None:
    expected = np.zeros((2, 3))
    for row in range(5):
        for step in range(7):
            expected += SCORES[..., row, step].mean(axis=0) * abs(row - step) / 5
    np.testing.assert_allclose(distance(SCORES), expected, rtol=1e-5)


def test_distance_of_known_heads() -> None:
    size = 5
    itself, before, even = np.eye(size), np.eye(size, k=-1), np.full((size, size), 1 / size)
    before[0, 0] = 1  # nothing lies before the first step
    found = distance(np.array([[[itself, before, even]]]))
    np.testing.assert_allclose(found, [[0, 4 / 5, (size**2 - 1) / (3 * size)]])


def test_redundancy_is_scipys_divergence_window_by_window() -> None:
    found = redundancy(SCORES)
    assert found.shape == (6, 6)
    for i in range(6):
        for j in range(6):
            expected = alike(SCORES[:, i // 3, i % 3], SCORES[:, j // 3, j % 3])
            assert found[i, j] == pytest.approx(expected, abs=1e-6)
    assert np.diag(found).tolist() == [1] * 6


def test_redundancy_is_one_for_the_same_maps_and_zero_for_steps_apart() -> None:
    scores = np.zeros((11, 1, 3, 5, 7), "float32")
    scores[:, 0, :2, :, 2] = scores[:, 0, 2, :, 6] = 1
    np.testing.assert_allclose(redundancy(scores), [[1, 1, 0], [1, 1, 0], [0, 0, 1]], atol=1e-7)


def test_heads_alike_in_the_mean_but_not_in_the_same_windows_are_not_redundant() -> None:
    scores = np.zeros((2, 1, 2, 1, 3), "float32")
    scores[0, 0, 0, 0, 1] = scores[1, 0, 0, 0, 2] = 1
    scores[1, 0, 1, 0, 1] = scores[0, 0, 1, 0, 2] = 1
    assert redundancy(scores)[0, 1] == pytest.approx(0, abs=1e-7)
    first, second = scores.mean(axis=0)[0]
    assert matched(first[None], second[None]) == [(0, 0, 1.0)]


def test_more_windows_than_are_held_at_once_count_as_much_as_the_rest() -> None:
    many = np.concatenate([np.repeat(SCORES, 500, axis=0), SCORES[:1]])  # 1.2 million weights
    weights = np.append(np.full(11, 500), 1)
    each = np.concatenate([SCORES, SCORES[:1]])
    for measure in (entropy, distance, redundancy):
        expected = np.average([measure(window[None]) for window in each], axis=0, weights=weights)
        np.testing.assert_allclose(measure(many), expected, rtol=1e-4)


def test_heads_are_found_again_after_shuffling() -> None:
    maps = SCORES.mean(axis=0).reshape(6, 5, 7)
    order = [3, 0, 5, 1, 4, 2]  # shuffled[k] is maps[order[k]]
    assert matched(maps, maps[order]) == [(i, order.index(i), 1.0) for i in range(6)]


def test_the_matching_is_the_best_of_all_where_the_likeliest_pair_first_is_not() -> None:
    maps = np.random.default_rng(7).dirichlet(np.full(7, 0.4), size=(8, 5))
    first, second = maps[:3], maps[3:]
    table = np.array([[alike(a, b) for b in second] for a in first])
    best = max(permutations(range(5), 3), key=lambda order: sum(table[i, j] for i, j in enumerate(order)))
    found = matched(first, second)
    assert [(i, j) for i, j, _ in found] == list(enumerate(best))
    np.testing.assert_allclose([value for *_, value in found], [table[i, j] for i, j in enumerate(best)], rtol=1e-6)
    assert best != greedy(table)  # else a simpler matching would pass


def greedy(table: np.ndarray) -> tuple[int, ...]:
    left, order = table.copy(), [-1] * len(table)
    for _ in table:
        i, j = np.unravel_index(left.argmax(), left.shape)
        order[i] = int(j)
        left[i], left[:, j] = -1, -1
    return tuple(order)


def test_with_fewer_heads_on_the_other_side_as_many_are_matched() -> None:
    maps = SCORES.mean(axis=0).reshape(6, 5, 7)
    assert matched(maps, maps[[4, 1]]) == [(1, 1, 1.0), (4, 0, 1.0)]


def test_maps_over_other_steps_are_refused() -> None:
    maps = SCORES.mean(axis=0)[0]
    with pytest.raises(ValueError, match=r"\(5, 7\) and \(1, 7\)"):
        matched(maps, maps[:, :1])


@pytest.mark.parametrize("measure", [entropy, distance, redundancy])
def test_heads_without_a_window_are_refused(measure: Callable[[np.ndarray], np.ndarray]) -> None:
    with pytest.raises(ValueError, match="at least one window"):
        measure(SCORES[:0])
