"""Patches of a context: which steps they hold, and attention between them told by step."""

import numpy as np
import pytest
from keras import ops

from headway.models.patches import Patches

CUTS = [(7, 1, 1), (7, 3, 2), (11, 5, 3), (13, 13, 1), (11, 2, 1), (6, 3, 3)]


def members(steps: int, length: int, stride: int) -> list[list[int]]:
    return [list(range(start, start + length)) for start in range(0, steps - length + 1, stride)]


@pytest.mark.parametrize(("steps", "length", "stride"), CUTS)
def test_a_patch_holds_its_steps_side_by_side(steps: int, length: int, stride: int) -> None:
    x = np.random.default_rng(1).normal(size=(5, steps, 2)).astype("float32")
    patches = Patches(steps, length, stride)
    expected = np.stack([x[:, held].reshape(5, -1) for held in members(steps, length, stride)], axis=1)
    assert patches.count == expected.shape[1]
    np.testing.assert_array_equal(ops.convert_to_numpy(patches.cut(ops.convert_to_tensor(x))), expected)


@pytest.mark.parametrize(("steps", "length", "stride"), CUTS)
def test_the_calendar_of_a_patch_is_that_of_its_last_step_and_the_last_patch_ends_the_context(
    steps: int, length: int, stride: int
) -> None:
    x = np.random.default_rng(2).normal(size=(3, steps, 2)).astype("float32")
    found = ops.convert_to_numpy(Patches(steps, length, stride).ends(ops.convert_to_tensor(x)))
    np.testing.assert_array_equal(found, x[:, [held[-1] for held in members(steps, length, stride)]])
    np.testing.assert_array_equal(found[:, -1], x[:, -1])


@pytest.mark.parametrize(("steps", "length", "stride"), CUTS)
def test_a_step_attends_and_receives_as_the_patches_that_hold_it_do_on_average(
    steps: int, length: int, stride: int
) -> None:
    held = members(steps, length, stride)
    scores = np.random.default_rng(3).dirichlet(np.ones(len(held)), size=(2, len(held))).astype("float32")
    holding = [[number for number, patch in enumerate(held) if step in patch] for step in range(steps)]
    expected = np.empty((2, steps, steps))
    for attending in range(steps):
        for attended in range(steps):
            expected[:, attending, attended] = scores[:, holding[attending]][:, :, holding[attended]].mean(axis=(1, 2))
    expected /= expected.sum(axis=-1, keepdims=True)
    patches = Patches(steps, length, stride)
    np.testing.assert_allclose(
        ops.convert_to_numpy(patches.by_step(ops.convert_to_tensor(scores))), expected, atol=1e-6
    )
    uniform = np.full_like(scores, 1 / len(held))
    np.testing.assert_allclose(
        ops.convert_to_numpy(patches.by_step(ops.convert_to_tensor(uniform))), 1 / steps, atol=1e-6
    )


@pytest.mark.parametrize(("length", "stride"), [(8, 1), (3, 5), (2, 3), (4, 2)])
def test_patches_that_leave_a_step_unseen_are_refused(length: int, stride: int) -> None:
    with pytest.raises(ValueError, match=f"length {length} and stride {stride} for 7 steps"):
        Patches(7, length, stride)
