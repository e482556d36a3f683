"""A forecasting task: a dataset cut by time, its windows, and what was fitted on training rows."""

import hashlib
import itertools
import json
import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from headway.config.dataset import DatasetSpec
from headway.config.windows import SplitsSpec, WindowsSpec
from headway.data.batches import RowsOnDisk, ScaledRows, scale_rows
from headway.data.calendar import cycles_for
from headway.data.profile import ColumnProfile, Profile, sampled, seasonal_scales
from headway.data.scaling import Scaler, fit_scalers, training_rows
from headway.data.series import Dataset, Series, chunks
from headway.data.splits import SPLITS, Borders, split
from headway.data.windows import WindowIndex, index_windows
from headway.errors import DataError
from headway.models.shape import TaskShape

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task:
    """What a model is trained and judged on.

    Attributes:
        dataset: The series.
        borders: Borders of the splits, per series.
        windows: Split -> its windows.
        scaler, known_future_scaler: Fitted on training rows only.
        cycles: Cycle -> harmonics of the calendar.
        trained_profile: Of the rows a forecaster was trained on, where these are others.
    """

    dataset: Dataset
    borders: tuple[Borders, ...]
    windows: Mapping[str, WindowIndex]
    scaler: Scaler
    known_future_scaler: Scaler
    cycles: Mapping[str, int]
    trained_profile: Profile | None = None

    @property
    def shape(self) -> TaskShape:
        """The sizes a model must have for this task."""
        index = self.windows["train"]
        calendar = 2 * sum(self.cycles.values())
        return TaskShape(
            context_length=index.context_length,
            horizon=index.horizon,
            num_features=len(self.dataset.features),
            targets=tuple(self.dataset.target_indices),
            num_known_future=calendar + 2 * len(self.dataset.known_future_columns),  # values and marks
            num_series=len(self.dataset.series),
        )

    @cached_property
    def rows(self) -> ScaledRows | RowsOnDisk:
        """All rows as the model sees them: scaled once in memory, or batch by batch where they stay in their file."""
        if self.dataset.is_stored:
            return RowsOnDisk(self.dataset, self.scaler, self.known_future_scaler, self.cycles)
        return scale_rows(self.dataset, self.scaler, self.known_future_scaler, self.cycles)

    @cached_property
    def profile(self) -> Profile:
        """How the training rows were distributed; of more than a million rows, a sample of them."""
        if self.trained_profile is not None:
            return self.trained_profile
        dataset = self.dataset
        num_rows = sum(border["train"][1] - border["train"][0] for border in self.borders)
        columns = dict(zip(dataset.features, sampled(training_rows(dataset, self.borders), num_rows).T, strict=True))
        known = sampled(training_rows(dataset, self.borders, known_future=True), num_rows).T
        columns |= dict(zip(dataset.known_future_columns, known, strict=True))
        pairs = list(zip(dataset.series, self.borders, strict=True))
        scales = []
        for series, border in pairs:
            pieces = (rows[:, dataset.target_indices] for rows in _apart(series, *border["train"], dataset))
            scales.append(seasonal_scales(pieces, dataset.season))
        ends = [(series, max(border["train"][1], border["validation"][1])) for series, border in pairs]
        return Profile(
            columns={name: ColumnProfile.of(values) for name, values in columns.items()},
            last_time={series.name: str(series.timestamps[end - 1]) for series, end in ends if end},
            seasonal_scale=[absolute.tolist() for absolute, _ in scales],
            seasonal_square=[square.tolist() for _, square in scales],
        )

    def identity(self, splits: SplitsSpec) -> str:
        """A digest that two runs share if their validation scores may be compared."""
        index = self.windows["train"]
        sizes = [index.context_length, index.horizon, index.stride, index.most]
        parts = [self.dataset.fingerprint(), splits.model_dump(), *sizes]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

    def question(self, splits: SplitsSpec) -> str:
        """A digest that two runs share if they forecast the same steps, whatever they see of the past.

        A longer context crosses more gaps, so that some windows fall away: the scores are of nearly the same windows.
        """
        index = self.windows["train"]
        parts = [self.dataset.fingerprint(), splits.model_dump(), index.horizon, index.stride, index.most]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def prepare(
    dataset: Dataset,
    *,
    dataset_spec: DatasetSpec,
    splits: SplitsSpec,
    windows: WindowsSpec,
    borders: tuple[Borders, ...] | None = None,
) -> Task:
    """Cut a dataset by time, index its windows and fit the scalers on its training rows.

    Args:
        dataset: The series.
        dataset_spec, splits, windows: The groups of the configuration.
        borders: Per series, instead of what `splits` says.

    Raises:
        DataError: If a split holds no window, or a target cannot be learned from.
    """
    borders = borders or split(dataset, **splits.model_dump())
    indices = {name: index_windows(dataset, borders, name, **windows.model_dump()) for name in SPLITS}
    # A target that cannot be learned from is the better explanation of a split without windows.
    scaler, known_future_scaler = fit_scalers(dataset, borders)
    _refuse_empty(dataset, indices, windows)
    counts = ", ".join(f"{name} {index.words}" for name, index in indices.items())
    log.info("%s: windows: %s", dataset.name, counts)
    for name, index in indices.items():
        for reason, count in index.dropped.items():
            log.info("%s: %s windows left out: %s: %s", dataset.name, name, reason, f"{count:,}")
    cycles = cycles_for(dataset.clock, {str(cycle): pairs for cycle, pairs in dataset_spec.calendar.items()})
    return Task(dataset, borders, indices, scaler, known_future_scaler, cycles)


