"""Reading a file: csv or parquet in, a checked table of columns out, then series.

A csv is read as text first, so that every complaint can name the line, the column and the text that
stands there.
"""

import codecs
import csv
import hashlib
import logging
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

_MAGIC = {
    b"\x1f\x8b": "a gzip archive, not csv; unpack it",
    b"PAR1": "a parquet file, not csv; name it .parquet",
    b"PK\x03\x04": "a zip archive or a spreadsheet, not csv; unpack it, or save it as csv",
    b"\xff\xfe": "UTF-16 text; save it as UTF-8",
    b"\xfe\xff": "UTF-16 text; save it as UTF-8",
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
        log.info("%s: %s", dataset.name, note)
    return dataset


def read_table(spec: "DatasetSpec", *, project: Path | None = None) -> Table:
    """The first half of `read`: the columns of the file as they stand there; arguments and errors as for `read`."""
    path = find(spec.path, project, source=spec.source)
    expected = spec.sha256.get(path.name) if isinstance(spec.sha256, dict) else spec.sha256
    if expected is not None:
        _check_digest(path, expected)
    return Table(spec.path, _read_parquet(path, spec) if is_parquet(path) else _read_csv(path, spec))


def _check_digest(path: Path, expected: str) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != expected:
        raise DataError(
            f"{path}: its sha256 is {found[:12]}..., the configuration expects {expected[:12]}...; "
            "restore the file, or set dataset.sha256=null to read it as it is"
        )


def _read_csv(path: Path, spec: "DatasetSpec") -> pd.DataFrame:
    _sniff(path, spec)
    # pandas renames repeated columns, pads short lines and cuts long ones: all three are refused before.
    names = _check_lines(path, spec)
    frame = pd.read_csv(
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
    # A last line without fields is how many editors end a file.
    while len(frame) and (frame.iloc[-1].fillna("") == "").all():
        frame = frame.iloc[:-1]
    if not len(frame):
        raise DataError(f"{path}: a header only, no rows of data")
    first = 2 if spec.columns is None else 1
    frame.index = pd.RangeIndex(first, len(frame) + first, name="line")
    return frame


def _sniff(path: Path, spec: "DatasetSpec") -> None:
    """Refuse what is not csv before a parser makes something of it."""
    with path.open("rb") as file:
        head = file.read(65_536)
    if not head.removeprefix(codecs.BOM_UTF8).strip():
        raise DataError(f"{path}: the file is empty ({path.stat().st_size} bytes)")
    for magic, kind in _MAGIC.items():
        if head.startswith(magic):
            raise DataError(f"{path}: this is {kind}")
    text = head.decode("utf-8-sig", errors="replace")
    if text.lstrip()[:1] in ("<", "{", "["):
        kind = "HTML or XML" if text.lstrip().startswith("<") else "JSON"
        raise DataError(
            f"{path}: looks like {kind}, not csv; an error page of a download? Fetch it again, or convert it"
        )
    header = text.splitlines()[0]
    if not header.strip():
        begins = "the header comes" if spec.columns is None else "the rows come"
        raise DataError(f"{path}:1: the first line is empty; delete it, so that {begins} first")
    if spec.separator not in header:
        for separator, name in ((";", "';'"), ("\t", "a tab"), (",", "','"), ("|", "'|'")):
            if separator in header:
                setting = '"\\t"' if separator == "\t" else f'"{separator}"'
                raise DataError(
                    f"{path}: one column found; the separator looks like {name}; set 'dataset.separator={setting}'"
                )


def _check_lines(path: Path, spec: "DatasetSpec") -> list[str]:
    """Names of the columns; refuses ones that do not fit, lines with more or fewer fields, and damaged text."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            reader = csv.reader(_without_nul(file, path), delimiter=spec.separator)
            first = next(reader)
            names = column_names(first, spec)
            check_columns(spec.path, names, spec)
            _refuse_header(path, first, spec)
            blank = 0
            for line, fields in enumerate(reader, 2):
                if reader.line_num != line:
                    raise DataError(f"{path}:{line}: a quote is opened and not closed in this line; close or delete it")
                if len(fields) != len(names) and fields:
                    above = "the header has" if spec.columns is None else "dataset.columns names"
                    raise DataError(
                        f"{path}:{line}: {above} {len(names)} fields, this line {len(fields)}; "
                        "complete it, or delete it if it is a comment"
                    )
                if any(fields) and blank and spec.timestamp is None:
                    raise DataError(
                        f"{path}:{blank}: an empty line among rows that hold no times; delete it if nothing is missing, "
                        "or write NA in every field of a row that is"
                    )
                blank = blank or (0 if fields else line)
    except UnicodeDecodeError:
        line, byte = _undecodable(path)
        raise DataError(f"{path}:{line}: not UTF-8 text (byte {byte} of the line); save the file as UTF-8") from None
    except csv.Error as error:
        raise DataError(f"{path}:{reader.line_num}: {error}; is a quote not closed?") from None
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
            f"{path}:1: dataset.columns says that the file has no header, but this line looks like one "
            f"({', '.join(first)[:80]}); delete it or set dataset.columns=null"
        )


def _without_nul(lines: Iterable[str], path: Path) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        if "\0" in line:
            raise DataError(f"{path}:{number}: holds a NUL byte; the file is damaged or not text")
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

    try:
        table = pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{path}: not a readable parquet file: {str(error).splitlines()[0]}") from None
    check_columns(spec.path, table.column_names, spec)
    for column in table.schema:
        if pa.types.is_nested(column.type):
            raise DataError(f"{path}: column {column.name!r} holds {column.type}; flatten it into plain columns")
    frame = table.to_pandas(date_as_object=False)
    if frame.index.names != [None]:
        frame = frame.reset_index()
    if not len(frame):
        raise DataError(f"{path}: no rows of data")
    frame.index = pd.RangeIndex(1, len(frame) + 1, name="row")
    return frame
