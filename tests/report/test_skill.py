"""Error and skill by horizon step."""

import warnings
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text

from headway.report.skill import line_looks, scale_limit, skill_by_horizon

HOUR = np.timedelta64(1, "h")
ERRORS = {
    "persistence": np.array([2.0, 4.0, 5.0, 8.0, 10.0]),
    "ours": np.array([1.0, 3.0, 5.0, 10.0, 5.0]),
    "drift": np.array([2.1, 4.1, 0.0, 8.1, 5.1]),
}


EIGHT = {
    "transformer": (1.2, 2.9),
    "persistence": (1.6, 4.5),
    "seasonal_naive": (6.7, 6.7),
    "drift": (1.8, 5.5),
    "window_mean": (3.2, 5.5),
    "least_squares": (1.3, 3.1),
    "nlinear": (1.3, 3.2),
    "linear_regression": (1.3, 3.0),
    "gradient_boosting": (1.2, 3.0),
}


def nyc(horizon: int) -> dict[str, np.ndarray]:
    """Errors as of temperatures in New York, by all forecasters."""
    return {name: np.linspace(*ends, horizon) for name, ends in EIGHT.items()}


def panels(errors: dict[str, np.ndarray] = ERRORS) -> list[Axes]:
    return skill_by_horizon(errors, model="ours", metric="MAE", unit="deg F", clock=HOUR).axes


def values(axes: Axes, label: str) -> np.ndarray:
    (found,) = [line for line in axes.lines if line.get_label() == label]
    return np.asarray(found.get_ydata())


def test_the_upper_panel_holds_the_errors_as_given() -> None:
    upper, _ = panels()
    for name, errors in ERRORS.items():
        np.testing.assert_array_equal(values(upper, name), errors)
    assert upper.get_ylabel() == "MAE (deg F)"
    assert upper.get_ylim()[0] == 0


def test_skill_is_the_share_of_the_rivals_error_that_is_saved() -> None:
    _, lower = panels()
    np.testing.assert_allclose(values(lower, "persistence"), [0.5, 0.25, 0, -0.25, 0.5])


def test_against_a_rival_without_error_skill_is_unknown() -> None:
    _, lower = panels()
    assert np.isnan(values(lower, "drift")).tolist() == [False, False, True, False, False]


def test_the_model_has_no_skill_against_itself() -> None:
    assert "ours" not in [line.get_label() for line in panels()[1].lines]


def test_labels_at_the_ends_do_not_overlap() -> None:
    figure = skill_by_horizon(
        {"ours": np.ones(3)} | {f"rival {n}": np.full(3, 1 + n / 1000) for n in range(5)},
        model="ours",
        metric="MAE",
        unit="",
        clock=HOUR,
    )
    figure.draw_without_rendering()
    for axes in figure.axes:
        bodies = [Text.get_window_extent(text) for text in axes.texts]  # without the leader lines
        bodies.sort(key=lambda body: body.y0)
        assert len(bodies) >= 5
        assert all(lower.y1 <= upper.y0 for lower, upper in pairwise(bodies))


def test_labels_stand_at_the_ends_of_their_lines_and_inside_the_axes() -> None:
    crowd = {f"rival {n}": np.full(3, 0.001 * n) for n in range(5)}
    figure = skill_by_horizon(crowd | {"ours": np.full(3, 1.0)}, model="ours", metric="MAE", unit="", clock=HOUR)
    upper = figure.axes[0]
    places = {text.get_text(): text.xyann[1] for text in upper.texts if isinstance(text, Annotation)}
    assert places["ours"] == pytest.approx(1.0 / upper.get_ylim()[1])
    assert places["rival 0"] == 0
    assert 0.2 < places["rival 4"] < 0.4


def test_every_line_is_named_at_its_end_and_the_model_in_bold() -> None:
    upper, _ = panels()
    weights = {text.get_text(): text.get_fontweight() for text in upper.texts}
    assert weights == {"persistence": "normal", "ours": "bold", "drift": "normal"}


def test_horizon_steps_are_labelled_by_time() -> None:
    labels = [label.get_text() for label in panels()[1].get_xticklabels()]
    assert labels == ["+1 h", "+2 h", "+3 h", "+4 h", "+5 h"]


def test_without_rivals_there_is_no_skill() -> None:
    assert len(panels({"ours": np.ones(7)})) == 1


def test_errors_of_another_length_are_refused_with_both_shapes() -> None:
    with pytest.raises(ValueError, match=r"errors\['drift'\] must have shape \[H=5\]: got \[3\]"):
        panels(ERRORS | {"drift": np.ones(3)})


def test_errors_without_the_model_are_refused() -> None:
    with pytest.raises(ValueError, match="errors must hold the model 'ours'"):
        panels({"drift": np.ones(3)})


