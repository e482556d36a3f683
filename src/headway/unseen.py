"""Data that a stored forecaster never saw: judged with its own scaler, and how they differ from its training rows."""

import logging
import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from tabulate import tabulate

from headway import files
from headway.config.dataset import DatasetSpec
from headway.config.evaluation import EvaluationSpec
from headway.config.train import TrainConfig
from headway.data import sources
from headway.data.columns import check_header, features_of, find
from headway.data.parts import column_names
from headway.data.profile import Drift
from headway.data.series import Dataset, Series, chunks, fingerprint
from headway.data.windows import index_windows
from headway.errors import DataError
from headway.evaluation import rivals
from headway.forecaster import Forecaster
from headway.judgement import Judgement
from headway.task import Task, prepare
from headway.tracking import Run

log = logging.getLogger(__name__)

_SHIFTED, _FAR = 0.1, 0.25  # of the stability index; the custom in credit scoring (Siddiqi 2006)
_OUTSIDE = 0.01  # share of values beyond what training saw that is worth a word
_MISSING = 0.1  # share of missing values beyond that of training that is worth a word
_FEW = 100  # rows of which ten cells hold so few each that chance alone moves the index by 0.1
# A reader's advice to change a setting, which evaluate.py has not: those of the run hold.
_WITH_SETTING = re.compile(r"(?: or|, or|;)? set '?dataset\..*$")
_NO_SETTING = "; the run's own settings hold, so change the file"


@dataclass(frozen=True)
class UnseenData:
    """A file beside the training rows of a forecaster.

    Attributes:
        judged_on: The file as a task whose test split is all of it, scaled as in training.
        trained_on: What rivals learn from; `judged_on` itself where the training data are gone.
        evaluation: How it is judged: without the rivals that learn, where there is nothing to learn from.
        drift: Column -> how it differs.
        notes: What else a reader must know.
        text: All that, as text.
    """

    judged_on: Task
    trained_on: Task
    evaluation: EvaluationSpec
    drift: dict[str, Drift]
    notes: tuple[str, ...]
    text: str


def read(path: str, config: TrainConfig, forecaster: Forecaster, fingerprint: str, *, project: Path) -> UnseenData:
    """Read a file as the forecaster's own data were read, and compare it with its training rows.

    Args:
        path: A csv or parquet file with the columns of the training data, in any order.
        config: Of the run.
        forecaster: Of the run.
        fingerprint: Of the data the run was trained on.
        project: Folder in which shipped data are found.

    Raises:
        DataError: If the file's columns, clock or series are not the forecaster's, or it holds no window.
    """
    task = _judged_on(
        _as_trained(_read(path, config.dataset, forecaster, project), config, forecaster), config, forecaster
    )
    evaluation, notes = config.evaluation, [_overlap(task, forecaster), _few(task)]
    trained_on = _trained_on(config, fingerprint, project)
    if trained_on is None:
        evaluation, left_out = _without_training(evaluation, forecaster)
        notes += [f"{config.dataset.path} is not there as it was trained on: {words}" for words in left_out]
    drift = _drift(task.dataset, forecaster)
    found = tuple(filter(None, notes))
    parts = [_headline(task), _table(drift, forecaster), _words(drift, forecaster), "\n".join(found)]
    return UnseenData(task, trained_on or task, evaluation, drift, found, "\n\n".join(filter(None, parts)))


def record(run: Run, path: str, judgement: Judgement, data: UnseenData) -> None:
    """Keep scores, pictures and drift in the run, in a folder named after the file."""
    name = f"unseen/{Path(path).stem}"
    folder = run.folder / name
    folder.mkdir(parents=True, exist_ok=True)
    judgement.write(folder)
    files.write(folder / "drift.txt", f"{data.text}\n")
    run.log_file(name)
    scores = {f"{name}/{metric}": value for metric, value in judgement.metrics().items()}
    indices = {f"{name}/drift/{column}": one.stability_index for column, one in data.drift.items()}
    found = {metric: float(f"{value:.6g}") for metric, value in (scores | indices).items() if np.isfinite(value)}
    run.log_metrics(found)
    log.info("%s: tables and pictures in %s", Path(path).name, folder)


