"""Training: the rate of every step, clipping, early stopping, finite numbers, the same run twice."""

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from headway.config.train import TrainConfig
from headway.config.training import TrainingSpec
from headway.data.order import shuffled
from headway.models.shape import TaskShape
from headway.models.transformer import Transformer
from headway.training.feed import Feed, Gathered
from headway.training.fit import History, compile_model, fit
from headway.training.losses import MedianAbsoluteError, loss_for

Training = Callable[..., TrainingSpec]
OneWeight = Callable[..., Any]
Constant = Callable[..., Feed]
SHAPE = TaskShape(context_length=5, horizon=3, num_features=2, targets=(1,), num_known_future=2, num_series=1)


def compiled(model: Any, spec: TrainingSpec, *, steps: int, loss: str = "mae") -> Any:
    compile_model(
        model, spec, loss=loss_for(loss, (0.5,)), metrics=[MedianAbsoluteError((1.0,), 0)], steps_per_epoch=steps
    )
    return model


def trained(model: Any, spec: TrainingSpec, train: Feed, validation: Feed) -> History:
    return fit(model, train, validation, spec, on_epoch_end=lambda epoch, values: None, progress="none")


def rates(optimizer: keras.optimizers.Optimizer, steps: list[int]) -> list[float]:
    found = []
    for step in steps:
        optimizer.iterations.assign(step)
        found.append(float(ops.convert_to_numpy(optimizer.learning_rate)))
    return found


def small_transformer(compose: Callable[..., TrainConfig], seed: int, **options: Any) -> Transformer:
    keras.utils.set_random_seed(seed)
    spec = compose("model.d_model=4", "model.heads=2", "model.feed_forward=4", "model.dropout=0.5").model
    return Transformer(spec, SHAPE, **options)


def random_feed(*, windows: int = 29, batch_size: int = 7, seed: int = 5) -> Feed:
    generator = np.random.default_rng(seed)
    inputs = {
        "context": generator.normal(size=(windows, 5, 2)).astype("float32"),
        "observed": np.ones((windows, 5, 2), "float32"),
        "known_future": generator.normal(size=(windows, 8, 2)).astype("float32"),
        "series": np.zeros(windows, "int32"),
    }
    target = generator.normal(size=(windows, 3, 1)).astype("float32")

    def gather(numbers: Any) -> Any:
        rows = {name: array[numbers] for name, array in inputs.items()}
        return rows, target[numbers], np.ones_like(target[numbers])

    def order(epoch: int) -> Any:
        return shuffled(np.arange(windows), count=windows, seed=seed, epoch=epoch)

    return Feed(Gathered(gather), order, batch_size=batch_size, drop_last=True)


def pinball_compiled(model: Transformer, spec: TrainingSpec, feed: Feed) -> Transformer:
    levels = model.spec.levels
    metric = MedianAbsoluteError((1.0,), levels.index(0.5))
    compile_model(model, spec, loss=loss_for("pinball", levels), metrics=[metric], steps_per_epoch=feed.num_batches)
    return model


def test_the_rate_warms_up_in_a_line_and_decays_in_a_cosine(training: Training, one_weight: OneWeight) -> None:
    spec = training("epochs=10", "learning_rate=0.4", "schedule=cosine", "warmup=0.2")
    model = compiled(one_weight(), spec, steps=10)  # 100 steps: 20 rise, 80 fall
    found = rates(model.optimizer, [0, 5, 20, 40, 60, 100])
    quarter = 0.4 * (1 + math.cos(math.pi / 4)) / 2
    assert found == pytest.approx([0, 0.1, 0.4, quarter, 0.2, 0], abs=1e-6)


def test_a_constant_rate_stays_after_its_warm_up(training: Training, one_weight: OneWeight) -> None:
    spec = training("epochs=10", "learning_rate=0.4", "schedule=constant", "warmup=0.2")
    found = rates(compiled(one_weight(), spec, steps=10).optimizer, [10, 20, 60, 100])
    assert found == pytest.approx([0.2, 0.4, 0.4, 0.4])


def test_without_a_warm_up_the_first_rate_is_the_highest(training: Training, one_weight: OneWeight) -> None:
    spec = training("epochs=2", "learning_rate=0.4", "schedule=cosine", "warmup=0.0")
    assert rates(compiled(one_weight(), spec, steps=7).optimizer, [0, 7]) == pytest.approx([0.4, 0.2])


@pytest.mark.parametrize(("gradient", "step"), [([30.0, 40.0], [0.6, 0.8]), ([0.3, 0.4], [0.3, 0.4])])
def test_gradients_are_clipped_by_their_global_norm(
    training: Training, one_weight: OneWeight, gradient: list[float], step: list[float]
) -> None:
    optimizer = compiled(one_weight(), training("learning_rate=1.0", "gradient_clip=1.0"), steps=1).optimizer
    variables = [keras.Variable([0.0]), keras.Variable([0.0])]
    optimizer.apply([ops.convert_to_tensor([value]) for value in gradient], variables)
    found = [-float(ops.convert_to_numpy(variable)[0]) for variable in variables]
    assert found == pytest.approx(step, rel=1e-5)


@pytest.mark.parametrize(
    ("optimizer", "kind"),
    [("adamw", keras.optimizers.AdamW), ("adam", keras.optimizers.Adam), ("sgd", keras.optimizers.SGD)],
)
def test_the_update_rule_is_the_one_named(training: Training, one_weight: OneWeight, optimizer: str, kind: Any) -> None:
    found = compiled(one_weight(), training(f"optimizer={optimizer}", "weight_decay=0.25"), steps=1).optimizer
    assert isinstance(found, kind)
    assert found.weight_decay == (0.25 if optimizer == "adamw" else None)


