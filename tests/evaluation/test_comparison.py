"""The model against its rivals on one grid of time, against pandas and a grid laid by hand."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from headway.evaluation import comparison as module
from headway.evaluation import forecasts as parts
from headway.evaluation.comparison import Comparison, compare
from headway.evaluation.forecasts import Forecasts
from headway.evaluation.scores import score
from headway.evaluation.significance import diebold_mariano, skill_intervals

HORIZON, TARGETS, RIVALS = 5, ("temp", "load"), ("twice", "same", "half")


def make(ticks: np.ndarray, series: np.ndarray, *, missing: float = 0.2) -> Forecasts:
    """A model whose errors are half of those of "twice", and twice those of "half"; errors depend on time."""
    generator = np.random.default_rng(7)
    shape = (len(ticks), HORIZON, len(TARGETS))
    swing = 1 + 0.3 * np.sin(ticks / 5)[:, None, None]

    def wrong(size: float) -> np.ndarray:
        return (size * swing * generator.normal(size=shape)).astype(np.float32)

    return Forecasts(
        model="model",
        targets=TARGETS,
        levels=(0.1, 0.5, 0.9),
        ticks=ticks,
        series=series,
        actual=np.where(generator.random(shape) < missing, np.nan, 0.0),
        quantiles=wrong(1)[..., None] + np.array([-1, 0, 1], np.float32),
        rivals=dict(zip(RIVALS, (wrong(2), wrong(1), wrong(0.5)), strict=True)),
        seasonal_scale=np.ones((3, 2)),
        seasonal_square=np.ones((3, 2)),
        slicings={},
    )


def side_by_side(*ticks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ticks and series of several series' windows, in shuffled order."""
    order = np.random.default_rng(11).permutation(sum(map(len, ticks)))
    series = np.repeat(np.arange(len(ticks)), [len(one) for one in ticks])
    return np.concatenate(ticks)[order].astype(np.int64), series[order]


EVEN = make(*side_by_side(*3 * [np.arange(211)]))
STRIDE = make(*side_by_side(*3 * [5 + 3 * np.delete(np.arange(199), np.r_[40:71, 90])]))
STAGGERED = make(*side_by_side(np.arange(307), np.arange(101, 307), np.arange(53, 257)))
ONE_MISSING = make(*side_by_side(*3 * [np.arange(211)]), missing=0.0)
CASES = {
    "even": (EVEN, 1, 4),
    "stride 3": (STRIDE, 3, 1),
    "staggered": (STAGGERED, 1, 4),
    "none missing": (ONE_MISSING, 1, 4),
}


def by_hand(forecasts: Forecasts, step: int, target: int) -> tuple[np.ndarray, np.ndarray]:
    """Sums of absolute errors [1 + R, time, 1 + H] over series, and counts [time], on a grid laid by hand."""
    actual = forecasts.actual[..., target]
    grid = np.arange(forecasts.ticks.min(), forecasts.ticks.max() + 1, step)
    points = [forecasts.quantiles[:, :, target, 1], *(one[:, :, target] for one in forecasts.rivals.values())]
    losses = []
    for point in points:
        error = np.abs(np.nan_to_num(point - actual))
        frame = pd.DataFrame(np.column_stack([error.sum(axis=1), error])).groupby(forecasts.ticks).sum()
        losses.append(frame.reindex(grid, fill_value=0.0).to_numpy())
    counts = pd.Series((~np.isnan(actual)).sum(axis=1)).groupby(forecasts.ticks).sum().reindex(grid, fill_value=0)
    return np.array(losses), counts.to_numpy()


@pytest.fixture(scope="module")
def found() -> dict[str, Comparison]:
    return {name: compare(case[0], draws=200, seed=3) for name, case in CASES.items()}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("target", [0, 1])
