"""The transformer: what its forecasts depend on, and what they do not."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from headway.config.train import TrainConfig
from headway.models.shape import TaskShape
from headway.models.transformer import Transformer

SHAPE = TaskShape(context_length=7, horizon=5, num_features=3, targets=(2, 0), num_known_future=11, num_series=2)
SMALL = ("model.d_model=13", "model.heads=2", "model.key_dim=3", "model.layers=2", "model.feed_forward=17")
Network = Callable[..., Transformer]


@pytest.fixture
def network(compose: Callable[..., TrainConfig], randomise: Callable[..., Any]) -> Network:
    """Builds a small transformer with all weights alive."""

    def build(*overrides: str, shape: TaskShape = SHAPE, dtype: str = "float32", scale: float = 0.3) -> Transformer:
        spec = compose(*SMALL, *overrides).model
        built: Transformer = randomise(Transformer(spec, shape, dtype=dtype), scale=scale)
        return built

    return build


def inputs(windows: int, *, shape: TaskShape = SHAPE, scale: float = 1.0, seed: int = 0) -> dict[str, np.ndarray]:
    """Random windows of a task as batches give them: 0 where missing."""
    generator = np.random.default_rng(seed)
    context = (windows, shape.context_length, shape.num_features)
    known = (windows, shape.context_length + shape.horizon, shape.num_known_future)
    observed = generator.random(context) > 0.3
    return {
        "context": np.where(observed, generator.normal(scale=scale, size=context), 0).astype("float32"),
        "observed": observed.astype("float32"),
        "known_future": generator.normal(size=known).astype("float32"),
        "series": generator.integers(0, shape.num_series, windows).astype("int32"),
    }


def forecast(model: Transformer, batch: dict[str, np.ndarray], **options: Any) -> np.ndarray:
    tensors = {name: ops.convert_to_tensor(array) for name, array in batch.items()}
    found: np.ndarray = ops.convert_to_numpy(model(tensors, **options))
    return found


def scores(model: Transformer, batch: dict[str, np.ndarray]) -> np.ndarray:
    tensors = {name: ops.convert_to_tensor(array) for name, array in batch.items()}
    found: np.ndarray = ops.convert_to_numpy(model.attention_scores(tensors))
    return found


def last_values(batch: dict[str, np.ndarray], columns: tuple[int, ...]) -> np.ndarray:
    """[B, targets] by plain indexing; 0 where a column was never observed."""
    found = np.zeros((len(batch["context"]), len(columns)), "float32")
    for window, (context, observed) in enumerate(zip(batch["context"], batch["observed"], strict=True)):
        for position, column in enumerate(columns):
            rows = np.flatnonzero(observed[:, column])
            found[window, position] = context[rows[-1], column] if len(rows) else 0
    return found


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize(("head", "quantiles"), [("quantile", 5), ("point", 1)])
def test_forecasts_are_float32_quantiles_by_horizon_and_target(
    network: Network, dtype: str, head: str, quantiles: int
) -> None:
    found = forecast(network(f"model.head={head}", dtype=dtype), inputs(3))
    assert (found.shape, found.dtype) == ((3, 5, 2, quantiles), np.float32)


def test_eight_features_of_six_hours_go_through_attention_as_they_are(network: Network) -> None:
    shape = TaskShape(6, 6, 8, (0,), 4, 3)
    model = network("model.d_model=8", "model.embedding=none", "model.position=none", shape=shape)
    batch = {
        name: keras.Input(tensor.shape[1:], dtype=tensor.dtype) for name, tensor in model.input_signature().items()
    }
    assert tuple(batch["context"].shape) == tuple(model.embedding(batch).shape) == (None, 6, 8)
    assert tuple(model(batch).shape) == (None, 6, 1, 5)
    block = model.blocks[0].attention.attention
    assert tuple(block.query_dense.kernel.shape) == (8, 2, 3)


@pytest.mark.parametrize("scale", [1.0, 10.0])
def test_quantiles_never_cross_even_for_wild_weights_and_inputs(network: Network, scale: float) -> None:
    found = forecast(network(scale=scale), inputs(101, scale=1000.0))
    assert np.isfinite(found).all()
    assert (np.diff(found, axis=-1) >= 0).all()


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_the_forecast_starts_from_the_last_observed_value_to_the_last_digit(network: Network, dtype: str) -> None:
    model, batch = network("model.head=point", dtype=dtype), inputs(41)
    for weight in model.head.weights:
        weight.assign(ops.zeros_like(weight))  # a head that forecasts no change
    expected = np.broadcast_to(last_values(batch, SHAPE.targets)[:, None], (41, 5, 2))
    np.testing.assert_array_equal(forecast(model, batch)[..., 0], expected)


def test_the_mark_of_a_missing_value_tells_it_from_a_true_zero(network: Network) -> None:
    model, batch = network(), inputs(2)
    batch["context"][:, 3, 1], batch["observed"][:, 3, 1] = 0, 1
    marked = {**batch, "observed": batch["observed"].copy()}
    marked["observed"][:, 3, 1] = 0
    assert np.abs(forecast(model, batch) - forecast(model, marked)).max() > 1e-3


def test_rows_of_attention_scores_sum_to_one(network: Network) -> None:
    found = scores(network(), inputs(3))
    assert (found.shape, found.dtype) == ((3, 2, 2, 7, 7), np.float32)
    np.testing.assert_allclose(found.sum(axis=-1), np.ones((3, 2, 2, 7)), atol=1e-5)


@pytest.mark.parametrize("attention", ["self", "projected"])
def test_attention_scores_are_those_of_the_pass_that_forecasts(network: Network, attention: str) -> None:
    model, batch = network(f"model.attention={attention}"), inputs(3)
    x = model.position(model.embedding(batch))
    for layer, block in enumerate(model.blocks):
        normed = block.attention_norm(x)
        sides = dict.fromkeys(("query", "key", "value"), normed)
        if attention == "projected":
            sides = {name: getattr(block.attention, name)(normed) for name in sides}
        heads = block.attention.attention
        logits = np.einsum(
            "btnk,bsnk->bnts",
            ops.convert_to_numpy(heads.query_dense(sides["query"])),
            ops.convert_to_numpy(heads.key_dense(sides["key"])),
        )
        weights = np.exp(logits / np.sqrt(3))
        np.testing.assert_allclose(
            scores(model, batch)[:, layer], weights / weights.sum(axis=-1, keepdims=True), atol=1e-5
        )
        x = block(x)


def test_what_is_known_of_the_future_moves_the_forecast(network: Network) -> None:
    model, batch = network(), inputs(3)
    later = {**batch, "known_future": batch["known_future"].copy()}
    later["known_future"][:, SHAPE.context_length :] += 1
    assert np.abs(forecast(model, later) - forecast(model, batch)).max() > 1e-2


def test_no_covariates_known_in_advance_is_a_width_of_zero(network: Network) -> None:
    shape = TaskShape(7, 5, 3, (2, 0), 0, 1)
    assert forecast(network(shape=shape), inputs(3, shape=shape)).shape == (3, 5, 2, 5)


def test_series_with_the_same_rows_may_have_different_forecasts(network: Network) -> None:
    model, batch = network(), inputs(3)
    first, second = (forecast(model, {**batch, "series": np.full(3, number, "int32")}) for number in (0, 1))
    assert np.abs(first - second).max() > 1e-2


def test_paths_of_weights_are_unique_and_the_same_in_every_build(network: Network) -> None:
    first, second = ([variable.path for variable in network("model.layers=3").weights] for _ in range(2))
    assert first == second
    assert len(set(first)) == len(first)


def test_dropout_is_silent_in_a_forecast_and_alive_in_training(network: Network) -> None:
    model, batch = network("model.dropout=0.5"), inputs(3)
    np.testing.assert_array_equal(forecast(model, batch), forecast(model, batch))
    np.testing.assert_array_equal(forecast(model, batch), forecast(model, batch, training=False))
    assert np.abs(forecast(model, batch, training=True) - forecast(model, batch)).max() > 1e-2


def test_a_forecast_does_not_depend_on_the_other_windows_of_its_batch(network: Network) -> None:
    model, batch = network(), inputs(512)
    together = forecast(model, batch)
    for size in (1, 32):
        alone = forecast(model, {name: array[:size] for name, array in batch.items()})
        np.testing.assert_allclose(alone, together[:size], atol=1e-5)


def test_the_model_itself_carries_the_policy_that_scales_the_loss(network: Network) -> None:
    model = network(dtype="mixed_float16")
    assert (model.dtype_policy.name, model.blocks[1].hidden.compute_dtype, model.head.compute_dtype) == (
        "mixed_float16",
        "float16",
        "float32",
    )
    assert {variable.dtype for variable in model.weights} == {"float32"}
