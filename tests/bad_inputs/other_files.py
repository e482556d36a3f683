"""parquet files, and paths that lead to no file."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tests.bad_inputs.row import CSV, GOOD, PARQUET, BadInput, written

GOOD_FILE = written(GOOD)
LARGE = np.where(np.arange(61) == 45, 2**53 + 1, np.arange(61))


def parquet(path: Path, **columns: Any) -> Path:
    """Writes a good parquet file, but for the columns given."""
    times = np.datetime64("2024-01-01T00", "ms") + np.arange(61) * np.timedelta64(1, "h")
    pq.write_table(pa.table({"time": times, "y": np.arange(61.0) % 7} | columns), path)
    return path


def parquet_row(name: str, message: str, *words: str, **columns: Any) -> BadInput:
    return BadInput(name, (*PARQUET, *words), 3, message, lambda folder: parquet(folder / "load.parquet", **columns))


def cut(size: int) -> Callable[[Path], object]:
    def make(folder: Path) -> None:
        path = parquet(folder / "load.parquet")
        path.write_bytes(path.read_bytes()[:size])

    return make


def claiming(folder: Path) -> None:
    """A small file that says it has more than a thousand million rows."""
    path = parquet(folder / "load.parquet", time=pa.nulls(1_000_000), y=pa.nulls(1_000_000))
    footer = pq.read_metadata(path)
    for _ in range(11):
        path.unlink()
        footer.write_metadata_file(path)
        footer.append_row_groups(pq.read_metadata(path))
    footer.write_metadata_file(path)


def path_row(name: str, path: str, message: str, make: Callable[[Path], object] = GOOD_FILE) -> BadInput:
    words = [f"dataset.path='{path}'" if word.startswith("dataset.path") else word for word in CSV]
    return BadInput(name, words, 3, message, make)


ROWS: list[BadInput] = [
    parquet_row("F75 struct", "load.parquet: column 'x' holds struct.*flatten it", x=pa.array([{"a": 1}] * 61)),
    parquet_row("list", "column 'x' holds list.*flatten it", x=pa.array([[1.0]] * 61)),
    parquet_row("truth in parquet", "column 'x' holds true and false; write 1 and 0", x=np.arange(61) > 7),
    parquet_row("F77 category", "column 'x' holds category.*leave it out", x=pa.array(["a"] * 61).dictionary_encode()),
    parquet_row("text in parquet", "parquet:1: column 'x' holds 'a'; expected a number", x=["a"] * 61),
    parquet_row(
        "bytes in parquet", "load.parquet: column 'x' holds binary; write it as numbers or text", x=[b"a"] * 61
    ),
    parquet_row("times as values", "column 'x' holds datetime64", x=np.full(61, np.datetime64("2024-01-01", "ms"))),
    parquet_row("durations", "column 'x' holds '?.*expected a number", x=np.full(61, np.timedelta64(1, "s"))),
    parquet_row(
        "infinity in parquet",
        "parquet:46: column 'x' holds 'inf'; infinite",
        x=np.where(np.arange(61) == 45, np.inf, 0),
    ),
    parquet_row("large in parquet", r"parquet:46: column 'x' holds 9007199254740993, 2\^53 or beyond", x=LARGE),
    parquet_row("numbers for times", "column 'time' holds numbers, not times; write ISO 8601", time=np.arange(61)),
    parquet_row(
        "missing time in parquet",
        "parquet:47: empty timestamp in column 'time'",
        time=[None if row == 46 else np.datetime64("2024-01-01", "s") + 3600 * row for row in range(61)],
    ),
    parquet_row(
        "no rows of parquet",
        "load.parquet: no rows of data",
        time=pa.array([], pa.timestamp("ms")),
        y=pa.array([], pa.float64()),
    ),
    parquet_row("no target in parquet", r"no column 'load' \(dataset.targets\)", "dataset.targets=[load]"),
    BadInput(
        "parquet without columns",
        PARQUET,
        3,
        "load.parquet: holds no columns; give a table",
        lambda folder: pq.write_table(pa.table({"__index_level_0__": [1]}), folder / "load.parquet"),
    ),
    BadInput("empty parquet", PARQUET, 3, "load.parquet: not a readable parquet file", cut(0)),
    BadInput("F81 parquet cut to its first letters", PARQUET, 3, "not a readable parquet .*fetch or write it", cut(4)),
    BadInput("F81 parquet cut", PARQUET, 3, "not a readable parquet file, it is cut or damaged", cut(500)),
    BadInput("csv named parquet", PARQUET, 3, "not a readable parquet file", written(GOOD, "load.parquet")),
    BadInput("parquet of a thousand million rows", PARQUET, 3, "2,048,000,000 rows of 2 columns are more", claiming),
    # Paths.
    path_row("F71 folder", "folder", "folder: is a folder, not a file", lambda folder: (folder / "folder").mkdir()),
    path_row("F72 missing", "laod.csv", r"laod.csv: no such file, looked from /.*did you mean load\.csv\?"),
    path_row("missing folder", "nowhere/load.csv", "nowhere/load.csv: no such file.*there is no folder nowhere"),
    path_row(
        "F73 dangling link",
        "linked.csv",
        r"linked.csv: is a link to gone\.csv, which does not exist",
        lambda folder: (folder / "linked.csv").symlink_to("gone.csv"),
    ),
    path_row(
        "link to itself",
        "linked.csv",
        r"linked.csv: ",
        lambda folder: (folder / "linked.csv").symlink_to("linked.csv"),
    ),
    path_row("pipe", "pipe.csv", "pipe.csv: is a device or a pipe", lambda folder: os.mkfifo(folder / "pipe.csv")),
    path_row("device", "/dev/zero", "/dev/zero: is a device or a pipe"),
    path_row("long name", "x" * 300, "x: cannot be looked up .*; correct dataset.path"),
    path_row("home of nobody", "~nobody-of-that-name/load.csv", "load.csv: cannot be looked up"),
    path_row("below a file", "load.csv/load.csv", "load.csv/load.csv: no such file"),
]
