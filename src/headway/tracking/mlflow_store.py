"""An MLflow store and its experiment: opened by many processes at once, created by one of them."""

import hashlib
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from filelock import FileLock

from headway.tracking import uri
from headway.tracking.mlflow_client import MlflowClient, MlflowException

OPENING_SECONDS = 60.0
"""How long making a fresh store may take, on a slow disk and behind other processes; a second is usual."""

_LOCKED_SECONDS = 3.0


def exists(store: str) -> bool:
    """Whether there is a store to read; a server or PostgreSQL database is taken to exist."""
    file = uri.database_file(store)
    return file is None or file.exists()


def connect(store: str) -> MlflowClient:
    """A client of the store, which is made if it is fresh.

    The client holds its URI itself: mlflow's process-wide URI stays untouched, so that a second run in the same process inherits nothing.

    Args:
        store: A resolved URI.

    Raises:
        OSError, sqlite3.Error, MlflowException: The store cannot be opened.
    """
    if store.startswith("http"):
        return MlflowClient(tracking_uri=store)
    file = uri.database_file(store)
    # The first client makes the tables, already when it is constructed. Without the lock, processes that open a fresh store together
    # migrate it together: most of them fail, and the file may stay broken.
    with _lock(store):
        if file is not None:
            _check_writable(file)
        client = MlflowClient(tracking_uri=store)
        client.search_experiments(max_results=1)
    return client


def find_experiment(client: MlflowClient, name: str) -> str | None:
    """The id of an experiment, or None if there is none of that name."""
    experiment = client.get_experiment_by_name(name)
    return None if experiment is None else experiment.experiment_id


def make_experiment(client: MlflowClient, store: str, name: str) -> str:
    """The id of an experiment, which is created if there is none of that name.

    Args:
        client: A client of the store.
        store: The store's resolved URI.
        name: The experiment's name.
    """
    if found := find_experiment(client, name):
        return found
    with _lock(store):
        if found := find_experiment(client, name):
            return found
        try:
            return client.create_experiment(name, artifact_location=_artifact_location(store))
        except MlflowException:
            # Over HTTP no lock reaches the other machines: somebody else created it a moment ago.
            if found := find_experiment(client, name):
                return found
            raise


def artifact_folder(store: str) -> Path | None:
    """The folder of the artifacts beside a database, or None where a server decides."""
    if store.startswith("http"):
        return None
    file = uri.database_file(store)
    return (file.parent if file is not None else Path.cwd()) / "mlartifacts"


def _artifact_location(store: str) -> str | None:
    # Explicit and absolute: the default follows the folder that each later command is typed in.
    folder = artifact_folder(store)
    return None if folder is None else folder.as_uri()


def _lock(store: str) -> FileLock:
    file = uri.database_file(store)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        return FileLock(file.with_name(file.name + ".lock"), timeout=OPENING_SECONDS)
    key = hashlib.sha256(store.encode()).hexdigest()[:16]
    return FileLock(Path(tempfile.gettempdir()) / f"headway-{key}.lock", timeout=OPENING_SECONDS)


def _check_writable(file: Path) -> None:
    # Asked here, because mlflow repeats its attempts for minutes where sqlite3 knows the answer at once.
    with closing(sqlite3.connect(file, timeout=_LOCKED_SECONDS, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
