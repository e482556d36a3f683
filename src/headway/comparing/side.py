"""The two sides of a comparison: what they must share, what may differ, and which windows both have."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from headway.config.train import TrainConfig
from headway.data.windows import WindowIndex
from headway.errors import StoredRunError
from headway.forecaster import Forecaster
from headway.stored import Stored
from headway.task import Task
from headway.tracking import Run

_SHARED = ("dataset.targets", "windows.horizon", "windows.stride", "splits")  # by key; and the data themselves
_LONGEST_NAME = 40  # characters, in a table or above a picture
_DIGITS = 12  # of a fingerprint


@dataclass(frozen=True)
class Side:
    """A stored run that is compared.

    Attributes:
        run: The run.
        config: Of its training, with what the command changes about its evaluation.
        task: What it was trained on.
        forecaster: What was trained.
    """

    run: Run
    config: TrainConfig
    task: Task
    forecaster: Forecaster


def refuse_unlike(first: tuple[Run, Stored], second: tuple[Run, Stored]) -> None:
    """Refuse two runs that do not forecast the same steps of the same data, or that are one run.

    The length of the context may differ, and how many windows are a sample of all.

    Raises:
        StoredRunError: With one message per difference, both values in it.
    """
    (own, stored), (other, others) = first, second
    if own.id == other.id:
        raise StoredRunError(f"both words of compare mean the run {own.id}; name two runs, by their ids say")
    settings, other_settings = (
        _flat(stored.config.model_dump(mode="json")),
        _flat(others.config.model_dump(mode="json")),
    )
    differing = {
        key: (_shown(settings.get(key)), _shown(other_settings.get(key)))
        for key in settings.keys() | other_settings.keys()
        if key.startswith(_SHARED) and settings.get(key) != other_settings.get(key)
    }
    if stored.fingerprint != others.fingerprint:
        differing["the data's fingerprint"] = (stored.fingerprint[:_DIGITS], others.fingerprint[:_DIGITS])
    if differing:
        raise StoredRunError(
            *(
                f"{key} is {one} in the run {own.id} and {another} in the run {other.id}; "
                "compare runs that forecast the same steps of the same data"
                for key, (one, another) in sorted(differing.items())
            )
        )


def names_of(first: Run, second: Run) -> tuple[str, str]:
    """Short names that tell two runs apart: of their names the words that differ, else the names, else their ids."""
    names = first.record.name, second.record.name
    words, others = (name.split() for name in names)
    apart = (
        " ".join(word for word in words if word not in others),
        " ".join(word for word in others if word not in words),
    )
    for one, another in (apart, names):
        if one and another and one != another and max(len(one), len(another)) <= _LONGEST_NAME:
            return one, another
    return first.id, second.id


def changed_settings(first: TrainConfig, second: TrainConfig) -> dict[str, tuple[str, str]]:
    """Key -> both values in words, of all settings that differ; where they were tracked is none of them."""
    own, other = (_flat(config.model_dump(mode="json", exclude={"tracking"})) for config in (first, second))
    keys = [*own, *(key for key in other if key not in own)]
    return {key: (_said(key, own), _said(key, other)) for key in keys if _said(key, own) != _said(key, other)}


def in_common(first: WindowIndex, second: WindowIndex) -> tuple[WindowIndex, WindowIndex]:
    """The windows with the same series and origin in two indices of the same data and stride.

    They are found run by run, in memory that grows with gaps. Where the indices are samples, the windows that both could
    have are sampled anew, as few as the smaller sample has: two samples of other windows would hardly meet.

    Returns:
        Two indices, of the first's windows and of the second's, that number the same origins alike.
    """
    # Rows are counted over all series: one names the series and the time. Runs are apart, and their rows rise.
    (begins, ends), (other_begins, other_ends) = _origins(first), _origins(second)
    low = np.searchsorted(other_ends, begins)
    meeting = np.searchsorted(other_begins, ends, side="right") - low
    own = np.repeat(np.arange(len(begins)), meeting)
    other = np.arange(len(own)) + np.repeat(low - np.cumsum(meeting) + meeting, meeting)
    # With a stride two runs may pass each other by.
    alike = (begins[own] - other_begins[other]) % first.stride == 0
    own, other = own[alike], other[alike]
    begin, end = np.maximum(begins[own], other_begins[other]), np.minimum(ends[own], other_ends[other])
    count = (end - begin) // first.stride + 1
    most = min((index.most for index in (first, second) if index.most is not None), default=None)
    return (
        replace(first, first=begin - first.context_length + 1, count=count, series=first.series[own], most=most),
        replace(second, first=begin - second.context_length + 1, count=count, series=second.series[other], most=most),
    )


def _origins(index: WindowIndex) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The last context rows [runs] of the first and of the last window of every run."""
    begins = index.first + index.context_length - 1
    return begins, begins + (index.count - 1) * index.stride


def _flat(settings: Mapping[str, object]) -> dict[str, object]:
    """Values by dotted key."""
    return dict(_leaves(settings, ""))


def _leaves(settings: Mapping[str, object], prefix: str) -> Iterator[tuple[str, object]]:
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _said(key: str, settings: Mapping[str, object]) -> str:
    return _shown(settings[key]) if key in settings else "not set"


def _shown(value: object) -> str:
    """A value as it is typed on the command line."""
    if isinstance(value, list):
        return f"[{','.join(map(_shown, value))}]"
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
