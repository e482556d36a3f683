"""Verdicts in plain words."""

import math
import statistics

import pytest

from headway.evaluation.verdicts import Verdict, beats_all, spread, unmet

NAN = math.nan
BETTER = Verdict("temp", "gradient_boosting", 0.024, 0.009, 0.038, 0.010)
WORSE = Verdict("temp", "least_squares", -0.031, -0.048, -0.012, 0.0004)
EQUAL = Verdict("temp", "nlinear", 0.004, -0.008, 0.016, 0.52)


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        (BETTER, "beats gradient boosting by 2.4 % (95 % interval 0.9 to 3.8 %, p = 0.010)"),
        (WORSE, "loses to least squares by 3.1 % (95 % interval 1.2 to 4.8 %, p < 0.001)"),
        (EQUAL, "is not distinguishable from nlinear (+0.4 %, 95 % interval -0.8 to 1.6 %, p = 0.52)"),
        (
            Verdict("temp", "nlinear", -0.0001, -0.0203, -0.0004, 0.07),
            "is not distinguishable from nlinear (+0.0 %, 95 % interval -2.0 to 0.0 %, p = 0.070); "
            "interval and test disagree: a borderline case",
        ),
        (
            Verdict("temp", "nlinear", 0.02, -0.001, 0.041, 0.048),
            "beats nlinear by 2.0 % (95 % interval -0.1 to 4.1 %, p = 0.048); "
            "interval and test disagree: a borderline case",
        ),
        (
            Verdict("temp", "nlinear", -0.02, -0.041, 0.001, 0.048),
            "loses to nlinear by 2.0 % (95 % interval -0.1 to 4.1 %, p = 0.048); "
            "interval and test disagree: a borderline case",
        ),
        (Verdict("temp", "seasonal_naive", 0.1, NAN, NAN, 0.02), "beats seasonal naive by 10.0 % (p = 0.020)"),
        (
            Verdict("temp", "nlinear", 0.1, NAN, NAN, 0.2),
            "is not distinguishable from nlinear (+10.0 %, p = 0.20)",
        ),
        (
            Verdict("temp", "seasonal_naive", 0.1, 0.05, 0.15, NAN),
            "cannot be judged against seasonal naive (+10.0 %): too few origins to judge, "
            "or the same difference at all of them",
        ),
        (Verdict("temp", "seasonal_naive", 0.0, 0.0, 0.0, NAN), "does exactly as well as seasonal naive"),
        (
            Verdict("temp", "seasonal_naive", NAN, NAN, NAN, 0.001),
            "cannot be measured against seasonal naive: there is no skill where the rival makes no error",
        ),
    ],
)
def test_a_verdict_reads_as_a_sentence(verdict: Verdict, words: str) -> None:
    assert verdict.words == words


@pytest.mark.parametrize(
    ("skill", "p_value", "better", "worse"),
    [
        (0.1, 0.049, True, False),
        (0.1, 0.05, False, False),
        (-0.1, 0.049, False, True),
        (-0.1, 0.05, False, False),
        (0.0, 0.001, False, False),
        (0.1, NAN, False, False),
        (NAN, 0.001, False, False),
    ],
)
def test_only_what_is_below_five_percent_is_a_finding(skill: float, p_value: float, better: bool, worse: bool) -> None:
    verdict = Verdict("temp", "nlinear", skill, NAN, NAN, p_value)
    assert (verdict.better, verdict.worse) == (better, worse)


def test_all_are_beaten_only_if_there_are_some_and_each_one_is() -> None:
    assert beats_all([BETTER, BETTER])
    assert not beats_all([BETTER, EQUAL])
    assert not beats_all([WORSE, BETTER])
    assert not beats_all([])


def test_those_not_beaten_are_named_in_order() -> None:
    assert unmet([WORSE, BETTER, EQUAL]) == [WORSE.words, EQUAL.words]
    assert unmet([BETTER]) == []


def test_spread_is_that_of_a_sample() -> None:
    errors = {2: 1.889, 0: 1.942, 1: 1.929}
    assert spread(errors) == (
        f"over seeds 0, 1, 2: mean 1.920, standard deviation {statistics.stdev(errors.values()):.3f} (ddof 1), "
        "range 1.889 to 1.942"
    )


@pytest.mark.parametrize(
    ("errors", "words"),
    [
        ({3: 0.0123, 5: 0.0125}, "mean 0.01240, standard deviation 0.00014 (ddof 1), range 0.01230 to 0.01250"),
        ({3: 12300.0, 5: 12500.0}, "mean 12400, standard deviation 141 (ddof 1), range 12300 to 12500"),
        ({3: 0.0, 5: 0.0}, "mean 0.000, standard deviation 0.000 (ddof 1), range 0.000 to 0.000"),
        ({3: 1.0, 5: NAN}, "mean nan, standard deviation nan (ddof 1), range nan to nan"),
    ],
)
def test_spread_is_printed_to_four_digits_of_the_mean(errors: dict[int, float], words: str) -> None:
    assert spread(errors) == f"over seeds 3, 5: {words}"


@pytest.mark.parametrize("errors", [{}, {0: 1.9}])
def test_one_seed_has_no_spread(errors: dict[int, float]) -> None:
    assert spread(errors) == ""
