"""The heads of two forecasters over the same windows, those that are most alike paired."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from headway.attention import maps
from headway.attention.heads import matched
from headway.comparing.side import Side, in_common
from headway.data import batches
from headway.data.windows import WindowIndex

_ALIKE = 0.9  # similarity above which two heads are called partners


@dataclass(frozen=True)
class HeadsComparison:
    """The heads of two forecasters, layer by layer.

    Attributes:
        first, second: Mean maps [L, N, T, S] and [L, M, T, S] of the layers that are compared.
        pairs: By layer (head of the first, head of the second, similarity).
        layers: Layers of the first and of the second model; of the larger the last L are compared.
        windows: Validation windows the means are over.
        by_chance: Mean similarity of all pairs that could have been made.
    """

    first: NDArray[np.float32]
    second: NDArray[np.float32]
    pairs: Sequence[Sequence[tuple[int, int, float]]]
    layers: tuple[int, int]
    windows: int
    by_chance: float

    @property
    def skipped(self) -> tuple[int, int]:
        """First layers of each that are not compared."""
        return self.layers[0] - len(self.first), self.layers[1] - len(self.second)

    @property
    def words(self) -> str:
        """How alike the heads are, which are the least, and what was left out."""
        flat = [(similarity, layer, i, j) for layer, pairs in enumerate(self.pairs) for i, j, similarity in pairs]
        partners = sum(similarity > _ALIKE for similarity, *_ in flat)
        similarity, layer, i, j = min(flat)
        own, other = (f"L{layer + 1 + skipped} H{head + 1}" for skipped, head in zip(self.skipped, (i, j), strict=True))
        heads = self.first.shape[0] * max(self.first.shape[1], self.second.shape[1])
        mean = float(np.mean([similarity for similarity, *_ in flat]))
        parts = [
            f"{partners} of {heads} {'head has' if heads == 1 else 'heads have'} a partner of similarity above {_ALIKE:g}; "
            f"the least alike: {own} and {other} ({similarity:.2f}); in the mean partners are {mean:.2f} alike, "
            f"any head of A and any of B in the same layer {self.by_chance:.2f}"
        ]
        if self.by_chance > _ALIKE:
            parts.append("that any two are as alike makes a partner say little")
        if any(self.skipped):
            side, most = ("A", self.layers[0]) if self.skipped[0] else ("B", self.layers[1])
            last = "last is" if len(self.first) == 1 else f"last {len(self.first)} are"
            parts.append(f"of the {most} layers of {side} only the {last} compared")
        return "; ".join(parts)


def why_not(first: Side, second: Side) -> str:
    """Why the attention maps of two sides cannot be compared, or nothing where they can."""
    lengths = [side.task.shape.context_length for side in (first, second)]
    if lengths[0] != lengths[1]:
        return f"attention maps are not compared: A attends over {lengths[0]} steps, B over {lengths[1]}"
    if not len(_validation(first, second)[0]):
        return "attention maps are not compared: there is no validation window that both have"
    return ""


def compare_heads(first: Side, second: Side) -> HeadsComparison:
    """Match the heads of two sides that `why_not` has nothing against, layer by layer from the last.

    Means are over as many validation windows that both have as the first run was probed with, evenly spaced.
    """
    common = _validation(first, second)
    numbers = batches.evenly_spaced(common[0], first.config.evaluation.attention_windows)
    own, other = (_mean_map(side, index, numbers) for side, index in zip((first, second), common, strict=True))
    layers = len(own), len(other)
    compared = min(layers)
    own, other = own[-compared:], other[-compared:]
    pairs = [matched(one, another) for one, another in zip(own, other, strict=True)]
    alone = [
        matched(one[i : i + 1], another[j : j + 1])[0][2]
        for one, another in zip(own, other, strict=True)
        for i, j in product(range(len(one)), range(len(another)))
    ]
    return HeadsComparison(own, other, pairs, layers, len(numbers), float(np.mean(alone)))


def _validation(first: Side, second: Side) -> tuple[WindowIndex, WindowIndex]:
    """The validation windows that both have."""
    return in_common(first.task.windows["validation"], second.task.windows["validation"])


def _mean_map(side: Side, index: WindowIndex, numbers: NDArray[np.int64]) -> NDArray[np.float32]:
    inputs = batches.gather(side.task.rows, index, numbers).inputs
    return maps.mean_map(side.forecaster.attention_scores(inputs))
