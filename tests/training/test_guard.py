"""What is not finite is found, named, gone back from, and never kept."""

import logging
import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from headway.config.training import TrainingSpec
from headway.errors import NumericError
from headway.training.feed import Feed, Gathered
from headway.training.fit import History, compile_model, fit
from headway.training.loop import Memory
from headway.training.losses import MedianAbsoluteError, loss_for
from headway.training.optimizer import SCALE_LIMITS, BoundedLossScale
from headway.training.state import TrainingState, not_finite

Training = Callable[..., TrainingSpec]
OneWeight = Callable[..., Any]
Constant = Callable[..., Feed]


class Kept(Memory):
    """All states that were kept."""

    def __init__(self) -> None:
        super().__init__()
        self.states: list[TrainingState] = []

    def save(self, state: TrainingState) -> None:
        super().save(state)
        self.states.append(state)


def trained(
    model: Any, spec: TrainingSpec, train: Feed, validation: Feed, *, loss: str = "mae", keeper: Memory | None = None
) -> History:
    metrics = [MedianAbsoluteError((1.0,), 0)]
    compile_model(model, spec, loss=loss_for(loss, (0.5,)), metrics=metrics, steps_per_epoch=train.num_batches)
    return fit(
        model,
        train,
        validation,
        spec,
        metrics=metrics,
        on_epoch_end=lambda epoch, values: None,
        progress="none",
        keeper=keeper,
        name_windows=lambda numbers: f"window {numbers.tolist()}",
    )


def with_bad_window(feed: Feed, bad: int, value: float) -> Feed:
    """The feed with one window's target replaced."""

    def gather(numbers: Any) -> Any:
        inputs, target, weight = feed.windows.batch(numbers)
        return inputs, np.where((np.asarray(numbers) == bad)[:, None, None], value, target).astype("float32"), weight

    return Feed(Gathered(gather), feed.order, batch_size=feed.batch_size, drop_last=True)


def test_a_target_that_is_not_finite_is_named_with_its_step_and_window(
    training: Training, one_weight: OneWeight, constant_feed: Constant, caplog: pytest.LogCaptureFixture
) -> None:
    spec = training("epochs=3", "steps_per_execution=3", "checkpoint_steps=4", "learning_rate=0.01")
    in_order = constant_feed(5.0, windows=31, batch_size=2)  # window 17 is in the ninth batch of 15
    keeper = Kept()
    with caplog.at_level(logging.WARNING), pytest.raises(NumericError) as error:
        trained(one_weight(), spec, with_bad_window(in_order, 17, math.nan), constant_feed(1.0), keeper=keeper)
    assert error.value.exit_code == 5
    assert str(error.value).startswith("epoch 1, step 9: target holds a value that is not finite in window [17]; ")
    told = [record.getMessage() for record in caplog.records if "back to" in record.getMessage()]
    assert [words.rpartition("back to ")[2] for words in told] == [
        # Looked at after steps 3 and 6, between which a multiple of four lies.
        f"epoch 1, step 6 with 1/{2**number} of the learning rate ({number} of 3)"
        for number in (1, 2, 3)
    ]
    assert keeper.states and not any(not_finite(state.arrays) for state in keeper.states)


def test_a_rate_that_diverges_is_halved_until_it_does_not(
    training: Training, one_weight: OneWeight, constant_feed: Constant, caplog: pytest.LogCaptureFixture
) -> None:
    # On the squared error a step takes w to t + (1 - 2 rate) (w - t): times -1.4, which overflows, and with half of it -0.2.
    spec = training(
        "epochs=2",
        "learning_rate=1.2",
        "gradient_clip=1e30",
        "steps_per_execution=16",
        "checkpoint_steps=50",
    )
    model = one_weight()
    with caplog.at_level(logging.WARNING):
        history = trained(model, spec, constant_feed(5.0, windows=401), constant_feed(5.0), loss="mse")
    assert len([record for record in caplog.records if "(1 of 3)" in record.getMessage()]) == 1
    assert not any("(2 of 3)" in record.getMessage() for record in caplog.records)
    assert history.validation["loss"] == pytest.approx(0.0, abs=1e-6)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.6)


