"""A disk that fails, and a machine that stops, at any one of the operations that a writer makes: a shim below Python."""

import builtins
import errno
import io
import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from headway import files


class Crash(BaseException):
    """The process has been killed: nothing that it does from here on reaches the disk."""


GROWING = {"create", "write", "mkdir"}  # what a full disk refuses from then on; the rest goes on working
ERRORS = {"full": errno.ENOSPC, "broken": errno.EIO, "read-only": errno.EROFS}
CRASHES = ("killed", "killed within", "power lost")


class Disk:
    """Counts the operations below a folder, and breaks at one of them.

    Kinds: `full` writes half, then refuses whatever needs room; `broken` fails once, after half of a write; `read-only`
    refuses everything from then on; `killed` ends the process before the operation, `killed within` after half a write
    or the whole of anything else. `power lost` is that, and then files lose what was not synced, in part or wholly, and
    the last of the names that were not synced are as before, or gone with their file.

    Args:
        folder: Where operations count.
        kind: What happens.
        at: At which operation, from 0; without one nothing does, but for `power lost`, that comes at the end.
        seed: Of what is lost with the power.
        exchanges: Whether two names can change places.

    Attributes:
        count: The operations so far.
        broken: What the first that broke was to do.
    """

    def __init__(
        self, folder: Path, kind: str = "", *, at: int | None = None, seed: int = 0, exchanges: bool = True
    ) -> None:
        self.count, self.broken = 0, ""
        self._folder, self._kind, self._at = folder, kind, at
        self._dead, self._exchanges, self._random = False, exchanges, random.Random(seed)
        self._paths: dict[int, Path] = {}  # of descriptors
        self._synced: dict[int, int] = {}  # number of a file's inode -> how many of its bytes, where not all
        self._unsynced_names: dict[int, Path] = {}  # number of a new file's inode -> its folder
        self._undo: list[tuple[set[Path], Callable[[], object]]] = []  # folders of a change of names, and its reverse
        self._durable = 0  # so many changes of names

    @contextmanager
    def __call__(self) -> Iterator["Disk"]:
        """Stand between a writer and the disk, for the length of a block."""
        with pytest.MonkeyPatch.context() as patch:
            self._real = {name: getattr(os, name) for name in ("open", "write", "fsync", "replace", "rename", "mkdir")}
            self._real |= {name: getattr(os, name) for name in ("unlink", "remove", "rmdir")}
            self._real |= {"io": io.open, "exchange": files.exchange}
            for name in ("open", "write", "fsync", "mkdir", "rmdir"):
                patch.setattr(os, name, getattr(self, f"_{name}"))
            for name in ("replace", "rename"):
                patch.setattr(os, name, self._rename)
            for name in ("unlink", "remove"):
                patch.setattr(os, name, self._unlink)
            patch.setattr(io, "open", self._open_file)
            patch.setattr(builtins, "open", self._open_file)
            patch.setattr(files, "exchange", self._exchange)
            yield self
        if self._kind == "power lost" and (self._dead or self._at is None):
            self._dead = True
            self._lose()

    def operation(self, name: str, run: Callable[[], Any], *, half: Callable[[], Any] | None = None) -> Any:
        """One operation, or what becomes of it."""
        if self._dead:
            raise Crash
        number, self.count = self.count, self.count + 1
        if self._at is None or number < self._at:
            return run()
        first = number == self._at
        self.broken = name if first else self.broken
        if self._kind in CRASHES:
            self._dead = True
            if self._kind != "killed":
                (half or run)()
            raise Crash
        if self._kind == "full" and first and half is not None and (written := half()):
            return written
        if self._kind == "broken" and first and half is not None:
            half()
        if first or self._kind == "read-only" or (self._kind == "full" and name in GROWING):
            raise OSError(ERRORS[self._kind], os.strerror(ERRORS[self._kind]))
        return run()

    def _below(self, path: Any, folder_number: int | None = None) -> Path | None:
        """A path that counts, in full."""
        if isinstance(path, int):
            return self._paths.get(path)
        place = Path.cwd() / (Path() if folder_number is None else self._paths.get(folder_number, Path())) / path
        return place if place.is_relative_to(self._folder) else None

    def _open(self, path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        place = self._below(path, dir_fd)
        new = place is not None and bool(flags & os.O_CREAT) and not os.path.lexists(place)

        def run() -> int:
            number: int = self._real["open"](path, flags, mode, dir_fd=dir_fd)
            if new and place is not None:
                self._note_new(place)
            return number

        number: int = self.operation("create", run) if new else run()
        self._paths.pop(number, None)
        if place is not None:
            self._paths[number] = place
        return number

    def _note_new(self, place: Path) -> None:
        inode, parent = place.lstat().st_ino, place.parent
        self._synced[inode], self._unsynced_names[inode] = 0, parent
        self._undo.append(({parent}, place.unlink))

    def _write(self, number: int, data: Any) -> int:
        if number not in self._paths:
            return int(self._real["write"](number, data))
        return self._put(number, data, lambda part: self._real["write"](number, part))

    def _put(self, number: int, data: Any, write: Callable[[Any], int]) -> int:
        view, found = memoryview(data).cast("B"), os.fstat(number)
        self._synced.setdefault(found.st_ino, found.st_size)
        half = None if len(view) < 2 else lambda: write(view[: len(view) // 2])
        return int(self.operation("write", lambda: write(view), half=half))

    def _fsync(self, number: int) -> None:
        if number not in self._paths:
            return self._real["fsync"](number)
        return self.operation("fsync", lambda: self._note_synced(self._paths[number], os.fstat(number).st_ino))

    def _note_synced(self, place: Path, inode: int) -> None:
        self._synced.pop(inode, None)
        self._unsynced_names = {new: parent for new, parent in self._unsynced_names.items() if parent != place}
        for position, (parents, _) in enumerate(self._undo, 1):
            if place in parents:
                self._durable = max(self._durable, position)

    def _rename(self, source: Any, target: Any) -> None:
        old, new = self._below(source), self._below(target)
        if old is None or new is None:
            return self._real["rename"](source, target)

        def run() -> None:
            was = new.read_bytes() if new.is_file() else None
            self._unsynced_names.pop(old.lstat().st_ino, None)
            self._real["rename"](old, new)

            def back() -> None:
                new.rename(old)
                if was is not None:
                    new.write_bytes(was)

            self._undo.append(({old.parent, new.parent}, back))

        return self.operation("rename", run)

    def _exchange(self, one: Path, other: Path) -> bool:
        if not self._exchanges:
            return False

        def run() -> bool:
            done: bool = self._real["exchange"](one, other)
            self._undo.append(({one.parent}, lambda: self._real["exchange"](one, other)))
            return done

        return bool(self.operation("rename", run))

    def _mkdir(self, path: Any, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        place = self._below(path, dir_fd)
        if place is None or os.path.lexists(place):
            return self._real["mkdir"](path, mode, dir_fd=dir_fd)

        def run() -> None:
            self._real["mkdir"](path, mode, dir_fd=dir_fd)
            self._undo.append(({place.parent}, place.rmdir))

        return self.operation("mkdir", run)

    def _rmdir(self, path: Any, *, dir_fd: int | None = None) -> None:
        place = self._below(path, dir_fd)
        if place is None:
            return self._real["rmdir"](path, dir_fd=dir_fd)

        def run() -> None:
            self._real["rmdir"](path, dir_fd=dir_fd)
            self._undo.append(({place.parent}, place.mkdir))

        return self.operation("rmdir", run)

    def _unlink(self, path: Any, *, dir_fd: int | None = None) -> None:
        place = self._below(path, dir_fd)
        if place is None or not place.is_file():
            return self._real["unlink"](path, dir_fd=dir_fd)

        def run() -> None:
            inode = place.lstat().st_ino
            was = place.read_bytes()[: self._synced.pop(inode, None)]
            self._unsynced_names.pop(inode, None)
            self._real["unlink"](path, dir_fd=dir_fd)
            self._undo.append(({place.parent}, lambda: place.write_bytes(was)))

        return self.operation("unlink", run)

    def _open_file(self, file: Any, mode: str = "r", buffering: int = -1, *words: Any, **more: Any) -> Any:
        place = self._below(file)
        if place is None or not set(mode) & set("wxa+"):
            return self._real["io"](file, mode, buffering, *words, **more)
        assert "+" not in mode, "no writer reads what it writes"
        new, kind = not place.exists(), mode.replace("b", "").replace("t", "")

        def run() -> _Raw:
            raw = _Raw(self, file, kind)
            self._paths[raw.fileno()] = place
            if new:
                self._note_new(place)
            return raw

        is_change = not isinstance(file, int) and (new or kind == "w")
        raw = self.operation("create", run) if is_change else run()
        if not buffering:
            return raw
        buffer = io.BufferedWriter(raw)
        return buffer if "b" in mode else io.TextIOWrapper(buffer, *words, **more)

    def _lose(self) -> None:
        """What a power failure leaves: run when nothing stands between this process and the disk."""
        kept = self._random.randint(self._durable, len(self._undo))
        for _, back in reversed(self._undo[kept:]):
            back()
        for path in sorted(self._folder.rglob("*")):
            inode = path.lstat().st_ino
            if not path.is_file():
                continue
            if inode in self._synced:
                size = path.stat().st_size
                least = min(self._synced[inode], size)
                os.truncate(path, self._random.choice([least, self._random.randint(least, size)]))
            if inode in self._unsynced_names and self._random.random() < 0.5:
                path.unlink()


class _Raw(io.FileIO):
    """What lies below Python's own files, whose writes no function of `os` sees."""

    def __init__(self, disk: Disk, file: Any, mode: str) -> None:
        self._disk = disk
        super().__init__(file, mode)

    def write(self, data: Any) -> int:
        if self._disk._dead:  # a buffer is let go of: what it holds has died with its process
            return len(memoryview(data).cast("B"))
        return self._disk._put(self.fileno(), data, super().write)
