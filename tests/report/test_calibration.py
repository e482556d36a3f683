"""Reliability, PIT histogram, and coverage by horizon step."""

import warnings
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle, StepPatch
from scipy.stats import norm

from headway.report.calibration import calibration, coverage_limits, symmetric_pairs

HOUR = np.timedelta64(1, "h")
LEVELS = np.array([0.1, 0.25, 0.5, 0.75, 0.9])
SHARES = LEVELS + np.array([-0.03, 0.0, 0.01, 0.02, 0.04, 0.05, -0.02])[:, None] * np.array([1, 1, 0, -1, -1])
OVERALL = np.array([0.12, 0.26, 0.5, 0.73, 0.88])
RAW = SHARES[::-1] + 0.01
RAW_OVERALL = np.array([0.2, 0.3, 0.5, 0.7, 0.8])


def panels(**changes: Any) -> list[Axes]:
    arguments: dict[str, Any] = {"overall": OVERALL, "raw": RAW, "raw_overall": RAW_OVERALL, "clock": HOUR}
    return calibration(LEVELS, SHARES, **(arguments | changes)).axes


def values(axes: Axes, label: str) -> np.ndarray:
    (found,) = [line for line in axes.lines if line.get_label() == label]
    return np.asarray(found.get_ydata())


def normal_shares(levels: np.ndarray, horizon: int, *, narrow: float) -> np.ndarray:
    """Shares below the quantiles of a normal forecast that is `narrow` times too narrow [H, Q]."""
    return norm.cdf(norm.ppf(levels) * np.linspace(1, narrow, horizon)[:, None])


def test_reliability_holds_the_overall_shares_before_and_after_beside_the_diagonal() -> None:
    axes = panels()[0]
    np.testing.assert_array_equal(values(axes, "overall"), OVERALL)
    np.testing.assert_array_equal(values(axes, "before calibration"), RAW_OVERALL)
    np.testing.assert_array_equal(values(axes, "ideal"), [0, 1])
    assert axes.get_xlim() == axes.get_ylim() == (0, 1)


def test_the_range_over_horizon_steps_is_that_of_the_calibrated_shares() -> None:
    shares = SHARES.copy()
    shares[2, 3] = np.nan
    axes = calibration(LEVELS, shares, overall=OVERALL, clock=HOUR).axes[0]
    (band,) = axes.collections
    x, y = np.asarray(band.get_paths()[0].vertices).T
    for place, level in enumerate(LEVELS):
        at_level = y[np.isclose(x, level)]
        assert (at_level.min(), at_level.max()) == (np.nanmin(shares[:, place]), np.nanmax(shares[:, place]))


def test_bars_of_the_histogram_are_the_mass_between_levels_over_the_nominal_mass() -> None:
    bars = [patch for patch in panels()[1].patches if isinstance(patch, Rectangle)]
    np.testing.assert_allclose([bar.get_x() for bar in bars], [0, 0.1, 0.25, 0.5, 0.75, 0.9], atol=1e-12)
    np.testing.assert_allclose([bar.get_width() for bar in bars], [0.1, 0.15, 0.25, 0.25, 0.15, 0.1])
    masses = [0.12, 0.14, 0.24, 0.23, 0.15, 0.12]  # of OVERALL, by hand
    np.testing.assert_allclose([bar.get_width() * bar.get_height() for bar in bars], masses)


def test_the_outline_of_the_histogram_is_that_before_calibration() -> None:
    (outline,) = [patch for patch in panels()[1].patches if isinstance(patch, StepPatch)]
    np.testing.assert_allclose(outline.get_data().values, [2, 0.1 / 0.15, 0.8, 0.8, 0.1 / 0.15, 2])


def test_ideal_quantiles_have_a_flat_histogram_at_1() -> None:
    axes = panels(overall=LEVELS, raw=None, raw_overall=None)[1]
    np.testing.assert_allclose([bar.get_height() for bar in axes.patches], 1)
    np.testing.assert_array_equal(values(axes, "ideal"), [1, 1])


def test_coverage_is_the_share_between_symmetric_quantiles_by_step_in_percent() -> None:
    axes = panels()[2]
    np.testing.assert_allclose(values(axes, "80 %"), 100 * (SHARES[:, 4] - SHARES[:, 0]))
    np.testing.assert_allclose(values(axes, "50 %"), 100 * (SHARES[:, 3] - SHARES[:, 1]))
    np.testing.assert_allclose(values(axes, "80 % before calibration"), 100 * (RAW[:, 4] - RAW[:, 0]))
    np.testing.assert_allclose(values(axes, "nominal 50 %"), 50)


