"""What columns must be: numbers that are numbers, times that are times. Complaints name the line."""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from headway.errors import DataError

# How a missing number may be written; anything else that is no number is refused.
_MISSING = frozenset({"", "na", "n/a", "nan", "null", "none"})
_LARGEST_EXACT = 2**53  # integers beyond it are not all float64 numbers
_ZONE = re.compile(r"(Z|[+-]\d{2}:?\d{2})$")


@dataclass(frozen=True)
class Table:
    """A file's columns as read; its index holds the 1-based line (csv) or row (parquet).

    Attributes:
        file: The file's name, for messages.
        frame: Text (csv) or typed (parquet) columns.
    """

    file: str
    frame: pd.DataFrame

    def place(self, position: int) -> str:
        """Where the row at a position stands: "my.csv:17"."""
        return f"{self.file}:{self.frame.index[position]}"

    def numbers(self, column: str) -> NDArray[np.float64]:
        """A column as float64, NaN where it is written as missing.

        Raises:
            DataError: Naming the first line that holds text, an infinity, or an integer too large.
        """
        cells = self.frame[column]
        if pd.api.types.is_bool_dtype(cells):
            raise DataError(
                f"{self.file}: column {column!r} holds true and false; write 1 and 0, or leave it out of dataset.features"
            )
        if pd.api.types.is_numeric_dtype(cells):
            values = cells.to_numpy(np.float64, na_value=np.nan)
            missing = np.isnan(values)
        elif isinstance(cells.dtype, pd.CategoricalDtype) or pd.api.types.is_datetime64_any_dtype(cells):
            raise DataError(
                f"{self.file}: column {column!r} holds {cells.dtype}, not numbers; leave it out of dataset.features"
            )
        else:
            text = cells.astype(str).str.strip()
            missing = (cells.isna() | text.str.lower().isin(_MISSING)).to_numpy(bool)
            values = pd.to_numeric(text.mask(missing, "nan"), errors="coerce").to_numpy(np.float64)
        wrong = ~missing & ~np.isfinite(values)
        if wrong.any():
            position = int(wrong.argmax())
            raise DataError(
                f"{self.place(position)}: column {column!r} holds {str(cells.iloc[position])!r}; {_number_advice(str(cells.iloc[position]))}"
            )
        large = ~missing & (np.abs(values) > _LARGEST_EXACT) & (values == np.round(values))
        if large.any():
            position = int(large.argmax())
            raise DataError(
                f"{self.place(position)}: column {column!r} holds {cells.iloc[position]}, beyond 2^53; rescale the column"
            )
        return values

    def times(self, column: str, date_format: str | None) -> NDArray[np.datetime64]:
        """A column as naive UTC times in seconds or finer.

        Raises:
            DataError: Naming the first line that holds no time, or two lines whose time zones differ.
        """
        cells = self.frame[column]
        if pd.api.types.is_datetime64_any_dtype(cells):
            parsed = cells
        elif pd.api.types.is_numeric_dtype(cells):
            raise DataError(
                f"{self.file}: column {column!r} holds numbers, not times; write ISO 8601 times like 2024-01-31T13:00"
            )
        else:
            text = cells.astype(str).str.strip()
            self._check_times(column, text)
            parsed = pd.to_datetime(
                text, format=date_format or "ISO8601", errors="coerce", utc=bool(_ZONE.search(text.iloc[0]))
            )
        if parsed.isna().any():
            position = int(parsed.isna().to_numpy().argmax())
            raise DataError(
                f"{self.place(position)}: {str(cells.iloc[position])!r} in column {column!r} is no such date or time"
            )
        if parsed.dt.tz is not None:
            parsed = parsed.dt.tz_convert("UTC").dt.tz_localize(None)
        return parsed.to_numpy().astype("datetime64[ns]")

    def _check_times(self, column: str, text: "pd.Series[str]") -> None:
        empty = (text.str.lower().isin(_MISSING | {"nat"})).to_numpy()
        if empty.any():
            raise DataError(
                f"{self.place(int(empty.argmax()))}: empty timestamp in column {column!r}; fill it or delete the line"
            )
        zones = text.str.extract(_ZONE, expand=False).fillna("none")
        # A time of day is written before an offset; "2024-01-31" ends in "-31" but has no offset.
        zones = zones.where(text.str.contains(":"), "none")
        names = zones.unique()
        if len(names) > 1:
            positions = [int((zones == name).to_numpy().argmax()) for name in names[:3]]
            found = ", ".join(
                f"{name} (line {self.frame.index[position]})" for name, position in zip(names, positions, strict=False)
            )
            raise DataError(
                f"{self.file}: time zones differ in column {column!r}: {found}; write all times in one zone, best UTC"
            )


def _number_advice(text: str) -> str:
    if re.fullmatch(r"[+-]?\d+,\d+", text):
        return "if the comma is a decimal comma, write a point"
    if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", text):
        return "write numbers without thousands separators"
    if re.fullmatch(r"[+-]?(inf|infinity)", text, re.IGNORECASE) or re.fullmatch(r"[+-]?\d.*[eE]\+?\d{3,}", text):
        return "infinite; write a finite number, or leave the field empty if it is missing"
    return (
        "expected a number, or an empty field if it is missing; leave the column out of dataset.features if it is text"
    )
