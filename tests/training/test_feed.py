"""What `fit` is fed: whole epochs in an order of their own."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from headway.config.training import TrainingSpec
from headway.data.order import shuffled
from headway.training.feed import Feed, Gathered
from headway.training.fit import compile_model, fit
from headway.training.losses import loss_for


def numbers_of(feed: Feed) -> list[list[int]]:
    return [feed[index] for index in range(feed.num_batches)]  # type: ignore[misc]


def feed_of(order: Callable[[int], Any], *, batch_size: int, drop_last: bool) -> Feed:
    return Feed(Gathered(lambda numbers: numbers.tolist()), order, batch_size=batch_size, drop_last=drop_last)


@pytest.mark.parametrize(("batch_size", "batches"), [(1, 23), (5, 4), (23, 1)])
def test_training_sees_every_window_at_most_once_in_full_batches(batch_size: int, batches: int) -> None:
    feed = feed_of(
        lambda epoch: shuffled(np.arange(23), count=23, seed=7, epoch=epoch), batch_size=batch_size, drop_last=True
    )
    found = numbers_of(feed)
    assert [len(batch) for batch in found] == [batch_size] * batches
    assert len({number for batch in found for number in batch}) == batches * batch_size


def test_every_epoch_has_an_order_of_its_own_and_drops_other_windows() -> None:
    feed = feed_of(lambda epoch: shuffled(np.arange(23), count=23, seed=7, epoch=epoch), batch_size=5, drop_last=True)
    epochs = []
    for epoch in (0, 1, 0):
        feed.start(epoch)
        epochs.append(numbers_of(feed))
    assert epochs[0] == epochs[2] != epochs[1]
    dropped = [set(range(23)) - {number for batch in batches for number in batch} for batches in epochs]
    assert dropped[0] != dropped[1]


def test_validation_sees_every_window_once_in_order() -> None:
    found = numbers_of(feed_of(lambda epoch: np.arange(23), batch_size=5, drop_last=False))
    assert [len(batch) for batch in found] == [5, 5, 5, 5, 3]
    assert [number for batch in found for number in batch] == list(range(23))


def test_fit_takes_the_order_of_epoch_n_in_epoch_n(
    training: Callable[..., TrainingSpec], one_weight: Callable[..., Any], constant_feed: Callable[..., Feed]
) -> None:
    spec = training("epochs=3", "steps_per_execution=2")
    plain, gathered = constant_feed(1.0), []

    def gather(numbers: Any) -> Any:
        gathered.append(numbers.tolist())
        return plain.windows.batch(numbers)

    feed = Feed(
        Gathered(gather),
        lambda epoch: shuffled(np.arange(17), count=17, seed=3, epoch=epoch),
        batch_size=3,
        drop_last=True,
    )
    model = one_weight()
    compile_model(model, spec, loss=loss_for("mae", (0.5,)), metrics=[], steps_per_epoch=5)
    fit(model, feed, constant_feed(1.0), spec, on_epoch_end=lambda epoch, values: None, progress="none")
    expected = [
        shuffled(np.arange(17), count=17, seed=3, epoch=epoch)[:15].reshape(5, 3).tolist() for epoch in range(3)
    ]
    # Two steps at a time; TensorFlow looks at a few before the first epoch to learn their shapes.
    steps = [numbers[first : first + 3] for numbers in gathered for first in range(0, len(numbers), 3)]
    assert steps[-15:] == [batch for epoch in expected for batch in epoch]
