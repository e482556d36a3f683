"""Rows after an origin change nothing that its forecast is made from."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from headway import forecasting, rival_forecasts
from headway.audit.comparisons import Numbers, of, restricted, same_cases, starts, unsampled
from headway.audit.perturbation import KINDS
from headway.audit.subject import Subject
from headway.audit.tallies import Tallies
from headway.data import batches
from headway.data.splits import SPLITS
from headway.evaluation import rivals
from headway.evaluation.cases import Rival
from headway.forecaster import Forecaster
from headway.task import Task

_PROBE = "least_squares"  # of the rivals that learn: it takes no time
_PASSES = 64  # windows that the network forecasts
_NEAR = 24  # windows before an origin that are compared, and as many spread over all earlier ones
# Where among the windows of a split the origins lie, and what happens after them.
_SHARES = {0.5: tuple(KINDS), 0.9: ("other values",)}
_AMID_GAPS = 0.5  # the share that is taken of the windows whose last row is incomplete

Limits = Sequence[int | None]
Pair = tuple[Numbers, Numbers]


def forecasting_from(subject: Subject, tallies: Tallies) -> None:
    """Compare what forecasts are made from before and after rows past their origin change."""
    forecaster, fitted = subject.calibrated, _fitted(subject)
    if subject.is_sampled:
        tallies.leave_out("which windows windows.most takes: that goes by how many there are, so all windows are")
    subject = subject.every
    task = subject.task
    for split in SPLITS:
        for share, kinds in _SHARES.items():
            limits = _limits(task, split, share)
            begins = [None if limit is None else task.dataset.timestamps[limit + 1] for limit in limits]
            # Training windows are never forecast.
            passed = share != _AMID_GAPS or split == "train"
            for when, changed in subject.changed_from(begins, tallies, kinds=kinds):
                # Training rows after the origin may have changed: what is fitted on them is another property's matter.
                other = replace(unsampled(changed), scaler=task.scaler, known_future_scaler=task.known_future_scaler)
                if not _same_rows(tallies, task, other, limits, when=when):
                    continue
                for each in SPLITS:
                    _same_windows(tallies, task, other, each, limits, when=when)
                    pair = _numbers_up_to(task, other, each, limits)
                    if len(pair[0]):
                        _same_inputs(subject, tallies, other, each, pair, fitted, when=when)
                    if len(pair[0]) and each == split and not passed:
                        _same_forecast(subject, forecaster, tallies, other, each, pair, when=when)
                        passed = True


def _fitted(subject: Subject) -> dict[str, Rival]:
    """The configured rivals that have nothing to learn, and one that has."""
    task = subject.task
    probe = rivals.make(_PROBE)
    probe.fit(rival_forecasts.cases(task, task.windows["train"]))
    configured = {name: rivals.make(name) for name in subject.config.evaluation.rivals}
    return {name: rival for name, rival in configured.items() if not rival.learns} | {_PROBE: probe}


def _limits(task: Task, split: str, share: float) -> Limits:
    """Per series the row of an origin, counted over all series; None where the split holds none of it."""
    index = task.windows[split]
    rows = starts(index) + index.context_length - 1
    owner = index.series_of(np.arange(len(index)))
    limits: list[int | None] = []
    for number in range(len(task.dataset.series)):
        own = rows[owner == number]
        incomplete = own[np.isnan(task.dataset.values[own]).any(axis=1)]
        own = incomplete if share == _AMID_GAPS and len(incomplete) else own
        limits.append(int(own[int(share * (len(own) - 1))]) if len(own) else None)
    return limits


def _rows_up_to(task: Task, limits: Limits) -> list[slice]:
    """Per series its rows up to the limit, counted over all series; all where it has none."""
    ends = np.cumsum([len(series) for series in task.dataset.series])
    return [
        slice(int(end) - len(series), int(end) if limit is None else limit + 1)
        for series, end, limit in zip(task.dataset.series, ends, limits, strict=True)
    ]


def _same_rows(tallies: Tallies, task: Task, other: Task, limits: Limits, *, when: str) -> bool:
    """Whether the series have the times they had; up to the limits their values are compared."""
    times = task.dataset.timestamps
    if not tallies.compare("rows.timestamps", times, other.dataset.timestamps, when=when, unit="rows"):
        return False
    for series, rows in zip(task.dataset.series, _rows_up_to(task, limits), strict=True):
        name = series.name

        def place(row: int, name: str = name, first: int = rows.start) -> str:
            return f"series {name}, {times[first + row].astype('datetime64[s]')}"

        found = (each.dataset.values[rows] for each in (task, other))
        tallies.compare("rows.values", *found, when=when, unit="rows", place=place)
    return True


def _starts_up_to(task: Task, split: str, limits: Limits) -> Numbers:
    """First rows of the windows of a split whose origin is not after its series' limit."""
    first, length = starts(task.windows[split]), task.windows[split].context_length
    within = [(first >= rows.start) & (first + length <= rows.stop) for rows in _rows_up_to(task, limits)]
    return first[np.logical_or.reduce(within)]


