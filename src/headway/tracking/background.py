"""The mirror as training sees it: a thread that follows the run's folder, and a limit on what it may ever cost.

What a run writes lies in its folder before anybody hears of it. So nothing is handed over but the word that there is more: a
kill loses nothing, and a store that does not answer fills no memory.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence

from headway.errors import TrackingError
from headway.tracking import journal, uri, view
from headway.tracking.folder import RunRecord
from headway.tracking.follow import Follower, Target
from headway.tracking.reason import reason_of

__all__ = ["BackgroundMirror", "Target"]

log = logging.getLogger(__name__)

PATIENCE = 9.0
"""Seconds that a run may lose to a slow or dead store, from its beginning to its end. Ten are promised; one is for the rest."""

_OPENING = 6.0
"""Seconds of them that the beginning may take, so that some are left for the end."""

_LOADING, _AFTER_LOADING = 30.0, 3.0
"""Seconds that MLflow's import may take, and that the store gets after it at least."""

_REQUIRED = 60.0
"""Seconds without any progress that a run waits for a store without which it is worth nothing."""

_PAUSES = (5.0, 10.0, 20.0, 40.0, 60.0)
"""Seconds between two attempts on a store that failed."""


class BackgroundMirror:
    """Repeats a run in MLflow while the run goes on.

    Args:
        target: What is repeated, and where.
        required: Whether a store that fails is an error instead of a warning.
        opened: Takes the mirror's MLflow id once it is known, in another thread.
        patience: Seconds that the run may lose in all.
        later: Load MLflow only when somebody asks for it: `begin`, or whatever waits for the store.
    """

    def __init__(
        self,
        target: Target,
        *,
        required: bool,
        opened: Callable[[str], None],
        patience: float = PATIENCE,
        later: bool = False,
    ) -> None:
        self._target, self._required, self._left = target, required, patience
        self._follower = Follower(target, opened=opened, step=self._step)
        self._condition = threading.Condition()
        # Requests are counted: how many there were, how many an attempt has fulfilled, how many it saw and failed.
        self._asked, self._done, self._failed = 1, 0, 0
        self._steps = self._attempts = 0
        self._failure = ""
        self._warned: float | None = None
        self._ending: RunRecord | None = None
        self._hurry = self._closed = False
        self._to_load = self._to_open = True  # whether these were not waited for yet
        # A daemon, so that a call which never returns cannot keep the program from ending.
        self._thread = threading.Thread(target=self._work, name="tracking", daemon=True)
        self._starting = threading.Lock()
        if not later:
            self.begin()

    @property
    def run_id(self) -> str | None:
        """The run's MLflow id, once it is known."""
        return self._follower.run_id

    @property
    def link(self) -> str | None:
        """The address of the run in the UI."""
        found = self._follower
        if found.run_id is None or found.experiment_id is None:
            return None
        return f"{self._server}/#/experiments/{found.experiment_id}/runs/{found.run_id}?workflowType=machine_learning"

    @property
    def view_link(self) -> str | None:
        """The address of the experiment's charts in the UI."""
        found = self._follower
        return None if found.experiment_id is None else view.link(self._server, found.experiment_id, found.view_key)

    def compare_link(self, run_ids: Sequence[str]) -> str | None:
        """The address of a comparison of runs in the UI."""
        if self._follower.experiment_id is None or not run_ids:
            return None
        return view.compare_link(self._server, self._follower.experiment_id, run_ids)

    def begin(self) -> None:
        """Load MLflow and follow the run, if that has not begun."""
        with self._starting:
            if self._thread.ident is None:
                self._thread.start()

    def wait_until_open(self) -> None:
        """Wait until the run is there, or cannot be made; but not for long, and once.

        Raises:
            TrackingError: It cannot be made, and is required.
        """
        if self._to_open:
            self._to_open = False
            self._wait_until_loaded()
            self._wait(lambda: self.link is not None, request=1, allowed=min(_OPENING, self._left))
        self._refuse()

    def poke(self) -> None:
        """Say that there is more to send.

        Raises:
            TrackingError: The store has failed, and is required.
        """
        self._ask()
        self._refuse()

    def finish(self, record: RunRecord | None = None) -> None:
        """Wait until everything is sent, but never longer than the patience that is left.

        Args:
            record: How the run ended; None leaves its status as it is.

        Raises:
            TrackingError: Not everything could be sent, and is required.
        """
        self._ending = record
        self._wait_until_loaded()
        request = self._ask(hurry=True)
        if self._wait(lambda: self._done >= request, request=request, allowed=self._left):
            return
        self._refuse(late=True)
        if self._warned is None or time.monotonic() - self._warned > _PAUSES[-1]:
            log.warning("%s %s", self._failure or self._slow, self._later)

    def close(self) -> None:
        """Let the thread end once it is free."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    def _wait_until_loaded(self) -> None:
        self.begin()
        if self._to_load:
            self._to_load = False
            # MLflow's import is no fault of the store, and on a busy machine takes as long as all of the patience.
            self._wait(lambda: self._follower.is_loaded, request=1, allowed=_LOADING)
            self._left = max(self._left, _AFTER_LOADING)

    def _ask(self, *, hurry: bool = False) -> int:
        with self._condition:
            self._asked += 1
            self._hurry |= hurry
            self._condition.notify_all()
            return self._asked

    def _wait(self, done: Callable[[], bool], *, request: int, allowed: float) -> bool:
        """Wait for something that a request is to bring, until an attempt that saw the request has failed."""
        started = time.monotonic()
        if self._required and not self._failed:
            allowed = _REQUIRED
        with self._condition:
            while True:
                steps = self._steps
                self._condition.wait_for(lambda: done() or self._failed >= request, timeout=allowed)
                # Where the store is required, one that is slow but works is waited for.
                if done() or self._failed >= request or not self._required or self._steps == steps:
                    break
        self._left = max(0.0, self._left - (time.monotonic() - started))
        return done()

    def _work(self) -> None:
        while True:
            with self._condition:
                if self._failure:
                    pause = _PAUSES[min(self._attempts, len(_PAUSES)) - 1]
                    self._condition.wait_for(lambda: self._closed or self._hurry, timeout=pause)
                else:
                    self._condition.wait_for(lambda: self._closed or self._asked > self._done)
                if self._closed:
                    return
                asked, ending, hurry, self._hurry = self._asked, self._ending, self._hurry, False
            try:
                self._follower.send(ending, noted=hurry)
            except BaseException as error:  # whatever MLflow, its database or its server may raise
                self._fail(asked, error)
            else:
                self._succeed(asked)

    def _step(self) -> None:
        if self._closed:
            # Nobody waits any more, and whoever sends the rest must not meet a second sender.
            raise TrackingError("The run has been closed.")
        with self._condition:
            self._steps += 1
            self._condition.notify_all()

    def _succeed(self, asked: int) -> None:
        with self._condition:
            again, self._failure, self._attempts, self._done = bool(self._failure), "", 0, asked
            self._condition.notify_all()
        if again and not self._required:
            log.info("MLflow at %s answers again, and has everything so far.", uri.shown(self._target.store))

    def _fail(self, asked: int, error: BaseException) -> None:
        where = uri.shown(self._target.store)
        failure = f"MLflow at {where} failed ({self._follower.doing}: {reason_of(error)})."
        with self._condition:
            warn = self._warned is None and not self._required and not self._closed
            if warn:
                self._warned = time.monotonic()
        if warn:
            # Before anybody who waits goes on: a run may end with it.
            log.warning("%s %s", failure, self._later)
        with self._condition:
            self._failure, self._failed = failure, asked
            self._attempts += 1
            self._condition.notify_all()

    def _refuse(self, *, late: bool = False) -> None:
        if self._required and (self._failure or late):
            raise TrackingError(
                f"{self._failure or self._slow} Mend the store, or set tracking.required=false to go on with the run folder alone."
            )

    @property
    def _server(self) -> str:
        return uri.server(self._target.store)

    @property
    def _slow(self) -> str:
        return (
            f"MLflow at {uri.shown(self._target.store)} is too slow to have taken everything ({self._follower.doing})."
        )

    @property
    def _later(self) -> str:
        folder = self._target.folder
        if not self._target.kept:
            return "What was to be added to the run is lost."
        return (
            f"Nothing is lost, {folder / journal.FILE} keeps every metric; what MLflow lacks is sent when it answers again, "
            f"or with: python -m headway.tracking sync {folder.name}"
        )
