"""The picture of two runs' attention: which maps, which pairs, what is said below."""

from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from headway.report.attention_comparison import Pair, attention_comparison
from headway.report.png import png

HOUR = np.timedelta64(1, "h")
Overlaps = Callable[[Figure], list[tuple[str, str]]]


def softmaxed(layers: int, heads: int, length: int, seed: int = 7) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.full(length, 2.0), size=(layers, heads, length))


def straight(layers: int, heads: int) -> list[list[Pair]]:
    return [[(head, head, 0.9 - 0.01 * head) for head in range(heads)] for _ in range(layers)]


def draw(
    first: np.ndarray,
    second: np.ndarray,
    pairs: list[list[Pair]],
    *,
    names: tuple[str, str] = ("one", "other"),
    skill: str = "B is better.",
) -> Figure:
    return attention_comparison(first, second, pairs, names=names, clock=HOUR, title="two runs", skill=skill)


def maps(figure: Figure, label: str) -> list[Axes]:
    return [axes for axes in figure.axes if axes.get_label() == label]


def drawn(axes: Axes) -> np.ndarray:
    return np.asarray(axes.images[0].get_array())


def texts(figure: Figure) -> str:
    return " ".join(" ".join(text.get_text() for text in figure.texts).split())


def test_a_block_holds_both_maps_of_a_pair_and_what_b_has_more_than_a() -> None:
    first, second = softmaxed(2, 3, 5, seed=1), softmaxed(2, 2, 5, seed=2)
    figure = draw(first, second, [[(0, 1, 0.8), (2, 0, 0.7)], [(1, 1, 0.9)]])
    pairs = [(0, 0, 1), (0, 2, 0), (1, 1, 1)]
    for place, (layer, i, j) in enumerate(pairs):
        np.testing.assert_allclose(drawn(maps(figure, "A")[place]), 5 * first[layer, i])
        np.testing.assert_allclose(drawn(maps(figure, "B")[place]), 5 * second[layer, j])
        np.testing.assert_allclose(drawn(maps(figure, "B - A")[place]), 5 * (second[layer, j] - first[layer, i]))
    titles = [axes.get_title() for axes in maps(figure, "A")]
    assert titles == [
        "L1: A H1, B H2\nsimilarity 0.80",
        "L1: A H3, B H1\nsimilarity 0.70",
        "L2: A H2, B H2\nsimilarity 0.90",
    ]


def test_maps_share_the_limits_of_all_maps_and_differences_a_symmetric_range() -> None:
    first = softmaxed(2, 3, 5, seed=1)
    figure = draw(first, 0.6 * first + 0.4 * softmaxed(2, 3, 5, seed=2), straight(2, 3))
    assert {axes.images[0].get_clim() for axes in maps(figure, "A") + maps(figure, "B")} == {(0.0, 3.0)}
    largest = max(np.abs(drawn(axes)).max() for axes in maps(figure, "B - A"))
    assert 0.3 < largest < 3
    (limits,) = {axes.images[0].get_clim() for axes in maps(figure, "B - A")}
    assert limits == pytest.approx((-largest, largest))


def test_runs_that_attend_alike_look_alike() -> None:
    first = np.full((1, 1, 5, 5), 0.2)
    second = first + 0.01 * np.array([1, -1, 0, 0, 0])
    (axes,) = maps(draw(first, second, straight(1, 1)), "B - A")
    assert axes.images[0].get_clim() == (-0.3, 0.3)


def test_the_range_of_differences_is_never_wider_than_that_of_the_maps() -> None:
    sharp = np.broadcast_to(np.eye(7), (1, 1, 7, 7))
    (axes,) = maps(draw(sharp, sharp[..., ::-1], straight(1, 1)), "B - A")
    assert axes.images[0].get_clim() == (-3.0, 3.0)


