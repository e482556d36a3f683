"""Training at an origin, and the forecasts from it to the next."""

import os
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from headway.backtest.worker import Job
from headway.data import sources
from headway.data.series import Dataset
from headway.data.splits import Borders
from headway.errors import Interrupted
from headway.evaluation.forecasts import Forecasts, Slicing
from headway.fitting import fit_forecaster
from headway.forecaster import Forecaster
from headway.forecasting import forecast_all, with_calibration
from headway.task import Task, prepare
from headway.training.precision import device, precision_for

BY = "origin"


def read(job: Job) -> Dataset:
    """The run's data; their fingerprint was compared before."""
    return sources.read(job.config.dataset.model_copy(update={"sha256": None}), project=job.project)


def fit(job: Job, dataset: Dataset, borders: tuple[Borders, ...]) -> tuple[Forecaster, Task]:
    """A forecaster trained on the rows before an origin, or the stored one, and what rivals learn from."""
    config = job.config
    task = _task(job, dataset, borders)
    if job.stored is not None:
        return with_calibration(Forecaster.load(job.stored), task, config.evaluation), task
    batch_size = min(config.training.batch_size, len(task.windows["train"]))
    config = config.model_copy(update={"training": config.training.model_copy(update={"batch_size": batch_size})})

    def stop_without_parent(forecaster: Forecaster, epochs: int, metrics: Mapping[str, float]) -> None:
        if job.parent not in (os.getpid(), os.getppid()):
            raise Interrupted("the process that asked for this training is gone")

    precision = precision_for(config.training.precision, device())
    return fit_forecaster(config, task, precision=precision, watch=stop_without_parent)[0], task


def forecast(
    job: Job, dataset: Dataset, forecaster: Forecaster, trained_on: Task, *, label: str, borders: tuple[Borders, ...]
) -> Forecasts:
    """Forecasts of all windows from one origin to the next, cut by origin besides."""
    task = replace(_task(job, dataset, borders), trained_profile=_task(job, dataset, job.first).profile)
    forecasts, _ = forecast_all(forecaster, trained_on, job.config.evaluation, judged_on=task)
    one = Slicing((label,), np.zeros((len(forecasts), 1), np.int32))
    return replace(forecasts, slicings={BY: one, **forecasts.slicings})


def _task(job: Job, dataset: Dataset, borders: tuple[Borders, ...]) -> Task:
    config = job.config
    return prepare(dataset, dataset_spec=config.dataset, splits=config.splits, windows=config.windows, borders=borders)
