"""Train and evaluate as functions of a validated configuration: where data, model, training, tracking and evaluation meet."""

import logging
import math
import shlex
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np

from headway import tracking
from headway.attention import maps
from headway.config.evaluation import EvaluateConfig
from headway.config.train import TrainConfig
from headway.data import batches, sources
from headway.errors import DataError, StoredRunError
from headway.forecaster import Forecaster
from headway.judgement import judge_forecaster
from headway.models.transformer import Transformer
from headway.report.attention import attention_epoch, attention_map
from headway.report.description import describe, headline
from headway.report.png import png
from headway.report.training import learning_curves
from headway.stored import Stored
from headway.task import Task, prepare
from headway.tracking import Run
from headway.training import losses
from headway.training.feed import Feed
from headway.training.fit import History, compile_model, fit
from headway.training.precision import Device, device, precision_for

log = logging.getLogger(__name__)

MOST_EPOCH_PICTURES = 20  # the UI's slider stays usable


@dataclass(frozen=True)
class Outcome:
    """What an entry script tells its user.

    Attributes:
        run_id: The run's id.
        text: Tables and sentences for the terminal.
        link: Address of the run in the MLflow UI, or None.
    """

    run_id: str
    text: str
    link: str | None


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
    task = prepare(dataset, dataset_spec=config.dataset, splits=config.splits, windows=config.windows)
    on = device()
    precision = precision_for(config.training.precision, on)
    _refuse_misfits(config, task)
    with tracking.start(config.tracking, name=name, comparable=task.identity(config.splits)) as run:
        log.info("run %s: %s", run.id, name)
        _log_start(run, config, task, on, precision, command)
        started = time.monotonic()
        keras.utils.set_random_seed(config.seed)
        network = Transformer(config.model, task.shape, dtype=precision)
        forecaster = _forecaster(network, task)
        history = _fit(config, task, forecaster, run)
        score = history.best["val_mae"]
        # Of the epoch whose weights are kept; the last epoch's is another number.
        kept = {"train/seconds": time.monotonic() - started, "validation/best_mae": score}
        run.log_metrics(kept, step=history.best_epoch + 1)
        forecaster.save(run.folder / "forecaster")
        run.log_file("forecaster")
        _log_training(run, config, task, forecaster, history)
        run.set_score(score)
        summary = f"validation MAE {score:.3f} at epoch {history.best_epoch + 1} of {len(history.metrics['loss'])}"
        run.describe(
            describe(
                headline=summary,
                facts=_facts(config, task, command),
                table="",
                pictures=[("attention_map.png", "attention map")],
            )
        )
        run.publish_view(forecaster.targets)
        text = f"{_evaluate(config, task, forecaster, run, command)}\n{summary}" if config.evaluate else summary
        return Outcome(run.id, text, run.link)


def evaluate(config: EvaluateConfig, *, project: Path) -> Outcome:
    """Judge a stored run on the test split, from its own configuration, data and weights.

    Args:
        config: Which run, and where runs are tracked.
        project: Folder in which shipped data are found.

    Returns:
        What to tell the user.

    Raises:
        StoredRunError: If there is no such run, it is damaged, or its data have changed.
    """
    with tracking.reopen(config.tracking, config.run) as run:
        stored = Stored.read(run.folder)
        forecaster = Forecaster.load(run.folder / "forecaster")
        # The fingerprint below says more than the file's digest: what the model saw, whatever the file's format.
        dataset = sources.read(stored.config.dataset.model_copy(update={"sha256": None}), project=project)
        found = dataset.fingerprint()
        if found != stored.fingerprint:
            raise StoredRunError(
                f"{stored.config.dataset.path}: its fingerprint is {found[:12]}..., run {run.id} was trained on {stored.fingerprint[:12]}...; "
                "restore the file it was trained on, or train again"
            )
        task = prepare(
            dataset, dataset_spec=stored.config.dataset, splits=stored.config.splits, windows=stored.config.windows
        )
        text = _evaluate(stored.config, task, forecaster, run, stored.command)
        return Outcome(run.id, text, run.link)


