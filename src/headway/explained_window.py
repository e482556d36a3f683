"""One window on request: what was seen, what was forecast, and what each step received of attention."""

import logging
from dataclasses import dataclass
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
        number: Of the window in the split.
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
        FoundWindow(split, int(number), int(owner))
        for split, index in task.windows.items()
        for number, owner in _ending_at(task, index, time)
        if owner in wanted
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
    index = task.windows[window.split]
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


def _ending_at(task: Task, index: WindowIndex, time: np.datetime64) -> list[tuple[int, int]]:
    """Number and series of the windows whose context ends at a time."""
    numbers = np.arange(len(index))
    rows = index.starts(numbers) + index.context_length - 1
    hits = numbers[task.dataset.timestamps[rows] == time]
    return list(zip(hits.tolist(), index.series_of(hits).tolist(), strict=True))


def _nearest(task: Task, time: np.datetime64, wanted: list[int]) -> str:
    ends: list[NDArray[np.datetime64]] = []
    for index in task.windows.values():
        numbers = np.arange(len(index))
        numbers = numbers[np.isin(index.series_of(numbers), wanted)]
        ends.append(task.dataset.timestamps[index.starts(numbers) + index.context_length - 1])
    every = np.concatenate(ends)
    if not len(every):
        return "this series has no window"
    nearest = every[np.abs(every - time).argmin()]
    first, last, nearest_text = (_when(one) for one in (every.min(), every.max(), nearest))
    return f"they end from {first} to {last}, the nearest at {nearest_text}"


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