def test_a_validation_that_is_not_finite_is_never_the_best(
    training: Training, one_weight: OneWeight, constant_feed: Constant
) -> None:
    spec, keeper = training("epochs=2", "steps_per_execution=1"), Kept()
    with pytest.raises(NumericError, match="epoch 1, step 3: val_loss is inf"):
        trained(one_weight(), spec, constant_feed(1.0), constant_feed(math.inf), keeper=keeper)
    assert all(state.best_epoch == -1 for state in keeper.states)


def half(weight: float = 0.5) -> keras.Model:
    """A model of one weight in mixed float16."""
    policy = keras.DTypePolicy("mixed_float16")
    inputs = keras.Input((1,))
    layer = keras.layers.Dense(1, use_bias=False, kernel_initializer=keras.initializers.Constant(weight), dtype=policy)
    scaled = keras.layers.Reshape((1, 1, 1), dtype="float32")(layer(inputs))
    model = keras.Model(inputs, scaled)
    model.dtype_policy = policy
    return model


def test_in_float16_one_bad_batch_is_skipped_and_counts_in_no_mean(training: Training, constant_feed: Constant) -> None:
    spec = training("epochs=1", "steps_per_execution=3", "learning_rate=0.001", "precision=mixed_float16")
    feed = with_bad_window(constant_feed(5.0, windows=12), 7, math.nan)  # in the third of four executions
    model = half()
    history = trained(model, spec, feed, constant_feed(1.0))
    assert int(model.optimizer.iterations) == 11
    assert history.metrics["loss"][0] == pytest.approx(4.5, abs=0.05)
    assert np.isfinite(model.get_weights()[0]).all()


def test_in_float16_bad_batches_alone_are_a_failure(training: Training, constant_feed: Constant) -> None:
    spec = training("epochs=2", "steps_per_execution=4", "precision=mixed_float16")
    with pytest.raises(NumericError, match=r"epoch 1, step 1: target holds a value that is not finite in window \[0\]"):
        trained(half(), spec, constant_feed(math.nan, windows=8), constant_feed(1.0))


@pytest.mark.parametrize(("start", "gradient", "expected"), [(1.0, math.inf, 1.0), (2.0, math.nan, 1.0)])
def test_the_loss_scale_does_not_fall_below_one(start: float, gradient: float, expected: float) -> None:
    variable = keras.Variable([3.0])
    optimizer = BoundedLossScale(keras.optimizers.SGD(0.1))
    optimizer.build([variable])
    optimizer.dynamic_scale.assign(start)
    for _ in range(3):
        optimizer.apply([ops.convert_to_tensor([gradient])], [variable])
    assert float(optimizer.dynamic_scale) == expected and float(ops.convert_to_numpy(variable)[0]) == 3.0


def test_the_loss_scale_does_not_rise_above_its_limit() -> None:
    variable = keras.Variable([3.0])
    optimizer = BoundedLossScale(keras.optimizers.SGD(0.1), dynamic_growth_steps=1)
    optimizer.build([variable])
    optimizer.dynamic_scale.assign(2.0**23)
    for _ in range(3):
        optimizer.apply([ops.convert_to_tensor([1.0])], [variable])
    assert float(optimizer.dynamic_scale) == SCALE_LIMITS[1] == 2.0**24


def test_the_bounds_hold_where_the_optimizer_is_a_function_of_its_variables() -> None:
    variable = keras.Variable([3.0])
    optimizer = BoundedLossScale(keras.optimizers.SGD(0.1))
    optimizer.build([variable])
    place = [own is optimizer.dynamic_scale for own in optimizer.variables].index(True)
    values = [ops.convert_to_tensor(own) for own in optimizer.variables]
    values[place] = ops.convert_to_tensor(1.0)
    trainable, own = optimizer.stateless_apply(values, [ops.convert_to_tensor([math.inf])], [variable.value])
    assert float(own[place]) == 1.0 and float(ops.convert_to_numpy(trainable[0])[0]) == 3.0