def _read(path: str, trained: DatasetSpec, forecaster: Forecaster, project: Path) -> Dataset:
    """The file by the policies of the training data; what only bound those (digest, latest time) does not hold."""
    changes = {"name": Path(path).name, "path": path, "sha256": None, "source": None, "latest": None}
    spec = trained.model_copy(update={**changes, "targets": forecaster.targets, "frequency": str(forecaster.clock)})
    try:
        # A column with policies of its own would be missed once for each of them.
        check_header(spec.model_copy(update={"plausible": {}, "max_jump": {}}), project=project)
        _refuse_other_features(spec, forecaster, project)
        # In the order of training: rows that stay in their file cannot be put in order afterwards.
        return sources.read(spec.model_copy(update={"features": forecaster.features}), project=project)
    except DataError as error:
        raise DataError(*(_WITH_SETTING.sub(_NO_SETTING, message) for message in error.messages)) from None


def _refuse_other_features(spec: DatasetSpec, forecaster: Forecaster, project: Path) -> None:
    """Refuse a file whose columns make other features, by their names alone; what cannot be read the reader refuses."""
    try:
        names = column_names(find(spec.path, project), spec)
    except OSError:
        return
    features = features_of(names, spec, forecaster.targets)
    lacking = [name for name in forecaster.features if name not in features]
    added = [name for name in features if name not in forecaster.features]
    if lacking or added:
        what = [f"lacks {', '.join(lacking)}"] if lacking else []
        what += [f"has {', '.join(added)} besides"] if added else []
        raise DataError(
            f"{spec.name}: {' and '.join(what)}; the forecaster was trained on {', '.join(forecaster.features)}"
        )


def _as_trained(dataset: Dataset, config: TrainConfig, forecaster: Forecaster) -> Dataset:
    """The dataset with its series in the order of training."""
    by_name = {series.name: series for series in dataset.series}
    if config.dataset.series is None:
        by_name = {forecaster.series[0]: dataset.series[0]}
    unknown = sorted(set(by_name) - set(forecaster.series))
    if unknown:
        raise DataError(
            f"{dataset.name}: series {unknown[0]!r} is none the forecaster was trained on: {', '.join(forecaster.series)}"
        )
    if tuple(by_name) == forecaster.series:
        return replace(dataset, series=tuple(replace(one, name=name) for name, one in by_name.items()))
    some = dataset.series[0]
    none = Series("", some.timestamps[:0], some.values[:0], some.known_future[:0])
    series = tuple(replace(by_name.get(name, none), name=name) for name in forecaster.series)
    stored = dataset.stored
    if stored is not None:
        # The rows stay where they are.
        begins = dict(zip((one.name for one in dataset.series), dataset.begins.tolist(), strict=True))
        columns = (dataset.features, dataset.targets, dataset.known_future_columns)
        stored = replace(
            stored,
            fingerprint=fingerprint(series, columns, dataset.clock),
            begins=tuple(begins.get(name, 0) for name in forecaster.series),
        )
    return replace(dataset, series=series, stored=stored)


def _judged_on(dataset: Dataset, config: TrainConfig, forecaster: Forecaster) -> Task:
    borders = tuple({"train": (0, 0), "validation": (0, 0), "test": (0, len(series))} for series in dataset.series)
    sizes = config.windows.model_dump()
    windows = {split: index_windows(dataset, borders, split, **sizes) for split in borders[0]}
    test = windows["test"]
    if not len(test):
        rows = ", ".join(f"{series.name} {len(series)}" for series in dataset.series if len(series))
        reasons = "".join(f"; {reason}: {count:,}" for reason, count in test.dropped.items())
        raise DataError(
            f"{dataset.name}: holds no window of {test.context_length} + {test.horizon} rows one step of "
            f"{dataset.clock} apart (rows: {rows}{reasons})"
        )
    return Task(
        dataset=dataset,
        borders=borders,
        windows=windows,
        scaler=forecaster.scaler,
        known_future_scaler=forecaster.known_future_scaler,
        cycles=dict(forecaster.cycles),
        trained_profile=forecaster.profile,
    )


def _drift(dataset: Dataset, forecaster: Forecaster) -> dict[str, Drift]:
    """How every column differs from its training rows, of which a chunk at a time is looked at."""
    names = (*dataset.features, *dataset.known_future_columns)
    profiles = [forecaster.profile.columns[name] for name in names]
    later = [profile.counted(np.empty(0)) for profile in profiles]
    for series in dataset.series:
        for begin, end in chunks(0, len(series), columns=len(names)):
            rows = np.concatenate([series.values[begin:end], series.known_future[begin:end]], axis=1)
            counted = [profile.counted(column) for profile, column in zip(profiles, rows.T, strict=True)]
            later = [before + here for before, here in zip(later, counted, strict=True)]
    return {name: profile.drift_of(one) for name, profile, one in zip(names, profiles, later, strict=True)}


