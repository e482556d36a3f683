"""Batches: one vectorised gather from the one array of all series, no copy per window."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from headway.data.calendar import calendar_features
from headway.data.order import shuffled as shuffled
from headway.data.scaling import Scaler
from headway.data.series import Dataset
from headway.data.windows import WindowIndex

Inputs = dict[str, NDArray[np.float32] | NDArray[np.int32]]
Numbers = NDArray[np.int64]


class Rows(Protocol):
    """All rows of all series one below the other, as the model wants them: what batches are gathered from."""

    @property
    def targets(self) -> tuple[int, ...]:
        """Positions of the targets among the features."""

    def features(self, rows: Numbers) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Rows by number [...] as (standardised, 0 where missing) and observed marks, each [..., F]."""

    def known(self, rows: Numbers) -> NDArray[np.float32]:
        """Calendar and columns known in advance of rows by number: [...] -> [..., C]."""


@dataclass(frozen=True, eq=False)
class ScaledRows:
    """Rows in memory, scaled once.

    Attributes:
        values: [rows, F] standardised, 0 where missing.
        observed: [rows, F], 1 where observed, else 0.
        known_future: [rows, C] calendar and columns known in advance.
        targets: Positions of the targets among the features.
    """

    values: NDArray[np.float32]
    observed: NDArray[np.float32]
    known_future: NDArray[np.float32]
    targets: tuple[int, ...]

    def features(self, rows: Numbers) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """See `Rows`."""
        return self.values[rows], self.observed[rows]

    def known(self, rows: Numbers) -> NDArray[np.float32]:
        """See `Rows`."""
        return self.known_future[rows]


@dataclass(frozen=True)
class RowsOnDisk:
    """Rows that stay in their file: those of a batch alone are read, scaled and marked, and given their calendar.

    Attributes:
        dataset: Whose rows; they are stored.
        scaler, known_scaler: Of its features and of its columns known in advance.
        cycles: Cycle -> harmonics of the calendar.
    """

    dataset: Dataset
    scaler: Scaler
    known_scaler: Scaler
    cycles: Mapping[str, int]

    @property
    def targets(self) -> tuple[int, ...]:
        """See `Rows`."""
        return tuple(self.dataset.target_indices)

    def features(self, rows: Numbers) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """See `Rows`."""
        return scale_values(self.dataset.values[rows], self.scaler)

    def known(self, rows: Numbers) -> NDArray[np.float32]:
        """See `Rows`."""
        dataset = self.dataset
        return known_future_inputs(dataset.timestamps[rows], dataset.known_future[rows], self.cycles, self.known_scaler)


@dataclass(frozen=True)
class Batch:
    """Windows as the model wants them.

    Attributes:
        inputs: "context" and "observed" [B, T, F], "known_future" [B, T+H, C], "series" [B].
        target: [B, H, targets] standardised, 0 where missing.
        target_observed: [B, H, targets], 1 where observed, else 0.
    """

    inputs: Inputs
    target: NDArray[np.float32]
    target_observed: NDArray[np.float32]


@dataclass(frozen=True)
class RawWindows:
    """Windows in the series' own units, for forecasting and judging.

    Attributes:
        values: [B, T, F], NaN where missing.
        known_future: [B, T+H, K] columns known in advance.
        origins: [B] times of the last context row.
        series: [B] indices of the series.
        target: [B, H, targets], NaN where missing.
    """

    values: NDArray[np.float64]
    known_future: NDArray[np.float64]
    origins: NDArray[np.datetime64]
    series: NDArray[np.int64]
    target: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.values)


def scale_values(values: NDArray[np.float64], scaler: Scaler) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Values [..., F] in their own units as (standardised, 0 where missing) and observed marks."""
    scaled = scaler.scaled(values)
    missing = np.isnan(scaled)
    scaled[missing] = 0
    return scaled, (~missing).astype(np.float32)


def known_future_inputs(
    timestamps: NDArray[np.datetime64], columns: NDArray[np.float64], cycles: Mapping[str, int], scaler: Scaler
) -> NDArray[np.float32]:
    """Covariates known in advance: [..., K] -> [..., C], calendar features, then scaled columns and their marks.

    Columns known in advance are missing only in rows that a gap of the clock left out.
    """
    return np.concatenate([calendar_features(timestamps, cycles), *scale_values(columns, scaler)], axis=-1)


def scale_rows(dataset: Dataset, scaler: Scaler, known_scaler: Scaler, cycles: Mapping[str, int]) -> ScaledRows:
    """Scale all rows once, so that a batch is a gather and nothing else."""
    values, observed = scale_values(dataset.values, scaler)
    known = known_future_inputs(dataset.timestamps, dataset.known_future, cycles, known_scaler)
    return ScaledRows(values, observed, known, tuple(dataset.target_indices))


def gather(rows: Rows, index: WindowIndex, numbers: Numbers) -> Batch:
    """The windows of the given numbers [B] as a batch."""
    start = index.starts(numbers)[:, None]
    span = start + np.arange(index.context_length + index.horizon)
    steps, targets = index.context_length, list(rows.targets)
    values, observed = rows.features(span)
    inputs: Inputs = {
        "context": values[:, :steps],
        "observed": observed[:, :steps],
        "known_future": rows.known(span),
        "series": index.series_of(numbers).astype(np.int32),
    }
    return Batch(inputs, values[:, steps:, targets], observed[:, steps:, targets])


def gather_raw(dataset: Dataset, index: WindowIndex, numbers: Numbers) -> RawWindows:
    """The windows of the given numbers [B] in the series' own units."""
    start = index.starts(numbers)[:, None]
    span = start + np.arange(index.context_length + index.horizon)
    return RawWindows(
        values=dataset.values[span[:, : index.context_length]],
        known_future=dataset.known_future[span],
        origins=dataset.timestamps[start[:, 0] + index.context_length - 1],
        series=index.series_of(numbers),
        target=gather_target(dataset, index, numbers),
    )


def gather_target(dataset: Dataset, index: WindowIndex, numbers: Numbers) -> NDArray[np.float64]:
    """What is to be forecast of the windows of the given numbers, [B, H, targets] in the targets' own units."""
    steps = index.context_length + np.arange(index.horizon)
    rows = index.starts(numbers)[:, None] + steps
    return dataset.values[rows[..., None], dataset.target_indices]


def gather_history(dataset: Dataset, index: WindowIndex, numbers: Numbers, *, length: int) -> NDArray[np.float64]:
    """The last rows of the targets up to the origins, in their own units.

    Args:
        dataset: The series.
        index: The windows.
        numbers: Window numbers [B].
        length: Rows L to hand on, counted back from the origin.

    Returns:
        [B, L, targets]; NaN where missing and before the origin's segment began.
    """
    origin = index.starts(numbers) + index.context_length - 1
    past = origin[:, None] + np.arange(1 - length, 1)
    first = dataset.segment_starts
    begin = first[np.searchsorted(first, origin, side="right") - 1][:, None]
    targets = dataset.values[np.maximum(past, 0)[..., None], dataset.target_indices]
    return np.where((past >= begin)[..., None], targets, np.nan)


def evenly_spaced(index: WindowIndex, count: int) -> Numbers:
    """Numbers of at most `count` windows, spread evenly and the same in every run."""
    return np.unique(np.linspace(0, max(len(index) - 1, 0), min(count, len(index))).round().astype(np.int64))


def all_numbers(index: WindowIndex, *, batch_size: int) -> Iterator[Numbers]:
    """All window numbers in order, batch by batch; the last one may be smaller."""
    for first in range(0, len(index), batch_size):
        yield np.arange(first, min(first + batch_size, len(index)))
