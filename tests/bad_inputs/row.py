"""One bad input: how it is made, what is typed, and what must come of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

CSV = ("dataset=csv", "dataset.path=load.csv", "dataset.timestamp=time", "dataset.targets=[y]")
PARQUET = ("dataset=csv", "dataset.path=load.parquet", "dataset.timestamp=time", "dataset.targets=[y]")


@dataclass(frozen=True)
class BadInput:
    """A row of the table.

    Attributes:
        name: Of the test; what stands in the list of bad inputs begins with its number there.
        words: What is typed after the script, in a folder of its own.
        code: The exit code.
        message: What the one line must match.
        make: Makes the input in that folder.
    """

    name: str
    words: Sequence[str]
    code: int
    message: str
    make: Callable[[Path], object] = lambda folder: None


def stamp(hour: int, begin: str = "2024-01-01T00:00") -> str:
    """The time so many hours after another."""
    return str(np.datetime64(begin, "m") + 60 * hour)


HEADER = "time,y,x"
GOOD = [HEADER, *(f"{stamp(hour)},{(7 * hour) % 11}.5,{hour % 5}" for hour in range(61))]


def with_line(number: int, text: str) -> list[str]:
    """The good file with one line replaced; lines count from 1."""
    return [*GOOD[: number - 1], text, *GOOD[number:]]


def with_value(text: str) -> list[str]:
    """The good file with one value of column y replaced, in line 47."""
    return with_line(47, f"{stamp(45)},{text},2")


def with_times(time: Callable[[int], object], count: int = 61) -> list[str]:
    """The good file with other times."""
    return [HEADER, *(f"{time(hour)},{(7 * hour) % 11}.5,{hour % 5}" for hour in range(count))]


def with_columns(y: Callable[[int], object], x: Callable[[int], object] = lambda hour: hour % 5) -> list[str]:
    """The good file with other values."""
    return [HEADER, *(f"{stamp(hour)},{y(hour)},{x(hour)}" for hour in range(61))]


def late(hour: int) -> bool:
    """Whether an hour lies in the second half of the file."""
    return hour >= 31


def written(content: bytes | Sequence[str], name: str = "load.csv") -> Callable[[Path], object]:
    """What writes bytes, or lines of text, into a file."""
    whole = content if isinstance(content, bytes) else "\n".join([*content, ""]).encode()
    return lambda folder: (folder / name).write_bytes(whole)


def csv_row(name: str, content: bytes | Sequence[str], message: str, *words: str) -> BadInput:
    """A csv file that must be refused."""
    return BadInput(name, (*CSV, *words), 3, message, written(content))