def _trained_on(config: TrainConfig, fingerprint: str, project: Path) -> Task | None:
    """The task of training, or None where its file is gone or has changed."""
    try:
        dataset = sources.read(config.dataset.model_copy(update={"sha256": None}), project=project)
    except DataError as error:
        log.warning("%s", error)
        return None
    if dataset.fingerprint() != fingerprint:
        return None
    return prepare(dataset, dataset_spec=config.dataset, splits=config.splits, windows=config.windows)


def _without_training(spec: EvaluationSpec, forecaster: Forecaster) -> tuple[EvaluationSpec, list[str]]:
    """How to judge where there is nothing to learn from, and what is left out, in words."""
    kept, words = tuple(name for name in spec.rivals if not rivals.make(name).learns), []
    if len(kept) < len(spec.rivals):
        words.append("rivals that learn from it are left out")
    if spec.calibration != "off" and forecaster.calibration is None and len(forecaster.levels) > 1:
        spec = spec.model_copy(update={"calibration": "off"})
        words.append("quantiles are not calibrated")
    return spec.model_copy(update={"rivals": kept}), words


def _overlap(task: Task, forecaster: Forecaster) -> str:
    """A warning where the file holds times that training or validation saw."""
    seen = forecaster.profile.last_time
    overlapping = [
        series.name
        for series in task.dataset.series
        if len(series) and series.name in seen and series.timestamps[0] <= np.datetime64(seen[series.name])
    ]
    if not overlapping:
        return ""
    name, several = overlapping[0], sum(len(series) > 0 for series in task.dataset.series)
    return (
        f"not all unseen: {len(overlapping)} of {several} series begin before the forecaster's training and validation "
        f"rows ended ({name}: {seen[name][:16]}); if these are the same rows, the scores flatter"
    )


def _few(task: Task) -> str:
    rows = task.dataset.num_rows
    return f"PSI of {rows} rows says little: chance alone moves it by more than {_SHIFTED:g}" if rows < _FEW else ""


def _headline(task: Task) -> str:
    dataset = task.dataset
    there = [series.name for series in dataset.series if len(series)]
    series = "" if len(dataset.series) == 1 else f" of {len(there)} of {len(dataset.series)} series"
    ends = [(series.timestamps[0], series.timestamps[-1]) for series in dataset.series if len(series)]
    first, last = (str(time.astype("datetime64[m]")) for time in (min(ends)[0], max(end for _, end in ends)))
    return f"{dataset.name}: {dataset.num_rows:,} rows{series}, {first} to {last}; {task.windows['test'].words} windows"


def _table(drift: dict[str, Drift], forecaster: Forecaster) -> str:
    rows = []
    for name, now in drift.items():
        then = forecaster.profile.columns[name]
        rows.append(
            [
                f"{name} [{forecaster.units[name]}]" if name in forecaster.units else name,
                _range(then.lowest, then.highest),
                _range(now.lowest, now.highest),
                f"{now.outside:.1%}",
                f"{then.missing:.1%}",
                f"{now.missing:.1%}",
                "" if np.isnan(now.stability_index) else f"{now.stability_index:.2f}",
            ]
        )
    head = ["input", "range in training", "range here", "outside", "missing in training", "missing here", "PSI"]
    return tabulate(rows, head, stralign="right", colalign=("left",), disable_numparse=True)


def _range(lowest: float, highest: float) -> str:
    """Both ends with four digits at least, and whole parts in full."""
    if np.isnan(lowest):
        return "never observed"
    low, high = (f"{value:.{max(4, min(len(f'{abs(value):.0f}'), 15))}g}" for value in (lowest, highest))
    return f"{low} to {high}"


def _words(drift: dict[str, Drift], forecaster: Forecaster) -> str:
    trained = forecaster.profile.columns
    found = {
        "far from their training rows": [name for name, one in drift.items() if one.stability_index > _FAR],
        "somewhat shifted": [name for name, one in drift.items() if _SHIFTED < one.stability_index <= _FAR],
        "with values that training never saw": [name for name, one in drift.items() if one.outside > _OUTSIDE],
        "missing more often than in training": [
            name for name, one in drift.items() if one.missing > trained[name].missing + _MISSING
        ],
    }
    lines = [f"{what}: {', '.join(names)}" for what, names in found.items() if names] or ["no input has drifted"]
    return (
        "; ".join(lines)
        + f". PSI: population stability index over the training deciles; by custom above {_SHIFTED:g} shifted, above "
        + f"{_FAR:g} far; one season alone is far from a year of training"
    )
