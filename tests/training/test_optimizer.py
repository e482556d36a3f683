"""The update rule on one vector of all weights is Keras's own, weight by weight."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from headway.config.training import TrainingSpec
from headway.training.optimizer import optimizer_for

Training = Callable[..., TrainingSpec]
SHAPES = [(3, 5), (7,), (), (2, 1, 11)]


def weights(seed: int) -> list[keras.Variable]:
    generator = np.random.default_rng(seed)
    return [keras.Variable(generator.normal(size=shape).astype("float32")) for shape in SHAPES]


def stepped(optimizer: keras.optimizers.Optimizer, *, steps: int = 7) -> list[np.ndarray]:
    """Weights after steps along gradients that are the same for every optimizer."""
    generator, own = np.random.default_rng(1), weights(0)
    optimizer.build(own)
    for _ in range(steps):
        gradients = [ops.convert_to_tensor(3 * generator.normal(size=shape).astype("float32")) for shape in SHAPES]
        optimizer.apply(gradients, own)
    optimizer.finalize_variable_values(own)
    return [ops.convert_to_numpy(one) for one in own]


@pytest.mark.parametrize("ema", [0.0, 0.9])
@pytest.mark.parametrize(
    ("name", "theirs", "options"),
    [
        ("adamw", keras.optimizers.AdamW, {"weight_decay": 0.25}),
        ("adam", keras.optimizers.Adam, {}),
        ("sgd", keras.optimizers.SGD, {}),
    ],
)
def test_a_step_of_all_weights_together_is_that_of_each(
    training: Training, name: str, theirs: Any, options: dict[str, float], ema: float
) -> None:
    clip = 2.0  # below the norm of every gradient, so that it is one norm of all
    spec = training(
        f"optimizer={name}", "weight_decay=0.25", "learning_rate=0.01", f"gradient_clip={clip}", f"ema={ema}"
    )
    average = {"use_ema": True, "ema_momentum": ema} if ema else {}
    expected = stepped(theirs(learning_rate=0.01, global_clipnorm=clip, **options, **average))
    found = stepped(optimizer_for(spec, total_steps=7, scaled=False))
    for one, other, start in zip(found, expected, weights(0), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)
        assert np.abs(one - ops.convert_to_numpy(start)).max() > 1e-4


def test_the_moments_of_all_weights_are_one_array_each_and_no_copy_of_the_weights_is_kept(training: Training) -> None:
    optimizer = optimizer_for(training("optimizer=adamw"), total_steps=7, scaled=False)
    stepped(optimizer, steps=1)
    sizes = [size for one in optimizer.variables if (size := int(np.prod(one.shape))) > 1]
    assert sizes == [sum(int(np.prod(shape)) for shape in SHAPES)] * 2


def test_a_weight_without_a_gradient_stands_still(training: Training) -> None:
    optimizer, own = optimizer_for(training("optimizer=sgd"), total_steps=7, scaled=False), weights(0)
    before = [ops.convert_to_numpy(one).copy() for one in own]
    optimizer.build(own)
    optimizer.apply([None, ops.ones((7,)), None, ops.ones((2, 1, 11))], own)
    moved = [bool(np.any(ops.convert_to_numpy(one) != was)) for one, was in zip(own, before, strict=True)]
    assert moved == [False, True, False, True]


@pytest.mark.parametrize("schedule", ["cosine", "constant"])
@pytest.mark.parametrize(("warmup", "total"), [(0.0, 29), (0.1, 53), (0.5, 31)])
def test_the_rate_is_that_of_keras(
    schedule: str, warmup: float, total: int, training: Callable[..., TrainingSpec]
) -> None:
    spec = training(f"schedule={schedule}", f"warmup={warmup}", "learning_rate=0.013")
    first = round(warmup * total)
    theirs = keras.optimizers.schedules.CosineDecay(
        0.0 if first else 0.013,
        total - first,
        alpha=0.0 if schedule == "cosine" else 1.0,
        warmup_target=0.013 if first else None,
        warmup_steps=first,
    )
    ours = optimizer_for(spec, total_steps=total, scaled=False).rate
    steps = range(total + 5)
    np.testing.assert_allclose(
        [float(ours(step)) for step in steps], [float(theirs(step)) for step in steps], rtol=1e-6, atol=1e-9
    )