def name_windows(task: Task, split: str, numbers: NDArray[np.int64]) -> str:
    """Which windows of a split the numbers [B] are, in words: series, times, and rows of the series counted from 1."""
    index, dataset = task.windows[split], task.dataset
    begins = dataset.begins
    words = []
    for number, start, place in zip(numbers, index.starts(numbers), index.series_of(numbers), strict=True):
        first, last = int(start - begins[place]), int(start - begins[place]) + index.context_length + index.horizon - 1
        series = dataset.series[place]
        times = f"{series.timestamps[first]} to {series.timestamps[last]}"
        words.append(f"window {number} ({series.name}, {times}, rows {first + 1} to {last + 1})")
    return "; ".join(words)


def _refuse_empty(dataset: Dataset, indices: Mapping[str, WindowIndex], windows: WindowsSpec) -> None:
    if all(len(index) for index in indices.values()):
        return
    counts = ", ".join(f"{name} {len(index):,}" for name, index in indices.items())
    rows = ", ".join(f"{series.name} {len(series)}" for series in dataset.series[:4])
    left_out = sum((Counter(index.dropped) for index in indices.values()), Counter[str]())
    reasons = "".join(f"; {reason}: {count:,}" for reason, count in left_out.items())
    raise DataError(
        f"{dataset.origin}: a split holds no window of {windows.context_length} + {windows.horizon} rows ({counts}; "
        f"rows: {rows}{reasons}); lower windows.context_length or windows.horizon, or give more rows"
    )


def _apart(series: Series, begin: int, end: int, dataset: Dataset) -> Iterator[NDArray[np.float64]]:
    """Rows of a series in pieces in which no difference to a season before reaches across a gap.

    In memory one piece, with a season of missing rows before each segment; of a file, chunks of each segment with the
    season before them.
    """
    gaps = np.array([row - begin for row in series.segments if begin < row < end], np.int64)
    if not dataset.is_stored:
        yield np.insert(series.values[begin:end], np.repeat(gaps, dataset.season), np.nan, axis=0)
        return
    yield series.values[:0]
    for segment, after in itertools.pairwise([begin, *(gaps + begin), end]):
        for first, last in chunks(segment, after, columns=series.values.shape[1]):
            yield series.values[max(first - dataset.season, segment) : last]
