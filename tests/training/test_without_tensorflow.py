"""The whole way on JAX, in a process where TensorFlow cannot be imported."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from headway.config.train import TrainConfig
from headway.config.training import TrainingSpec
from headway.data.clock import Clock
from headway.data.profile import ColumnProfile, Profile
from headway.data.scaling import Scaler
from headway.forecaster import Forecaster
from headway.models.shape import TaskShape
from headway.models.transformer import Transformer
from headway.training import fit, losses
from headway.training.feed import Feed, Gathered

CHILD = """
import sys
sys.modules["tensorflow"] = None
from headway import backend
assert backend.load("auto") == "jax"
import json, keras, numpy as np
from dataclasses import replace
from pathlib import Path
from headway.config.training import TrainingSpec
from headway.forecaster import Forecaster
from headway.models.transformer import Transformer
from headway.training import fit, losses, precision
from headway.training.feed import Feed, Gathered
from headway.training.resident import ResidentRows, ResidentWindows

folder = Path(sys.argv[1])
stored = Forecaster.load(folder / "forecaster")
raw = dict(np.load(folder / "windows.npz"))
inputs = stored.inputs(**raw)
result = {"forecast": stored.forecast(**raw), "scores": stored.attention_scores(inputs)}

keras.utils.set_random_seed(7)
network = Transformer(stored.network.spec, stored.network.shape)
spec = TrainingSpec(**json.loads((folder / "training.json").read_text()))
target = np.random.default_rng(1).normal(size=(23, 3, 1)).astype("float32")
def gather(numbers):
    return {name: array[numbers] for name, array in inputs.items()}, target[numbers], np.ones_like(target[numbers])
def feed():
    return Feed(Gathered(gather), lambda epoch: np.arange(23), batch_size=5, drop_last=True)
levels = network.spec.levels
metric = losses.MedianAbsoluteError((1.0,), levels.index(0.5))
fit.compile_model(network, spec, loss=losses.loss_for("pinball", levels), metrics=[metric], steps_per_epoch=4)
seen = []
trained = replace(stored, network=network)
history = fit.fit(
    network, feed(), feed(), spec, progress="none",
    on_epoch_end=lambda epoch, values: seen.append(trained.attention_scores(inputs)),
)
rows = np.random.default_rng(3).normal(size=(31, 2)).astype("float32")
table = ResidentRows(
    values=rows, observed=np.ones_like(rows), known_future=np.sin(rows), series=np.zeros(31, "int32")
)
resident = ResidentWindows(
    table, targets=(1,), context_length=5, horizon=3, first_rows=lambda numbers: numbers,
)
for name, windows in (("on_device", resident), ("on_host", Gathered(resident.batch))):
    keras.utils.set_random_seed(7)
    again = Transformer(stored.network.spec, stored.network.shape)
    fit.compile_model(again, spec, loss=losses.loss_for("pinball", levels), metrics=[], steps_per_epoch=4)
    whole = Feed(windows, lambda epoch: np.arange(23), batch_size=5, drop_last=True)
    rest = Feed(windows, lambda epoch: np.arange(23), batch_size=7, drop_last=False)
    found = fit.fit(again, whole, rest, spec, progress="none", on_epoch_end=lambda epoch, values: None)
    result |= {f"{name}/{key}": values for key, values in found.metrics.items()}
result |= {"loss": history.metrics["loss"], "trained": trained.forecast(**raw), "seen": np.stack(seen)}
result |= {"after": trained.attention_scores(inputs), "steps": int(network.optimizer.iterations)}
assert precision.device().name == "CPU"
assert not any(name.startswith("tensorflow.") for name in sys.modules)
np.savez(folder / "result.npz", jit=network.jit_compile, **result)
"""


@pytest.fixture(scope="module")
def saved(compose: Callable[..., TrainConfig], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a forecaster, raw windows, and a training group."""
    folder = tmp_path_factory.mktemp("jax")
    config = compose(
        *("model.d_model=4", "model.heads=2", "model.feed_forward=5", "model.attention=projected"),
        *("training.epochs=2", "training.warmup=0.0", "training.steps_per_execution=3", "training.precision=float32"),
        *("training.ema=0.9", "training.checkpoint_steps=2"),  # weights change hands around every validation and save
    )
    network = Transformer(config.model, TaskShape(5, 3, 2, (1,), 2, 1))
    generator = np.random.default_rng(2)
    for variable in network.weights:
        variable.assign(generator.normal(scale=0.5, size=variable.shape))
    one, two = (Scaler(np.zeros(width), np.ones(width)) for width in (0, 2))
    hourly = Clock.parse("1h")
    profile = Profile(dict.fromkeys("ab", ColumnProfile.of(np.arange(7.0))), {}, [[1.0]], [[1.0]])
    forecaster = Forecaster(network, ("a", "b"), ("b",), (), ("s",), hourly, {"day": 1}, two, one, {}, profile)
    forecaster.save(folder / "forecaster")
    origins = np.datetime64("2024-01-01T00", "s") + np.arange(23) * np.timedelta64(1, "h")
    values = generator.normal(size=(23, 5, 2))
    values[3, 4] = np.nan
    np.savez(folder / "windows.npz", values=values, origins=origins)
    (folder / "training.json").write_text(json.dumps(config.training.model_dump()))
    return folder


