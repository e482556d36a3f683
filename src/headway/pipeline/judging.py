"""A forecaster judged on the test split: scored, explained, drawn, logged."""

import time
from collections.abc import Sequence

from headway import benchmark_check, stored
from headway.config.train import TrainConfig
from headway.data.series import Dataset
from headway.evaluation import tables
from headway.evaluation.scaled import ALL, definition
from headway.evaluation.verdicts import spread
from headway.explanation import explain
from headway.forecaster import Forecaster
from headway.forecasting import MODEL
from headway.judgement import SCALED, Judgement, judge_forecaster
from headway.pipeline.outcome import Outcome
from headway.record import (
    draw_judgement,
    record_explanation,
    record_judgement,
    record_report,
    scores_by_path,
)
from headway.report.drawing import Drawing
from headway.stored import Stored
from headway.task import Task, prepare
from headway.tracking import Run


def prepared(dataset: Dataset, config: TrainConfig) -> Task:
    return prepare(dataset, dataset_spec=config.dataset, splits=config.splits, windows=config.windows)


def judge(kept: Stored, task: Task, forecaster: Forecaster, run: Run) -> Outcome:
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
    explanation = explained = None
    judged = time.monotonic()
    run.log_metrics({"evaluation/seconds": float(f"{judged - started:.4g}")})
    with Drawing() as drawing:
        # Beside the explanation, which waits for the network more than for Python.
        early = drawing.submit(lambda: draw_judgement(run, kept, task, judgement))
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
        drawing.wait()
    if explanation is not None:
        explained = record_explanation(run, explanation, forecaster)
    words = record_judgement(
        run, config, task, judgement, command=kept.command, seeds=seeds, explanation=explanation, is_written=True
    )
    record_report(
        run,
        kept,
        task,
        headline=words,
        judgement=judgement,
        explanation=explanation,
        seeds=seeds,
        early=early.result(),
        explained=explained,
    )
    run.publish_view(forecaster.targets)
    lacking = unmet(config, judgement.beats_baselines, judgement.unmet)
    text = text_of(judgement, words, seeds)
    if explanation is not None:
        text += f"\n\nattention: {explanation.verdict.headline}"
    return Outcome(run.id, text, run.link, lacking, scores_by_path(judgement), words)


def text_of(judgement: Judgement, words: str, seeds: str) -> str:
    if judgement.scaled is None:
        parts = [judgement.table(), tables.definitions(headline=True), judgement.by_horizon(), judgement.verdicts]
    else:  # the tables of every target are in scores.txt
        parts = [judgement.summary(), definition(), judgement.verdicts]
    return "\n\n".join(filter(None, [*parts, judgement.coverage_note, f"{words}\n{seeds}".strip()]))


def unmet(config: TrainConfig, beats_baselines: bool, unmet: Sequence[str]) -> tuple[str, ...]:
    if config.evaluation.require == "nothing" or beats_baselines:
        return ()
    return tuple(f"evaluation.require=beats_baselines: {MODEL} {words}" for words in unmet or ["has no rival to beat"])


def _errors_by_seed(judgement: Judgement, config: TrainConfig, run: Run) -> dict[int, float]:
    """The error that the headline names, of this run and of those that differ from it in the seed alone."""
    if judgement.scaled is not None:
        own = judgement.scaled.mse[judgement.scaled.model]
        return stored.errors_by_seed(run.folder, config, ALL, own=own, table=SCALED, metric="mse")
    target = judgement.forecaster.targets[0]
    own = judgement.scores.value(target, judgement.scores.model, "mae")
    return stored.errors_by_seed(run.folder, config, target, own=own)
