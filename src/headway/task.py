"""A forecasting task: a dataset cut by time, its windows, and what was fitted on training rows."""

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from headway.config.dataset import DatasetSpec
from headway.config.windows import SplitsSpec, WindowsSpec
from headway.data.calendar import cycles_for
from headway.data.scaling import Scaler, fit_scalers
from headway.data.series import Dataset
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
    """

    dataset: Dataset
    borders: tuple[Borders, ...]
    windows: Mapping[str, WindowIndex]
    scaler: Scaler
    known_future_scaler: Scaler
    cycles: Mapping[str, int]

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

    def identity(self, splits: SplitsSpec) -> str:
        """A digest that two runs share if their validation scores may be compared."""
        index = self.windows["train"]
        parts = [self.dataset.fingerprint(), splits.model_dump(), index.context_length, index.horizon, index.stride]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def prepare(dataset: Dataset, *, dataset_spec: DatasetSpec, splits: SplitsSpec, windows: WindowsSpec) -> Task:
    """Cut a dataset by time, index its windows and fit the scalers on its training rows.

    Raises:
        DataError: If a split holds no window, or a target cannot be learned from.
    """
    borders = split(dataset, **splits.model_dump())
    indices = {name: index_windows(dataset, borders, name, **windows.model_dump()) for name in SPLITS}
    # A target that cannot be learned from is the better explanation of a split without windows.
    scaler, known_future_scaler = fit_scalers(dataset, borders)
    counts = ", ".join(f"{name} {len(index):,}" for name, index in indices.items())
    if not all(len(index) for index in indices.values()):
        rows = ", ".join(f"{series.name} {len(series)}" for series in dataset.series[:4])
        left_out = sum((Counter(index.dropped) for index in indices.values()), Counter[str]())
        reasons = "".join(f"; {reason}: {count:,}" for reason, count in left_out.items())
        raise DataError(
            f"{dataset.name}: a split holds no window of {windows.context_length} + {windows.horizon} rows ({counts}; "
            f"rows: {rows}{reasons}); lower windows.context_length or windows.horizon, or give more rows"
        )
    log.info("%s: windows: %s", dataset.name, counts)
    for name, index in indices.items():
        for reason, count in index.dropped.items():
            log.info("%s: %s windows left out: %s: %s", dataset.name, name, reason, f"{count:,}")
    return Task(
        dataset,
        borders,
        indices,
        scaler,
        known_future_scaler,
        cycles_for(dataset.clock, {str(cycle): pairs for cycle, pairs in dataset_spec.calendar.items()}),
    )
