"""Targets lie in time order and in one split only, and an epoch is made of its split's windows."""

import numpy as np
from numpy.typing import NDArray

from headway import feeds
from headway.audit.comparisons import Feed, starts
from headway.audit.reconstruction import Reconstruction
from headway.audit.subject import Subject
from headway.audit.tallies import Tallies, series_at
from headway.data.splits import SPLITS

Rows = NDArray[np.int64]


def targets_are_apart(subject: Subject, tallies: Tallies) -> None:
    """Compare where targets lie with the borders that the configuration states, and epochs with their windows."""
    task, config = subject.task, subject.config
    reconstruction = Reconstruction(task.dataset, config)
    rows = {split: _target_rows(subject, split) for split in SPLITS}
    place = series_at(subject.names)
    for split in SPLITS:
        borders = [[one[split] for one in each] for each in (reconstruction.borders, task.borders)]
        tallies.compare(f"{split}.border", *borders, unit="series", place=place)
        _inside(subject, reconstruction, split, rows[split], tallies)
    _once(subject, rows, tallies)
    for earlier, later in (("train", "validation"), ("validation", "test"), ("train", "test")):
        _in_order(subject, reconstruction, earlier, later, rows, tallies)
    size = min(config.training.batch_size, len(task.windows["train"]))
    training = feeds.training_feed(task, seed=config.seed, batch_size=size)
    for epoch in (0, 1):
        training.start(epoch)
        _covers("training.epoch", training, len(task.windows["train"]), tallies)
    tallies.compare("training.batches", len(task.windows["train"]) // size, training.num_batches, unit="numbers")
    validation = feeds.validation_feed(task, batch_size=config.evaluation.batch_size)
    _covers("validation.epoch", validation, len(task.windows["validation"]), tallies)
    batches = -(-len(task.windows["validation"]) // config.evaluation.batch_size)
    tallies.compare("validation.batches", batches, validation.num_batches, unit="numbers")


def _target_rows(subject: Subject, split: str) -> Rows:
    """The first and the last row [W, 2] of the target of a split's windows, counted over all series."""
    index = subject.task.windows[split]
    return starts(index)[:, None] + index.context_length + np.array([0, index.horizon - 1])


def _inside(subject: Subject, reconstruction: Reconstruction, split: str, rows: Rows, tallies: Tallies) -> None:
    """Every target lies inside its border, and the whole window in its series."""
    index = subject.task.windows[split]
    owner = index.series_of(np.arange(len(index)))
    edges = np.array(reconstruction.offsets)
    borders = np.array([border[split] for border in reconstruction.borders]) + edges[:-1, None]
    inside = (rows[:, 0] >= borders[owner, 0]) & (rows[:, -1] < borders[owner, 1])
    inside &= (starts(index) >= edges[owner]) & (rows[:, -1] < edges[owner + 1])
    tallies.compare(f"{split}.targets", np.ones(len(rows), bool), inside, place=subject.window(split))


def _once(subject: Subject, rows: dict[str, Rows], tallies: Tallies) -> None:
    """No row is a target in two splits."""
    times = subject.task.dataset.timestamps
    splits = np.zeros(len(times), np.int64)
    for each in rows.values():
        first, last = np.minimum(each, len(times) - 1).T
        begun, ended = (np.bincount(edges, minlength=len(times) + 1) for edges in (first, last + 1))
        splits += np.cumsum(begun - ended)[:-1] > 0

    def place(row: int) -> str:
        return str(times[row].astype("datetime64[s]"))

    tallies.compare("targets.splits", np.minimum(splits, 1), splits, unit="rows", place=place)


def _in_order(
    subject: Subject,
    reconstruction: Reconstruction,
    earlier: str,
    later: str,
    rows: dict[str, Rows],
    tallies: Tallies,
) -> None:
    """Per series the last target of a split comes before the first of a later one, and the purge between them."""
    times, purge = subject.task.dataset.timestamps, subject.config.splits.purge
    in_order = []
    for begin, end in zip(reconstruction.offsets, reconstruction.offsets[1:], strict=False):
        own = [rows[split][(rows[split] >= begin) & (rows[split] < end)] for split in (earlier, later)]
        if any(not len(each) for each in own):
            in_order.append(True)
            continue
        last, first = own[0][times[own[0]].argmax()], own[1][times[own[1]].argmin()]
        in_order.append(bool(times[last] < times[first] and first - last > purge))
    place = series_at(subject.names)
    expected = np.ones(len(in_order), bool)
    tallies.compare(f"order.{earlier} before {later}", expected, in_order, unit="series", place=place)


def _covers(name: str, feed: Feed, count: int, tallies: Tallies) -> None:
    """An epoch holds every window once."""
    times_drawn = np.bincount(feed.numbers[:], minlength=count)
    tallies.compare(name, np.arange(len(times_drawn)) < count, times_drawn)