def _refuse_misfits(config: TrainConfig, task: Task) -> None:
    """What only the data show: a batch larger than the split, or a width that no embedding changes."""
    windows = len(task.windows["train"])
    if config.training.batch_size > windows:
        raise DataError(
            f"training.batch_size={config.training.batch_size} is larger than the {windows} training windows; lower it"
        )
    features = task.shape.num_features
    if config.model.embedding == "none" and features != config.model.d_model:
        raise DataError(
            f"model.embedding=none needs model.d_model={features}, the number of features in the file; got {config.model.d_model}"
        )


def _forecaster(network: Transformer, task: Task) -> Forecaster:
    dataset = task.dataset
    return Forecaster(
        network=network,
        features=dataset.features,
        targets=dataset.targets,
        known_future_columns=dataset.known_future_columns,
        series=tuple(series.name for series in dataset.series),
        clock=dataset.clock,
        cycles=task.cycles,
        scaler=task.scaler,
        known_future_scaler=task.known_future_scaler,
        units=dataset.units,
    )


def _fit(config: TrainConfig, task: Task, forecaster: Forecaster, run: Run) -> History:
    """Feed the network, watch its attention, and hand every epoch's metrics to the run."""
    rows = batches.scale_rows(task.dataset, task.scaler, task.known_future_scaler, task.cycles)
    spec, windows = config.training, task.windows

    def feed(split: str, order: Callable[[int], Any], *, batch_size: int, drop_last: bool) -> Feed:
        def gather(numbers: Any) -> Any:
            batch = batches.gather(rows, windows[split], numbers)
            return batch.inputs, batch.target, batch.target_observed

        return Feed(gather, order, batch_size=batch_size, drop_last=drop_last)

    train_feed = feed(
        "train",
        lambda epoch: batches.permutation(len(windows["train"]), seed=config.seed, epoch=epoch),
        batch_size=spec.batch_size,
        drop_last=True,
    )
    in_order = np.arange(len(windows["validation"]))
    validation_feed = feed(
        "validation", lambda epoch: in_order, batch_size=config.evaluation.batch_size, drop_last=False
    )
    scale = task.scaler.columns(task.shape.targets).scale
    compile_model(
        forecaster.network,
        spec,
        loss=losses.loss_for(config.loss, forecaster.levels),
        metrics=[losses.MedianAbsoluteError(tuple(scale.tolist()), forecaster.median)],
        steps_per_epoch=train_feed.num_batches,
    )
    probes = batches.gather(
        rows, windows["validation"], batches.evenly_spaced(windows["validation"], config.evaluation.attention_windows)
    )
    every = math.ceil(spec.epochs / MOST_EPOCH_PICTURES)

    def draw_attention(epoch: int) -> None:
        scores = maps.mean_map(forecaster.attention_scores(probes.inputs))
        picture = attention_epoch(scores, epoch=epoch, clock=forecaster.clock.step)
        run.log_image(png(picture), key="attention/all_heads", step=epoch)

    draw_attention(0)  # what an untrained network attends to, for comparison
    clock = time.monotonic()

    def on_epoch_end(epoch: int, values: Mapping[str, float]) -> None:
        nonlocal clock
        elapsed, clock = time.monotonic() - clock, time.monotonic()
        seen = train_feed.num_batches * spec.batch_size
        run.log_metrics({**_by_path(values), "train/windows_per_second": seen / elapsed}, step=epoch + 1)
        if epoch % every == 0:
            draw_attention(epoch + 1)
        clock = time.monotonic()

    progress: Literal["bar", "lines"] = "bar" if sys.stdout.isatty() else "lines"
    return fit(forecaster.network, train_feed, validation_feed, spec, on_epoch_end=on_epoch_end, progress=progress)


