"""The short ways beside attention."""

import numpy as np
from keras import ops

from headway.models.paths import CalendarPath, LinearPath, OwnLinearPath


def test_the_linear_path_maps_values_marks_series_and_what_is_known_of_each_step_and_begins_at_nothing() -> None:
    layer = LinearPath(5, targets=2, num_series=3)
    layer.build((None, 7, 3), (None, 12, 11))
    generator = np.random.default_rng(6)
    batch = {
        "context": generator.normal(size=(4, 7, 3)).astype("float32"),
        "observed": (generator.random((4, 7, 3)) < 0.5).astype("float32"),
        "known_future": generator.normal(size=(4, 12, 11)).astype("float32"),
        "series": np.array([2, 0, 1, 2], "int32"),
    }
    assert not ops.convert_to_numpy(layer(batch)).any()
    for variable in layer.weights:
        variable.assign(generator.normal(size=variable.shape))
    kernel, ahead = (ops.convert_to_numpy(variable) for variable in layer.weights)
    assert (kernel.shape, ahead.shape) == ((45, 5, 2), (5, 11, 2))
    for window, step in ((0, 0), (3, 4), (1, 2)):
        row = np.concatenate(
            [
                batch["context"][window].ravel(),
                1 - batch["observed"][window].ravel(),
                np.eye(3)[batch["series"][window]],
            ]
        )
        expected = row @ kernel[:, step] + batch["known_future"][window, 7 + step] @ ahead[step]
        np.testing.assert_allclose(
            ops.convert_to_numpy(layer(batch))[window, step, :, 0], expected, rtol=1e-4, atol=1e-4
        )


def test_the_own_linear_path_is_one_map_of_the_steps_for_all_targets_and_begins_at_nothing() -> None:
    layer = OwnLinearPath(5)
    layer.build((None, 7, 2))
    context = np.random.default_rng(1).normal(size=(3, 7, 2)).astype("float32")
    assert not ops.convert_to_numpy(layer(context)).any()
    kernel, bias = (np.random.default_rng(2).normal(size=variable.shape) for variable in layer.weights)
    for variable, value in zip(layer.weights, (kernel, bias), strict=True):
        variable.assign(value)
    expected = np.einsum("btk,th->bhk", context, kernel) + bias[:, None]
    np.testing.assert_allclose(ops.convert_to_numpy(layer(context))[..., 0], expected, rtol=1e-4, atol=1e-5)


def test_the_calendar_path_is_linear_in_what_is_known_and_begins_at_nothing() -> None:
    layer = CalendarPath(2)
    layer.build((None, 12, 3))
    known = np.random.default_rng(3).normal(size=(4, 12, 3)).astype("float32")
    assert not ops.convert_to_numpy(layer(known)).any()
    kernel = np.random.default_rng(4).normal(size=(3, 2)).astype("float32")
    layer.projection.kernel.assign(kernel)
    np.testing.assert_allclose(ops.convert_to_numpy(layer(known)), known @ kernel, rtol=1e-4, atol=1e-5)
    assert [variable.path for variable in layer.weights] == ["calendar_path/projection/kernel"]
