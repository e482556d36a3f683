"""Sending to MLflow what it lacks of the runs in their folders: `python -m headway.tracking sync`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from headway.errors import HeadwayError, TrackingError
from headway.process import Process
from headway.tracking import folder as run_folder
from headway.tracking import uri
from headway.tracking.choose import match
from headway.tracking.dead import mark_dead_here
from headway.tracking.folder import RunRecord
from headway.tracking.mirror import Earlier
from headway.tracking.mirrored import Mirrored
from headway.tracking.reason import reason_of

if TYPE_CHECKING:
    from headway.tracking.mlflow_client import MlflowClient

STORE, EXPERIMENT = "sqlite:///mlflow.db", "headway"
"""Where a run goes that was meant for no store."""


def sync(
    selectors: Sequence[str] = (), *, store: str | None = None, experiment: str | None = None, root: Path = Path("runs")
) -> Iterator[str]:
    """Send what is missing, run by run; a run that has everything is sent nothing.

    Args:
        selectors: Runs, each by its id, its name or the beginning of its id. None: every run that was meant for MLflow, and for
            the store and the experiment, where they are given.
        store: The URI of the store; None: the one that each run was meant for.
        experiment: The experiment; None: the one that each run was meant for.
        root: The folder that holds the folders of all runs.

    Yields:
        A line for each run, once that is done.

    Raises:
        ConfigError: The URI names no store.
        StorageError: A run's folder cannot be written.
        StoredRunError: There is no run of that name.
        TrackingError: The store cannot be reached, or fails.
    """
    target = None if store is None else uri.resolve(store)
    mark_dead_here(root)
    records = sorted(run_folder.records(root).values(), key=lambda record: record.started)
    if selectors:
        named = {match(records, selector, where=str(root.absolute())).id for selector in selectors}
        chosen = [record for record in records if record.id in named]
    else:
        chosen = [record for record in records if _is_meant(record, target, experiment)]
    sender = _Sender()
    # Oldest first: a sweep before its children, who name it.
    for record in chosen:
        place = target or _own_store(record)
        words = sender.send(record, place, experiment or record.experiment or EXPERIMENT, root=root)
        yield f"{record.id} ({record.name}): {words}"


def _is_meant(record: RunRecord, store: str | None, experiment: str | None) -> bool:
    # One that was tracked off was not meant for anybody: it is sent if it is named.
    if record.store is None:
        return False
    return (store is None or record.store == uri.shown(store)) and experiment in (None, record.experiment)


def _own_store(record: RunRecord) -> str:
    place, usual = uri.resolve(record.store or STORE), uri.resolve(STORE)
    file = uri.database_file(place)
    # A run's folder may come from anywhere, and must not decide where on this machine a database is made.
    if file is not None and place != usual and not file.exists():
        raise TrackingError(
            f"The run {record.id} was meant for the database {file}, which is not there: bring it back, or name another with --uri."
        )
    return place


@dataclass
class _Sender:
    """Sends runs, with one client for each store."""

    clients: dict[str, "MlflowClient"] = field(default_factory=dict)

    def send(self, record: RunRecord, store: str, experiment: str, *, root: Path) -> str:
        """Send a run; returns what that came to, in words."""
        process = Process.read(record.process)
        if record.status == run_folder.RUNNING and process is not None:
            where = "" if process.is_here else f" on {process.host}"
            return f"under way in process {process.pid}{where}, which sends what is missing itself"
        try:
            return self._send(record, store, experiment, root.absolute() / record.id)
        except HeadwayError:
            raise
        except Exception as error:  # whatever MLflow, its database or its server may raise
            raise TrackingError(
                f"The run {record.id} could not be sent to MLflow at {uri.shown(store)}: {reason_of(error)}. Mend the store, or name it with --uri "
                f"(a password is not kept), and try again: what was sent is not sent twice."
            ) from error

    def _send(self, record: RunRecord, store: str, experiment: str, folder: Path) -> str:
        # Imported here for the reason given in follow.py.
        from headway.tracking import mlflow_runs, mlflow_store
        from headway.tracking.mlflow_mirror import MlflowMirror
        from headway.tracking.mlflow_missing import complete

        if store not in self.clients:
            self.clients[store] = mlflow_store.connect(store)
        client = self.clients[store]
        shown = uri.shown(store)
        earlier = Earlier(record.id, record.mlflow_run_id)
        experiment_id = mlflow_store.make_experiment(client, store, experiment)
        if mlflow_runs.is_deleted(client, experiment_id, earlier):
            return f"deleted in experiment {experiment!r} of {shown}, and left so"
        mirror = MlflowMirror.open(client, store, experiment, folder, record, earlier=earlier, running=False)
        home = {"mlflow_run_id": mirror.run_id, "store": shown, "experiment": experiment}
        changed = replace(record, **home)  # type: ignore[arg-type]
        if changed != record:
            run_folder.write(folder, changed)
        reached = Mirrored(mirror.run_id, status=record.status).at_the_end(folder)
        before = Mirrored.read(folder, mirror.run_id)
        sent = complete(mirror, changed, since=before.outbox)
        if before != reached:
            reached.write(folder)
        created = f"created in experiment {experiment!r} of {shown}; " if mirror.created else ""
        return f"{created}sent {sent}" if sent or created else "nothing was missing"