def _by_path(values: Mapping[str, float]) -> dict[str, float]:
    """Keras's names as paths: val_mae -> validation/mae, mae -> train/mae."""
    return {
        f"validation/{name[4:]}" if name.startswith("val_") else f"train/{name}": value
        for name, value in values.items()
    }


def _log_start(run: Run, config: TrainConfig, task: Task, on: Device, precision: str, command: Sequence[str]) -> None:
    dataset = task.dataset
    Stored(config, dataset.fingerprint(), tuple(command)).write(run.folder)
    run.log_file("config.yaml")
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
            "seed": config.seed,
        }
    )
    run.set_tags(
        {
            **tracking.provenance(),
            "device": f"{on.count} x {on.name}",
            "backend": keras.backend.backend(),
            "command": shlex.join(command),
        }
    )
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


def _log_training(run: Run, config: TrainConfig, task: Task, forecaster: Forecaster, history: History) -> None:
    """What the trained network attends to, and how training went."""
    index = task.windows["validation"]
    numbers = batches.evenly_spaced(index, config.evaluation.attention_windows)
    raw = batches.gather_raw(task.dataset, index, numbers, history=1)
    inputs = forecaster.inputs(raw.values, origins=raw.origins, series=raw.series, known_future=raw.known_future)
    scores = forecaster.attention_scores(inputs)
    names = np.array(forecaster.series)[raw.series]
    maps.save_scores(run.folder / "attention_scores.npz", scores, origins=raw.origins, series=names)
    title = f"mean attention over {len(scores)} validation windows"
    (run.folder / "attention_map.png").write_bytes(
        png(attention_map(maps.mean_map(scores), clock=forecaster.clock.step, title=title))
    )
    (run.folder / "learning_curves.png").write_bytes(
        png(learning_curves(dict(history.metrics), best_epoch=history.best_epoch + 1))
    )
    for name in ("attention_scores.npz", "attention_map.png", "learning_curves.png"):
        run.log_file(name)


def _evaluate(config: TrainConfig, task: Task, forecaster: Forecaster, run: Run, command: Sequence[str]) -> str:
    """Score the test split, draw it, log it; returns the tables as text."""
    judgement = judge_forecaster(forecaster, task, config.evaluation)
    judgement.write(run.folder)
    for name in judgement.files:
        run.log_file(name)
    # Six digits: what is logged is read in tables.
    run.log_metrics({f"test/{path}": float(f"{value:.6g}") for path, value in judgement.scores.metrics().items()})
    target = forecaster.targets[0]
    words = headline(
        target,
        forecaster.units.get(target, ""),
        judgement.scores.value(target, judgement.scores.model, "mae"),
        judgement.skills(target),
    )
    pictures = [("forecast.png", "forecasts of test windows"), ("attention_map.png", "attention map")]
    table = judgement.table(style="github")
    text = describe(headline=words, facts=_facts(config, task, command), table=table, pictures=pictures)
    (run.folder / "report.md").write_text(text.replace("get-artifact?path=", "").replace("&run_uuid={run_id}", ""))
    run.log_file("report.md")
    run.describe(text)
    run.publish_view(forecaster.targets)
    return f"{judgement.table()}\n\n{judgement.by_horizon()}\n\n{words}"


def _facts(config: TrainConfig, task: Task, command: Sequence[str]) -> dict[str, str]:
    windows, model = config.windows, config.model
    step = task.dataset.clock
    return {
        "ran": f"`{shlex.join(command)}`",
        "data": f"{task.dataset.name}: {len(task.dataset.series)} series on a clock of {step}; windows "
        + ", ".join(f"{split} {len(index):,}" for split, index in task.windows.items()),
        "model": f"{windows.context_length} steps in, {windows.horizon} out; layers {model.layers}, heads {model.heads}, "
        f"d_model {model.d_model}, {model.attention} attention, {model.head} head",
    }
