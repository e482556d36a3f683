"""The order of an epoch and samples of windows: bijections that look like chance, computed where they are asked for."""

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from scipy.stats import chi2, chisquare

from headway.data.order import Numbers, shuffled, spread

COUNTS = [1, 2, 3, 4, 5, 7, 8, 101, 1021, 4096, 4097, 65_536, 99_991]
HUGE = [10**9, 10**12, 2**40 + 1, 2**62]
ENOUGH = 1e-4  # a p-value below it is no chance: seeds are fixed, and a few dozen are asked


def order(count: int, *, seed: int = 3, epoch: int = 0) -> Numbers:
    return shuffled(np.arange(count), count=count, seed=seed, epoch=epoch)


def p_uniform(values: np.ndarray, count: int, cells: int) -> float:
    """Of values below count being uniform, by cells of equal width."""
    found = np.bincount((values.astype(np.float64) / count * cells).astype(int), minlength=cells)
    return float(chisquare(found).pvalue)


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("epoch", [0, 7])
def test_every_number_comes_once(count: int, epoch: int) -> None:
    np.testing.assert_array_equal(np.sort(order(count, epoch=epoch)), np.arange(count))


@pytest.mark.parametrize("count", HUGE)
def test_of_more_numbers_than_memory_holds_none_comes_twice_and_none_lies_outside(count: int) -> None:
    places = np.arange(300_000) + (count - 300_000) // 2
    found = shuffled(places, count=count, seed=5, epoch=2)
    assert len(np.unique(found)) == len(places)
    assert 0 <= found.min() < found.max() < count


@pytest.mark.parametrize("count", [101, 10**12])
def test_an_order_is_a_function_of_seed_and_epoch_whatever_part_of_it_is_asked_for(count: int) -> None:
    places = np.array([[100, 3, 3], [0, 57, 99]])
    whole = shuffled(np.arange(101), count=count, seed=3, epoch=4)
    np.testing.assert_array_equal(shuffled(places, count=count, seed=3, epoch=4), whole[places])
    assert (shuffled(np.arange(101), count=count, seed=4, epoch=4) != whole).any()
    assert (shuffled(np.arange(101), count=count, seed=3, epoch=5) != whole).any()


def test_a_part_is_what_it_is_within_the_whole_however_large_the_whole_is() -> None:
    whole = order(20_011)  # cut into parts inside
    for begin, end in ((0, 1), (4095, 4097), (11_111, 20_011)):
        np.testing.assert_array_equal(shuffled(np.arange(begin, end), count=20_011, seed=3, epoch=0), whole[begin:end])


@pytest.mark.parametrize("count", [2, 3, 4])
def test_few_numbers_come_in_every_order_equally_often(count: int) -> None:
    found = Counter(tuple(order(count, seed=1, epoch=epoch).tolist()) for epoch in range(100 * math.factorial(count)))
    assert chisquare([found[one] for one in itertools.permutations(range(count))]).pvalue > ENOUGH


@pytest.mark.parametrize("count", [17, 100, 101])
def test_every_number_stands_at_every_place_equally_often(count: int) -> None:
    epochs = 1500
    orders = np.stack([order(count, seed=1, epoch=epoch) for epoch in range(epochs)])
    table = np.stack([np.bincount(column, minlength=count) for column in orders.T])
    statistic = ((table - epochs / count) ** 2 / (epochs / count)).sum()
    assert ENOUGH < chi2.sf(statistic, (count - 1) ** 2) < 1 - ENOUGH
    for apart in (1, 2, 5):  # neighbours of neighbouring places: all differences but zero, equally often
        difference = (orders[:, apart:] - orders[:, :-apart]) % count
        assert chisquare(np.bincount(difference.ravel(), minlength=count)[1:]).pvalue > ENOUGH


@pytest.mark.parametrize("count", [99_991, 10**9, 10**12])
def test_a_stretch_of_places_holds_numbers_from_everywhere_and_neighbours_know_nothing_of_each_other(
    count: int,
) -> None:
    found = shuffled(np.arange(90_000), count=count, seed=2, epoch=0)[:30_000]
    assert p_uniform(found, count, 101) > ENOUGH
    for apart in (1, 2, 64):
        assert p_uniform((found[apart:] - found[:-apart]) % count, count, 101) > ENOUGH
    pairs = np.stack([found[:-1], found[1:]]) * 10 // count
    assert chisquare(np.bincount(pairs[0] * 10 + pairs[1], minlength=100)).pvalue > ENOUGH


def test_orders_of_other_epochs_and_seeds_are_independent() -> None:
    count = 99_991
    orders = [order(count, seed=seed, epoch=epoch)[:20_000] for seed, epoch in ((0, 0), (0, 1), (1, 0), (1, 1))]
    for one, other in itertools.combinations(orders, 2):
        assert abs(np.corrcoef(one, other)[0, 1]) < 4 / math.sqrt(20_000)  # four standard deviations
        assert p_uniform((one - other) % count, count, 101) > ENOUGH


@pytest.mark.parametrize(
    ("places", "count", "words"),
    [([0, 5], 5, "places must be 0 to 4"), ([-1], 5, "places must be"), ([0], 2**62 + 1, "count must be 0 to")],
)
def test_places_outside_are_refused(places: list[int], count: int, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        shuffled(np.array(places), count=count, seed=0, epoch=0)


def test_nothing_is_shuffled_into_nothing() -> None:
    assert shuffled(np.arange(0), count=0, seed=0, epoch=0).tolist() == []


@pytest.mark.parametrize(("count", "most"), [(17, 5), (100, 99), (10**12, 1009), (2**62, 2**20)])
def test_a_sample_has_one_of_each_of_equal_stretches(count: int, most: int) -> None:
    numbers = np.arange(most)
    found = spread(numbers, count=count, most=most)
    for number, taken in zip(numbers.tolist()[:2000], found.tolist(), strict=False):
        assert number * count // most <= taken < (number + 1) * count // most  # Python's own integers
    assert found[-1] < count


def test_a_sample_does_not_keep_time_with_a_season() -> None:
    hours = spread(np.arange(20_000), count=24 * 100 * 20_000, most=20_000) % 24
    assert chisquare(np.bincount(hours, minlength=24)).pvalue > ENOUGH


def test_of_no_more_than_asked_for_all_are_taken() -> None:
    for count in (1, 6, 7):
        np.testing.assert_array_equal(spread(np.arange(count), count=count, most=7), np.arange(count))
