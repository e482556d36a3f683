"""Reading a file: csv or parquet in, a checked table of columns out, then series.

A csv is read as text first, so that every complaint can name the line, the column and the text that
stands there.
"""

import codecs
import csv
import hashlib
import logging
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from headway.data.assemble import assemble
from headway.data.columns import check_columns, column_names, find, is_parquet
from headway.data.contract import MISSING, Table
from headway.data.series import Dataset
from headway.errors import DataError

if TYPE_CHECKING:
    from headway.config.dataset import DatasetSpec

log = logging.getLogger(__name__)

_MOST_VALUES = 2_000_000_000  # 16 GB; a parquet file of a few bytes can say that it holds more
_OF_PANDAS = re.compile(r"__index_level_\d+__")

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


def read(spec: "DatasetSpec", *, project: Path | None = None) -> Dataset:
    """Read, check and assemble a dataset.

    Args:
        spec: The dataset group of the configuration.
        project: Folder to look in where a relative path is not below the current one.

    Returns:
        The dataset; what its policies changed is in its notes and in the log.

    Raises:
        DataError: If the file cannot be read as what the configuration says, naming file, line,
            column and the fix.
    """
    dataset = assemble(read_table(spec, project=project), spec)
    for note in dataset.notes:
        log.warning("%s: %s", dataset.origin, note)
    return dataset


def read_table(spec: "DatasetSpec", *, project: Path | None = None) -> Table:
    """The first half of `read`: the columns of the file as they stand there; arguments and errors as for `read`."""
    path = find(spec.path, project, source=spec.source)
    try:
        return _read(path, spec)
    except OSError as error:
        raise DataError(
            f"{spec.path}: cannot be read ({error.strerror or error}); is the disk or the mount gone?"
        ) from None


def _read(path: Path, spec: "DatasetSpec") -> Table:
    expected = spec.sha256.get(path.name) if isinstance(spec.sha256, dict) else spec.sha256
    if expected is not None:
        _check_digest(path, expected, spec)
    return Table(spec.path, _read_parquet(path, spec) if is_parquet(path) else _read_csv(path, spec))


def _check_digest(path: Path, expected: str, spec: "DatasetSpec") -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != expected:
        raise DataError(
            f"{spec.path}: its sha256 is {found[:12]}..., the configuration expects {expected[:12]}...; "
            "restore the file, or set dataset.sha256=null to read it as it is"
        )


def _read_csv(path: Path, spec: "DatasetSpec") -> pd.DataFrame:
    _sniff(path, spec)
    # pandas renames repeated columns, pads short lines and cuts long ones: all three are refused before.
    names = _check_lines(path, spec)
    try:
        frame = _parsed(path, spec, names)
    except pd.errors.ParserError as error:
        raise DataError(f"{spec.path}: {' '.join(str(error).split())[:200]}; is a quote not closed?") from None
    # A last line without fields is how many editors end a file.
    while len(frame) and (frame.iloc[-1].fillna("") == "").all():
        frame = frame.iloc[:-1]
    if not len(frame):
        raise DataError(
            f"{spec.path}: a header only, no rows of data; a window takes windows.context_length + windows.horizon of them"
        )
    first = 2 if spec.columns is None else 1
    frame.index = pd.RangeIndex(first, len(frame) + first, name="line")
    return frame


def _parsed(path: Path, spec: "DatasetSpec", names: list[str]) -> pd.DataFrame:
    """Every field as text."""
    return pd.read_csv(
        path,
        sep=spec.separator,
        header="infer" if spec.columns is None else None,
        names=None if spec.columns is None else names,
        dtype=str,
        keep_default_na=False,
        encoding="utf-8-sig",
        skip_blank_lines=False,
        index_col=False,
        compression=None,
        engine="c",
    )


def _sniff(path: Path, spec: "DatasetSpec") -> None:
    """Refuse what is not csv before a parser makes something of it."""
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


def _check_lines(path: Path, spec: "DatasetSpec") -> list[str]:
    """Names of the columns; refuses ones that do not fit, lines with more or fewer fields, and damaged text."""
    line = 0
    try:
        with path.open(encoding="utf-8-sig") as file:
            reader = csv.reader(_without_nul(file, spec.path), delimiter=spec.separator, strict=True)
            first = next(reader)
            names = column_names(first, spec)
            check_columns(spec.path, names, spec)
            _refuse_header(path, first, spec)
            line, blank = 1, 0
            for line, fields in enumerate(reader, 2):
                if reader.line_num != line:
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
    except UnicodeDecodeError:
        line, byte = _undecodable(path)
        raise DataError(
            f"{spec.path}:{line}: not UTF-8 text (byte {byte} of the line); save the file as UTF-8"
        ) from None
    except csv.Error as error:
        raise DataError(
            f"{spec.path}:{line + 1}: a quote is opened and not closed in this line ({error}); close or delete it"
        ) from None
    return names


def _refuse_header(path: Path, first: list[str], spec: "DatasetSpec") -> None:
    """Refuse a header where the configuration says there is none: words in every column of numbers."""
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


def _without_nul(lines: Iterable[str], path: str) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        if "\0" in line:
            raise DataError(
                f"{path}:{number}: holds a NUL byte (character {line.index(chr(0)) + 1} of the line); the file is damaged "
                "or not text: fetch or write it again"
            )
        yield line


def _undecodable(path: Path) -> tuple[int, int]:
    """Line and byte, counted from 1, of the first byte that is not UTF-8."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                return number, error.start + 1
    return 1, 1


def _read_parquet(path: Path, spec: "DatasetSpec") -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    damaged = "not a readable parquet file, it is cut or damaged; fetch or write it again"
    try:
        # The file alone: a reader of data sets would make columns of folders with names like year=2024.
        with pq.ParquetFile(path) as file:
            schema, rows = file.schema_arrow, file.metadata.num_rows
            # What pandas noted about its own index says nothing about the data, and may say anything.
            names = [name for name in schema.names if not _OF_PANDAS.fullmatch(name)]
            check_columns(spec.path, names, spec)
            for column in schema:
                if pa.types.is_nested(column.type):
                    raise DataError(
                        f"{spec.path}: column {column.name!r} holds {column.type}; flatten it into plain columns"
                    )
                if "binary" in str(column.type):
                    raise DataError(
                        f"{spec.path}: column {column.name!r} holds {column.type}; write it as numbers or text, or leave it out"
                    )
            if rows * len(names) > _MOST_VALUES:
                raise DataError(
                    f"{spec.path}: {rows:,} rows of {len(names):,} columns are more than the {_MOST_VALUES:,} values that "
                    "are read; give fewer rows or columns"
                )
            frame = file.read(names).to_pandas(date_as_object=False, ignore_metadata=True)
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError, OverflowError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(f"{spec.path}: {damaged} ({reason[:200]})") from None
    if not len(frame):
        raise DataError(
            f"{spec.path}: no rows of data; a window takes windows.context_length + windows.horizon of them"
        )
    frame.index = pd.RangeIndex(1, len(frame) + 1, name="row")
    return frame
