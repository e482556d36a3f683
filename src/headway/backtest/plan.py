"""Where the origins of a backtest lie, and which rows are known, trained on and judged at each."""

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headway.config.backtest import BacktestSpec
from headway.config.windows import SplitsSpec
from headway.data.clock import Clock
from headway.data.series import Dataset
from headway.data.splits import Borders
from headway.errors import DataError


@dataclass(frozen=True)
class Origin:
    """One point in time at which forecasts begin: rows before it are known, rows from it on are not.

    Attributes:
        number: 0-based.
        time: Of the first row that is not known.
        refit: Number of the origin whose training is used; its own where it is trained afresh.
        borders: Per series. Training and validation rows are those of `refit`, the test rows those from
            this origin to the next and, for the last targets, the horizon beyond.
    """

    number: int
    time: np.datetime64
    refit: int
    borders: tuple[Borders, ...]

    @property
    def label(self) -> str:
        """Its time, as short as it can be said."""
        return _short(self.time)


def plan(
    spec: BacktestSpec,
    dataset: Dataset,
    splits: SplitsSpec,
    *,
    horizon: int,
    stored: tuple[tuple[Borders, ...], np.datetime64] | None = None,
) -> list[Origin]:
    """Lay out a backtest.

    Args:
        spec: How many origins, how far apart, on how many rows each is trained.
        dataset: The series.
        splits: How rows before an origin are divided into training and validation rows, and the purge.
        horizon: Steps of a forecast.
        stored: Borders of the stored training, and the last time it has seen, where `spec.refit` is 0; earlier
            origins would flatter it.

    Raises:
        DataError: If the origins do not fit into the data, or begin before what the forecaster has seen.
    """
    begin = min(series.timestamps[0] for series in dataset.series if len(series))
    last = max(series.timestamps[-1] for series in dataset.series if len(series))
    times = _times(spec, begin, _later(dataset.clock, last, 1))
    if stored is not None and times[0] <= stored[1]:
        raise DataError(
            f"backtest.refit=0 judges stored weights that have seen rows up to {_short(stored[1])}, but the first origin "
            f"is {_short(times[0])}; set a later backtest.first, fewer backtest.origins, a shorter backtest.every, or backtest.refit=1"
        )
    length = times[0] - begin if spec.train is None else None
    origins: list[Origin] = []
    for number, (time, after) in enumerate(itertools.pairwise(times)):
        refit = number - number % spec.refit if spec.refit else 0
        trained = times[refit]
        start = begin
        if spec.kind == "rolling":
            start = trained - length if spec.train is None else _later(Clock.parse(spec.train), trained, -1)
        borders = tuple(
            _borders(series.timestamps, (start, trained, time, after), splits, horizon) for series in dataset.series
        )
        if stored is not None:
            borders = tuple({**own, "test": new["test"]} for own, new in zip(stored[0], borders, strict=True))
        origins.append(Origin(number, time, refit, borders))
    return origins


def _later(clock: Clock, time: np.datetime64, steps: int) -> np.datetime64:
    found: np.datetime64 = clock.after(time, np.array([steps]))[0]
    return found


def _times(spec: BacktestSpec, begin: np.datetime64, end: np.datetime64) -> NDArray[np.datetime64]:
    """Times of all origins and, at the end, of where the last one's rows stop."""
    step, steps = Clock.parse(spec.every), np.arange(spec.origins + 1)
    begin, end = begin.astype("datetime64[s]"), end.astype("datetime64[s]")
    if spec.first is None:
        times = step.after(end, steps - spec.origins)
    else:
        times = step.after(np.datetime64(spec.first, "s"), steps)
        times[-1] = min(times[-1], end)
    if not begin < times[0] < end and spec.first is not None:
        raise DataError(
            f"backtest.first={spec.first} must lie after {_short(begin)}, with rows to train on before it, and before "
            f"the end of the data, {_short(end)}"
        )
    if not (begin < times[0] and times[-2] < end):
        many = np.arange(1, spec.origins)
        possible = int((step.after(end, -many) > begin).sum() if spec.first is None else (times[:-1] < end).sum())
        fewer = f"backtest.origins to {possible} or less or " if possible else ""
        raise DataError(
            f"{spec.origins} origins every {spec.every} do not fit between {_short(begin)} and {_short(end)} with rows to "
            f"train on before the first; set {fewer}a shorter backtest.every"
        )
    return times


def _borders(
    timestamps: NDArray[np.datetime64], times: tuple[np.datetime64, ...], splits: SplitsSpec, horizon: int
) -> Borders:
    """Borders of one series: training from times[0], validation up to times[1], test from times[2] to times[3]."""
    start, known, begin, end = (int(row) for row in np.searchsorted(timestamps, np.array(times)))
    share = splits.validation / (splits.train + splits.validation)
    middle = known - round((known - start) * share)
    # A forecast that begins on the last row before the next origin has its last targets beyond it.
    return {
        "train": (start, max(middle - splits.purge, start)),
        "validation": (middle, max(known - splits.purge, middle)),
        "test": (begin, min(end + horizon - 1, len(timestamps))),
    }


def _short(time: np.datetime64) -> str:
    return str(time.astype("datetime64[s]")).removesuffix(":00").removesuffix("T00:00")
