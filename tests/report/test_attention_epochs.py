"""The picture of attention by epoch: which heads, which epochs, which colours."""

from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from headway.report.attention_epochs import attention_epochs
from headway.report.svg import svg

HOUR = np.timedelta64(1, "h")
Overlaps = Callable[[Figure], list[tuple[str, str]]]


def softmaxed(epochs: int, layers: int, heads: int, lags: int) -> np.ndarray:
    return np.random.default_rng(7).dirichlet(np.full(lags, 2.0), size=(epochs, layers, heads))


def draw(weights: np.ndarray, *, best: int = 1, epochs: list[int] | None = None) -> Figure:
    numbers = epochs or list(range(1, len(weights) + 1))
    return attention_epochs(weights, epochs=numbers, best=best, clock=HOUR, title="by epoch")


def maps(figure: Figure) -> list[Axes]:
    return [axes for axes in figure.axes if axes.get_title()]


def mesh(axes: Axes) -> QuadMesh:
    (found,) = [one for one in axes.collections if isinstance(one, QuadMesh)]
    return found


def texts(figure: Figure) -> str:
    return " ".join(text.get_text() for text in figure.texts)


def test_a_map_holds_weight_times_lags_with_the_first_lag_at_the_bottom() -> None:
    weights = softmaxed(7, 2, 3, 5)
    by_title = {axes.get_title(): axes for axes in maps(draw(weights))}
    drawn = np.asarray(mesh(by_title["L2 H3"]).get_array()).reshape(5, 7)
    np.testing.assert_allclose(drawn, 5 * np.array([weights[:, 1, 2, lag] for lag in range(5)]))
    low, high = by_title["L2 H3"].get_ylim()
    assert low < high
    assert [label.get_text() for label in by_title["L2 H1"].get_yticklabels()] == ["-4 h", "-3 h", "-2 h", "-1 h", "0"]


def test_every_map_has_colour_limits_of_exactly_0_and_3() -> None:
    assert {mesh(axes).get_clim() for axes in maps(draw(softmaxed(3, 2, 3, 5)))} == {(0.0, 3.0)}


@pytest.mark.parametrize(
    ("layers", "heads", "first", "last", "count", "note"),
    [
        (1, 1, "L1 H1", "L1 H1", 1, ""),
        (2, 4, "L1 H1", "L2 H4", 8, ""),
        (3, 3, "L2 H1", "L3 H3", 6, "Not drawn: layer 1."),
        (4, 8, "L4 H1", "L4 H8", 8, "Not drawn: layers 1 to 3."),
        (2, 11, "L2 H1", "L2 H8", 8, "Not drawn: layer 1; heads 9 to 11 of layer 2."),
    ],
)
def test_whole_last_layers_are_drawn_in_at_most_eight_maps(
    layers: int, heads: int, first: str, last: str, count: int, note: str
) -> None:
    figure = draw(softmaxed(3, layers, heads, 5))
    titles = [axes.get_title() for axes in maps(figure)]
    assert (titles[0], titles[-1], len(titles)) == (first, last, count)
    assert texts(figure).count("Not drawn") == bool(note)
    assert note in texts(figure)


def test_heads_of_a_layer_stand_side_by_side() -> None:
    tops = [axes.get_position().y1 for axes in maps(draw(softmaxed(3, 3, 2, 5)))]
    assert tops[0] == tops[1] > tops[2] == tops[3] > tops[4] == tops[5]


def test_the_kept_epoch_is_marked_in_every_map_and_named() -> None:
    figure = draw(softmaxed(7, 1, 3, 5), best=4)
    assert [list(axes.lines[0].get_xdata()) for axes in maps(figure)] == [[4, 4]] * 3
    assert "epoch 4, whose weights were kept" in texts(figure)


def test_a_kept_epoch_beyond_the_last_map_is_on_the_axis() -> None:
    (axes,) = maps(draw(softmaxed(3, 1, 1, 5), epochs=[5, 10, 15], best=19))
    assert axes.get_xlim() == (2.5, 19.5)


def test_columns_reach_half_way_to_their_neighbours() -> None:
    (axes,) = maps(draw(softmaxed(3, 1, 1, 5), epochs=[1, 3, 11]))
    np.testing.assert_allclose(mesh(axes).get_coordinates()[0, :, 0], [0, 2, 7, 15])


def test_a_single_epoch_is_one_column_with_a_whole_number() -> None:
    figure = draw(softmaxed(1, 1, 3, 5), epochs=[2], best=2)
    figure.draw_without_rendering()
    axes = maps(figure)[0]
    np.testing.assert_allclose(mesh(axes).get_coordinates()[0, :, 0], [1.5, 2.5])
    assert [tick for tick in axes.get_xticks() if 1.5 <= tick <= 2.5] == [2]


@pytest.mark.parametrize("lags", [6, *(pytest.param(lags, marks=pytest.mark.slow) for lags in (24, 96))])
@pytest.mark.parametrize(
    ("layers", "heads", "epochs"),
    [(1, 1, 1), (4, 8, 1000), *(pytest.param(*sizes, marks=pytest.mark.slow) for sizes in [(4, 2, 100), (4, 1, 2)])],
)
def test_no_texts_touch(lags: int, layers: int, heads: int, epochs: int, overlaps: Overlaps) -> None:
    figure = draw(softmaxed(epochs, layers, heads, lags))
    assert overlaps(figure) == []
    assert 5 <= figure.get_figwidth() <= 7.5


def test_what_does_not_fit_is_refused() -> None:
    weights = softmaxed(3, 1, 2, 5)
    with pytest.raises(ValueError, match=r"weights must have shape \[E=2, L, N, S\]: got \[3, 1, 2, 5\]"):
        draw(weights, epochs=[1, 2])
    with pytest.raises(ValueError, match=r"epochs must rise: got \[1, 3, 3\]"):
        draw(weights, epochs=[1, 3, 3])
    with pytest.raises(ValueError, match="weights must add up to 1"):
        draw(5 * weights)


def test_a_vector_picture_of_many_epochs_stays_small() -> None:
    assert len(svg(draw(softmaxed(101, 1, 8, 97)))) < 600_000
