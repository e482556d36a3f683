"""A circuit breaker around MLflow: the first failure, or too much waiting, ends the mirroring and never the training."""

import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from headway.errors import Interrupted, TrackingError
from headway.tracking.reason import reason_of

log = logging.getLogger(__name__)
Result = TypeVar("Result")

PATIENCE = 10.0
"""Seconds that a run may lose to a slow or dead store, all calls together."""


class Breaker:
    """Makes calls for one run, until one fails.

    The calls are made one after the other in a thread of their own, because some of MLflow's waits cannot be shortened from outside
    (a locked SQLite file holds a call for 20 seconds, and every retry starts the clock of a dead server again). The caller waits for
    each answer, but never longer than the patience that is left.

    Args:
        store: The name of the store, as it may be shown.
        consolation: What goes on all the same; ends the warning.
        required: True raises instead of warning.
        patience: Seconds that may be lost in all.
    """

    def __init__(self, store: str, *, consolation: str, required: bool, patience: float = PATIENCE) -> None:
        self.is_open = False
        self._store = store
        self._consolation = consolation
        self._required = required
        self._patience = patience
        self._calls: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._failure = ""

    def call(self, what: str, function: Callable[[], Result], *, allowance: float = 1.0) -> Result | None:
        """Make a call, unless an earlier one failed.

        Args:
            what: What the call does, for the warning ("sending metrics").
            function: The call.
            allowance: Seconds the call may take without using up patience.

        Returns:
            The call's result, or None if it failed or was not made.

        Raises:
            TrackingError: The call or an earlier one failed, and tracking is required.
        """
        if self.is_open:
            self._refuse()
            return None
        future: Future[Result] = Future()
        self._start_thread()
        self._calls.put((future, function))
        started = time.monotonic()
        try:
            result = future.result(timeout=allowance + self._patience)
        except TimeoutError as error:
            reason = str(error).strip() or f"no answer within {allowance + self._patience:.0f} s"
        except Interrupted:  # SIGTERM, while this thread waited: no failure of the store
            raise
        except Exception as error:  # whatever MLflow, its database or its server may raise
            reason = reason_of(error)
        else:
            self._patience -= max(0.0, time.monotonic() - started - allowance)
            if self._patience > 0:
                return result
            reason = "it answers too slowly"
        self._open(what, reason)
        return None

    def close(self) -> None:
        """Let the thread end once it is free; later calls start another."""
        with self._lock:
            if self._thread is not None:
                self._calls.put(None)
                self._thread = None

    def _open(self, what: str, reason: str) -> None:
        with self._lock:
            first, self.is_open = not self.is_open, True
        if first:
            self._failure = f"MLflow at {self._store} failed ({what}: {reason})."
            if not self._required:
                log.warning("%s %s", self._failure, self._consolation)
            self.close()
        self._refuse()

    def _refuse(self) -> None:
        if self._required:
            raise TrackingError(
                f"{self._failure} Mend the store, or set tracking.required=false to go on with the run folder alone."
            )

    def _start_thread(self) -> None:
        with self._lock:
            if self._thread is None:
                # A daemon, so that a call which never returns cannot keep the program from ending.
                self._thread = threading.Thread(target=self._work, name="tracking", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            future, function = call
            try:
                future.set_result(function())
            except BaseException as error:
                future.set_exception(error)
