"""A backtest from plan to table: trainings side by side, kept as they finish, taken up where they were left."""

import logging
import os
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np

from headway import files
from headway.backtest.cache import CACHE, key, load
from headway.backtest.forecasting import BY
from headway.backtest.plan import Origin, plan
from headway.backtest.processes import number_of, run_all
from headway.backtest.worker import Job, path_of
from headway.config.backtest import BacktestSpec
from headway.config.train import TrainConfig
from headway.data.windows import index_windows
from headway.errors import DataError, Interrupted
from headway.evaluation import tables
from headway.evaluation.comparison import Comparison, compare
from headway.evaluation.forecasts import Forecasts, join
from headway.evaluation.scores import Scores, score
from headway.evaluation.verdicts import beats_all, unmet
from headway.forecaster import Forecaster
from headway.report.backtest import backtest_by_origin
from headway.report.png import png
from headway.report.skill import skill_by_horizon
from headway.task import Task
from headway.tracking import Run
from headway.training.precision import device

log = logging.getLogger(__name__)

_ABANDONED = 24 * 3600.0  # seconds after which nobody is still writing a file


def run_backtest(
    spec: BacktestSpec, config: TrainConfig, forecaster: Forecaster, task: Task, run: Run, *, project: Path
) -> tuple[str, bool, list[str]]:
    """Judge a run's configuration at many origins, in the run itself.

    Each origin's forecasts are kept when they are made: after an interruption, however hard, the same command
    goes on with what is lacking and ends with the same table.

    Args:
        spec: The backtest.
        config: Of the run.
        forecaster: Of the run; judged as it is where `spec.refit` is 0.
        task: Of the run.
        run: Where tables, picture and metrics go.
        project: Folder in which shipped data are found.

    Returns:
        What to tell the user, whether the model beats every rival, and where not, in words.

    Raises:
        DataError: If the origins do not fit into the data.
        Interrupted: If it was stopped; the message says what is kept.
    """
    seen = max(np.datetime64(time) for time in forecaster.profile.last_time.values())
    origins = plan(
        spec,
        task.dataset,
        config.splits,
        horizon=config.windows.horizon,
        stored=None if spec.refit else (task.borders, seen),
    )
    _refuse_empty(origins, config, task)
    on = device()
    folder = CACHE / key(spec, config, task, run.id, origins, on)
    folder.mkdir(parents=True, exist_ok=True)
    files.remove_left_over(folder, older_than=_ABANDONED)  # the same backtest may be running beside this one
    kept = {origin.number for origin in origins if load(path_of(folder, origin.number)) is not None}
    if kept:
        log.info("backtest: %d of %d origins are there from before", len(kept), len(origins))
    jobs = list(_jobs(spec, config, origins, kept, run, folder=folder, project=project, task=task))
    done = len(kept)
    try:
        for number, seconds in run_all(jobs, processes=number_of(spec.processes, len(jobs), on=on)):
            done += 1
            log.info("backtest: origin %s (%d of %d): %.0f s", origins[number].label, done, len(origins), seconds)
    except (KeyboardInterrupt, Interrupted) as reason:
        words = str(reason) or "interrupted"
        count = sum(path_of(folder, origin.number).exists() for origin in origins)
        raise Interrupted(f"{words}; {count} of {len(origins)} origins are kept, the same command goes on") from None
    forecasts = join([Forecasts.load(path_of(folder, origin.number)) for origin in origins])
    comparison, scores = compare(forecasts, draws=config.evaluation.bootstrap, seed=config.seed), score(forecasts)
    text = _text(spec, scores, comparison, forecaster, origins)
    _record(run, scores, comparison, forecaster, origins, text)
    return text, beats_all(comparison.verdicts), unmet(comparison.verdicts)


def _refuse_empty(origins: Sequence[Origin], config: TrainConfig, task: Task) -> None:
    """Refuse an origin with nothing to judge now, not when those before it have been trained."""
    for origin in origins:
        index = index_windows(task.dataset, origin.borders, "test", **config.windows.model_dump())
        if not len(index):
            reasons = "".join(f"; {reason}: {count:,}" for reason, count in index.dropped.items())
            raise DataError(
                f"origin {origin.label}: no window of {index.context_length} + {index.horizon} rows to judge before the "
                f"next origin or the end of the data{reasons}; set a longer backtest.every or another backtest.first"
            )


