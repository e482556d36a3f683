"""The attention pictures: what is drawn, in which colours, under which names."""

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from headway.report.attention import attention_epoch, attention_map

HOUR = np.timedelta64(1, "h")


def softmaxed(layers: int, heads: int, length: int) -> np.ndarray:
    logits = np.random.default_rng(7).normal(size=(layers, heads, length, length))
    return np.asarray(np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True))


def maps(figure: Figure) -> list[Axes]:
    return [axes for axes in figure.axes if axes.images]


def lag_panels(figure: Figure) -> list[Axes]:
    return [axes for axes in figure.axes if "weight by lag" in axes.get_title(loc="left").lower()]


def drawn(axes: Axes) -> np.ndarray:
    return np.asarray(axes.images[0].get_array())


def texts(figure: Figure) -> str:
    return "\n".join(text.get_text() for text in figure.texts)


@pytest.mark.parametrize(("layers", "heads", "length"), [(1, 1, 5), (2, 3, 7), (1, 11, 97)])
def test_the_picture_of_an_epoch_is_square(layers: int, heads: int, length: int) -> None:
    width, height = attention_epoch(softmaxed(layers, heads, length), clock=HOUR).get_size_inches()
    assert width == height


@pytest.mark.parametrize(
    ("layers", "heads", "first", "last", "count"),
    [
        (1, 1, "L1 H1", "L1 H1", 1),
        (3, 2, "L1 H1", "L3 H2", 6),
        (5, 2, "L2 H1", "L5 H2", 8),
        (2, 5, "L2 H1", "L2 H5", 5),
        (1, 9, "L1 H1", "L1 H9", 9),
        (2, 11, "L2 H1", "L2 mean", 9),
    ],
)
def test_an_epoch_has_whole_last_layers_in_at_most_nine_maps(
    layers: int, heads: int, first: str, last: str, count: int
) -> None:
    titles = [axes.get_title() for axes in maps(attention_epoch(softmaxed(layers, heads, 5), clock=HOUR))]
    assert (titles[0], titles[-1], len(titles)) == (first, last, count)


def test_every_map_has_colour_limits_of_exactly_0_and_3() -> None:
    sharp = np.broadcast_to(np.eye(7), (2, 3, 7, 7))
    for figure in (
        attention_epoch(sharp, clock=HOUR),
        attention_epoch(softmaxed(1, 11, 5), clock=HOUR),
        attention_map(sharp, clock=HOUR, title="sharp"),
    ):
        assert {axes.images[0].get_clim() for axes in maps(figure)} == {(0.0, 3.0)}


def test_a_map_holds_weight_times_length_with_time_attending_down_the_rows() -> None:
    scores = softmaxed(2, 3, 7)
    by_title = {axes.get_title(): drawn(axes) for axes in maps(attention_epoch(scores, clock=HOUR))}
    np.testing.assert_allclose(by_title["L2 H3"], 7 * scores[1, 2])
    np.testing.assert_allclose(by_title["L1 H2"], 7 * scores[0, 1])


def test_uniform_attention_is_1_in_every_map() -> None:
    figure = attention_map(np.full((2, 3, 5, 5), 1 / 5), clock=HOUR, title="uniform")
    for axes in maps(figure):
        np.testing.assert_allclose(drawn(axes), 1.0)


def test_the_mean_of_an_epoch_counts_the_heads_that_are_not_drawn() -> None:
    scores = softmaxed(1, 11, 5)
    mean = maps(attention_epoch(scores, clock=HOUR))[-1]
    np.testing.assert_allclose(drawn(mean), 5 * scores[0].sum(axis=0) / 11)


def test_a_short_context_is_labelled_from_its_first_step_to_0() -> None:
    (axes,) = maps(attention_epoch(softmaxed(1, 1, 6), clock=HOUR))
    assert [label.get_text() for label in axes.get_xticklabels()] == ["-5 h", "0"]
    assert axes.get_xticks().tolist() == [0, 5]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["-5 h", "0"]


