"""The forecast picture: fans, gaps, and names."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.lines import Line2D
from matplotlib.text import Text

from headway.report.forecasts import ForecastWindow, forecast_fans
from headway.report.png import png

HOUR = np.timedelta64(1, "h")
LEVELS = np.array([0.05, 0.25, 0.5, 0.75, 0.95])


def window(*, context_length: int = 7, horizon: int = 3) -> ForecastWindow:
    median = 50.0 + np.arange(horizon)
    return ForecastWindow(
        label="best",
        series="JFK",
        origin=np.datetime64("2013-11-05T06"),
        context=40.0 + np.arange(context_length),
        actual=median + 0.5,
        forecast=median[:, None] + np.array([-4.0, -1.0, 0.0, 2.0, 6.0]),
        quantiles=LEVELS,
        error=0.5,
        rivals={"persistence": np.full(horizon, 46.0)},
    )


def panels(*windows: ForecastWindow, unit: str = "deg F") -> list[Axes]:
    return forecast_fans(windows, target="temp", unit=unit, clock=HOUR).axes


def line(axes: Axes, label: str) -> Line2D:
    (found,) = [one for one in axes.lines if one.get_label() == label]
    return found


def band(axes: Axes, label: str) -> np.ndarray:
    """Lowest and highest value of a band at every step [2, H]."""
    (found,) = [one for one in axes.collections if one.get_label() == label]
    assert isinstance(found, PolyCollection)
    x, y = np.asarray(found.get_paths()[0].vertices).T
    steps = np.unique(x)
    return np.array([[y[x == step].min() for step in steps], [y[x == step].max() for step in steps]])


def test_bands_are_nested_and_labelled_with_their_nominal_coverage() -> None:
    (axes,) = panels(window())
    outer, inner = band(axes, "90 % band"), band(axes, "50 % band")
    np.testing.assert_allclose(outer, [[46, 47, 48], [56, 57, 58]])
    np.testing.assert_allclose(inner, [[49, 50, 51], [52, 53, 54]])


def test_the_inner_band_lies_over_the_outer_one_and_is_darker() -> None:
    (axes,) = panels(window())
    outer, inner = axes.collections
    assert outer.get_zorder() < inner.get_zorder()
    assert np.sum(outer.get_facecolor()) > np.sum(inner.get_facecolor())


def test_the_line_in_the_middle_is_the_median() -> None:
    (axes,) = panels(window())
    np.testing.assert_array_equal(line(axes, "forecast (median)").get_ydata(), [50, 51, 52])


def test_missing_values_leave_a_gap() -> None:
    context, actual = np.arange(7.0), np.arange(3.0)
    context[2], actual[1] = np.nan, np.nan
    (axes,) = panels(replace(window(), context=context, actual=actual))
    np.testing.assert_array_equal(line(axes, "context").get_ydata(), context)
    np.testing.assert_array_equal(line(axes, "actual").get_ydata(), [6, 0, np.nan, 2])


def test_a_value_alone_between_gaps_is_a_point_in_a_long_line() -> None:
    context = np.full(41, np.nan)
    context[[3, 10, 11]] = 1.0
    (axes,) = panels(replace(window(horizon=17), context=context))
    pointed = np.asarray(line(axes, "context").get_markevery(), dtype=bool)
    assert np.flatnonzero(pointed).tolist() == [3]


def test_time_runs_from_the_context_through_the_origin_into_the_horizon() -> None:
    (axes,) = panels(window())
    np.testing.assert_array_equal(line(axes, "context").get_xdata(), [-6, -5, -4, -3, -2, -1, 0])
    np.testing.assert_array_equal(line(axes, "rival: persistence").get_xdata(), [1, 2, 3])


def test_of_a_long_context_only_the_end_is_drawn() -> None:
    (axes,) = panels(window(context_length=97, horizon=11))
    assert list(np.asarray(line(axes, "context").get_ydata())) == list(range(104, 137))  # 3 x 11 values


def test_the_title_names_series_error_unit_and_origin() -> None:
    (axes,) = panels(window())
    assert axes.get_title(loc="left") == "best: JFK, MAE 0.5 deg F\nfrom 2013-11-05 06:00 UTC"


def test_a_dollar_in_a_unit_is_a_dollar() -> None:
    dollars = replace(window(), series="$a$_1$")
    figure = forecast_fans([dollars], target="temp", unit="$/MWh$", clock=HOUR)
    assert png(figure)
    (axes,) = figure.axes
    with_dollar = [text for text in axes.findobj(Text) if "$" in text.get_text()]
    assert [text.get_parse_math() for text in with_dollar] == [False, False]
    assert axes.get_ylabel() == "temp ($/MWh$)"


@pytest.mark.parametrize("horizon", [1, 2, 97])
def test_any_horizon_draws_its_forecast(horizon: int) -> None:
    (axes,) = panels(window(horizon=horizon))
    x = np.asarray(line(axes, "forecast (median)").get_xdata())
    assert x.max() - x.min() > 0
    assert (x.min() + x.max()) / 2 == (1 + horizon) / 2


def test_a_point_forecast_has_a_line_and_no_band() -> None:
    point = replace(window(), forecast=np.array([[1.0], [2.0], [3.0]]), quantiles=np.array([0.5]))
    (axes,) = panels(point)
    np.testing.assert_array_equal(line(axes, "forecast").get_ydata(), [1, 2, 3])
    assert not axes.collections


def test_without_a_median_the_line_says_which_quantile_it_is() -> None:
    (axes,) = panels(replace(window(), forecast=np.ones((3, 2)), quantiles=np.array([0.1, 0.7])))
    assert line(axes, "forecast (quantile 0.7)")


@pytest.mark.parametrize("count", [1, 2, 3, 5, 6])
def test_every_window_has_a_panel(count: int) -> None:
    assert len(panels(*[window()] * count)) == count


@pytest.mark.parametrize("count", [0, 7])
def test_no_window_and_more_than_six_are_refused(count: int) -> None:
    with pytest.raises(ValueError, match=f"windows must be 1 to 6: got {count}"):
        panels(*[window()] * count)


def test_shapes_that_disagree_are_refused_with_both() -> None:
    with pytest.raises(ValueError, match=r"forecast must have shape \[H=3, Q=5\]: got \[5, 3\]"):
        replace(window(), forecast=np.ones((5, 3)))
    with pytest.raises(ValueError, match=r"rivals\['drift'\] must have shape \[H=3\]: got \[2\]"):
        replace(window(), rivals={"drift": np.ones(2)})


def test_levels_that_do_not_rise_are_refused() -> None:
    with pytest.raises(ValueError, match="quantiles must rise"):
        replace(window(), quantiles=LEVELS[::-1])
