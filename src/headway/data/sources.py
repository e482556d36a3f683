"""Reading a file: csv or parquet in, a checked table of columns out, then series.

A csv is read as text first, so that every complaint can name the line, the column and the text that
stands there.
"""

import hashlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from headway.data.assemble import assemble
from headway.data.columns import check_columns, find, is_parquet
from headway.data.contract import Table
from headway.data.series import Dataset
from headway.errors import DataError

if TYPE_CHECKING:
    from headway.config.dataset import DatasetSpec

log = logging.getLogger(__name__)

_MAGIC = {
    b"\x1f\x8b": "a gzip archive",
    b"PAR1": "a parquet file",
    b"PK\x03\x04": "a zip archive",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
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
    path = find(spec.path, project)
    if spec.sha256 is not None:
        _check_digest(path, spec.sha256)
    frame = _read_parquet(path) if is_parquet(path) else _read_csv(path, spec)
    check_columns(spec.path, [str(name) for name in frame.columns], spec)
    dataset = assemble(Table(spec.path, frame), spec)
    for note in dataset.notes:
        log.info("%s: %s", dataset.name, note)
    return dataset


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
    try:
        frame = pd.read_csv(
            path,
            sep=spec.separator,
            dtype=str,
            keep_default_na=False,
            encoding="utf-8-sig",
            skip_blank_lines=False,
            index_col=False,
            compression=None,
            engine="c",
        )
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    except pd.errors.ParserError as error:
        detail = str(error).rpartition("C error: ")[2].strip()
        raise DataError(f"{path}: {detail}; every line needs as many fields as the header") from None
    if not len(frame):
        raise DataError(f"{path}: a header only, no rows of data")
    # A last line without fields is how many editors end a file.
    while len(frame) and (frame.iloc[-1].fillna("") == "").all():
        frame = frame.iloc[:-1]
    frame.index = pd.RangeIndex(2, len(frame) + 2, name="line")
    return frame


def _sniff(path: Path, spec: "DatasetSpec") -> None:
    """Refuse what is not csv before a parser makes something of it."""
    with path.open("rb") as file:
        head = file.read(65_536)
    if not head.strip():
        raise DataError(f"{path}: the file is empty ({path.stat().st_size} bytes)")
    for magic, kind in _MAGIC.items():
        if head.startswith(magic):
            raise DataError(f"{path}: this is {kind}, not csv; convert it, or give it the suffix it should have")
    if b"\0" in head:
        line = head[: head.index(b"\0")].count(b"\n") + 1
        raise DataError(f"{path}:{line}: holds a NUL byte; the file is damaged or not text")
    text = head.decode("utf-8-sig", errors="replace")
    if text.lstrip()[:1] in ("<", "{", "["):
        raise DataError(f"{path}: looks like {'HTML or XML' if text.lstrip().startswith('<') else 'JSON'}, not csv")
    header = text.splitlines()[0]
    if spec.separator not in header:
        for separator, name in ((";", "';'"), ("\t", "a tab"), (",", "','"), ("|", "'|'")):
            if separator in header:
                setting = '"\\t"' if separator == "\t" else f'"{separator}"'
                raise DataError(
                    f"{path}: one column found; the separator looks like {name}; set dataset.separator={setting}"
                )


def _read_parquet(path: Path) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{path}: not a readable parquet file: {str(error).splitlines()[0]}") from None
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
