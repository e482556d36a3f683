"""The picture of one window: values, forecast and attention over the same times."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from headway.report.attention_window import attention_window
from headway.report.svg import in_the_dark

HOUR = np.timedelta64(1, "h")
LEVELS = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
Overlaps = Callable[[Figure], list[tuple[str, str]]]


def softmaxed(*shape: int) -> np.ndarray:
    return np.random.default_rng(7).dirichlet(np.full(shape[-1], 2.0), size=shape[:-1])


def window(
    length: int = 7,
    *,
    horizon: int = 3,
    layers: int = 2,
    heads: int = 3,
    features: int = 5,
    start: str = "2013-11-05T06:00",
    clock: np.timedelta64 = HOUR,
) -> dict[str, Any]:
    generator = np.random.default_rng(11)
    median = 50.0 + np.arange(horizon)
    unit = np.datetime_data(clock)[0]
    first = np.datetime64(start, unit) if unit in ("M", "Y") else np.datetime64(start)
    return {
        "values": {"temp": 40.0 + np.arange(length)}
        | {f"feature {place}": generator.normal(size=length) for place in range(features)},
        "by_head": softmaxed(layers, heads, length),
        "times": first + np.arange(length) * clock,
        "clock": clock,
        "title": "one window",
        "target": "temp",
        "unit": "deg F",
        "forecast": median[:, None] + np.array([-4.0, -1.0, 0.0, 2.0, 6.0]),
        "levels": LEVELS,
        "actual": median + 0.5,
        "received": softmaxed(length),
    }


def draw(given: dict[str, Any]) -> Figure:
    return attention_window(given.pop("values"), given.pop("by_head"), **given)


def panel(figure: Figure, label: str) -> Axes:
    (found,) = [axes for axes in figure.axes if axes.get_label() == label]
    return found


def line(axes: Axes, label: str) -> Line2D:
    (found,) = [one for one in axes.lines if one.get_label() == label]
    return found


def names(axes: Axes) -> list[str]:
    return [label.get_text() for label in axes.get_xticklabels()]


def texts(figure: Figure) -> str:
    return " ".join(text.get_text() for text in figure.texts)


def test_columns_of_all_charts_are_the_same_times() -> None:
    figure = draw(window())
    for label in ("features", "received", "heads"):
        axes = panel(figure, label)
        for step in (0, 3, 6):
            above = panel(figure, "values").transData.transform((step, 0))[0]
            assert axes.transData.transform((step, 0))[0] == pytest.approx(above, abs=0.01)


def test_the_target_runs_from_the_context_through_the_origin_into_the_horizon() -> None:
    axes = panel(draw(window()), "values")
    np.testing.assert_array_equal(line(axes, "context").get_xdata(), range(7))
    np.testing.assert_array_equal(line(axes, "context").get_ydata(), range(40, 47))
    np.testing.assert_array_equal(line(axes, "actual").get_xdata(), [6, 7, 8, 9])
    np.testing.assert_array_equal(line(axes, "actual").get_ydata(), [46, 50.5, 51.5, 52.5])
    np.testing.assert_array_equal(line(axes, "forecast (median)").get_xdata(), [7, 8, 9])
    np.testing.assert_array_equal(line(axes, "forecast (median)").get_ydata(), [50, 51, 52])


def test_bands_are_nested_and_named_by_their_nominal_coverage() -> None:
    axes = panel(draw(window()), "values")
    bands = {str(one.get_label()): one.get_paths()[0].get_extents() for one in axes.collections}
    assert {name: (box.y0, box.y1) for name, box in bands.items()} == {"90 % band": (46, 58), "50 % band": (49, 54)}


def test_the_other_features_are_a_row_each_and_the_target_is_none() -> None:
    given = window()
    expected = [given["values"][f"feature {place}"] for place in range(5)]
    axes = panel(draw(given), "features")
    np.testing.assert_allclose(np.asarray(axes.images[0].get_array()), expected)
    assert [label.get_text() for label in axes.get_yticklabels()] == [f"feature {place}" for place in range(5)]
    assert axes.images[0].get_clim() == (-3.0, 3.0)


def test_missing_values_are_hatched_where_they_are() -> None:
    given = window()
    given["values"]["temp"][2] = np.nan
    given["values"]["feature 1"][4] = np.nan
    figure = draw(given)
    (gap,) = [one for one in panel(figure, "values").patches if isinstance(one, Rectangle)]
    assert (gap.get_x(), gap.get_width()) == (1.5, 1.0)
    assert gap.get_hatch()
    assert panel(figure, "features").patch.get_hatch()
    assert np.isnan(np.ma.filled(panel(figure, "features").images[0].get_array(), np.nan)[1, 4])
    assert "Hatched: missing." in texts(figure)
    assert "Hatched" not in texts(draw(window()))


def test_bars_are_the_weight_that_each_step_receives_times_the_context_length() -> None:
    given = window()
    received = given["received"]
    bars = [one for one in panel(draw(given), "received").patches if isinstance(one, Rectangle)]
    np.testing.assert_allclose([bar.get_height() for bar in bars], 7 * received)
    assert [bar.get_x() + bar.get_width() / 2 for bar in bars] == pytest.approx(range(7))


def test_a_row_of_a_head_holds_what_each_step_receives_there() -> None:
    given = window()
    by_head = given["by_head"]
    axes = panel(draw(given), "heads")
    np.testing.assert_allclose(np.asarray(axes.images[0].get_array()), 7 * by_head.reshape(6, 7))
    assert [label.get_text() for label in axes.get_yticklabels()][3] == "L2 H1"
    assert axes.images[0].get_clim() == (0.0, 3.0)
    assert names(axes)[-2:] == ["-1 h", "0"]


def test_the_last_heads_and_the_first_features_are_drawn_and_the_rest_is_counted() -> None:
    figure = draw(window(layers=3, heads=5, features=13, horizon=17))
    rows = [label.get_text() for label in panel(figure, "heads").get_yticklabels()]
    assert (rows[0], rows[-1], len(rows)) == ("L2 H3", "L3 H5", 8)
    assert len(panel(figure, "features").get_yticklabels()) == 12
    assert line(panel(figure, "values"), "forecast (median)").get_xdata().size == 14  # type: ignore[union-attr]
    assert "Not drawn: 1 feature, 7 heads, 3 steps ahead." in texts(figure)


def test_times_are_round_hours_with_the_date_once_a_day() -> None:
    axes = panel(draw(window(start="2013-11-05T19:00")), "values")
    assert names(axes) == ["20:00\n2013-11-05", "22:00", "00:00\n2013-11-06", "02:00", "04:00"]
    assert axes.get_xticks().tolist() == [1, 3, 5, 7, 9]
    assert axes.get_xlabel() == "time (UTC)"


def test_midnights_are_dates_alone() -> None:
    axes = panel(draw(window(97)), "values")
    assert names(axes) == ["2013-11-06", "2013-11-07", "2013-11-08", "2013-11-09"]
    assert axes.get_xticks().tolist() == [18, 42, 66, 90]


def test_months_are_named_by_the_calendar() -> None:
    axes = panel(draw(window(11, start="2013-11", clock=np.timedelta64(1, "M"))), "values")
    assert names(axes)[:2] == ["2013-11", "2014-01"]
    assert axes.get_xticks()[:2].tolist() == [0, 2]


def test_a_window_of_the_target_alone_has_no_other_features() -> None:
    figure = draw(window(features=0))
    assert [axes for axes in figure.axes if axes.get_label() == "features"] == []


@pytest.mark.parametrize(
    ("length", "horizon", "layers", "heads", "features"),
    [
        (6, 6, 1, 1, 7),
        (6, 48, 2, 4, 0),
        (96, 24, 2, 8, 12),
        pytest.param(24, 6, 2, 4, 19, marks=pytest.mark.slow),
        pytest.param(24, 1, 4, 1, 1, marks=pytest.mark.slow),
        pytest.param(1, 1, 1, 1, 1, marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("start", ["2013-11-05T07:00", pytest.param("2013-12-31T18:00", marks=pytest.mark.slow)])
def test_no_texts_touch(
    length: int, horizon: int, layers: int, heads: int, features: int, start: str, overlaps: Overlaps
) -> None:
    given = window(length, horizon=horizon, layers=layers, heads=heads, features=features, start=start)
    given["values"]["a feature with a $long$ name_1"] = np.full(length, 9.0)
    figure = draw(given | {"unit": "dollars per megawatt hour $", "title": "one window, " * 9})
    assert overlaps(figure) == []
    assert 5 <= figure.get_figwidth() <= 7.5


def test_a_point_forecast_of_one_step_is_visible() -> None:
    given = window(horizon=1) | {"levels": np.array([0.5]), "forecast": np.array([[50.0]])}
    np.testing.assert_allclose(line(panel(draw(given), "values"), "forecast").get_xdata(), [6.7, 7.3])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"target": "dewp"}, "values must hold the target 'dewp': got 'temp'"),
        ({"levels": LEVELS[::-1]}, "levels must rise"),
        ({"actual": np.ones(2)}, r"actual must have shape \[H=3\]: got \[2\]"),
        ({"received": np.ones(7)}, "received must add up to 1 .*: got 7"),
        ({"by_head": softmaxed(2, 3, 5)}, r"by_head must have shape \[L, N, S=7\]: got \[2, 3, 5\]"),
        ({"clock": 2 * HOUR}, "times must be 2 hours apart"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        draw(window() | change)


def test_the_bands_have_a_dark_variant() -> None:
    bands = panel(draw(window()), "values").collections
    colours = [to_hex(np.asarray(band.get_facecolor())[0]) for band in bands]
    assert len(set(colours)) == 2
    assert all(in_the_dark(colour) != colour for colour in colours)
