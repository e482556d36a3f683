"""A sweep from its first trial to the winner: ask, launch, look after what was lost, and record it all on one parent run."""

import contextlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rich.console import Console

from headway import tracking
from headway.config.sweep import SweepSpec
from headway.config.tracking import TrackingSpec
from headway.config.train import TrainConfig
from headway.errors import ConfigError, HeadwayError, Interrupted, SweepError
from headway.process import Process
from headway.sweeps import children, parent
from headway.sweeps.child import METRIC_OF
from headway.sweeps.finished import FinishedRuns
from headway.sweeps.plan import Assignment, Plan
from headway.sweeps.repeat import repeated
from headway.sweeps.storage import open_storage
from headway.sweeps.study import BEAT_SECONDS, DONE, JUDGED, PARENT, Study
from headway.sweeps.terminal import watched
from headway.sweeps.ticket import Ticket
from headway.tracking import Run, folder

log = logging.getLogger(__name__)

_PAUSE = 1.0


class Jobs(Protocol):
    """What starts jobs; the plug-in's side of Hydra."""

    def settings_of(self, overrides: Sequence[str]) -> TrainConfig:
        """The validated configuration of a child; raises ConfigError."""

    def launch(self, jobs: Sequence[tuple[Ticket, Sequence[str]]], *, first: int) -> None:
        """Run jobs to their ends; raises Interrupted if the user wants all of it to end, anything else if jobs were lost."""


@dataclass(frozen=True)
class Sweep:
    """What is to be swept, as plain values.

    Attributes:
        name: Of the folder and the study.
        folder: Where the sweep keeps its own files.
        spec: The sweep group.
        plan: Dimensions or points.
        pruner: What ends trials early.
        command: The words that were typed, without passwords.
        shared: Overrides of all children, for the command that reproduces the best.
        tracking: Where the parent run is logged.
        epochs: Most epochs of a trial.
        batch: Jobs handed to the launcher at a time.
        side_by_side: Jobs the launcher runs at once, as far as is known.
        threads: Of each job, or None to leave them.
        project: Folder in which shipped data are found.
    """

    name: str
    folder: Path
    spec: SweepSpec
    plan: Plan
    pruner: str
    command: Sequence[str]
    shared: Sequence[str]
    tracking: TrackingSpec
    epochs: int
    batch: int
    side_by_side: int
    threads: int | None
    project: Path


class Judged(Protocol):
    """What the test split says of a run."""

    @property
    def text(self) -> str:
        """Tables and verdicts."""

    @property
    def headline(self) -> str:
        """One sentence."""

    @property
    def metrics(self) -> Mapping[str, float]:
        """Scores by path."""


Judge = Callable[[str], Judged]
"""Judges a run by its id on the test split."""


def run(sweep: Sweep, jobs: Jobs, *, judge: Judge, console: Console) -> None:
    """Run a sweep, or go on with it.

    Args:
        sweep: What is swept.
        jobs: What starts jobs.
        judge: Judges the winner, where `sweep.evaluate_best` asks for it.
        console: Where it shows what it does.

    Raises:
        ConfigError: The launcher cannot launch.
        SweepError: A child failed; the others went on.
        Interrupted: The user ended it; the same command goes on.
    """
    try:
        _run(sweep, jobs, judge=judge, console=console)
    except (Interrupted, KeyboardInterrupt):
        # Jobs in processes of their own were ended with the launcher, and could not say so.
        with contextlib.suppress(HeadwayError):
            tracking.mark_dead(sweep.tracking)
        raise Interrupted(f"sweep {sweep.name} was interrupted; the same command goes on with it") from None


