"""A dataset whose rows stay on the disk: found where it was converted before, else converted now."""

import contextlib
import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headway import files
from headway.data import store
from headway.data.clock import Clock
from headway.data.converting import convert
from headway.data.series import Dataset, StoredRows
from headway.data.source_file import check_digest, expected_digest, identity
from headway.errors import DataError, StorageError

if TYPE_CHECKING:
    from headway.config.dataset import DatasetSpec

CACHE = Path("runs/.cache/datasets")  # beside the runs, where the command was typed
# Settings that no row depends on: where the file is and whether it is the right one are asked in other ways.
_NO_MATTER = {"path", "sha256", "source", "store", "units", "calendar", "season"}

_LEFT_OVER = 7 * 86_400  # seconds after which an unfinished store is one that nobody will finish


def stored(path: Path, spec: "DatasetSpec", *, cache: Path = CACHE) -> Dataset:
    """The dataset of a file, its rows memory-mapped; it is converted if it was not before.

    Args:
        path: A csv or parquet file.
        spec: The dataset group.
        cache: Folder of the stores.

    Raises:
        DataError: If the file cannot be read as what the configuration says.
        StorageError: If the store cannot be written.
    """
    try:
        source = identity(path)
    except OSError as error:
        raise DataError(f"{spec.path}: cannot be read ({error.strerror or error}); is the mount gone?") from None
    key = _key(source, spec)
    folder = cache / key[:32]
    found = _opened(folder, key)
    if found is None:
        try:
            with _alone(folder):
                # Another process may just have done it.
                found = _opened(folder, key) or _converted(path, spec, folder, key)
            _remove_stale(cache, source)
        except OSError as error:
            raise StorageError(
                f"{error.filename or folder}: the store of {spec.path} cannot be written ({error.strerror or error}); give "
                "it room, or set dataset.store=never to read the file into memory"
            ) from None
    header, rows = found
    expected = expected_digest(path, spec)
    if expected is not None and header.sha256 != expected:
        checked = replace(header, sha256=check_digest(path, spec))
        with contextlib.suppress(OSError):  # then it is checked again
            checked.write(folder)
    return _dataset(header, rows, spec)


def _key(source: dict[str, Any], spec: "DatasetSpec") -> str:
    settings = spec.model_dump(mode="json", exclude=_NO_MATTER)
    return hashlib.sha256(json.dumps([store.FORMAT, source, settings], sort_keys=True).encode()).hexdigest()


def _opened(folder: Path, key: str) -> tuple[store.Header, store.Columns] | None:
    header = store.read_header(folder, key)
    rows = None if header is None else store.columns(folder, header)
    return None if header is None or rows is None else (header, rows)


def _converted(path: Path, spec: "DatasetSpec", folder: Path, key: str) -> tuple[store.Header, store.Columns]:
    convert(path, spec, folder, key)
    found = _opened(folder, key)
    if found is None:
        raise StorageError(f"{folder}: the store that was just written is damaged; is the disk failing?")
    return found


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """While one process converts, others wait; what a kill has left is removed."""
    folder.mkdir(parents=True, exist_ok=True)
    # Made where it is missing and never replaced: a lock on a file that has another's place holds nobody back.
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        files.remove_left_over(folder)
        yield
    finally:
        os.close(lock)


def _remove_stale(cache: Path, source: dict[str, Any]) -> None:
    """Remove the stores of earlier versions of a file, which nobody finds any more, and what kills have left."""
    for folder in cache.iterdir():
        with contextlib.suppress(OSError):
            if (folder / store.HEADER).exists():
                other = store.source_of(folder)
                if other.get("path") == source["path"] and other != source:
                    files.remove_folder(folder)
            elif time.time() - folder.stat().st_mtime > _LEFT_OVER:  # whoever converts writes into the folder
                files.remove_folder(folder)


def _dataset(header: store.Header, rows: store.Columns, spec: "DatasetSpec") -> Dataset:
    clock = Clock.parse(header.clock)
    return Dataset(
        name=spec.name,
        series=store.series_of(header, rows),
        features=header.features,
        targets=header.targets,
        known_future_columns=header.known_future,
        clock=clock,
        season=spec.season or clock.season,
        units=spec.units,
        notes=header.notes,
        file=spec.path,
        stored=StoredRows(rows.values, rows.known_future, rows.timestamps, header.fingerprint),
    )
