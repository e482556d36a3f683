"""Train and evaluate as functions of a validated configuration: where data, model, training, tracking and evaluation meet."""

import logging
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from headway import stored, tracking, unseen
from headway.audit import audit_leaks
from headway.backtest.run import run_backtest
from headway.config.evaluate import EvaluateConfig
from headway.config.train import TrainConfig
from headway.data import sources
from headway.data.series import Dataset
from headway.errors import StoredRunError
from headway.evaluation import tables
from headway.evaluation.verdicts import spread
from headway.fitting import fit_forecaster, refuse_misfits
from headway.forecaster import Forecaster
from headway.forecasting import MODEL
from headway.judgement import Judgement, judge_forecaster
from headway.record import EpochRecord, facts, record_judgement, record_start, record_training
from headway.report.description import describe
from headway.slicing import refuse_unknown
from headway.stored import Stored
from headway.task import Task, prepare
from headway.tracking import Run
from headway.training.precision import device, precision_for

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What an entry script tells its user.

    Attributes:
        run_id: The run's id.
        text: Tables and sentences for the terminal.
        link: Address of the run in the MLflow UI, or None.
        unmet: What was required of the result and does not hold, in words.
    """

    run_id: str
    text: str
    link: str | None
    unmet: tuple[str, ...] = ()


def train(config: TrainConfig, *, name: str, command: Sequence[str], project: Path) -> Outcome:
    """Train a forecaster, keep it as a run, and score the test split if the configuration says so.

    Args:
        config: The validated configuration.
        name: The run's name.
        command: The words that were typed, for the record.
        project: Folder in which shipped data are found.

    Returns:
        What to tell the user.
    """
    dataset = sources.read(config.dataset, project=project)
    task = _prepare(dataset, config)
    on = device()
    precision = precision_for(config.training.precision, on)
    refuse_misfits(config, task)
    refuse_unknown(config.evaluation.slices, dataset.features)
    with tracking.start(config.tracking, name=name, comparable=task.identity(config.splits)) as run:
        log.info("run %s: %s", run.id, name)
        record_start(run, config, task, on=on, precision=precision, command=command)
        started = time.monotonic()
        forecaster, history = fit_forecaster(
            config,
            task,
            precision=precision,
            watch=EpochRecord(run, config, task),
            progress="bar" if sys.stdout.isatty() else "lines",
        )
        score = history.best["val_mae"]
        # Of the epoch whose weights are kept; the last epoch's is another number.
        kept = {"train/seconds": time.monotonic() - started, "validation/best_mae": float(f"{score:.6g}")}
        run.log_metrics(kept, step=history.best_epoch + 1)
        record_training(run, config, task, forecaster, history)
        run.set_score(score)
        summary = f"validation MAE {score:.3f} at epoch {history.best_epoch + 1} of {len(history.metrics['loss'])}"
        pictures = [("attention_map.png", "attention map")]
        run.describe(describe(headline=summary, facts=facts(config, task, command), sections=[], pictures=pictures))
        run.publish_view(forecaster.targets)
        if not config.evaluate:
            return Outcome(run.id, summary, run.link)
        text, unmet = _judge(config, task, forecaster, run, command)
        return Outcome(run.id, f"{text}\n{summary}", run.link, unmet)


def evaluate(config: EvaluateConfig, *, project: Path) -> Outcome:
    """Judge a stored run from its own configuration, data and weights.

    Args:
        config: Which run, what is asked of it, and where runs are tracked.
        project: Folder in which shipped data are found.

    Returns:
        What to tell the user.

    Raises:
        StoredRunError: If there is no such run, it is damaged, or its data have changed.
    """
    with tracking.reopen(config.tracking, config.run) as run:
        found = Stored.read(run.folder)
        trained = found.config.model_copy(update={"evaluation": config.evaluation.applied(found.config.evaluation)})
        if config.dataset.path is not None:
            return _judge_unseen(config.dataset.path, trained, found, run, project)
        dataset = sources.read(trained.dataset.model_copy(update={"sha256": None}), project=project)
        _refuse_other_data(dataset, found, run)
        if config.audit == "leaks":
            audit = audit_leaks(trained, Forecaster.load(run.folder / "forecaster"), project=project)
            return Outcome(run.id, audit.text, run.link, tuple(audit.leaks))
        task = _prepare(dataset, trained)
        refuse_unknown(trained.evaluation.slices, dataset.features)
        forecaster = Forecaster.load(run.folder / "forecaster")
        if config.backtest.kind != "off":
            text, is_best, lacking = run_backtest(config.backtest, trained, forecaster, task, run, project=project)
            unmet = _unmet(trained, is_best, lacking)
        else:
            text, unmet = _judge(trained, task, forecaster, run, found.command)
        return Outcome(run.id, text, run.link, unmet)


def _prepare(dataset: Dataset, config: TrainConfig) -> Task:
    return prepare(dataset, dataset_spec=config.dataset, splits=config.splits, windows=config.windows)


def _refuse_other_data(dataset: Dataset, found: Stored, run: Run) -> None:
    """The fingerprint says more than the file's digest: what the model saw, whatever the file's format."""
    fingerprint = dataset.fingerprint()
    if fingerprint != found.fingerprint:
        raise StoredRunError(
            f"{found.config.dataset.path}: its fingerprint is {fingerprint[:12]}..., run {run.id} was trained on {found.fingerprint[:12]}...; "
            f"restore the file it was trained on, or judge the file as it is now: dataset.path={found.config.dataset.path}"
        )


def _judge(
    config: TrainConfig, task: Task, forecaster: Forecaster, run: Run, command: Sequence[str]
) -> tuple[str, tuple[str, ...]]:
    """Score the test split, draw it, log it; returns the tables as text, and what does not hold."""
    judgement = judge_forecaster(forecaster, task, config.evaluation, seed=config.seed)
    target = forecaster.targets[0]
    error = judgement.scores.value(target, judgement.scores.model, "mae")
    seeds = spread(stored.errors_by_seed(run.folder, config, target, own=error))
    words = record_judgement(run, config, task, judgement, command=command, seeds=seeds)
    run.publish_view(forecaster.targets)
    return _text(judgement, words, seeds), _unmet(config, judgement.beats_baselines, judgement.unmet)


def _judge_unseen(path: str, config: TrainConfig, found: Stored, run: Run, project: Path) -> Outcome:
    """Judge a stored forecaster on another file, and say how that differs from its training rows."""
    forecaster = Forecaster.load(run.folder / "forecaster")
    data = unseen.read(path, config, forecaster, found.fingerprint, project=project)
    judgement = judge_forecaster(
        forecaster, data.trained_on, data.evaluation, seed=config.seed, judged_on=data.judged_on
    )
    unseen.record(run, path, judgement, data)
    target = forecaster.targets[0]
    error = judgement.scores.value(target, judgement.scores.model, "mae")
    words = f"MAE of {target} on {path} {error:.3f} {forecaster.units.get(target, '')}".rstrip()
    text = f"{data.text}\n\n{_text(judgement, words, '')}"
    return Outcome(run.id, text, run.link, _unmet(config, judgement.beats_baselines, judgement.unmet))


def _text(judgement: Judgement, words: str, seeds: str) -> str:
    parts = [judgement.table(), tables.definitions(headline=True), judgement.by_horizon(), judgement.verdicts]
    return "\n\n".join(filter(None, [*parts, judgement.coverage_note, f"{words}\n{seeds}".strip()]))


def _unmet(config: TrainConfig, beats_baselines: bool, unmet: Sequence[str]) -> tuple[str, ...]:
    if config.evaluation.require == "nothing" or beats_baselines:
        return ()
    return tuple(f"evaluation.require=beats_baselines: {MODEL} {words}" for words in unmet or ["has no rival to beat"])
