"""The one place that writes files: each whole or not at all, and on the disk before anybody relies on it.

A file is written beside its place under a hidden name, synced, and renamed; then its folder is synced. A kill or a full
disk in between leaves what was there before, and at most a hidden `.tmp` behind.
"""

import contextlib
import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path


def write(path: Path, content: bytes | str) -> None:
    """Put a file in its place, or replace it.

    Args:
        path: The file, in a folder that exists.
        content: All of it; text is written as UTF-8.

    Raises:
        OSError: It cannot be written; what was there before is untouched.
    """
    temporary = hidden(path)
    try:
        _write_synced(temporary, content.encode() if isinstance(content, str) else content)
        os.replace(temporary, path)  # noqa: PTH105 - the calls that tests fail on purpose stand here by name
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)  # noqa: PTH108
        raise
    sync_folder(path.parent)


def write_folder(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Put a folder of files in its place, or replace one.

    Args:
        folder: The folder; its parent exists, or can be made.
        contents: Name -> all of the file.

    Raises:
        OSError: It cannot be written. A folder that was there before is untouched, unless the last step failed: then
            it is gone.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = hidden(folder)
    try:
        os.mkdir(temporary)  # noqa: PTH102
        for name, content in contents.items():
            _write_synced(temporary / name, content)
        sync_folder(temporary)
        if folder.exists():
            remove_folder(folder)
        os.rename(temporary, folder)  # noqa: PTH104
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    sync_folder(folder.parent)


def remove_folder(folder: Path) -> None:
    """Remove a folder: first its name, so that nobody meets half of it.

    Raises:
        OSError: It cannot be removed.
    """
    leaving = hidden(folder)
    os.rename(folder, leaving)  # noqa: PTH104
    shutil.rmtree(leaving, ignore_errors=True)


def remove_left_over(folder: Path) -> None:
    """Remove what kills have left behind directly in a folder; only its one writer may ask for that."""
    for path in folder.glob(".*.tmp") if folder.is_dir() else ():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def hidden(path: Path) -> Path:
    """A name beside a path that no reader looks at, and that no other process takes."""
    return path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(3)}.tmp")


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the system can."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _write_synced(path: Path, content: bytes) -> None:
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o644)
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(number, rest) :]
        os.fsync(number)
    finally:
        os.close(number)
