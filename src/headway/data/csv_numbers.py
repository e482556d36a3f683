"""Reading a csv file fast, wherever that is beyond doubt the same as reading it with care.

Of every block of lines either all is plain (numbers, times in ISO 8601, names without quotes), and then Arrow's reader
gives what `csv_lines` would give; or there is a doubt, and the block is left to that. What Arrow takes as a number or a
time is less than what is taken with care, and both round to the nearest number.
"""

import csv
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv
from numpy.typing import NDArray

from headway.data.columns import features_of, sources_of, targets_of
from headway.data.contract import LARGEST_EXACT, MISSING, zone_of
from headway.data.csv_lines import read_names

if TYPE_CHECKING:
    from headway.config.dataset import DatasetSpec

_MARK = b"\xef\xbb\xbf"  # of UTF-8 text, at the beginning of a file
_LONGEST_HEADER = 4 << 20
_SPELLINGS = sorted(
    {"".join(letters) for word in MISSING for letters in itertools.product(*({one, one.upper()} for one in word))}
)


@dataclass(frozen=True)
class Layout:
    """How the lines of a csv file are to be read.

    Attributes:
        names: Of all columns.
        begin: Bytes before the first line of data.
        first: Number of that line.
        is_plain: Whether anything can be read fast.
        zone: How the first time writes its zone; empty where it writes none.
        types: Column -> Arrow's type, of the columns that are needed.
        numbers: Names of those that hold numbers.
    """

    names: list[str]
    begin: int
    first: int
    is_plain: bool
    zone: str
    types: dict[str, Any]
    numbers: tuple[str, ...]


def layout(path: Path, spec: "DatasetSpec") -> Layout:
    """How a file is to be read, by its first two lines.

    Raises:
        DataError: If the names of its columns are not what the configuration says.
    """
    with path.open("rb") as file:
        head = file.read(_LONGEST_HEADER)
    mark = len(_MARK) if head.startswith(_MARK) else 0
    lines = re.split(rb"(\r\n|\n|\r)", head[mark:], maxsplit=2)
    names = read_names(head[: mark + len(lines[0])], spec)
    has_header = spec.columns is None
    begin = mark + len(lines[0]) + len(lines[1]) if has_header and len(lines) > 1 else mark
    line = lines[2] if has_header and len(lines) > 2 else b"" if has_header else lines[0]
    row = next(csv.reader([line.decode(errors="replace")], delimiter=spec.separator), [])
    numbers = _numbers(names, spec)
    time = row[names.index(spec.timestamp)] if spec.timestamp is not None and len(row) == len(names) else ""
    types: dict[str, Any] = dict.fromkeys(numbers, pa.float64())
    if spec.series is not None:
        types[spec.series] = pa.dictionary(pa.int32(), pa.string())
    if spec.timestamp is not None:
        is_text = spec.date_format is not None or zone_of(time)
        types[spec.timestamp] = pa.string() if is_text else pa.timestamp(_unit(time))
    roles = len(numbers) + (spec.series is not None) + (spec.timestamp is not None)
    is_plain = len(lines) > 2 and len(types) == roles
    return Layout(names, begin, 2 if has_header else 1, is_plain, zone_of(time), types, numbers)


def blocks(file: BinaryIO, *, separator: str, size: int) -> Iterator[bytes]:
    """The rest of a file in blocks of whole lines; empty lines at the end of a block go to the next one.

    Args:
        file: Open at the beginning of a line.
        separator: Of fields; a line of nothing else is empty too.
        size: About so many bytes at once.
    """
    nothing = separator.encode() + b'"\r\n'
    rest = b""
    while more := file.read(size):
        block = rest + more
        end = _end_of_lines(block, len(block))
        while end and not block[(begin := _begin_of_line(block, end)) : end].strip(nothing):
            end = begin
        if end:
            yield block[:end]
        rest = block[end:]
    if rest.strip(b"\r\n"):
        yield rest


