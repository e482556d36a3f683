"""The window index: which windows a split has, without holding them.

A window is context_length rows of context and the horizon rows after it, its target. It never
leaves a segment of a series. Its target lies in one split; its context may reach back into earlier
rows, so that validation and test start right at their border.
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from headway.data.order import spread
from headway.data.series import Dataset, Series, rows_at_once
from headway.data.splits import Borders


@dataclass(frozen=True)
class WindowIndex:
    """Runs of window starts: memory grows with gaps, not with windows.

    Attributes:
        first: [runs] first row of each run's first window, counted over all series one below the other.
        count: [runs] windows per run.
        series: [runs] index of the run's series.
        stride: Rows between the starts of neighbouring windows of a run.
        context_length, horizon: In rows.
        dropped: Reason -> windows that were left out for it.
        most: Of more windows, a sample of so many; None for all. The sample is numbered as if there were no others.
    """

    first: NDArray[np.int64]
    count: NDArray[np.int64]
    series: NDArray[np.int64]
    stride: int
    context_length: int
    horizon: int
    dropped: Mapping[str, int]
    most: int | None = None

    def __len__(self) -> int:
        return self.total if self.most is None else min(self.total, self.most)

    @cached_property
    def total(self) -> int:
        """Windows there are, sampled or not."""
        return int(self.count.sum())

    @property
    def words(self) -> str:
        """How many windows there are, and of how many where they are a sample."""
        return f"{len(self):,}" if len(self) == self.total else f"{len(self):,} of {self.total:,}"

    def starts(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """First context rows [B] of windows by number [B], counted over all series."""
        places = self._places(numbers)
        run = self._run(places)
        return self.first[run] + (places - self._before[run]) * self.stride

    def series_of(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Series indices [B] of windows by number [B]."""
        return self.series[self._run(self._places(numbers))]

    def _places(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Positions of windows by number among all windows."""
        return numbers if self.most is None else spread(numbers, count=self.total, most=self.most)

    def _run(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.searchsorted(self._before, places, side="right") - 1

    @cached_property
    def _before(self) -> NDArray[np.int64]:
        """Windows before each run, to find a window's run by bisection."""
        return np.concatenate([[0], np.cumsum(self.count)])


def index_windows(
    dataset: Dataset,
    borders: Sequence[Borders],
    split: str,
    *,
    context_length: int,
    horizon: int,
    stride: int = 1,
    most: int | None = None,
) -> WindowIndex:
    """Index the windows whose target lies in one split.

    Left out, and counted: windows that would cross a forbidden gap, whose target was never observed,
    or whose context holds no observed value of a target (there would be no last value to start from).
    Rows are looked at a chunk at a time.

    Args:
        dataset: The series.
        borders: Borders of the splits per series.
        split: "train", "validation" or "test".
        context_length, horizon, stride: In rows.
        most: Of more windows, a sample of so many; None for all.

    Returns:
        The index; empty where no window fits.
    """
    runs: list[NDArray[np.int64]] = []
    dropped = {"crosses a gap": 0, "target never observed": 0, "no target value in the context": 0}
    for number, (series, border, offset) in enumerate(zip(dataset.series, borders, dataset.begins, strict=True)):
        begin, end = border[split]
        edges = [*series.segments, len(series)]
        fitting = max(0, -(-(min(end, len(series)) - horizon + 1 - max(begin, context_length)) // stride))
        kept = 0
        for segment, after in itertools.pairwise(edges):
            starts = range(max(segment, begin - context_length), min(after, end) - context_length - horizon + 1, stride)
            kept += len(starts)
            found = [np.zeros((2, 0), np.int64)]
            for part in _parts(starts, context_length + horizon, series.values.shape[1]):
                has_target, has_context = _usable(series, dataset.target_indices, part, context_length, horizon)
                dropped["target never observed"] += int((~has_target).sum())
                dropped["no target value in the context"] += int((has_target & ~has_context).sum())
                found.append(_runs(part, has_target & has_context))
            first, count = _joined(np.concatenate(found, axis=1), stride)
            runs.append(np.stack([offset + first, count, np.full_like(first, number)]))
        dropped["crosses a gap"] += max(0, fitting - kept)
    first, count, owner = np.concatenate([np.zeros((3, 0), np.int64), *runs], axis=1)
    left_out = {reason: windows for reason, windows in dropped.items() if windows}
    return WindowIndex(first, count, owner, stride, context_length, horizon, left_out, most)


def _parts(starts: range, length: int, columns: int) -> Iterator[range]:
    """Window starts cut into parts, of whose rows the most are looked at once."""
    size = math.ceil(max(rows_at_once(columns), length) / starts.step)
    for first in range(0, len(starts), size):
        yield starts[first : first + size]


def _usable(
    series: Series, targets: list[int], starts: range, context_length: int, horizon: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether windows have any observed target value, and one of every target in their context."""
    missing = np.isnan(series.values[starts[0] : starts[-1] + context_length + horizon, targets])
    if not missing.any():
        every = np.ones(len(starts), np.bool_)
        return every, every
    before = np.concatenate([np.zeros((1, len(targets)), np.int64), np.cumsum(~missing, axis=0)])
    start = np.array(starts, np.int64) - starts[0]
    origin = start + context_length
    in_target = before[origin + horizon] - before[origin]
    in_context = before[origin] - before[start]
    return (in_target > 0).any(axis=1), (in_context > 0).all(axis=1)


def _runs(starts: range, kept: NDArray[np.bool_]) -> NDArray[np.int64]:
    """First start and length of every stretch of kept windows, [2, runs]."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], kept, [False]]).astype(np.int8)))
    return np.stack([starts.start + edges[::2] * starts.step, edges[1::2] - edges[::2]]).astype(np.int64)


def _joined(runs: NDArray[np.int64], stride: int) -> NDArray[np.int64]:
    """Runs [2, runs] of a segment, of which those that were cut where a part ended are one again."""
    first, count = runs
    if not len(first):
        return runs
    begins = np.flatnonzero(np.concatenate([[True], first[1:] != first[:-1] + count[:-1] * stride]))
    return np.stack([first[begins], np.add.reduceat(count, begins)])