def _jobs(
    spec: BacktestSpec,
    config: TrainConfig,
    origins: Sequence[Origin],
    kept: set[int],
    run: Run,
    *,
    folder: Path,
    project: Path,
    task: Task,
) -> Iterator[Job]:
    """One job a training, with those of its origins that are lacking."""
    for _, group in groupby(origins, key=lambda origin: origin.refit):
        lacking = [
            (origin.number, origin.label, tuple(dict(border) for border in origin.borders))
            for origin in group
            if origin.number not in kept
        ]
        if lacking:
            stored = None if spec.refit else run.folder / "forecaster"
            first = tuple(dict(border) for border in origins[0].borders)
            yield Job(
                config=config,
                origins=lacking,
                first=first,
                stored=stored,
                folder=folder.absolute(),
                project=project,
                fingerprint=task.dataset.fingerprint(),
                parent=os.getpid(),
            )


def _text(
    spec: BacktestSpec, scores: Scores, comparison: Comparison, forecaster: Forecaster, origins: Sequence[Origin]
) -> str:
    refits = len({origin.refit for origin in origins})
    trained = f"trained afresh at {refits} of them" if spec.refit else "with the stored weights"
    several = len(forecaster.targets) > 1
    verdicts = [f"{f'{one.target}: ' if several else ''}{scores.model} {one.words}" for one in comparison.verdicts]
    parts = [
        f"{spec.kind} backtest: {len(origins)} origins every {spec.every}, {trained}; "
        f"{scores.num_windows:,} windows; MASE by the scale of the first origin's training rows",
        tables.slice_table(scores, BY, forecaster.units),
        tables.overall_table(scores, comparison.verdicts, forecaster.units),
        tables.definitions(headline=True),
        "\n".join(verdicts),
    ]
    return "\n\n".join(filter(None, parts))


def _record(
    run: Run,
    scores: Scores,
    comparison: Comparison,
    forecaster: Forecaster,
    origins: Sequence[Origin],
    text: str,
) -> None:
    """Tables, pictures and metrics in the run's folder `backtest`."""
    folder = run.folder / "backtest"
    folder.mkdir(exist_ok=True)
    files.write(folder / "scores.csv", scores.table.to_csv(index=False))
    files.write(folder / "slices.csv", scores.slices.to_csv(index=False))
    files.write(folder / "backtest.txt", f"{text}\n")
    target = forecaster.targets[0]
    unit, clock = forecaster.units.get(target, ""), forecaster.clock.step
    rows = scores.by_slice(target, BY)
    names = [scores.model, *scores.rivals]
    labels = [origin.label for origin in origins]
    errors = {
        name: rows[rows.forecaster == name].set_index("slice").mae.reindex(labels).to_numpy(float) for name in names
    }
    own = rows[rows.forecaster == scores.model].set_index("slice").reindex(labels)
    pictures = {
        "backtest.png": backtest_by_origin(
            np.array([origin.time for origin in origins], "datetime64[s]"),
            errors,
            model=scores.model,
            metric="MAE",
            unit=unit,
            coverage=None if scores.nominal is None else own.coverage.to_numpy(float),
            nominal=scores.nominal,
            refits=np.array([origin.refit == origin.number for origin in origins]),
        ),
        "skill.png": skill_by_horizon(
            scores.by_horizon(target, "mae"),
            model=scores.model,
            metric="MAE",
            unit=unit,
            clock=clock,
            intervals={rival: found[1:] for rival, found in comparison.intervals[target].items()},
        ),
    }
    for name, picture in pictures.items():
        files.write(folder / name, png(picture))
    run.log_file("backtest")
    log.info("backtest: tables and pictures in backtest/ of the run")
    run.log_metrics({f"backtest/{path}": float(f"{value:.6g}") for path, value in scores.metrics().items()})
    for number, (error, coverage) in enumerate(zip(own.mae, own.coverage, strict=True), 1):
        by_origin = {f"backtest/by_origin/{target}/mae": error, f"backtest/by_origin/{target}/coverage": coverage}
        run.log_metrics(
            {path: float(f"{value:.6g}") for path, value in by_origin.items() if np.isfinite(value)}, step=number
        )
