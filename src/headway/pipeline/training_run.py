"""Training from a configuration to a judged run; goes on where a killed one was."""

import logging
import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from headway import backend, benchmark_check, interruption, tracking
from headway.config.train import TrainConfig
from headway.data import sources
from headway.epoch_record import EpochRecord
from headway.errors import Interrupted
from headway.fitting import Watch, fit_forecaster, refuse_misfits
from headway.forecaster import Forecaster
from headway.identity import digest_of
from headway.pipeline.judging import judge, prepared
from headway.pipeline.outcome import Outcome
from headway.process import peak_memory
from headway.record import facts, record_report, record_start, record_training
from headway.report.description import describe
from headway.report.drawing import Drawing
from headway.slicing import refuse_unknown
from headway.stored import Stored
from headway.task import Task
from headway.tracking import Run
from headway.training.checkpoint import FOLDER, Checkpoints
from headway.training.determinism import establish
from headway.training.precision import device, precision_for
from headway.training.progress import Progress

log = logging.getLogger(__name__)


class Sweep(Protocol):
    """The sweep that a training is a child of."""

    @property
    def parent(self) -> tracking.Parent:
        """The sweep's own run."""

    def begin(self, run: str, mlflow_run: str | None, *, task: str) -> None:
        """Learn which run this child is, and what it forecasts."""

    def report(self, epoch: int, score: float) -> None:
        """Learn an epoch's validation score; raises Pruned to end the training."""


def train(
    config: TrainConfig,
    *,
    name: str,
    command: Sequence[str],
    project: Path,
    sweep: Sweep | None = None,
    resume: str = "off",
) -> Outcome:
    """Train a forecaster, keep it as a run, and score the test split if the configuration says so.

    Args:
        config: The validated configuration.
        name: The run's name.
        command: The words that were typed, for the record.
        project: Folder in which shipped data are found.
        sweep: The sweep that this run is a child of; children never see the test split.
        resume: "off" begins a run, "auto" goes on with the newest unfinished one of the same settings, data and code
            if there is one, and anything else is the id of the run to go on with.

    Returns:
        What to tell the user.

    Raises:
        Pruned: The sweep has seen enough.
        Interrupted: The user or the system has; the run can be gone on with.
        StoredRunError: The run to go on with is not there, or not of these settings, data and code.
    """
    dataset = sources.read(config.dataset, project=project)
    task = prepared(dataset, config)
    on = device()
    precision = precision_for(config.training.precision, on)
    determinism = establish(config.training.determinism, jit=config.training.jit)
    refuse_misfits(config, task)
    refuse_unknown(config.evaluation.slices, dataset.features)
    benchmark_check.check(config, task)
    digest = digest_of(config, dataset.fingerprint())
    with _open(config, task, name=name, digest=digest, sweep=sweep, resume=resume) as run:
        log.info("run %s: %s", run.id, name)
        if sweep is not None:
            sweep.begin(run.id, run.record.mlflow_run_id, task=task.question(config.splits))
        settings = record_start(run, config, task, on=on, precision=precision, determinism=determinism, command=command)
        checkpoints = Checkpoints(run.folder / FOLDER)
        try:
            outcome = _train_and_judge(config, task, run, settings, checkpoints, precision=precision, sweep=sweep)
        except BaseException as error:
            if sweep is not None:  # a child is trained anew, if at all
                checkpoints.remove()
            if sweep is not None or not isinstance(error, Interrupted | KeyboardInterrupt):
                raise
            raise Interrupted(
                f"{str(error) or 'interrupted'}: run {run.id} is kept; the same command with resume=auto goes on with it"
            ) from None
    # After the run has its end: killed in between, it is finished and has checkpoints that nobody needs.
    checkpoints.remove()
    return outcome


