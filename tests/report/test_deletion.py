"""The picture of the deletion test."""

from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import FillBetweenPolyCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from headway.report import style
from headway.report.deletion import deletion_curves

ORDERS = ("most attended first", "random", "least attended first")
REPLACEMENTS = ("training mean", "another window")
VERDICT = "Attention points at what matters: the error rises by 12 % more where the most attended steps go first. " * 2


def curves(length: int, *, panels: int = 2, scale: float = 0.4) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Rises of three orders [R, K, 3] that differ everywhere, and the numbers of steps [K]."""
    steps = np.unique(np.linspace(0, length, min(length + 1, 9)).round())
    part = steps / length
    rises = {
        order: np.stack([(panel + 1) * scale * part**power for panel in range(panels)])
        for order, power in zip(ORDERS, (0.5, 1.0, 2.0), strict=True)
    }
    return {order: np.stack([y, y - 0.1 * part, y + 0.2 * part], axis=-1) for order, y in rises.items()}, steps


def draw(drawn: dict[str, np.ndarray], steps: np.ndarray, *, replacements: tuple[str, ...] = REPLACEMENTS) -> Figure:
    return deletion_curves(drawn, steps=steps, replacements=replacements, verdict=VERDICT, title="Deletion")


def lines(axes: Axes) -> dict[str, Line2D]:
    return {str(line.get_label()): line for line in axes.lines if line.get_label() in ORDERS}


def bands(axes: Axes) -> list[FillBetweenPolyCollection]:
    return [one for one in axes.collections if isinstance(one, FillBetweenPolyCollection)]


def test_every_replacement_has_a_panel_with_a_line_per_order() -> None:
    drawn, steps = curves(5)
    figure = draw(drawn, steps)
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "replaced by: training mean",
        "replaced by: another window",
    ]
    for panel, axes in enumerate(figure.axes):
        for order, line in lines(axes).items():
            np.testing.assert_array_equal(line.get_xdata(), [0, 1, 2, 3, 4, 5])
            np.testing.assert_array_equal(line.get_ydata(), drawn[order][panel, :, 0])
        assert set(lines(axes)) == set(ORDERS)


def test_bands_span_the_interval_in_the_colour_of_their_line() -> None:
    drawn, steps = curves(5)
    axes = draw(drawn, steps).axes[1]
    for order, band in zip(ORDERS, bands(axes), strict=True):
        corners = np.unique(np.round(np.asarray(band.get_paths()[0].vertices), 9), axis=0)
        ends = [(x, end) for x, row in zip(steps, drawn[order][1], strict=True) for end in row[1:]]
        np.testing.assert_array_equal(corners, np.unique(np.round(ends, 9), axis=0))
        assert to_hex(np.asarray(band.get_facecolor())[0]) == to_hex(str(lines(axes)[order].get_color()))


def test_the_most_attended_have_the_colour_of_the_model_and_a_solid_line() -> None:
    drawn, steps = curves(7)
    shuffled = {order: drawn[order] for order in ("random", "most attended first", "least attended first")}
    for axes in draw(shuffled, steps).axes:
        found = lines(axes)
        assert found["most attended first"].get_color() == style.MODEL
        assert found["most attended first"].get_linestyle() == "-"
        others = [found["random"], found["least attended first"]]
        assert [line.get_color() for line in others] == list(style.RIVALS[:2])
        assert [line.get_linestyle() for line in others] == ["--", "--"]
        assert others[0].get_zorder() < found["most attended first"].get_zorder()


def test_all_panels_share_one_axis_of_the_rise_that_shows_everything() -> None:
    drawn, steps = curves(5)
    left, right = draw(drawn, steps).axes
    assert left.get_ylim() == right.get_ylim()
    known = np.concatenate([values.ravel() for values in drawn.values()])
    assert left.get_ylim()[0] < known.min()
    assert left.get_ylim()[1] > known.max()
    assert [left.get_ylabel(), right.get_ylabel()] == ["rise of the error", ""]
    assert not any(label.get_visible() for label in right.get_yticklabels())


@pytest.mark.parametrize(
    ("length", "ticks"),
    [
        (1, [0, 1]),
        (6, [0, 1, 2, 3, 4, 5, 6]),
        (7, [0, 1, 2, 3, 4, 5, 6, 7]),
        (24, [0, 3, 6, 9, 12, 15, 18, 21, 24]),
        (11, [0, 1, 3, 4, 6, 7, 8, 10, 11]),
        (8000, [0, 2000, 4000, 6000, 8000]),
        (800000, [0, 200000, 400000, 600000, 800000]),
    ],
)
def test_ticks_are_numbers_of_steps_that_were_measured_none_and_all_among_them(length: int, ticks: list[int]) -> None:
    drawn, steps = curves(length)
    axes = draw(drawn, steps).axes[0]
    assert axes.get_xticks().tolist() == ticks
    assert [label.get_text() for label in axes.get_xticklabels()] == [f"{tick:g}" for tick in ticks]


def test_the_rise_is_marked_in_percent() -> None:
    drawn, steps = curves(5)
    figure = draw(drawn, steps)
    figure.draw_without_rendering()
    axes = figure.axes[0]
    for place, label in zip(axes.get_yticks(), axes.get_yticklabels(), strict=True):
        assert float(label.get_text().replace("−", "-").rstrip("%")) == pytest.approx(100 * place)


def test_without_intervals_there_is_no_word_of_bands() -> None:
    drawn, steps = curves(5)
    assert any("Bands" in text.get_text() for text in draw(drawn, steps).texts)
    for values in drawn.values():
        values[..., 1:] = np.nan
    assert not any("Bands" in text.get_text() for text in draw(drawn, steps).texts)


def test_unknown_curves_leave_an_empty_chart() -> None:
    drawn, steps = curves(5)
    figure = draw({order: np.full_like(values, np.nan) for order, values in drawn.items()}, steps)
    low, high = figure.axes[0].get_ylim()
    assert low < 0 < high


@pytest.mark.parametrize(
    ("length", "panels", "width"), [(1, 2, 7.2), (6, 2, 7.2), (24, 1, 5.0), (96, 2, 7.2), (97, 3, 7.2)]
)
@pytest.mark.parametrize("scale", [0.4, 0.0004])
def test_no_texts_touch_and_none_is_cut(
    length: int, panels: int, width: float, scale: float, overlaps: Callable[[Figure], list[tuple[str, str]]]
) -> None:
    drawn, steps = curves(length, panels=panels, scale=scale)
    names = ("training mean", "another window", "a replacement of a name too long for its panel")[:panels]
    figure = draw(drawn, steps, replacements=names)
    assert overlaps(figure) == []
    assert figure.get_figwidth() == width


def test_the_legend_and_the_verdict_stand_outside_of_the_panels() -> None:
    drawn, steps = curves(5)
    figure = draw(drawn, steps)
    figure.draw_without_rendering()
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == list(ORDERS)
    (verdict,) = [text for text in figure.texts if text.get_text().startswith("Attention points")]
    assert " ".join(verdict.get_text().split()) == " ".join(VERDICT.split())
    for axes in figure.axes:
        assert legend.get_window_extent().y0 > axes.get_window_extent().y1
        assert verdict.get_window_extent().y1 < axes.get_window_extent().y0


def test_a_dollar_in_names_is_no_mathematics() -> None:
    drawn, steps = curves(5, panels=1)
    figure = deletion_curves(
        drawn | {"by $x$ first": drawn["random"]}, steps=steps, replacements=["$y$"], verdict="$z$", title="$t$"
    )
    texts = [text for text in figure.findobj(Text) if text.get_text().count("$") == 2]
    assert len(texts) == 4
    assert not any(text.get_parse_math() for text in texts)


def test_what_cannot_be_drawn_is_refused_with_what_was_expected() -> None:
    drawn, steps = curves(5)
    with pytest.raises(ValueError, match=r"curves must hold 'most attended first': got \['random'\]"):
        draw({"random": drawn["random"]}, steps)
    with pytest.raises(ValueError, match="replacements must name at least one: got none"):
        draw(drawn, steps, replacements=())
    with pytest.raises(ValueError, match=r"must have shape \[R=2, K=6, E=3\]: got \[2, 5, 3\]"):
        draw(drawn | {"random": drawn["random"][:, 1:]}, steps)


@pytest.mark.parametrize("steps", [[0], [1, 2, 3], [0, 2, 2], [0, 3, 2], [0, np.nan, 2]])
def test_numbers_of_steps_must_rise_from_0(steps: list[float]) -> None:
    drawn, _ = curves(2)
    with pytest.raises(ValueError, match="steps must be two numbers or more, rising from 0: got"):
        draw({order: values[:, : len(steps)] for order, values in drawn.items()}, np.array(steps))
