"""Rises of an error, against plain ratios and against the intervals of skill."""

import math

import numpy as np
import pytest

from headway.evaluation.rises import rises
from headway.evaluation.significance import skill_intervals

TIME = 499
GENERATOR = np.random.default_rng(1)
LOSSES = np.exp(GENERATOR.normal(size=TIME))
CHANGED = LOSSES * np.exp(GENERATOR.normal([[0.1], [0.5], [-0.2]], 0.3, size=(3, TIME)))
TICKS = np.arange(TIME)
SETTINGS = {"horizon": 3, "draws": 211, "seed": 7}


def on_skills_scale(own: np.ndarray, changed: np.ndarray, *, overlap: int) -> np.ndarray:
    """Intervals [K, 2] of a skill over losses [time] and [K, time], told as rises."""
    skills = skill_intervals(own[:, None], changed[..., None], overlap=overlap, draws=211, seed=7)[:, 0]
    return 1 / (1 - skills) - 1


def test_a_rise_is_a_ratio_less_one_and_its_interval_that_of_the_skill() -> None:
    found = rises(LOSSES, CHANGED, ticks=TICKS, **SETTINGS)
    assert found.shape == (3, 3)
    np.testing.assert_allclose(found[:, 0], CHANGED.sum(axis=1) / LOSSES.sum() - 1)
    np.testing.assert_allclose(found[:, 1:], on_skills_scale(LOSSES, CHANGED, overlap=2))
    assert (found[:, 1] < found[:, 0]).all() and (found[:, 0] < found[:, 2]).all()
    assert found[1, 1] > 0 > found[2, 2]


def test_the_interval_holds_the_rise_as_often_as_it_says() -> None:
    generator, held = np.random.default_rng(2), []
    for seed in range(100):
        own = np.exp(generator.normal(size=211))
        changed = own * np.exp(generator.normal(size=211)) * 1.2 * math.exp(-0.5)
        ((_, low, high),) = rises(own, [changed], ticks=np.arange(211), horizon=1, draws=97, seed=seed)
        held.append(low < 0.2 < high)
    assert 0.87 <= np.mean(held) <= 1.0


def test_series_that_share_a_time_are_no_second_witness() -> None:
    twice = rises(np.tile(LOSSES, 2), np.tile(CHANGED, 2), ticks=np.tile(TICKS, 2), **SETTINGS)
    np.testing.assert_allclose(twice, rises(LOSSES, CHANGED, ticks=TICKS, **SETTINGS))


def test_the_order_of_windows_does_not_matter() -> None:
    order = np.random.default_rng(3).permutation(TIME)
    found = rises(LOSSES[order], CHANGED[:, order], ticks=TICKS[order], **SETTINGS)
    np.testing.assert_allclose(found, rises(LOSSES, CHANGED, ticks=TICKS, **SETTINGS))


def test_windows_that_overlap_widen_the_interval() -> None:
    # Five windows apart, horizons of 41 steps reach over eight neighbours.
    found = rises(LOSSES, CHANGED, ticks=5 * TICKS, horizon=41, draws=211, seed=7)
    np.testing.assert_allclose(found[:, 1:], on_skills_scale(LOSSES, CHANGED, overlap=8))
    assert not np.allclose(found[:, 1:], on_skills_scale(LOSSES, CHANGED, overlap=0))


def test_a_gap_in_time_keeps_its_place() -> None:
    ticks = np.where(TICKS < 200, TICKS, TICKS + 31)
    own, changed = np.zeros(TIME + 31), np.zeros((3, TIME + 31))
    own[ticks], changed[:, ticks] = LOSSES, CHANGED
    found = rises(LOSSES, CHANGED, ticks=ticks, **SETTINGS)
    np.testing.assert_allclose(found[:, 1:], on_skills_scale(own, changed, overlap=2))


def test_long_spans_of_time_are_told_in_bins() -> None:
    own = np.exp(np.random.default_rng(4).normal(size=9001))
    changed = np.stack([own * 1.5 + 0.1, own**1.1])
    found = rises(own, changed, ticks=np.arange(9001), horizon=11, draws=211, seed=7)
    starts = np.arange(0, 9001, 3)  # ceil(9001 / 4096)
    expected = on_skills_scale(
        np.add.reduceat(own, starts), np.add.reduceat(changed, starts, axis=1), overlap=math.ceil(10 / 3)
    )
    np.testing.assert_allclose(found[:, 1:], expected)


def test_what_changes_nothing_rises_by_exactly_nothing() -> None:
    np.testing.assert_array_equal(rises(LOSSES, [LOSSES, CHANGED[0]], ticks=TICKS, **SETTINGS)[0], np.zeros(3))


@pytest.mark.parametrize("count", [1, 2, 7])
def test_few_windows_have_a_rise_and_no_interval(count: int) -> None:
    found = rises(LOSSES[:count], CHANGED[:, :count], ticks=TICKS[:count], **SETTINGS)
    np.testing.assert_allclose(found[:, 0], CHANGED[:, :count].sum(axis=1) / LOSSES[:count].sum() - 1)
    assert np.isnan(found[:, 1:]).all()


def test_no_draws_give_no_interval() -> None:
    found = rises(LOSSES, CHANGED, ticks=TICKS, horizon=3, draws=0, seed=7)
    assert np.isfinite(found[:, 0]).all() and np.isnan(found[:, 1:]).all()


def test_a_seed_gives_the_same_interval_and_another_one_another() -> None:
    first, again, other = (rises(LOSSES, CHANGED, ticks=TICKS, horizon=3, draws=211, seed=s) for s in (7, 7, 8))
    np.testing.assert_array_equal(first, again)
    assert (first[:, 1:] != other[:, 1:]).all()


@pytest.mark.filterwarnings("error")
def test_an_error_of_nothing_rises_without_bounds_and_without_a_warning() -> None:
    found = rises(np.zeros(TIME), CHANGED, ticks=TICKS, **SETTINGS)
    assert np.isinf(found[:, 0]).all() and np.isnan(found[:, 1:]).all()
