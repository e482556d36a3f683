"""The transformer with patches, channels of their own, levels of windows and short ways: what each option promises."""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
from keras import ops

from headway.config.train import TrainConfig
from headway.models import ensemble
from headway.models.ensemble import Ensemble
from headway.models.shape import TaskShape
from headway.models.transformer import Transformer

SHAPE = TaskShape(context_length=11, horizon=5, num_features=3, targets=(2, 0), num_known_future=7, num_series=2)
SMALL = ("model.d_model=13", "model.heads=2", "model.key_dim=3", "model.layers=2", "model.feed_forward=17")
WINDOWS = ("windows.context_length=11", "windows.horizon=5")
PATCHES = ("model.patch_length=5", "model.patch_stride=3")
SEPARATE = ("model.channels=separate", *PATCHES)
Network = Callable[..., Transformer]


@pytest.fixture
def network(compose: Callable[..., TrainConfig], randomise: Callable[..., Any]) -> Network:
    """Builds a small transformer with all weights alive."""

    def build(*overrides: str, dtype: str = "float32") -> Transformer:
        spec = compose(*SMALL, *WINDOWS, *overrides).model
        built: Transformer = randomise(Transformer(spec, SHAPE, dtype=dtype), scale=0.3)
        return built

    return build


def inputs(windows: int = 3, *, seed: int = 0) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    observed = generator.random((windows, 11, 3)) > 0.2
    return {
        "context": np.where(observed, generator.normal(size=(windows, 11, 3)), 0).astype("float32"),
        "observed": observed.astype("float32"),
        "known_future": generator.normal(size=(windows, 16, 7)).astype("float32"),
        "series": generator.integers(0, 2, windows).astype("int32"),
    }


def forecast(model: Any, batch: dict[str, np.ndarray], **options: Any) -> np.ndarray:
    tensors = {name: ops.convert_to_tensor(array) for name, array in batch.items()}
    found: np.ndarray = ops.convert_to_numpy(model(tensors, **options))
    return found


def scores(model: Any, batch: dict[str, np.ndarray]) -> np.ndarray:
    tensors = {name: ops.convert_to_tensor(array) for name, array in batch.items()}
    found: np.ndarray = ops.convert_to_numpy(model.attention_scores(tensors))
    return found


@pytest.mark.parametrize(
    ("channels", "decoder", "normalisation", "readout"),
    list(product(("mixed", "separate"), ("per_step", "direct"), ("none", "last", "mean", "standard"), ("all", "last"))),
)
def test_every_choice_gives_rising_quantiles_and_maps_by_step_whatever_the_batch(
    network: Network, channels: str, decoder: str, normalisation: str, readout: str
) -> None:
    model = network(
        *PATCHES,
        f"model.channels={channels}",
        f"model.decoder={decoder}",
        f"model.normalisation={normalisation}",
        f"model.readout={readout}",
        "model.linear_path=true",
        "model.calendar_path=true",
    )
    batch = inputs(7)
    found, maps = forecast(model, batch), scores(model, batch)
    assert (found.shape, found.dtype) == ((7, 5, 2, 5), np.float32)
    assert np.isfinite(found).all() and (np.diff(found, axis=-1) >= 0).all()
    assert maps.shape == (7, 2, 2, 11, 11)
    np.testing.assert_allclose(maps.sum(axis=-1), 1.0, atol=1e-5)
    alone = forecast(model, {name: array[:1] for name, array in batch.items()})
    np.testing.assert_allclose(alone, found[:1], atol=1e-5)


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_forecasts_in_half_precision_are_float32_and_close(network: Network, dtype: str) -> None:
    options = (*SEPARATE, "model.normalisation=standard", "model.decoder=direct", "model.linear_path=true")
    exact, half = (forecast(network(*options, dtype=name), inputs()) for name in ("float32", dtype))
    assert half.dtype == np.float32
    np.testing.assert_allclose(half, exact, atol=0.2)


