"""Error and coverage by forecast origin."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.dates import num2date
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from headway.report.backtest import backtest_by_origin

ORIGINS = np.datetime64("2013-11-01T06") + np.arange(7) * np.timedelta64(7, "D")
ERRORS = {
    "ours": np.array([2.0, 2.1, 1.9, np.nan, 2.4, 2.2, 2.0]),
    "drift": np.array([2.2, 2.3, 2.0, 2.1, 2.5, 2.6, 2.1]),
    "seasonal_naive": np.full(7, 6.7),
}
COVERAGE = np.array([81.0, 77.0, 83.0, np.nan, 72.0, 79.0, 80.0])
REFITS = np.array([True, False, False, True, False, True, False])


def panels(**changes: Any) -> list[Axes]:
    arguments: dict[str, Any] = {
        "model": "ours",
        "metric": "MAE",
        "unit": "deg F",
        "coverage": COVERAGE,
        "nominal": 80.0,
        "refits": REFITS,
    }
    arguments |= {"origins": ORIGINS, "errors": ERRORS} | changes
    return backtest_by_origin(arguments.pop("origins"), arguments.pop("errors"), **arguments).axes


def line(axes: Axes, label: str) -> Line2D:
    (found,) = [one for one in axes.lines if one.get_label() == label]
    return found


def times(found: Line2D) -> list[np.datetime64]:
    return [np.datetime64(num2date(x).replace(tzinfo=None), "s") for x in np.asarray(found.get_xdata())]


def test_lines_are_the_errors_at_their_origins() -> None:
    upper, _ = panels()
    for name, errors in ERRORS.items():
        np.testing.assert_array_equal(line(upper, name).get_ydata(), errors)
        assert times(line(upper, name)) == list(ORIGINS.astype("datetime64[s]"))
    assert upper.get_ylabel() == "MAE (deg F)"


def test_a_poor_rival_leaves_the_scale_and_is_named_with_its_error() -> None:
    upper, _ = panels()
    assert upper.get_ylim() == (0, pytest.approx(1.4 * 2.6))
    texts = [text.get_text() for text in upper.texts]
    assert any("seasonal_naive: off the scale, 6.7" in text for text in texts)
    assert {"ours", "drift"} <= set(texts)


def test_origins_at_which_the_model_was_fitted_anew_are_marked_on_the_axis() -> None:
    upper, _ = panels()
    marks = line(upper, "refit")
    assert times(marks) == [ORIGINS[0], ORIGINS[3], ORIGINS[5]]
    assert marks.get_transform() == upper.get_xaxis_transform()
    assert any("▲ fitted anew" in text.get_text() for text in upper.texts)


def test_without_a_refit_nothing_is_marked_or_said() -> None:
    upper, _ = panels(refits=np.zeros(7, bool))
    assert "refit" not in [one.get_label() for one in upper.lines]
    assert not any("▲" in text.get_text() for text in upper.texts)


def test_the_lower_panel_is_the_coverage_beside_the_nominal_line() -> None:
    _, lower = panels()
    np.testing.assert_array_equal(line(lower, "coverage").get_ydata(), COVERAGE)
    assert times(line(lower, "coverage")) == list(ORIGINS.astype("datetime64[s]"))
    np.testing.assert_array_equal(line(lower, "nominal").get_ydata(), [80, 80])


def test_without_coverage_there_is_one_panel_and_without_a_nominal_no_line() -> None:
    assert len(panels(coverage=None)) == 1
    assert [one.get_label() for one in panels(nominal=None)[1].lines] == ["coverage"]


def test_a_day_is_labelled_with_its_month_and_the_axis_with_its_year() -> None:
    _, lower = panels()
    lower.get_figure(root=True).draw_without_rendering()
    labels = [label.get_text() for label in lower.get_xticklabels()]
    assert "01 Dec" in labels
    assert lower.xaxis.get_offset_text().get_text() == "2013"


def test_shapes_that_disagree_are_refused_with_both() -> None:
    with pytest.raises(ValueError, match=r"errors\['ours'\] must have shape \[O=5\]: got \[7\]"):
        panels(origins=ORIGINS[:5])
    with pytest.raises(ValueError, match=r"errors\['drift'\] must have shape \[O=7\]: got \[5\]"):
        panels(errors=ERRORS | {"drift": np.ones(5)})
    with pytest.raises(ValueError, match=r"coverage must have shape \[O=7\]: got \[5\]"):
        panels(coverage=COVERAGE[:5])
    with pytest.raises(ValueError, match=r"refits must have shape \[O=7\]: got \[5\]"):
        panels(refits=REFITS[:5])


def test_errors_without_the_model_are_refused() -> None:
    with pytest.raises(ValueError, match="errors must hold the model 'ours'"):
        panels(errors={"drift": np.ones(7)})


@pytest.mark.parametrize("origins", [np.arange(7), ORIGINS[:0], ORIGINS[None]])
def test_origins_that_are_no_times_are_refused(origins: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"origins must be datetime64 of shape \[O\]"):
        panels(origins=origins)


@pytest.mark.parametrize("origins", [ORIGINS[::-1], ORIGINS[[0, 0, 1, 2, 3, 4, 5]], np.full(7, "NaT", "M8[h]")])
def test_origins_that_do_not_rise_are_refused(origins: np.ndarray) -> None:
    with pytest.raises(ValueError, match="origins must be known and rise"):
        panels(origins=origins)


def test_a_share_in_place_of_a_percentage_is_refused() -> None:
    with pytest.raises(ValueError, match=r"nominal must be a percentage above 1 and below 100: got 0\.8"):
        panels(nominal=0.8)


@pytest.mark.parametrize("step", [np.timedelta64(1, "h"), np.timedelta64(1, "D"), np.timedelta64(28, "D")])
@pytest.mark.parametrize("count", [1, 2, 7, 60])
def test_few_and_many_origins_draw_without_a_warning_and_no_text_touches_another(
    count: int, step: np.timedelta64, overlaps: Callable[[Figure], list[tuple[str, str]]]
) -> None:
    origins = np.datetime64("2013-11-01T00") + np.arange(count) * step.astype("timedelta64[h]")
    wave = np.sin(np.arange(count))
    heights = {"seasonal_naive": 6.7, "drift": 5, "linear_regression": 2.2, "gradient_boosting": 2.1, "ours": 2}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for coverage in (80 + 20 * wave, None):
            upper, *_ = panels(
                origins=origins,
                errors={name: height + 0.2 * wave for name, height in heights.items()},
                coverage=coverage,
                refits=np.ones(count, bool),
            )
            assert overlaps(upper.get_figure(root=True)) == []


def test_unknown_errors_and_coverage_draw_without_a_warning() -> None:
    unknown = np.full(7, np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        upper, _ = panels(errors={"ours": unknown, "drift": unknown}, coverage=unknown)
        upper.get_figure(root=True).draw_without_rendering()
