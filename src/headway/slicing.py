"""How errors are cut into slices: by series, by the time of the step ahead, by what a feature was."""

import difflib
import itertools
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from headway.data import batches
from headway.data.windows import WindowIndex
from headway.errors import DataError
from headway.evaluation.forecasts import Slicing
from headway.task import Task

_WINDOWS_AT_ONCE = 65_536
TIMES = ("hour", "weekday", "month")
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def refuse_unknown(names: tuple[str, ...], features: tuple[str, ...]) -> None:
    """Refuse a slice that is neither a unit of time nor a feature.

    Raises:
        DataError: Naming what there is.
    """
    for name in names:
        if name not in TIMES and name not in features:
            close = difflib.get_close_matches(name, (*TIMES, *features), n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise DataError(
                f"evaluation.slices names {name!r}; besides series, which is always there, there are "
                f"{', '.join(TIMES)} and the features {', '.join(features)}{hint}"
            )


def slicings(names: tuple[str, ...], task: Task, index: WindowIndex) -> dict[str, Slicing]:
    """The slicings of an index by name, series first.

    Raises:
        DataError: If a name is neither a unit of time nor a feature.
    """
    refuse_unknown(names, task.dataset.features)
    owners = _by_part(index, 1, lambda numbers: index.series_of(numbers)[:, None])
    found = {"series": Slicing(tuple(series.name for series in task.dataset.series), owners)}
    for name in names:
        found[name] = _by_time(name, task, index) if name in TIMES else _by_value(name, task, index)
    return found


def _by_part(
    index: WindowIndex, columns: int, code: Callable[[NDArray[np.int64]], NDArray[np.int64]]
) -> NDArray[np.int32]:
    """Codes [W, columns] of all windows, found a few thousand at a time."""
    codes = np.empty((len(index), columns), np.int32)
    for numbers in batches.all_numbers(index, batch_size=_WINDOWS_AT_ONCE):
        codes[numbers] = code(numbers)
    return codes


def _by_time(name: str, task: Task, index: WindowIndex) -> Slicing:
    """Slices of the times of target values, UTC as the file's clock."""
    dataset, steps = task.dataset, np.arange(1, index.horizon + 1)

    def code(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        return _time_codes(name, dataset.clock.after(dataset.timestamps[_origins(index, numbers)][:, None], steps))

    codes = _by_part(index, index.horizon, code)
    if not codes.size:
        return Slicing((), codes)
    first = codes.min()
    codes -= first
    occurs = np.bincount(codes.ravel()) > 0
    place = (np.cumsum(occurs) - 1).astype(np.int32)
    for numbers in batches.all_numbers(index, batch_size=_WINDOWS_AT_ONCE):
        codes[numbers] = place[codes[numbers]]
    return Slicing(tuple(_label(name, int(found + first)) for found in np.flatnonzero(occurs)), codes)


def _origins(index: WindowIndex, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows of the origins [B], counted over all series."""
    return index.starts(numbers) + index.context_length - 1


def _time_codes(name: str, times: NDArray[np.datetime64]) -> NDArray[np.int64]:
    if name == "hour":
        return times.astype("datetime64[h]").astype(np.int64) % 24
    if name == "weekday":
        return (times.astype("datetime64[D]").astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
    return times.astype("datetime64[M]").astype(np.int64)


def _label(name: str, code: int) -> str:
    if name == "month":
        return str(np.datetime64(code, "M"))
    return f"{code:02d}" if name == "hour" else _WEEKDAYS[code]


def _by_value(name: str, task: Task, index: WindowIndex) -> Slicing:
    """Slices of a feature at the origin [W] at the quartiles of its training rows."""
    training, column = task.profile.columns[name], task.dataset.features.index(name)
    edges = [edge for edge in training.quartiles if edge < training.highest]
    words = _told_apart(edges)
    labels = [f"up to {words[0]}", *(f"{low} to {high}" for low, high in itertools.pairwise(words))] if words else []
    labels += [f"above {words[-1]}" if words else "any", "missing"]

    def code(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        values = task.dataset.values[_origins(index, numbers), column]
        codes = np.searchsorted(np.array(edges), values, side="left")
        return np.where(np.isnan(values), len(labels) - 1, codes)[:, None]

    return Slicing(tuple(labels), _by_part(index, 1, code))


def _told_apart(edges: Sequence[float]) -> list[str]:
    """Edges in as few digits as tell them apart, whole parts in full: a label must name one slice."""
    for digits in range(4, 18):
        words = [f"{edge:.{max(digits, min(len(f'{abs(edge):.0f}'), 15))}g}" for edge in edges]
        if len(set(words)) == len(words):
            break
    return words
