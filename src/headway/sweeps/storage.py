"""Where a study lives: a journal file in the sweep's folder, or a database that several machines reach."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import optuna
import sqlalchemy
from filelock import FileLock
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from headway.errors import ConfigError, StorageError

JOURNAL = "journal"
FILE = "study.jsonl"

_ATTEMPTS, _PAUSE = 5, 0.5
"""Processes that open an empty database together make its tables together, and all but one fail at first."""

# What it says at every trial stands in the sweep's own table.
optuna.logging.set_verbosity(optuna.logging.ERROR)


def open_storage(storage: str, folder: Path) -> BaseStorage:
    """A storage, which is made if it is new.

    Args:
        storage: "journal", or the address of a database.
        folder: The sweep's folder.

    Raises:
        ConfigError: The address names no database that can be opened.
        StorageError: The journal cannot be read or written.
    """
    if storage == JOURNAL:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / FILE
            with (lock := _JournalLock(path)):  # which mends what a killed process left unfinished
                return JournalStorage(JournalFileBackend(str(path), lock_obj=lock))
        except (OSError, ValueError) as error:
            raise StorageError(
                f"the study in {folder / FILE} cannot be opened: {error}; free some space, or give another sweep.name"
            ) from error
    return _database(storage)


@contextmanager
def alone(storage: BaseStorage, folder: Path) -> Iterator[None]:
    """Keep every other sweeper of the study out while trials are counted and asked for.

    Whoever is killed inside lets go: the locks belong to the operating system or to the connection.
    """
    engine = getattr(storage, "engine", None) or getattr(getattr(storage, "_backend", None), "engine", None)
    if not isinstance(engine, sqlalchemy.Engine) or engine.dialect.name == "sqlite":
        database = engine.url.database if isinstance(engine, sqlalchemy.Engine) else None
        place = Path(database) if database else folder / FILE
        with FileLock(place.with_name(place.name + ".sweep.lock")):
            yield
        return
    # One row that Optuna itself only reads: held, it keeps other sweepers out and no job waiting.
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("SELECT version_info_id FROM version_info FOR UPDATE"))
        yield


def shown(storage: str) -> str:
    """The storage without a password."""
    if storage == JOURNAL:
        return storage
    try:
        return make_url(storage).render_as_string(hide_password=True)
    except (ValueError, ArgumentError):
        return storage.partition(":")[0] + "://..."


def _database(address: str) -> RDBStorage:
    for attempt in range(_ATTEMPTS):
        try:
            # A server drops idle connections, and a job may report an hour after its last epoch.
            return RDBStorage(address, engine_kwargs={"pool_pre_ping": True})
        except (ImportError, sqlalchemy.exc.NoSuchModuleError) as error:
            raise ConfigError(
                f"sweep.storage={shown(address)}: {error}; pip install -e '.[postgres]' brings the driver of PostgreSQL"
            ) from error
        except (ValueError, ArgumentError) as error:
            raise ConfigError(
                f"sweep.storage={shown(address)}: no address of a database; write postgresql://user@host:port/name"
            ) from error
        except (SQLAlchemyError, RuntimeError) as error:
            if attempt == _ATTEMPTS - 1:
                reason = " ".join(str(getattr(error, "orig", None) or error).split())[:200]
                raise ConfigError(f"sweep.storage={shown(address)}: cannot be opened: {reason}") from error
            time.sleep(_PAUSE)
    raise AssertionError("unreachable")  # pragma: no cover


class _JournalLock(JournalFileOpenLock):
    """Optuna's own locks are files that a killed process leaves behind, for 30 seconds of waiting; this one dies with it."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self._path = path
        self._lock = FileLock(f"{path}.lock")

    def acquire(self) -> bool:
        self._lock.acquire()
        if not self._is_whole():  # a process was killed as it wrote: what is written next must not join its line
            self.mend()
        return True

    def release(self) -> None:
        self._lock.release()

    def __enter__(self) -> "_JournalLock":
        self.acquire()
        return self

    def __exit__(self, *error: object) -> None:
        self.release()

    def mend(self) -> None:
        """Cut off a last line that a power failure or a full disk left unfinished: what follows it would be unreadable."""
        if not self._path.exists():
            return
        with self._path.open("rb+") as file:
            content = file.read()
            lines = content.splitlines(keepends=True)
            if lines and not _is_record(lines[-1]):
                file.truncate(len(content) - len(lines[-1]))

    def _is_whole(self) -> bool:
        try:
            with self._path.open("rb") as file:
                if file.seek(0, os.SEEK_END) == 0:
                    return True
                file.seek(-1, os.SEEK_END)
                return file.read() == b"\n"
        except FileNotFoundError:
            return True


def _is_record(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return line.endswith(b"\n")
