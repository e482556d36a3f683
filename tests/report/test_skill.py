"""Error and skill by horizon step, and the reliability of quantiles."""

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.text import Text

from headway.report.skill import coverage, skill_by_horizon

HOUR = np.timedelta64(1, "h")
ERRORS = {
    "persistence": np.array([2.0, 4.0, 5.0, 8.0, 10.0]),
    "ours": np.array([1.0, 3.0, 5.0, 10.0, 5.0]),
    "drift": np.array([2.1, 4.1, 0.0, 8.1, 5.1]),
}


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


def test_reliability_is_the_share_below_by_nominal_level_beside_the_diagonal() -> None:
    (axes,) = coverage(np.array([0.1, 0.5, 0.9]), np.array([0.2, 0.5, 0.7])).axes
    np.testing.assert_array_equal(values(axes, "all horizons"), [0.2, 0.5, 0.7])
    np.testing.assert_array_equal(values(axes, "ideal"), [0, 1])
    assert axes.get_xlim() == axes.get_ylim() == (0, 1)


def test_reliability_by_horizon_names_the_first_and_the_last_step() -> None:
    by_horizon = np.arange(15.0).reshape(5, 3) / 15
    (axes,) = coverage(by_horizon[0], by_horizon[1], by_horizon=by_horizon).axes
    np.testing.assert_array_equal(values(axes, "first step"), by_horizon[0])
    np.testing.assert_array_equal(values(axes, "last step (5)"), by_horizon[4])


def test_reliability_of_other_shapes_is_refused_with_both() -> None:
    with pytest.raises(ValueError, match=r"actual must have shape \[Q=3\]: got \[2\]"):
        coverage(np.array([0.1, 0.5, 0.9]), np.ones(2))
    with pytest.raises(ValueError, match=r"by_horizon must have shape \[H, Q=3\]: got \[3, 5\]"):
        coverage(np.ones(3), np.ones(3), by_horizon=np.ones((3, 5)))
