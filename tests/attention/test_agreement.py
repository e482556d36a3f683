"""Whether a map agrees with importance, against scipy and by hand, and the verdict's words."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from headway.attention.agreement import Verdict, chance, contrast, lift, rank_agreement

RISES = np.array([0.3, 0.1, 0.7, 0.2, 0.5, 0.9, 0.4])


def importance_of(rises: Any, *, width: float = 0.02) -> np.ndarray:
    """(rise, low, high) [S, 3] with intervals of one width; NaN for none."""
    rises = np.asarray(rises, float)
    return np.stack([rises, rises - width, rises + width], axis=1)


def weights(seed: int, count: int = 7, *, round_to: int = 3) -> np.ndarray:
    """Weights that add up to about 1, some of them equal where they are rounded coarsely."""
    return np.random.default_rng(seed).dirichlet(np.ones(count)).round(round_to)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("digits", [4, 1], ids=["", "ties in attention"])
def test_where_every_lag_counts_it_is_spearmans_rho(seed: int, digits: int) -> None:
    attention = weights(seed, round_to=digits)
    expected = stats.spearmanr(attention, RISES).statistic
    assert rank_agreement(attention, importance_of(RISES)) == pytest.approx(expected)


@pytest.mark.parametrize(
    "rises", [[0.5, 0, 0, 0.9, 0], [0, 0, 0.4], [-0.1, 0.03, 0.8, 0.5, -0.2, 0.01, 0.2], [0.2, 0.3]]
)
def test_attention_in_the_order_of_importance_reaches_one_and_reversed_minus_one(rises: list[float]) -> None:
    # Lags of no account have no order of their own: any order among them is as good.
    order = np.array(rises) + np.random.default_rng(1).permutation(len(rises)) * 1e-3 * (np.array(rises) <= 0.03)
    attention = (stats.rankdata(order)) / 100
    assert rank_agreement(attention, importance_of(rises)) == pytest.approx(1)
    assert rank_agreement(attention.max() - attention, importance_of(rises)) == pytest.approx(-1)


def test_it_is_rho_as_a_part_of_the_highest_that_any_order_reaches() -> None:
    rises = [0, 0, 0.8, 0, 0]
    attention = np.array([0.1, 0.15, 0.3, 0.05, 0.4])  # the only lag that matters is second
    # By hand: ranks 2 3 4 1 5 against 2.5 2.5 5 2.5 2.5, where first would reach 1 / sqrt(2).
    orders = [stats.spearmanr(np.roll(np.arange(5), k), rises).statistic for k in range(5)]
    assert max(orders) == pytest.approx(1 / math.sqrt(2))
    found = rank_agreement(attention, importance_of(rises))
    assert found == pytest.approx(stats.spearmanr(attention, rises).statistic * math.sqrt(2))
    assert found == pytest.approx(0.5)


def test_lags_whose_interval_holds_zero_are_of_no_account() -> None:
    found = importance_of(RISES)
    found[3] = 0.2, -0.1, 0.5
    found[0] = 0.3, 0.0, 0.6
    flat = RISES.copy()
    flat[[3, 0]] = 0
    for seed in range(5):
        assert rank_agreement(weights(seed), found) == pytest.approx(rank_agreement(weights(seed), importance_of(flat)))
    without = found.copy()
    without[:, 1:] = np.nan  # no interval: the rise itself decides
    expected = stats.spearmanr(weights(3), RISES).statistic
    assert rank_agreement(weights(3), without) == pytest.approx(expected)


def test_lags_of_a_tenth_of_the_highest_importance_and_less_are_of_no_account() -> None:
    above, below = ([0.101, 0.0, 1.0], [0.099, 0.0, 1.0])
    attention = np.array([0.2, 0.3, 0.5])
    assert rank_agreement(attention, importance_of(below, width=0.01)) == pytest.approx(1)
    assert rank_agreement(attention, importance_of(above, width=0.01)) == pytest.approx(0.5)


@pytest.mark.filterwarnings("error")
def test_what_has_no_order_has_no_agreement() -> None:
    uniform = np.full(7, 1 / 7) + 1e-8 * np.arange(7)  # but for rounding
    assert math.isnan(rank_agreement(uniform, importance_of(RISES)))
    assert math.isnan(rank_agreement(weights(1), importance_of(np.full(7, 0.4))))
    assert math.isnan(rank_agreement(weights(1), importance_of(RISES, width=2.0)))
    assert math.isnan(rank_agreement(weights(1), importance_of(-RISES)))
    assert math.isnan(rank_agreement(np.ones(1), importance_of([0.4])))
    assert math.isnan(rank_agreement(weights(1), np.full((7, 3), np.nan)))


def test_lift_is_the_importance_that_attention_picks_over_a_blind_pick() -> None:
    # By hand: (0.5 * 3 + 0.25 * 1) / (4 / 4); a fall counts as nothing.
    assert lift(np.array([0.5, 0.25, 0.25, 0]), importance_of([3.0, 1.0, 0.0, -5.0])) == pytest.approx(1.75)
    assert lift(np.full(7, 1 / 7), importance_of(RISES)) == pytest.approx(1)
    assert math.isnan(lift(np.full(7, 1 / 7), importance_of(-RISES)))


def test_contrast_is_nothing_for_a_flat_map_and_one_for_importance_itself() -> None:
    found = importance_of(RISES)
    assert contrast(np.full(7, 1 / 7), found) == pytest.approx(0)
    assert contrast(RISES / RISES.sum(), found) == pytest.approx(1)
    assert contrast((RISES / RISES.sum() + 1 / 7) / 2, found) == pytest.approx(0.5)
    assert contrast((1 - RISES) / (1 - RISES).sum(), found) < 0
    # By hand: lift 1.5 where importance itself has (9 + 1) / 4 / 4 * 4 = 2.5.
    assert contrast(np.array([0.375, 0.375, 0.25, 0]), importance_of([3.0, 1.0, 0, 0])) == pytest.approx(0.5 / 1.5)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 7, 11, 97])
@pytest.mark.parametrize("rise", [0.1, 0.7, 1 / 3])
def test_where_all_lags_matter_alike_there_is_no_contrast_to_show(count: int, rise: float) -> None:
    attention = np.random.default_rng(1).dirichlet(np.ones(count))
    assert math.isnan(contrast(attention, importance_of(np.full(count, rise))))
    assert math.isnan(contrast(attention, importance_of(np.full(count, -rise))))


def test_chance_is_that_of_one_more_draw_being_as_high() -> None:
    blind = np.exp(np.random.default_rng(2).normal(0.1, 0.2, size=13))
    # A two-sample t test whose second sample is the one draw: its variance is that of the first alone.
    for reached in (0.7, 1.1, 2.3):
        expected = stats.ttest_ind([math.log(reached)], np.log(blind), alternative="greater").pvalue
        assert chance(reached, blind) == pytest.approx(expected)


def test_chance_is_uniform_for_a_network_that_has_learned_nothing() -> None:
    generator = np.random.default_rng(3)
    found = [chance(draw[0], draw[1:]) for draw in np.exp(generator.normal(0.3, 0.5, size=(1009, 17)))]
    assert stats.kstest(found, "uniform").pvalue > 0.01


def test_chance_is_not_known_where_blind_networks_do_not_differ_or_nothing_was_reached() -> None:
    assert math.isnan(chance(3.0, np.ones(16)))
    assert math.isnan(chance(math.nan, np.exp(np.random.default_rng(2).normal(size=13))))
    assert math.isnan(chance(3.0, np.full(13, np.nan)))
    assert chance(0.0, np.array([1.0, 1.1, 0.9])) > 0.999


SOUND = Verdict(
    rho=0.9,
    lift=2.5,
    contrast=0.4,
    chance=1e-5,
    contrasts={"training mean": (0.12, 0.05, 0.2), "another window": (0.3, 0.1, 0.5)},
)
NO_GAIN = {"training mean": (0.12, 0.05, 0.2), "another window": (0.03, -0.01, 0.05)}
NO_INTERVAL = {"training mean": (0.12, math.nan, math.nan), "another window": (0.3, 0.1, 0.5)}
# What is broken -> what holds no more, and the words that say so.
BROKEN: dict[str, tuple[dict[str, Any], str, str]] = {
    "rho": ({"rho": 0.69}, "ranks_agree", "rho 0.69"),
    "reversed": ({"rho": -1.0}, "ranks_agree", "rho -1.00"),
    "no rho": ({"rho": math.nan}, "ranks_agree", "its rank agreement is not defined"),
    "one replacement": (
        {"contrasts": NO_GAIN},
        "deletion_agrees",
        "deleting the most-attended steps first does not cost more than random order "
        "(+12.0 % [+5.0 to +20.0] with training mean, +3.0 % [-1.0 to +5.0] with another window)",
    ),
    "no interval": (
        {"contrasts": NO_INTERVAL},
        "deletion_agrees",
        "it is not known whether deleting the most-attended steps first costs more than random order "
        "(+12.0 % with training mean, +30.0 % [+10.0 to +50.0] with another window)",
    ),
    "contrast": ({"contrast": 0.09}, "shows_contrast", "it shows 9 % of the contrast between lags that matter"),
    "chance": ({"chance": 0.02}, "is_learned", "2.50 times as important as blind ones (p = 0.02 for untrained"),
    "no chance": ({"chance": math.nan}, "is_learned", "it cannot be told from a network that learned nothing"),
}
CONDITIONS = ("ranks_agree", "deletion_agrees", "shows_contrast", "is_learned")


def test_a_map_is_trusted_where_every_condition_holds() -> None:
    assert SOUND.trusted and all(getattr(SOUND, condition) for condition in CONDITIONS)
    assert SOUND.headline == "attention ranks the lags as permutation does: rho 0.90"
    assert SOUND.words == (
        "attention ranks the lags as permutation does: rho 0.90; deleting the most-attended steps first costs more than "
        "random order (+12.0 % [+5.0 to +20.0] with training mean, +30.0 % [+10.0 to +50.0] with another window); "
        "it shows 40 % of the contrast between lags that matter and others; "
        "attended steps are 2.50 times as important as blind ones (p < 0.001 for untrained networks)"
    )


@pytest.mark.parametrize("broken", BROKEN)
def test_one_broken_condition_is_enough_to_distrust_and_is_named(broken: str) -> None:
    changes, condition, words = BROKEN[broken]
    verdict = replace(SOUND, **changes)
    assert not verdict.trusted
    assert [name for name in CONDITIONS if not getattr(verdict, name)] == [condition]
    assert verdict.headline.startswith("do not read this map as importance: ")
    assert words in verdict.headline and ";" not in verdict.headline
    against, in_favour = verdict.words.split(" (although: ")
    assert against == verdict.headline
    assert in_favour.count(";") == 2 and words not in in_favour


def test_thresholds_belong_to_where_they_are_documented() -> None:
    assert replace(SOUND, rho=0.7).trusted and replace(SOUND, contrast=0.1).trusted
    assert not replace(SOUND, chance=0.001).trusted and replace(SOUND, chance=0.00099).trusted
    assert not replace(SOUND, contrasts={"training mean": (0.0, 0.0, 0.0)}).trusted


def test_without_an_interval_a_fall_is_still_no_gain() -> None:
    contrasts = {"training mean": (-0.12, math.nan, math.nan), "another window": (0.3, math.nan, math.nan)}
    assert "does not cost more than random order (-12.0 % with" in replace(SOUND, contrasts=contrasts).headline


def test_everything_broken_is_named_and_nothing_said_in_favour() -> None:
    words = replace(SOUND, rho=0.1, contrasts=NO_GAIN, contrast=0.0, chance=0.5).words
    assert words.count(";") == 3 and "although" not in words


def test_a_map_without_order_is_said_to_have_none() -> None:
    verdict = replace(SOUND, rho=math.nan, contrast=math.nan, chance=math.nan, lift=math.nan)
    expected = "do not read this map as importance: it has no order, or no lag matters that could be told from nothing"
    assert verdict.words == verdict.headline == expected
    assert "nan" not in expected and not verdict.trusted
