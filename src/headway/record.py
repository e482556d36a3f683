"""What a run keeps for its review: parameters, data, attention, curves, scores, and the page's description."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np
from numpy.typing import NDArray

from headway import explanation_files, files, tracking
from headway.attention import maps
from headway.config.train import TrainConfig
from headway.data import batches
from headway.epoch_record import EpochRecord
from headway.explanation import Explanation
from headway.forecaster import Forecaster
from headway.judgement import Judgement
from headway.report.attention import attention_map
from headway.report.attention_epochs import attention_epochs
from headway.report.description import describe
from headway.report.png import png
from headway.report.training import learning_curves
from headway.run_report.build import FILE as REPORT
from headway.run_report.build import early_sections, write_report
from headway.stored import Result, Stored
from headway.task import Task
from headway.tracking import Run
from headway.training.fit import History
from headway.training.precision import Device

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from headway.report.page import Section


def record_start(
    run: Run,
    config: TrainConfig,
    task: Task,
    *,
    on: Device,
    precision: str,
    determinism: str,
    command: Sequence[str],
) -> Stored:
    """Configuration, data and machine, before anything is trained; returns what is stored of them."""
    dataset = task.dataset
    environment = {
        **tracking.provenance(),
        "device": f"{on.count} x {on.name}",
        "backend": keras.backend.backend(),
        "precision": precision,
        "determinism": determinism,
    }
    files.remove_left_over(run.folder)  # of a kill: this process alone trains the run
    kept = Stored(config, dataset.fingerprint(), tuple(command), environment)
    kept.write(run.folder)
    files.write(run.folder / "environment.txt", tracking.environment())
    run.log_file("config.yaml")
    run.log_file("environment.txt")
    run.log_params(
        {
            "dataset": dataset.name,
            "context_length": config.windows.context_length,
            "horizon": config.windows.horizon,
            "attention": config.model.attention,
            "heads": config.model.heads,
            "d_model": config.model.d_model,
            "layers": config.model.layers,
            "head": config.model.head,
            "learning_rate": config.training.learning_rate,
            "batch_size": config.training.batch_size,
            "precision": precision,
            "ensemble": config.training.ensemble,
            "seed": config.seed,
        }
    )
    run.set_tags({**environment, "command": shlex.join(command)})
    run.log_dataset(
        dataset.name,
        dataset.fingerprint(),
        config.dataset.path,
        schema=dict.fromkeys(dataset.features, "double"),
        profile={
            "rows": dataset.num_rows,
            "series": len(dataset.series),
            "clock": str(dataset.clock),
            **{f"{split} windows": len(index) for split, index in task.windows.items()},
            "notes": list(dataset.notes),
        },
    )
    return kept


def record_training(
    run: Run,
    config: TrainConfig,
    task: Task,
    forecaster: Forecaster,
    history: History,
    *,
    metrics: Mapping[str, float],
    epochs: EpochRecord,
) -> None:
    """The forecaster, what it attends to, how training went and what it ended with, before it is judged.

    Args:
        run: The run.
        config: Of its training.
        task: What it was trained on.
        forecaster: With the weights of its best epoch.
        history: What training did.
        metrics: What it ended with.
        epochs: What was kept of every epoch.
    """
    epochs.finish()
    Result(metrics, task.question(config.splits), history.digest).write(run.folder)
    forecaster.save(run.folder / "forecaster")
    index = task.windows["validation"]
    raw = batches.gather_raw(task.dataset, index, batches.evenly_spaced(index, config.evaluation.attention_windows))
    inputs = forecaster.inputs(raw.values, origins=raw.origins, series=raw.series, known_future=raw.known_future)
    scores = forecaster.attention_scores(inputs)
    names = np.array(forecaster.series)[raw.series]
    maps.save_scores(run.folder / "attention_scores.npz", scores, origins=raw.origins, series=names)
    title = f"mean attention over {len(scores)} validation windows"
    files.write(
        run.folder / "attention_map.png",
        png(attention_map(maps.mean_map(scores), clock=forecaster.clock.step, title=title)),
    )
    files.write(
        run.folder / "learning_curves.png",
        png(learning_curves(dict(history.metrics), best_epoch=history.best_epoch + 1)),
    )
    _record_evolution(run.folder, epochs.maps(), forecaster, best=history.best_epoch + 1)
    for name in (
        *(Result.FILE, "forecaster", "attention_scores.npz", "attention_epochs.npz"),
        *("attention_map.png", "attention_epochs.png", "learning_curves.png"),
    ):
        run.log_file(name)


def _record_evolution(
    folder: Path, by_epoch: Mapping[int, NDArray[np.float32]], forecaster: Forecaster, *, best: int
) -> None:
    """How attention came to be what it is, as arrays and as a picture."""
    epochs, scores = np.array(list(by_epoch)), np.stack(list(by_epoch.values()))
    received = maps.received(scores, forecaster.network.spec.readout)
    with files.writing(folder / "attention_epochs.npz") as file:
        np.savez_compressed(file, epochs=epochs, attention_scores=scores, received=received, best=best)
    picture = attention_epochs(
        received,
        epochs=epochs.tolist(),
        best=best,
        clock=forecaster.clock.step,
        title="attention by epoch",
    )
    files.write(folder / "attention_epochs.png", png(picture))


def draw_judgement(run: Run, kept: Stored, task: Task, judgement: Judgement) -> "list[Section]":
    """All that can be drawn of a judged run before its attention is explained; returns sections of its page."""
    judgement.write(run.folder)
    return early_sections(kept, task, judgement)


def record_explanation(run: Run, explanation: Explanation, forecaster: Forecaster) -> "Mapping[str, Figure]":
    """What a judged forecaster attends to, and whether to believe it; returns its pictures by file name."""
    drawn = explanation_files.pictures(explanation, forecaster.clock)
    for name in explanation_files.write(explanation, run.folder, forecaster.clock, drawn=drawn):
        run.log_file(name)
    run.log_metrics(explanation.metrics())
    run.set_tags({"attention_is_importance": str(explanation.verdict.trusted).lower()})
    return drawn


def record_report(
    run: Run,
    kept: Stored,
    task: Task,
    *,
    headline: str,
    judgement: Judgement | None = None,
    explanation: Explanation | None = None,
    seeds: str = "",
    early: "Sequence[Section] | None" = None,
    explained: "Mapping[str, Figure] | None" = None,
) -> None:
    """The run's page, of what its journal and its folder hold; arguments as for `write_report`."""
    lines = tracking.read_journal(run.folder)
    # By epoch: where training went back, what followed the epoch before is of no account.
    by_epoch: dict[str, dict[int, float]] = {"train/loss": {}, "validation/loss": {}}
    for line in lines:
        for name in set(by_epoch) & set(line["metrics"]):
            later = [epoch for epoch in by_epoch[name] if epoch >= line["step"]]
            for epoch in later:
                del by_epoch[name][epoch]
            by_epoch[name][line["step"]] = line["metrics"][name]
    curves = {name: [values[epoch] for epoch in sorted(values)] for name, values in by_epoch.items()}
    metrics = {name: value for line in lines for name, value in line["metrics"].items()}
    best = next((line["step"] for line in reversed(lines) if "validation/best_error" in line["metrics"]), 1)
    write_report(
        run.folder,
        kept,
        task,
        headline=headline,
        name=run.record.name,
        run_id=run.id,
        metrics=metrics,
        curves=curves,
        best_epoch=best,
        judgement=judgement,
        explanation=explanation,
        seeds=seeds,
        early=early,
        explained=explained,
    )
    run.log_file(REPORT)


