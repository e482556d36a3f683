"""Training at an origin, and the forecasts from it to the next."""

from dataclasses import replace

import numpy as np

from headway.backtest.worker import Job
from headway.data import sources
from headway.data.series import Dataset
from headway.data.splits import Borders
from headway.errors import DataError
from headway.evaluation.forecasts import Forecasts, Slicing
from headway.fitting import fit_forecaster
from headway.forecaster import Forecaster
from headway.forecasting import forecast_all, with_calibration
from headway.task import Task, prepare
from headway.training.precision import device, precision_for

BY = "origin"


def read(job: Job) -> Dataset:
    """The run's data, as they were when the backtest began.

    Raises:
        DataError: If the file has changed meanwhile: what is kept of it would mix two files.
    """
    dataset = sources.read(job.config.dataset.model_copy(update={"sha256": None}), project=job.project)
    if dataset.fingerprint() != job.fingerprint:
        raise DataError(
            f"{job.config.dataset.path}: changed while the backtest ran; restore it, the same command goes on"
        )
    return dataset


def fit(job: Job, dataset: Dataset, borders: tuple[Borders, ...]) -> tuple[Forecaster, Task]:
    """A forecaster trained on the rows before an origin, or the stored one, and what rivals learn from."""
    config = job.config
    task = _task(job, dataset, borders)
    if job.stored is not None:
        return with_calibration(Forecaster.load(job.stored), task, config.evaluation), task
    batch_size = min(config.training.batch_size, len(task.windows["train"]))
    config = config.model_copy(update={"training": config.training.model_copy(update={"batch_size": batch_size})})
    precision = precision_for(config.training.precision, device())
    return fit_forecaster(config, task, precision=precision)[0], task


def forecast(
    job: Job, dataset: Dataset, forecaster: Forecaster, trained_on: Task, *, label: str, borders: tuple[Borders, ...]
) -> Forecasts:
    """Forecasts of all windows from one origin to the next, cut by origin besides."""
    # Cut at the first origin's quartiles, so that a slice is the same at all origins.
    task = replace(_task(job, dataset, borders), trained_profile=_task(job, dataset, job.first).profile)
    forecasts, _ = forecast_all(forecaster, trained_on, job.config.evaluation, judged_on=task)
    one = Slicing((label,), np.zeros((len(forecasts), 1), np.int32))
    others = {name: slicing for name, slicing in forecasts.slicings.items() if name != BY}  # a feature of that name
    return replace(forecasts, slicings={BY: one, **others})


def _task(job: Job, dataset: Dataset, borders: tuple[Borders, ...]) -> Task:
    config = job.config
    try:
        return prepare(
            dataset, dataset_spec=config.dataset, splits=config.splits, windows=config.windows, borders=borders
        )
    except DataError as error:
        raise DataError(f"before an origin of the backtest: {error}") from None
