"""Writers on a disk that breaks at each of their operations, and what must hold for whoever comes after them."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headway import files
from headway.errors import StorageError

sys.path.append(str(Path(__file__).parent))  # the shim is of use to this folder alone
from disk import CRASHES, ERRORS, Crash, Disk

LASTING = (*CRASHES, "read-only")  # of what nothing can be put back


def hidden(folder: Path) -> list[Path]:
    return sorted(folder.rglob(".*.tmp"))


def accepted(found: Any, old: Any, new: Any) -> bool:
    """Whether a reader has found the old content or the new one; of several files, of each; of a journal, its lines."""
    if isinstance(new, dict):
        return isinstance(found, dict) and all(found.get(name) in (old.get(name), new[name]) for name in new)
    if isinstance(new, list):
        return found == new[: len(found)] and len(found) >= len(old)
    return (found is None and old is None) or found in (old, new)


class Held:
    """Breaks a writer at each of its operations, and looks at what is left.

    Args:
        root: Where folders are made.
        write, read: As `__call__` has them.
    """

    def __init__(self, root: Path, *, write: Callable[[Path], None], read: Callable[[Path], Any]) -> None:
        self._root, self._write, self._read = root, write, read
        self._number = 0

    def folder(self, prepare: Callable[[Path], None] | None) -> Path:
        """A folder with the old content, or an empty one."""
        self._number += 1
        folder, before = self._root / f"{self._number:06}", self._root / "before"
        if prepare is None:
            folder.mkdir()
            return folder
        if not before.exists():
            before.mkdir()
            prepare(before)
        shutil.copytree(before, folder)
        return folder

    def after(self, folder: Path, old: Any, new: Any, error: BaseException | None, *, gap: bool, **said: Any) -> None:
        """What must hold for whoever comes after a fault."""
        found = self._read(folder)
        assert accepted(found, old, new) or (gap and found is None), f"{said}: neither old nor new: {found!r}"
        if isinstance(error, (OSError, StorageError)):
            assert str(folder) in str(error), f"{said}: does not name what cannot be written: {error}"
            assert ".tmp" not in str(error), said
            assert os.strerror(ERRORS[said["kind"]]) in str(error), said
        files.remove_left_over(folder)
        with Disk(folder)():
            self._write(folder)
        again = self._read(folder)
        if isinstance(new, list):  # whatever was torn: what stood before it and what comes after it is there
            assert again[: len(old)] == old, said
            assert again[len(again) - len(new) + len(old) :] == new[len(old) :], said
        else:
            assert again == new, said
        assert not hidden(folder), said

    def attempt(self, folder: Path, kind: str, **words: Any) -> tuple[BaseException | None, Disk]:
        """One attempt to write on a disk that breaks; nothing but an error of the disk may come out of it."""
        disk = Disk(folder, kind, **words)
        caught: BaseException | None = None
        with disk():
            try:
                self._write(folder)
            except (OSError, StorageError, Crash) as error:
                caught = error
        return caught, disk


@pytest.fixture
def disk() -> type[Disk]:
    """Makes a disk that breaks: `with disk(folder, "full", at=3)(): ...`."""
    return Disk


@pytest.fixture
def hold(tmp_path: Path) -> Callable[..., int]:
    """Breaks a writer at every operation: hold("full", prepare=..., write=..., read=...); returns how often.

    Args of what it gives:
        kind: Of `Disk`.
        prepare: Puts the old content into a folder, or None for a folder without.
        write: Puts the new content there.
        read: What a reader finds: anything that can be compared, a dictionary by file where several are written one by
            one, a list of a journal's lines; None for nothing, or nothing whole.
        silent: Whether the writer keeps a failure to itself.
        durable: Whether what it has written outlives a loss of power.
        exchanges: Whether two names can change places there; where they cannot, a kill may leave nothing.
        seeds: How many ways in which the power is lost at each operation.
    """

    def run(
        kind: str,
        *,
        prepare: Callable[[Path], None] | None,
        write: Callable[[Path], None],
        read: Callable[[Path], Any],
        silent: bool = False,
        durable: bool = True,
        exchanges: bool = True,
        seeds: int = 3,
    ) -> int:
        root = tmp_path / f"held-{len(list(tmp_path.glob('held-*')))}"
        root.mkdir()
        held = Held(root, write=write, read=read)
        folder = held.folder(prepare)
        old = read(folder)
        error, disk = held.attempt(folder, "", exchanges=exchanges)
        new, attempts = read(folder), 0
        assert error is None
        assert disk.count >= 1
        assert new != old, "a test of a writer needs content that is new"
        places: list[int | None] = [*range(disk.count), *([None] if kind == "power lost" else [])]
        for at in places:
            for seed in range(seeds if kind == "power lost" else 1):
                folder = held.folder(prepare)
                error, disk = held.attempt(folder, kind, at=at, seed=seed, exchanges=exchanges)
                if kind not in LASTING and disk.broken not in ("unlink", "rmdir"):
                    assert not hidden(folder), f"at {at}: what is unfinished could have been removed"
                if error is None and not silent and (durable or kind != "power lost"):
                    assert read(folder) == new, f"at {at}: nothing was said, and nothing is there"
                held.after(folder, old, new, error, gap=not exchanges and kind in LASTING, kind=kind, at=at, seed=seed)
                shutil.rmtree(folder)
                attempts += 1
        return attempts

    return run
