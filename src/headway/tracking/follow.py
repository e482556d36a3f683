"""Following a run's folder: what was appended since the last look goes to MLflow."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from headway.tracking import journal, outbox
from headway.tracking.folder import RunRecord
from headway.tracking.mirror import Earlier
from headway.tracking.mirrored import Mirrored

if TYPE_CHECKING:
    from headway.tracking.mlflow_mirror import MlflowMirror

_NOTED_EVERY = 2.0
"""Seconds; what was sent and not noted is asked of the store after a kill."""


@dataclass(frozen=True)
class Target:
    """What is repeated, and where.

    Attributes:
        store: The resolved URI of the store.
        experiment: The experiment's name.
        folder: The run's folder.
        record: What its `run.json` said at the beginning.
        earlier: The mirror to go on with, if the experiment has it; None for a new run.
        running: Whether the run is under way; a stored one that is added to is not made anew.
        kept: Whether the folder stays when the run is closed.
    """

    store: str
    experiment: str
    folder: Path
    record: RunRecord
    earlier: Earlier | None = None
    running: bool = True
    kept: bool = True


class Follower:
    """Sends what a run has appended to its folder; for one thread.

    Args:
        target: What is sent, and where.
        opened: Takes the mirror's MLflow id once it is known.
        step: Called after every answer of the store.

    Attributes:
        run_id, experiment_id: The mirror's, once they are known.
        view_key: The name of the experiment's view, once it is stored.
        is_loaded: Whether MLflow is imported.
    """

    def __init__(self, target: Target, *, opened: Callable[[str], None], step: Callable[[], None]) -> None:
        self.run_id: str | None = None
        self.experiment_id: str | None = None
        self.view_key: str | None = None
        self.is_loaded = False
        self._target, self._opened, self._step = target, opened, step
        self._earlier = target.earlier
        self._mirror: MlflowMirror | None = None
        self._mirrored = Mirrored("")
        self._in_doubt = self._settled = False
        self._noted = 0.0
        self._doing = ""

    @property
    def doing(self) -> str:
        """What the store is asked for at the moment."""
        return self._doing

    def send(self, ending: RunRecord | None, *, noted: bool) -> None:
        """Bring the store up to date.

        Args:
            ending: How the run ended, or None while it goes on.
            noted: Whether what was sent must be noted at once.

        Raises:
            Exception: Whatever MLflow, its database or its server may raise. The next call asks what the store has.
        """
        mirror = self._mirror
        try:
            if mirror is None:
                mirror = self._open()
            if self._in_doubt:
                self._complete(mirror, ending)
            while self._send_next(mirror):
                pass
            if ending is not None and self._mirrored.status != ending.status:
                self._doing = "ending the run"
                mirror.end(ending)
                self._mirrored = replace(self._mirrored, status=ending.status)
            if noted or time.monotonic() - self._noted > _NOTED_EVERY:
                self._noted = time.monotonic()
                self._mirrored.write(self._target.folder)
        except BaseException:
            # The store may have taken what it did not answer for, and may be another one when it comes back.
            self._earlier = Earlier(self._target.record.id, self.run_id)
            self._mirror = None
            raise
        self._settle(mirror, ending)

    def _open(self) -> "MlflowMirror":
        self._doing = "opening the run"
        # Imported here, in this thread: it takes seconds, which training must not wait for.
        from headway.tracking import mlflow_client, mlflow_store
        from headway.tracking.mlflow_mirror import MlflowMirror

        mlflow_client.load(self._target.store)
        self.is_loaded = True
        self._step()
        target = self._target
        mirror = MlflowMirror.open(
            mlflow_store.connect(target.store),
            target.store,
            target.experiment,
            target.folder,
            target.record,
            earlier=self._earlier,
            running=target.running,
            anew=target.running,
        )
        self._mirrored = Mirrored.read(target.folder, mirror.run_id)
        self._in_doubt = not mirror.created and self._mirrored != self._mirrored.at_the_end(target.folder)
        if target.running:
            self._mirrored = replace(self._mirrored, status="")
        self._opened(mirror.run_id)
        self._mirror, self.run_id, self.experiment_id = mirror, mirror.run_id, mirror.experiment_id
        self._step()
        return mirror

    def _complete(self, mirror: "MlflowMirror", ending: RunRecord | None) -> None:
        self._doing = "asking what it has"
        from headway.tracking.mlflow_missing import complete

        # First, because training goes on appending meanwhile: what comes in between is sent below, or asked for again.
        reached = self._mirrored.at_the_end(self._target.folder)
        complete(mirror, ending or self._target.record, since=self._mirrored.outbox, step=self._step)
        self._mirrored, self._in_doubt = reached, False
        self.view_key = mirror.view_key or self.view_key

    def _send_next(self, mirror: "MlflowMirror") -> bool:
        """Send some of what was appended; returns whether there was any."""
        folder, before = self._target.folder, self._mirrored
        # Read first and sent last: what was asked for after a metric must not be done before it.
        operations, reached = journal.read_lines(folder / outbox.FILE, before.outbox)
        self._doing = "sending metrics"
        metrics = self._send_metrics(mirror, folder / journal.FILE, before.metrics)
        system = self._send_metrics(mirror, folder / journal.SYSTEM_FILE, before.system)
        wanted = outbox.fold(operations)
        for part in wanted.parts():
            self._doing = f"sending {part}"
            mirror.send(part)
            self._step()
        if wanted.targets is not None:
            self._doing = "storing the view"
            mirror.publish_view(wanted.targets)
            self.view_key = mirror.view_key
        self._mirrored = replace(before, metrics=metrics, system=system, outbox=reached)
        return self._mirrored != before

    def _send_metrics(self, mirror: "MlflowMirror", path: Path, offset: int) -> int:
        while True:
            lines, end = journal.read_metrics(path, offset)
            if end == offset:
                return end
            mirror.send_metrics(lines)
            self._step()
            offset = end

    def _settle(self, mirror: "MlflowMirror", ending: RunRecord | None) -> None:
        """Once, when there is time: say in the store which of the other runs were killed."""
        if self._settled or ending is not None or not self._target.running:
            return
        self._settled, self._doing = True, "marking killed runs"
        from headway.tracking import mlflow_runs

        # Of other runs, and so no reason to warn of this one.
        with contextlib.suppress(Exception):
            mlflow_runs.settle(mirror.client, mirror.experiment_id, self._target.folder.parent, but=mirror.run_id)
