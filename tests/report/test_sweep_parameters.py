"""Pictures of what a sweep varied."""

import warnings
from collections.abc import Callable

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.text import Annotation, Text
from numpy.typing import NDArray

from headway.report.png import png
from headway.report.sweep_parameters import importance, parallel_coordinates


def trials(axes: Axes) -> list[Line2D]:
    """The lines of the trials, without those of the axes, in the order in which they are drawn."""
    return sorted((line for line in axes.lines if line.get_marker() == "o"), key=Line2D.get_zorder)


def heights(axes: Axes) -> NDArray[np.float64]:
    """Where each trial, in that order, crosses the upright lines [K, P + 1]."""
    return np.array([line.get_ydata() for line in trials(axes)], dtype=np.float64)


def ticks(axes: Axes, place: int) -> dict[str, float]:
    """What stands beside an upright line, from the bottom."""
    notes = [text for text in axes.texts if isinstance(text, Annotation) and text.get_verticalalignment() == "center"]
    return {text.get_text(): float(text.xy[1]) for text in notes if text.xy[0] == place}


def words(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def varied(size: int, parameters: int) -> tuple[dict[str, list[object]], list[float | None]]:
    generator = np.random.default_rng(size)
    everything: dict[str, list[object]] = {
        "training.learning_rate": (10 ** generator.uniform(-5, -2, size)).tolist(),
        "model.attention": generator.choice(["linear", "softmax_" * 9], size).tolist(),
        "training.jit": generator.choice([True, False], size).tolist(),
        "model.dropout": [None, *generator.uniform(0, 0.5, size - 1).tolist()],
        "data.path in $HOME/$x": [f"$HOME/{place}" for place in range(size)],
        "model.heads": generator.choice(["1", "2", "4", "8"], size).tolist(),
        "windows.context_length": generator.integers(12, 200, size).tolist(),
    }
    scores: list[float | None] = (2 + generator.gamma(1.0, 0.3, size)).tolist()
    return dict(list(everything.items())[:parameters]), [*scores[: size - 1], None] if size > 1 else scores


def test_shares_are_bars_in_percent_with_the_largest_first() -> None:
    (axes,) = importance(["seed", "model.heads", "b"], [0.25, 0.625, 0.125]).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["model.heads", "seed", "b"]
    assert [bar.get_width() for bar in axes.patches if isinstance(bar, Rectangle)] == [0.625, 0.25, 0.125]
    assert [text.get_text() for text in axes.texts] == ["62.5 %", "25.0 %", "12.5 %"]
    assert axes.yaxis_inverted()


def test_a_share_that_is_not_finite_is_left_out_and_without_any_there_is_a_sentence() -> None:
    (axes,) = importance(["a", "b"], [float("nan"), 1.0]).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["b"]
    assert any(word.endswith("equal scores.") for word in words(importance(["a"], [float("nan")])))


def test_of_many_parameters_the_least_important_are_summed_up() -> None:
    figure = importance([str(place) for place in range(37)], [0.03] * 30 + [0.01] * 7)
    assert len(figure.axes[0].patches) == 30
    assert "and 7 more parameters with 7.0 % together" in words(figure)


def test_a_line_goes_through_its_parameters_to_its_score() -> None:
    (axes,) = parallel_coordinates({"a": [1, 3, 5], "b": [0.001, 0.1, 0.01]}, [4.0, 3.0, 2.0], log={"b"}).axes
    # Drawn from the worst to the best: 4, 3, 2.
    np.testing.assert_allclose(heights(axes), [[0.0, 0, 1], [0.5, 1, 0.5], [1.0, 0.5, 0.0]], atol=1e-12)


def test_the_best_line_is_on_top_and_thickest_and_colours_follow_the_score() -> None:
    (axes,) = parallel_coordinates({"a": [1, 2, 3]}, [4.0, 2.0, 3.0]).axes
    drawn = trials(axes)
    assert np.asarray(drawn[-1].get_ydata()).tolist() == [0.5, 0.0]
    assert drawn[-1].get_linewidth() > max(line.get_linewidth() for line in drawn[:-1])
    assert [line.get_color() for line in drawn] == [colormaps["viridis"](part) for part in (1.0, 0.5, 0.0)]


def test_of_equally_good_trials_the_first_is_on_top() -> None:
    (axes,) = parallel_coordinates({"a": [1, 2, 3]}, [2.0, 2.0, 3.0]).axes
    np.testing.assert_array_equal(heights(axes)[-1], [0, 0])
    assert trials(axes)[-1].get_linewidth() > 2


def test_numbers_in_text_are_numbers() -> None:
    (axes,) = parallel_coordinates({"a": ["1024", "2048", 4096, "8.192e3"]}, [4.0, 3.0, 2.0, 1.0]).axes
    np.testing.assert_allclose(heights(axes)[:, 0], [0, 1 / 7, 3 / 7, 1])
    assert list(ticks(axes, 0)) == ["1024", "2048", "4096", "8192"]


@pytest.mark.parametrize(
    ("values", "order"),
    [
        ([True, False, True], ["false", "true"]),
        (["softmax", "linear", "$x$"], ["$x$", "linear", "softmax"]),
        (["auto", "100", 20, False], ["20", "100", "false", "auto"]),
        (["null", "true", "3"], ["3", "true", "null"]),
    ],
)
def test_all_else_is_a_category_numbers_before_truth_values_before_text(values: list[object], order: list[str]) -> None:
    (axes,) = parallel_coordinates({"a": values}, [1.0] * len(values)).axes
    found = ticks(axes, 0)
    assert sorted(found, key=found.__getitem__) == order
    np.testing.assert_allclose(list(found.values()), np.linspace(0, 1, len(order)))


@pytest.mark.parametrize("missing", [None, float("nan"), float("inf")])
def test_a_trial_without_a_value_is_left_out_on_that_axis_alone(missing: object) -> None:
    (axes,) = parallel_coordinates({"a": [1, 2], "b": [missing, 7], "c": [1, 2]}, [2.0, 1.0]).axes
    np.testing.assert_array_equal(heights(axes), [[0, np.nan, 0, 1], [1, 0.5, 1, 0]])


def test_trials_without_a_score_are_left_out_and_do_not_stretch_an_axis() -> None:
    figure = parallel_coordinates({"a": [1, 2, 99, -99, 3]}, [3.0, 2.0, None, float("nan"), 1.0])
    np.testing.assert_allclose(heights(figure.axes[0]), [[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]])
    assert "2 of 5 trials without a score" in words(figure)


def test_a_logarithm_of_zero_is_not_taken() -> None:
    (axes,) = parallel_coordinates({"a": [0.0, 1.0, 4.0]}, [3.0, 2.0, 1.0], log=["a"]).axes
    np.testing.assert_allclose(heights(axes)[:, 0], [0.0, 0.25, 1.0])


def test_diverged_trials_meet_at_the_top_of_the_score() -> None:
    (axes,) = parallel_coordinates({"a": [1, 2, 3, 4]}, [1.0, 1.1, 1.2, 900.0]).axes
    found = ticks(axes, 1)
    assert max(found, key=found.__getitem__) == "≥ 1.21"  # 1.2 and the margin of 0.008
    np.testing.assert_allclose(heights(axes)[:, 1], [1, 0.2 / 0.208, 0.1 / 0.208, 0], atol=1e-12)


def test_an_axis_of_many_numbers_has_its_ends_and_round_numbers_between() -> None:
    values = np.geomspace(2e-5, 5e-2, 17)
    (axes,) = parallel_coordinates({"a": values.tolist()}, values.tolist(), log=["a"]).axes
    found = ticks(axes, 0)
    assert list(found) == ["2e-05", "0.0001", "0.001", "0.01", "0.05"]
    expected = np.log([1, 5, 50, 500, 2500]) / np.log(2500)
    np.testing.assert_allclose(list(found.values()), expected)


def test_round_numbers_keep_their_distance_from_the_ends_of_an_axis() -> None:
    values = np.linspace(1.95, 10.05, 17).tolist()
    (axes,) = parallel_coordinates({"a": values}, values).axes
    assert list(ticks(axes, 0)) == ["1.95", "4", "6", "8", "10.1"]


def test_a_dollar_in_a_name_is_a_dollar() -> None:
    figures = [parallel_coordinates({"$a$": ["$b$", "$c$"]}, [1.0, 2.0], unit="$d$"), importance(["$a$"], [1.0])]
    dollars = [text for figure in figures for text in figure.findobj(Text) if "$" in text.get_text()]
    assert {text.get_text() for text in dollars} == {"$a$", "$b$", "$c$", "score ($d$)"}
    assert not any(text.get_parse_math() for text in dollars)


@pytest.mark.parametrize("size", [1, 5, 17, 200])
@pytest.mark.parametrize("parameters", [0, 1, 2, 7])
def test_any_sweep_draws_without_a_warning_and_no_text_touches_another(
    size: int, parameters: int, overlaps: Callable[[Figure], list[tuple[str, str]]]
) -> None:
    values, scores = varied(size, parameters)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = parallel_coordinates(values, scores, log={"training.learning_rate"}, unit="$")
        assert overlaps(figure) == []


def test_names_of_crowded_axes_stay_on_the_page() -> None:
    figure = parallel_coordinates({f"model.part_{place}.{'long_' * 9}": [1, 2] for place in range(19)}, [1.0, 2.0])
    figure.draw_without_rendering()
    boxes = [Text.get_window_extent(text) for text in figure.axes[0].texts]
    assert all(figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1 for box in boxes)


def test_bars_of_long_names_draw_without_a_warning_and_no_text_touches_another(
    overlaps: Callable[[Figure], list[tuple[str, str]]],
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert overlaps(importance(["$x$" * 99, "b", "WWW." * 30], [0.7, 0.0, 0.3])) == []
        assert overlaps(importance(["a"], [1.0])) == []


@pytest.mark.parametrize("scores", [[], [None, float("inf"), float("nan")]])
def test_without_a_score_there_is_a_sentence(scores: list[float | None]) -> None:
    figure = parallel_coordinates({"a": [1] * len(scores)}, scores)
    assert [word for word in words(figure) if word.endswith(".")] == [
        "No trial has a score." if scores else "There is no trial yet."
    ]


def test_the_same_sweep_gives_the_same_bytes() -> None:
    values, scores = varied(17, 7)
    assert png(parallel_coordinates(values, scores)) == png(parallel_coordinates(values, scores))


def test_what_does_not_fit_together_is_refused() -> None:
    with pytest.raises(ValueError, match=r"parameters\['a'\] must have a value per score: got 1 for 2"):
        parallel_coordinates({"a": [1]}, [1.0, 2.0])
    with pytest.raises(ValueError, match="names must be as many as shares: got 1 and 2"):
        importance(["a"], [1.0, 2.0])
    with pytest.raises(ValueError, match=r"shares must not be negative: got -0\.5"):
        importance(["a", "b"], [1.5, -0.5])
