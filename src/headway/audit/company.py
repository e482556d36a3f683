"""The order of series and rows in a file changes nothing, nor does the company a window keeps in a batch."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headway import feeds, forecasting, rival_forecasts
from headway.audit.comparisons import Numbers, batches_of, of, restricted, starts, unsampled
from headway.audit.subject import Subject
from headway.audit.tallies import Tallies, series_at
from headway.data import batches
from headway.data.contract import Table
from headway.data.splits import SPLITS
from headway.task import Task

_SIZES = (1, 7)  # windows of the batches that are compared with one large batch
_COMPANY = 29  # windows of a split that are gathered in batches of all sizes
_MOST = 2048  # windows of a series and split that are compared in another order of the file
_ROUNDING = 1e-9  # of a sum in another order


def order_is_indifferent(subject: Subject, tallies: Tallies) -> None:
    """Compare windows of the file in other orders, and of batches of other sizes."""
    orders = list(_orders(subject))
    if not orders:
        tallies.leave_out("order of the file: one series in order of time has no other")
    if orders and subject.is_sampled:
        tallies.leave_out("which windows windows.most takes: that goes by the order of the series, so all windows are")
    for when, table in orders:
        _same_in_other_order(subject.every, unsampled(subject.prepared(table)), tallies, when=when)
    for split in SPLITS:
        _same_in_company(subject, split, tallies)
    _same_validation(subject, tallies)
    _same_forecasts(subject, tallies)


def _orders(subject: Subject) -> Iterator[tuple[str, Table]]:
    """The file with its rows in other orders that say the same."""
    table = subject.table
    if len(subject.rows) > 1:
        yield (
            "with the series in reverse",
            _reordered(table, np.concatenate([np.sort(rows) for rows in subject.rows[::-1]])),
        )
        yield "with the series in turn", _reordered(table, np.argsort(subject.times, kind="stable"))
    if subject.config.dataset.sort:
        # Rows of one time keep their order: which comes first may count.
        _, moment = np.unique(subject.times, return_inverse=True)
        keys = np.random.default_rng(0).permutation(int(moment.max()) + 1)[moment]
        yield "with the rows shuffled", _reordered(table, np.argsort(keys, kind="stable"))


def _reordered(table: Table, order: NDArray[np.int64]) -> Table:
    return Table(table.file, table.frame.iloc[order])


def _same_in_other_order(subject: Subject, other: Task, tallies: Tallies, *, when: str) -> None:
    task = subject.task
    names = [series.name for series in other.dataset.series]
    if not tallies.compare("series.names", sorted(subject.names), sorted(names), when=when, unit="series"):
        return
    twin = np.array([names.index(name) for name in subject.names])
    for name in ("scaler", "known_future_scaler"):
        one, another = getattr(task, name), getattr(other, name)
        tolerance = _ROUNDING * (one.scale + np.abs(one.mean))
        tallies.compare(f"{name}.mean", one.mean, another.mean, when=when, unit="columns", tolerance=tolerance)
        tallies.compare(f"{name}.scale", one.scale, another.scale, when=when, unit="columns", tolerance=tolerance)
    scales = (np.array(task.profile.seasonal_scale), np.array(other.profile.seasonal_scale)[twin])
    tallies.compare("profile.seasonal_scale", *scales, when=when, unit="series", place=series_at(subject.names))
    # Sums in another order differ in their last digit: what is scaled is compared under one scaler.
    other = replace(other, scaler=task.scaler, known_future_scaler=task.known_future_scaler)
    for split in SPLITS:
        owners = [each.windows[split].series_of(np.arange(len(each.windows[split]))) for each in (task, other)]
        for number in range(len(names)):
            one, another = np.flatnonzero(owners[0] == number), np.flatnonzero(owners[1] == twin[number])
            spread = np.unique(np.linspace(0, max(len(one) - 1, 0), min(_MOST, len(one))).round().astype(np.int64))
            if tallies.compare(f"{split}.windows", len(one), len(another), when=when, unit="series"):
                pair = ((task, one[spread]), (other, another[spread]))
                arrays, found = (_gathered(each, split, numbers) for each, numbers in pair)
                place = of(subject.window(split), one[spread])
                for key, array in arrays.items():
                    if key != "series":
                        tallies.compare(f"{split}.{key}", array, found[key], when=when, place=place)


def _gathered(task: Task, split: str, numbers: Numbers) -> dict[str, NDArray[Any]]:
    """Windows by number as the network, the rivals and the judge see them."""
    index = task.windows[split]
    batch = batches.gather(task.rows, index, numbers)
    raw = batches.gather_raw(task.dataset, index, numbers)
    past = max(task.dataset.season, index.context_length)
    return {
        **batch.inputs,
        "target": batch.target,
        "target_observed": batch.target_observed,
        **{f"raw_{key}": getattr(raw, key) for key in ("values", "known_future", "origins", "target")},
        "history": batches.gather_history(task.dataset, index, numbers, length=past),
    }


def _same_in_company(subject: Subject, split: str, tallies: Tallies) -> None:
    """Compare windows gathered alone and a few at a time with all of them at once."""
    task = subject.task
    numbers = batches.evenly_spaced(task.windows[split], _COMPANY)

    def cases(part: Numbers) -> dict[str, NDArray[Any]]:
        few = restricted(task, split, part)
        found = list(rival_forecasts.cases(few, few.windows[split]))
        keys = ("context", "observed", "known_future", "history", "target")
        return {f"rivals.{key}": np.concatenate([getattr(one, key) for one in found]) for key in keys}

    def inputs(part: Numbers) -> dict[str, NDArray[Any]]:
        raw = batches.gather_raw(task.dataset, task.windows[split], part)
        found = subject.forecaster.inputs(
            raw.values, origins=raw.origins, series=raw.series, known_future=raw.known_future
        )
        return {f"forecaster.{key}": array for key, array in found.items()}

    gathers: list[Callable[[Numbers], dict[str, NDArray[Any]]]] = [
        lambda part: {f"{split}.{key}": array for key, array in _gathered(task, split, part).items()},
        cases,
        inputs,
    ]
    for gather in gathers:
        whole = gather(numbers)
        for size in _SIZES:
            parts = [gather(numbers[first : first + size]) for first in range(0, len(numbers), size)]
            for key, array in whole.items():
                found = np.concatenate([part[key] for part in parts])
                place = of(subject.window(split), numbers)
                tallies.compare(key, array, found, when=f"in batches of {size}", place=place)


def _same_validation(subject: Subject, tallies: Tallies) -> None:
    """Compare validation feeds of two batch sizes."""
    task = subject.task
    few = restricted(task, "validation", batches.evenly_spaced(task.windows["validation"], _COMPANY))
    count = len(starts(few.windows["validation"]))
    (_, whole), *_ = batches_of(feeds.validation_feed(few, batch_size=count))
    for size in _SIZES:
        parts = [arrays for _, arrays in batches_of(feeds.validation_feed(few, batch_size=size))]
        for key, array in whole.items():
            found = np.concatenate([part[key] for part in parts])
            tallies.compare(f"validation feed.{key}", array, found, when=f"in batches of {size}")


def _same_forecasts(subject: Subject, tallies: Tallies) -> None:
    """Compare the network's forecasts of windows alone, a few at a time and all at once."""
    task, split = subject.task, "validation"
    numbers = batches.evenly_spaced(task.windows[split], _COMPANY)
    most = max(subject.config.evaluation.batch_size, len(numbers))

    def forecast(part: Numbers, batch_size: int) -> NDArray[Any]:
        return forecasting.forecast_windows(
            subject.calibrated, restricted(task, split, part), split, batch_size=batch_size
        )[0]

    place, tolerance, few = of(subject.window(split), numbers), subject.forecast_tolerance, _SIZES[-1]
    whole = forecast(numbers, most)
    for size in _SIZES:
        found = forecast(numbers, size)
        when = f"in batches of {size}"
        tallies.compare("network.forecast", whole, found, when=when, place=place, tolerance=tolerance)
    alone = forecast(numbers[:few], most)
    when = f"among {few}"
    tallies.compare("network.forecast", whole[:few], alone, when=when, place=place, tolerance=tolerance)
