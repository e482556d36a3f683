"""What columns must be: numbers that are numbers, times that are times. Complaints name the line."""

import re
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from headway.data.clock import Clock
from headway.errors import DataError

# How a missing number may be written; anything else that is no number is refused.
MISSING = frozenset({"", "na", "n/a", "nan", "null", "none"})
LARGEST_EXACT = 2**53  # from here on several integers share one float64 number
# An offset follows a time of day: "01-02-2024" ends like one but has none.
_ZONE = re.compile(r"[T\s_]\d{2}[\d:.,]*\s?([zZ]|[+-]\d{2}(?::?\d{2})?)$")
_EARLIEST_YEAR, _LATEST_YEAR = 1678, 2261  # whole years that 64-bit nanoseconds can tell
_EARLIEST, _TOO_LATE = pd.Timestamp(_EARLIEST_YEAR, 1, 1), pd.Timestamp(_LATEST_YEAR + 1, 1, 1)


@dataclass(frozen=True)
class Table:
    """A file's columns as read; its index holds the 1-based line (csv) or row (parquet).

    Attributes:
        file: The file's name, for messages.
        frame: Text (csv) or typed (parquet) columns.
    """

    file: str
    frame: pd.DataFrame

    def __len__(self) -> int:
        return len(self.frame)

    def line(self, position: int) -> int:
        """Line, or row of a parquet file, of the row at a position."""
        return int(self.frame.index[position])

    def place(self, position: int) -> str:
        """Where the row at a position stands: "my.csv:17"."""
        return f"{self.file}:{self.line(position)}"

    def numbers(self, column: str, *, copy: bool = True) -> NDArray[np.float64]:
        """A column as float64, NaN where it is written as missing.

        Args:
            column: Its name.
            copy: Whether it will be changed; if not, it may be the table's own.

        Raises:
            DataError: Naming the first line that holds text, an infinity, or an integer too large.
        """
        cells = self.frame[column]
        if pd.api.types.is_bool_dtype(cells):
            raise DataError(
                f"{self.file}: column {column!r} holds true and false; write 1 and 0, or leave it out of dataset.features"
            )
        if pd.api.types.is_numeric_dtype(cells):
            values = cells.to_numpy(np.float64, copy=copy, na_value=np.nan)
            missing = np.isnan(values)
            if bool((missing | (np.abs(values) < LARGEST_EXACT)).all()):
                return values
        elif isinstance(cells.dtype, pd.CategoricalDtype) or pd.api.types.is_datetime64_any_dtype(cells):
            raise DataError(
                f"{self.file}: column {column!r} holds {cells.dtype}, not numbers; leave it out of dataset.features"
            )
        else:
            text = cells.astype(str).str.strip()
            missing = (cells.isna() | text.str.lower().isin(MISSING)).to_numpy(bool)
            # A copy, because pandas lends its own array for reading alone.
            values = pd.to_numeric(text.mask(missing, "nan"), errors="coerce").to_numpy(np.float64, copy=True)
        wrong = ~missing & ~np.isfinite(values)
        if wrong.any():
            position = int(wrong.argmax())
            raise DataError(
                f"{self.place(position)}: column {column!r} holds {str(cells.iloc[position])!r}; {_number_advice(str(cells.iloc[position]))}"
            )
        large = ~missing & (np.abs(values) >= LARGEST_EXACT) & (values == np.round(values))
        if large.any():
            position = int(large.argmax())
            raise DataError(
                f"{self.place(position)}: column {column!r} holds {cells.iloc[position]}, 2^53 or beyond; rescale the column"
            )
        return values

    def times(self, column: str, *, date_format: str | None, latest: str | None) -> NDArray[np.datetime64]:
        """A column as naive UTC times in seconds or finer.

        Args:
            column: Its name.
            date_format: strptime format, or None for ISO 8601.
            latest: Latest plausible time, or None for a day from now.

        Raises:
            DataError: Naming the first line that holds no plausible time, or two lines whose time zones differ.
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
            try:
                parsed = pd.to_datetime(
                    text, format=date_format or "ISO8601", errors="coerce", utc=bool(_ZONE.search(text.iloc[0]))
                )
            except (ValueError, KeyError, TypeError, AttributeError, OverflowError, re.error) as error:
                reason = str(error).splitlines()[0] if str(error) else type(error).__name__
                raise DataError(
                    f"{self.file}: column {column!r} does not fit dataset.date_format={date_format or 'null'}: {reason}"
                ) from None
        if parsed.isna().any():
            position = int(parsed.isna().to_numpy().argmax())
            if cells.isna().iloc[position]:
                raise DataError(self._empty_time(position, column))
            cell = str(cells.iloc[position])
            raise DataError(
                f"{self.place(position)}: {cell!r} in column {column!r} is no such date or time; {_time_advice(cell, date_format)}"
            )
        if parsed.dt.tz is not None:
            parsed = parsed.dt.tz_convert("UTC").dt.tz_localize(None)
        self._check_range(parsed, f"in column {column!r}", latest)
        return parsed.to_numpy().astype("datetime64[ns]")

    def names(self, column: str) -> tuple[NDArray[np.int64], list[str]]:
        """The series of every row, as a position in a list of their names, and that list, in the order of the file.

        Raises:
            DataError: Naming the first line whose name is missing or cannot be seen.
        """
        cells = self.frame[column]
        if isinstance(cells.dtype, pd.CategoricalDtype):
            missing = cells.isna().to_numpy()
            order, used = pd.factorize(cells.cat.codes.to_numpy())
            # Categories of other kinds than text, 1 and "1", may read alike.
            categories = [str(category) for category in cells.cat.categories]
            again, unique = pd.factorize(
                pd.Series(["" if at < 0 else categories[int(at)] for at in used], dtype=object)
            )
            order = again[order]
        else:
            missing = cells.isna().to_numpy()
            order, unique = pd.factorize(cells.astype(str))
        texts = [str(name) for name in unique]
        odd = np.array([not text.isprintable() for text in texts], bool)[order]
        if odd.any():
            raise DataError(
                f"{self.place(int(odd.argmax()))}: the name in the series column {column!r} holds a line break or another "
                "character that cannot be seen; type it anew"
            )
        empty = missing | np.array([not text.strip() for text in texts], bool)[order]
        if empty.any():
            raise DataError(f"{self.place(int(empty.argmax()))}: no name in the series column {column!r}")
        return order.astype(np.int64), texts

    def zone(self, column: str) -> str | None:
        """How the first row's time writes its zone; empty for none, and None where times are typed or there are no rows."""
        cells = self.frame[column]
        if not len(cells) or not pd.api.types.is_string_dtype(cells):
            return None
        return zone_of(str(cells.iloc[0]))

    def regular_times(
        self, start: str, clock: Clock, *, latest: str | None, first: int | None = None
    ) -> NDArray[np.datetime64]:
        """Times of rows that hold none: one step of a clock apart, by line, whatever order they are in.

        Args:
            start: Time of the first line in ISO 8601.
            clock: The clock.
            latest: As for `times`.
            first: The file's first line of data, where these are not all of its rows.

        Raises:
            DataError: Naming the first line whose time is not plausible.
        """
        lines = self.frame.index.to_numpy(np.int64)
        steps = lines - (lines.min() if first is None else first)
        times = clock.after(np.datetime64(datetime.fromisoformat(start), "s"), steps)
        self._check_range(pd.Series(times), "counted from dataset.start", latest)
        return times.astype("datetime64[ns]")

    def _check_range(self, times: "pd.Series[pd.Timestamp]", where: str, latest: str | None) -> None:
        end = pd.Timestamp(latest) if latest else pd.Timestamp.now() + pd.Timedelta(days=1)
        late = (times > end).to_numpy()
        if late.any():
            position = int(late.argmax())
            raise DataError(
                f"{self.place(position)}: {times.iloc[position]} {where} lies after {end:%Y-%m-%d}, the latest "
                "plausible time; correct it, or set dataset.latest"
            )
        outside = ((times < _EARLIEST) | (times >= _TOO_LATE)).to_numpy()
        if outside.any():
            position = int(outside.argmax())
            raise DataError(
                f"{self.place(position)}: {times.iloc[position]} {where} lies outside the years "
                f"{_EARLIEST_YEAR} to {_LATEST_YEAR}; correct it"
            )

    def _empty_time(self, position: int, column: str) -> str:
        return f"{self.place(position)}: empty timestamp in column {column!r}; fill it or delete the line"

    def _check_times(self, column: str, text: "pd.Series[str]") -> None:
        empty = (text.str.lower().isin(MISSING | {"nat"})).to_numpy()
        if empty.any():
            raise DataError(self._empty_time(int(empty.argmax()), column))
        zones = text.str.extract(_ZONE, expand=False).fillna("none")
        names = zones.unique()
        if len(names) > 1:
            positions = [int((zones == name).to_numpy().argmax()) for name in names[:3]]
            found = ", ".join(
                f"{name} (line {self.frame.index[position]})" for name, position in zip(names, positions, strict=False)
            )
            raise DataError(
                f"{self.file}: time zones differ in column {column!r}: {found}; write all times in one zone, best UTC"
            )


