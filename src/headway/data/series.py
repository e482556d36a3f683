"""What a source hands on: series on one regular clock, missing values marked, nothing invented."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from headway.data.clock import Clock


@dataclass(frozen=True)
class Series:
    """One series.

    Attributes:
        name: Its name in the file's series column.
        timestamps: [time], rising. Neighbours are one step of the clock apart, except where a
            segment begins.
        values: [time, F] in the series' own units; NaN where nothing was observed.
        known_future: [time, K] columns known in advance, in their own units.
        segments: First rows of the stretches that no window may leave; begins with 0.
    """

    name: str
    timestamps: NDArray[np.datetime64]
    values: NDArray[np.float64]
    known_future: NDArray[np.float64]
    segments: tuple[int, ...] = (0,)

    def __post_init__(self) -> None:
        rows = len(self.timestamps)
        if len(self.values) != rows or len(self.known_future) != rows:
            raise ValueError(
                f"series {self.name!r}: {rows} timestamps, {len(self.values)} rows of values and "
                f"{len(self.known_future)} of known_future must agree"
            )

    def __len__(self) -> int:
        return len(self.timestamps)

    @property
    def observed(self) -> NDArray[np.bool_]:
        """[time, F], True where a value was observed."""
        return ~np.isnan(self.values)


@dataclass(frozen=True)
class Dataset:
    """All series of a file, and what they have in common.

    Attributes:
        name: The dataset's name.
        series: One or many.
        features: Names of the F columns of the context.
        targets: Names of the columns to forecast; each is a feature.
        known_future_columns: Names of the K columns known in advance.
        clock: The regular clock.
        season: Steps of one season.
        units: Column -> unit.
        notes: What the policies changed, in words, with counts.
        file: As configured, for messages; empty for what was never in a file.
    """

    name: str
    series: tuple[Series, ...]
    features: tuple[str, ...]
    targets: tuple[str, ...]
    known_future_columns: tuple[str, ...]
    clock: Clock
    season: int
    units: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    file: str = ""

    @property
    def origin(self) -> str:
        """What messages call it: the file as the user typed it, or the name of what has none."""
        return self.file or self.name

    @property
    def target_indices(self) -> list[int]:
        """Positions of the targets among the features."""
        return [self.features.index(target) for target in self.targets]

    @cached_property
    def values(self) -> NDArray[np.float64]:
        """[rows, F] of all series, one below the other."""
        return np.concatenate([series.values for series in self.series])

    @cached_property
    def known_future(self) -> NDArray[np.float64]:
        """[rows, K] of all series, one below the other."""
        return np.concatenate([series.known_future for series in self.series])

    @cached_property
    def timestamps(self) -> NDArray[np.datetime64]:
        """[rows] of all series, one below the other."""
        return np.concatenate([series.timestamps for series in self.series])

    @property
    def num_rows(self) -> int:
        """Rows of all series, inserted ones included."""
        return sum(len(series) for series in self.series)

    def fingerprint(self) -> str:
        """SHA-256 over names, times and values: what the model can see, whatever the file's format."""
        digest = hashlib.sha256()
        digest.update(repr((self.features, self.targets, self.known_future_columns, str(self.clock))).encode())
        for series in self.series:
            digest.update(repr((series.name, series.segments)).encode())
            digest.update(np.ascontiguousarray(series.timestamps.astype("datetime64[s]").astype("<i8")).tobytes())
            for values in (series.values, series.known_future):
                # One bit pattern for every missing value and one for zero.
                canonical = np.where(np.isnan(values), np.nan, values) + 0.0
                digest.update(np.ascontiguousarray(canonical.astype("<f8")).tobytes())
        return digest.hexdigest()