@pytest.fixture(scope="module")
def result(saved: Path) -> dict[str, np.ndarray]:
    """What the process without TensorFlow made of it."""
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    child = subprocess.run(
        [sys.executable, "-c", CHILD, str(saved)], capture_output=True, text=True, env=environment, check=False
    )
    assert child.returncode == 0, child.stderr
    return dict(np.load(saved / "result.npz"))


def test_training_without_tensorflow_learns_and_is_compiled(result: dict[str, np.ndarray]) -> None:
    assert result["steps"] == 8
    assert np.isfinite(result["loss"]).all()
    assert result["loss"][1] < result["loss"][0]
    assert np.abs(result["trained"] - result["forecast"]).max() > 0.01
    assert bool(result["jit"])  # op by op, a step of the default network takes seconds


def test_attention_is_seen_after_every_epoch_without_tensorflow(result: dict[str, np.ndarray]) -> None:
    assert result["seen"].shape == (2, 23, 1, 2, 5, 5)
    np.testing.assert_allclose(result["seen"].sum(axis=-1), 1, atol=1e-5)
    assert np.abs(result["seen"][1] - result["seen"][0]).max() > 1e-5  # the weights of that epoch, not the first ones
    best = int(np.abs(result["seen"] - result["after"]).max(axis=(1, 2, 3, 4, 5)).argmin())
    np.testing.assert_allclose(result["seen"][best], result["after"], atol=1e-6)


def test_rows_on_the_device_train_as_windows_gathered_on_the_host_without_tensorflow(
    result: dict[str, np.ndarray],
) -> None:
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(result[f"on_device/{name}"], result[f"on_host/{name}"], rtol=1e-6)
    assert result["on_device/loss"][0] != result["on_device/loss"][1]


def test_a_seed_begins_and_trains_the_same_network_on_both_backends(saved: Path, result: dict[str, np.ndarray]) -> None:
    stored, raw = Forecaster.load(saved / "forecaster"), dict(np.load(saved / "windows.npz"))
    inputs, target = stored.inputs(**raw), np.random.default_rng(1).normal(size=(23, 3, 1)).astype("float32")
    spec = TrainingSpec(**json.loads((saved / "training.json").read_text()))

    def gather(numbers: Any) -> Any:
        return {name: array[numbers] for name, array in inputs.items()}, target[numbers], np.ones_like(target[numbers])

    keras.utils.set_random_seed(7)
    network = Transformer(stored.network.spec, stored.network.shape)
    levels = network.spec.levels
    metric = losses.MedianAbsoluteError((1.0,), levels.index(0.5))
    fit.compile_model(network, spec, loss=losses.loss_for("pinball", levels), metrics=[metric], steps_per_epoch=4)
    feeds = [Feed(Gathered(gather), lambda epoch: np.arange(23), batch_size=5, drop_last=True) for _ in range(2)]
    found = fit.fit(network, *feeds, spec, progress="none", on_epoch_end=lambda epoch, values: None)
    np.testing.assert_allclose(result["loss"], found.metrics["loss"], rtol=1e-4)


def test_the_same_weights_forecast_the_same_on_both_backends(saved: Path, result: dict[str, np.ndarray]) -> None:
    forecaster, raw = Forecaster.load(saved / "forecaster"), dict(np.load(saved / "windows.npz"))
    np.testing.assert_allclose(result["forecast"], forecaster.forecast(**raw), atol=1e-5)
    scores = forecaster.attention_scores(forecaster.inputs(**raw))
    np.testing.assert_allclose(result["scores"], scores, atol=1e-5)
