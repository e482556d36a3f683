"""The store of a dataset: its assembled rows in one Arrow file, memory-mapped, and a page of json about them.

The file holds one record batch whose columns are each one block of numbers: `values` with the F features of a row side
by side, `timestamps` in seconds, `known_future` like the values. NumPy sees them where they lie, so rows that are read belong
to the system's page cache and not to the process. The json is written last; without it, or where it does not describe
the file beside it, there is no store.
"""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from headway import files
from headway.data.series import Series
from headway.data.source_file import ends

FORMAT = 1
ROWS, HEADER = "rows.arrow", "store.json"


@dataclass(frozen=True)
class Header:
    """What is known of a store besides its rows.

    Attributes:
        key: What was converted, and how: a digest.
        source: The file that was converted, as `identity` describes it.
        sha256: The file's digest that was checked, or None.
        features, targets, known_future: Names of columns.
        series: Name, rows and first rows of the segments of each.
        clock: The regular clock.
        notes: What the policies changed.
        fingerprint: Of the dataset.
        size: Bytes of the Arrow file.
        ends: Digest of its beginning and end.
    """

    key: str
    source: dict[str, Any]
    sha256: str | None
    features: tuple[str, ...]
    targets: tuple[str, ...]
    known_future: tuple[str, ...]
    series: tuple[tuple[str, int, tuple[int, ...]], ...]
    clock: str
    notes: tuple[str, ...]
    fingerprint: str
    size: int
    ends: str

    def write(self, folder: Path) -> None:
        """Put it into the store's folder: from then on the store is believed.

        Raises:
            OSError: It cannot be written.
        """
        content = asdict(self)
        files.write(folder / HEADER, json.dumps({"format": FORMAT, "digest": _digest(content), "header": content}))


@dataclass(frozen=True)
class Columns:
    """The rows of a store, memory-mapped: timestamps [rows], values [rows, F] and known_future [rows, K]."""

    timestamps: NDArray[np.datetime64]
    values: NDArray[np.float64]
    known_future: NDArray[np.float64]


def read_header(folder: Path, key: str) -> Header | None:
    """What a folder's store holds, or None where there is none that can be believed: unfinished, damaged or foreign."""
    try:
        found = json.loads((folder / HEADER).read_bytes())
        content = found["header"]
        if found["format"] != FORMAT or found["digest"] != _digest(content) or content["key"] != key:
            return None
        series = tuple((name, rows, tuple(segments)) for name, rows, segments in content["series"])
        names = {what: tuple(content[what]) for what in ("features", "targets", "known_future", "notes")}
        header = Header(**{**content, **names, "series": series})
        path = folder / ROWS
        return header if path.stat().st_size == header.size and ends(path) == header.ends else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def source_of(folder: Path) -> dict[str, Any]:
    """The file that a folder's store was made of; empty where that is not known."""
    try:
        found = json.loads((folder / HEADER).read_bytes())["header"]["source"]
        return found if isinstance(found, dict) else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def columns(folder: Path, header: Header) -> Columns | None:
    """The rows of a store, or None where the file is not what its header says."""
    rows = sum(count for _, count, _ in header.series)
    try:
        with pa.memory_map(os.fspath(folder / ROWS)) as file, pa.ipc.open_file(file) as reader:
            if (reader.schema.metadata or {}).get(b"headway") != header.key.encode() or reader.num_record_batches != 1:
                return None
            batch = reader.get_batch(0)
        found = Columns(
            batch.column("timestamps").to_numpy(),
            _table(batch, "values", len(header.features)),
            _table(batch, "known_future", len(header.known_future)),
        )
    except (pa.ArrowException, OSError, KeyError, ValueError):
        return None
    shapes = (rows,), (rows, len(header.features)), (rows, len(header.known_future))
    fits = (found.timestamps.shape, found.values.shape, found.known_future.shape) == shapes
    return found if fits and found.timestamps.dtype == np.dtype("datetime64[s]") else None


def series_of(header: Header, rows: Columns) -> tuple[Series, ...]:
    """The series of a store, as views of its rows."""
    series, begin = [], 0
    for name, count, segments in header.series:
        own = slice(begin, begin + count)
        series.append(Series(name, rows.timestamps[own], rows.values[own], rows.known_future[own], segments))
        begin += count
    return tuple(series)


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _table(batch: pa.RecordBatch, name: str, width: int) -> NDArray[np.float64]:
    if not width:
        return np.empty((batch.num_rows, 0))
    table: NDArray[np.float64] = batch.column(name).values.to_numpy().reshape(-1, width)
    return table
