"""How errors are cut into slices: by series, by the time of the step ahead, by what a feature was."""

import difflib
import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from headway.data.profile import ColumnProfile
from headway.data.windows import WindowIndex
from headway.errors import DataError
from headway.evaluation.forecasts import Slicing
from headway.task import Task

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
    numbers = np.arange(len(index))
    rows = index.starts(numbers) + index.context_length - 1
    found = {
        "series": Slicing(
            tuple(series.name for series in task.dataset.series), index.series_of(numbers)[:, None].astype(np.int32)
        )
    }
    for name in names:
        if name in TIMES:
            origins = task.dataset.timestamps[rows]
            found[name] = _by_time(name, task.dataset.clock.after(origins[:, None], np.arange(1, index.horizon + 1)))
        else:
            column = task.dataset.features.index(name)
            found[name] = _by_value(task.dataset.values[rows, column], task.profile.columns[name])
    return found


def _by_time(name: str, times: NDArray[np.datetime64]) -> Slicing:
    """Slices of the times of target values [W, H], UTC as the file's clock."""
    if name == "hour":
        codes = times.astype("datetime64[h]").astype(np.int64) % 24
    elif name == "weekday":
        codes = (times.astype("datetime64[D]").astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
    else:
        codes = times.astype("datetime64[M]").astype(np.int64)
    present, positions = np.unique(codes, return_inverse=True)
    labels = tuple(_label(name, int(code)) for code in present)
    return Slicing(labels, positions.reshape(times.shape).astype(np.int32))


def _label(name: str, code: int) -> str:
    if name == "month":
        return str(np.datetime64(code, "M"))
    return f"{code:02d}" if name == "hour" else _WEEKDAYS[code]


def _by_value(values: NDArray[np.float64], training: ColumnProfile) -> Slicing:
    """Slices of a feature at the origin [W] at the quartiles of its training rows."""
    edges = [edge for edge in training.quartiles if edge < training.highest]
    words = _told_apart(edges)
    labels = [f"up to {words[0]}", *(f"{low} to {high}" for low, high in itertools.pairwise(words))] if words else []
    labels += [f"above {words[-1]}" if words else "any", "missing"]
    codes = np.searchsorted(np.array(edges), values, side="left")
    return Slicing(tuple(labels), np.where(np.isnan(values), len(labels) - 1, codes)[:, None].astype(np.int32))


def _told_apart(edges: Sequence[float]) -> list[str]:
    """Edges in as few digits as tell them apart, whole parts in full: a label must name one slice."""
    for digits in range(4, 18):
        words = [f"{edge:.{max(digits, min(len(f'{abs(edge):.0f}'), 15))}g}" for edge in edges]
        if len(set(words)) == len(words):
            break
    return words
