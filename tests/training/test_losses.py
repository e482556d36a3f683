"""Losses against scikit-learn; a missing target counts nowhere."""

from collections.abc import Callable

import numpy as np
import pytest
from keras import ops
from sklearn.metrics import mean_absolute_error, mean_pinball_loss, mean_squared_error

from headway.training.losses import MedianAbsoluteError, PinballLoss, PointLoss, loss_for

LEVELS = (0.1, 0.5, 0.7)
GENERATOR = np.random.default_rng(1)
ACTUAL = GENERATOR.normal(size=(7, 5, 2)).astype("float32")
FORECAST = GENERATOR.normal(size=(7, 5, 2, 3)).astype("float32")
OBSERVED = GENERATOR.random((7, 5, 2)) > 0.4
POINT = [("mae", mean_absolute_error), ("mse", mean_squared_error)]


def test_pinball_is_the_mean_of_scikit_learns_over_the_levels() -> None:
    expected = np.mean(
        [mean_pinball_loss(ACTUAL.ravel(), FORECAST[..., q].ravel(), alpha=level) for q, level in enumerate(LEVELS)]
    )
    assert float(PinballLoss(LEVELS)(ACTUAL, FORECAST)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("name", "oracle"), POINT)
def test_point_losses_are_scikit_learns(name: str, oracle: Callable[..., float]) -> None:
    found = float(PointLoss(name)(ACTUAL, FORECAST[..., 1:2]))
    assert found == pytest.approx(oracle(ACTUAL.ravel(), FORECAST[..., 1].ravel()), rel=1e-5)


@pytest.mark.parametrize("name", ["pinball", "mae", "mse"])
def test_a_missing_target_counts_nowhere(name: str) -> None:
    loss, forecast = loss_for(name, LEVELS), FORECAST if name == "pinball" else FORECAST[..., :1]
    wild = np.where(OBSERVED, ACTUAL, 1e6).astype("float32")
    found = float(loss(wild, forecast, sample_weight=OBSERVED.astype("float32")))
    each = ops.convert_to_numpy(loss.call(ACTUAL, forecast))
    assert found == pytest.approx(each[OBSERVED].mean(), rel=1e-5)


@pytest.mark.parametrize("name", ["pinball", "mae", "mse"])
def test_a_batch_without_any_target_costs_nothing(name: str) -> None:
    forecast = FORECAST if name == "pinball" else FORECAST[..., :1]
    assert float(loss_for(name, LEVELS)(ACTUAL, forecast, sample_weight=np.zeros((7, 5, 2)))) == 0


def test_the_metric_is_the_medians_error_in_the_targets_own_units() -> None:
    metric = MedianAbsoluteError((3.0, 11.0), 1)
    for part in (slice(0, 2), slice(2, 7)):  # batches of different sizes weigh by their targets
        metric.update_state(ACTUAL[part], FORECAST[part], OBSERVED[part].astype("float32"))
    own = np.array([3.0, 11.0])
    expected = mean_absolute_error((ACTUAL * own)[OBSERVED], (FORECAST[..., 1] * own)[OBSERVED])
    assert float(metric.result()) == pytest.approx(expected, rel=1e-5)
    metric.reset_state()
    assert float(metric.result()) == 0
