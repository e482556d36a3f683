"""The test and the intervals against plain loops, known distributions and simulated forecasters."""

import math

import numpy as np
import pytest
from scipy import stats
from scipy.signal import lfilter

from headway.evaluation.significance import block_length, diebold_mariano, skill_intervals

SHOCKS = np.random.default_rng(3).normal(size=5000)


def correlated(generator: np.random.Generator, draws: int, time: int) -> np.ndarray:
    """Shocks of three series that correlate at .8, [draws, time, 3]."""
    common = generator.normal(size=(draws, time, 1))
    return np.sqrt(0.8) * common + np.sqrt(0.2) * generator.normal(size=(draws, time, 3))


def horizon_losses(generator: np.random.Generator, draws: int, time: int, horizon: int) -> np.ndarray:
    """Mean absolute error over steps 1 to H of forecasts of random walks, [draws, time, 3]."""
    shocks = correlated(generator, draws, time + horizon - 1)
    losses, error = np.zeros((draws, time, 3)), np.zeros((draws, time, 3))
    for step in range(horizon):
        error = error + shocks[:, step : step + time]
        losses += np.abs(error) / horizon
    return losses


def persistent_losses(generator: np.random.Generator, draws: int, time: int, back: float) -> np.ndarray:
    """Log-normal losses whose logarithm is autoregressive, [draws, time, 3]."""
    values = lfilter([np.sqrt(1 - back**2)], [1, -back], correlated(generator, draws, time + 53), axis=1)
    return np.exp(0.6 * values[:, 53:])


# name -> (overlap, losses [draws, time, 3] of one forecaster)
STRUCTURES = {
    "six-step errors": (5, lambda g, draws: horizon_losses(g, draws, 200, 6)),
    "24-step errors": (23, lambda g, draws: horizon_losses(g, draws, 600, 24)),
    "AR(.5)": (5, lambda g, draws: persistent_losses(g, draws, 200, 0.5)),
    "AR(.8)": (5, lambda g, draws: persistent_losses(g, draws, 600, 0.8)),
    "six-step errors, many": (5, lambda g, draws: horizon_losses(g, draws, 1700, 6)),
}