def plain(block: bytes, found: Layout, spec: "DatasetSpec") -> pa.Table | None:
    """The columns of a block that are needed, or None where there is any doubt what they hold."""
    if not found.is_plain or b'"' in block or b"\0" in block or not _has_lines(block, spec) or not _is_text(block):
        return None
    if block.endswith((b"\n\n", b"\r\n\r\n")):
        block = block.rstrip(b"\r\n")
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(block),
            read_options=arrow_csv.ReadOptions(column_names=found.names),
            parse_options=arrow_csv.ParseOptions(
                delimiter=spec.separator, quote_char=False, escape_char=False, ignore_empty_lines=False
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=found.types,
                include_columns=list(found.types),
                null_values=_SPELLINGS,
                strings_can_be_null=False,
                timestamp_parsers=[arrow_csv.ISO8601],
            ),
        )
        for name in found.numbers:
            if not _is_finite_and_exact(table[name]):
                return None
        return table if spec.timestamp is None else _with_times(table, found, spec)
    except pa.ArrowException:
        return None


def frame(table: pa.Table, *, first: int) -> pd.DataFrame:
    """The columns of plain blocks as a table that begins with a line."""
    result: pd.DataFrame = table.to_pandas(split_blocks=True, date_as_object=False)
    result.index = pd.RangeIndex(first, len(result) + first, name="line")
    return result


def side_by_side(table: pa.Table, names: Sequence[str]) -> NDArray[np.float64]:
    """Columns of a plain block as [rows, columns], NaN where missing."""
    numbers = np.empty((table.num_rows, len(names)))
    begin = 0
    for batch in table.select(list(names)).to_batches():
        rows = numbers[begin : begin + batch.num_rows]
        for index, column in enumerate(batch.columns):
            rows[:, index] = column.to_numpy(zero_copy_only=False)
        begin += batch.num_rows
    return numbers


def _numbers(names: list[str], spec: "DatasetSpec") -> tuple[str, ...]:
    features = features_of(names, spec, targets_of(names, spec))
    return tuple(dict.fromkeys([*sources_of(spec, features), *spec.known_future]))


def _unit(time: str) -> str:
    return "ns" if "." in time else "s"


def _end_of_lines(block: bytes, end: int) -> int:
    """Where the last whole line before `end` ends; 0: there is none."""
    newline = block.rfind(b"\n", 0, end) + 1
    # Lines may end with a carriage return alone; as the block's last byte it may be the first half of two.
    return newline or block.rfind(b"\r", 0, min(end, len(block) - 1)) + 1


def _begin_of_line(block: bytes, end: int) -> int:
    """Where the line begins that ends before `end`."""
    return _end_of_lines(block, end - (2 if block.endswith(b"\r\n", 0, end) else 1))


def _has_lines(block: bytes, spec: "DatasetSpec") -> bool:
    """Whether lines end as the two parsers agree they do, and none is empty that has no time to miss."""
    if spec.timestamp is None and (block.startswith((b"\n", b"\r")) or b"\n\n" in block or b"\n\r" in block):
        return False
    returns = block.count(b"\r") if b"\r" in block else 0
    return not returns or returns == block.count(b"\r\n") == block.count(b"\n")


def _is_text(block: bytes) -> bool:
    if block.isascii():
        return True
    try:
        block.decode()
    except UnicodeDecodeError:
        return False
    return _MARK not in block


def _is_finite_and_exact(column: pa.ChunkedArray) -> bool:
    """Whether every value that is not missing is finite and below 2^53."""
    least, most = pc.min_max(column).values()
    bounded = not least.is_valid or (least.as_py() > -LARGEST_EXACT and most.as_py() < LARGEST_EXACT)
    # Neither the least nor the most is a value that is written as no number.
    return bounded and not pc.any(pc.is_nan(column)).as_py()


def _with_times(table: pa.Table, found: Layout, spec: "DatasetSpec") -> pa.Table | None:
    """The table with its times read, or None where they differ in kind."""
    times = table[spec.timestamp]
    if times.null_count or not len(times):
        return None
    if spec.date_format is not None or not found.zone:
        return table
    if not pc.all(pc.ends_with(times, found.zone)).as_py():
        return None
    unit = "ns" if pc.any(pc.match_substring(times.slice(0, 1), ".")).as_py() else "s"
    read = pc.cast(times, pa.timestamp(unit, "UTC"))
    return table.set_column(table.column_names.index(spec.timestamp), spec.timestamp, read)
