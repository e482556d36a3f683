"""Finding a finished run that is equal to one about to be trained, so that it need not be trained again."""

import math
import re
from collections.abc import Iterable
from pathlib import Path

from headway.tracking import folder as run_folder
from headway.tracking import uri
from headway.tracking.folder import RunRecord
from headway.tracking.settings import TrackingSettings

_FORECASTER = "forecaster"


def find_finished(settings: TrackingSettings, digest: str, *, root: Path = Path("runs")) -> RunRecord | None:
    """The newest finished run of a digest that has a finite score.

    A run whose folder and forecaster are here is preferred to one that only MLflow has. As everywhere, a folder that another experiment
    mirrored is another experiment's.

    Args:
        settings: Where to look. MLflow is loaded only if there is no such folder here, and its store exists.
        digest: The digest that was given to `start`.
        root: The folder that holds the folders of all runs.

    Returns:
        The run, or None if there is none.

    Raises:
        ConfigError: The tracking URI names no store.
        TrackingError: MLflow failed, and is required.
        ValueError: The digest is none.
    """
    check_digest(digest)
    local = (
        record
        for record in run_folder.records(root).values()
        if record.digest == digest and is_own(record, settings) and (root / record.id / _FORECASTER).is_dir()
    )
    newest = _newest(local)
    if newest is not None or settings.kind == "off":
        return newest
    file = uri.database_file(uri.resolve(settings.uri))
    if file is not None and not file.exists():
        return None
    # Imported here for the reason given in mirror.py.
    from headway.tracking.mlflow_reader import MlflowReader

    reader = MlflowReader(settings, root=root.absolute())
    try:
        return _newest(reader.records(where=f"tags.`headway.digest` = '{digest}' and attributes.status = 'FINISHED'"))
    finally:
        reader.close()


def check_digest(digest: str) -> None:
    """Check a digest, which becomes part of a query.

    Raises:
        ValueError: It is none.
    """
    if not re.fullmatch(r"[0-9a-f]+", digest):
        raise ValueError(f"A digest consists of hexadecimal digits 0-9 and a-f: got {digest!r}.")


def is_own(record: RunRecord, settings: TrackingSettings) -> bool:
    """Whether a run's folder belongs to the store and experiment of the settings, or to none yet."""
    if settings.kind == "off" or record.mlflow_run_id is None:
        return True
    return (record.store, record.experiment) == (uri.shown(uri.resolve(settings.uri)), settings.experiment)


def _newest(records: Iterable[RunRecord]) -> RunRecord | None:
    usable = (
        record
        for record in records
        if record.status == run_folder.FINISHED
        and record.kind != run_folder.SWEEP
        and record.score is not None
        and math.isfinite(record.score)
    )
    return max(usable, key=lambda record: record.started, default=None)
