"""Finding a training that was cut off, and saying why one cannot be gone on with."""

import time
from pathlib import Path

from headway.errors import StoredRunError
from headway.process import Process
from headway.tracking import folder as run_folder
from headway.tracking.dead import is_dead
from headway.tracking.finished import check_digest, is_own
from headway.tracking.folder import RunRecord
from headway.tracking.settings import TrackingSettings

_SILENT_SECONDS = 900.0
"""A run on another machine that has written nothing for so long has died with it."""

_TRAINING = "training"
_ENDED = {
    run_folder.FINISHED: "is finished: judge it with python evaluate.py run={id}, or leave run= out to train anew.",
    run_folder.PRUNED: "was pruned by its sweep, as others did better: leave run= out to train anew.",
}


def find_unfinished(settings: TrackingSettings, digest: str, *, root: Path = Path("runs")) -> RunRecord | None:
    """The newest training of a digest that was killed or failed, and belongs to no sweep.

    As everywhere, a folder that another experiment mirrored is another experiment's.

    Args:
        settings: Where the run may have been tracked. MLflow is not asked.
        digest: The digest that was given to `start`.
        root: The folder that holds the folders of all runs.

    Returns:
        The run, or None if there is none.

    Raises:
        ConfigError: The tracking URI names no store.
        ValueError: The digest is none.
    """
    check_digest(digest)
    found = (
        record
        for record in run_folder.records(root).values()
        if record.digest == digest
        and (record.kind, record.parent) == (_TRAINING, "")
        and (record.status in (run_folder.KILLED, run_folder.FAILED) or is_dead(record))
        and record.status not in _ENDED
        and is_own(record, settings)
    )
    return max(found, key=lambda record: record.started, default=None)


def refuse_resume(record: RunRecord, digest: str, folder: Path) -> None:
    """Check that a training of a digest may go on in a run.

    Args:
        record: What the run's `run.json` says.
        digest: Of the training.
        folder: The run's folder.

    Raises:
        StoredRunError: It may not.
    """
    name = f"The run {record.id} ({record.name})"
    if record.kind != _TRAINING:
        raise StoredRunError(
            f"{name} is a {record.kind}, not a training: the command it was started with goes on with it."
        )
    if record.parent:
        raise StoredRunError(f"{name} is a child of the sweep {record.parent}, whose own command goes on with it.")
    if record.status in _ENDED:
        raise StoredRunError(f"{name} {_ENDED[record.status].format(id=record.id)}")
    process = Process.read(record.process)
    if record.status == run_folder.RUNNING and process is not None and _lives(process, folder):
        where = "" if process.is_here else f" on {process.host}"
        raise StoredRunError(f"{name} is being trained by process {process.pid}{where}: wait for it, or end it first.")
    if record.digest != digest:
        raise StoredRunError(
            f"{name} was started with other settings, data or code; restore them, or leave run= out to train anew."
        )


def _lives(process: Process, folder: Path) -> bool:
    if process.is_here:
        return process.is_alive
    return time.time() - _last_write(folder) < _SILENT_SECONDS


def _last_write(folder: Path) -> float:
    """When anything in a run's folder was last written; another machine's clock is taken to be right."""
    times = [0.0]
    for path in folder.rglob("*"):
        try:
            times.append(path.stat().st_mtime)
        except OSError:  # it has just been replaced
            continue
    return max(times)
