"""Error and coverage by slice."""

import warnings
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from headway.report.slices import Slice, errors_by_slice

SERIES = Slice(
    labels=("EWR", "JFK", "LGA"),
    model=np.array([2.0, 1.5, 1.8]),
    rival=np.array([2.2, 1.4, 2.5]),
    coverage=np.array([81.0, 76.0, np.nan]),
    counts=np.array([500, 30, 29]),
)


def slicing(count: int, *, label: str = "{:02d}") -> Slice:
    errors = 2 + np.sin(np.arange(count)) / 3
    labels = tuple(label.format(place) for place in range(count))
    return Slice(labels, errors, 1.1 * errors, 80 + 5 * np.cos(np.arange(count)), np.arange(count) + 20)


def draw(slices: dict[str, Slice], *, nominal: float | None = 80.0) -> Figure:
    return errors_by_slice(slices, model="ours", rival="drift", unit="deg F", nominal=nominal)


def bars(axes: Axes) -> list[Rectangle]:
    return [patch for patch in axes.patches if isinstance(patch, Rectangle)]


def marks(axes: Axes) -> LineCollection:
    (found,) = [one for one in axes.collections if isinstance(one, LineCollection)]
    return found


def dots(axes: Axes) -> PathCollection:
    (found,) = [one for one in axes.collections if isinstance(one, PathCollection)]
    return found


def test_bars_are_the_errors_of_the_model_and_marks_those_of_the_rival() -> None:
    left, _ = draw({"series": SERIES}).axes
    assert [bar.get_height() for bar in bars(left)] == [2.0, 1.5, 1.8]
    assert [segment[0][1] for segment in marks(left).get_segments()] == [2.2, 1.4, 2.5]
    assert left.get_ylabel() == "MAE (deg F)"
    assert left.get_ylim()[0] == 0


def test_each_mark_stands_over_the_bar_of_its_slice() -> None:
    left, _ = draw({"series": SERIES}).axes
    for bar, segment in zip(bars(left), marks(left).get_segments(), strict=True):
        assert segment[0][0] < bar.get_x()
        assert bar.get_x() + bar.get_width() < segment[1][0]


def test_dots_are_the_coverage_by_slice_beside_the_nominal_line() -> None:
    _, right = draw({"series": SERIES}).axes
    offsets = np.ma.filled(np.ma.asarray(dots(right).get_offsets()), np.nan)
    np.testing.assert_array_equal(offsets, [[0, 81], [1, 76], [np.nan, np.nan]])
    stems = marks(right).get_segments()
    np.testing.assert_array_equal(stems[:2], [[[0, 80], [0, 81]], [[1, 80], [1, 76]]])
    (nominal,) = right.lines
    np.testing.assert_array_equal(nominal.get_ydata(), [80, 80])
    assert right.get_title(loc="left") == "Coverage by series: nominal 80 % is dotted"


def test_slices_of_fewer_than_30_values_are_hollow_and_said_to_be() -> None:
    left, right = draw({"series": replace(SERIES, coverage=np.array([81.0, 76.0, 79.0]))}).axes
    assert [to_hex(bar.get_facecolor()) == "#ffffff" for bar in bars(left)] == [False, False, True]
    assert [to_hex(face) == "#ffffff" for face in dots(right).get_facecolor()] == [False, False, True]
    alphas = marks(left).get_colors()[:, 3]
    assert (alphas[:2] == 1).all()
    assert alphas[2] < 1
    assert [text.get_text() for text in left.texts] == ["hollow: fewer than 30 values"]


def test_nothing_is_said_about_few_values_where_there_are_enough() -> None:
    left, _ = draw({"series": replace(SERIES, counts=np.full(3, 30))}).axes
    assert not left.texts


