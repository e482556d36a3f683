"""The metrics of a run, one JSON line per epoch, in the run's own folder: the truth that MLflow mirrors."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from headway.errors import StorageError

FILE = "metrics.jsonl"


class Journal:
    """Appends to the journal of one run.

    Every line reaches the operating system before `append` returns: a crash of the program loses nothing.

    Args:
        folder: The run's folder, which exists.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._file: TextIO | None = None

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
        line = json.dumps(
            {"step": step, "time": time, "metrics": {name: _storable(value) for name, value in metrics.items()}},
            ensure_ascii=False,
        )
        try:
            if self._file is None:
                # Opened at the first line, so that reading a stored run never touches its journal.
                self._file = self.path.open("a", encoding="utf-8")
            self._file.write(line + "\n")
            self._file.flush()
        except OSError as error:
            raise StorageError(
                f"The journal {self.path} cannot be written: {error.strerror}. Free some space, or choose another run folder."
            ) from error

    def close(self) -> None:
        """Close the file; a later `append` opens it again."""
        if self._file is not None:
            file, self._file = self._file, None
            file.close()


def read_journal(folder: Path) -> list[dict[str, Any]]:
    """The journal of a run, oldest line first.

    Args:
        folder: The run's folder.

    Returns:
        One dictionary a line: `step`, `time` and `metrics`, whose values are numbers again, infinities and NaN included.
        Empty without a journal. A torn last line (the machine lost power while it was written) is left out.
    """
    path = folder / FILE
    if not path.exists():
        return []
    lines = []
    for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            line = json.loads(text)
            line["metrics"] = {name: float(value) for name, value in line["metrics"].items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
        lines.append(line)
    return lines


def _storable(value: float) -> float | str:
    number = float(value)
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    return number
