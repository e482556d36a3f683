"""The picture of permutation importance beside attention."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb, to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from headway.report import style
from headway.report.footer import Footer, wrapped
from headway.report.importance import importance, includes_zero
from headway.report.sweep_frame import width_of

HOUR, QUARTER = np.timedelta64(1, "h"), np.timedelta64(15, "m")
VERDICT = "Do not read this map as importance: attention ranks the lags unlike permutation (rho -0.31). " * 2
FEATURES = {
    "temp": np.array([0.12, 0.10, 0.14]),
    "series": np.array([-0.01, -0.03, 0.01]),
    "calendar": np.array([0.31, np.nan, np.nan]),
}
LAGS = np.array([[0.01, -0.01, 0.03], [0.20, 0.15, 0.25], [0.05, 0.02, 0.08], [0.00, -0.02, 0.02], [0.4, 0.3, 0.6]])
WEIGHTS = np.array([0.1, 0.5, 0.2, 0.1, 0.1])


def triples(count: int, *, seed: int = 7) -> np.ndarray:
    generator = np.random.default_rng(seed)
    rises = generator.gamma(0.6, 0.1, count) - 0.01
    half = 0.03 * generator.random(count) + 0.003
    return np.stack([rises, rises - half, rises + half], axis=-1)


def draw(
    features: dict[str, np.ndarray] | None = None,
    lags: np.ndarray = LAGS,
    attention: np.ndarray = WEIGHTS,
    *,
    clock: np.timedelta64 = HOUR,
) -> Figure:
    parts = FEATURES if features is None else features
    return importance(parts, lags, attention=attention, clock=clock, title="Importance", verdict=VERDICT)


def bars(axes: Axes) -> list[Rectangle]:
    return [patch for patch in axes.patches if isinstance(patch, Rectangle)]


def faces(axes: Axes) -> np.ndarray:
    return np.array([to_rgba(bar.get_facecolor()) for bar in bars(axes)])


def whiskers(axes: Axes) -> list[np.ndarray]:
    (found,) = [one for one in axes.collections if isinstance(one, LineCollection)]
    return [np.asarray(segment) for segment in found.get_segments()]


def tick_names(axes: Axes, axis: str) -> list[str]:
    labels = axes.get_xticklabels() if axis == "x" else axes.get_yticklabels()
    return [label.get_text() for label in labels]


def below(figure: Figure) -> str:
    return " ".join(" ".join(text.get_text() for text in figure.texts).split())


def test_features_are_bars_with_the_most_important_first_and_on_top() -> None:
    axes = draw().axes[0]
    assert tick_names(axes, "y") == ["calendar", "temp", "series"]
    assert [bar.get_width() for bar in bars(axes)] == pytest.approx([0.31, 0.12, -0.01])
    assert axes.yaxis_inverted()
    assert [text.get_text() for text in axes.texts] == ["31.0 %", "12.0 %", "-1.0 %"]


def test_whiskers_are_the_intervals_and_missing_where_there_is_none() -> None:
    segments = whiskers(draw().axes[0])
    np.testing.assert_allclose(segments[1:], [[[0.10, 1], [0.14, 1]], [[-0.03, 2], [0.01, 2]]])
    assert segments[0].size == 0


def test_a_value_stands_beyond_the_end_of_its_whisker_and_inside_the_chart() -> None:
    figure = draw()
    axes = figure.axes[0]
    figure.draw_without_rendering()
    ends = [0.31, 0.14, 0.01]
    for text, end in zip(axes.texts, ends, strict=True):
        box = Text.get_window_extent(text)
        assert box.x0 > axes.transData.transform((end, 0))[0]
        assert box.x1 < axes.get_window_extent().x1 + 0.1 * figure.dpi


def test_bars_whose_interval_includes_0_are_faint() -> None:
    features, lags, _ = draw().axes
    by_feature, by_lag = faces(features), faces(lags)
    np.testing.assert_allclose(by_feature[:, 3], [1, 1, 0.35])
    np.testing.assert_array_equal(by_lag[:, 3] < 1, [True, False, False, True, False])
    np.testing.assert_allclose(np.concatenate([by_feature, by_lag])[:, :3], np.tile(to_rgb(style.MODEL), (8, 1)))


def test_an_interval_that_ends_at_0_includes_it_and_an_unknown_one_does_not() -> None:
    ends = np.array([[0.1, 0.0, 0.2], [-0.1, -0.2, 0.0], [0.1, 0.01, 0.2], [-0.1, -0.2, -0.1], [0.0, np.nan, np.nan]])
    assert includes_zero(ends).tolist() == [True, True, False, False, False]


@pytest.mark.parametrize(("count", "said"), [(16, ""), (17, "1 feature of"), (19, "3 features of")])
def test_at_most_16_features_are_drawn_and_the_rest_is_counted(count: int, said: str) -> None:
    figure = draw({f"f{place}": values for place, values in enumerate(triples(count))})
    drawn = [bar.get_width() for bar in bars(figure.axes[0])]
    np.testing.assert_allclose(drawn, np.sort(triples(count)[:, 0])[::-1][:16])
    assert (f"Not drawn: {said}" in below(figure)) if said else ("Not drawn" not in below(figure))


def test_a_feature_of_unknown_importance_is_counted_and_not_drawn() -> None:
    figure = draw(FEATURES | {"broken": np.full(3, np.nan)})
    assert "broken" not in tick_names(figure.axes[0], "y")
    assert "Not known: the importance of 1 feature." in below(figure)
    assert "Not drawn" not in below(figure)
    assert len(bars(draw({"broken": np.full(3, np.nan)}).axes[0])) == 0


def test_the_note_speaks_of_intervals_only_where_there_are_any() -> None:
    bare = np.array([0.1, np.nan, np.nan])
    assert "interval" not in below(draw({"a": bare}, np.tile(bare, (5, 1)))).replace(VERDICT, "")
    assert "Lines on bars: 95 % intervals. Faint: the interval includes 0." in below(draw())


def test_lags_have_their_rise_with_interval_above_their_attention() -> None:
    _, rises, weights = draw().axes
    assert [bar.get_height() for bar in bars(rises)] == pytest.approx(LAGS[:, 0].tolist())
    np.testing.assert_allclose([segment[:, 1] for segment in whiskers(rises)], LAGS[:, 1:])
    assert [bar.get_height() for bar in bars(weights)] == pytest.approx([0.5, 2.5, 1.0, 0.5, 0.5])
    assert rises.get_position().y0 > weights.get_position().y1
    assert (rises.get_position().x0, rises.get_position().x1) == (weights.get_position().x0, weights.get_position().x1)


def test_lags_line_up_and_are_named_in_real_time_once() -> None:
    _, rises, weights = draw().axes
    assert rises.get_xlim() == weights.get_xlim()
    assert rises.get_xticks().tolist() == weights.get_xticks().tolist() == [0, 1, 2, 3, 4]
    assert tick_names(weights, "x") == ["-4 h", "-3 h", "-2 h", "-1 h", "0"]
    assert set(tick_names(rises, "x")) == {""}


def test_uniform_attention_is_a_dashed_line_at_1_in_the_range_of_all_maps() -> None:
    weights = draw().axes[2]
    (dashed,) = [line for line in weights.lines if line.get_linestyle() != "-"]
    np.testing.assert_array_equal(dashed.get_ydata(), [1, 1])
    assert weights.get_ylim() == (0, 3)
    expected = colormaps["viridis"](np.array([0.5, 2.5]) / 3)
    np.testing.assert_allclose(faces(weights)[:2], expected)


def test_attention_above_the_range_of_the_maps_is_not_cut() -> None:
    weights = draw(attention=np.array([0.0, 0.96, 0.04, 0.0, 0.0])).axes[2]
    assert weights.get_ylim()[1] > 5 * 0.96


def test_of_many_lags_the_ends_of_the_intervals_are_two_lines() -> None:
    lags = triples(97)
    rises = draw(lags=lags, attention=np.full(97, 1 / 97), clock=QUARTER).axes[1]
    low, high = (np.asarray(line.get_ydata()) for line in rises.lines[:2])
    np.testing.assert_array_equal(low, lags[:, 1])
    np.testing.assert_array_equal(high, lags[:, 2])


def test_axes_of_rises_show_0_all_bars_and_all_intervals() -> None:
    features, lags, _ = draw().axes
    assert features.get_xlim()[0] < -0.03
    assert features.get_xlim()[1] > 0.31
    assert lags.get_ylim()[0] < -0.02
    assert lags.get_ylim()[1] > 0.6
    falling = draw({"a": np.array([-0.2, -0.3, -0.1])}, lags=-LAGS[:, [0, 2, 1]]).axes
    assert falling[0].get_xlim()[1] > 0
    assert falling[1].get_ylim()[0] < -0.6


@pytest.mark.parametrize(("scale", "tick"), [(1.0, "20%"), (0.02, "0.5%"), (0.002, "0.050%")])
def test_ticks_are_percentages_with_as_many_digits_as_they_need(scale: float, tick: str) -> None:
    figure = draw({"a": scale * np.array([0.55, 0.5, 0.6])})
    figure.draw_without_rendering()
    assert tick in tick_names(figure.axes[0], "x")
    axes = figure.axes[0]
    for place, name in zip(axes.get_xticks(), tick_names(axes, "x"), strict=True):
        assert float(name.replace("−", "-").rstrip("%")) == pytest.approx(100 * place)


@pytest.mark.parametrize(
    ("lags", "features", "clock"),
    [(1, 1, HOUR), (6, 5, HOUR), (12, 3, QUARTER), (13, 3, QUARTER), (24, 23, HOUR), (96, 17, QUARTER)],
)
def test_no_texts_touch_and_none_is_cut(
    lags: int, features: int, clock: np.timedelta64, overlaps: Callable[[Figure], list[tuple[str, str]]]
) -> None:
    named = {f"feature {place}": values for place, values in enumerate(triples(features, seed=3))}
    named["a very long feature name in $US that no chart has room for, and then some"] = np.array([0.2, 0.1, 0.3])
    received = np.random.default_rng(lags).gamma(1.0, size=lags)
    figure = draw(named, triples(lags), received / received.sum(), clock=clock)
    assert overlaps(figure) == []
    assert figure.get_figwidth() == 7.0


def test_the_verdict_stands_below_every_chart_in_lines_no_wider_than_the_picture() -> None:
    figure = draw()
    assert " ".join(VERDICT.split()) in below(figure)
    figure.draw_without_rendering()
    (words,) = [text for text in figure.texts if text.get_text().startswith("Do not read")]
    box = words.get_window_extent()
    assert box.y1 < figure.axes[2].get_window_extent().y0
    assert 0 < box.x0 < box.x1 < figure.bbox.x1
    assert box.y0 > 0


def test_a_longer_verdict_makes_a_higher_footer() -> None:
    heights = [Footer("word " * count, "note", 5.0).height for count in (1, 30, 60)]
    assert heights == sorted(set(heights))


def test_lines_are_as_long_as_fits_and_keep_every_word() -> None:
    text = "the error rises where the most attended steps go first " * 3
    lines = wrapped(text, 1.7, size=9.0)
    assert " ".join(lines).split() == text.split()
    assert all(width_of(line, size=9.0) <= 1.7 for line in lines)
    for line, following in pairwise(lines):
        assert width_of(f"{line} {following.split()[0]}", size=9.0) > 1.7


def test_a_word_wider_than_the_line_loses_its_middle() -> None:
    (line,) = wrapped("x" * 99, 1.0, size=8.0)
    assert "…" in line
    assert width_of(line, size=8.0) <= 1.0
    assert wrapped("", 1.0, size=8.0) == []


def test_a_dollar_in_names_and_verdict_is_no_mathematics() -> None:
    figure = importance(
        {"a $b$ c": np.array([0.1, 0.05, 0.2])}, LAGS, attention=WEIGHTS, clock=HOUR, title="t", verdict="in $x$"
    )
    texts = [text for text in figure.findobj(Text) if "$" in text.get_text()]
    assert {text.get_text() for text in texts} == {"a $b$ c", "in $x$"}
    assert not any(text.get_parse_math() for text in texts)


@pytest.mark.parametrize(
    ("features", "lags", "attention", "message"),
    [
        ({}, LAGS, WEIGHTS, r"features must hold at least one feature: got none"),
        ({"a": np.zeros(2)}, LAGS, WEIGHTS, r"features\['a'\] must have shape \[E=3\]: got \[2\]"),
        ({"a": np.array([0.1, 0.3, 0.2])}, LAGS, WEIGHTS, r"features\['a'\] .* got low 0.3 above high"),
        (FEATURES, LAGS[:, :2], WEIGHTS, r"lags must have shape \[S, E=3\]: got \[5, 2\]"),
        (FEATURES, LAGS, WEIGHTS[:3], r"attention must have shape \[S=5\]: got \[3\]"),
        (FEATURES, LAGS, 5 * WEIGHTS, r"attention must add up to 1 over the lags: got 5"),
        (FEATURES, LAGS, np.full(5, np.nan), r"attention must add up to 1 over the lags: got nan"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_what_was_expected(
    features: dict[str, np.ndarray], lags: np.ndarray, attention: np.ndarray, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        draw(features, lags, attention)
