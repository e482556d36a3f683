"""What is audited: a file, its configuration, and the forecaster that came of them."""

import contextlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from headway import forecasting
from headway import task as tasks
from headway.audit.comparisons import unsampled
from headway.audit.perturbation import KINDS, perturbed
from headway.audit.room import refuse_too_large
from headway.audit.tallies import Place, Tallies
from headway.config.train import TrainConfig
from headway.data import assemble, sources
from headway.data.columns import component_sources, derived
from headway.data.contract import Table
from headway.data.series import Dataset, Series, StoredRows, fingerprint
from headway.data.windows import WindowIndex
from headway.errors import DataError
from headway.forecaster import Forecaster
from headway.task import Task

Times = NDArray[np.datetime64]
_TOLERANCE = {"float32": 1e-4}  # of a forecast, in the target's deviations: rounding differs with the batch
_COARSE = 0.1  # of a forecast in half precision


@dataclass(frozen=True)
class Subject:
    """What is audited.

    Everything is prepared by the pipeline's own functions, looked up when they are called.

    Attributes:
        config: Of the run.
        forecaster: Of the run.
        table: The file as read.
        task: What the pipeline makes of it.
        fingerprint: Of the rows that the pipeline reads from the file, found by looking at them.
        is_stored: Whether it leaves the rows in a store; tasks are then given them as it would be.
    """

    config: TrainConfig
    forecaster: Forecaster
    table: Table
    task: Task
    fingerprint: str
    is_stored: bool

    @classmethod
    def read(cls, config: TrainConfig, forecaster: Forecaster, *, project: Path) -> "Subject":
        """Read the file of a configuration; errors as for `sources.read`, and one where memory is too small for it."""
        with quietly():
            read = sources.read(config.dataset, project=project)
        refuse_too_large(read)
        names = (read.features, read.targets, read.known_future_columns)
        is_stored, found = read.is_stored, fingerprint(read.series, names, read.clock)
        del read  # of a file that fits into memory
        table = sources.read_table(config.dataset, project=project)
        return cls(config, forecaster, table, prepared(table, config, stored=is_stored), found, is_stored)

    @cached_property
    def every(self) -> "Subject":
        """The subject with all windows there are: which of them a sample takes goes by how many there are."""
        return replace(self, task=unsampled(self.task))

    @property
    def is_sampled(self) -> bool:
        """Whether the run takes a sample of the windows of any split."""
        return any(len(index) < index.total for index in self.task.windows.values())

    def prepared(self, table: Table) -> Task:
        """A task of another table, by the pipeline's own steps."""
        return prepared(table, self.config, stored=self.is_stored)

    @cached_property
    def times(self) -> Times:
        """Times of the file's rows, in whole seconds."""
        return assemble.times_of(self.table, self.config.dataset).astype("datetime64[s]")

    @cached_property
    def rows(self) -> list[NDArray[np.int64]]:
        """Positions in the file of every series' rows, in order of time; equal times in the file's order."""
        column = self.config.dataset.series
        if column is None:
            members = [np.arange(len(self.times))]
        else:
            names = self.table.frame[column].astype(str).to_numpy()
            members = [np.flatnonzero(names == series.name) for series in self.task.dataset.series]
        return [positions[np.argsort(self.times[positions], kind="stable")] for positions in members]

    @cached_property
    def columns(self) -> list[str]:
        """Columns of the file that the context is made of, or that a policy speaks of."""
        spec = self.config.dataset
        plain = [name for name in self.task.dataset.features if name not in derived(spec)]
        used = dict.fromkeys([*plain, *component_sources(spec), *spec.plausible, *spec.max_jump])
        return [name for name in used if name not in spec.known_future]

    @cached_property
    def names(self) -> list[str]:
        """Names of the series."""
        return [series.name for series in self.task.dataset.series]

    @property
    def forecast_tolerance(self) -> NDArray[np.float64]:
        """What two forecasts [..., H, targets, Q] may differ by, in the targets' own units."""
        share = _TOLERANCE.get(self.forecaster.network.compute_dtype, _COARSE)
        return share * self.task.scaler.columns(self.task.shape.targets).scale[:, None]

    @cached_property
    def calibrated(self) -> Forecaster:
        """The forecaster, calibrated anew as the configuration asks."""
        return self.calibrated_on(self.task)

    def calibrated_on(self, task: Task) -> Forecaster:
        """The forecaster, calibrated on a task."""
        return forecasting.with_calibration(replace(self.forecaster, calibration=None), task, self.config.evaluation)

    def changed_from(
        self, begins: Sequence[np.datetime64 | None], tallies: Tallies, *, kinds: Sequence[str] = tuple(KINDS)
    ) -> Iterator[tuple[str, Task]]:
        """The task again for every kind of other values.

        Args:
            begins: For each series the time from which on its rows change; None: never.
            tallies: Told what cannot be compared.
            kinds: Of other values.

        Yields:
            Circumstance in words, and the task.
        """
        rows = [
            positions[self.times[positions] >= begin]
            for positions, begin in zip(self.rows, begins, strict=True)
            if begin is not None
        ]
        for kind in kinds:
            try:
                other = self.prepared(perturbed(self.table, self.columns, rows, KINDS[kind]))
            except DataError as error:
                tallies.leave_out(f"{kind} later: {str(error).splitlines()[0]}")
                continue
            if np.array_equal(self.task.dataset.values, other.dataset.values, equal_nan=True):
                tallies.leave_out(f"{kind} later: nothing in the series changes by them")
                continue
            yield f"with {kind} later", other

    def window(self, split: str) -> Place:
        """Number of a window of a split -> words."""
        task = self.task
        return lambda number: place_of(task, task.windows[split], number)


def place_of(task: Task, index: WindowIndex, number: int) -> str:
    """Which window a number of an index is, in words."""
    if number >= len(index):
        return f"window {number} of {len(index)}"
    numbers = np.array([number])
    row = min(int(index.starts(numbers)[0]) + index.context_length - 1, task.dataset.num_rows - 1)
    series = task.dataset.series[int(index.series_of(numbers)[0])].name
    return f"series {series}, origin {task.dataset.timestamps[row].astype('datetime64[s]')}"


def prepared(table: Table, config: TrainConfig, *, stored: bool = False) -> Task:
    """A task of a table, by the pipeline's own steps; its rows looked at as those of a store are, if so asked."""
    with quietly():
        dataset = assemble.assemble(table, config.dataset)
        dataset = _as_stored(dataset) if stored else dataset
        return tasks.prepare(dataset, dataset_spec=config.dataset, splits=config.splits, windows=config.windows)


def _as_stored(dataset: Dataset) -> Dataset:
    """The dataset as if its rows stood in a store: every series is a view of all rows."""
    one = dataset.series[0] if len(dataset.series) == 1 else dataset
    rows = StoredRows(one.values, one.known_future, one.timestamps, dataset.fingerprint())
    series = []
    for own, begin in zip(dataset.series, dataset.begins.tolist(), strict=True):
        part = slice(begin, begin + len(own))
        views = rows.timestamps[part], rows.values[part], rows.known_future[part]
        series.append(Series(own.name, *views, own.segments))
    return replace(dataset, series=tuple(series), stored=rows)


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """What was said when the file was first read is not said again."""
    loggers = [logging.getLogger(f"headway.{name}") for name in ("task", "data")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
