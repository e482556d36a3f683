"""Batches: one vectorised gather from the one array of all series, no copy per window."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headway.data.calendar import calendar_features
from headway.data.scaling import Scaler
from headway.data.series import Dataset
from headway.data.windows import WindowIndex

Inputs = dict[str, NDArray[np.float32] | NDArray[np.int32]]


@dataclass(frozen=True)
class ScaledRows:
    """All rows of all series one below the other, as the model wants them.

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
    observed = ~np.isnan(values)
    return np.where(observed, scaler.scaled(values), np.float32(0)), observed.astype(np.float32)


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


def gather(rows: ScaledRows, index: WindowIndex, numbers: NDArray[np.int64]) -> Batch:
    """The windows of the given numbers [B] as a batch."""
    start = index.starts(numbers)[:, None]
    span = start + np.arange(index.context_length + index.horizon)
    context, horizon = span[:, : index.context_length], span[:, index.context_length :]
    targets = list(rows.targets)
    inputs: Inputs = {
        "context": rows.values[context],
        "observed": rows.observed[context],
        "known_future": rows.known_future[span],
        "series": index.series_of(numbers).astype(np.int32),
    }
    return Batch(inputs, rows.values[horizon][:, :, targets], rows.observed[horizon][:, :, targets])


def gather_raw(dataset: Dataset, index: WindowIndex, numbers: NDArray[np.int64]) -> RawWindows:
    """The windows of the given numbers [B] in the series' own units."""
    values = dataset.values
    start = index.starts(numbers)[:, None]
    span = start + np.arange(index.context_length + index.horizon)
    return RawWindows(
        values=values[span[:, : index.context_length]],
        known_future=dataset.known_future[span],
        origins=dataset.timestamps[start[:, 0] + index.context_length - 1],
        series=index.series_of(numbers),
        target=values[span[:, index.context_length :]][..., dataset.target_indices],
    )


def gather_history(
    dataset: Dataset, index: WindowIndex, numbers: NDArray[np.int64], *, length: int
) -> NDArray[np.float64]:
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
    first = _segment_starts(dataset)
    begin = first[np.searchsorted(first, origin, side="right") - 1][:, None]
    targets = dataset.values[:, dataset.target_indices]
    return np.where((past >= begin)[..., None], targets[np.maximum(past, 0)], np.nan)


def _segment_starts(dataset: Dataset) -> NDArray[np.int64]:
    """First rows of all segments, counted over all series one below the other."""
    starts: list[int] = []
    offset = 0
    for series in dataset.series:
        starts += [offset + row for row in series.segments]
        offset += len(series)
    return np.array(starts, np.int64)


def evenly_spaced(index: WindowIndex, count: int) -> NDArray[np.int64]:
    """Numbers of at most `count` windows, spread evenly and the same in every run."""
    return np.unique(np.linspace(0, max(len(index) - 1, 0), min(count, len(index))).round().astype(np.int64))


def permutation(count: int, *, seed: int, epoch: int) -> NDArray[np.int64]:
    """The order of window numbers in an epoch: a function of (seed, epoch) and nothing else."""
    generator = np.random.Generator(np.random.Philox(key=[seed, epoch]))
    return generator.permutation(count)


def all_numbers(index: WindowIndex, *, batch_size: int) -> Sequence[NDArray[np.int64]]:
    """All window numbers in order, cut into batches; the last one may be smaller."""
    return [np.arange(first, min(first + batch_size, len(index))) for first in range(0, len(index), batch_size)]