def _run(sweep: Sweep, jobs: Jobs, *, judge: Judge, console: Console) -> None:
    study = Study(open_storage(sweep.spec.storage, sweep.folder), sweep.name, sweep.plan, folder=sweep.folder)
    before = study.finished
    if before >= sweep.plan.total and not sweep.spec.evaluate_best:
        console.print(_nothing_left(sweep, before), soft_wrap=True, markup=False)
    with ExitStack() as stack:
        own = _join(sweep, study, stack)
        console.print(_greeting(sweep, own, before), soft_wrap=True, markup=False)
        dead = tracking.mark_dead(sweep.tracking)
        if dead:
            log.info("marked as killed: %s", ", ".join(dead))
        with watched(study, sweep.plan.total, console=console):
            _work(sweep, study, jobs, own)
        tracking.mark_dead(sweep.tracking)
        judged = _judge(study, judge, own, console) if sweep.spec.evaluate_best else ""
        with study.alone():
            text = parent.record(
                own,
                study,
                name=sweep.name,
                command=sweep.command,
                shared=sweep.shared,
                dimensions=sweep.plan.dimensions,
                objectives=sweep.plan.objectives,
                judged=judged,
            )
    # Last: killed before, the same command must go on with this parent instead of a new grid.
    if not sweep.plan.is_search and study.finished >= sweep.plan.total:
        study.keep(DONE, True)
    console.print(f"\n{text}\n\nsweep {sweep.name}: run {own.id}", soft_wrap=True, markup=False)
    if own.link:
        console.print(f"review: python -m headway.tracking ui, then {own.link}", soft_wrap=True, markup=False)
    if study.finished < sweep.plan.total:
        console.print(f"{study.finished} of {sweep.plan.total} are done; the same command goes on", markup=False)
    failed = [row for row in children.rows_of(study) if row.state == "failed"]
    if failed:
        shown = [f"trial {row.number} ({_settings(row)}) failed: {row.error or 'without a word'}" for row in failed]
        raise SweepError(*shown[:20], *([f"and {len(shown) - 20} more; see trials.csv"] if len(shown) > 20 else []))


def _join(sweep: Sweep, study: Study, stack: ExitStack) -> Run:
    """Open the parent run: a new one for the first process of the sweep, the same one for all others."""
    with study.alone():
        known = study.attribute(PARENT)
        if known is None:
            # Its name before anything else: killed from here on, the next process makes no second one.
            known = {"id": folder.new_id(Path("runs")), "mlflow_run_id": None}
            study.keep(PARENT, known)
        own = stack.enter_context(
            tracking.rejoin(
                _quiet(sweep), known["id"], name=f"sweep {sweep.name}", mlflow_run_id=known["mlflow_run_id"]
            )
        )
        if known["mlflow_run_id"] is None:
            own.set_tags({"command": children.spelled(sweep.command), **tracking.provenance()})
            study.keep(PARENT, {"id": own.id, "mlflow_run_id": own.mlflow_run_id})
        return own


def _quiet(sweep: Sweep) -> TrackingSpec:
    """What the machine does is the children's to tell; on the parent it would bury the winner's values."""
    return sweep.tracking.model_copy(update={"system_metrics": False})


def _work(sweep: Sweep, study: Study, jobs: Jobs, own: Run) -> None:
    deadline = time.monotonic() + sweep.spec.seconds
    best: float | None = None
    finished = FinishedRuns(sweep.tracking, project=sweep.project)
    while True:
        is_time_up = time.monotonic() >= deadline
        batch = [] if is_time_up else study.ask(sweep.batch)
        if not batch:
            if is_time_up or not any(row.state == "running" for row in children.rows_of(study)):
                return
            # Of other sweepers, or of one that was killed while its jobs went on: they may still be lost, and then are ours.
            time.sleep(_PAUSE)
            continue
        ready = [assignment for assignment in batch if _is_to_train(sweep, study, jobs, finished, assignment)]
        if ready:
            _launch(sweep, study, jobs, own, ready)
        row = children.best_of(children.rows_of(study))
        if row is not None and row.score is not None and row.score != best:
            best = row.score
            own.log_metrics({"sweep/best_validation_error": best}, step=study.finished)