def zone_of(text: str) -> str:
    """How a time writes its zone: "Z", "+05:30"; empty where it writes none."""
    found = _ZONE.search(text.strip())
    return found[1] if found else ""


def _number_advice(text: str) -> str:
    if re.fullmatch(r"[+-]?\d+,\d+", text):
        return "if the comma is a decimal comma, write a point; if it separates thousands, leave it out"
    if re.fullmatch(r"true|false|yes|no", text, re.IGNORECASE):
        return "write 1 and 0"
    if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", text):
        return "write numbers without thousands separators"
    if re.fullmatch(r"[+-]?(inf|infinity)", text, re.IGNORECASE) or re.fullmatch(r"[+-]?\d.*[eE]\+?\d{3,}", text):
        return "infinite; write a finite number, or leave the field empty if it is missing"
    return (
        "expected a number, or an empty field if it is missing; leave the column out of dataset.features if it is text"
    )


def _time_advice(text: str, date_format: str | None) -> str:
    if date_format is not None:
        return f"dataset.date_format is {date_format!r}"
    if re.fullmatch(r"[2-7]\d{4}(\.\d*)?", text):
        return "it looks like a spreadsheet's count of days; save the column as ISO 8601 times like 2024-01-31T13:00"
    if re.fullmatch(r"\d+(\.\d*)?", text):
        return "it looks like a count of days or seconds; write ISO 8601 times like 2024-01-31T13:00"
    if not re.search(r"\d", text):
        return "delete the line if it holds units or a comment"
    if re.match(r"\d{1,2}[./-]\d{1,2}[./-]\d{2,4}", text):
        return 'day and month could be confused; set dataset.date_format, for example "%d/%m/%Y %H:%M"'
    return "write ISO 8601 times like 2024-01-31T13:00, or set dataset.date_format"