def record_judgement(
    run: Run,
    config: TrainConfig,
    task: Task,
    judgement: Judgement,
    *,
    command: Sequence[str],
    seeds: str,
    explanation: Explanation | None = None,
    is_written: bool = False,
) -> str:
    """Scores, pictures and the page of a judged run; returns its headline.

    Args:
        run: The run.
        config: Of its training.
        task: What it was trained on.
        judgement: What it is worth.
        command: The words it was started with.
        seeds: How much the error depends on the seed, in words, or nothing.
        explanation: What it attends to, or None.
        is_written: Whether its tables and pictures are in the run's folder already.
    """
    if not is_written:
        judgement.write(run.folder)
    for name in judgement.files:
        run.log_file(name)
    run.log_metrics(scores_by_path(judgement))
    run.set_tags({"beats_baselines": str(judgement.beats_baselines).lower()})
    words, together = judgement.headline, judgement.scaled is not None
    sections = [
        judgement.summary(style="github"),
        _list(judgement.verdicts),
        judgement.coverage_note,
        # The tables of every target are too long for a description, and not what decides.
        "" if together else judgement.by_horizon(style="github"),
        "" if explanation is None else f"**Attention**: {explanation.verdict.words}.",
    ]
    pictures = [("forecast.png", "forecasts of test windows"), ("skill.png", "error and skill by horizon step")]
    pictures += [(name, words) for name, words in _MORE_PICTURES.items() if name in judgement.files]
    pictures += [("attention_map.png", "attention map")]
    if explanation is not None:
        pictures += [("importance.png", "importance of features and lags beside attention")]
    text = describe(
        headline=words,
        facts=facts(config, task, command) | ({"seeds": seeds} if seeds else {}),
        sections=sections,
        pictures=pictures,
    )
    report = text.replace("get-artifact?path=", "").replace("&run_uuid={run_id}", "")
    tables = [judgement.table(style="github"), judgement.by_horizon(style="github")] if together else []
    tables = [*tables, judgement.by_slice(style="github")]
    files.write(run.folder / "report.md", "\n".join([report, "\n\n".join(tables), ""]))
    run.log_file("report.md")
    run.describe(text)
    return words


def scores_by_path(judgement: Judgement) -> dict[str, float]:
    """The scores of a judged run as metrics, with six digits: what is logged is read in tables."""
    return {f"test/{path}": float(f"{value:.6g}") for path, value in judgement.metrics().items()}


_MORE_PICTURES = {
    "calibration.png": "reliability, probability integral transform and coverage of the quantiles",
    "slices.png": "error and coverage by slice",
}


def facts(config: TrainConfig, task: Task, command: Sequence[str]) -> dict[str, str]:
    """What ran, in words."""
    windows, members = config.windows, config.training.ensemble
    step = task.dataset.clock
    return {
        "ran": f"`{shlex.join(command)}`",
        "data": f"{task.dataset.name}: {len(task.dataset.series)} series on a clock of {step}; windows "
        + ", ".join(f"{split} {len(index):,}" for split, index in task.windows.items()),
        "model": f"{windows.context_length} steps in, {windows.horizon} out; {config.model.words}"
        + (f"; mean of {members} networks" if members > 1 else ""),
    }


def _list(lines: str) -> str:
    return "\n".join(f"- {line}" for line in lines.splitlines())
