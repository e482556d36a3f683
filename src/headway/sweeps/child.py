"""A sweep's job: it claims its trial, reports every epoch, and tells the study itself how it ended."""

import gc
import logging
import math
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Protocol

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import BaseStorage
from optuna.trial import TrialState

from headway.errors import DataError, HeadwayError, Interrupted, NumericError, Pruned
from headway.process import Process
from headway.redaction import redacted
from headway.sweeps import choosing, study
from headway.sweeps.repeat import repeated
from headway.sweeps.storage import alone, open_storage
from headway.sweeps.ticket import Ticket
from headway.tracking import Parent

log = logging.getLogger(__name__)

METRIC_OF = {"error": "validation/best_error", "seconds": "train/seconds", "weights": "weights"}
"""Objective -> the metric of a training that it is."""

_LONGEST_ERROR = 2_000


class Result(Protocol):
    """What a training says of itself: "validation/best_error", "train/seconds", "weights" and more, by path."""

    @property
    def metrics(self) -> Mapping[str, float]: ...


@dataclass(frozen=True)
class Child:
    """What a training asks of the sweep it belongs to.

    Attributes:
        ticket: Its part in the sweep.
    """

    ticket: Ticket
    _study: optuna.Study
    _trial_id: int
    _storage: BaseStorage

    @property
    def parent(self) -> Parent:
        """The parent run."""
        return Parent(self.ticket.parent, self.ticket.parent_mlflow)

    def begin(self, run: str, mlflow_run: str | None, *, task: str) -> None:
        """Say which run this is, and what it forecasts.

        Args:
            run, mlflow_run: Its ids.
            task: The same for runs whose validation scores can be compared.

        Raises:
            DataError: The search compares other forecasts.
        """
        with _given_up_means_the_end():
            for name, value in ((study.RUN, run), (study.MLFLOW_RUN, mlflow_run), (study.TASK, task)):
                self._storage.set_trial_user_attr(self._trial_id, name, value)
        if not self.ticket.is_search:
            return
        known = self._study.user_attrs.get(study.TASK)
        if known is None:
            self._study.set_user_attr(study.TASK, task)
        elif known != task:
            raise DataError(
                "this trial forecasts something else than the study's first (the file, dataset.targets, splits, windows.horizon or "
                "windows.stride differ), and a search compares scores; give another sweep.name"
            )

    def report(self, epoch: int, score: float) -> None:
        """Hand the pruner an epoch's validation score.

        Raises:
            Pruned: Others have done better by this epoch.
        """
        # What is not finite fails a moment later, where the training names the reason; it is no number to compare.
        if not math.isfinite(score):
            return
        with _given_up_means_the_end():
            self._storage.set_trial_intermediate_value(self._trial_id, epoch, score)
        # After the last epoch there is nothing left to save.
        if self.ticket.pruner == "none" or epoch >= self.ticket.epochs:
            return
        if self._study.pruner.prune(self._study, self._storage.get_trial(self._trial_id)):
            raise Pruned(f"ended after epoch {epoch}: other trials do better")


def run(ticket: Ticket, work: Callable[[Child], Result]) -> float | None:
    """Do a trial's work, whatever becomes of it, and leave the outcome in the study.

    Args:
        ticket: Which trial.
        work: Trains; gets what it needs of the sweep.

    Returns:
        The error on validation, or None where there is none. A failure is told to the study and raises nothing: the
        siblings go on.

    Raises:
        Interrupted, KeyboardInterrupt: The user wants all of it to end.
    """
    _end_with(ticket.sweeper)
    storage = open_storage(ticket.storage, Path(ticket.folder))
    pruner = choosing.pruner(ticket.pruner, epochs=ticket.epochs)
    known = optuna.load_study(storage=storage, study_name=ticket.study, pruner=pruner)
    trial_id = storage.get_trial_id_from_study_id_trial_number(known._study_id, ticket.trial)
    with alone(storage, Path(ticket.folder)):  # or a sweeper that finds its owner dead gives it up meanwhile
        is_ours = _claim(storage, trial_id)
    if not is_ours:
        return None
    is_in_sweeper = Process.own() == Process.read(ticket.sweeper)

    def beat() -> None:  # to machines that cannot look at this one's processes
        storage.set_trial_user_attr(trial_id, study.BEAT, time.time())

    with _working(), repeated(beat, every=study.BEAT_SECONDS), _terminable(in_sweeper=is_in_sweeper):
        try:
            result = work(Child(ticket, known, trial_id, storage))
            values = _values(result.metrics, ticket.objectives)
        except Pruned:
            known.tell(ticket.trial, state=TrialState.PRUNED)
            return None
        except (Interrupted, KeyboardInterrupt) as error:
            # Of a job in a process of its own the sweeper sees that it ended, and has the trial tried again.
            if isinstance(error, _GivenUp) or (isinstance(error, Interrupted) and not is_in_sweeper):
                return None
            raise
        except BaseException as error:  # SystemExit, too: in a sweep it would end the siblings
            _tell_failure(known, storage, trial_id, ticket, error)
            return None
        try:
            storage.set_trial_user_attr(trial_id, study.METRICS, dict(result.metrics))
            known.tell(ticket.trial, values)
        except UpdateFinishedTrialError:
            return None
        return values[list(ticket.objectives).index("error")]


