"""The pictures of attention by group: what is drawn, what is said, what is left out."""

from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from headway.report.attention_frame import lag_ticks
from headway.report.attention_groups import attention_groups
from headway.report.svg import svg

HOUR = np.timedelta64(1, "h")
Overlaps = Callable[[Figure], list[tuple[str, str]]]
Slicing = tuple[list[str], np.ndarray, np.ndarray]


def slicing(groups: int, lags: int, *, windows: int = 211, prefix: str = "group") -> Slicing:
    weights = np.random.default_rng(groups * lags).dirichlet(np.full(lags, 3.0), size=groups)
    return [f"{prefix} {row}" for row in range(groups)], weights, np.full(groups, windows)


def pair(first: list[float], second: list[float], *, windows: tuple[int, int] = (31, 37)) -> Slicing:
    return ["low", "high"], np.array([first, second]), np.array(windows)


def draw(**groups: Slicing) -> Figure:
    return attention_groups(groups, clock=HOUR, title="by group")


def maps(figure: Figure) -> list[Axes]:
    return [axes for axes in figure.axes if axes.images]


def texts(figure: Figure) -> str:
    return " ".join(" ".join(text.get_text() for text in figure.texts).split())


def test_a_map_holds_weight_times_lags_with_groups_down_the_rows() -> None:
    group = slicing(3, 5)
    (axes,) = maps(draw(series=group))
    np.testing.assert_allclose(np.asarray(axes.images[0].get_array()), 5 * group[1])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["group 0", "group 1", "group 2"]


def test_every_map_has_colour_limits_of_exactly_0_and_3() -> None:
    figure = draw(series=slicing(3, 5), hour=slicing(7, 5))
    assert [axes.images[0].get_clim() for axes in maps(figure)] == [(0.0, 3.0)] * 2


def test_the_largest_difference_is_said_with_its_lag_and_its_groups() -> None:
    group = pair([0.5, 0.2, 0.3], [0.4, 0.5, 0.1])  # times 3: 0.3, 0.9 and 0.6 apart
    assert "Largest difference 0.90 at -1 h (high: 1.50, low: 0.60)." in texts(draw(error=group))


def test_groups_of_few_windows_are_marked_and_not_compared() -> None:
    labels, weights, counts = slicing(3, 5)
    weights[1] = [1, 0, 0, 0, 0]
    counts[1] = 29
    written = texts(draw(series=(labels, weights, counts)))
    assert "29*" in written
    assert "*: fewer than 30 windows, not compared." in written
    assert "group 1:" not in written


def test_thirty_windows_are_enough_to_be_compared() -> None:
    written = texts(draw(error=pair([0.5, 0.5], [0.2, 0.8], windows=(30, 30))))
    assert "Largest difference 0.60" in written
    assert "*" not in written


def test_one_group_of_enough_windows_is_compared_with_nothing() -> None:
    written = texts(draw(error=pair([0.5, 0.5], [0.2, 0.8], windows=(29, 31))))
    assert "Not compared: fewer than two groups have 30 windows." in written
    assert "Largest difference" not in written


def test_a_group_without_windows_is_hatched() -> None:
    labels, weights, counts = slicing(3, 5)
    weights[1], counts[1] = np.nan, 0
    figure = draw(series=(labels, weights, counts))
    (axes,) = maps(figure)
    assert np.isnan(np.ma.filled(axes.images[0].get_array(), np.nan)[1]).all()
    assert axes.patch.get_hatch()
    assert "Hatched: no window." in texts(figure)
    assert "*" not in texts(figure)


def test_of_many_groups_the_first_are_drawn_and_all_are_compared() -> None:
    labels, weights, counts = slicing(29, 2)
    weights[:] = [0.5, 0.5]
    weights[27] = [0.9, 0.1]
    figure = draw(series=(labels, weights, counts))
    assert len(maps(figure)[0].get_yticklabels()) == 24
    assert "5 groups not drawn." in texts(figure)
    assert "group 27: 1.80" in texts(figure)


def test_each_slicing_is_drawn_where_the_columns_are_shortest() -> None:
    figure = draw(hour=slicing(23, 5), season=slicing(4, 5), series=slicing(3, 5))
    hour, season, series = (axes.get_position() for axes in maps(figure))
    assert season.x0 > hour.x1
    assert series.x0 > hour.x1
    assert series.y1 < season.y0


@pytest.mark.parametrize("lags", [6, *(pytest.param(lags, marks=pytest.mark.slow) for lags in (24, 96))])
@pytest.mark.parametrize("names", [{"error"}, {"hour of day", "season", "series", "error"}])
def test_no_texts_touch(lags: int, names: set[str], overlaps: Overlaps) -> None:
    groups = {
        name: slicing(23 if name == "hour of day" else 3, lags, windows=12345, prefix="a long $name$ of a series")
        for name in sorted(names)
    }
    figure = attention_groups(groups, clock=HOUR, title="attention by group, " * 9)
    assert overlaps(figure) == []
    assert 5 <= figure.get_figwidth() <= 7.5


def test_a_dollar_in_a_name_is_a_dollar() -> None:
    figure = attention_groups({"$a$": slicing(3, 5, prefix="$b$")}, clock=HOUR, title="$c$")
    with_dollar = [text for text in figure.findobj(Text) if text.get_visible() and "$" in text.get_text()]
    assert len(with_dollar) == 1 + 1 + 1 + 3  # title, slicing, difference, labels
    assert not any(text.get_parse_math() for text in with_dollar)


def test_a_narrow_axis_names_fewer_lags() -> None:
    assert lag_ticks(6, clock=HOUR, inches=4.0) == (list(range(6)), ["-5 h", "-4 h", "-3 h", "-2 h", "-1 h", "0"])
    assert lag_ticks(6, clock=HOUR, inches=1.0) == ([0, 5], ["-5 h", "0"])


def test_weights_that_are_not_softmaxed_are_refused() -> None:
    labels, weights, counts = slicing(3, 5)
    with pytest.raises(ValueError, match=r"groups\['series'\] must add up to 1 .*: got 5"):
        draw(series=(labels, 5 * weights, counts))


def test_negative_weights_are_refused() -> None:
    with pytest.raises(ValueError, match=r"must be 0 or more: got -0\.5"):
        draw(error=pair([1.5, -0.5], [0.2, 0.8]))


def test_labels_weights_and_windows_must_be_as_many() -> None:
    labels, weights, counts = slicing(3, 5)
    with pytest.raises(ValueError, match=r"groups\['series'\] must have shape \[G=2, S\]: got \[3, 5\]"):
        draw(series=(labels[:2], weights, counts[:2]))
    with pytest.raises(ValueError, match=r"windows of groups\['series'\] must have shape \[G=3\]"):
        draw(series=(labels, weights, counts[:2]))
    with pytest.raises(ValueError, match="at least one slicing"):
        draw()


def test_the_picture_has_a_dark_variant() -> None:
    assert "prefers-color-scheme:dark" in svg(draw(series=slicing(3, 5)))
