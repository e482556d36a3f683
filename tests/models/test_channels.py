"""Targets as windows of their own."""

import numpy as np
from keras import ops

from headway.models import channels
from headway.models.shape import TaskShape

SHAPE = TaskShape(context_length=7, horizon=5, num_features=3, targets=(2, 0), num_known_future=11, num_series=3)


def test_each_target_becomes_a_window_of_its_own_in_order() -> None:
    generator = np.random.default_rng(1)
    context, known = generator.normal(size=(4, 7, 3)), generator.normal(size=(4, 12, 11))
    observed = (generator.random((4, 7, 3)) < 0.5).astype("float32")
    series = np.array([2, 0, 1, 2], "int32")
    inputs = {"context": context, "observed": observed, "known_future": known, "series": series}
    found = channels.separated({name: ops.convert_to_tensor(array) for name, array in inputs.items()}, SHAPE)
    apart = {name: ops.convert_to_numpy(array) for name, array in found.items()}
    for window in range(4):
        for place, column in enumerate(SHAPE.targets):
            row = 2 * window + place
            np.testing.assert_allclose(apart["context"][row, :, 0], context[window, :, column], rtol=1e-6)
            np.testing.assert_array_equal(apart["observed"][row, :, 0], observed[window, :, column])
            np.testing.assert_allclose(apart["known_future"][row], known[window], rtol=1e-6)
            assert apart["series"][row] == 2 * series[window] + place
    assert channels.apart(SHAPE) == TaskShape(7, 5, 1, (0,), 11, 6)


def test_their_forecasts_and_maps_find_back_to_their_windows() -> None:
    forecast = np.arange(4 * 2 * 5 * 3, dtype="float32").reshape(8, 5, 1, 3)
    together = ops.convert_to_numpy(channels.together(ops.convert_to_tensor(forecast), 2))
    assert together.shape == (4, 5, 2, 3)
    np.testing.assert_array_equal(together[3, :, 1], forecast[7, :, 0])
    scores = np.random.default_rng(2).normal(size=(8, 2, 3, 5, 5)).astype("float32")
    mean = ops.convert_to_numpy(channels.mean(ops.convert_to_tensor(scores), 2))
    np.testing.assert_allclose(mean[1], scores[2:4].mean(axis=0), rtol=1e-5)
