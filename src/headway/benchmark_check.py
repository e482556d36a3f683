"""Is the file the one that published numbers are of, cut as they are? Asked before anything is trained."""

import logging
from pathlib import Path

import numpy as np

from headway.config.benchmark import HorizonSpec, KnownSpec
from headway.config.train import TrainConfig
from headway.data import batches
from headway.data.series import Dataset
from headway.errors import DataError
from headway.evaluation.metrics import Array
from headway.evaluation.scaled import Published, scaled_errors
from headway.rival_forecasts import CACHE, rival_forecasts
from headway.task import Task

log = logging.getLogger(__name__)

Errors = dict[str, dict[str, float]]  # rival -> mse, mae
# Known errors have four digits; repeating the last value is exact, least squares depends on how it is solved.
_TOLERANCES = {"persistence": 5e-4, "least_squares": 2e-3}
_WORDS = {"persistence": "repeat last", "least_squares": "least squares"}
_SAME_MEAN = 0.05  # of a known standard deviation: a few altered values lie nearer, other files farther
_WINDOWS_AT_ONCE = 1024


def check(config: TrainConfig, task: Task, *, cache: Path | None = CACHE) -> None:
    """Refuse a known file that is not as it was, and say so where a file is another one.

    Counts of windows and the errors of two forecasts that have nothing to do with the model are compared with what is
    known of the file: its borders, its standardisation and the windows that are scored are then those of the protocol.

    Args:
        config: Of the training.
        task: Its data, cut and standardised.
        cache: Where forecasts of rivals are kept, or None; judging uses them again.

    Raises:
        DataError: If the file is known and its columns, windows or errors are not, one line each.
    """
    known = config.benchmark.known
    if known is None:
        return
    path = config.dataset.path
    _refuse_miscount(task)
    if not is_known(known, path, task.dataset):
        log.warning(
            "%s is not %s but another file: nothing is known to check it by, and published rows are left out",
            path,
            known.file,
        )
        _log_errors(path, _errors(task, cache))
        return
    _refuse(_wrong_windows(known, path, task))
    here = known.at(task.shape.horizon)
    if here is not None:
        errors = _errors(task, cache)
        _refuse(_wrong_errors(here, path, errors))
        log.info("%s: columns, windows and the errors of repeat last and least squares are as known", path)
        _log_errors(path, errors)


def published(config: TrainConfig, task: Task) -> tuple[Published, ...]:
    """What others reached on the windows of a task; nothing where its file is not the known one."""
    known = config.benchmark.known
    here = None if known is None else known.at(task.shape.horizon)
    if known is None or here is None or not is_known(known, config.dataset.path, task.dataset):
        return ()
    return tuple(
        Published(one.model, np.nan if one.mse is None else one.mse, np.nan if one.mae is None else one.mae, one.source)
        for one in here.published
    )


def is_known(known: KnownSpec, path: str, dataset: Dataset) -> bool:
    """Whether a file is the known one, by its name or by what is in it: columns, clock, and the means of most columns.

    A copy under another name is the same file, and so is one in which some values were altered.
    """
    if Path(path).name.lower() == known.file.lower():
        return True
    alike = set(dataset.features) == set(known.columns) and str(dataset.clock) == known.clock
    if not alike or len(dataset.series) > 1:
        return False
    columns = [dataset.features.index(name) for name in known.columns]
    values = dataset.series[0].values[: known.rows, columns]
    observed = ~np.isnan(values)
    means = np.where(observed, values, 0.0).sum(axis=0) / np.maximum(observed.sum(axis=0), 1)
    same = np.abs(means - np.array(known.means)) < _SAME_MEAN * np.array(known.scales)
    return bool(2 * same.sum() > len(same))


def _refuse_miscount(task: Task) -> None:
    """Refuse windows that are not as many as the borders hold, less what was left out and said."""
    wrong = []
    for split, index in task.windows.items():
        length, horizon = index.context_length, index.horizon
        spans = [border[split] for border in task.borders]
        fitting = sum(max(0, -(-(end - horizon + 1 - max(begin, length)) // index.stride)) for begin, end in spans)
        expected = fitting - sum(index.dropped.values())
        if index.total != expected:
            wrong.append(
                f"{task.dataset.name}: expected {expected:,} {split} windows by its borders, got {index.total:,}"
            )
    _refuse(wrong)


def _wrong_windows(known: KnownSpec, path: str, task: Task) -> list[str]:
    """What keeps the windows from being those of the protocol."""
    wrong = []
    if sorted(task.dataset.targets) != sorted(known.columns):
        wrong.append(
            f"{path}: {known.file} is judged on all its columns: expected the targets {', '.join(known.columns)}, got "
            f"{', '.join(task.dataset.targets)}; set dataset.targets=null, restore the file, or set benchmark=off"
        )
    here = known.at(task.shape.horizon)
    if here is None:
        horizons = ", ".join(str(one.horizon) for one in known.horizons)
        return [
            *wrong,
            f"{path}: windows.horizon={task.shape.horizon}: expected one of {horizons}, at which {known.file} is known; "
            "set one of them, or benchmark=off",
        ]
    for split, expected in here.windows:
        found = len(task.windows[split])
        if found != expected:
            wrong.append(
                f"{path}: expected {expected:,} {split} windows of {known.file} at horizon {here.horizon}, got {found:,}; "
                "set splits.* and windows.* as its experiment does, restore the file, or set benchmark=off"
            )
    return wrong


def _wrong_errors(here: HorizonSpec, path: str, errors: Errors) -> list[str]:
    """Errors that are not as known: the file, or its standardisation, is another one."""
    expected = {"persistence": here.repeat_last, "least_squares": here.least_squares}
    wrong = []
    for rival, known in expected.items():
        for name, value in known:
            found = errors[rival][name]
            if not abs(found - value) <= _TOLERANCES[rival]:
                wrong.append(
                    f"{path}: expected the {name.upper()} of {_WORDS[rival]} on scaled test values to be {value:.4f} within "
                    f"{_TOLERANCES[rival]:g}, got {found:.4f}; restore the file, set splits.* as its experiment does, "
                    "or set benchmark=off"
                )
    return wrong


def _errors(task: Task, cache: Path | None) -> Errors:
    """Errors of repeating the last value and of least squares on the scaled test windows."""
    actual = _actual(task)
    scale = task.scaler.columns(task.shape.targets).scale
    found = {}
    for name in _TOLERANCES:  # one after the other: each holds as many numbers as the actuals
        forecast = rival_forecasts([name], trained_on=task, judged_on=task, cache=cache)[name]
        mse, mae = scaled_errors(actual, forecast, scale)
        found[name] = {"mse": mse, "mae": mae}
    return found


def _actual(task: Task) -> Array:
    """What happened in the test windows, [W, H, targets] in the targets' own units."""
    index = task.windows["test"]
    actual = np.empty((len(index), task.shape.horizon, len(task.shape.targets)))
    for numbers in batches.all_numbers(index, batch_size=_WINDOWS_AT_ONCE):
        actual[numbers] = batches.gather_target(task.dataset, index, numbers)
    return actual


def _log_errors(path: str, errors: Errors) -> None:
    for rival, found in errors.items():
        log.info("%s: %s on scaled test values: MSE %.4f, MAE %.4f", path, _WORDS[rival], found["mse"], found["mae"])


def _refuse(wrong: list[str]) -> None:
    if wrong:
        raise DataError(*wrong)