def _same_windows(tallies: Tallies, task: Task, other: Task, split: str, limits: Limits, *, when: str) -> None:
    """Values after an origin decide whether there is a window only by being missing altogether."""
    index, times = task.windows[split], task.dataset.timestamps
    found = [_starts_up_to(each, split, limits) for each in (task, other)]
    either = np.union1d(*found)
    horizon = either[:, None] + index.context_length + np.arange(index.horizon)
    for each in (task, other):
        target = each.dataset.values[np.minimum(horizon, len(times) - 1)][..., each.dataset.target_indices]
        observed = ~np.isnan(target).all(axis=(1, 2))
        either, horizon = either[observed], horizon[observed]

    def place(number: int) -> str:
        return f"origin {times[either[number] + index.context_length - 1].astype('datetime64[s]')}"

    tallies.compare(f"windows.{split}", *(np.isin(either, each) for each in found), when=when, place=place)


def _numbers_up_to(task: Task, other: Task, split: str, limits: Limits) -> Pair:
    """Numbers of some windows that both tasks have: the last before each limit, and some of all earlier ones."""
    own = _starts_up_to(task, split, limits)
    near = [own[(own >= rows.start) & (own < rows.stop)][-_NEAR:] for rows in _rows_up_to(task, limits)]
    spread = own[:: max(1, len(own) // _NEAR)]
    one, another = (starts(each.windows[split]) for each in (task, other))
    common, first, second = np.intersect1d(one, another, return_indices=True)
    chosen = np.isin(common, np.concatenate([*near, spread]))
    return first[chosen], second[chosen]


def _same_inputs(
    subject: Subject,
    tallies: Tallies,
    other: Task,
    split: str,
    pair: Pair,
    fitted: dict[str, Rival],
    *,
    when: str,
) -> None:
    task = subject.task
    place = of(subject.window(split), pair[0])

    def compare(prefix: str, made: Callable[[Task, Numbers], dict[str, Any]]) -> None:
        one, another = (made(each, numbers) for each, numbers in zip((task, other), pair, strict=True))
        for key, array in one.items():
            tallies.compare(f"{prefix}.{key}", array, another[key], when=when, place=place)

    def raw(each: Task, numbers: Numbers) -> dict[str, Any]:
        found = batches.gather_raw(each.dataset, each.windows[split], numbers)
        return {key: getattr(found, key) for key in ("values", "known_future", "origins", "series")}

    compare("scaled", lambda each, numbers: batches.gather(each.rows, each.windows[split], numbers).inputs)
    compare("raw", raw)
    few = [restricted(each, split, numbers) for each, numbers in zip((task, other), pair, strict=True)]
    same_cases(tallies, "rivals", few[0], few[1], split, when=when, place=place, without=["target"])
    for name, rival in fitted.items():
        found = (rival_forecasts.forecast(rival, each, split) for each in few)
        tallies.compare(f"rivals.{name}", *found, when=when, place=place)


def _same_forecast(
    subject: Subject, forecaster: Forecaster, tallies: Tallies, other: Task, split: str, pair: Pair, *, when: str
) -> None:
    last = [numbers[-_PASSES:] for numbers in pair]
    found = (
        forecasting.forecast_windows(
            forecaster,
            restricted(each, split, numbers),
            split,
            batch_size=subject.config.evaluation.batch_size,
        )[0]
        for each, numbers in zip((subject.task, other), last, strict=True)
    )
    place, tolerance = of(subject.window(split), last[0]), subject.forecast_tolerance
    tallies.compare("network.forecast", *found, when=when, place=place, tolerance=tolerance)