def test_intervals_and_tests_are_those_of_a_grid_laid_by_hand(
    case: str, target: int, found: dict[str, Comparison]
) -> None:
    forecasts, step, overlap = CASES[case]
    losses, counts = by_hand(forecasts, step, target)
    intervals = skill_intervals(losses[0], losses[1:], overlap=overlap, draws=200, seed=3)
    assert np.isfinite(intervals).all()
    for number, rival in enumerate(RIVALS):
        np.testing.assert_allclose(found[case].intervals[TARGETS[target]][rival], intervals[number], rtol=1e-9)
        difference = (losses[0] - losses[1 + number])[:, 0]
        mean = difference.sum() / counts.sum()
        around = np.where(counts > 0, mean + (difference - mean * counts) / counts[counts > 0].mean(), np.nan)
        if case == "none missing":  # then it is the plain mean over the series of an origin
            np.testing.assert_allclose(around, difference / counts)
        verdict = next(one for one in found[case].verdicts if (one.target, one.rival) == (TARGETS[target], rival))
        assert verdict.p_value == pytest.approx(diebold_mariano(around, overlap=overlap).p_value, rel=1e-9)
        assert (verdict.low, verdict.high) == tuple(found[case].intervals[TARGETS[target]][rival][0])


@pytest.mark.parametrize("case", CASES)
def test_verdicts_have_the_skill_of_the_scores_and_point_the_right_way(case: str, found: dict[str, Comparison]) -> None:
    scores = score(CASES[case][0])
    verdicts = found[case].verdicts
    assert [(one.target, one.rival) for one in verdicts] == [(t, r) for t in TARGETS for r in RIVALS]
    for one in verdicts:
        assert one.skill == pytest.approx(scores.value(one.target, "model", f"skill_{one.rival}"), rel=1e-12)
        assert one.low < one.skill < one.high
        if one.rival == "same":
            assert one.p_value > 0.01
        else:
            assert (one.better, one.worse) == ((one.rival == "twice"), (one.rival == "half"))


def test_skill_and_test_agree_on_who_is_better_where_values_are_missing_unevenly() -> None:
    """Of one origin in two only one series was observed, and there the model is far worse."""
    ticks, series = side_by_side(*3 * [np.arange(402)])
    sparse = np.random.default_rng(2).permutation(402) < 201
    actual = np.zeros((len(ticks), HORIZON, 2))
    actual[sparse[ticks] & (series > 0)] = np.nan
    loss = np.where(sparse, 2.0, 0.65)[ticks, None, None] + np.zeros(actual.shape)
    uneven = replace(
        make(ticks, series),
        actual=actual,
        quantiles=np.repeat(loss[..., None], 3, axis=-1).astype(np.float32),
        rivals={"naive": np.ones(actual.shape, np.float32)},
    )
    verdict = compare(uneven, draws=0, seed=1).verdicts[0]
    by_origin = np.where(sparse, 1.0, -0.35)
    assert by_origin.mean() > 0.2
    assert diebold_mariano(by_origin, overlap=HORIZON - 1).p_value < 0.001  # the means of origins would say: worse
    assert 0 < verdict.skill < 0.03
    assert verdict.p_value > 0.2


def test_what_is_missing_counts_nowhere() -> None:
    extra = np.arange(0, 600, 7)
    actual = np.concatenate([EVEN.actual, np.full_like(EVEN.actual[extra], np.nan)])
    longer = replace(
        EVEN,
        ticks=np.concatenate([EVEN.ticks, EVEN.ticks[extra]]),
        series=np.concatenate([EVEN.series, EVEN.series[extra]]),
        actual=actual,
        quantiles=np.concatenate([EVEN.quantiles, 9 + EVEN.quantiles[extra]]),
        rivals={name: np.concatenate([one, one[extra]]) for name, one in EVEN.rivals.items()},
    )
    same(compare(longer, draws=50, seed=1), compare(EVEN, draws=50, seed=1))


def same(found: Comparison, expected: Comparison, *, tolerance: float = 1e-9) -> None:
    for one, other in zip(found.verdicts, expected.verdicts, strict=True):
        assert (one.target, one.rival) == (other.target, other.rival)
        numbers = [(each.skill, each.low, each.high, each.p_value) for each in (one, other)]
        np.testing.assert_allclose(*numbers, rtol=tolerance)
    for target, by_rival in expected.intervals.items():
        for rival, intervals in by_rival.items():
            np.testing.assert_allclose(found.intervals[target][rival], intervals, rtol=tolerance)


