"""Reading a file: csv or parquet in, a checked table of columns out, then series.

A csv is read fast where that is beyond doubt the same, else as text, so that every complaint can name the line, the
column and the text that stands there. What is too large for memory is converted once, and read from its store.
"""

import contextlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from headway.data import csv_lines, csv_numbers
from headway.data.assemble import assemble
from headway.data.columns import find, is_parquet
from headway.data.contract import Table
from headway.data.parquet_rows import read_parquet
from headway.data.series import Dataset
from headway.data.source_file import check_digest
from headway.data.stored_dataset import stored
from headway.errors import DataError

if TYPE_CHECKING:
    from headway.config.dataset import DatasetSpec

log = logging.getLogger(__name__)

STORED_FROM = 256 << 20  # bytes of a file from which on dataset.store=auto makes a store of it
_BLOCK = 8 << 20  # bytes of text at once; the memory of larger ones would be fetched from the system every time


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
    path = find(spec.path, project, source=spec.source)
    dataset = stored(path, spec) if _is_stored(path, spec) else _quickly(path, spec)
    if dataset is None:
        dataset = assemble(read_table(spec, project=project), spec)
    for note in dataset.notes:
        log.warning("%s: %s", dataset.origin, note)
    return dataset


def read_table(spec: "DatasetSpec", *, project: Path | None = None) -> Table:
    """The first half of `read`: the columns of the file as they stand there; arguments and errors as for `read`."""
    path = find(spec.path, project, source=spec.source)
    try:
        check_digest(path, spec)
        return Table(spec.path, read_parquet(path, spec) if is_parquet(path) else csv_lines.read_lines(path, spec))
    except OSError as error:
        raise _unreadable(error, spec) from None


def _is_stored(path: Path, spec: "DatasetSpec") -> bool:
    return spec.store == "always" or (spec.store == "auto" and path.stat().st_size > STORED_FROM)


def _quickly(path: Path, spec: "DatasetSpec") -> Dataset | None:
    """The dataset of a plain csv file, or None where there is a doubt, or something to refuse: care finds the words."""
    if is_parquet(path):
        return None
    try:
        check_digest(path, spec)
        csv_lines.sniff(path, spec)
        found = csv_numbers.layout(path, spec)
        tables = []
        with contextlib.closing(csv_numbers.plain_blocks(path, found, spec, size=_BLOCK)) as coming:
            for _, table in coming:
                if table is None:
                    return None
                tables.append(table)
        if not tables:
            return None
        whole = pa.concat_tables(tables).unify_dictionaries()
        del tables, table
        return assemble(Table(spec.path, csv_numbers.frame(whole, first=found.first)), spec)
    except (DataError, OSError):
        return None


def _unreadable(error: OSError, spec: "DatasetSpec") -> DataError:
    return DataError(f"{spec.path}: cannot be read ({error.strerror or error}); is the disk or the mount gone?")
