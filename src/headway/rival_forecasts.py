"""Forecasts of rivals: fitted on training windows alone, once, and kept.

What is kept is the forecasts, as plain numbers: a fitted rival would have to be pickled, and what is
unpickled can run code.
"""

import hashlib
import json
import logging
import time
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path

import numpy as np

from headway import files
from headway.data import batches
from headway.data.windows import WindowIndex
from headway.evaluation import rivals
from headway.evaluation.cases import Array, Cases, Rival
from headway.task import Task

log = logging.getLogger(__name__)

CACHE = Path("runs/.cache/rivals")  # beside the runs, where the command was typed
_VALUES_AT_ONCE = 4_000_000  # numbers of history and inputs held for one batch of windows
_ABANDONED = 24 * 3600.0  # seconds after which nobody is still writing a file
# What NumPy raises for files with any bit flipped, cut anywhere, or of another kind.
_DAMAGE = (OSError, TypeError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)


def cases(task: Task, index: WindowIndex) -> Iterator[Cases]:
    """All windows of an index as rivals see them, in batches of bounded memory."""
    length = max(task.dataset.season, index.context_length)
    shape = task.shape
    per_window = length * len(shape.targets) + (shape.context_length + shape.horizon) * (
        2 * shape.num_features + shape.num_known_future
    )
    targets = task.scaler.columns(shape.targets)
    for numbers in batches.all_numbers(index, batch_size=max(1, min(8192, _VALUES_AT_ONCE // per_window))):
        inputs = batches.gather(task.rows, index, numbers).inputs
        yield Cases(
            context=inputs["context"].astype(np.float32, copy=False),
            observed=inputs["observed"].astype(np.float32, copy=False),
            known_future=inputs["known_future"].astype(np.float32, copy=False),
            series=inputs["series"].astype(np.int64),
            num_series=shape.num_series,
            history=batches.gather_history(task.dataset, index, numbers, length=length),
            target=batches.gather_target(task.dataset, index, numbers),
            season=task.dataset.season,
            mean=targets.mean,
            scale=targets.scale,
        )


def rival_forecasts(
    names: Sequence[str], *, trained_on: Task, judged_on: Task, split: str = "test", cache: Path | None = CACHE
) -> dict[str, Array]:
    """Point forecasts of rivals for all windows of a split.

    Args:
        names: The rivals.
        trained_on: Whose training windows they learn from.
        judged_on: Whose windows they forecast; the same task, or one of later data.
        split: Of `judged_on`.
        cache: Folder of kept forecasts, or None to keep nothing.

    Returns:
        Name -> [W, H, targets] in the targets' own units.
    """
    found: dict[str, Array] = {}
    fitted: dict[str, Rival] = {}
    to_keep: dict[str, Path] = {}
    for name in names:
        rival = rivals.make(name)
        if rival.learns and cache is not None:
            path = cache / f"{name}-{_key(name, trained_on, judged_on, split)}.npz"
            kept = _kept(path, judged_on, split)
            if kept is not None:
                found[name] = kept
                continue
            to_keep[name] = path
        started = time.monotonic()
        rival.fit(cases(trained_on, trained_on.windows["train"]))
        if time.monotonic() - started > 5:
            log.info("%s: fitted in %.0f s", name, time.monotonic() - started)
        fitted[name] = rival
    found |= _forecast(fitted, judged_on, split)
    for name, path in to_keep.items():
        _keep(path, found[name])
    return {name: found[name] for name in names}


def forecast(rival: Rival, task: Task, split: str) -> Array:
    """Forecasts [W, H, targets] of a fitted rival for all windows of a split."""
    return _forecast({"": rival}, task, split)[""]


def _forecast(fitted: Mapping[str, Rival], task: Task, split: str) -> dict[str, Array]:
    """Forecasts [W, H, targets] of fitted rivals; windows are gathered once for all of them."""
    index, done = task.windows[split], 0
    found = {name: np.empty((len(index), task.shape.horizon, len(task.shape.targets))) for name in fitted}
    if not fitted:
        return found
    for batch in cases(task, index):
        for name, rival in fitted.items():
            found[name][done : done + len(batch)] = rival.forecast(batch)
        done += len(batch)
    return found


def _key(name: str, trained_on: Task, judged_on: Task, split: str) -> str:
    """A digest of all that decides the forecasts: data, borders, windows, inputs, and the versions of the code."""
    parts = [
        name,
        _code_digest(),
        metadata.version("headway"),
        *(metadata.version(library) for library in ("numpy", "scikit-learn")),
        *(_description(task) for task in (trained_on, judged_on)),
        split,
    ]
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()[:24]


def _code_digest() -> str:
    """Of all rivals together: they share code, and a stale forecast would be worse than a second fit."""
    files = sorted(Path(rivals.__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def _description(task: Task) -> list[object]:
    index = task.windows["train"]
    windows = [index.context_length, index.horizon, index.stride, index.most]
    scalers = [scale.tolist() for one in (task.scaler, task.known_future_scaler) for scale in (one.mean, one.scale)]
    borders = [dict(border) for border in task.borders]
    return [task.dataset.fingerprint(), task.dataset.season, borders, windows, dict(task.cycles), scalers]


def _kept(path: Path, task: Task, split: str) -> Array | None:
    """Kept forecasts, or None where there are none, or the file is damaged."""
    shape = task.shape
    try:
        with np.load(path, allow_pickle=False) as stored:
            forecast: Array = stored["forecast"]
    except _DAMAGE:
        return None
    expected = (len(task.windows[split]), shape.horizon, len(shape.targets))
    return forecast if forecast.shape == expected and forecast.dtype == np.float64 else None


def _keep(path: Path, forecast: Array) -> None:
    """Write forecasts; a full disk costs the next evaluation time, not this one its result."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.remove_left_over(path.parent, older_than=_ABANDONED)  # other processes may be writing there
        with files.writing(path) as file:
            np.savez(file, forecast=forecast)
    except OSError as error:
        log.warning("%s: forecasts of a rival are not kept: %s", path.parent, error.strerror)
