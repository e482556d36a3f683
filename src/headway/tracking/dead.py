"""Runs whose process was killed before it could say so."""

import logging
from dataclasses import replace
from pathlib import Path

from headway.errors import TrackingError
from headway.process import Process
from headway.tracking import folder as run_folder
from headway.tracking.folder import RunRecord
from headway.tracking.settings import TrackingSettings

log = logging.getLogger(__name__)


def mark_dead(settings: TrackingSettings, *, root: Path = Path("runs")) -> list[str]:
    """Mark every run as killed that says it is running, but whose process on this machine is gone.

    Its MLflow run is set to KILLED too, if it belongs to the experiment of the settings and is still running there. A store that cannot
    be reached keeps no folder from being marked.

    Args:
        settings: Where the runs may have been tracked. MLflow is loaded only if there is a dead run.
        root: The folder that holds the folders of all runs.

    Returns:
        The ids of the runs that were marked, oldest first.

    Raises:
        ConfigError: There is a dead run, and the tracking URI names no store.
        StorageError: A folder cannot be written.
    """
    dead = mark_dead_here(root)
    if dead and settings.kind != "off":
        _mark_in_mlflow(settings, dead, root=root)
    return [record.id for record in dead]


def mark_dead_here(root: Path) -> list[RunRecord]:
    """As `mark_dead`, in the run folders alone: `settle` does the rest.

    Raises:
        StorageError: A folder cannot be written.
    """
    if not _dead(root):
        return []
    # Locked, and looked for again: another process may be marking them, or may have taken one over (`rejoin`, `resume`).
    with run_folder.locked(root):
        dead = [replace(each, status=run_folder.KILLED, ended=run_folder.now()) for each in _dead(root)]
        for record in dead:
            run_folder.write(root / record.id, record)
    return dead


def _dead(root: Path) -> list[RunRecord]:
    running = [record for record in run_folder.records(root).values() if record.status == run_folder.RUNNING]
    return sorted((record for record in running if is_dead(record)), key=lambda record: record.started)


def is_dead(record: RunRecord) -> bool:
    """Whether a run's process was on this machine and is gone."""
    process = Process.read(record.process)
    # Of another machine's process, or of a run that names none, nobody here can know.
    return process is not None and process.is_here and not process.is_alive


def _mark_in_mlflow(settings: TrackingSettings, dead: list[RunRecord], *, root: Path) -> None:
    # Imported here for the reason given in mirror.py.
    from headway.tracking import mlflow_runs
    from headway.tracking.mlflow_reader import MlflowReader

    reader = MlflowReader(settings, root=root.absolute())
    known = {record.id: record for record in dead}
    try:
        for mirrored in reader.records(where=mlflow_runs.RUNNING):
            # A run may have been killed after its mirror was created, and before run.json knew.
            record = known.get(mirrored.id)
            if record is not None and record.mlflow_run_id in (None, mirrored.mlflow_run_id):
                reader.end(str(mirrored.mlflow_run_id), record)
    except TrackingError as error:
        # Whoever needs the store will say so; a dead run is no reason to.
        log.debug("The dead runs could not be marked in MLflow: %s", error)
    finally:
        reader.close()
