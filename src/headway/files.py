"""The one place that writes files: each whole or not at all, and on the disk before anybody relies on it.

A file is written beside its place under a hidden name, synced, and renamed; then its folder is synced. A kill or a full
disk in between leaves what was there before, and at most a hidden `.tmp` behind.
"""

import contextlib
import ctypes
import errno
import os
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

# Of Linux's renameat2: paths are relative to the current folder; two names change places.
_AT_CURRENT_FOLDER, _RENAME_EXCHANGE = -100, 2
_NOT_SUPPORTED = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP}


def write(path: Path, content: bytes | str) -> None:
    """Put a file in its place, or replace it.

    Args:
        path: The file, in a folder that exists.
        content: All of it; text is written as UTF-8.

    Raises:
        OSError: It cannot be written, and the error names it; what was there before is untouched, unless only the last
            step failed, the sync of the folder: then the file is new, and whole.
    """
    with _taking_place(path) as temporary:
        _write_synced(temporary, content.encode() if isinstance(content, str) else content)


@contextlib.contextmanager
def writing(path: Path) -> Iterator[BinaryIO]:
    """A file to write into, which takes its place when the block ends well: for what is too large to hold twice.

    Args:
        path: The file, in a folder that exists.

    Raises:
        OSError: As `write`.
    """
    with _taking_place(path) as temporary, os.fdopen(_open_new(temporary), "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def write_folder(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Put a folder of files in its place, or replace one.

    Args:
        folder: The folder; its parent exists, or can be made.
        contents: Name -> all of the file.

    Raises:
        OSError: It cannot be written, and the error names it. A folder that was there before is untouched, unless only
            the last step failed, the sync of the parent. Where the system cannot let two folders change places, a kill
            between two renames leaves no folder.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = hidden(folder)
    with _naming(folder, temporary):
        try:
            os.mkdir(temporary)  # noqa: PTH102 - the calls that tests fail on purpose stand here by name
            for name, content in contents.items():
                _write_synced(temporary / name, content)
            sync_folder(temporary)
            _take_place(temporary, folder)
            sync_folder(folder.parent)
        finally:
            _remove(temporary)  # half of the new, or, where the two have changed places, the old


def remove_folder(folder: Path) -> None:
    """Remove a folder: first its name, so that nobody meets half of it.

    Raises:
        OSError: It cannot be removed.
    """
    leaving = hidden(folder)
    os.rename(folder, leaving)  # noqa: PTH104
    _remove(leaving)


def remove_left_over(folder: Path, *, older_than: float = 0.0) -> None:
    """Remove what kills have left behind in a folder and below it; what cannot be removed stays.

    Args:
        folder: The folder; only its one writer may ask for that, unless
        older_than: so many seconds say that nobody is still writing it.
    """
    newest = time.time() - older_than
    for path in list(folder.rglob(".*.tmp")):
        with contextlib.suppress(OSError):  # it has gone with its own folder, or is another process's
            if path.lstat().st_mtime <= newest:
                _remove(path)


def hidden(path: Path) -> Path:
    """A name beside a path that no reader looks at, and that no other process takes."""
    return path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(3)}.tmp")


def is_hidden(path: Path, *, below: Path) -> bool:
    """Whether a path is, or lies in, what is not finished: the names of it and of its folders up to `below` say so."""
    return any(name.startswith(".") and name.endswith(".tmp") for name in path.relative_to(below).parts)


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the system can."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    except OSError as error:
        if error.errno not in _NOT_SUPPORTED:
            raise
    finally:
        os.close(number)


@contextlib.contextmanager
def _taking_place(path: Path) -> Iterator[Path]:
    """A hidden name whose file becomes `path` when the block has ended well, and goes when it has not."""
    temporary = hidden(path)
    with _naming(path, temporary):
        try:
            yield temporary
            os.replace(temporary, path)  # noqa: PTH105
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)  # noqa: PTH108
            raise
        sync_folder(path.parent)


@contextlib.contextmanager
def _naming(path: Path, temporary: Path) -> Iterator[None]:
    """Errors that name what somebody asked for: a descriptor's name nothing, and a hidden name says nothing."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        name = os.fspath(path if error.filename is None else error.filename)
        raise OSError(error.errno, error.strerror, name.replace(str(temporary), str(path), 1)) from error


def _open_new(path: Path) -> int:
    # To be read too: what is written into a large file may have to be looked at again before it takes its place.
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o666)


def _write_synced(path: Path, content: bytes) -> None:
    with _naming(path, path):
        number = _open_new(path)
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(number, rest) :]
            os.fsync(number)
        finally:
            os.close(number)


def _take_place(temporary: Path, folder: Path) -> None:
    if not folder.exists():
        os.rename(temporary, folder)  # noqa: PTH104
    elif not exchange(temporary, folder):
        leaving = hidden(folder)
        os.rename(folder, leaving)  # noqa: PTH104
        try:
            os.rename(temporary, folder)  # noqa: PTH104
        except BaseException:
            os.rename(leaving, folder)  # noqa: PTH104
            raise
        try:
            sync_folder(folder.parent)  # before any of the old is gone
        finally:
            _remove(leaving)


def exchange(one: Path, other: Path) -> bool:
    """Let two names change places in one step, so that neither is ever without what it names.

    Returns:
        Whether the system can; if not, nothing has changed.

    Raises:
        OSError: It can, and failed.
    """
    try:
        call = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError, TypeError):
        return False
    if call(_AT_CURRENT_FOLDER, os.fsencode(one), _AT_CURRENT_FOLDER, os.fsencode(other), _RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _NOT_SUPPORTED:
        return False
    raise OSError(number, os.strerror(number), str(other))


def _remove(path: Path) -> None:
    """Remove a file or a folder as far as possible; nobody reads it any more."""
    with contextlib.suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
