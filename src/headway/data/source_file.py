"""Which file it is that is read: by its digest where one is expected, else by what changes when a file is changed."""

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headway.errors import DataError

if TYPE_CHECKING:
    from headway.config.dataset import DatasetSpec

_ENDS = 1 << 20  # bytes of the beginning and of the end of a file that are looked at


def check_digest(path: Path, spec: "DatasetSpec") -> str | None:
    """Refuse a file that is not the one of the configuration.

    Returns:
        The digest, where one is expected.

    Raises:
        DataError: Its digest differs from the one that is expected.
    """
    expected = expected_digest(path, spec)
    if expected is None:
        return None
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != expected:
        raise DataError(
            f"{spec.path}: its sha256 is {found[:12]}..., the configuration expects {expected[:12]}...; "
            "restore the file, or set dataset.sha256=null to read it as it is"
        )
    return found


def expected_digest(path: Path, spec: "DatasetSpec") -> str | None:
    """The digest that the configuration expects of a file, or None for any."""
    return spec.sha256.get(path.name) if isinstance(spec.sha256, dict) else spec.sha256


def identity(path: Path) -> dict[str, Any]:
    """What tells this file, and this version of it, from others without reading it: place, size, time and ends."""
    stat = path.stat()
    return {
        "path": os.fspath(path.resolve()),
        "size": stat.st_size,
        "mtime_ns": stat.st_mtime_ns,
        "inode": stat.st_ino,
        "ends": ends(path),
    }


def ends(path: Path) -> str:
    """A digest of the beginning and the end of a file, a megabyte each."""
    with path.open("rb") as file:
        digest = hashlib.sha256(file.read(_ENDS))
        file.seek(max(0, os.fstat(file.fileno()).st_size - _ENDS))
        digest.update(file.read(_ENDS))
    return digest.hexdigest()