def _open(
    config: TrainConfig, task: Task, *, name: str, digest: str, sweep: Sweep | None, resume: str
) -> AbstractContextManager[Run]:
    """A new run, or the unfinished one to go on with."""
    found = None
    if sweep is None and resume in ("off", "auto"):
        unfinished = tracking.find_unfinished(config.tracking, digest)
        if resume == "auto":
            found = None if unfinished is None else unfinished.id
            if found is None:
                log.info("no unfinished run of these settings, data and code: a new one begins")
        elif unfinished is not None:
            log.info("run %s of the same settings is unfinished: resume=auto would go on with it", unfinished.id)
    elif sweep is None:
        found = resume
    # Loading MLflow takes seconds, which the first step need not wait for; a sweep must know its children's mirrors.
    later = sweep is None
    if found is not None:
        return tracking.resume(config.tracking, found, digest=digest, later=later)
    return tracking.start(
        config.tracking,
        name=name,
        comparable=task.identity(config.splits),
        parent=None if sweep is None else sweep.parent,
        digest=digest,
        later=later,
    )


def _train_and_judge(
    config: TrainConfig,
    task: Task,
    run: Run,
    settings: Stored,
    checkpoints: Checkpoints,
    *,
    precision: str,
    sweep: Sweep | None,
) -> Outcome:
    # Off means another seed every time; it is kept with the state, so that going on is still exact.
    seed = config.seed if config.training.determinism != "off" else secrets.randbits(32)
    identity = {"precision": precision, "backend": backend.loaded(), "device": settings.environment["device"]}
    with Drawing(later=True) as drawing, interruption.deferred() as stop:
        epochs = EpochRecord(run, config, task, drawing=drawing)

        def begin() -> None:
            drawing.begin()
            run.begin_mirror()

        so_far = Progress(checkpoints, identity=identity, seed=seed, stop=_after_a_step(begin, stop))
        if config.training.determinism == "off":
            so_far.keep_seed()
        if so_far.is_resumed:
            log.info("goes on at %s", so_far.words)
        try:
            forecaster, history = fit_forecaster(
                config,
                task,
                precision=precision,
                watch=_watch(epochs, sweep, f"validation/{config.criterion}"),
                progress="none" if sweep is not None else "bar" if sys.stdout.isatty() else "lines",
                so_far=so_far,
            )
        finally:
            # Whatever ended it: what it attended to is what one looks at then.
            epochs.finish()
    if stop():
        raise Interrupted("interrupted")
    score = history.validation[config.criterion]
    # Of the epoch whose weights are kept; the last epoch's is another number.
    kept = {"train/seconds": so_far.seconds, "validation/best_error": float(f"{score:.6g}")}
    if advice := backend.hint(identity["backend"], seconds=so_far.seconds, on_cpu=identity["device"].endswith("CPU")):
        log.info(advice)
    kept["weights"] = float(forecaster.network.count_params())
    kept["train/peak_memory_megabytes"] = float(f"{peak_memory():.6g}")
    run.log_metrics(kept, step=history.best_epoch + 1)
    record_training(run, config, task, forecaster, history, metrics=kept, epochs=epochs)
    run.set_score(score)
    epochs_run, members = len(history.metrics["loss"]), config.training.ensemble
    when = f"at epoch {history.best_epoch + 1} of" if members == 1 else f"of {members} networks together, after"
    decimals = 4 if config.criterion == "mse" else 3
    summary = f"validation {config.criterion.upper()} {score:.{decimals}f} {when} {epochs_run}"
    summary += "" if members == 1 else " epochs in all"
    pictures = [("attention_map.png", "attention map")]
    run.describe(
        describe(headline=summary, facts=facts(config, task, settings.command), sections=[], pictures=pictures)
    )
    run.publish_view(forecaster.targets)
    if not config.evaluate or sweep is not None:
        if sweep is None:
            record_report(run, settings, task, headline=summary)
        return Outcome(run.id, summary, run.link, metrics=kept)
    judged = judge(settings, task, forecaster, run)
    return replace(judged, text=f"{judged.text}\n{summary}", metrics=kept)


def _after_a_step(begin: Callable[[], None], stop: Callable[[], bool]) -> Callable[[], bool]:
    """Training asks whether to stop before its first execution, and after each: from the second time on it is under way."""
    asked = 0

    def is_to_stop() -> bool:
        nonlocal asked
        asked += 1
        if asked == 2:
            begin()
        return stop()

    return is_to_stop


def _watch(record: EpochRecord, sweep: Sweep | None, criterion: str) -> Watch:
    def watch(forecaster: Forecaster, epochs: int, metrics: Mapping[str, float]) -> None:
        record(forecaster, epochs, metrics)
        if sweep is not None and epochs:
            sweep.report(epochs, metrics[criterion])

    return watch
