"""One window on request: what was seen, what was forecast, and what each step received of attention."""

import logging
from bisect import bisect_left
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tabulate import tabulate

from headway import files
from headway.attention import maps
from headway.data import batches
from headway.data.windows import WindowIndex
from headway.errors import DataError
from headway.forecaster import Forecaster
from headway.report import offsets
from headway.report.attention_window import attention_window
from headway.report.png import png
from headway.task import Task

FOLDER = "windows"
_MOST_SERIES = 4  # drawn where none is named
_MOST_NAMES = 20  # of series in a message
_LONGEST_NAME = 40  # of a series in the name of a file

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FoundWindow:
    """A window of a task.

    Attributes:
        split: That its target lies in.
        number: Of the window among all of the split, whether a sample of them has it or not.
        series: Position of its series.
    """

    split: str
    number: int
    series: int


def find_windows(task: Task, at: str, series: str | None) -> list[FoundWindow]:
    """The windows whose context ends at a time: of one series, or of the first few.

    Args:
        task: Whose windows.
        at: The time of the last step seen, as ISO 8601 without a zone, in UTC.
        series: Name of the series, or None for all.

    Raises:
        DataError: No window ends there, or there is no such series.
    """
    names = [one.name for one in task.dataset.series]
    if series is not None and series not in names:
        shown = ", ".join(names[:_MOST_NAMES]) + (", ..." if len(names) > _MOST_NAMES else "")
        raise DataError(f"attention.series={series!r} is no series of {task.dataset.name}: there are {shown}")
    time = np.datetime64(datetime.fromisoformat(at), "s")
    wanted = [names.index(series)] if series is not None else list(range(len(names)))
    found = [
        FoundWindow(split, number, owner)
        for split, index in _every(task).items()
        for owner in wanted
        for number in _ending_at(task, index, owner, time)
    ]
    if not found:
        raise DataError(f"no window's context ends at {at}: {_nearest(task, time, wanted)}")
    if len(found) > _MOST_SERIES:
        log.info(
            "%d series have such a window; %d are drawn, and attention.series=NAME draws one",
            len(found),
            _MOST_SERIES,
        )
    return sorted(found, key=lambda window: window.series)[:_MOST_SERIES]


def explain_window(forecaster: Forecaster, task: Task, window: FoundWindow, folder: Path) -> tuple[str, str]:
    """Draw a window into `windows/` of a run's folder.

    Returns:
        The picture's path relative to the folder, and the numbers as text.
    """
    index = _every(task)[window.split]
    number = np.array([window.number])
    raw = batches.gather_raw(task.dataset, index, number)
    inputs = forecaster.inputs(raw.values, origins=raw.origins, series=raw.series, known_future=raw.known_future)
    scores = forecaster.attention_scores(inputs)[0]
    by_head = maps.received(scores, forecaster.network.spec.readout)  # [L, N, T, S] -> [L, N, S]
    received = by_head.mean(axis=(0, 1))
    quantiles = forecaster.forecast(raw.values, origins=raw.origins, series=raw.series, known_future=raw.known_future)[
        0, :, 0
    ]
    target = forecaster.targets[0]
    position = forecaster.features.index(target)
    times = forecaster.clock.after(raw.origins[0], np.arange(1 - index.context_length, 1))
    scaled = np.where(inputs["observed"][0] > 0, inputs["context"][0], np.nan)
    values = {
        name: raw.values[0, :, place] if place == position else scaled[:, place]
        for place, name in enumerate(forecaster.features)
    }
    name = forecaster.series[window.series]
    when = _when(raw.origins[0])
    figure = attention_window(
        values,
        by_head,
        times=times,
        clock=forecaster.clock.step,
        title=f"{name}, {when.replace('T', ' ')}: a {window.split} window",
        target=target,
        unit=forecaster.units.get(target, ""),
        forecast=quantiles,
        levels=np.array(forecaster.levels),
        actual=raw.target[0, :, 0],
        received=received,
    )
    # The number tells names apart that are alike once they are cut and cleaned.
    readable = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in name[:_LONGEST_NAME])
    path = f"{FOLDER}/{when.replace(':', '')}_{window.series}_{readable}.png"
    (folder / FOLDER).mkdir(exist_ok=True)
    files.write(folder / path, png(figure))
    return path, f"{name}, {when}, {window.split} split\n\n{_table(forecaster, raw, times, received)}"


def _every(task: Task) -> dict[str, WindowIndex]:
    """Split -> all its windows: who asks for a time means it, and a sample would seldom have it."""
    return {split: replace(index, most=None) for split, index in task.windows.items()}


def _ending_at(task: Task, index: WindowIndex, series: int, time: np.datetime64) -> list[int]:
    """Number of the window of a series whose context ends at a time, if there is one."""
    number, windows = _ending_from(task, index, series, time)
    return [number] if number in windows and _end(task, index, number) == time else []


def _nearest(task: Task, time: np.datetime64, wanted: list[int]) -> str:
    ends: list[np.datetime64] = []
    for index in _every(task).values():
        for series in wanted:
            number, windows = _ending_from(task, index, series, time)
            if windows:
                candidates = (windows[0], max(number - 1, windows[0]), min(number, windows[-1]), windows[-1])
                ends += [_end(task, index, candidate) for candidate in candidates]
    if not ends:
        return "this series has no window"
    nearest = min(ends, key=lambda end: abs(end - time))
    first, last, nearest_text = (_when(one) for one in (min(ends), max(ends), nearest))
    return f"they end from {first} to {last}, the nearest at {nearest_text}"


def _ending_from(task: Task, index: WindowIndex, series: int, time: np.datetime64) -> tuple[int, range]:
    """Number of the first window of a series whose context ends at a time or later, and the numbers of them all.

    Times rise within a series and rows with the numbers of windows, so that both are found by bisection.
    """
    times, begin = task.dataset.series[series].timestamps, int(task.dataset.begins[series])
    row = int(np.searchsorted(times, time.astype(times.dtype)))
    borders = (begin, begin + row - index.context_length + 1, begin + len(times))
    first, number, after = (
        bisect_left(range(len(index)), border, key=lambda number: int(index.starts(np.array([number]))[0]))
        for border in borders
    )
    return number, range(first, after)


def _end(task: Task, index: WindowIndex, number: int) -> np.datetime64:
    """The time of the last step that a window has seen."""
    time: np.datetime64 = task.dataset.timestamps[index.starts(np.array([number]))[0] + index.context_length - 1]
    return time


def _table(
    forecaster: Forecaster, raw: batches.RawWindows, times: NDArray[np.datetime64], received: NDArray[np.float32]
) -> str:
    length = len(received)
    lags = offsets.offset_labels(range(1 - length, 1), clock=forecaster.clock.step)
    rows = [
        [lag, _when(time), f"{weight * length:.2f}", *map(_number, values)]
        for lag, time, weight, values in zip(lags, times, received, raw.values[0], strict=True)
    ]
    head = ["lag", "time", "attention x T", *forecaster.features]
    return tabulate(rows, head, stralign="right", disable_numparse=True)


def _number(value: float) -> str:
    # A calm wind is some 1e-16 after its components are computed.
    return f"{round(value, 12) + 0.0:.4g}"


def _when(time: np.datetime64) -> str:
    """A time to the minute, or to the second where it has seconds."""
    minute = time.astype("datetime64[m]")
    return str(minute if minute == time else time.astype("datetime64[s]"))
