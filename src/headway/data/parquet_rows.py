"""Reading a parquet file: its columns as they are typed there."""

import contextlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from headway.data.columns import check_columns
from headway.errors import DataError

if TYPE_CHECKING:
    from headway.config.dataset import DatasetSpec

_MOST_VALUES = 2_000_000_000  # 16 GB; a parquet file of a few bytes can say that it holds more
_BUFFER = 1 << 20  # bytes of a column that are read ahead; without, a whole row group is
_OF_PANDAS = re.compile(r"__index_level_\d+__")


def read_parquet(path: Path, spec: "DatasetSpec") -> pd.DataFrame:
    """The columns of a parquet file; the index holds the rows.

    Raises:
        DataError: If it is not such a file, or holds columns that are not plain.
    """
    with _opened(path, spec) as (file, names):
        rows = file.metadata.num_rows
        if rows * len(names) > _MOST_VALUES:
            raise DataError(
                f"{spec.path}: {rows:,} rows of {len(names):,} columns are more than the {_MOST_VALUES:,} values that "
                "are read; give fewer rows or columns, or leave dataset.store at auto"
            )
        frame = _frame(file.read(names))
    if not len(frame):
        raise no_rows(spec)
    frame.index = pd.RangeIndex(1, len(frame) + 1, name="row")
    return frame


def column_names(path: Path, spec: "DatasetSpec") -> list[str]:
    """Names of a parquet file's columns; errors as for `read_parquet`."""
    with _opened(path, spec) as (_, names):
        return names


def read_parts(
    path: Path, spec: "DatasetSpec", columns: Sequence[str], *, rows: int
) -> Iterator[tuple[pd.DataFrame, float]]:
    """Some columns of a parquet file, some rows at a time; errors as for `read_parquet`.

    Args:
        path: The file.
        spec: The dataset group.
        columns: Names of the columns.
        rows: At most so many at once.

    Yields:
        Rows, and the share of the file up to them.
    """
    first = 1
    with _opened(path, spec, pre_buffer=False, buffer_size=_BUFFER) as (file, _):
        for batch in file.iter_batches(batch_size=rows, columns=list(columns)):
            frame = _frame(batch)
            frame.index = pd.RangeIndex(first, len(frame) + first, name="row")
            first += len(frame)
            yield frame, (first - 1) / file.metadata.num_rows


def no_rows(spec: "DatasetSpec") -> DataError:
    """The refusal of a file that holds no data."""
    return DataError(f"{spec.path}: no rows of data; a window takes windows.context_length + windows.horizon of them")


@contextlib.contextmanager
def _opened(path: Path, spec: "DatasetSpec", **settings: Any) -> Iterator[tuple[pq.ParquetFile, list[str]]]:
    """A parquet file and the names of its columns."""
    try:
        # The file alone: a reader of data sets would make columns of folders with names like year=2024.
        with pq.ParquetFile(path, **settings) as file:
            # What pandas noted about its own index says nothing about the data, and may say anything.
            names = [name for name in file.schema_arrow.names if not _OF_PANDAS.fullmatch(name)]
            check_columns(spec.path, names, spec)
            for column in file.schema_arrow:
                if pa.types.is_nested(column.type):
                    raise DataError(
                        f"{spec.path}: column {column.name!r} holds {column.type}; flatten it into plain columns"
                    )
                if "binary" in str(column.type):
                    raise DataError(
                        f"{spec.path}: column {column.name!r} holds {column.type}; write it as numbers or text, or leave it out"
                    )
            yield file, names
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError, OverflowError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(
            f"{spec.path}: not a readable parquet file, it is cut or damaged; fetch or write it again ({reason[:200]})"
        ) from None


def _frame(rows: pa.Table | pa.RecordBatch) -> pd.DataFrame:
    frame: pd.DataFrame = rows.to_pandas(date_as_object=False, ignore_metadata=True)
    return frame
