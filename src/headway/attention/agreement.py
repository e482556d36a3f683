"""Does the map mean anything? Attention per lag against permutation importance per lag, and the verdict in words."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr
from scipy.stats import rankdata

Array = NDArray[np.float64]

_ENOUGH_RHO = 0.7
_ENOUGH_CONTRAST = 0.1
_CHANCE = 0.001
_NO_ACCOUNT = 0.1  # of the most important lag: what is less has no rank worth matching
_ROUNDING = 1e-9  # a contrast below is none: lags that all matter alike


def rank_agreement(attention: Array, importance: Array) -> float:
    """Spearman's rank correlation of attention with importance per lag, as a part of what is possible.

    Lags of no account share the lowest rank: those whose interval includes 0, and those a tenth as important as
    the first or less. No order of attention could then reach 1, so the correlation is divided by the highest that
    any order without ties reaches.

    Args:
        attention: The weight each lag receives [S].
        importance: (rise, low, high) of each lag [S, 3].

    Returns:
        -1 to 1; NaN where attention or importance has no order.
    """
    rise, low = importance[:, 0], importance[:, 1]
    counts = (np.where(np.isnan(low), rise, low) > 0) & (rise > _NO_ACCOUNT * rise.max())
    rise = np.where(counts, rise, 0.0)
    ranks = rankdata(rise)
    weights = np.round(attention, 6)
    if np.ptp(ranks) == 0 or np.ptp(weights) == 0:
        return math.nan
    highest = np.corrcoef(rankdata(rise, method="ordinal"), ranks)[0, 1]
    return float(np.clip(np.corrcoef(rankdata(weights), ranks)[0, 1] / highest, -1, 1))


def lift(attention: Array, importance: Array) -> float:
    """How much more important the steps that attention picks are than steps picked blindly: 1 is blind.

    The mean importance weighted by attention over the plain mean.

    Args:
        attention: Weights [..., S] that sum to 1.
        importance: (rise, low, high) of each lag [S, 3].
    """
    rise = np.maximum(importance[:, 0], 0)
    total = rise.sum()
    return float(attention @ rise / total * len(rise)) if total > 0 else math.nan


def contrast(attention: Array, importance: Array) -> float:
    """How much of the contrast between important and other lags the map shows.

    Its lift over 1, as a part of that of a map which is proportional to importance: 0 is a flat map (or one that
    looks at everything alike as far as importance goes), 1 a map that is importance itself.
    """
    rise = np.maximum(importance[:, 0], 0)
    highest = lift(rise / rise.sum(), importance) if rise.sum() > 0 else math.nan
    return (lift(attention, importance) - 1) / (highest - 1) if highest > 1 + _ROUNDING else math.nan


def chance(reached: float, blind: Array) -> float:
    """How probable a lift as high is for a network that has learned nothing.

    The randomisation test of Adebayo et al. ("Sanity checks for saliency maps", NeurIPS 2018) as a number: the next
    draw from a normal distribution of log lifts, of which a sample is known (Student's t).

    Args:
        reached: The lift of the trained network.
        blind: Lifts [n] of networks of the same build with fresh weights.

    Returns:
        One-sided p; NaN where the blind lifts do not differ.
    """
    logs = np.log(np.maximum(blind, 1e-9))
    scale = logs.std(ddof=1) * math.sqrt(1 + 1 / len(logs))
    if not scale > 1e-9 or math.isnan(reached):
        return math.nan
    return float(stdtr(len(logs) - 1, -(math.log(max(reached, 1e-9)) - logs.mean()) / scale))


@dataclass(frozen=True)
class Verdict:
    """Whether a map may be read as importance.

    Attributes:
        rho: Rank agreement of attention with importance per lag.
        lift: How much more important the attended steps are than steps picked blindly.
        contrast: Share of the contrast between important and other lags that the map shows.
        chance: Probability that a network that has learned nothing does as well.
        contrasts: Replacement -> (rise, low, high): by how much the error over the deletion curve is higher where
            the most-attended steps go first than in random order.
    """

    rho: float
    lift: float
    contrast: float
    chance: float
    contrasts: Mapping[str, tuple[float, float, float]]

    @property
    def ranks_agree(self) -> bool:
        """Whether attention ranks the lags as permutation does."""
        return self.rho >= _ENOUGH_RHO

    @property
    def deletion_agrees(self) -> bool:
        """Whether deleting the most-attended steps first hurts more than random order, however they are replaced."""
        return all(low > 0 for _, low, _ in self.contrasts.values())

    @property
    def shows_contrast(self) -> bool:
        """Whether the map is far enough from flat."""
        return self.contrast >= _ENOUGH_CONTRAST

    @property
    def is_learned(self) -> bool:
        """Whether a network that has learned nothing would hardly do as well."""
        return self.chance < _CHANCE

    @property
    def trusted(self) -> bool:
        """Whether the map may be read as importance: all of the above."""
        return self.ranks_agree and self.deletion_agrees and self.shows_contrast and self.is_learned

    @property
    def headline(self) -> str:
        """The verdict in a few words."""
        if self.trusted:
            return f"attention ranks the lags as permutation does: {self._ranks()}"
        return self.words.partition(" (although")[0]

    @property
    def words(self) -> str:
        """The verdict in a sentence, with what it rests on."""
        if math.isnan(self.rho) and not self.shows_contrast:
            return f"{_DO_NOT}: it has no order, or no lag matters that could be told from nothing"
        kept = {
            self._ranks(): self.ranks_agree,
            self._deletion(): self.deletion_agrees,
            self._contrast(): self.shows_contrast,
            self._chance(): self.is_learned,
        }
        if self.trusted:
            return f"attention ranks the lags as permutation does: {'; '.join(kept)}"
        against = [words for words, holds in kept.items() if not holds]
        in_favour = [words for words, holds in kept.items() if holds]
        return f"{_DO_NOT}: {'; '.join(against)}" + (f" (although: {'; '.join(in_favour)})" if in_favour else "")

    def _ranks(self) -> str:
        return "its rank agreement is not defined" if math.isnan(self.rho) else f"rho {self.rho:.2f}"

    def _deletion(self) -> str:
        told = ", ".join(f"{_range(found)} with {name}" for name, found in self.contrasts.items())
        if self.deletion_agrees:
            return f"deleting the most-attended steps first costs more than random order ({told})"
        # Without an interval a large rise may still be luck, and a small one is no sign of the opposite.
        if all(low > 0 or (math.isnan(low) and rise > 0) for rise, low, _ in self.contrasts.values()):
            return (
                f"it is not known whether deleting the most-attended steps first costs more than random order ({told})"
            )
        return f"deleting the most-attended steps first does not cost more than random order ({told})"

    def _contrast(self) -> str:
        return f"it shows {100 * self.contrast:.0f} % of the contrast between lags that matter and others"

    def _chance(self) -> str:
        if math.isnan(self.chance):
            return "it cannot be told from a network that learned nothing"
        probability = "p < 0.001" if self.chance < _CHANCE else f"p = {self.chance:.2g}"
        return f"attended steps are {self.lift:.2f} times as important as blind ones ({probability} for untrained networks)"


_DO_NOT = "do not read this map as importance"


def _range(found: tuple[float, float, float]) -> str:
    rise, low, high = (100 * value for value in found)
    if math.isnan(low):
        return f"{rise:+.1f} %"
    return f"{rise:+.1f} % [{low:+.1f} to {high:+.1f}]"
