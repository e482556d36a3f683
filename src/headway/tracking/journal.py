"""What a run appends to in its own folder, line by line: first of all its metrics, the truth that MLflow mirrors."""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from headway.errors import StorageError

FILE = "metrics.jsonl"
SYSTEM_FILE = "system.jsonl"
"""What the machine did meanwhile, in the same form: not among the results, and so not among the metrics."""

MEASURED = ("seconds", "per_second", "megabytes", "input_share")
"""How names of metrics end that a clock or a meter gave: they differ when the same is done again."""

_CHUNK = 1 << 20


class Lines:
    """Appends JSON lines to a file.

    Every line reaches the operating system before `append` returns: a crash of the program loses nothing.

    Args:
        path: The file, in a folder that exists.
        synced: Whether it reaches the disk too, so that a loss of power loses nothing either.
    """

    def __init__(self, path: Path, *, synced: bool = True) -> None:
        self.path, self._synced = path, synced
        self._file: BinaryIO | None = None

    def append(self, line: Mapping[str, object]) -> None:
        """Write one line.

        Raises:
            StorageError: The file cannot be written; what it holds stays readable.
        """
        # In one write, so that the lines of two processes do not mix.
        text = json.dumps(line, ensure_ascii=False, allow_nan=False).encode("utf-8", errors="replace") + b"\n"
        try:
            if self._file is None:
                # Opened at the first line, so that reading a stored run never touches its journal.
                self._file = self.path.open("ab", buffering=0)
                if not _ends_whole(self.path):
                    # A kill or a full disk tore the last line, which must not swallow this one.
                    text = b"\n" + text
            rest = memoryview(text)
            while rest:
                rest = rest[self._file.write(rest) :]
            if self._synced:
                os.fsync(self._file.fileno())
        except OSError as error:
            self.close()
            raise StorageError(
                f"The journal {self.path} cannot be written: {error.strerror}. Free some space, or choose another run folder."
            ) from error

    def close(self) -> None:
        """Close the file; a later `append` opens it again."""
        if self._file is not None:
            file, self._file = self._file, None
            file.close()


class Journal:
    """Appends to the journal of one run.

    Args:
        folder: The run's folder, which exists.
        file: The journal's name.
        synced: As for `Lines`.
    """

    def __init__(self, folder: Path, file: str = FILE, *, synced: bool = True) -> None:
        self._lines = Lines(folder / file, synced=synced)

    def append(self, metrics: Mapping[str, float], *, step: int, time: float) -> None:
        """Write one line.

        Args:
            metrics: Values by name; a value that is not finite is written as the text `NaN`, `Infinity` or `-Infinity`,
                because JSON has no such numbers and many readers refuse them.
            step: The epoch, or whatever the values are counted by.
            time: Seconds since 1970.

        Raises:
            StorageError: The file cannot be written.
        """
        values = {name: _storable(value) for name, value in metrics.items()}
        self._lines.append({"step": step, "time": time, "metrics": values})

    def close(self) -> None:
        """Close the file; a later `append` opens it again."""
        self._lines.close()


def read_journal(folder: Path, file: str = FILE) -> list[dict[str, Any]]:
    """The journal of a run, oldest line first.

    Args:
        folder: The run's folder.
        file: The journal's name.

    Returns:
        One dictionary a line: `step`, `time` and `metrics`, whose values are numbers again, infinities and NaN included.
        Empty without a journal. A torn line (a kill or a full disk came while it was written) is left out.
    """
    lines: list[dict[str, Any]] = []
    offset = 0
    while True:
        found, end = read_metrics(folder / file, offset)
        if end == offset:
            return lines
        lines += found
        offset = end


def read_metrics(path: Path, offset: int) -> tuple[list[dict[str, Any]], int]:
    """The next lines of a journal, as `read_lines`, with numbers for values."""
    lines = []
    found, end = read_lines(path, offset)
    for line in found:
        try:
            metrics = {name: float(value) for name, value in line["metrics"].items()}
            lines.append({**line, "step": int(line["step"]), "time": float(line["time"]), "metrics": metrics})
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
    return lines, end


def read_lines(path: Path, offset: int) -> tuple[list[dict[str, Any]], int]:
    """The next lines of a file that `Lines` writes, perhaps at this moment.

    Args:
        path: The file; one that is not there is empty.
        offset: Where the lines begin, in bytes.

    Returns:
        About a megabyte of whole lines, without those that are torn, and where the next begin.
    """
    try:
        with path.open("rb") as file:
            file.seek(offset)
            text = file.read(_CHUNK)
            while b"\n" not in text and (more := file.read(_CHUNK)):
                text += more
    except FileNotFoundError:
        return [], offset
    whole = text[: text.rfind(b"\n") + 1]
    lines = []
    # Not splitlines: a name may hold one of the other characters that end a line.
    for each in whole.split(b"\n"):
        try:
            line = json.loads(each.decode("utf-8", errors="replace"))
        except ValueError:
            continue
        if isinstance(line, dict):
            lines.append(line)
    return lines, offset + len(whole)


def _ends_whole(path: Path) -> bool:
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return True
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _storable(value: float) -> float | str:
    number = float(value)
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    return number
