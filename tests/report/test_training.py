"""Learning curves."""

import numpy as np
import pytest
from matplotlib.axes import Axes

from headway.report.training import learning_curves


def points(axes: Axes, label: str) -> list[tuple[float, float]]:
    (found,) = [line for line in axes.lines if str(line.get_label()).startswith(label)]
    return [(float(x), float(y)) for x, y in np.asarray(found.get_xydata())]


def test_epochs_are_counted_from_1_and_the_best_is_marked_on_the_validation_curve() -> None:
    history = {"loss": [5.0, 3.0, 2.0], "val_loss": [6.0, 4.0, 4.5], "lr": [0.1] * 3}
    (axes,) = learning_curves(history, best_epoch=2).axes
    assert points(axes, "train") == [(1, 5), (2, 3), (3, 2)]
    assert points(axes, "validation") == [(1, 6), (2, 4), (3, 4.5)]
    assert points(axes, "best epoch: 2") == [(2, 4)]


def test_a_loss_that_is_not_finite_leaves_a_gap() -> None:
    (axes,) = learning_curves({"train/loss": [1.0, np.inf, 2.0]}, best_epoch=None).axes
    assert np.isnan(points(axes, "train")[1][1])


def test_only_losses_of_many_sizes_have_a_logarithmic_axis() -> None:
    assert learning_curves({"loss": [30.0, 1.0]}, best_epoch=None).axes[0].get_yscale() == "log"
    assert learning_curves({"loss": [3.0, 1.0]}, best_epoch=None).axes[0].get_yscale() == "linear"


def test_one_epoch_is_a_visible_point() -> None:
    (axes,) = learning_curves({"loss": [3.0]}, best_epoch=1).axes
    assert axes.lines[0].get_marker() == "o"


def test_curves_of_different_lengths_are_refused_with_both() -> None:
    with pytest.raises(ValueError, match=r"history\['val_loss'\] must have shape \[E=3\]: got \[2\]"):
        learning_curves({"loss": [1.0, 1.0, 1.0], "val_loss": [1.0, 1.0]}, best_epoch=1)


def test_a_history_without_loss_is_refused() -> None:
    with pytest.raises(ValueError, match="history must hold 'loss'"):
        learning_curves({"mae": [1.0]}, best_epoch=1)


@pytest.mark.parametrize("best_epoch", [0, 4])
def test_a_best_epoch_outside_training_is_refused(best_epoch: int) -> None:
    with pytest.raises(ValueError, match=f"best_epoch must be 1 to 3: got {best_epoch}"):
        learning_curves({"loss": [1.0, 1.0, 1.0]}, best_epoch=best_epoch)
