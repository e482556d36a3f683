"""Train and evaluate as functions of a validated configuration: where data, model, training, tracking and evaluation meet."""

import logging
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from headway import benchmark_check, stored, tracking, unseen
from headway.audit import audit_leaks
from headway.backtest.run import run_backtest
from headway.comparing.run import compare_runs
from headway.comparing.side import Side, refuse_unlike
from headway.config.evaluate import EvaluateConfig, WindowRequest
from headway.config.tracking import TrackingSpec
from headway.config.train import TrainConfig
from headway.data import sources
from headway.data.series import Dataset
from headway.errors import StoredRunError
from headway.evaluation import tables
from headway.evaluation.scaled import ALL, definition
from headway.evaluation.verdicts import spread
from headway.explained_window import explain_window, find_windows
from headway.explanation import explain
from headway.fitting import Watch, fit_forecaster, refuse_misfits
from headway.forecaster import Forecaster
from headway.forecasting import MODEL
from headway.identity import digest_of
from headway.judgement import SCALED, Judgement, judge_forecaster
from headway.process import peak_memory
from headway.record import (
    EpochRecord,
    facts,
    record_explanation,
    record_judgement,
    record_report,
    record_start,
    record_training,
    scores_by_path,
)
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
        metrics: What a training ended with, or the scores of a judged run, by path.
        headline: The text in one sentence; empty where nothing was judged.
    """

    run_id: str
    text: str
    link: str | None
    unmet: tuple[str, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    headline: str = ""


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
    config: TrainConfig, *, name: str, command: Sequence[str], project: Path, sweep: Sweep | None = None
) -> Outcome:
    """Train a forecaster, keep it as a run, and score the test split if the configuration says so.

    Args:
        config: The validated configuration.
        name: The run's name.
        command: The words that were typed, for the record.
        project: Folder in which shipped data are found.
        sweep: The sweep that this run is a child of; children never see the test split.

    Returns:
        What to tell the user.

    Raises:
        Pruned: The sweep has seen enough.
    """
    dataset = sources.read(config.dataset, project=project)
    task = _prepare(dataset, config)
    on = device()
    precision = precision_for(config.training.precision, on)
    refuse_misfits(config, task)
    refuse_unknown(config.evaluation.slices, dataset.features)
    benchmark_check.check(config, task)
    with tracking.start(
        config.tracking,
        name=name,
        comparable=task.identity(config.splits),
        parent=None if sweep is None else sweep.parent,
        digest=digest_of(config, dataset.fingerprint()),
    ) as run:
        log.info("run %s: %s", run.id, name)
        if sweep is not None:
            sweep.begin(run.id, run.record.mlflow_run_id, task=task.question(config.splits))
        settings = record_start(run, config, task, on=on, precision=precision, command=command)
        epochs = EpochRecord(run, config, task)
        started = time.monotonic()
        forecaster, history = fit_forecaster(
            config,
            task,
            precision=precision,
            watch=_watch(epochs, sweep, f"validation/{config.criterion}"),
            progress="none" if sweep is not None else "bar" if sys.stdout.isatty() else "lines",
        )
        score = history.validation[config.criterion]
        # Of the epoch whose weights are kept; the last epoch's is another number.
        kept = {"train/seconds": time.monotonic() - started, "validation/best_error": float(f"{score:.6g}")}
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
        run.describe(describe(headline=summary, facts=facts(config, task, command), sections=[], pictures=pictures))
        run.publish_view(forecaster.targets)
        if not config.evaluate or sweep is not None:
            if sweep is None:
                record_report(run, settings, task, headline=summary)
            return Outcome(run.id, summary, run.link, metrics=kept)
        judged = _judge(settings, task, forecaster, run)
        return replace(judged, text=f"{judged.text}\n{summary}", metrics=kept)


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
    if config.compare is not None:
        return _compare(config, *config.compare, project=project)
    with tracking.reopen(config.tracking, config.run) as run:
        found = Stored.read(run.folder)
        trained = found.config.model_copy(update={"evaluation": config.evaluation.applied(found.config.evaluation)})
        if config.dataset.path is not None:
            return _judge_unseen(config.dataset.path, trained, found, run, project)
        dataset = _read_again(trained, found, run, project)
        if config.audit == "leaks":
            audit = audit_leaks(trained, Forecaster.load(run.folder / "forecaster"), project=project)
            return Outcome(run.id, audit.text, run.link, tuple(audit.leaks))
        task = _prepare(dataset, trained)
        refuse_unknown(trained.evaluation.slices, dataset.features)
        forecaster = Forecaster.load(run.folder / "forecaster")
        if config.attention.at is not None:
            return _show_windows(forecaster, task, run, config.attention)
        if config.backtest.kind != "off":
            text, is_best, lacking = run_backtest(config.backtest, trained, forecaster, task, run, project=project)
            return Outcome(run.id, text, run.link, _unmet(trained, is_best, lacking))
        return _judge(replace(found, config=trained), task, forecaster, run)


def judge_winner(settings: TrackingSpec, run_id: str, *, project: Path) -> Outcome:
    """Judge the best child of a sweep on the test split, as its own configuration says.

    Args:
        settings: Where it was tracked.
        run_id: Its id.
        project: Folder in which shipped data are found.

    Raises:
        StoredRunError: It is damaged or gone, or its data have changed.
    """
    with tracking.reopen(settings, run_id) as run:
        found = Stored.read(run.folder)
        task = _prepare(_read_again(found.config, found, run, project), found.config)
        forecaster = Forecaster.load(run.folder / "forecaster")
        return _judge(found, task, forecaster, run)


def _watch(record: EpochRecord, sweep: Sweep | None, criterion: str) -> Watch:
    def watch(forecaster: Forecaster, epochs: int, metrics: Mapping[str, float]) -> None:
        record(forecaster, epochs, metrics)
        if sweep is not None and epochs:
            sweep.report(epochs, metrics[criterion])

    return watch


def _read_again(config: TrainConfig, found: Stored, run: Run, project: Path) -> Dataset:
    """The data a run was trained on; its fingerprint says more than the file's digest: what the model saw, whatever the format."""
    dataset = sources.read(config.dataset.model_copy(update={"sha256": None}), project=project)
    _refuse_other_data(dataset, found, run)
    return dataset


