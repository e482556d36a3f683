"""One training of a backtest, and the forecasts of the origins that use it. Imports nothing heavy itself:
a process of its own sets its threads before Keras is loaded.
"""

import functools
import logging
import os
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from headway.config.train import TrainConfig
from headway.errors import Interrupted


@dataclass(frozen=True)
class Job:
    """What one training and its origins need.

    Attributes:
        config: Of the run.
        origins: Those that use this training, as (number, label, borders per series).
        first: Borders of the first origin: slices by a feature are cut at the quartiles of its training rows,
            so that they are the same at all origins.
        stored: Folder of a forecaster that is judged as it is, or None to train.
        folder: Where the forecasts of each origin are written.
        project: Folder in which shipped data are found.
        fingerprint: Of the dataset when the backtest began.
        parent: Process that waits for the result; a process of its own ends with it.
    """

    config: TrainConfig
    origins: Sequence[tuple[int, str, tuple[dict[str, tuple[int, int]], ...]]]
    first: tuple[dict[str, tuple[int, int]], ...]
    stored: Path | None
    folder: Path
    project: Path
    fingerprint: str
    parent: int


def path_of(folder: Path, number: int) -> Path:
    """Where the forecasts of an origin are kept."""
    return folder / f"origin_{number:04d}.npz"


def work(job: Job) -> list[tuple[int, float]]:
    """Train, forecast all origins of the job, and write each as a file of its own.

    Returns:
        Numbers of the origins and the seconds each took, training included in the first.
    """
    own_process = os.getpid() != job.parent
    if own_process:
        # What a sibling says twelve times is noise; errors come back as exceptions.
        logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
        _end_with(job.parent)
    from headway import backend

    backend.load("auto")
    from headway.backtest.forecasting import fit, forecast, read

    quiet = logging.getLogger("headway")
    level = quiet.level
    quiet.setLevel(logging.WARNING)
    try:
        dataset = read(job)
        done, forecaster, trained_on = [], None, None
        for number, label, borders in job.origins:
            started = time.monotonic()
            if forecaster is None or trained_on is None:
                forecaster, trained_on = fit(job, dataset, borders)
            forecast(job, dataset, forecaster, trained_on, label=label, borders=borders).save(
                path_of(job.folder, number)
            )
            done.append((number, time.monotonic() - started))
        return done
    finally:
        quiet.setLevel(level)


@functools.cache  # one watch a process, however many jobs it gets
def _end_with(parent: int) -> None:
    """End this process when its parent has ended, even by SIGKILL: it would train on, and then wait for minutes."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(Interrupted.exit_code)

    threading.Thread(target=watch, daemon=True).start()
