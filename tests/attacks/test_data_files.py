"""Data files that hold code: it stays data."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

from headway.config.train import TrainConfig
from headway.data import sources
from headway.errors import HeadwayError


class Bomb:
    """What makes a file where it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.canary}",)


def extension(path: Path, bomb: Bomb) -> None:
    """A column whose type is a pickled class, as Arrow once loaded it."""
    named = {"ARROW:extension:name": "arrow.py_extension_type", "ARROW:extension:metadata": pickle.dumps(bomb)}
    load = pa.field("load", pa.float64(), metadata=named)
    times = pa.array([0, 3600, 7200], pa.timestamp("s"))
    table = pa.table([times, pa.array([1.0, 2.0, 3.0])], schema=pa.schema([pa.field("time", times.type), load]))
    pyarrow.parquet.write_table(table, path)


def metadata(path: Path, bomb: Bomb) -> None:
    """What pandas is told about the table is a pickle."""
    table = pa.table({"time": pa.array([0, 3600, 7200], pa.timestamp("s")), "load": [1.0, 2.0, 3.0]})
    pyarrow.parquet.write_table(table.replace_schema_metadata({"pandas": pickle.dumps(bomb)}), path)


def strings(path: Path, bomb: Bomb) -> None:
    table = pa.table({"time": pa.array([0, 3600, 7200], pa.timestamp("s")), "load": [pickle.dumps(bomb)] * 3})
    pyarrow.parquet.write_table(table, path)


FILES: dict[str, tuple[str, Callable[[Path, Bomb], object]]] = {
    "a pickled type": ("own.parquet", extension),
    "pickled metadata": ("own.parquet", metadata),
    "pickled values": ("own.parquet", strings),
    "a pickle for parquet": ("own.parquet", lambda path, bomb: path.write_bytes(pickle.dumps(bomb))),
    "a pickle for csv": ("own.csv", lambda path, bomb: path.write_bytes(pickle.dumps(bomb))),
    "a formula": ("own.csv", lambda path, bomb: path.write_text("time,load\n2024-01-01,=cmd|'/C calc'!A0\n")),
    "code": ("own.csv", lambda path, bomb: path.write_text(f"time,load\n2024-01-01,__import__('os').system('touch {bomb.canary}')\n")),
    "a name of a column": ("own.csv", lambda path, bomb: path.write_text("time,load,@os.system\n2024-01-01,x,1\n")),
}  # fmt: skip


@pytest.mark.parametrize("kind", FILES)
def test_nothing_in_a_file_of_data_runs(compose: Callable[..., TrainConfig], tmp_path: Path, kind: str) -> None:
    (tmp_path / "data").mkdir()
    name, write = FILES[kind]
    path = tmp_path / "data" / name
    write(path, Bomb(tmp_path / "canary"))
    before = path.read_bytes()
    config = compose("dataset=csv", f"dataset.path={path}", "dataset.timestamp=time", "dataset.targets=[load]")
    try:
        dataset = sources.read(config.dataset, project=tmp_path)
        assert dataset.num_rows == 3  # read as the table that it is beside its metadata
    except HeadwayError as error:
        assert error.exit_code == 3
    assert sorted(one.name for one in tmp_path.rglob("*")) == sorted(["data", name])
    assert path.read_bytes() == before