def gappy(time: int, *, seed: int = 5) -> np.ndarray:
    """Differences [time] with gaps: a block and single origins."""
    generator = np.random.default_rng(seed)
    difference = 0.3 + np.convolve(generator.normal(size=time + 4), np.ones(5), mode="valid")
    difference[generator.random(time) < 0.2] = np.nan
    difference[time // 3 : time // 2] = np.nan
    difference[[0, -1]] = 1.0
    return difference


def by_loops(difference: np.ndarray, cosines: int) -> tuple[float, float]:
    """Statistic and p-value, from the definition of each term."""
    time = len(difference)
    times = [step for step in range(time) if not math.isnan(difference[step])]
    mean = sum(difference[step] for step in times) / len(times)
    curves = []
    for order in range(1, cosines + 1):
        curve = [math.cos(math.pi * order * (step + 0.5) / time) for step in times]
        curves.append([value - sum(curve) / len(curve) for value in curve])
    values = difference[times].tolist()
    squares = sum(sum(a * b for a, b in zip(curve, values, strict=True)) ** 2 for curve in curves)
    gram = [[sum(a * b for a, b in zip(one, other, strict=True)) for other in curves] for one in curves]
    trace = sum(gram[order][order] for order in range(cosines))
    degrees = trace**2 / sum(value**2 for row in gram for value in row)
    statistic = mean / math.sqrt(squares / trace / len(times))
    return statistic, 2 * stats.t.sf(abs(statistic), degrees)


@pytest.mark.parametrize("difference", [0.1 + SHOCKS[:197], gappy(211)], ids=["regular", "gaps"])
@pytest.mark.parametrize(("overlap", "most"), [(5, math.inf), (31, 3)])
def test_the_statistic_is_that_of_plain_loops(difference: np.ndarray, overlap: int, most: float) -> None:
    count = np.count_nonzero(~np.isnan(difference))
    cosines = min(int(0.5 * math.sqrt(count)), most)
    found = diebold_mariano(difference, overlap=overlap)
    assert (found.statistic, found.p_value) == pytest.approx(by_loops(difference, int(cosines)), rel=1e-9)
    assert (found.lag, found.num_origins) == (len(difference) // cosines, count)
    assert found.lag >= 2 * (overlap + 1)


@pytest.mark.parametrize("gaps", [False, True])
def test_p_values_of_independent_differences_are_uniform(gaps: bool) -> None:
    differences = np.random.default_rng(7).normal(size=(700, 101))
    if gaps:
        differences[:, np.isnan(gappy(101))] = np.nan
    p_values = [diebold_mariano(difference, overlap=0).p_value for difference in differences]
    assert stats.kstest(p_values, "uniform").pvalue > 0.01


@pytest.mark.parametrize("structure", STRUCTURES)
def test_five_percent_of_equally_good_pairs_are_called_different(structure: str) -> None:
    overlap, losses = STRUCTURES[structure]
    generator = np.random.default_rng(11)
    differences = losses(generator, 500) - losses(generator, 500)
    pooled = differences.reshape(500, -1)  # the mistake: every value of every series taken as independent
    assert np.mean(stats.ttest_1samp(pooled, 0, axis=1).pvalue < 0.05) > 0.25
    p_values = [diebold_mariano(difference, overlap=overlap).p_value for difference in differences.mean(axis=2)]
    assert 0.03 <= np.mean(np.array(p_values) < 0.05) <= 0.07


def test_a_better_forecaster_is_found() -> None:
    generator = np.random.default_rng(13)
    differences = 0.85 * horizon_losses(generator, 100, 1700, 6) - horizon_losses(generator, 100, 1700, 6)
    found = [diebold_mariano(difference, overlap=5) for difference in differences.mean(axis=2)]
    assert np.mean([result.statistic < 0 and result.p_value < 0.05 for result in found]) > 0.9


@pytest.mark.parametrize("unit", [-1, 1e-250, 1e250])
def test_exchanging_the_two_turns_the_sign_and_units_do_not_matter(unit: float) -> None:
    one, other = diebold_mariano(gappy(211), overlap=5), diebold_mariano(unit * gappy(211), overlap=5)
    assert other.p_value == pytest.approx(one.p_value)
    assert other.statistic == pytest.approx(math.copysign(one.statistic, unit))
    assert one.statistic > 0


def test_gaps_at_the_ends_do_not_count_and_gaps_within_keep_distances() -> None:
    difference = gappy(211)
    padded = np.concatenate([np.full(17, np.nan), difference, np.full(101, np.nan)])
    assert diebold_mariano(padded, overlap=5) == diebold_mariano(difference, overlap=5)
    closed_up = diebold_mariano(difference[~np.isnan(difference)], overlap=5)
    assert closed_up.p_value != pytest.approx(diebold_mariano(difference, overlap=5).p_value, rel=1e-3)


def test_two_clusters_of_origins_are_hardly_more_than_two_observations() -> None:
    difference = np.full(2003, np.nan)
    difference[:50] = 1 + 0.01 * SHOCKS[:50]
    difference[-50:] = 2 + 0.01 * SHOCKS[50:100]
    assert diebold_mariano(difference, overlap=5).p_value > 0.05
    assert diebold_mariano(difference[~np.isnan(difference)], overlap=5).p_value < 0.05


UNJUDGED = {
    "empty": (np.zeros(0), 5),
    "gaps alone": (np.full(101, np.nan), 5),
    "seven": (SHOCKS[:7], 0),
    "less than two horizons": (SHOCKS[:23], 11),
    "all zero": (np.zeros(101), 5),
    "equal but for rounding": (np.tile([0.3, 0.1 + 0.2], 50), 5),
    "to and fro": (np.tile([1.0, 2.0], 7)[:13], 0),
    "an infinite one": (np.append(SHOCKS[:101], np.inf), 5),
    "all infinite": (np.full(101, np.inf), 5),
}


@pytest.mark.parametrize("case", UNJUDGED)
@pytest.mark.filterwarnings("error")
def test_what_cannot_be_judged_has_no_p_value(case: str) -> None:
    difference, overlap = UNJUDGED[case]
    found = diebold_mariano(difference, overlap=overlap)
    assert np.isnan([found.statistic, found.p_value]).all()
    assert found.num_origins == np.count_nonzero(~np.isnan(difference))


def test_eight_origins_and_two_horizons_are_judged() -> None:
    assert 0 < diebold_mariano(SHOCKS[:8], overlap=0).p_value < 1
    assert 0 < diebold_mariano(SHOCKS[:24], overlap=11).p_value < 1


def losses(time: int, *, num_rivals: int = 5, columns: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Independent losses [time, K] of a model and [R, time, K] of rivals."""
    generator = np.random.default_rng(17)
    return generator.gamma(2, size=(time, columns)), generator.gamma(2, size=(num_rivals, time, columns))


def interval_by_loops(own: list[float], rival: list[float], *, overlap: int, draws: int, seed: int) -> list[float]:
    """95 % interval of one skill, from the definition of each term."""
    time, block = len(own), block_length(len(own), overlap)
    origins = [step for step in range(time) if rival[step] > 0]
    shown = squares = 0.0
    for one in origins:
        for other in origins:
            apart = min(abs(one - other), time - abs(one - other))
            shown += max(0, 1 - apart / block)
            squares += max(0, 1 - apart / block) ** 2
    num_blocks, degrees = math.ceil(time / block), len(origins) ** 2 / squares
    seen = 1 - shown / len(origins) ** 2 - (overlap + 1) / block / 3
    stretch = stats.t.ppf(0.975, degrees) / stats.norm.ppf(0.975) * math.sqrt(num_blocks * block / time / seen)
    ratios = []
    for starts in np.random.default_rng(seed).integers(time, size=(draws, num_blocks)):
        drawn = [(start + step) % time for start in starts for step in range(block)]
        ratios.append(sum(own[step] for step in drawn) / sum(rival[step] for step in drawn))
    estimate = sum(own) / sum(rival)
    ends = np.exp(np.quantile(np.log(ratios), [0.975, 0.025]))
    return [1 - estimate * (end / estimate) ** stretch for end in ends]


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize(("time", "overlap"), [(101, 5), (307, 23)])
def test_an_interval_is_that_of_plain_loops(time: int, overlap: int, gaps: bool) -> None:
    own, rivals = losses(time, num_rivals=1, columns=1)
    if gaps:
        gap = np.isnan(gappy(time))
        own[gap], rivals[:, gap] = 0, 0
    expected = interval_by_loops(own[:, 0].tolist(), rivals[0, :, 0].tolist(), overlap=overlap, draws=53, seed=3)
    np.testing.assert_allclose(skill_intervals(own, rivals, overlap=overlap, draws=53, seed=3)[0, 0], expected)


@pytest.mark.parametrize(("overlap", "weights"), [(0, [1.0]), (5, [1.0] * 6)], ids=["independent", "overlap"])
def test_long_intervals_are_those_of_the_delta_method(overlap: int, weights: list[float]) -> None:
    time = 30_011
    shocks = np.random.default_rng(19).gamma(2, size=(2, time + len(weights) - 1))
    own, rival = (np.convolve(row, weights, mode="valid") for row in shocks)
    found = skill_intervals(own[:, None], rival[None, :, None], overlap=overlap, draws=4000, seed=1)[0, 0]
    ratio = own.sum() / rival.sum()
    # Gamma(2) has variance / mean^2 = 1/2, and sums of shocks have the relative error of the shocks' mean.
    error = 1.96 * ratio * math.sqrt((1 / 2 + 1 / 2) / time)
    assert found.mean() == pytest.approx(1 - ratio, abs=0.1 * error)
    assert np.diff(found)[0] == pytest.approx(2 * error, rel=0.12)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_intervals_hold_the_true_skill(structure: str) -> None:
    overlap, losses = STRUCTURES[structure]
    generator = np.random.default_rng(23)
    own, rival = 0.9 * losses(generator, 250).sum(axis=2), losses(generator, 250).sum(axis=2)
    held = []
    for one, other in zip(own[:, :, None], rival[:, None, :, None], strict=True):
        low, high = skill_intervals(one, other, overlap=overlap, draws=300, seed=len(held))[0, 0]
        held.append(low <= 0.1 <= high)
    assert 0.90 <= np.mean(held) <= 0.98


def test_series_that_move_together_count_once() -> None:
    own, rivals = losses(1009, num_rivals=1, columns=1)
    once = skill_intervals(own, rivals, overlap=5, draws=500, seed=1)
    together = skill_intervals(3 * own, 3 * rivals, overlap=5, draws=500, seed=1)  # summed over three series
    np.testing.assert_allclose(together, once)
    end_to_end = skill_intervals(np.tile(own, (3, 1)), np.tile(rivals, (1, 3, 1)), overlap=5, draws=500, seed=1)
    assert np.diff(end_to_end).item() < 0.75 * np.diff(once).item()


def test_rivals_and_columns_share_blocks() -> None:
    own, rivals = losses(307)
    together = skill_intervals(own, rivals, overlap=5, draws=101, seed=1)
    assert together.shape == (5, 3, 2)
    for rival in range(5):
        for column in range(3):
            alone = skill_intervals(own[:, [column]], rivals[[rival]][..., [column]], overlap=5, draws=101, seed=1)
            np.testing.assert_allclose(together[rival, column], alone[0, 0])


def test_intervals_widen_with_their_level_and_follow_the_seed() -> None:
    own, rivals = losses(307)
    narrow, wide = (skill_intervals(own, rivals, overlap=5, draws=101, seed=1, level=level) for level in (0.8, 0.95))
    assert (wide[..., 0] < narrow[..., 0]).all()
    assert (wide[..., 1] > narrow[..., 1]).all()
    np.testing.assert_array_equal(wide, skill_intervals(own, rivals, overlap=5, draws=101, seed=1))
    assert (wide != skill_intervals(own, rivals, overlap=5, draws=101, seed=2)).any()


def test_draws_are_the_same_however_many_are_gathered_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    own, rivals = losses(307)
    at_once = skill_intervals(own, rivals, overlap=5, draws=101, seed=1)
    monkeypatch.setattr("headway.evaluation.significance._SUMS_AT_ONCE", 1000)
    np.testing.assert_array_equal(skill_intervals(own, rivals, overlap=5, draws=101, seed=1), at_once)


def undefined() -> dict[str, tuple[np.ndarray, np.ndarray, int]]:
    """Losses and draws that give no interval."""
    own, rivals = losses(307)
    third = (np.arange(307) < 101).astype(float)[:, None]
    single = (np.arange(36) == 4).astype(float)[:, None]
    return {
        "no time": (own[:0], rivals[:, :0], 11),
        "one step": (own[:1], rivals[:, :1], 11),
        "less than two blocks": (own[:35], rivals[:, :35], 11),
        "no draws": (own, rivals, 0),
        "no origin": (0 * own, 0 * rivals, 11),
        "rivals without error": (own, 0 * rivals, 11),
        "rivals with hardly an error": (own, rivals * (np.arange(307) == 53)[:, None], 11),
        "model without error": (0 * own, rivals, 11),
        "a single origin": (own[:36] * single, rivals[:, :36] * single, 1),
        "a draw without origins": (own * third, rivals * third, 1009),
    }


@pytest.mark.parametrize("case", undefined())
@pytest.mark.filterwarnings("error")
def test_there_is_no_interval_where_there_is_nothing_to_resample(case: str) -> None:
    own, rivals, draws = undefined()[case]
    found = skill_intervals(own, rivals, overlap=1, draws=draws, seed=1)
    assert found.shape == (5, 3, 2)
    assert np.isnan(found).all()


def test_one_rival_without_error_leaves_the_others_their_intervals() -> None:
    own, rivals = losses(307)
    rivals[2, :, 1] = 0
    found = np.isnan(skill_intervals(own, rivals, overlap=1, draws=101, seed=1)).any(axis=2)
    assert [tuple(where) for where in np.argwhere(found)] == [(2, 1)]


def test_blocks_grow_with_time_and_hold_three_horizons() -> None:
    assert [block_length(time, 5) for time in (1, 36, 37, 100, 1700, 10_000)] == [18, 18, 19, 30, 124, 300]
    assert block_length(100, 23) == 72