def test_every_slicing_has_a_row_from_top_to_bottom() -> None:
    figure = draw({"series": SERIES, "hour": slicing(23), "month": slicing(2)})
    assert [axes.get_title(loc="left") for axes in figure.axes[::2]] == [
        "MAE by series",
        "MAE by hour",
        "MAE by month",
    ]
    heights = [axes.get_position().y0 for axes in figure.axes[::2]]
    assert heights == sorted(heights, reverse=True)
    for left, right in zip(figure.axes[::2], figure.axes[1::2], strict=True):
        assert left.get_position().y0 == right.get_position().y0


def test_without_coverage_or_without_its_nominal_only_errors_are_drawn() -> None:
    without = replace(SERIES, coverage=None)
    assert len(draw({"series": without}).axes) == 1
    assert len(draw({"series": SERIES}, nominal=None).axes) == 1
    assert len(draw({"series": without, "hour": slicing(5)}).axes) == 3


@pytest.mark.parametrize(("count", "rotation"), [(3, 0), (24, 0)])
def test_short_labels_stand_level(count: int, rotation: float) -> None:
    labels = draw({"hour": slicing(count)}).axes[0].get_xticklabels()
    assert [label.get_text() for label in labels] == [f"{place:02d}" for place in range(count)]
    assert {label.get_rotation() for label in labels} == {rotation}


def test_labels_too_wide_to_stand_side_by_side_stand_upright_and_are_cut() -> None:
    labels = draw({"series": slicing(11, label="a station of a long name {}")}).axes[0].get_xticklabels()
    assert {label.get_text() for label in labels} == {"a station of a lo…"}
    assert {label.get_rotation() for label in labels} == {90}


def test_of_more_than_24_slices_not_all_are_labelled() -> None:
    labels = draw({"series": slicing(49, label="{}")}).axes[0].get_xticklabels()
    assert [label.get_text() for label in labels] == [str(place) for place in range(0, 49, 3)]


def test_shapes_that_disagree_are_refused_with_both() -> None:
    with pytest.raises(ValueError, match=r"rival must have shape \[S=3\]: got \[2\]"):
        replace(SERIES, rival=np.ones(2))
    with pytest.raises(ValueError, match=r"coverage must have shape \[S=3\]: got \[3, 1\]"):
        replace(SERIES, coverage=np.ones((3, 1)))
    with pytest.raises(ValueError, match=r"counts must have shape \[S=3\]: got \[5\]"):
        replace(SERIES, counts=np.ones(5))


def test_no_slicing_and_a_share_in_place_of_a_percentage_are_refused() -> None:
    with pytest.raises(ValueError, match="slices must hold at least one slicing"):
        draw({})
    with pytest.raises(ValueError, match=r"nominal must be a percentage above 1 and below 100: got 0\.8"):
        draw({"series": SERIES}, nominal=0.8)


@pytest.mark.parametrize("nominal", [80.0, None])
@pytest.mark.parametrize("label", ["{:02d}", "station {}"])
@pytest.mark.parametrize("count", [1, 5, 24, 97])
def test_few_and_many_slices_draw_without_a_warning_and_no_text_touches_another(
    count: int, label: str, nominal: float | None, overlaps: Callable[[Figure], list[tuple[str, str]]]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = draw({"series": SERIES, "other": slicing(count, label=label), "last": SERIES}, nominal=nominal)
        assert overlaps(figure) == []


def test_unknown_values_draw_without_a_warning() -> None:
    unknown = np.full(2, np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw({"month": Slice(("a", "b"), unknown, unknown, unknown, np.zeros(2))}).draw_without_rendering()


def test_a_dollar_in_a_name_is_a_dollar() -> None:
    dollars = replace(SERIES, labels=("$a$_1$", "b", "c"))
    figure = errors_by_slice({"$x$_1$": dollars}, model="$m$_1$", rival="$r$_1$", unit="$/MWh$", nominal=80.0)
    figure.draw_without_rendering()
    with_dollar = [text for text in figure.findobj(Text) if "$" in text.get_text()]
    assert len(with_dollar) >= 6
    assert not any(text.get_parse_math() for text in with_dollar)
