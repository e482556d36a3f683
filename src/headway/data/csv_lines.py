"""Reading a csv file with care: as text, line by line, so that every complaint can name the line and what stands there.

This is the definition of what a csv file says; `csv_numbers` is only faster.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import pandas as pd

from headway.data.columns import check_columns, column_names
from headway.data.contract import MISSING
from headway.errors import DataError

if TYPE_CHECKING:
    from headway.config.dataset import DatasetSpec

_MAGIC = {
    b"\xff\xfe\0\0": "UTF-32 text; save it as UTF-8",
    b"\0\0\xfe\xff": "UTF-32 text; save it as UTF-8",
    b"\x1f\x8b": "a gzip archive, not csv; unpack it",
    b"PAR1": "a parquet file, not csv; name it .parquet",
    b"PK\x03\x04": "a zip archive or a spreadsheet, not csv; unpack it, or save it as csv",
    b"\xff\xfe": "UTF-16 text; save it as UTF-8",
    b"\xfe\xff": "UTF-16 text; save it as UTF-8",
    b"BZh": "a bzip2 archive, not csv; unpack it",
    b"\xfd7zXZ": "an xz archive, not csv; unpack it",
    b"\x28\xb5\x2f\xfd": "a zstandard archive, not csv; unpack it",
    b"\x89HDF": "an HDF5 file, not csv; save it as csv or parquet",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet, not csv; save it as csv",
    b"\x93NUMPY": "a NumPy array, not csv; save it as csv or parquet",
    b"SQLite format 3": "a database, not csv; save the table as csv or parquet",
    b"ARROW1": "an Arrow file, not csv; save it as parquet",
    b"\x80\x04\x95": "a pickle, which is never opened; save the table as csv or parquet",
    b"%PDF": "a PDF document, not csv; save the table as csv",
    b"version https://git-lfs": "a git-lfs pointer and not the file itself; run git lfs pull",
}


def read_lines(path: Path, spec: "DatasetSpec") -> pd.DataFrame:
    """All fields of a csv file as text; the index holds the lines.

    Raises:
        DataError: If it is not such a file, naming the line and the fix.
    """
    sniff(path, spec)
    # pandas renames repeated columns, pads short lines and cuts long ones: all three are refused before.
    with path.open("rb") as file:
        names = _check_lines(file, spec)
    with path.open("rb") as file:
        frame = _parsed(file, spec, names, has_header=spec.columns is None)
    if not len(frame):
        raise no_rows(spec)
    first = 2 if spec.columns is None else 1
    frame.index = pd.RangeIndex(first, len(frame) + first, name="line")
    return frame


def read_block(block: bytes, spec: "DatasetSpec", names: list[str], *, first: int) -> pd.DataFrame:
    """The fields of some lines of a csv file as text; maybe none, where the lines are empty.

    Args:
        block: Whole lines.
        spec: The dataset group.
        names: Of the file's columns.
        first: Number of the block's first line in the file.

    Raises:
        DataError: If a line is not what it must be.
    """
    _check_lines(io.BytesIO(block), spec, names=names, before=first - 1)
    frame = _parsed(io.BytesIO(block), spec, names, has_header=False) if block.strip(b"\r\n") else pd.DataFrame()
    frame.index = pd.RangeIndex(first, len(frame) + first, name="line")
    return frame


def read_names(line: bytes, spec: "DatasetSpec") -> list[str]:
    """Names of the columns of a file that begins with a line.

    Raises:
        DataError: If they are not what the configuration says, or the line is not what it must be.
    """
    return _check_lines(io.BytesIO(line), spec)


def no_rows(spec: "DatasetSpec") -> DataError:
    """The refusal of a file that holds no data."""
    return DataError(
        f"{spec.path}: a header only, no rows of data; a window takes windows.context_length + windows.horizon of them"
    )


def _parsed(file: BinaryIO, spec: "DatasetSpec", names: list[str], *, has_header: bool) -> pd.DataFrame:
    """Every field as text, without the empty rows at the end."""
    try:
        frame = pd.read_csv(
            file,
            sep=spec.separator,
            header="infer" if has_header else None,
            names=None if has_header else names,
            dtype=str,
            keep_default_na=False,
            encoding="utf-8-sig",
            skip_blank_lines=False,
            index_col=False,
            compression=None,
            engine="c",
        )
    except pd.errors.ParserError as error:
        raise DataError(f"{spec.path}: {' '.join(str(error).split())[:200]}; is a quote not closed?") from None
    # A last line without fields is how many editors end a file.
    while len(frame) and (frame.iloc[-1].fillna("") == "").all():
        frame = frame.iloc[:-1]
    return frame


def sniff(path: Path, spec: "DatasetSpec") -> None:
    """Refuse what is not csv before a parser makes something of it.

    Raises:
        DataError: Saying what it is instead.
    """
    with path.open("rb") as file:
        head = file.read(65_536)
    if not head.removeprefix(codecs.BOM_UTF8).strip():
        raise DataError(f"{spec.path}: the file is empty ({path.stat().st_size} bytes)")
    for magic, kind in _MAGIC.items():
        if head.startswith(magic):
            raise DataError(f"{spec.path}: this is {kind}")
    text = head.decode("utf-8-sig", errors="replace")
    if text.lstrip()[:1] in ("<", "{", "["):
        kind = "HTML or XML" if text.lstrip().startswith("<") else "JSON"
        raise DataError(
            f"{spec.path}: looks like {kind}, not csv; an error page of a download? Fetch it again, or convert it"
        )
    lines = text.splitlines()
    header = lines[0]
    if not header.strip():
        begins = "the header comes" if spec.columns is None else "the rows come"
        raise DataError(f"{spec.path}:1: the first line is empty; delete it, so that {begins} first")
    if spec.separator not in header and not header.lower().startswith("sep="):
        for separator, name in ((";", "';'"), ("\t", "a tab"), (",", "','"), ("|", "'|'")):
            if separator in header:
                setting = '"\\t"' if separator == "\t" else f'"{separator}"'
                comma = separator != "," and len(lines) > 1 and re.search(r"(?<!\d)\d+,\d+(?!\d)", lines[1])
                also = "; its numbers have decimal commas: write points" if comma else ""
                raise DataError(
                    f"{spec.path}: one column found; the separator looks like {name}; set 'dataset.separator={setting}'{also}"
                )


def _check_lines(
    opened: BinaryIO, spec: "DatasetSpec", *, names: list[str] | None = None, before: int = 0
) -> list[str]:
    """Names of the columns; refuses ones that do not fit, lines with more or fewer fields, and damaged text.

    Args:
        opened: The lines.
        spec: The dataset group.
        names: Of the columns, where the lines do not begin with the file's first.
        before: Lines of the file before these.
    """
    line = before
    try:
        text = io.TextIOWrapper(opened, encoding="utf-8-sig")
        reader = csv.reader(_without_nul(text, spec.path, before + 1), delimiter=spec.separator, strict=True)
        if names is None:
            first = next(reader)
            names = column_names(first, spec)
            check_columns(spec.path, names, spec)
            _refuse_header(first, spec)
            line = 1
        blank = 0
        begin = line + 1
        for line, fields in enumerate(reader, begin):
            if before + reader.line_num != line:
                raise DataError(
                    f"{spec.path}:{line}: a quote is opened and not closed in this line; close or delete it"
                )
            if len(fields) != len(names) and fields:
                above = "the header has" if spec.columns is None else "dataset.columns names"
                raise DataError(
                    f"{spec.path}:{line}: {above} {len(names)} fields, this line {len(fields)}; "
                    "complete it, or delete it if it is a comment"
                )
            if any(fields) and blank and spec.timestamp is None:
                raise DataError(
                    f"{spec.path}:{blank}: an empty line among rows that hold no times; delete it if nothing is missing, "
                    "or write NA in every field of a row that is"
                )
            blank = blank or (0 if fields else line)
        text.detach()
    except UnicodeDecodeError:
        line, byte = _undecodable(opened)
        raise DataError(
            f"{spec.path}:{before + line}: not UTF-8 text (byte {byte} of the line); save the file as UTF-8"
        ) from None
    except csv.Error as error:
        raise DataError(
            f"{spec.path}:{line + 1}: a quote is opened and not closed in this line ({error}); close or delete it"
        ) from None
    return names


def _refuse_header(first: list[str], spec: "DatasetSpec") -> None:
    """Refuse a header where the configuration says there is none: words in every column of numbers.

    Raises:
        DataError: The fields of the first line are such.
    """
    if spec.columns is None:
        return
    numbers = [
        field.strip()
        for name, field in zip(spec.columns, first, strict=True)
        if name not in (spec.timestamp, spec.series)
    ]
    if all(field.lower() not in MISSING and field[:1].isalpha() for field in numbers):
        raise DataError(
            f"{spec.path}:1: dataset.columns says that the file has no header, but this line looks like one "
            f"({', '.join(first)[:80]}); delete it or set dataset.columns=null"
        )


def _without_nul(lines: Iterable[str], path: str, first: int) -> Iterator[str]:
    for number, line in enumerate(lines, first):
        if "\0" in line:
            raise DataError(
                f"{path}:{number}: holds a NUL byte (character {line.index(chr(0)) + 1} of the line); the file is damaged "
                "or not text: fetch or write it again"
            )
        yield line


def _undecodable(file: BinaryIO) -> tuple[int, int]:
    """Line and byte, counted from 1, of the first byte that is not UTF-8."""
    file.seek(0)
    for number, line in enumerate(file, 1):
        try:
            line.decode()
        except UnicodeDecodeError as error:
            return number, error.start + 1
    return 1, 1