def test_without_calibration_nothing_is_drawn_or_named_before_it() -> None:
    figure = calibration(LEVELS, SHARES, overall=OVERALL, clock=HOUR)
    named = [line.get_label() for axes in figure.axes for line in axes.lines]
    named += [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    assert not [name for name in named if "calibration" in str(name)]


def test_without_a_symmetric_pair_there_is_no_coverage() -> None:
    levels = np.array([0.1, 0.5, 0.7])
    figure = calibration(levels, np.tile(levels, (3, 1)), overall=levels, clock=HOUR)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["Reliability", "PIT histogram"]


def test_symmetric_pairs_run_from_the_widest_to_the_narrowest() -> None:
    assert symmetric_pairs(np.array([0.05, 0.1, 0.3, 0.5, 0.7, 0.95])) == [(0, 5), (2, 4)]
    assert symmetric_pairs(np.array([0.5])) == []


@pytest.mark.parametrize(
    ("covered", "nominal", "limits"),
    [
        ([79.0, 81.0], [80.0], (75, 85)),
        ([60.0, np.nan], [80.0, 50.0], (45, 85)),
        ([0.0, 100.0], [99.0, 1.5], (-2, 102)),
        ([np.nan], [80.0], (75, 85)),
    ],
)
def test_an_axis_of_coverage_shows_all_values_and_what_is_close_to_nominal(
    covered: list[float], nominal: list[float], limits: tuple[float, float]
) -> None:
    assert coverage_limits(np.array(covered), *nominal) == limits


def test_shapes_that_disagree_are_refused_with_both() -> None:
    with pytest.raises(ValueError, match=r"shares must have shape \[H, Q=5\]: got \[5, 7\]"):
        calibration(LEVELS, SHARES.T, overall=OVERALL, clock=HOUR)
    with pytest.raises(ValueError, match=r"overall must have shape \[Q=5\]: got \[3\]"):
        panels(overall=OVERALL[:3])
    with pytest.raises(ValueError, match=r"raw must have shape \[H=7, Q=5\]: got \[3, 5\]"):
        panels(raw=RAW[:3])
    with pytest.raises(ValueError, match=r"raw_overall must have shape \[Q=5\]: got \[3\]"):
        panels(raw_overall=RAW_OVERALL[:3])


def test_percentages_in_place_of_shares_are_refused() -> None:
    with pytest.raises(ValueError, match=r"overall must be from 0 to 1: got 12\. Divide percentages by 100\."):
        panels(overall=100 * OVERALL)


def test_half_of_what_was_before_calibration_is_refused() -> None:
    with pytest.raises(ValueError, match="raw and raw_overall belong together"):
        panels(raw_overall=None)


@pytest.mark.parametrize("levels", [LEVELS[::-1], [0.0, 0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, 0.4, 1.0]])
def test_levels_that_do_not_rise_within_0_and_1_are_refused(levels: list[float]) -> None:
    with pytest.raises(ValueError, match="levels must rise within"):
        calibration(np.array(levels), SHARES, overall=OVERALL, clock=HOUR)


@pytest.mark.parametrize("horizon", [1, 7, 96])
@pytest.mark.parametrize(
    "levels",
    [
        [0.5],
        [0.1, 0.5, 0.9],
        [0.1, 0.25, 0.5, 0.75, 0.9],
        [0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975],
        [0.02, 0.03, 0.04, 0.49, 0.51, 0.96, 0.97, 0.98],
    ],
)
def test_few_and_many_levels_and_steps_draw_without_a_warning_and_no_text_touches_another(
    levels: list[float], horizon: int, overlaps: Callable[[Figure], list[tuple[str, str]]]
) -> None:
    after = normal_shares(np.array(levels), horizon, narrow=0.9)
    before = normal_shares(np.array(levels), horizon, narrow=0.6)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = calibration(
            *(np.array(levels), after), overall=after[0], raw=before, raw_overall=before[-1], clock=HOUR
        )
        assert overlaps(figure) == []
    for left, right in pairwise(figure.axes):
        assert left.get_window_extent().x1 < right.yaxis.label.get_window_extent().x0


def test_unknown_shares_draw_without_a_warning() -> None:
    unknown = np.full((7, 5), np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        calibration(
            *(LEVELS, unknown), overall=unknown[0], raw=unknown, raw_overall=unknown[0], clock=HOUR
        ).draw_without_rendering()