def test_a_long_context_has_few_labels_at_round_offsets() -> None:
    (axes,) = maps(attention_epoch(softmaxed(1, 1, 97), clock=np.timedelta64(15, "m")))
    assert [label.get_text() for label in axes.get_xticklabels()] == [
        "-24 h",
        "-18 h",
        "-12 h",
        "-6 h",
        "0",
    ]
    assert axes.get_xticks().tolist() == [0, 24, 48, 72, 96]


def test_the_epoch_is_named_in_the_upper_left_corner() -> None:
    figure = attention_epoch(softmaxed(1, 2, 5), epoch=13, clock=HOUR)
    (name,) = [text for text in figure.texts if text.get_text() == "epoch 13"]
    x, y = name.get_position()
    assert x < 0.1
    assert y > 0.9


def test_no_two_maps_of_an_epoch_overlap() -> None:
    boxes = sorted(
        (axes.get_position() for axes in maps(attention_epoch(softmaxed(1, 3, 5), clock=HOUR))),
        key=lambda box: (-box.y0, box.x0),
    )
    for one, other in pairwise(boxes):
        assert one.x1 <= other.x0 or one.y0 >= other.y1


def test_the_map_of_a_run_says_what_it_leaves_out() -> None:
    figure = attention_map(softmaxed(5, 11, 3), clock=HOUR, title="large")
    titles = [axes.get_title() for axes in maps(figure)]
    assert (titles[0], titles[-1], len(titles)) == ("L2 H1", "L5 mean", 4 * 9)
    assert "layers 1 to 1" in texts(figure)
    assert "heads 9 to 11" in texts(figure)


def test_the_map_of_a_run_leaves_nothing_out_in_silence_or_in_vain() -> None:
    figure = attention_map(softmaxed(2, 3, 5), clock=HOUR, title="small")
    assert len(maps(figure)) == 2 * (3 + 1)
    assert "Not drawn" not in texts(figure)


def test_bars_are_the_mean_weight_a_lag_receives_and_lines_span_the_heads() -> None:
    scores = softmaxed(2, 3, 5)
    panel = lag_panels(attention_map(scores, clock=HOUR, title="lags"))[1]
    heights = [bar.get_height() for bar in panel.patches if isinstance(bar, Rectangle)]
    by_hand = [sum(scores[1, :, t, s].mean() for t in range(5)) for s in range(5)]
    np.testing.assert_allclose(heights, by_hand)  # mean over 5 rows, times 5
    (ranges,) = panel.findobj(LineCollection)
    assert isinstance(ranges, LineCollection)
    low, high = np.asarray(ranges.get_segments())[2, :, 1]
    received = [sum(scores[1, head, t, 2] for t in range(5)) for head in range(3)]
    assert (low, high) == pytest.approx((min(received), max(received)))


def test_the_colour_bar_of_a_run_says_that_1_is_uniform() -> None:
    figure = attention_map(softmaxed(1, 2, 5), clock=HOUR, title="bar")
    (bar,) = [axes for axes in figure.axes if axes.get_label() == "colours"]
    assert " ".join(bar.get_ylabel().split()) == "weight x T (1 = uniform)"


@pytest.mark.parametrize("shape", [(3, 5, 7), (2, 3, 5, 7), (0, 3, 5, 5)])
def test_scores_of_another_shape_are_refused_with_both_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"scores must have shape \[L, N, T, T\]: got \[" + str(shape[0])):
        attention_epoch(np.ones(shape), clock=HOUR)


def test_the_scores_are_left_as_they_were() -> None:
    scores = softmaxed(1, 2, 5)
    before = scores.copy()
    attention_epoch(scores, clock=HOUR)
    attention_map(scores, clock=HOUR, title="pure")
    np.testing.assert_array_equal(scores, before)
