"""A file of any size as a sequence of checked tables, in the order of its lines."""

import contextlib
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from headway.data import csv_lines, csv_numbers, parquet_rows
from headway.data.ahead import ahead
from headway.data.assemble import times_of
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


@dataclass(frozen=True)
class Part:
    """Some rows of a file.

    Attributes:
        spec: The dataset group.
        found: Their columns: an Arrow table where they were read fast.
        first: Line of the first of them, or its row in a parquet file.
        share: Of the file, up to the last of them.
    """

    spec: "DatasetSpec"
    found: Table | pa.Table
    first: int
    share: float

    @property
    def plain(self) -> pa.Table | None:
        """Their columns, where they were read fast."""
        return None if isinstance(self.found, Table) else self.found

    @cached_property
    def table(self) -> Table:
        """Their times and series, and their numbers where they were not read fast."""
        if isinstance(self.found, Table):
            return self.found
        roles = [name for name in (self.spec.timestamp, self.spec.series) if name is not None]
        return Table(self.spec.path, csv_numbers.frame(self.found.select(roles), first=self.first))

    def numbers(self, columns: Sequence[str]) -> NDArray[np.float64]:
        """[rows, columns] of numbers, NaN where missing; errors as for `Table.numbers`."""
        if self.plain is not None:
            return csv_numbers.side_by_side(self.plain, columns)
        return side_by_side([self.table.numbers(column) for column in columns], len(self.found))

    def times(self, *, first: int) -> NDArray[np.datetime64]:
        """Times [rows]; argument and errors as for `times_of`."""
        found = None if self.plain is None else csv_numbers.times(self.plain, self.spec)
        return times_of(self.table, self.spec, first=first) if found is None else found

    def series(self, column: str) -> tuple[NDArray[Any], list[str]]:
        """The series of every row, and their names; errors as for `Table.names`."""
        found = None if self.plain is None else csv_numbers.series(self.plain, column)
        return self.table.names(column) if found is None else found


def parts(path: Path, spec: "DatasetSpec", *, size: int = _BYTES, rows: int = _ROWS) -> Generator[Part]:
    """The columns of a file that are needed, some rows at a time.

    Args:
        path: A csv or parquet file.
        spec: The dataset group.
        size: Bytes of text at once.
        rows: Rows of a parquet file at once.

    Yields:
        A part, while threads read the next ones, three at most.

    Raises:
        DataError: If the file cannot be read as what the configuration says.
    """
    yield from ahead(_of_parquet(path, spec, rows)) if is_parquet(path) else _of_csv(path, spec, size)


def _of_csv(path: Path, spec: "DatasetSpec", size: int) -> Generator[Part]:
    found = csv_numbers.layout(path, spec)
    line, done, total = found.first, found.begin, path.stat().st_size
    with contextlib.closing(csv_numbers.plain_blocks(path, found, spec, size=size)) as coming:
        for block, plain in coming:
            if plain is None:
                read = Table(spec.path, csv_lines.read_block(block, spec, found.names, first=line))
            else:
                read = plain
            done += len(block)
            if len(read):
                part = Part(spec, read, line, min(1.0, done / total))
                _refuse_other_zone(part, found.zone, found.first)
                yield part
            line += len(read)
    if line == found.first:
        raise csv_lines.no_rows(spec)


def _of_parquet(path: Path, spec: "DatasetSpec", rows: int) -> Generator[Part]:
    names = parquet_rows.column_names(path, spec)
    features = features_of(names, spec, targets_of(names, spec))
    roles = [name for name in (spec.timestamp, spec.series) if name is not None]
    needed = list(dict.fromkeys([*roles, *sources_of(spec, features), *spec.known_future]))
    zone, part = None, None
    for frame, share in parquet_rows.read_parts(path, spec, needed, rows=rows):
        table = Table(spec.path, frame)
        part = Part(spec, table, table.line(0), share)
        if zone is None and spec.timestamp is not None:
            zone = table.zone(spec.timestamp)
        _refuse_other_zone(part, zone, 1)
        yield part
    if part is None:
        raise parquet_rows.no_rows(spec)


def _refuse_other_zone(part: Part, zone: str | None, first: int) -> None:
    """Refuse times whose zone is written otherwise than in the file's first line."""
    spec = part.spec
    if spec.timestamp is None or (part.plain is not None and spec.date_format is None):
        return  # what was read fast is written as the first line is
    found = part.table.zone(spec.timestamp)
    if found is not None and found != zone:
        raise DataError(
            f"{spec.path}: time zones differ in column {spec.timestamp!r}: {zone or 'none'} (line {first}), "
            f"{found or 'none'} (line {part.first}); write all times in one zone, best UTC"
        )