def test_a_poor_rival_leaves_the_scale_and_is_named_with_its_error() -> None:
    errors = nyc(7)
    figure = skill_by_horizon(errors, model="transformer", metric="MAE", unit="deg F", clock=HOUR)
    upper, lower = figure.axes
    assert upper.get_ylim() == (0, pytest.approx(1.4 * 3.2))
    notes = [text.get_text() for text in upper.texts]
    assert "seasonal_naive: off the scale, 6.7" in notes
    assert not [note for note in notes if note.startswith("seasonal_naive ")]
    assert {"persistence ↑ 4.5", "drift ↑ 5.5", "window_mean ↑ 5.5", "nlinear"} <= set(notes)
    np.testing.assert_array_equal(values(upper, "seasonal_naive"), errors["seasonal_naive"])
    assert lower.get_ylim()[1] < 0.3
    assert "seasonal_naive ↑ 57%" in [text.get_text() for text in lower.texts]


@pytest.mark.parametrize(
    ("own", "rivals", "limit"),
    [
        ([2.0], {"good": [2.0], "poor": [4.0]}, None),  # exactly twice
        ([2.0], {"good": [2.0], "poor": [4.1]}, 2.8),
        ([3.0], {"good": [2.0], "poor": [6.1]}, 4.2),  # the model is always shown
        ([1.0], {"poor": [9.0]}, None),  # an only rival is the better half
        ([1.0], {"a": [2.0], "b": [3.0], "c": [6.1]}, 4.2),
        ([1.0, np.nan], {"a": [np.nan, 2.0], "b": [np.nan, np.nan], "c": [5.0, 5.0]}, 2.8),
        ([0.0], {"a": [0.0], "b": [1.0]}, None),
        ([np.nan], {"a": [np.nan]}, None),
        ([2.0], {}, None),
    ],
)
def test_the_scale_is_that_of_the_model_and_the_better_half(
    own: list[float], rivals: dict[str, list[float]], limit: float | None
) -> None:
    found = scale_limit(np.array(own), {name: np.array(errors) for name, errors in rivals.items()})
    assert found == (None if limit is None else pytest.approx(limit))


def test_a_rival_without_a_known_error_beside_a_poor_one_draws_without_a_warning() -> None:
    errors = nyc(3) | {"unknown": np.full(3, np.nan)}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        skill_by_horizon(errors, model="transformer", metric="MAE", unit="", clock=HOUR).draw_without_rendering()


def test_the_band_is_the_interval_against_the_strongest_rival_alone() -> None:
    strongest = np.array([[0.1, 0.3], [-0.1, 0.2], [0.0, 0.4], [-0.3, 0.1], [0.2, 0.6]])
    intervals = {"drift": strongest, "persistence": strongest + 0.1}
    figure = skill_by_horizon(ERRORS, model="ours", metric="MAE", unit="", clock=HOUR, intervals=intervals)
    upper, lower = figure.axes
    (band,) = lower.collections
    assert not upper.collections
    assert isinstance(band, PolyCollection)
    x, y = np.asarray(band.get_paths()[0].vertices).T
    drawn = [(y[x == step].min(), y[x == step].max()) for step in range(1, 6)]
    np.testing.assert_allclose(drawn, strongest)
    assert "band: 95 % interval against drift, the strongest rival" in [text.get_text() for text in lower.texts]


def test_no_band_is_drawn_where_the_strongest_rival_has_no_interval() -> None:
    intervals = {"persistence": np.zeros((5, 2))}
    figure = skill_by_horizon(ERRORS, model="ours", metric="MAE", unit="", clock=HOUR, intervals=intervals)
    assert not figure.axes[1].collections


def test_intervals_of_another_shape_or_of_no_rival_are_refused() -> None:
    with pytest.raises(ValueError, match=r"intervals\['drift'\] must have shape \[H=5, E=2\]: got \[2, 5\]"):
        skill_by_horizon(ERRORS, model="ours", metric="MAE", unit="", clock=HOUR, intervals={"drift": np.zeros((2, 5))})
    with pytest.raises(ValueError, match=r"intervals must be of rivals among .*: got \['ours'\]"):
        skill_by_horizon(ERRORS, model="ours", metric="MAE", unit="", clock=HOUR, intervals={"ours": np.zeros((5, 2))})


def test_colour_and_dashes_tell_eighteen_rivals_apart_from_each_other_and_neighbours_by_both() -> None:
    looks = line_looks([str(place) for place in range(18)], model="ours")
    pairs = [(looks[str(place)]["color"], looks[str(place)]["ls"]) for place in range(18)]
    assert len(set(pairs)) == 18
    assert all(one[0] != other[0] and one[1] != other[1] for one, other in pairwise(pairs[:6]))


@pytest.mark.parametrize("horizon", [1, 7, 96])
def test_nine_forecasters_draw_without_a_warning_and_no_text_touches_another(
    horizon: int, overlaps: Callable[[Figure], list[tuple[str, str]]]
) -> None:
    errors = nyc(horizon)
    intervals = {"gradient_boosting": np.tile([-0.01, 0.05], (horizon, 1))}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = skill_by_horizon(errors, model="transformer", metric="MAE", unit="°F", clock=HOUR, intervals=intervals)
        assert overlaps(figure) == []


def test_unknown_errors_draw_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        skill_by_horizon(
            {name: np.full(5, np.nan) for name in ERRORS}, model="ours", metric="MAE", unit="", clock=HOUR
        ).draw_without_rendering()
