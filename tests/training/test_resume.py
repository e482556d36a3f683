"""A training that is cut off anywhere and gone on with ends as if nothing had happened, to the last bit."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from headway.config.train import TrainConfig
from headway.config.training import TrainingSpec
from headway.data.order import shuffled
from headway.errors import Interrupted, StoredRunError
from headway.models.shape import TaskShape
from headway.models.transformer import Transformer
from headway.training.checkpoint import Checkpoint, Checkpoints
from headway.training.feed import Feed, Gathered
from headway.training.fit import History, compile_model, fit
from headway.training.losses import MedianAbsoluteError, loss_for
from headway.training.progress import Progress

Training = Callable[..., TrainingSpec]
SHAPE = TaskShape(context_length=5, horizon=3, num_features=2, targets=(1,), num_known_future=2, num_series=1)
MODEL = ("model.d_model=4", "model.heads=2", "model.feed_forward=4", "model.dropout=0.5", "model.layers=1")
# 37 windows in batches of 3: 12 steps an epoch, in executions of 5, 5 and 2.
SPEC = (
    "epochs=2",
    "optimizer=adamw",
    "steps_per_execution=5",
    "checkpoint_steps=5",
    "learning_rate=0.01",
    "patience=9",
)


class Killed(BaseException):
    """Stands for a kill: nothing catches it."""


def feed(*, windows: int = 37, batch_size: int = 3, seed: int = 5, size: float = 1.0) -> Feed:
    generator = np.random.default_rng(seed)
    inputs = {
        "context": generator.normal(size=(windows, 5, 2)).astype("float32"),
        "observed": np.ones((windows, 5, 2), "float32"),
        "known_future": generator.normal(size=(windows, 8, 2)).astype("float32"),
        "series": np.zeros(windows, "int32"),
    }
    target = (size * generator.normal(size=(windows, 3, 1))).astype("float32")

    def gather(numbers: Any) -> Any:
        rows = {name: array[numbers] for name, array in inputs.items()}
        return rows, target[numbers], np.ones_like(target[numbers])

    def order(epoch: int) -> Any:
        return shuffled(np.arange(windows), count=windows, seed=seed, epoch=epoch)

    return Feed(Gathered(gather), order, batch_size=batch_size, drop_last=True)


class Session:
    """One process's part of a training: everything made anew, as a new process would."""

    def __init__(
        self, compose: Callable[..., TrainConfig], spec: TrainingSpec, dtype: str, scale: float | None
    ) -> None:
        keras.utils.set_random_seed(11)
        self.spec = spec
        self.model = Transformer(compose(*MODEL).model, SHAPE, dtype=dtype)
        levels = self.model.spec.levels
        self.metrics = [MedianAbsoluteError((1.0,), levels.index(0.5))]
        self.train, self.validation = feed(), feed(windows=7, seed=6)
        compile_model(
            self.model,
            spec,
            loss=loss_for("pinball", levels),
            metrics=self.metrics,
            steps_per_epoch=self.train.num_batches,
        )
        if scale:
            self.model.optimizer.build(self.model.trainable_variables)
            self.model.optimizer.dynamic_scale.assign(scale)

    def fit(self, progress: Progress, on_epoch_end: Callable[..., None] = lambda epoch, values: None) -> History:
        return fit(
            self.model,
            self.train,
            self.validation,
            self.spec,
            metrics=self.metrics,
            on_epoch_end=on_epoch_end,
            progress="none",
            keeper=progress,
            begin=progress.begin(0),
        )

    @property
    def weights(self) -> dict[str, Any]:
        """The weights that are kept."""
        return {variable.path: keras.ops.convert_to_numpy(variable) for variable in self.model.weights}


class KilledAt(Checkpoints):
    """Checkpoints of a process that is killed just before or just after its n-th is written."""

    def __init__(self, folder: Path, number: int, *, before: bool) -> None:
        super().__init__(folder)
        self.left, self.before = number, before

    def write(self, checkpoint: Checkpoint, *, planned: bool = True) -> None:
        self.left -= 1
        if not self.left and self.before:
            raise Killed
        super().write(checkpoint, planned=planned)
        if not self.left:
            raise Killed


def assert_same(found: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    assert list(found) == list(expected)
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name, strict=True)


