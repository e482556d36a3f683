"""A file of any size as a sequence of checked tables, in the order of its lines."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from headway.data import csv_lines, csv_numbers, parquet_rows
from headway.data.columns import features_of, is_parquet, sources_of, targets_of
from headway.data.contract import Table
from headway.data.filling import side_by_side
from headway.errors import DataError

if TYPE_CHECKING:
    from headway.config.dataset import DatasetSpec

_BYTES, _ROWS = 8 << 20, 1 << 17  # of text, and of a parquet file, at once


def column_names(path: Path, spec: "DatasetSpec") -> list[str]:
    """Names of a file's columns.

    Raises:
        DataError: If it is neither csv nor parquet, or its columns are not what the configuration says.
    """
    if is_parquet(path):
        return parquet_rows.column_names(path, spec)
    csv_lines.sniff(path, spec)
    return csv_numbers.layout(path, spec).names


class Part(NamedTuple):
    """Some rows of a file.

    Attributes:
        table: Their times and series, and their numbers if `plain` is None.
        share: Of the file, up to the last of them.
        plain: Their numbers, where they were read fast.
    """

    table: Table
    share: float
    plain: pa.Table | None = None

    def numbers(self, columns: Sequence[str]) -> NDArray[np.float64]:
        """[rows, columns] of numbers, NaN where missing; errors as for `Table.numbers`."""
        if self.plain is not None:
            return csv_numbers.side_by_side(self.plain, columns)
        return side_by_side([self.table.numbers(column) for column in columns], len(self.table))


def parts(path: Path, spec: "DatasetSpec", *, size: int = _BYTES, rows: int = _ROWS) -> Iterator[Part]:
    """The columns of a file that are needed, some rows at a time.

    Args:
        path: A csv or parquet file.
        spec: The dataset group.
        size: Bytes of text at once.
        rows: Rows of a parquet file at once.

    Raises:
        DataError: If the file cannot be read as what the configuration says.
    """
    if is_parquet(path):
        yield from _of_parquet(path, spec, rows)
    else:
        yield from _of_csv(path, spec, size)


def _of_csv(path: Path, spec: "DatasetSpec", size: int) -> Iterator[Part]:
    found = csv_numbers.layout(path, spec)
    line, done, total = found.first, found.begin, path.stat().st_size
    roles = [name for name in found.types if name not in found.numbers]
    with path.open("rb") as file:
        file.seek(found.begin)
        for block in csv_numbers.blocks(file, separator=spec.separator, size=size):
            plain = csv_numbers.plain(block, found, spec)
            if plain is None:
                table = Table(spec.path, csv_lines.read_block(block, spec, found.names, first=line))
            else:
                table = Table(spec.path, csv_numbers.frame(plain.select(roles), first=line))
            done += len(block)
            line += len(table)
            if len(table):
                _refuse_other_zone(table, spec, found.zone, found.first)
                yield Part(table, min(1.0, done / total), plain)
    if line == found.first:
        raise csv_lines.no_rows(spec)


def _of_parquet(path: Path, spec: "DatasetSpec", rows: int) -> Iterator[Part]:
    names = parquet_rows.column_names(path, spec)
    features = features_of(names, spec, targets_of(names, spec))
    roles = [name for name in (spec.timestamp, spec.series) if name is not None]
    needed = list(dict.fromkeys([*roles, *sources_of(spec, features), *spec.known_future]))
    zone, table = None, None
    for frame, share in parquet_rows.read_parts(path, spec, needed, rows=rows):
        table = Table(spec.path, frame)
        if zone is None and spec.timestamp is not None:
            zone = table.zone(spec.timestamp)
        _refuse_other_zone(table, spec, zone, 1)
        yield Part(table, share)
    if table is None:
        raise parquet_rows.no_rows(spec)


def _refuse_other_zone(table: Table, spec: "DatasetSpec", zone: str | None, first: int) -> None:
    """Refuse times whose zone is written otherwise than in the file's first line."""
    found = None if spec.timestamp is None else table.zone(spec.timestamp)
    if found is not None and found != zone:
        raise DataError(
            f"{spec.path}: time zones differ in column {spec.timestamp!r}: {zone or 'none'} (line {first}), "
            f"{found or 'none'} (line {table.line(0)}); write all times in one zone, best UTC"
        )
