"""Rows after a border change nothing before it: what training sees, and what chooses weights and calibration."""

from typing import Any

import numpy as np

from headway import feeds, rival_forecasts
from headway.audit.comparisons import same_cases, same_feed, starts
from headway.audit.subject import Subject
from headway.audit.tallies import Tallies, column_at
from headway.data.profile import Profile
from headway.task import Task

_PROBE = "least_squares"  # of the rivals that learn: it takes no time


def training(subject: Subject, tallies: Tallies) -> None:
    """Compare what training sees before and after rows past the training border change."""
    task, config = subject.task, subject.config
    place = subject.window("train")
    batch_size = min(config.training.batch_size, len(task.windows["train"]))
    learned = _learned(task, task)
    for when, other in subject.changed_from(_begins(task, "train"), tallies):
        _same_fit(task, other, tallies, when=when)
        feed, changed = (feeds.training_feed(each, seed=config.seed, batch_size=batch_size) for each in (task, other))
        same_feed(tallies, "training", feed, changed, when=when, place=place)
        if tallies.compare("training.windows", *(starts(each.windows["train"]) for each in (task, other)), when=when):
            same_cases(tallies, "rivals", task, other, "train", when=when, place=place)
        words = subject.window("validation")
        tallies.compare(f"rivals.{_PROBE}", learned, _learned(other, task), when=when, place=words)


def choosing(subject: Subject, tallies: Tallies) -> None:
    """Compare what chooses weights and calibration before and after rows past the validation border change."""
    task, batch_size = subject.task, subject.config.evaluation.batch_size
    place = subject.window("validation")
    learned = _learned(task, task)
    passed = False
    for when, other in subject.changed_from(_begins(task, "validation"), tallies):
        feed, changed = (feeds.validation_feed(each, batch_size=batch_size) for each in (task, other))
        same_feed(tallies, "validation", feed, changed, when=when, place=place)
        index = (starts(each.windows["validation"]) for each in (task, other))
        if not tallies.compare("validation.windows", *index, when=when):
            continue
        same_cases(tallies, "rivals", task, other, "validation", when=when, place=place)
        tallies.compare(f"rivals.{_PROBE}", learned, _learned(other, other), when=when, place=place)
        if not passed:
            _same_calibration(subject, other, tallies, when=when)
            passed = True


def _begins(task: Task, split: str) -> list[np.datetime64 | None]:
    """Per series the time of the first row after a split's border; None where the series ends before."""
    return [
        series.timestamps[border[split][1]] if border[split][1] < len(series) else None
        for series, border in zip(task.dataset.series, task.borders, strict=True)
    ]


def _learned(trained_on: Task, judged_on: Task) -> Any:
    """Validation forecasts of a rival that learns."""
    return rival_forecasts.rival_forecasts(
        [_PROBE], trained_on=trained_on, judged_on=judged_on, split="validation", cache=None
    )[_PROBE]


def _same_fit(task: Task, other: Task, tallies: Tallies, *, when: str) -> None:
    """Compare what is fitted on training rows."""
    columns = {"scaler": task.dataset.features, "known_future_scaler": task.dataset.known_future_columns}
    for name, names in columns.items():
        for part in ("mean", "scale"):
            pair = (getattr(getattr(each, name), part) for each in (task, other))
            tallies.compare(f"{name}.{part}", *pair, when=when, unit="columns", place=column_at(names))
    cycles = ([f"{cycle} {pairs}" for cycle, pairs in each.cycles.items()] for each in (task, other))
    tallies.compare("calendar.cycles", *cycles, when=when, unit="cycles")
    one, another = (_profile_values(each.profile) for each in (task, other))
    for name, values in one.items():
        tallies.compare(f"profile.{name}", values, another[name], when=when, unit="numbers")


def _profile_values(profile: Profile) -> dict[str, list[float]]:
    columns = [
        value
        for one in profile.columns.values()
        for value in (one.rows, one.missing, one.lowest, one.highest, *one.edges, *one.shares)
    ]
    scales = [*profile.seasonal_scale, *profile.seasonal_square]
    return {"columns": columns, "seasonal_scale": [value for row in scales for value in row]}


def _same_calibration(subject: Subject, other: Task, tallies: Tallies, *, when: str) -> None:
    """Compare the calibration that the network's forecasts of all validation windows give."""
    calibrations = (subject.calibrated.calibration, subject.calibrated_on(other).calibration)
    offsets = [one.offsets for one in calibrations if one is not None]
    if offsets:
        tolerance = subject.forecast_tolerance
        tallies.compare("calibration.offsets", *offsets, when=when, unit="steps", tolerance=tolerance)