def _prepare(dataset: Dataset, config: TrainConfig) -> Task:
    return prepare(dataset, dataset_spec=config.dataset, splits=config.splits, windows=config.windows)


def _refuse_other_data(dataset: Dataset, found: Stored, run: Run) -> None:
    fingerprint = dataset.fingerprint()
    if fingerprint != found.fingerprint:
        raise StoredRunError(
            f"{found.config.dataset.path}: its fingerprint is {fingerprint[:12]}..., run {run.id} was trained on {found.fingerprint[:12]}...; "
            f"restore the file it was trained on, or judge the file as it is now: dataset.path={found.config.dataset.path}"
        )


def _judge(kept: Stored, task: Task, forecaster: Forecaster, run: Run) -> Outcome:
    """Score the test split, explain it, draw it, log it."""
    config, started = kept.config, time.monotonic()
    judgement = judge_forecaster(
        forecaster,
        task,
        config.evaluation,
        seed=config.seed,
        scaled=config.benchmark.scaled,
        published=benchmark_check.published(config, task),
    )
    seeds = spread(_errors_by_seed(judgement, config, run))
    explanation = None
    judged = time.monotonic()
    run.log_metrics({"evaluation/seconds": float(f"{judged - started:.4g}")})
    if config.evaluation.explain_windows:
        explanation = explain(
            forecaster,
            task,
            judgement.split,
            windows=config.evaluation.explain_windows,
            readout=config.model.readout,
            draws=config.evaluation.bootstrap,
            seed=config.seed,
        )
        run.log_metrics({"explanation/seconds": float(f"{time.monotonic() - judged:.4g}")})
        record_explanation(run, explanation, forecaster)
    words = record_judgement(run, config, task, judgement, command=kept.command, seeds=seeds, explanation=explanation)
    record_report(run, kept, task, headline=words, judgement=judgement, explanation=explanation, seeds=seeds)
    run.publish_view(forecaster.targets)
    unmet = _unmet(config, judgement.beats_baselines, judgement.unmet)
    text = _text(judgement, words, seeds)
    if explanation is not None:
        text += f"\n\nattention: {explanation.verdict.headline}"
    return Outcome(run.id, text, run.link, unmet, scores_by_path(judgement), words)


