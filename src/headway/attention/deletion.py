"""The deletion test: does the error rise faster where the most-attended steps go first?

Remove-and-measure curves as of Samek et al. ("Evaluating the visualization of what a deep neural network has
learned", 2017) and of ERASER's comprehensiveness (DeYoung et al., 2020), with steps of the context in place of
pixels and words. Against two orders that know nothing of attention or the opposite: random, least-attended first.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headway.attention.replacement import Inputs, donors, with_mean, with_others

ORDERS = ("most attended first", "random", "least attended first")
REPLACEMENTS = ("training mean", "another window")
_MOST_POINTS = 9  # of a curve; a context of eight steps and fewer is deleted step by step
_TIED = 1e-6  # weights closer than this are one weight: rounding must not decide which step goes first


@dataclass(frozen=True)
class Deletion:
    """What deleting steps did.

    Attributes:
        steps: Numbers of deleted steps [K], from 0 to the whole context.
        losses: Error of every window, [replacements, orders, K, W].
    """

    steps: NDArray[np.int64]
    losses: NDArray[np.float64]

    @property
    def areas(self) -> NDArray[np.float64]:
        """Mean error of every window over the curve, by the trapezoidal rule, [replacements, orders, W]."""
        width = np.diff(self.steps)[:, None]
        area = ((self.losses[:, :, 1:] + self.losses[:, :, :-1]) / 2 * width).sum(axis=2)
        mean: NDArray[np.float64] = area / self.steps[-1]
        return mean


def delete(
    measure: Callable[[Inputs], NDArray[np.float64]],
    inputs: Inputs,
    received: NDArray[np.floating],
    *,
    generator: np.random.Generator,
) -> Deletion:
    """Delete the steps of every window in each order, by its own attention, and measure.

    Args:
        measure: The error [W] of each of the windows it is given.
        inputs: Windows as the network sees them.
        received: The weight that each step of each window receives [W, S].
        generator: Of the random order, of ties, and of the windows that replacements come from.
    """
    count, length = received.shape
    steps = np.unique(np.linspace(0, length, min(length + 1, _MOST_POINTS)).round().astype(np.int64))
    others = donors(count, generator=generator)
    ranks = _ranks(received, generator)
    untouched = measure(inputs)
    losses = np.empty((len(REPLACEMENTS), len(ORDERS), len(steps), count))
    for number in range(len(REPLACEMENTS)):

        def deleted(where: NDArray[np.bool_], number: int = number) -> NDArray[np.float64]:
            return measure(with_mean(inputs, where) if number == 0 else with_others(inputs, where, others))

        losses[number, :, 0] = untouched
        losses[number, :, -1] = deleted(np.ones((count, length), bool))
        for order, rank in enumerate(ranks):
            for place, gone in enumerate(steps[1:-1], start=1):
                losses[number, order, place] = deleted(rank < gone)
    return Deletion(steps, losses)


def _ranks(received: NDArray[np.floating], generator: np.random.Generator) -> list[NDArray[np.int64]]:
    """When each step goes, 0 first, [W, S] in each order; ties in random order."""
    chance = generator.random(received.shape)
    weights = np.round(received / _TIED)
    most = np.argsort(np.lexsort((chance, -weights), axis=-1), axis=-1)
    random = np.argsort(generator.random(received.shape), axis=-1)
    return [ranks.astype(np.int64) for ranks in (most, np.argsort(random, axis=-1), received.shape[1] - 1 - most)]