@pytest.mark.parametrize("size", [1, 7])
def test_windows_may_be_taken_any_number_at_once(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    expected = compare(STRIDE, draws=50, seed=1)
    monkeypatch.setattr(parts, "_VALUES_AT_ONCE", size * HORIZON * 2 * 3)
    same(compare(STRIDE, draws=50, seed=1), expected)


def test_when_time_begins_does_not_matter() -> None:
    same(compare(replace(EVEN, ticks=EVEN.ticks + 10**12), draws=50, seed=1), compare(EVEN, draws=50, seed=1))


def test_eras_far_apart_take_no_memory_for_the_years_between() -> None:
    far = replace(EVEN, ticks=EVEN.ticks + np.where(EVEN.ticks > 100, 10**9, 0))
    near = replace(EVEN, ticks=EVEN.ticks + np.where(EVEN.ticks > 100, 999, 0))
    tracemalloc.start()
    found = compare(far, draws=50, seed=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6
    same(found, compare(near, draws=50, seed=1))
    assert [one.p_value for one in found.verdicts] != [one.p_value for one in compare(EVEN, draws=0, seed=1).verdicts]


def test_bins_of_time_give_about_the_intervals_of_every_origin(monkeypatch: pytest.MonkeyPatch) -> None:
    long = make(*side_by_side(np.arange(9003)))
    assert 2 * module.MOST_BINS < len(long) < 3 * module.MOST_BINS
    binned = compare(long, draws=500, seed=1)
    losses, _ = by_hand(long, 1, 0)
    by_three = losses.reshape(4, 3001, 3, 1 + HORIZON).sum(axis=2)  # horizons of 5 origins touch 2 bins ahead
    by_bin = skill_intervals(by_three[0], by_three[1:], overlap=2, draws=500, seed=1)
    monkeypatch.setattr(module, "MOST_BINS", 10**9)
    plain = compare(long, draws=500, seed=1)
    for one, other in zip(binned.verdicts, plain.verdicts, strict=True):
        assert (one.skill, one.p_value) == (other.skill, other.p_value)
        width = other.high - other.low
        assert 0 < abs(one.low - other.low) < 0.15 * width
        assert 0 < abs(one.high - other.high) < 0.15 * width
    for number, rival in enumerate(RIVALS):
        np.testing.assert_allclose(binned.intervals["temp"][rival], by_bin[number], rtol=1e-9)


def test_no_draws_give_verdicts_without_intervals() -> None:
    found = compare(EVEN, draws=0, seed=1)
    assert all(np.isnan([one.low, one.high]).all() and one.p_value < 1 for one in found.verdicts)
    assert found.intervals["load"]["half"].shape == (1 + HORIZON, 2)


def test_without_rivals_or_windows_there_is_nothing_to_compare() -> None:
    none = replace(EVEN, rivals={})
    empty = make(np.zeros(0, np.int64), np.zeros(0, np.int64))
    for found in (compare(none, draws=50, seed=1), compare(empty, draws=50, seed=1)):
        assert found == Comparison((), {"temp": {}, "load": {}})


@pytest.mark.parametrize("observed", [True, False])
def test_a_single_window_has_a_skill_at_most(observed: bool) -> None:
    one = make(np.array([7]), np.array([0]), missing=0.0)
    actual = one.actual if observed else np.full_like(one.actual, np.nan)
    for verdict in compare(replace(one, actual=actual), draws=50, seed=1).verdicts:
        assert np.isnan([verdict.low, verdict.high, verdict.p_value]).all()
        assert np.isfinite(verdict.skill) == observed


def test_a_rival_that_errs_exactly_as_much_is_no_worse_and_no_better() -> None:
    twin = replace(EVEN, rivals={"twin": EVEN.quantiles[..., 1]})
    verdict = compare(twin, draws=50, seed=1).verdicts[0]
    assert (verdict.skill, verdict.better, verdict.worse) == (0, False, False)
    assert "exactly as well" in verdict.words


def test_origins_spread_over_a_long_time_are_tested_in_bins_of_it_and_take_little_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spread = make(*side_by_side(np.sort(np.random.default_rng(4).choice(1_500_000, 3001, replace=False))))
    plain = compare(spread, draws=0, seed=1)
    monkeypatch.setattr(module, "_MOST_TIMES", 1 << 15)
    tracemalloc.start()
    binned = compare(spread, draws=0, seed=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10e6  # every step of that time takes 48 MB for four forecasters
    for one, other in zip(binned.verdicts, plain.verdicts, strict=True):
        assert one.skill == pytest.approx(other.skill)
        assert one.p_value == pytest.approx(other.p_value, rel=0.02, abs=1e-6)
    assert any(0.01 < one.p_value < 0.99 for one in plain.verdicts)  # "same" is about as good