def _errors_by_seed(judgement: Judgement, config: TrainConfig, run: Run) -> dict[int, float]:
    """The error that the headline names, of this run and of those that differ from it in the seed alone."""
    if judgement.scaled is not None:
        own = judgement.scaled.mse[judgement.scaled.model]
        return stored.errors_by_seed(run.folder, config, ALL, own=own, table=SCALED, metric="mse")
    target = judgement.forecaster.targets[0]
    own = judgement.scores.value(target, judgement.scores.model, "mae")
    return stored.errors_by_seed(run.folder, config, target, own=own)


def _show_windows(forecaster: Forecaster, task: Task, run: Run, asked: WindowRequest) -> Outcome:
    """Draw the windows of a time beside the values they attend to."""
    words = []
    for window in find_windows(task, asked.at or "", asked.series):
        path, text = explain_window(forecaster, task, window, run.folder)
        run.log_file(path)
        words.append(f"{text}\n\n{run.folder / path}")
    return Outcome(run.id, "\n\n".join(words), run.link)


def _compare(config: EvaluateConfig, first: str, second: str, *, project: Path) -> Outcome:
    """Set two stored runs side by side."""
    with tracking.reopen(config.tracking, first) as one, tracking.reopen(config.tracking, second) as other:
        found = [(run, Stored.read(run.folder)) for run in (one, other)]
        refuse_unlike(*found)
        dataset = _read_again(found[0][1].config, found[0][1], one, project)
        sides = []
        for run, kept in found:
            trained = kept.config.model_copy(update={"evaluation": config.evaluation.applied(kept.config.evaluation)})
            sides.append(Side(run, trained, _prepare(dataset, trained), Forecaster.load(run.folder / "forecaster")))
        return Outcome(one.id, compare_runs(*sides), one.link)


def _judge_unseen(path: str, config: TrainConfig, found: Stored, run: Run, project: Path) -> Outcome:
    """Judge a stored forecaster on another file, and say how that differs from its training rows."""
    forecaster = Forecaster.load(run.folder / "forecaster")
    data = unseen.read(path, config, forecaster, found.fingerprint, project=project)
    judgement = judge_forecaster(
        forecaster,
        data.trained_on,
        data.evaluation,
        seed=config.seed,
        judged_on=data.judged_on,
        scaled=config.benchmark.scaled,
    )
    unseen.record(run, path, judgement, data)
    target = forecaster.targets[0]
    error = judgement.scores.value(target, judgement.scores.model, "mae")
    words = f"MAE of {target} on {path} {error:.3f} {forecaster.units.get(target, '')}".rstrip()
    if judgement.scaled is not None:
        words = f"{path}: {judgement.headline}"
    text = f"{data.text}\n\n{_text(judgement, words, '')}"
    return Outcome(run.id, text, run.link, _unmet(config, judgement.beats_baselines, judgement.unmet))


def _text(judgement: Judgement, words: str, seeds: str) -> str:
    if judgement.scaled is None:
        parts = [judgement.table(), tables.definitions(headline=True), judgement.by_horizon(), judgement.verdicts]
    else:  # the tables of every target are in scores.txt
        parts = [judgement.summary(), definition(), judgement.verdicts]
    return "\n\n".join(filter(None, [*parts, judgement.coverage_note, f"{words}\n{seeds}".strip()]))


def _unmet(config: TrainConfig, beats_baselines: bool, unmet: Sequence[str]) -> tuple[str, ...]:
    if config.evaluation.require == "nothing" or beats_baselines:
        return ()
    return tuple(f"evaluation.require=beats_baselines: {MODEL} {words}" for words in unmet or ["has no rival to beat"])
