"""The folder of a run, which no other run can share, and the record (`run.json`) in it."""

import json
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from types import NoneType
from typing import Any

from headway import files, stored_file
from headway.errors import StorageError, StoredRunError

FILE = "run.json"
RUNNING, FINISHED, FAILED, KILLED, PRUNED = "running", "finished", "failed", "killed", "pruned"
SWEEP = "sweep"
"""The kind of a run whose children are the runs to look at."""

_LONGEST = 1 << 20  # of run.json
_LOCK = ".headway.lock"
_LOCKED_SECONDS = 90.0
"""Longer than whoever has the lock may spend on a store that does not answer."""

_ID = re.compile(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d_[0-9a-f]{6}")


def now() -> str:
    """This moment, in the form `run.json` stores; such texts sort by time."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


@dataclass(frozen=True)
class RunRecord:
    """What `run.json` says about a run.

    Attributes:
        id: The folder's name.
        name: What the user calls the run; need not be unique.
        status: `running`, `finished`, `failed`, `killed`, or `pruned` by its sweep.
        started: When, as ISO 8601 in UTC.
        ended: When, or None while the run goes on.
        comparable: Runs with the same text were judged on the same data and task, so that their scores may be compared.
        kind: `training`, unless the tag `headway.kind` said otherwise.
        score: The validation score (lower is better), or None.
        mlflow_run_id: The run's mirror, or None.
        store: The store that the run is meant for, without password; None with tracking off.
        experiment: The experiment there.
        parent: The id of the sweep that the run is a child of, or nothing.
        digest: Configuration, data and code in one hexadecimal digest, or nothing: equal digests make equal runs.
        best: Of a sweep: the id of its best child, or nothing.
        process: `Process.as_dict()` of the process that writes the run; None for a run of an older version.
    """

    id: str
    name: str
    status: str = RUNNING
    started: str = field(default_factory=now)
    ended: str | None = None
    comparable: str = ""
    kind: str = "training"
    score: float | None = None
    mlflow_run_id: str | None = None
    store: str | None = None
    experiment: str | None = None
    parent: str = ""
    digest: str = ""
    best: str = ""
    process: dict[str, Any] | None = None


def new_id(root: Path) -> str:
    """A name for a run's folder that no other has: the time and six random hexadecimal digits."""
    while (root / (id_ := f"{datetime.now():%Y-%m-%d_%H-%M-%S}_{secrets.token_hex(3)}")).exists():
        pass
    return id_


def make(root: Path, record: RunRecord) -> Path:
    """The folder of a new run, which holds its record from the first moment it can be seen.

    Raises:
        StorageError: The folder cannot be made.
    """
    folder = root.absolute() / record.id
    try:
        files.write_folder(folder, {FILE: _text(record).encode()})
    except OSError as error:
        raise _cannot_be_made(folder if root.is_dir() else root, error) from error
    return folder


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Nobody else decides meanwhile whose a run under `root` is.

    Raises:
        StorageError: The lock cannot be had.
    """
    # Here because it brings asyncio along, which --help and a wrong override must not pay.
    from filelock import FileLock, Timeout

    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(root / _LOCK, timeout=_LOCKED_SECONDS)
        lock.acquire()
    except Timeout as error:
        raise StorageError(
            f"{root.absolute() / _LOCK} is held by another process: end it, or start in another folder."
        ) from error
    except OSError as error:
        raise _cannot_be_made(root, error) from error
    try:
        yield
    finally:
        lock.release()


def is_id(text: str) -> bool:
    """Whether a text has the form of a run folder's name, and is therefore safe to use as one."""
    return _ID.fullmatch(text) is not None


def write(folder: Path, record: RunRecord) -> None:
    """Replace `run.json`, whole or not at all.

    Raises:
        StorageError: The file cannot be written.
    """
    try:
        files.write(folder / FILE, _text(record))
    except OSError as error:
        raise StorageError(
            f"{folder / FILE} cannot be written: {error.strerror}. Free some space, or choose another run folder."
        ) from error


def read(folder: Path) -> RunRecord | None:
    """The record in a folder, or None where there is none that can be read.

    Keys that this version does not know are passed over, so that a newer run stays readable.
    """
    try:
        stored = stored_file.from_json(stored_file.read(folder / FILE, most=_LONGEST))
        known = {each.name for each in fields(RunRecord)}
        record = RunRecord(**{key: value for key, value in stored.items() if key in known})
    except (StoredRunError, OSError, ValueError, TypeError, AttributeError):
        return None
    return record if record.id == folder.name and _is_sound(record) else None


def records(root: Path) -> dict[str, RunRecord]:
    """The records of every run under `root`, by id; empty if there is no such folder."""
    folders = root.iterdir() if root.is_dir() else iter(())
    return {folder.name: record for folder in folders if is_id(folder.name) and (record := read(folder)) is not None}


def labels(record: RunRecord) -> dict[str, str]:
    """The tags by which a run is found in its mirror."""
    found = {"headway.id": record.id, "headway.comparable": record.comparable, "headway.kind": record.kind}
    known = {"headway.sweep": record.parent, "headway.digest": record.digest}
    return found | {key: value for key, value in known.items() if value}


def image_name(key: str, step: int) -> str:
    """Where a picture of a series stands in the folder."""
    return f"images/{key}/{step:05d}.png"


def inside(folder: Path, name: str) -> Path | None:
    """Where a name leads in a run's folder, or None if it leads out of it."""
    path = folder / name
    if not name or Path(name).is_absolute() or ".." in Path(name).parts:
        return None
    return path if path.resolve().is_relative_to(folder.resolve()) else None


def files_of(folder: Path, name: str) -> list[Path]:
    """The file of a name, or the files below the folder of that name; none that leads out of the run's folder."""
    path = inside(folder, name)
    if path is None or path.is_file():
        return [path] if path is not None else []
    below = (each for each in sorted(path.rglob("*")) if each.is_file() and not files.is_hidden(each, below=path))
    return [each for each in below if inside(folder, each.relative_to(folder).as_posix()) is not None]


def _is_sound(record: RunRecord) -> bool:
    """Whether every value is of its kind: one that is not would end whatever looks at all runs."""
    kinds: dict[str, tuple[type, ...]] = {
        "score": (int, float, NoneType),
        "process": (dict, NoneType),
        **dict.fromkeys(("ended", "mlflow_run_id", "store", "experiment"), (str, NoneType)),
    }
    values = asdict(record).items()
    return all(isinstance(value, kinds.get(name, (str,))) and not isinstance(value, bool) for name, value in values)


def _text(record: RunRecord) -> str:
    return json.dumps(asdict(record), indent=2, ensure_ascii=False) + "\n"


def _cannot_be_made(folder: Path, error: OSError) -> StorageError:
    return StorageError(
        f"The run folder {folder.absolute()} cannot be made: {error.strerror}. Make it writable, free some space, or start in another folder."
    )
