"""What a token is made of."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from keras import ops

from headway.models.embedding import LearnedPosition, LinearEmbedding, NoEmbedding
from headway.models.patches import Patches

SHAPES = {"context": (None, 5, 2), "observed": (None, 5, 2), "known_future": (None, 8, 3), "series": (None,)}


def inputs(windows: int = 7) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(2)
    arrays = {
        name: generator.normal(size=(windows, *shape[1:])).astype("float32")
        for name, shape in SHAPES.items()
        if name != "series"
    }
    return arrays | {"series": (np.arange(windows) % 3).astype("int32")}


def test_a_token_is_linear_in_values_marks_and_the_calendar_of_its_own_step(
    randomise: Callable[..., Any], weights_of: Callable[..., Any]
) -> None:
    layer = LinearEmbedding(d_model=11, num_series=3, patches=Patches(5))
    layer.build(SHAPES)
    weights, batch = weights_of(randomise(layer)), inputs()
    step = np.concatenate([batch["context"], batch["observed"], batch["known_future"][:, :5]], axis=-1)
    tokens = step @ weights["projection/kernel"] + weights["projection/bias"]
    expected = tokens + weights["series/embeddings"][batch["series"]][:, None]
    np.testing.assert_allclose(ops.convert_to_numpy(layer(batch)), expected, atol=1e-5)


def test_the_token_of_a_patch_is_linear_in_all_its_steps_and_the_calendar_of_the_last(
    randomise: Callable[..., Any], weights_of: Callable[..., Any]
) -> None:
    layer = LinearEmbedding(d_model=11, num_series=1, patches=Patches(5, 3, 2))
    layer.build(SHAPES)
    weights, batch = weights_of(randomise(layer)), inputs()
    for number, first in enumerate((0, 2)):
        steps = slice(first, first + 3)
        patch = np.concatenate(
            [
                batch["context"][:, steps].reshape(7, -1),
                batch["observed"][:, steps].reshape(7, -1),
                batch["known_future"][:, first + 2],
            ],
            axis=-1,
        )
        expected = patch @ weights["projection/kernel"] + weights["projection/bias"]
        np.testing.assert_allclose(ops.convert_to_numpy(layer(batch))[:, number], expected, atol=1e-5)


def test_one_series_needs_no_vector_of_its_own() -> None:
    layer = LinearEmbedding(d_model=11, num_series=1, patches=Patches(5))
    layer.build(SHAPES)
    assert sorted(variable.path for variable in layer.weights) == [
        "embedding/projection/bias",
        "embedding/projection/kernel",
    ]


def test_without_embedding_the_tokens_are_the_scaled_context() -> None:
    layer, batch = NoEmbedding(d_model=2, num_series=3, patches=Patches(5)), inputs()
    layer.build(SHAPES)
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(batch)), batch["context"])
    assert layer.weights == []


def test_without_embedding_another_width_is_refused() -> None:
    with pytest.raises(ValueError, match="got d_model=4, 2 features"):
        NoEmbedding(d_model=4, num_series=1, patches=Patches(5)).build(SHAPES)


def test_each_step_has_a_position_of_its_own(randomise: Callable[..., Any], weights_of: Callable[..., Any]) -> None:
    layer = LearnedPosition(name="position")
    layer.build((None, 5, 11))
    position = weights_of(randomise(layer))["position"]
    assert position.shape == (5, 11)
    np.testing.assert_allclose(
        ops.convert_to_numpy(layer(np.ones((2, 5, 11)))), np.stack([1 + position] * 2), atol=1e-6
    )
