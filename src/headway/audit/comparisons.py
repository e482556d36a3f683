"""Two tasks beside each other: feeds, windows and cases compared item by item."""

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from headway import rival_forecasts
from headway.audit.tallies import Place, Tallies
from headway.data.windows import WindowIndex
from headway.evaluation.cases import Cases
from headway.task import Task

Numbers = NDArray[np.int64]

# Of cases: what is not one row per window.
_COMMON = ("num_series", "season", "mean", "scale")
_PER_WINDOW = tuple(one.name for one in fields(Cases) if one.name not in _COMMON)


class Feed(Protocol):
    """Batches of windows by number, as Keras is fed."""

    numbers: Any
    batch_size: int

    @property
    def num_batches(self) -> int:
        """Batches per epoch."""
        ...

    def __getitem__(self, index: int) -> Any:
        """Inputs, target and weight."""
        ...

    def start(self, epoch: int) -> None:
        """Take the order of an epoch."""
        ...


def batches_of(feed: Feed) -> Iterator[tuple[Numbers, dict[str, NDArray[Any]]]]:
    """Window numbers and arrays of every batch of an epoch."""
    for batch in range(feed.num_batches):
        inputs, target, observed = feed[batch]
        numbers = feed.numbers[batch * feed.batch_size : (batch + 1) * feed.batch_size]
        yield numbers, {**inputs, "target": target, "target_observed": observed}


def same_feed(tallies: Tallies, name: str, feed: Feed, other: Feed, *, when: str, place: Place) -> None:
    """Compare two feeds over the epoch they stand in."""
    tallies.compare(f"{name}.order", feed.numbers[:], other.numbers[:], when=when)
    tallies.compare(f"{name}.batches", feed.num_batches, other.num_batches, when=when, unit="numbers")
    for (numbers, arrays), (_, found) in zip(batches_of(feed), batches_of(other), strict=False):
        for key, array in arrays.items():
            tallies.compare(f"{name}.{key}", array, found[key], when=when, place=of(place, numbers))


def same_cases(
    tallies: Tallies,
    name: str,
    task: Task,
    other: Task,
    split: str,
    *,
    when: str,
    place: Place,
    without: Sequence[str] = (),
) -> None:
    """Compare a split's windows as rivals see them; both tasks have as many."""
    before = 0
    pairs = (rival_forecasts.cases(each, each.windows[split]) for each in (task, other))
    for one, another in zip(*pairs, strict=False):
        where = of(place, np.arange(before, before + len(one)))
        for field in _PER_WINDOW:
            if field not in without:
                found = (getattr(each, field) for each in (one, another))
                tallies.compare(f"{name}.{field}", *found, when=when, place=where)
        for field in _COMMON:
            found = (getattr(each, field) for each in (one, another))
            tallies.compare(f"{name}.constants", *found, when=when, unit="numbers")
        before += len(one)


def starts(index: WindowIndex) -> Numbers:
    """First rows of all windows of an index, counted over all series."""
    return index.starts(np.arange(len(index)))


def unsampled(task: Task) -> Task:
    """The task with all windows there are, where it takes a sample of them."""
    return replace(task, windows={split: replace(index, most=None) for split, index in task.windows.items()})


def restricted(task: Task, split: str, numbers: Numbers) -> Task:
    """The task with some windows of a split, each a run of its own."""
    index = task.windows[split]
    few = replace(
        index,
        first=index.starts(numbers),
        count=np.ones(len(numbers), np.int64),
        series=index.series_of(numbers),
        dropped={},
    )
    return replace(task, windows={**task.windows, split: few})


def of(place: Place, numbers: Numbers) -> Place:
    """Words for positions in a batch of window numbers."""
    return lambda position: place(int(numbers[position]))