@pytest.mark.parametrize(
    ("dtype", "scale", "more"),
    [
        pytest.param("float32", None, [], marks=pytest.mark.slow),
        ("float32", None, ["ema=0.7"]),
        pytest.param("mixed_bfloat16", None, ["optimizer=adam"], marks=pytest.mark.slow),
        ("mixed_float16", 2.0**24, []),
    ],
)
def test_a_training_killed_at_every_checkpoint_ends_to_the_bit_as_one_that_was_not(
    compose: Callable[..., TrainConfig],
    training: Training,
    tmp_path: Path,
    dtype: str,
    scale: float | None,
    more: list[str],
) -> None:
    spec = training(*SPEC, *more)
    whole = Session(compose, spec, dtype, scale)
    expected, seen = whole.fit(Progress()), {}
    skipped = 24 - int(whole.model.optimizer.iterations)
    assert bool(skipped) == (dtype == "mixed_float16")  # the scale is beyond the range: the first steps overflow

    kills = 0
    while kills < 40:
        checkpoints = KilledAt(tmp_path / "checkpoints", 3, before=bool(kills % 2))
        session = Session(compose, spec, dtype, scale)
        try:
            found = session.fit(Progress(checkpoints), lambda epoch, values: seen.update({epoch: values["val_loss"]}))
            break
        except Killed:
            kills += 1
    assert kills >= 2
    # The history holds a digest of all that is left at the end: weights, moments, loss scale, seeds, steps, sums.
    assert found == expected and len(found.digest) == 64
    assert_same(session.weights, whole.weights)
    assert [seen[epoch] for epoch in range(2)] == list(expected.metrics["val_loss"])


def test_a_training_that_is_asked_to_stop_saves_where_it_is_and_goes_on_from_there(
    compose: Callable[..., TrainConfig], training: Training, tmp_path: Path
) -> None:
    spec = training(*SPEC, "checkpoint_steps=1000")  # no checkpoint but the first
    whole = Session(compose, spec, "float32", None)
    expected = whole.fit(Progress())
    asked = iter([False, True])  # after the first execution of every process, the second look
    positions = []
    for _ in range(20):
        session = Session(compose, spec, "float32", None)
        asked = iter([False, True])
        progress = Progress(Checkpoints(tmp_path / "checkpoints"), stop=lambda asked=asked: next(asked, True))
        try:
            found = session.fit(progress)
            break
        except Interrupted:
            positions.append(progress.words)
    assert positions[:3] == ["epoch 1, step 5", "epoch 1, step 10", "epoch 2, step 0"]
    assert found == expected
    assert_same(session.weights, whole.weights)
    names = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert len(names) == 2 and not names[1].endswith("-interrupted")


def test_early_stopping_counts_on_where_it_was(
    compose: Callable[..., TrainConfig], training: Training, tmp_path: Path
) -> None:
    spec = training(*SPEC, "epochs=9", "learning_rate=0.5", "patience=1")  # overshoots, and stops early
    whole = Session(compose, spec, "float32", None)
    expected = whole.fit(Progress())
    assert len(expected.metrics["loss"]) < 9
    while True:
        session = Session(compose, spec, "float32", None)
        try:
            found = session.fit(Progress(KilledAt(tmp_path / "checkpoints", 5, before=False)))
            break
        except Killed:
            continue
    assert found == expected
    assert_same(session.weights, whole.weights)


def test_what_is_finished_is_not_trained_again(
    compose: Callable[..., TrainConfig], training: Training, tmp_path: Path
) -> None:
    spec = training(*SPEC)
    first = Session(compose, spec, "float32", None)
    expected = first.fit(Progress(Checkpoints(tmp_path / "checkpoints")))
    again = Session(compose, spec, "float32", None)
    again.train = feed(size=1e6)  # would show
    assert again.fit(Progress(Checkpoints(tmp_path / "checkpoints"))) == expected
    for own, kept in zip(again.model.weights, first.model.weights, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(own), keras.ops.convert_to_numpy(kept))
    assert int(again.model.optimizer.iterations) == 0


@pytest.mark.parametrize(
    ("changed", "dtype", "message"),
    [
        (["optimizer=sgd"], "float32", "optimizer/.*(not of|lacking for) this network or optimizer"),
        ([], "mixed_float16", "optimizer/.*(not of|lacking for) this network or optimizer"),
    ],
)
def test_a_state_of_another_optimizer_is_refused(
    compose: Callable[..., TrainConfig],
    training: Training,
    tmp_path: Path,
    changed: list[str],
    dtype: str,
    message: str,
) -> None:
    with pytest.raises(Killed):
        Session(compose, training(*SPEC), "float32", None).fit(
            Progress(KilledAt(tmp_path / "checkpoints", 2, before=False))
        )
    other = Session(compose, training(*SPEC, *changed), dtype, None)
    with pytest.raises(StoredRunError, match=message):
        other.fit(Progress(Checkpoints(tmp_path / "checkpoints")))


def test_a_training_goes_on_only_as_what_it_was(
    tmp_path: Path, compose: Callable[..., TrainConfig], training: Training
) -> None:
    with pytest.raises(Killed):
        Session(compose, training(*SPEC), "float32", None).fit(
            Progress(KilledAt(tmp_path / "checkpoints", 2, before=False), identity={"precision": "float32"}, seed=7)
        )
    assert Progress(Checkpoints(tmp_path / "checkpoints"), identity={"precision": "float32"}, seed=8).seed == 7
    with pytest.raises(StoredRunError, match="precision=float32, and would go on with precision=mixed_float16"):
        Progress(Checkpoints(tmp_path / "checkpoints"), identity={"precision": "mixed_float16"})
