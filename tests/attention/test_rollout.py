"""Attention followed through the layers."""

import numpy as np
import pytest

from headway.attention.rollout import rollout

SCORES = np.random.default_rng(2).dirichlet(np.ones(5), size=(7, 3, 2, 5)).astype("float32")


def test_rollout_is_the_product_of_the_layers_with_the_first_next_to_the_context() -> None:
    found = rollout(SCORES)
    assert (found.shape, found.dtype) == ((7, 5, 5), np.dtype("float32"))
    for window in range(7):
        first, second, third = (0.5 * np.eye(5) + 0.25 * (heads[0] + heads[1]) for heads in SCORES[window])
        np.testing.assert_allclose(found[window], third @ (second @ first), rtol=1e-5)


def test_rollout_of_two_layers_by_hand() -> None:
    first, second = [[1.0, 0.0], [0.5, 0.5]], [[0.0, 1.0], [1.0, 0.0]]
    scores = np.array([[[first], [second]]])
    # Halved with the identity: [[1, 0], [.25, .75]] and [[.5, .5], [.5, .5]].
    np.testing.assert_allclose(rollout(scores), [[[0.625, 0.375], [0.625, 0.375]]])
    np.testing.assert_allclose(rollout(scores, residual=0), [[[0.5, 0.5], [1.0, 0.0]]])


@pytest.mark.parametrize("residual", [0.0, 0.3, 1.0])
def test_each_row_of_a_rollout_sums_to_one(residual: float) -> None:
    np.testing.assert_allclose(rollout(SCORES, residual=residual).sum(axis=-1), 1, atol=1e-6)


def test_rows_sum_to_one_even_where_half_precision_scores_do_not() -> None:
    found = rollout(SCORES * np.float32(0.99))
    np.testing.assert_allclose(found, rollout(SCORES), rtol=1e-5)


def test_layers_that_pass_everything_by_leave_each_step_to_itself() -> None:
    np.testing.assert_array_equal(rollout(SCORES, residual=1), np.broadcast_to(np.eye(5), (7, 5, 5)))


def test_rollout_leaves_the_scores_as_they_were() -> None:
    scores = SCORES.copy()
    rollout(scores[:, :, :1])
    np.testing.assert_array_equal(scores, SCORES)


@pytest.mark.parametrize("scores", [SCORES[0], SCORES[..., :3], SCORES[:, :0]], ids=["one window", "T", "no layer"])
def test_scores_of_another_shape_are_refused(scores: np.ndarray) -> None:
    with pytest.raises(ValueError, match="Rollout needs"):
        rollout(scores)


@pytest.mark.parametrize("residual", [-0.1, 1.1, np.nan])
def test_a_residual_that_is_no_share_is_refused(residual: float) -> None:
    with pytest.raises(ValueError, match="share from 0 to 1"):
        rollout(SCORES, residual=residual)