def _claim(storage: BaseStorage, trial_id: int) -> bool:
    """Take the trial over from the sweeper; False where it has ended, or another job works on it."""
    trial = storage.get_trial(trial_id)
    if trial.state != TrialState.RUNNING:
        return False
    own = Process.own()
    if (
        trial.user_attrs.get(study.CLAIMED)
        and study.is_worked_on(trial)
        and trial.user_attrs.get(study.OWNER) != own.as_dict()
    ):
        return False
    for name, value in ((study.BEAT, time.time()), (study.OWNER, own.as_dict()), (study.CLAIMED, True)):
        storage.set_trial_user_attr(trial_id, name, value)
    return True


def _values(metrics: Mapping[str, float], objectives: Sequence[str]) -> list[float]:
    values = [float(metrics[METRIC_OF[objective]]) for objective in objectives]
    if not all(math.isfinite(value) for value in values):
        raise NumericError(
            f"{', '.join(objectives)}: {', '.join(map(str, values))}; a result that is not finite is none"
        )
    return values


def _tell_failure(
    known: optuna.Study, storage: BaseStorage, trial_id: int, ticket: Ticket, error: BaseException
) -> None:
    if isinstance(error, HeadwayError):
        words = " ".join(error.messages)
    elif isinstance(error, SystemExit):
        words = f"something called sys.exit({error.code!r})"
    else:
        words = f"{type(error).__name__}: {error}"
        log.warning("%s", redacted("".join(traceback.format_exception(error)).rstrip()))
    storage.set_trial_user_attr(trial_id, study.ERROR, redacted(" ".join(words.split()))[:_LONGEST_ERROR])
    known.tell(ticket.trial, state=TrialState.FAIL)


class _GivenUp(Interrupted):
    """A sweeper took this process for dead, or was interrupted: the trial is another one's now."""


@contextmanager
def _given_up_means_the_end() -> Iterator[None]:
    try:
        yield
    except UpdateFinishedTrialError:
        raise _GivenUp("this trial was given up meanwhile") from None


@contextmanager
def _terminable(*, in_sweeper: bool) -> Iterator[None]:
    """Let SIGTERM end a job in a process of its own as an interruption; a launcher's worker would make something else of it."""
    if in_sweeper or threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise Interrupted("stopped by SIGTERM")

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


_busy = threading.Event()


@contextmanager
def _working() -> Iterator[None]:
    _busy.set()
    try:
        yield
    finally:
        _busy.clear()
        # A process that trains a hundred times must not keep a hundred models.
        gc.collect()


def _end_with(sweeper: Mapping[str, object]) -> None:
    process = Process.read(sweeper)
    if process is not None and process.is_here and process != Process.own():
        _watch(process)


@cache  # one watch a process, however many jobs it gets
def _watch(sweeper: Process) -> None:
    """End an idle worker whose sweeper was killed; what it is working on it finishes, because the study will want it."""

    def watch() -> None:
        while sweeper.is_alive or _busy.is_set():
            time.sleep(1.0)
        os._exit(0)

    threading.Thread(target=watch, name="sweep-parent", daemon=True).start()
