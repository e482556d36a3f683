"""Verdicts in plain words: does the model beat a rival, and by how much."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

_SIGNIFICANT = 0.05  # below this a p-value is a finding
_SPREAD_DIGITS = 4  # of the mean


@dataclass(frozen=True)
class Verdict:
    """A model against one rival on one target.

    Attributes:
        target: Name of the target.
        rival: Name of the rival.
        skill: 1 - the model's error / the rival's; NaN where the rival makes no error.
        low, high: 95 % interval of the skill; NaN where there is none.
        p_value: Two-sided p-value of equal errors; NaN where there is nothing to judge.
    """

    target: str
    rival: str
    skill: float
    low: float
    high: float
    p_value: float

    @property
    def better(self) -> bool:
        """Whether the model beats the rival, by more than chance."""
        return self.skill > 0 and self.p_value < _SIGNIFICANT

    @property
    def worse(self) -> bool:
        """Whether the model loses to the rival, by more than chance."""
        return self.skill < 0 and self.p_value < _SIGNIFICANT

    @property
    def words(self) -> str:
        """The verdict as the rest of a sentence that begins with the model."""
        rival = self.rival.replace("_", " ")
        if math.isnan(self.skill):
            return f"cannot be measured against {rival}: there is no skill where the rival makes no error"
        if math.isnan(self.p_value):
            if self.skill == 0:
                return f"does exactly as well as {rival}"
            return (
                f"cannot be judged against {rival} ({_percent(self.skill, '+')}): too few origins to judge, "
                "or the same difference at all of them"
            )
        if self.better:
            return f"beats {rival} by {_percent(self.skill)} ({self._evidence(1)}){self._doubt}"
        if self.worse:
            return f"loses to {rival} by {_percent(-self.skill)} ({self._evidence(-1)}){self._doubt}"
        return f"is not distinguishable from {rival} ({_percent(self.skill, '+')}, {self._evidence(1)}){self._doubt}"

    def _evidence(self, sign: int) -> str:
        """Interval of the skill times `sign`, where there is one, and p-value."""
        p_value = "p < 0.001" if self.p_value < 0.001 else f"p = {self.p_value:.{3 if self.p_value < 0.1 else 2}f}"
        if not self._has_interval:
            return p_value
        low, high = sorted((sign * self.low, sign * self.high))
        return f"95 % interval {100 * low:z.1f} to {_percent(high)}, {p_value}"

    @property
    def _has_interval(self) -> bool:
        return math.isfinite(self.low) and math.isfinite(self.high)

    @property
    def _doubt(self) -> str:
        """A note where the interval leaves out 0 and the test finds nothing, or the other way round."""
        excludes_zero = self.low > 0 or self.high < 0
        agree = excludes_zero == (self.p_value < _SIGNIFICANT)
        return "" if agree or not self._has_interval else "; interval and test disagree: a borderline case"


def beats_all(verdicts: Iterable[Verdict]) -> bool:
    """Whether the model beats every rival; False if there are none.

    The claim "better than every one" needs no correction for the number of rivals: it is wrong as soon as
    one of the tests is wrong, and each is wrong in at most 5 % of cases (intersection-union test, Berger,
    1982, "Multiparameter hypothesis testing and acceptance sampling").
    """
    found = [verdict.better for verdict in verdicts]
    return bool(found) and all(found)


def unmet(verdicts: Iterable[Verdict]) -> list[str]:
    """Words for the rivals that are not beaten, in order."""
    return [verdict.words for verdict in verdicts if not verdict.better]


def spread(values: Mapping[int, float]) -> str:
    """Words for how much an error depends on the seed; "" for fewer than two seeds.

    Args:
        values: Seed -> error, in the target's unit.
    """
    if len(values) < 2:
        return ""
    errors = np.array([values[seed] for seed in sorted(values)])
    mean = float(errors.mean())
    known = math.isfinite(mean) and mean != 0
    decimals = max(0, _SPREAD_DIGITS - 1 - math.floor(math.log10(abs(mean)))) if known else _SPREAD_DIGITS - 1
    deviation = errors.std(ddof=1)
    return (
        f"over seeds {', '.join(map(str, sorted(values)))}: mean {mean:.{decimals}f}, "
        f"standard deviation {deviation:.{decimals}f} (ddof 1), "
        f"range {errors.min():.{decimals}f} to {errors.max():.{decimals}f}"
    )


def _percent(share: float, sign: str = "") -> str:
    """0.024 -> "2.4 %"; never "-0.0 %"."""
    return f"{100 * share:{sign}z.1f} %"
