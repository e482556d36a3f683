"""The window index: which windows a split has, without holding them.

A window is context_length rows of context and the horizon rows after it, its target. It never
leaves a segment of a series. Its target lies in one split; its context may reach back into earlier
rows, so that validation and test start right at their border.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from headway.data.series import Dataset, Series
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
    """

    first: NDArray[np.int64]
    count: NDArray[np.int64]
    series: NDArray[np.int64]
    stride: int
    context_length: int
    horizon: int
    dropped: Mapping[str, int]

    def __len__(self) -> int:
        return int(self.count.sum())

    def starts(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """First context rows [B] of windows by number [B], counted over all series."""
        run = self._run(numbers)
        return self.first[run] + (numbers - self._before[run]) * self.stride

    def series_of(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Series indices [B] of windows by number [B]."""
        return self.series[self._run(numbers)]

    def _run(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.searchsorted(self._before, numbers, side="right") - 1

    @cached_property
    def _before(self) -> NDArray[np.int64]:
        """Windows before each run, to find a window's run by bisection."""
        return np.concatenate([[0], np.cumsum(self.count)])


def index_windows(
    dataset: Dataset, borders: Sequence[Borders], split: str, *, context_length: int, horizon: int, stride: int = 1
) -> WindowIndex:
    """Index the windows whose target lies in one split.

    Left out, and counted: windows that would cross a forbidden gap, whose target was never observed,
    or whose context holds no observed value of a target (there would be no last value to start from).

    Args:
        dataset: The series.
        borders: Borders of the splits per series.
        split: "train", "validation" or "test".
        context_length, horizon, stride: In rows.

    Returns:
        The index; empty where no window fits.
    """
    runs: list[tuple[int, int, int]] = []
    dropped = {"crosses a gap": 0, "target never observed": 0, "no target value in the context": 0}
    offset = 0
    for number, (series, border) in enumerate(zip(dataset.series, borders, strict=True)):
        begin, end = border[split]
        edges = [*series.segments, len(series)]
        fitting = max(0, -(-(min(end, len(series)) - horizon + 1 - max(begin, context_length)) // stride))
        kept = 0
        for segment, after in itertools.pairwise(edges):
            starts = np.arange(
                max(segment, begin - context_length), min(after, end) - context_length - horizon + 1, stride
            )
            kept += len(starts)
            has_target, has_context = _usable(series, dataset.target_indices, starts, context_length, horizon)
            dropped["target never observed"] += int((~has_target).sum())
            dropped["no target value in the context"] += int((has_target & ~has_context).sum())
            runs += [(offset + first, count, number) for first, count in _runs(starts, has_target & has_context)]
        dropped["crosses a gap"] += max(0, fitting - kept)
        offset += len(series)
    first, count, owner = np.array(runs, np.int64).reshape(-1, 3).T
    return WindowIndex(
        first, count, owner, stride, context_length, horizon, {reason: n for reason, n in dropped.items() if n}
    )


def _usable(
    series: Series, targets: list[int], starts: NDArray[np.int64], context_length: int, horizon: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether windows have any observed target value, and one of every target in their context."""
    before = np.concatenate([np.zeros((1, len(targets)), np.int64), np.cumsum(series.observed[:, targets], axis=0)])
    origin = starts + context_length
    in_target = before[origin + horizon] - before[origin]
    in_context = before[origin] - before[starts]
    return (in_target > 0).any(axis=1), (in_context > 0).all(axis=1)


def _runs(starts: NDArray[np.int64], kept: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First start and length of every stretch of kept windows."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], kept, [False]]).astype(np.int8)))
    return [(int(starts[begin]), int(end - begin)) for begin, end in zip(edges[::2], edges[1::2], strict=True)]