def test_a_separate_channel_hears_its_own_past_and_the_calendar_alone(network: Network) -> None:
    model, batch = network(*SEPARATE, "model.calendar_path=true", "model.linear_path=true"), inputs()
    before = forecast(model, batch)
    for column, target in ((0, 1), (1, None), (2, 0)):  # targets are the columns 2 and 0
        changed = {**batch, "context": batch["context"].copy(), "observed": np.ones_like(batch["observed"])}
        changed["observed"][..., [other for other in range(3) if other != column]] = batch["observed"][
            ..., [other for other in range(3) if other != column]
        ]
        changed["context"][..., column] += 1
        moved = np.abs(forecast(model, changed) - before).max(axis=(0, 1, 3)) > 1e-4
        assert moved.tolist() == [number == target for number in range(2)]


@pytest.mark.parametrize("channels", ["mixed", "separate"])
def test_a_window_at_another_level_is_forecast_at_that_level(network: Network, channels: str) -> None:
    for kind, factor in (("last", 1.0), ("mean", 1.0), ("standard", 7.0)):
        model, batch = network(*PATCHES, f"model.channels={channels}", f"model.normalisation={kind}"), inputs()
        moved = {**batch, "context": (factor * batch["context"] + 3) * batch["observed"]}
        np.testing.assert_allclose(forecast(model, moved), factor * forecast(model, batch) + 3, rtol=1e-3, atol=2e-3)


def test_the_calendar_path_takes_from_the_past_what_it_gives_to_the_forecast(network: Network) -> None:
    for options in ((), SEPARATE):
        plain, batch = network(*options, "model.normalisation=mean"), inputs()
        model = network(*options, "model.normalisation=mean", "model.calendar_path=true")
        by_path = {variable.path: variable for variable in plain.weights}
        for variable in model.weights:
            if variable.path in by_path:
                variable.assign(by_path[variable.path])
        kernel = np.random.default_rng(5).normal(size=(7, 2)).astype("float32")
        model.calendar_path.projection.kernel.assign(kernel)
        usual = batch["known_future"] @ kernel  # [B, T+H, targets]
        context = batch["context"].copy()
        context[..., [2, 0]] += usual[:, :11] * batch["observed"][..., [2, 0]]
        expected = forecast(plain, batch) + usual[:, 11:, :, None]
        np.testing.assert_allclose(forecast(model, {**batch, "context": context}), expected, rtol=1e-3, atol=1e-3)


def test_an_ensemble_forecasts_the_mean_of_its_members_and_shows_all_their_heads(
    compose: Callable[..., TrainConfig], randomise: Callable[..., Any]
) -> None:
    spec, batch = compose(*SMALL, *WINDOWS, *SEPARATE).model, inputs()
    network = ensemble.make(spec, SHAPE, members=3)
    assert isinstance(network, Ensemble) and ensemble.members_of(network) == 3
    for number, member in enumerate(network.members):
        randomise(member, scale=0.3, seed=number)
    each = [forecast(member, batch) for member in network.members]
    assert np.abs(each[0] - each[1]).max() > 0.1
    np.testing.assert_allclose(forecast(network, batch), np.mean(each, axis=0), rtol=1e-5, atol=1e-5)
    found = scores(network, batch)
    assert found.shape == (3, 2, 6, 11, 11)
    np.testing.assert_allclose(found[:, :, 2:4], scores(network.members[1], batch), atol=1e-6)
    paths = [variable.path for variable in network.weights]
    assert len(set(paths)) == len(paths) == 3 * len(network.members[0].weights)
    assert {path.split("/")[0] for path in paths} == {"member_1", "member_2", "member_3"}


def test_one_member_is_a_transformer(compose: Callable[..., TrainConfig]) -> None:
    network = ensemble.make(compose(*SMALL, *WINDOWS).model, SHAPE, members=1)
    assert isinstance(network, Transformer) and ensemble.members_of(network) == 1
