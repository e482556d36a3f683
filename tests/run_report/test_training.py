"""The section on training holds the costs that were measured."""

from typing import Any

import pytest

from headway.run_report import training

CURVES = {"train/loss": [3.0, 2.0, 1.0], "validation/loss": [3.0, 1.0, 2.0]}


def test_costs_are_shown_with_their_units(opened: Any) -> None:
    metrics = {"train/seconds": 16.6, "train/windows_per_second": 17175.4, "train/peak_memory_megabytes": 1223.4}
    section = training.section(CURVES, 2, metrics | {"weights": 27237.0, "evaluation/seconds": 3.6, "test/y/mae": 9.0})
    assert opened(section).facts == {
        "training": "17 s",
        "speed of training": "17,175 windows a second in its last epoch",
        "memory": "1,223 MB at most, tracking included",
        "weights": "27,237",
        "judging": "4 s, rivals included",
    }


def test_the_picture_marks_the_epoch_whose_weights_are_kept(opened: Any) -> None:
    (picture,) = opened(training.section(CURVES, 2, {})).pictures
    assert picture.caption == "The weights of epoch 2 are kept, the best on validation."
    assert picture.alt.endswith("over 3 epochs")
    marked = [line.get_xdata() for axes in picture.figure.axes for line in axes.get_lines()]
    assert any(list(xs) == [2] for xs in marked)


def test_an_epoch_that_did_not_happen_is_refused() -> None:
    with pytest.raises(ValueError, match="best_epoch must be 1 to 3: got 4"):
        training.section(CURVES, 4, {})
