"""Scales that survive diverged trials, and names that fit."""

import numpy as np
import pytest

from headway.report import style
from headway.report.sweep_frame import checked_scores, cut, limits, scale_to, width_of


def test_only_finite_scores_count() -> None:
    scores = checked_scores([1.5, None, float("nan"), float("inf"), -float("inf"), 1e300, -2.0])
    np.testing.assert_array_equal(scores, [1.5, *[np.nan] * 5, -2.0])


@pytest.mark.parametrize(
    ("scores", "lowest", "highest"),
    [
        ([1.0, 2.0, 6.0], 1, 6),  # exactly five times as far from the lowest as the median
        ([1.0, 2.0, 6.1], 1, 2),
        ([1.0, 2.0, 3.0, 4.0, 90.0], 1, 4),
        ([-3.0, -2.0, -1.0], -3, -1),
        ([2.0, 2.0, 2.0, 9.0], 2, 9),  # no typical distance
    ],
)
def test_a_scale_ends_with_the_last_trial_that_is_not_far_above_the_median(
    scores: list[float], lowest: float, highest: float
) -> None:
    low, high = limits(np.array(scores))
    margin = 0.04 * (highest - lowest)
    assert [low, high] == pytest.approx([lowest - margin, highest + margin])


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        ([1.0, 4.0, 30.0], "log"),
        ([1.0, 4.0, 19.0], "linear"),
        ([1.0, 1.1, 30.0], "linear"),
        ([-1.0, 4.0, 30.0], "linear"),
    ],
)
def test_an_axis_is_logarithmic_where_half_of_the_values_are_of_another_size(values: list[float], scale: str) -> None:
    axes = style.figure(3, 3).add_subplot()
    scale_to(axes, "y", np.array(values), shown=np.array([]))
    assert (axes.get_xscale(), axes.get_yscale()) == ("linear", scale)


def test_a_long_name_loses_its_middle_and_fits() -> None:
    short = cut("model.heads=4 " * 9 + "seed=7", 2.0)
    assert short.startswith("model.heads=4 ")
    assert short.endswith("seed=7")
    assert "…" in short
    assert 1.8 < width_of(short) <= 2.0


def test_a_name_that_fits_is_left_but_for_line_breaks() -> None:
    assert cut("$a\n  b$", 2.0) == "$a b$"
    assert cut("abc", 0.0) == "…"
    assert cut("i" * 99, 1.0).count("i") > 25


def test_the_width_of_a_text_is_that_of_its_drawing() -> None:
    figure = style.figure(6, 2, dpi=300)
    drawn = figure.text(0, 0, "model.d_model=64, $x$", size=style.SMALL, parse_math=False).get_window_extent()
    assert width_of("model.d_model=64, $x$") == pytest.approx(drawn.width / 300, rel=0.03)
