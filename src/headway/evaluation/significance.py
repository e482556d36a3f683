"""Is a difference in error more than chance? A test and intervals that survive dependence in time.

Errors at neighbouring origins hold the same shocks, since horizons overlap, and the weather of one series
is that of the next. Both functions therefore see one row per origin TIME, summed or averaged over series,
and allow for dependence along that one axis.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

Array = NDArray[np.float64]

_FEWEST_ORIGINS = 8
_ROUNDING = 1e-12  # of the largest difference: a deviation below is none
_COSINES_PER_ROOT = 0.5  # times the root of the number of origins
_OVERLAPS_PER_LAG = 2  # the horizons that the variance estimate reaches over
_BLOCKS_PER_ROOT = 3.0  # as many degrees of freedom as the test has: 1.5 * time / block = 0.5 * sqrt(time)
_HORIZONS_PER_BLOCK = 3
_SUMS_AT_ONCE = 2**22  # block sums gathered at once: 32 MiB


@dataclass(frozen=True)
class DieboldMariano:
    """Result of the Diebold-Mariano test.

    Attributes:
        statistic: Below 0 where the model's loss is lower; NaN where there is nothing to judge.
        p_value: Two-sided; NaN where there is nothing to judge.
        lag: Grid steps of dependence that the variance allows for; 0 where there is nothing to judge.
        num_origins: Origins judged.
    """

    statistic: float
    p_value: float
    lag: int
    num_origins: int


def diebold_mariano(difference: Array, *, overlap: int) -> DieboldMariano:
    """Test whether a model and a rival are equally good (Diebold and Mariano, 1995).

    The long-run variance is the mean of the B lowest squared cosine projections (equal-weighted cosines,
    EWC) and the statistic is judged by Student's t, as Lazarus, Lewis, Stock and Watson (2018, "HAR
    Inference: Recommendations for Practice") recommend and Coroneo and Iacone (2020, "Comparing predictive
    accuracy in small samples using fixed-smoothing asymptotics") do for this test. The variance is that of
    a lag window sin(πk/lag)/(πk/lag), whose first zero `lag` is time/B. It cannot be negative, as the
    truncated sum of the original paper can, and does not shrink the covariances of overlapping horizons,
    as a Bartlett window of lag horizon-1 does.

    B is half the root of the number of origins, and less where `lag` would not reach over two horizons.
    Rejections at nominal 5 % by benchmarks/significance.py, 2,000 draws a cell, with and without gaps:
    3.8 to 6.5 % for 6- and 24-step horizons and AR(.5) and AR(.8) differences at 200, 600 and 1,700
    origins. AR(.9) at 200 origins still gives 9.2 %. A Bartlett window of 1.3 roots of time with as careful
    a t gave up to 12 % on the same structures without gaps, one of 3 roots up to 9 %.

    Harvey, Leybourne and Newbold (1997) scale the statistic by the bias that subtracting the mean gives
    the variance of white noise. Cosines are orthogonal to the mean, so without gaps that factor is 1; with
    gaps it is not, and is taken from the pattern of the gaps. At a gap the deviation is 0, which keeps
    true distances in time (Parzen, 1963, amplitude-modulated series); the degrees of freedom, B without
    gaps, are then those of Satterthwaite (1946).

    Args:
        difference: [time] loss of the model minus loss of the rival, averaged over the series at each
            origin, on a regular grid of origin times; NaN where there is no origin. Gaps at either end do
            not count.
        overlap: Grid steps over which horizons overlap: horizon - 1 where a grid step is a step.

    Returns:
        The result. It is NaN with fewer than 8 origins, where the origins span less than two horizons,
        where a difference is infinite, and where all differences are equal, zero or not, or change only in
        ways that cancel out within `lag`: what does not vary says nothing of how much it could.
    """
    difference = np.asarray(difference, np.float64)
    origins = np.flatnonzero(~np.isnan(difference))
    count = len(origins)
    nothing = DieboldMariano(math.nan, math.nan, 0, count)
    if count < _FEWEST_ORIGINS:
        return nothing
    difference = difference[origins[0] : origins[-1] + 1]
    time = len(difference)
    largest = np.nanmax(np.abs(difference))
    cosines = int(min(_COSINES_PER_ROOT * math.sqrt(count), time / (_OVERLAPS_PER_LAG * (overlap + 1))))
    if cosines < 1 or not 0 < largest < math.inf:
        return nothing
    difference = difference / largest  # the test knows no unit; tiny and huge ones must not under- or overflow
    mean = float(np.nanmean(difference))
    observed = ~np.isnan(difference)
    projections = _cosine_sums(np.where(observed, difference - mean, 0.0))[1 : cosines + 1]
    gram = _gram(observed, cosines)
    variance = (projections**2).sum() / np.trace(gram)
    if variance < _ROUNDING**2:
        return nothing
    degrees = np.trace(gram) ** 2 / (gram**2).sum()
    statistic = mean / math.sqrt(variance / count)
    return DieboldMariano(statistic, float(2 * stdtr(degrees, -abs(statistic))), time // cosines, count)


def block_length(time: int, overlap: int) -> int:
    """Steps of a bootstrap block: three roots of time, and at least three horizons.

    Args:
        time: Rows of the grid of origin times.
        overlap: Grid steps over which horizons overlap.
    """
    return math.ceil(max(_BLOCKS_PER_ROOT * math.sqrt(time), _HORIZONS_PER_BLOCK * (overlap + 1)))


def skill_intervals(own: Array, rivals: Array, *, overlap: int, draws: int, seed: int, level: float = 0.95) -> Array:
    """Intervals of skill, 1 - sum(own) / sum(rival), by a moving-block bootstrap.

    Blocks of time (Künsch, 1989), wrapped at the end so that every origin is drawn as often (Politis and
    Romano, 1992); one draw of blocks serves all series, rivals and columns. Plain percentile intervals are
    too short: with blocks of one root of time 78 to 93 % of them hold the true skill. So the distance of
    each end from the estimate is stretched, on the log scale of the ratio so that skill stays below 1, by

    - Student's t over the normal quantile, with 1.5 * time / block degrees of freedom (without gaps);
    - the root of the share of the variance that blocks show: less block / time, which subtracting the mean
      takes (the factor of Harvey, Leybourne and Newbold, 1997, for this estimate), and less a third of
      horizon / block, what blocks miss of covariances that fall linearly to zero over a horizon;
    - the root of drawn / given rows, as blocks are drawn whole.

    By benchmarks/significance.py, 2,000 draws a cell, 92.3 to 95.5 % of nominal 95 % intervals hold the
    true skill: 200, 600 and 1,700 origins of three series that correlate, absolute errors of 6- and 24-step
    horizons, AR(.5) and AR(.8) errors and losses.

    Args:
        own: [time, K] the model's losses summed over the series at each origin time, 0 where there is no
            origin, on a regular grid; a column each for all horizons, step 1, ...
        rivals: [R, time, K] the same for each rival.
        overlap: Grid steps over which horizons overlap: horizon - 1 where a grid step is a step.
        draws: Bootstrap draws; 1,000 are enough for two digits.
        seed: Seed of the draws.
        level: Nominal coverage.

    Returns:
        [R, K, 2] lower and upper end. NaN where time holds less than two blocks, a draw holds no origin (long
        gaps), losses are NaN or sum to zero, or no draws are
        asked for.
    """
    own, rivals = np.asarray(own, np.float64), np.asarray(rivals, np.float64)
    time, num_rivals = len(own), len(rivals)
    undefined = np.full((num_rivals, own.shape[1], 2), np.nan)
    block = block_length(time, overlap)
    losses = np.concatenate([own[None], rivals])  # [1+R, time, K]
    observed = (losses != 0).any(axis=(0, 2))
    if draws < 1 or time < 2 * block or not observed.any():
        return undefined
    degrees, seen = _block_degrees(observed, block)
    seen -= (overlap + 1) / (3 * block)
    if seen <= 0:
        return undefined
    tail = (1 - level) / 2
    num_blocks = math.ceil(time / block)
    stretch = stdtrit(degrees, 1 - tail) / NormalDist().inv_cdf(1 - tail)
    stretch *= math.sqrt(num_blocks * block / time / seen)
    starts = np.random.default_rng(seed).integers(time, size=(draws, num_blocks))
    with np.errstate(divide="ignore", invalid="ignore"):  # a loss that sums to zero has no skill: NaN
        totals = np.log(_drawn(losses, starts, block))  # [draws, 1+R, K]
        estimate = np.log(losses.sum(axis=1))
        estimate = estimate[0] - estimate[1:]  # [R, K] log of the ratio
        ends = np.quantile(totals[:, :1] - totals[:, 1:], [1 - tail, tail], axis=0)  # a high ratio is a low skill
        skill = 1 - np.exp(estimate + stretch * (ends - estimate))  # [2, R, K]
    return np.moveaxis(np.where(np.isfinite(skill).all(axis=0), skill, np.nan), 0, -1)


def _cosine_sums(values: Array) -> Array:
    """Sum over t of values[t] * cos(πj(t + ½) / time), for j = 0, 1, ..., time: [time] -> [time+1]."""
    time = len(values)
    turned = np.exp(-0.5j * np.pi * np.arange(time + 1) / time) * np.fft.rfft(values, 2 * time)
    return turned.real


def _gram(observed: NDArray[np.bool_], cosines: int) -> Array:
    """Covariances of the projections of white noise of variance 1 less its mean, [cosines, cosines]."""
    sums = _cosine_sums(observed.astype(np.float64))
    order = np.arange(1, cosines + 1)
    # cos a cos b = (cos(a - b) + cos(a + b)) / 2
    products = (sums[np.abs(order[:, None] - order)] + sums[order[:, None] + order]) / 2
    return products - np.outer(sums[order], sums[order]) / observed.sum()


def _block_degrees(observed: NDArray[np.bool_], block: int) -> tuple[float, float]:
    """Degrees of freedom of the bootstrap's variance, and the share of white noise's variance it shows.

    Its weights are Bartlett's, 1 - k/block, on the circle of time (Künsch, 1989).
    """
    count = int(observed.sum())
    pairs = np.fft.irfft(np.abs(np.fft.rfft(observed)) ** 2, len(observed))[:block]  # origins k steps apart
    pairs[1:] *= 2  # both directions
    weights = 1 - np.arange(block) / block
    return count**2 / float(weights**2 @ pairs), 1 - float(weights @ pairs) / count**2


def _drawn(losses: Array, starts: NDArray[np.int64], block: int) -> Array:
    """Losses summed over the blocks of each draw: [F, time, K], [draws, blocks] -> [draws, F, K]."""
    rows = np.moveaxis(losses, 1, 0)
    cumulative = np.concatenate([np.zeros_like(rows[:1]), rows, rows[: block - 1]]).cumsum(axis=0)
    sums = cumulative[block:] - cumulative[:-block]  # [time, F, K] of the block that starts there
    at_once = max(1, _SUMS_AT_ONCE // max(1, starts.shape[1] * sums[0].size))
    parts = [sums[starts[first : first + at_once]].sum(axis=1) for first in range(0, len(starts), at_once)]
    return np.concatenate(parts)
