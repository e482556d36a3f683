"""Pictures of the trials of a sweep."""

import warnings
from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from headway.report.png import png
from headway.report.sweep import comparison, history, intermediate_values, pareto

STATES = ["finished", "pruned", "finished", "failed", "finished", "killed", "running"]
SCORES = [3.0, 2.0, 2.5, None, 2.75, None, 2.9]


def line(axes: Axes, label: str) -> list[tuple[float, float]]:
    (found,) = [drawn for drawn in axes.lines if str(drawn.get_label()).startswith(label)]
    return [(float(x), float(y)) for x, y in np.asarray(found.get_xydata())]


def words(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def sweep_of(size: int) -> tuple[list[float | None], list[str]]:
    """Scores and states as of a sweep in which some diverged, some were pruned and some failed."""
    generator = np.random.default_rng(size)
    states = ["finished", *generator.choice(["finished", "pruned", "failed", "running"], size - 1).tolist()]
    scores = (2 + generator.gamma(1.0, 0.3, size)).tolist()
    if size > 3:
        scores[1:4] = [1e7, float("inf"), float("nan")]
    return [None if state == "failed" else score for score, state in zip(scores, states, strict=True)], states


def every_picture(scores: list[float | None], states: list[str]) -> list[Figure]:
    size = len(scores)
    curves = [{} if score is None else {1: score + 3, 2: score + 1, 5: score} for score in scores]
    known = [float("inf") if score is None else score for score in scores]
    names = ("cost in $ of $", "$x_1$")
    return [
        comparison([f"path=$HOME/{'very_' * 30}long {trial}" for trial in range(size)], scores, states, unit="$"),
        history(list(range(size)), scores, states, unit="$"),
        intermediate_values(curves, states, unit="$"),
        pareto(known, [float(trial) for trial in range(size)], names=names, on_front=[True] * size, units=("$", "$")),
    ]


def test_finished_trials_come_first_and_the_best_is_on_top() -> None:
    (axes,) = comparison(list("abcdefg"), SCORES, STATES).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["c", "e", "a", "b", "g", "d", "f"]
    assert axes.yaxis_inverted()


def test_every_row_has_its_dot_and_its_score_in_words() -> None:
    (axes,) = comparison(list("abcdefg"), SCORES, STATES, unit="°F").axes
    dots = [tuple(np.asarray(dot.get_xydata())[0]) for dot in axes.lines]
    assert dots[:5] == [(2.5, 0), (2.75, 1), (3.0, 2), (2.0, 3), (2.9, 4)]
    beside = [text.get_text() for text in axes.texts]
    assert beside == ["2.5", "2.75", "3", "2 pruned", "2.9 running", "failed", "killed"]
    assert axes.get_xlabel() == "score (°F)"


def test_only_the_best_row_is_bold_and_a_pruned_trial_is_never_the_best() -> None:
    (axes,) = comparison(list("abcdefg"), SCORES, STATES).axes
    assert [text.get_fontweight() for text in axes.texts] == ["bold"] + ["normal"] * 6
    (axes,) = comparison(["a", "b"], [2.0, None], ["pruned", "failed"]).axes
    assert {text.get_fontweight() for text in axes.texts} == {"normal"}


def test_rows_beyond_the_most_are_counted_by_state() -> None:
    figure = comparison(list("abcdefg"), SCORES, STATES, most=2)
    assert len(figure.axes[0].get_yticks()) == 2
    assert "and 1 finished, 1 pruned, 1 running, 1 failed, 1 killed not shown" in words(figure)


def test_a_trial_off_the_scale_points_beyond_it_and_has_its_value_written() -> None:
    (axes,) = comparison(list("abcde"), [2.0, 2.1, 2.2, 2.3, 500.0], ["finished"] * 5).axes
    assert axes.get_xlim()[1] < 2.4
    assert axes.lines[-1].get_marker() == ">"
    assert axes.texts[-1].get_text() == "500"


def test_an_infinite_score_is_written_but_has_no_dot() -> None:
    (axes,) = comparison(["a", "b"], [float("inf"), 2.0], ["finished"] * 2).axes
    assert [text.get_text() for text in axes.texts] == ["2", "inf"]
    assert np.isnan(np.asarray(axes.lines[1].get_xdata(), dtype=float)).all()


def test_the_best_so_far_falls_only_with_finished_trials_in_the_order_of_their_numbers() -> None:
    numbers = [11, 7, 5, 3, 2, 17, 13]
    (axes,) = history(numbers, SCORES, STATES).axes
    # By number: 2 finished 2.75, 3 failed, 5 finished 2.5, 7 pruned 2.0, 11 finished 3.0, 13 running, 17 killed.
    assert line(axes, "best so far") == [(2, 2.75), (3, 2.75), (5, 2.5), (7, 2.5), (11, 2.5), (13, 2.5), (17, 2.5)]
    assert line(axes, "best: trial 5, 2.5") == [(5, 2.5)]


def test_trials_are_told_apart_by_state_and_those_without_a_score_stand_on_the_axis() -> None:
    (axes,) = history(range(8), [*SCORES, float("inf")], [*STATES, "finished"]).axes
    bottom = axes.get_ylim()[0]
    assert line(axes, "finished") == [(0, 3.0), (2, 2.5), (4, 2.75)]
    assert line(axes, "pruned") == [(1, 2.0)]
    assert line(axes, "failed or killed") == [(3, bottom), (5, bottom)]
    assert line(axes, "without a score") == [(7, bottom)]
    (pruned,) = [drawn for drawn in axes.lines if drawn.get_label() == "pruned"]
    assert pruned.get_markerfacecolor() == "white"


def test_a_diverged_trial_stands_at_the_top_of_the_history() -> None:
    (axes,) = history(range(5), [2.0, 2.1, 2.2, 2.3, 500.0], ["finished"] * 5).axes
    (arrow,) = [drawn for drawn in axes.lines if drawn.get_marker() == "^"]
    np.testing.assert_array_equal(arrow.get_xydata(), [[4, axes.get_ylim()[1]]])
    assert axes.get_ylim()[1] < 2.4


def test_the_best_curve_is_the_finished_one_that_ends_lowest() -> None:
    curves = [{1: 1.0, 2: 2.5}, {2: 2.2, 1: 3.0}, {1: 0.5}, {1: 0.1, 2: float("nan")}]
    (axes,) = intermediate_values(curves, ["finished", "finished", "pruned", "finished"]).axes
    assert line(axes, "best, ends at 2.2") == [(1, 3.0), (2, 2.2)]
    best = max(axes.lines, key=lambda drawn: drawn.get_linewidth())
    assert best.get_label() == "best, ends at 2.2"


def test_a_pruned_curve_ends_with_a_mark_at_its_last_finite_value() -> None:
    curves = [{1: 3.0, 2: 2.0, 3: 1.5}, {1: 3.0, 2: 2.5, 3: float("inf")}]
    (axes,) = intermediate_values(curves, ["finished", "pruned"]).axes
    marks = [np.asarray(drawn.get_xydata()).tolist() for drawn in axes.lines if drawn.get_marker() == "x"]
    assert marks == [[[2.0, 2.5]]]


def test_curves_that_leave_the_picture_are_counted() -> None:
    curves = [{1: 2.0 + trial / 10, 2: 2.0} for trial in range(7)] + [{1: 1e9, 2: 2.0}]
    assert "1 of 8 curves leave the picture at the top" in words(intermediate_values(curves, ["finished"] * 8))


def test_the_front_is_a_staircase_in_the_order_of_the_first_score() -> None:
    first, second = [3.0, 1.0, 2.0, 3.0, float("nan")], [1.0, 5.0, 2.0, 4.0, 0.0]
    figure = pareto(first, second, names=("error", "seconds"), on_front=[True, True, True, False, True])
    (axes,) = figure.axes
    assert line(axes, "Pareto front") == [(1, 5), (2, 2), (3, 1)]
    assert line(axes, "dominated") == [(3, 4)]
    (front,) = [drawn for drawn in axes.lines if drawn.get_label() == "Pareto front"]
    assert front.get_drawstyle() == "steps-post"
    assert "1 of 5 trials without both scores" in words(figure)


def test_a_front_off_the_scale_is_shown_and_other_trials_off_it_are_counted() -> None:
    first = [1.0, 1.1, 1.2, 1.3, 80.0, 50.0, 1.2]
    front = [True, False, False, False, False, True, False]
    figure = pareto(first, [7.0, 8.0, 8.0, 8.0, 8.0, 6.0, 8.0], names=("a", "b"), on_front=front)
    assert 50 < figure.axes[0].get_xlim()[1] < 80
    assert "1 of 7 trials beyond the axes" in words(figure)


@pytest.mark.parametrize("size", [1, 2, 5, 17, 200])
def test_pictures_of_any_sweep_draw_without_a_warning_and_no_text_touches_another(
    size: int, overlaps: Callable[[Figure], list[tuple[str, str]]]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for figure in every_picture(*sweep_of(size)):
            assert overlaps(figure) == []
            assert 8 <= figure.get_figwidth() <= 9


def test_a_dollar_in_a_name_is_a_dollar() -> None:
    dollars = [
        text
        for figure in every_picture(*sweep_of(5))
        for text in figure.findobj(Text)
        if "$" in text.get_text() and text.get_parse_math()
    ]
    assert dollars == []


def test_equal_scores_stand_in_the_middle() -> None:
    for score in (2.0, 0.0, -3.0, 1e-9):
        (axes,) = history(range(5), [score] * 5, ["finished"] * 5).axes
        low, high = axes.get_ylim()
        assert low < score < high
        assert (low + high) / 2 == pytest.approx(score)


@pytest.mark.parametrize("size", [0, 1, 5])
def test_a_sweep_without_a_score_is_an_empty_frame_with_a_sentence(size: int) -> None:
    figures = every_picture([None] * size, ["failed"] * size)
    sentences = [[word for word in words(figure) if word.endswith(".")] for figure in figures]
    assert [len(found) for found in sentences] == [1] * 4
    assert sentences[0] == [f"No trial has a score: {size} failed." if size else "There is no trial yet."]
    assert not any(axes.lines for figure in figures for axes in figure.axes)


def test_the_same_sweep_gives_the_same_bytes() -> None:
    one, other = ([png(figure) for figure in every_picture(*sweep_of(5))] for _ in range(2))
    assert one == other


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: comparison(["a"], [1.0, 2.0], ["finished"] * 2), "labels must be as many as scores: got 1 and 2"),
        (lambda: comparison(["a"], [1.0], ["finished"], most=0), "most must be 1 or more: got 0"),
        (lambda: history([1], [1.0, 2.0], ["finished"] * 2), "numbers must be as many as scores: got 1 and 2"),
        (lambda: history([1], [1.0], []), "states must be as many as trials: got 0 and 1"),
        (lambda: intermediate_values([{1: 1.0}], ["done"]), "states must be of finished, .*: got 'done'"),
        (lambda: pareto([1.0], [], names=("a", "b"), on_front=[True]), "of one length: got 1, 0 and 1"),
    ],
)
def test_what_does_not_fit_together_is_refused(draw: Callable[[], Figure], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        draw()