def test_the_most_alike_pairs_of_the_last_layers_are_drawn_and_the_rest_is_counted() -> None:
    alike = [[(head, 6 - head, head / 10) for head in range(7)]]
    pairs = 2 * straight(1, 1) + alike + 2 * straight(1, 2)
    figure = draw(softmaxed(5, 7, 3), softmaxed(5, 7, 3), pairs)
    titles = [axes.get_title().split("\n")[0] for axes in maps(figure, "A")]
    assert titles[0] == "L2: A H1, B H1"
    assert titles[1:7] == [f"L3: A H{head}, B H{8 - head}" for head in range(2, 8)]
    assert (titles[-1], len(titles)) == ("L5: A H2, B H2", 1 + 6 + 2 + 2)
    assert "Not drawn: layer 1. Not drawn: 1 pair that is less alike." in texts(figure)


def test_six_pairs_and_fewer_in_all_stand_in_one_row() -> None:
    figure = draw(softmaxed(2, 3, 5), softmaxed(2, 3, 5), straight(2, 3))
    assert len({axes.get_position().y0 for axes in maps(figure, "A")}) == 1
    figure = draw(softmaxed(2, 4, 5), softmaxed(2, 4, 5), straight(2, 4))
    assert len({axes.get_position().y0 for axes in maps(figure, "A")}) == 2


def test_heads_without_partner_are_named() -> None:
    figure = draw(softmaxed(2, 1, 3), softmaxed(2, 3, 3), [[(0, 1, 0.5)], [(0, 0, 0.5)]])
    assert "Of B without partner: L1 H1, H3; L2 H2, H3." in texts(figure)
    assert "Of A without partner" not in texts(figure)


def test_names_and_the_sentence_on_skill_stand_below_and_a_dollar_is_a_dollar() -> None:
    figure = draw(
        softmaxed(1, 1, 3),
        softmaxed(1, 1, 3),
        straight(1, 1),
        names=("$a$_1$", "b"),
        skill="b is better by 1 $ or 2 $.",
    )
    assert png(figure)
    assert "b is better by 1 $ or 2 $." in texts(figure)
    assert "A: $a$_1$ B: b Rows" in texts(figure)
    assert not any(text.get_parse_math() for text in figure.texts if "$" in text.get_text())


@pytest.mark.parametrize("length", [6, *(pytest.param(length, marks=pytest.mark.slow) for length in (24, 96))])
@pytest.mark.parametrize(
    ("layers", "heads", "others"),
    [(1, 1, 1), (4, 1, 4), *(pytest.param(*sizes, marks=pytest.mark.slow) for sizes in [(2, 8, 4), (4, 8, 8)])],
)
def test_no_texts_touch(length: int, layers: int, heads: int, others: int, overlaps: Overlaps) -> None:
    figure = draw(
        softmaxed(layers, heads, length),
        softmaxed(layers, others, length, seed=2),
        straight(layers, min(heads, others)),
        names=("a long name of a run " * 9, "b"),
        skill="b is better than a by a few per cent of the mean absolute error. " * 4,
    )
    assert overlaps(figure) == []
    assert 5 <= figure.get_figwidth() <= 9


def test_contexts_may_be_attended_to_from_other_steps() -> None:
    first = softmaxed(1, 1, 7)[:, :, :5]
    (axes,) = maps(draw(first, first, straight(1, 1)), "B")
    assert drawn(axes).shape == (5, 7)


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([[(0, 0, 0.5)]], "one list per layer: got 1 for 2 layers"),
        ([[(0, 0, 0.5)], []], "at least one pair per layer: got none for layer 2"),
        ([[(0, 0, 0.5)], [(3, 0, 0.5)]], r"each head of A at most once, from 0 to 2: got \[3\] in layer 2"),
        ([[(0, 0, 0.5), (1, 0, 0.5)], [(0, 0, 0.5)]], r"each head of B at most once, from 0 to 1: got \[0, 0\]"),
        ([[(0, -1, 0.5)], [(0, 0, 0.5)]], r"each head of B at most once, from 0 to 1: got \[-1\] in layer 1"),
    ],
)
def test_pairs_that_do_not_fit_are_refused(pairs: list[list[Pair]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        draw(softmaxed(2, 3, 5), softmaxed(2, 2, 5), pairs)


def test_maps_of_other_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match=r"second must have shape \[L=2, M, T=5, S=5\]: got \[2, 3, 7, 7\]"):
        draw(softmaxed(2, 3, 5), softmaxed(2, 3, 7), straight(2, 3))
