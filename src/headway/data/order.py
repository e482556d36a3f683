"""Orders and samples of numbered things, computed where they are asked for: no array of all numbers is ever made."""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]

_ROUNDS = 8
_AT_ONCE = 4096  # numbers whose halves stay in the fastest caches
_LARGEST = 1 << 62  # beyond it the product of a 32-bit hash and a half would not fit into 64 bits
# The multipliers of the finaliser of MurmurHash3: after both, every bit of the input moves half of the output's.
_FIRST, _SECOND = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)
_HALF = np.uint64(32)


def shuffled(places: Numbers, *, count: int, seed: int, epoch: int) -> Numbers:
    """Which of `count` numbers stand at some places of an epoch's order: a function of its arguments and nothing else.

    The order is a keyed bijection: a Feistel network (Luby and Rackoff 1988, "How to construct pseudorandom permutations
    from pseudorandom functions") over pairs of numbers below the root of `count`, rounded up, with sums modulo that root
    instead of exclusive ors; what falls beyond `count` goes through it again until it does not (Black and Rogaway 2002,
    "Ciphers with Arbitrary Finite Domains": generalised Feistel network and cycle walking). Mitchell, Stokes, Frank and
    Holmes (2022, "Bandwidth-Optimal Random Shuffling for GPUs") shuffle by the same means.

    Args:
        places: From 0 to below `count`, of any shape.
        count: How many numbers there are.
        seed, epoch: What the order is a function of.

    Returns:
        The numbers, each from 0 to below `count`; of all places, each number once.

    Raises:
        ValueError: If `count` is more than 2^62, or a place lies outside.
    """
    if not 0 <= count <= _LARGEST:
        raise ValueError(f"count must be 0 to {_LARGEST}: got {count}")
    places = np.asarray(places, np.int64)
    if places.size and not 0 <= int(places.min()) <= int(places.max()) < count:
        raise ValueError(f"places must be 0 to {count - 1}, below count: got {places.min()} to {places.max()}")
    flat, found = places.ravel(), np.empty(places.size, np.int64)
    for first in range(0, len(flat), _AT_ONCE):
        part = slice(first, first + _AT_ONCE)
        found[part] = _walked(flat[part].astype(np.uint64), count, _keys(seed, epoch))
    return found.reshape(places.shape)


def spread(numbers: Numbers, *, count: int, most: int) -> Numbers:
    """Which of `count` things a sample of at most `most` takes: one of each of `most` equal stretches, rising.

    Within its stretch each is drawn by a hash of its number, the same in every run: an even step could keep time with
    the season of the data and see the same hour of every day.

    Args:
        numbers: Positions in the sample, from 0 to below the smaller of `count` and `most`.
        count: How many things there are.
        most: How many are taken, at most 2^31.
    """
    if count <= most:
        return numbers
    length, rest = divmod(count, most)
    # number * count // most without a product that needs more than 64 bits
    begin = numbers * length + numbers * rest // most
    end = (numbers + 1) * length + (numbers + 1) * rest // most
    return begin + _hashed(numbers.astype(np.uint64), np.uint64(0)).astype(np.int64) % (end - begin)


def _walked(numbers: NDArray[np.uint64], count: int, keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Numbers sent through the network until they lie below `count`; it is a bijection, so that all get there."""
    root = math.isqrt(max(count - 1, 0)) + 1
    found = _network(numbers, root, keys)
    beyond = np.flatnonzero(found >= np.uint64(count))
    while len(beyond):
        found[beyond] = _network(found[beyond], root, keys)
        beyond = beyond[found[beyond] >= np.uint64(count)]
    return found


def _network(numbers: NDArray[np.uint64], root: int, keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A bijection of the numbers below root²."""
    size = np.uint64(root)
    high, low = np.divmod(numbers, size)
    for key in keys:
        mixed = _hashed(low, key)
        mixed *= size
        mixed >>= _HALF  # uniform below the root, without a division
        mixed += high
        # Modulo the root: below it the difference wraps round to a number that is larger than any.
        np.minimum(mixed, mixed - size, out=mixed)
        high, low = low, mixed
    return high * size + low


def _hashed(numbers: NDArray[np.uint64], key: np.uint64) -> NDArray[np.uint64]:
    """32 bits of each number that look like chance."""
    mixed = numbers + key
    mixed *= _FIRST
    mixed ^= mixed >> _HALF
    mixed *= _SECOND
    mixed >>= _HALF
    return mixed


@lru_cache(maxsize=8)
def _keys(seed: int, epoch: int) -> NDArray[np.uint64]:
    """A key for each round."""
    return np.random.Philox(key=[seed, epoch]).random_raw(_ROUNDS)
