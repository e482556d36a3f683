"""Windows made a second time: from times alone, row by row looked up on the clock.

It shares nothing with the pipeline's index but the series themselves and the configuration.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headway.config.train import TrainConfig
from headway.config.windows import SplitsSpec
from headway.data.clock import Clock
from headway.data.series import Dataset, Series
from headway.data.splits import SPLITS

Rows = NDArray[np.int64]
Values = NDArray[np.float64]
_STEPS_AT_ONCE = 1 << 20  # of windows that are looked at
_SECONDS = {"s": 1, "min": 60, "h": 3600, "D": 86_400, "W": 604_800}


def borders(length: int, splits: SplitsSpec) -> dict[str, tuple[int, int]]:
    """First row of each split of a series, and the row after its last; validation and test end a purge early."""
    sums = itertools.accumulate((splits.train, splits.validation, splits.test))
    ends = [min(total if isinstance(total, int) else round(total * length), length) for total in sums]
    return {
        "train": (0, max(ends[0] - splits.purge, 0)),
        "validation": (ends[0], max(ends[1] - splits.purge, ends[0])),
        "test": (ends[1], ends[2]),
    }


def ticks(times: NDArray[np.datetime64], clock: Clock) -> Rows:
    """Times as whole steps of a clock since the first."""
    if clock.unit == "M":
        months = times.astype("datetime64[M]").astype(np.int64)
        return (months - months[0]) // clock.count
    seconds = (times - times[0]).astype("timedelta64[s]").astype(np.int64)
    return seconds // (clock.count * _SECONDS[clock.unit])


def sample(count: int, most: int | None) -> Rows:
    """Positions of the windows that are taken of `count`: all, or of more than `most` one of each of as many equal stretches.

    Where in its stretch the n-th stands is what MurmurHash3's finaliser makes of n, without its last step.
    """
    if most is None or count <= most:
        return np.arange(count)
    hashed = np.arange(most, dtype=np.uint64) * np.uint64(0xFF51AFD7ED558CCD)
    hashed = (hashed ^ (hashed >> np.uint64(32))) * np.uint64(0xC4CEB9FE1A85EC53) >> np.uint64(32)
    edges = np.array([number * count // most for number in range(most + 1)])
    return edges[:-1] + hashed.astype(np.int64) % np.diff(edges)


def calendar(times: NDArray[np.datetime64], cycles: Mapping[str, int]) -> Values:
    """Sine and cosine of every harmonic of every cycle: times [...] -> [..., C]."""
    seconds = times.astype("datetime64[s]")
    midnight = seconds.astype("datetime64[D]")
    new_year = seconds.astype("datetime64[Y]")
    day = (seconds - midnight) / np.timedelta64(1, "D")
    year_length = (new_year + 1).astype("datetime64[D]") - new_year.astype("datetime64[D]")
    phases = {
        "hour": (seconds - seconds.astype("datetime64[h]")) / np.timedelta64(1, "h"),
        "day": day,
        "week": ((midnight.astype(np.int64) + 3) % 7 + day) / 7,  # 1970-01-01 was a Thursday
        "year": (seconds - new_year) / year_length,
    }
    angles = [2 * np.pi * harmonic * phases[name] for name, pairs in cycles.items() for harmonic in range(1, pairs + 1)]
    columns = [wave(angle) for angle in angles for wave in (np.sin, np.cos)]
    return np.stack(columns, axis=-1) if columns else np.zeros((*times.shape, 0))


@dataclass(frozen=True)
class Reconstruction:
    """The windows that a dataset must have under a configuration.

    Attributes:
        dataset: The series.
        config: Of the run.
    """

    dataset: Dataset
    config: TrainConfig

    @cached_property
    def offsets(self) -> list[int]:
        """Rows of all series before each."""
        return [0, *itertools.accumulate(len(series) for series in self.dataset.series)]

    @cached_property
    def ticks(self) -> list[Rows]:
        """Per series its times as steps of the clock."""
        return [ticks(series.timestamps, self.dataset.clock) for series in self.dataset.series]

    @cached_property
    def stretches(self) -> list[Rows]:
        """Per series and row the first row from which on no step of the clock is left out."""
        found = []
        for own in self.ticks:
            begins = np.concatenate([[True], np.diff(own) != 1])
            found.append(np.maximum.accumulate(np.where(begins, np.arange(len(own)), 0)))
        return found

    @cached_property
    def borders(self) -> list[dict[str, tuple[int, int]]]:
        """Per series the borders of its splits."""
        return [borders(len(series), self.config.splits) for series in self.dataset.series]

    @cached_property
    def windows(self) -> dict[str, tuple[Rows, Rows]]:
        """Split -> series [W] of its windows, and rows [W] of their origins within the series."""
        return {split: self._windows(split) for split in SPLITS}

    def arrays(self, split: str, numbers: Rows, *, history: int) -> dict[str, Any]:
        """Windows of a split by number, in the series' own units.

        Args:
            split: Which.
            numbers: [B].
            history: Rows L of the past.

        Returns:
            "values" [B, T, F], "target" [B, H, targets], "known_future" [B, T+H, K], "times" [B, T+H],
            "history" [B, L, targets], "series" [B].
        """
        owner, origins = (part[numbers] for part in self.windows[split])
        length, horizon = self.config.windows.context_length, self.config.windows.horizon
        features, targets = len(self.dataset.features), self.dataset.target_indices
        found: dict[str, Any] = {
            "values": np.empty((len(numbers), length, features)),
            "target": np.empty((len(numbers), horizon, len(targets))),
            "known_future": np.empty((len(numbers), length + horizon, len(self.dataset.known_future_columns))),
            "times": np.empty((len(numbers), length + horizon), "datetime64[s]"),
            "history": np.empty((len(numbers), history, len(targets))),
            "series": owner,
        }
        for number in np.unique(owner).tolist():
            series, own = self.dataset.series[number], owner == number
            context = self._rows(number, origins[own], np.arange(1 - length, 1))
            ahead = self._rows(number, origins[own], np.arange(1, horizon + 1))
            past = self._rows(number, origins[own], np.arange(1 - history, 1))
            span = np.concatenate([context, ahead], axis=1)
            found["values"][own] = series.values[context]
            found["target"][own] = series.values[ahead][..., targets]
            found["known_future"][own] = series.known_future[span]
            found["times"][own] = series.timestamps[span]
            known = past >= self.stretches[number][origins[own]][:, None]
            found["history"][own] = np.where(known[..., None], series.values[past][..., targets], np.nan)
        return found

    def _rows(self, number: int, origins: Rows, steps: Rows) -> Rows:
        """Rows [B, steps] of a series that lie some steps of the clock from origins [B]; -1 where there is none."""
        own = self.ticks[number]
        wanted = own[origins][:, None] + steps
        rows = np.minimum(np.searchsorted(own, wanted), len(own) - 1)
        return np.where(own[rows] == wanted, rows, -1)

    def _windows(self, split: str) -> tuple[Rows, Rows]:
        found = [self._origins(number, series, split) for number, series in enumerate(self.dataset.series)]
        owner = [np.full(len(rows), number) for number, rows in enumerate(found)]
        taken = sample(sum(map(len, found)), self.config.windows.most)
        return np.concatenate(owner)[taken], np.concatenate(found)[taken]

    def _origins(self, number: int, series: Series, split: str) -> Rows:
        """Rows of a series from which a split forecasts."""
        sizes, targets = self.config.windows, self.dataset.target_indices
        begin, end = self.borders[number][split]
        length, horizon = sizes.context_length, sizes.horizon
        origins = np.arange(max(begin, length) - 1, min(end, len(series)) - horizon)
        own, stretch = self.ticks[number], self.stretches[number]
        # Steps of the clock from first to last row, and no row twice: then all between are there.
        origins = origins[own[origins + horizon] - own[origins - length + 1] == length + horizon - 1]
        first = np.maximum(stretch[origins], begin - length)
        origins = origins[(origins - length + 1 - first) % sizes.stride == 0]
        observed = ~np.isnan(series.values[:, targets])
        kept = [origins[:0]]
        for part in np.array_split(origins, 1 + len(origins) * (length + horizon) // _STEPS_AT_ONCE):
            in_context = observed[self._rows(number, part, np.arange(1 - length, 1))]  # [W, T, targets]
            in_target = observed[self._rows(number, part, np.arange(1, horizon + 1))]  # [W, H, targets]
            kept.append(part[np.all(np.any(in_context, axis=1), axis=1) & np.any(in_target, axis=(1, 2))])
        return np.concatenate(kept)
