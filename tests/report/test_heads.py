"""The picture of what the heads do."""

from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure

from headway.report import style
from headway.report.heads import heads

HOUR, QUARTER = np.timedelta64(1, "h"), np.timedelta64(15, "m")


def measures(layers: int, by_layer: int, *, reach: float = 5.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(7)
    size = (layers, by_layer)
    total = layers * by_layer
    alike = generator.uniform(0.2, 0.9, (total, total))
    alike = (alike + alike.T) / 2
    np.fill_diagonal(alike, 1)
    return generator.random(size), reach * generator.random(size), alike


def draw(layers: int, by_layer: int, *, reach: float = 5.0, clock: np.timedelta64 = HOUR) -> Figure:
    return heads(*measures(layers, by_layer, reach=reach), clock=clock, title="What the heads do")


def dots(axes: Axes) -> np.ndarray:
    (found,) = [one for one in axes.collections if isinstance(one, PathCollection)]
    return np.asarray(found.get_offsets())


def stems(axes: Axes) -> np.ndarray:
    (found,) = [one for one in axes.collections if isinstance(one, LineCollection)]
    return np.array(found.get_segments())


def names(axes: Axes, axis: str) -> list[str]:
    labels = axes.get_xticklabels() if axis == "x" else axes.get_yticklabels()
    return [label.get_text() for label in labels]


def note(figure: Figure) -> str:
    return "\n".join(text.get_text() for text in figure.texts)


def test_dots_are_entropy_and_distance_from_the_first_head_on_top() -> None:
    entropy, distance, _ = measures(2, 3)
    left, right, *_ = draw(2, 3).axes
    np.testing.assert_allclose(dots(left), [[entropy[k // 3, k % 3], k] for k in range(6)])
    np.testing.assert_allclose(dots(right), [[distance[k // 3, k % 3], k] for k in range(6)])
    np.testing.assert_allclose(stems(right)[:, :, 0], [[0, distance[k // 3, k % 3]] for k in range(6)])
    assert left.yaxis_inverted()
    assert names(left, "y") == ["L1 H1", "L1 H2", "L1 H3", "L2 H1", "L2 H2", "L2 H3"]
    assert not any(label.get_visible() for label in right.get_yticklabels())


def test_uniform_attention_is_a_dashed_line_at_an_entropy_of_1() -> None:
    left, right, *_ = draw(2, 3).axes
    (line,) = left.lines
    np.testing.assert_array_equal(line.get_xdata(), [1, 1])
    assert line.get_linestyle() == "--"
    assert left.get_xlim()[0] == 0
    assert left.get_xlim()[1] > 1
    assert not right.lines


@pytest.mark.parametrize(
    ("reach", "clock", "marks"),
    [
        (0.0, HOUR, ["0", "1 h"]),
        (4.7, HOUR, ["0", "1 h", "2 h", "3 h", "4 h", "5 h"]),
        (31.0, QUARTER, ["0", "2 h", "4 h", "6 h"]),
        (2.9, np.timedelta64(1, "M"), ["0", "1 mo", "2 mo", "3 mo"]),
    ],
)
def test_distances_are_marked_in_real_time(reach: float, clock: np.timedelta64, marks: list[str]) -> None:
    right = heads(np.ones((1, 2)), np.array([[reach, 0]]), np.eye(2), clock=clock, title="t").axes[1]
    assert names(right, "x") == marks
    assert right.get_xlim()[1] > reach


def test_the_unit_of_a_mark_is_that_of_its_steps() -> None:
    right = heads(np.ones((1, 2)), np.array([[31.0, 0]]), np.eye(2), clock=QUARTER, title="t").axes[1]
    assert right.get_xticks().tolist() == [0, 8, 16, 24]


def test_rows_of_the_matrix_are_level_with_the_dots_of_their_heads() -> None:
    _, _, alike = measures(2, 3)
    figure = draw(2, 3)
    left, _, matrix, _ = figure.axes
    np.testing.assert_array_equal(np.asarray(matrix.images[0].get_array()), alike)
    assert names(matrix, "x") == names(left, "y")
    assert matrix.get_ylim() == left.get_ylim() == (5.5, -0.5)
    assert (matrix.get_position().y0, matrix.get_position().y1) == (left.get_position().y0, left.get_position().y1)


def test_similarity_has_the_house_colours_from_0_to_1() -> None:
    *_, matrix, bar = draw(1, 5).axes
    assert matrix.images[0].get_clim() == (0, 1)
    assert matrix.images[0].get_cmap().name == style.COLOUR_MAP
    assert bar.get_label() == "colours"
    assert names(bar, "y") == ["0", "0.5", "1"]


def test_cells_of_the_matrix_are_square() -> None:
    figure = draw(2, 3)
    box = figure.axes[2].get_window_extent()
    assert box.width == pytest.approx(box.height)


def test_a_single_head_has_no_matrix() -> None:
    figure = draw(1, 1)
    assert len(figure.axes) == 2
    assert "alike" not in note(figure)


def test_the_most_alike_pair_is_named() -> None:
    alike = np.eye(6)
    alike[4, 1] = alike[1, 4] = 0.87
    figure = heads(np.ones((2, 3)), np.ones((2, 3)), alike, clock=HOUR, title="t")
    assert "Most alike: L1 H2 and L2 H2, 0.87 (1 = the same maps)." in note(figure)


def test_of_more_than_16_heads_the_last_are_drawn_and_that_is_said() -> None:
    entropy, distance, alike = measures(3, 7)
    figure = heads(entropy, distance, alike, clock=HOUR, title="t")
    left, right, matrix, _ = figure.axes
    assert (names(left, "y")[0], names(left, "y")[-1], len(names(left, "y"))) == ("L1 H6", "L3 H7", 16)
    np.testing.assert_allclose(dots(left)[:, 0], [*entropy[0, 5:], *entropy[1], *entropy[2]])
    np.testing.assert_allclose(dots(right)[:, 0], [*distance[0, 5:], *distance[1], *distance[2]])
    np.testing.assert_array_equal(np.asarray(matrix.images[0].get_array()), alike[5:, 5:])
    assert "Not drawn: the first 5 of 21 heads." in note(figure)


def test_sixteen_heads_leave_nothing_out() -> None:
    figure = draw(2, 8)
    assert len(names(figure.axes[0], "y")) == 16
    assert "Not drawn" not in note(figure)


def test_unknown_values_leave_their_places_empty() -> None:
    unknown = np.full((1, 3), np.nan)
    figure = heads(unknown, unknown, np.full((3, 3), np.nan), clock=HOUR, title="t")
    assert len(names(figure.axes[0], "y")) == 3
    assert "alike" not in note(figure)


@pytest.mark.parametrize(
    ("layers", "by_layer", "reach", "clock"),
    [
        (1, 1, 2.0, HOUR),
        (1, 2, 2.0, HOUR),
        (1, 4, 8.0, HOUR),
        (2, 4, 8.0, HOUR),
        (1, 8, 32.0, QUARTER),
        (4, 8, 32.0, QUARTER),
        (11, 13, 300.0, np.timedelta64(7, "m")),
    ],
)
def test_no_texts_touch_and_none_is_cut(
    layers: int,
    by_layer: int,
    reach: float,
    clock: np.timedelta64,
    overlaps: Callable[[Figure], list[tuple[str, str]]],
) -> None:
    figure = draw(layers, by_layer, reach=reach, clock=clock)
    assert overlaps(figure) == []
    assert 5.0 <= figure.get_figwidth() <= 7.5


@pytest.mark.parametrize(
    ("entropy", "distance", "alike", "message"),
    [
        (np.ones(6), np.ones((2, 3)), np.eye(6), r"entropy must have shape \[L, N\]: got \[6\]"),
        (np.ones((2, 3)), np.ones((3, 2)), np.eye(6), r"distance must have shape \[L=2, N=3\]: got \[3, 2\]"),
        (np.ones((2, 3)), np.ones((2, 3)), np.eye(5), r"redundancy must have shape \[M=6, M=6\]: got \[5, 5\]"),
        (np.full((2, 3), 1.01), np.ones((2, 3)), np.eye(6), r"entropy must be from 0 to 1: got 1.01"),
        (np.ones((2, 3)), np.full((2, 3), -0.5), np.eye(6), r"distance must be 0 or more: got -0.5"),
        (np.ones((2, 3)), np.ones((2, 3)), -np.eye(6), r"redundancy must be from 0 to 1: got -1"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_what_was_expected(
    entropy: np.ndarray, distance: np.ndarray, alike: np.ndarray, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        heads(entropy, distance, alike, clock=HOUR, title="t")