def test_training_stops_when_validation_worsens_and_keeps_the_best_weights(
    training: Training, one_weight: OneWeight, constant_feed: Constant
) -> None:
    # MAE and SGD walk the weight by rate * steps = 0.3 an epoch: 0.3, 0.6, 0.9, 1.2, ...; validation wants 0.65.
    spec = training("epochs=11", "learning_rate=0.1", "patience=2", "steps_per_execution=1")
    model, seen = compiled(one_weight(), spec, steps=3), []
    history = fit(
        model,
        constant_feed(5.0),
        constant_feed(0.65),
        spec,
        on_epoch_end=lambda epoch, values: seen.append((epoch, values["val_loss"], values["learning_rate"])),
        progress="none",
    )
    assert history.metrics["val_loss"] == pytest.approx([0.35, 0.05, 0.25, 0.55], abs=1e-5)
    assert (history.best_epoch, history.steps) == (1, 12)
    assert history.validation["mae"] == pytest.approx(0.05, abs=1e-5)
    assert float(model.get_weights()[0][0, 0]) == pytest.approx(0.6, abs=1e-5)
    assert seen == [(epoch, history.metrics["val_loss"][epoch], pytest.approx(0.1)) for epoch in range(4)]


def test_the_best_weights_are_kept_when_the_epochs_run_out_too(
    training: Training, one_weight: OneWeight, constant_feed: Constant
) -> None:
    spec = training("epochs=3", "learning_rate=0.1", "patience=5", "steps_per_execution=1")
    model = compiled(one_weight(), spec, steps=3)
    history = trained(model, spec, constant_feed(5.0), constant_feed(0.35))
    assert history.best_epoch == 0
    assert float(model.get_weights()[0][0, 0]) == pytest.approx(0.3, abs=1e-5)


def test_validation_and_the_kept_weights_are_the_moving_average_and_training_goes_on_from_its_own(
    training: Training, one_weight: OneWeight, constant_feed: Constant
) -> None:
    # The weight walks by 0.1 a step: 0.1, 0.2, ..., and its average follows half of the way.
    spec = training("epochs=3", "learning_rate=0.1", "patience=5", "steps_per_execution=1", "ema=0.5")
    average, averages = 0.1, []
    for step in range(2, 10):
        average = 0.5 * average + 0.5 * 0.1 * step
        averages += [average] if step % 3 == 0 else []
    model, seen = compiled(one_weight(), spec, steps=3), []
    history = fit(
        model,
        constant_feed(5.0),
        constant_feed(0.52),
        spec,
        on_epoch_end=lambda epoch, values: seen.append(float(model.get_weights()[0][0, 0])),
        progress="none",
    )
    assert seen == pytest.approx(averages, abs=1e-5)
    assert history.metrics["val_loss"] == pytest.approx([abs(0.52 - value) for value in averages], abs=1e-5)
    assert history.best_epoch == 1
    assert float(model.get_weights()[0][0, 0]) == pytest.approx(averages[1], abs=1e-5)


def test_steps_that_do_not_divide_into_executions_are_all_taken(
    training: Training, one_weight: OneWeight, constant_feed: Constant
) -> None:
    histories, weights, forecasts = [], [], []
    for execution in (1, 16):
        spec = training("epochs=2", "learning_rate=0.01", f"steps_per_execution={execution}")
        model = compiled(one_weight(), spec, steps=71)
        history = trained(model, spec, constant_feed(5.0, windows=71), constant_feed(0.1, windows=19))
        assert int(model.optimizer.iterations) == history.steps == 142
        histories.append(history.metrics)
        weights.append(model.get_weights()[0])
        forecasts.append(model.predict(np.ones((7, 1), "float32"), batch_size=2, verbose=0))
    assert histories[0] == histories[1]
    np.testing.assert_array_equal(*weights)
    np.testing.assert_array_equal(*forecasts)


def test_the_same_seed_twice_in_one_process_is_the_same_training(
    compose: Callable[..., TrainConfig], training: Training
) -> None:
    spec = training("epochs=2", "optimizer=adamw", "steps_per_execution=4")
    histories = []
    for _ in range(2):
        feed = random_feed()
        model = pinball_compiled(small_transformer(compose, seed=11), spec, feed)
        histories.append(trained(model, spec, feed, random_feed(seed=6)).metrics)
    assert histories[0] == histories[1]
    assert histories[0]["loss"][0] != histories[0]["loss"][1]


def test_float16_scales_its_loss_and_outlives_an_overflow(
    compose: Callable[..., TrainConfig], training: Training
) -> None:
    spec, feed = training("epochs=2", "optimizer=adamw", "steps_per_execution=4", "patience=9"), random_feed()
    model = pinball_compiled(small_transformer(compose, seed=11, dtype="mixed_float16"), spec, feed)
    optimizer = model.optimizer
    assert isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    assert float(optimizer.scale_loss(1.0)) == 2.0**15
    optimizer.build(model.trainable_variables)
    optimizer.dynamic_scale.assign(2.0**40)  # far past the range of float16: the first steps overflow
    history = trained(model, spec, feed, random_feed(seed=6))
    assert np.isfinite([*history.metrics["loss"], *history.metrics["val_loss"]]).all()
    # The first overflow brings it to the highest scale there is, each later one halves it.
    assert float(optimizer.dynamic_scale) == 2.0 ** (25 - (8 - int(optimizer.iterations)))
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_other_precisions_need_no_scale(compose: Callable[..., TrainConfig], training: Training, dtype: str) -> None:
    model = pinball_compiled(small_transformer(compose, seed=11, dtype=dtype), training(), random_feed())
    assert not isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
