"""Reading a csv file fast, wherever that is beyond doubt the same as reading it with care.

Of every block of lines either all is plain (numbers, times in ISO 8601, names without quotes), and then Arrow's reader
gives what `csv_lines` would give; or there is a doubt, and the block is left to that. What Arrow takes as a number or a
time is less than what is taken with care, and both round to the nearest number.
"""

import csv
import io
import itertools
import re
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv
from numpy.typing import NDArray

from headway.data.ahead import each
from headway.data.columns import features_of, sources_of, targets_of
from headway.data.contract import LARGEST_EXACT, MISSING, zone_of
from headway.data.csv_lines import read_names

if TYPE_CHECKING:
    from headway.config.dataset import DatasetSpec

_MARK = b"\xef\xbb\xbf"  # of UTF-8 text, at the beginning of a file
_LONGEST_HEADER = 4 << 20
_PLAUSIBLE_FROM, _PLAUSIBLE_TO = np.datetime64("1700", "s"), pd.Timestamp(2200, 1, 1)  # without any doubt
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
        unit: What the first time is told in.
        types: Column -> Arrow's type, of the columns that are needed.
        numbers: Names of those that hold numbers.
        is_typed: Whether every column is read as a number, a time or a name, so that no byte of a line stands unseen.
    """

    names: list[str]
    begin: int
    first: int
    is_plain: bool
    zone: str
    unit: str
    types: dict[str, Any]
    numbers: tuple[str, ...]
    is_typed: bool


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
    try:
        row = next(csv.reader([line.decode(errors="replace")], delimiter=spec.separator), [])
    except csv.Error:  # a field beyond its limit; a time has no such length
        row = []
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
    is_typed = len(types) == len(names) and not any(pa.types.is_string(one) for one in types.values())
    return Layout(names, begin, 2 if has_header else 1, is_plain, zone_of(time), _unit(time), types, numbers, is_typed)


def plain_blocks(
    path: Path, found: Layout, spec: "DatasetSpec", *, size: int
) -> Generator[tuple[bytes, pa.Table | None]]:
    """The lines of a file in blocks of about `size` bytes, each with what `plain` makes of it; threads read ahead."""
    with path.open("rb") as file:
        file.seek(found.begin)
        yield from each(blocks(file, separator=spec.separator, size=size), lambda block: plain(block, found, spec))


def blocks(file: io.BufferedIOBase, *, separator: str, size: int) -> Generator[bytes]:
    """The rest of a file in blocks of whole lines; empty lines at the end of a block go to the next one.

    Args:
        file: Open at the beginning of a line.
        separator: Of fields; a line of nothing else is empty too.
        size: About so many bytes at once.
    """
    nothing = separator.encode() + b'"\r\n'
    room, held = bytearray(2 * size), 0  # the same memory for all blocks; what of it waits for the next one
    while got := file.readinto(memoryview(room)[held : held + size]):
        filled = held + got
        end = _end_of_lines(room, filled, filled)
        while end and not room[(begin := _begin_of_line(room, end, filled)) : end].strip(nothing):
            end = begin
        if end:
            yield bytes(memoryview(room)[:end])
        held = filled - end
        room[:held] = room[end:filled]
        room.extend(bytes(max(0, held + size - len(room))))  # for a line that is longer than all of it
    if room[:held].strip(b"\r\n"):
        yield bytes(room[:held])


def plain(block: bytes, found: Layout, spec: "DatasetSpec") -> pa.Table | None:
    """The columns of a block that are needed, or None where there is any doubt what they hold."""
    if not found.is_plain or not _has_lines(block, spec) or not (found.is_typed or _is_text(block)):
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
        if not all(_is_finite_and_exact(table[name]) for name in found.numbers):
            return None
        if found.is_typed and spec.series is not None and not _are_text(table[spec.series]):
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


def times(table: pa.Table, spec: "DatasetSpec") -> NDArray[np.datetime64] | None:
    """Times [rows] of a plain block, or None where `Table.times` must look at them."""
    if spec.timestamp is None or not pa.types.is_timestamp(table.schema.field(spec.timestamp).type):
        return None
    found = np.concatenate([chunk.to_numpy() for chunk in table[spec.timestamp].chunks])
    latest = pd.Timestamp.now() if spec.latest is None else pd.Timestamp(spec.latest)
    plausible = found.min() >= _PLAUSIBLE_FROM and found.max() <= min(latest, _PLAUSIBLE_TO).to_datetime64()
    return found.astype("datetime64[ns]") if plausible else None


def series(table: pa.Table, column: str) -> tuple[NDArray[np.int32], list[str]] | None:
    """What `Table.names` says of a plain block, or None where it must look at the names."""
    numbers: dict[str, int] = {}
    parts = []
    for chunk in table[column].chunks:  # each with its own numbers, in the order in which the names come
        own = [numbers.setdefault(name, len(numbers)) for name in chunk.dictionary.to_pylist()]
        parts.append(np.array(own, np.int32)[chunk.indices.to_numpy()])
    names = [*numbers]
    return (np.concatenate(parts), names) if all(name.isprintable() and name.strip() for name in names) else None


def _numbers(names: list[str], spec: "DatasetSpec") -> tuple[str, ...]:
    features = features_of(names, spec, targets_of(names, spec))
    return tuple(dict.fromkeys([*sources_of(spec, features), *spec.known_future]))


def _unit(time: str) -> str:
    return "ns" if "." in time else "s"


def _end_of_lines(room: bytearray, end: int, filled: int) -> int:
    """Where the last whole line before `end` ends, of so many bytes that are filled; 0: there is none."""
    newline = room.rfind(b"\n", 0, end) + 1
    # Lines may end with a carriage return alone; as the last byte it may be the first half of two.
    return newline or room.rfind(b"\r", 0, min(end, filled - 1)) + 1


def _begin_of_line(room: bytearray, end: int, filled: int) -> int:
    """Where the line begins that ends before `end`."""
    return _end_of_lines(room, end - (2 if room.endswith(b"\r\n", 0, end) else 1), filled)


def _has_lines(block: bytes, spec: "DatasetSpec") -> bool:
    """Whether lines end as the two parsers agree they do, and none is empty that has no time to miss."""
    if spec.timestamp is None and (block.startswith((b"\n", b"\r")) or b"\n\n" in block or b"\n\r" in block):
        return False
    returns = block.count(b"\r") if b"\r" in block else 0
    return not returns or returns == block.count(b"\r\n") == block.count(b"\n")


def _is_text(block: bytes) -> bool:
    """Whether it is UTF-8 text without quotes, NUL bytes and marks."""
    if b'"' in block or b"\0" in block:
        return False
    if block.isascii():
        return True
    try:
        block.decode()
    except UnicodeDecodeError:
        return False
    return _MARK not in block


def _are_text(column: pa.ChunkedArray) -> bool:
    """`_is_text` of the names in a column."""
    return all(_is_text(name.encode()) for chunk in column.chunks for name in chunk.dictionary.to_pylist())


def _is_finite_and_exact(column: pa.ChunkedArray) -> bool:
    """Whether every value that is not missing is finite and below 2^53."""
    for chunk in column.chunks:
        values = (chunk.drop_null() if chunk.null_count else chunk).to_numpy()
        # What is written as no number is neither above nor below.
        if len(values) and not (values.min() > -LARGEST_EXACT and values.max() < LARGEST_EXACT):
            return False
    return True


def _with_times(table: pa.Table, found: Layout, spec: "DatasetSpec") -> pa.Table | None:
    """The table with its times read, or None where they differ in kind."""
    times = table[spec.timestamp]
    if times.null_count or not len(times):
        return None
    if spec.date_format is not None:
        return None if pc.any(pc.equal(times, "")).as_py() else table
    if not found.zone:
        return table
    if not pc.all(pc.ends_with(times, found.zone)).as_py():
        return None
    read = pc.cast(times, pa.timestamp(found.unit, "UTC"))
    return table.set_column(table.column_names.index(spec.timestamp), spec.timestamp, read)