def _is_to_train(sweep: Sweep, study: Study, jobs: Jobs, finished: FinishedRuns, assignment: Assignment) -> bool:
    """Whether the trial needs a job: not if its settings are refused, or an earlier run stands for it."""
    try:
        config = jobs.settings_of(assignment.overrides)
        if sweep.spec.skip_finished:
            found = finished.like(config)
            if found is not None:
                metrics, task = found.result.metrics, found.result.task
                values = [metrics[METRIC_OF[objective]] for objective in sweep.plan.objectives]
                run, mlflow_run = found.run, found.mlflow_run
                study.reuse(assignment.number, values, run=run, mlflow_run=mlflow_run, metrics=metrics, task=task)
                return False
    except Interrupted:
        raise
    except HeadwayError as error:
        study.fail(assignment.number, " ".join(error.messages))
        return False
    return True


def _launch(sweep: Sweep, study: Study, jobs: Jobs, own: Run, batch: Sequence[Assignment]) -> None:
    parts = [(_ticket(sweep, own, assignment), assignment.overrides) for assignment in batch]
    numbers = [assignment.number for assignment in batch]
    try:
        # What waits in the launcher's queue is answered for, to sweepers on other machines.
        with repeated(lambda: study.beat(numbers), every=BEAT_SECONDS):
            jobs.launch(parts, first=min(numbers))
    except (Interrupted, KeyboardInterrupt):
        for number in numbers:
            study.give_up(number)
        raise
    except Exception as error:  # a worker that was killed ends a launcher with whatever its library raises
        _settle(study, numbers)
        kind = type(error).__name__
        if not any(study.is_claimed(number) for number in numbers):
            words = " ".join(str(error).split()) or kind
            raise ConfigError(f"the launcher started no job: {kind}: {words[:500]}") from error
        log.warning("the launcher lost jobs (%s); what did not finish is tried again", kind)
    else:
        # All jobs have ended: what is not done was lost by a job that could not say so.
        for number in study.workers_of(numbers):
            study.give_up(number, counts=True, began=True)


def _settle(study: Study, numbers: Sequence[int]) -> None:
    """Wait for jobs that go on without their launcher, and give back the trials that no job took."""
    own = Process.own()
    while True:
        working = study.workers_of(numbers)
        if not any(process is not None and process != own for process in working.values()):
            break
        time.sleep(_PAUSE)
    for number in working:
        study.give_up(number, counts=True)


def _judge(study: Study, judge: Judge, own: Run, console: Console) -> str:
    """The winner on the test split, once: a second look would be a choice made on it."""
    best = children.best_of(children.rows_of(study))
    if best is None or best.run is None:
        return ""
    known = study.attribute(JUDGED)
    if not known or known["run"] != best.run:
        judged = judge(best.run)
        console.print(f"\n{judged.text}", soft_wrap=True, markup=False)
        known = {"run": best.run, "words": judged.headline, "metrics": dict(judged.metrics)}
        study.keep(JUDGED, known)
    own.log_metrics(known["metrics"])
    return str(known["words"])


def _ticket(sweep: Sweep, own: Run, assignment: Assignment) -> Ticket:
    return Ticket(
        storage=sweep.spec.storage,
        folder=str(sweep.folder.absolute()),
        study=sweep.name,
        trial=assignment.number,
        parent=own.id,
        parent_mlflow=own.record.mlflow_run_id,
        sweeper=Process.own().as_dict(),
        swept=assignment.overrides,
        objectives=sweep.plan.objectives,
        pruner=sweep.pruner,
        is_search=sweep.plan.is_search,
        epochs=sweep.epochs,
        threads=sweep.threads,
    )


def _settings(row: children.Row) -> str:
    return " ".join(f"{key}={value}" for key, value in row.parameters.items())


def _greeting(sweep: Sweep, own: Run, before: int) -> str:
    what = f"search of {sweep.plan.total} trials" if sweep.plan.is_search else f"grid of {sweep.plan.total}"
    done = f", {before} done before" if before else ""
    return f"sweep {sweep.name}: {what}{done}; run {own.id}"


def _nothing_left(sweep: Sweep, before: int) -> str:
    if sweep.plan.is_search:
        return f"sweep {sweep.name}: all {before} trials are done; a larger sweep.n_trials goes on"
    return f"sweep {sweep.name}: all {before} children are done; another sweep.name trains them again"
