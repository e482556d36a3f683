"""A model of one weight, whose training can be followed by hand, and feeds of a few windows."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from headway.config.train import TrainConfig
from headway.config.training import TrainingSpec
from headway.training.feed import Feed, Gathered

PLAIN = ("optimizer=sgd", "schedule=constant", "warmup=0.0", "gradient_clip=1000.0", "precision=float32")


@pytest.fixture(scope="session")
def training(compose: Callable[..., TrainConfig]) -> Callable[..., TrainingSpec]:
    """The training group with plain steps: constant rate, no clipping; overrides without their prefix."""
    return lambda *overrides: compose(*(f"training.{word}" for word in (*PLAIN, *overrides))).training


@pytest.fixture
def one_weight() -> Callable[..., Any]:
    """A model that forecasts its one weight, [B, 1, 1, 1], whatever the input."""

    def build(weight: float = 0.0) -> Any:
        inputs = keras.Input((1,))
        layer = keras.layers.Dense(1, use_bias=False, kernel_initializer=keras.initializers.Constant(weight))
        return keras.Model(inputs, keras.layers.Reshape((1, 1, 1))(layer(inputs)))

    return build


@pytest.fixture
def constant_feed() -> Callable[..., Feed]:
    """Feeds windows whose input is 1 and whose target is a constant."""

    def make(
        target: float, *, windows: int = 3, batch_size: int = 1, order: Callable[[int], Any] | None = None
    ) -> Feed:
        def gather(numbers: Any) -> Any:
            shape = (len(numbers), 1, 1)
            return np.ones((len(numbers), 1), "float32"), np.full(shape, target, "float32"), np.ones(shape, "float32")

        in_order = np.arange(windows)
        return Feed(Gathered(gather), order or (lambda epoch: in_order), batch_size=batch_size, drop_last=True)

    return make
