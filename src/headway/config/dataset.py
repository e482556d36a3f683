"""The dataset group: which file, which columns, and what is done about what is wrong with it."""

import re
from collections import Counter
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, NonNegativeInt, PositiveInt, model_validator
from pydantic_core import PydanticKnownError

from headway.config.spec import Interval, Name, Names, Spec, Time, is_printable

Cycle = Literal["hour", "day", "week", "year"]
_MOST_NAMED = 10_000


def _is_separator(text: str) -> str:
    if not text.isascii() or text.isalnum() or text in '"+-._\r\n\0':
        raise ValueError(f"must be one character that no number, name or line is made of, like ';'; got {text!a}")
    return text


def _is_date_format(text: str) -> str:
    # Words like "mixed" would let pandas guess, line by line, which number is the month.
    if "%" not in text:
        raise ValueError(f'must be a pattern of strptime, like "%d/%m/%Y %H:%M", or null for ISO 8601; got {text}')
    return text


# A shell hands on \t as two characters.
Separator = Annotated[
    str,
    BeforeValidator(lambda text: "\t" if text == "\\t" else text),
    Field(min_length=1, max_length=1),
    AfterValidator(_is_separator),
]
DateFormat = Annotated[Name, AfterValidator(_is_date_format)]
Pairs = Annotated[NonNegativeInt, Field(le=1000)]
Unit = Annotated[str, Field(max_length=50), AfterValidator(is_printable)]
_DIGEST = "^[0-9a-f]{64}$"
_PARQUET = (".parquet", ".pq")
_LAST_SAFE_DAY = 28  # that every month has


def _is_digest(value: object) -> object:
    # Checked here, not by the union: of that pydantic would report every branch.
    names, digests = (list(value), list(value.values())) if isinstance(value, dict) else ([], [value])
    for name in names:
        if not isinstance(name, str) or not name or "/" in name:
            raise ValueError(
                f"must name files without their folders, like {{load.csv: 3f0...}}; got {str(name)[:80]!r}"
            )
    for digest in digests:
        if not isinstance(digest, str | None) or (digest is None and names):
            raise PydanticKnownError("string_type")
        if digest is not None and not re.fullmatch(_DIGEST, digest):
            raise PydanticKnownError("string_pattern_mismatch", {"pattern": _DIGEST})
    return value


Digest = Annotated[str | dict[str, str] | None, BeforeValidator(_is_digest)]


class ComponentsSpec(Spec):
    """A direction and a speed that enter the model as two components.

    Attributes:
        speed: Column of the speed.
        direction: Column of the direction the flow comes from, in degrees.
    """

    speed: Name
    direction: Name


class DatasetSpec(Spec):
    """One table of one or many series on a regular clock.

    Attributes:
        name: What runs and messages call it.
        path: A csv or parquet file; relative to where the command was typed, then to the project.
        sha256: Expected digest of the file; or file name -> digest, where files of other names are read as they
            are; or None for any.
        source: Where the file comes from, said where there is none; or None.
        columns: Names of the columns of a csv file without a header, or None where its first line names them.
        timestamp: Column of the time, or None where the rows are one step of `frequency` apart from `start` on.
        start: Time of the first row in ISO 8601 where no column holds times, else None.
        date_format: strptime format of the timestamps, or None for ISO 8601.
        series: Column that tells series apart, or None where the file holds one.
        targets: Columns to forecast, or None for all that have no other role; each is also part of the context.
        features: Columns of the context besides the targets, or None for all that are left.
        known_future: Columns known in advance over the horizon.
        separator: Field separator of a csv file; a tab may be written as \\t.
        components: New name -> speed and direction, replaced by `<name>_u` and `<name>_v`.
        plausible: Column -> lowest and highest plausible value; what lies outside becomes missing.
        max_jump: Column -> largest plausible change between neighbouring rows. A value further from
            the last accepted one becomes missing, for at most `max_gap` steps.
        max_gap: Longest gap in the clock, in steps, that a window may cross.
        frequency: The clock's step ("1h", "15min", "1D", "1M"), or None to read it off the file.
        season: Steps of one season for the seasonal rival and MASE, or None for the clock's own.
        calendar: Cycle -> number of sine and cosine pairs known for context and horizon, or 0.
        sort: Sort rows by time where they are not sorted.
        duplicates: What to do about a timestamp that stands twice in a series.
        latest: Latest plausible time in ISO 8601, or None for a day from now; a later one is refused.
        units: Column -> unit, for tables and pictures.
        store: Whether the rows are converted once to a memory-mapped store below runs/.cache/datasets: "always", "never",
            or "auto", for files above 256 MiB. The rows are the same bits either way.
    """

    name: Name
    path: Annotated[str, Field(min_length=1, max_length=4096), AfterValidator(is_printable)]
    sha256: Digest
    source: str | None = Field(min_length=1, max_length=500)
    columns: Annotated[Names, Field(min_length=1)] | None
    timestamp: Name | None
    start: Time | None
    date_format: DateFormat | None
    series: Name | None
    targets: Annotated[Names, Field(min_length=1)] | None
    features: Names | None
    known_future: Names
    separator: Separator
    components: dict[Name, ComponentsSpec] = Field(max_length=_MOST_NAMED)
    plausible: dict[Name, Interval] = Field(max_length=_MOST_NAMED)
    max_jump: dict[Name, float] = Field(max_length=_MOST_NAMED)
    max_gap: Annotated[NonNegativeInt, Field(le=1_000_000)]
    frequency: str | None = Field(pattern=r"^[1-9][0-9]{0,5}(s|min|h|D|W|M)$")
    season: Annotated[PositiveInt, Field(le=100_000_000)] | None
    calendar: dict[Cycle, Pairs]
    sort: bool
    duplicates: Literal["error", "first", "mean"]
    latest: Time | None
    units: dict[Name, Unit] = Field(max_length=_MOST_NAMED)
    store: Literal["auto", "always", "never"]

    @model_validator(mode="after")
    def _columns_have_one_role(self) -> "DatasetSpec":
        targets = self.targets or ()
        roles = [column for column in (self.timestamp, self.series, *targets, *self.known_future) if column is not None]
        twice = sorted(column for column, count in Counter(roles).items() if count > 1)
        if twice:
            raise ValueError(
                f"column {twice[0]!r} has two roles; timestamp, series, targets and known_future must differ"
            )
        taken = sorted(({*roles} - {*targets}) & {*(self.features or ())})
        if taken:
            raise ValueError(f"features names {taken[0]!r}, which has another role already")
        if self.features is not None and len(set(self.features)) < len(self.features):
            raise ValueError("features names a column twice")
        for column, (low, high) in self.plausible.items():
            if not low < high:
                raise ValueError(f"plausible.{column}: the lowest value {low:g} is not below the highest {high:g}")
        for column, jump in self.max_jump.items():
            if jump <= 0:
                raise ValueError(f"max_jump.{column}={jump:g}: must be above 0")
        return self

    @model_validator(mode="after")
    def _columns_fit_the_file(self) -> "DatasetSpec":
        if self.columns is None:
            return self
        if self.path.lower().endswith(_PARQUET):
            raise ValueError(
                f"columns names those of a file without a header, but {self.path} is parquet; set it to null"
            )
        twice = sorted(column for column, count in Counter(self.columns).items() if count > 1)
        if twice:
            raise ValueError(f"columns names {twice[0]!r} twice; give every column a name of its own")
        return self

    @model_validator(mode="after")
    def _rows_have_times(self) -> "DatasetSpec":
        if self.timestamp is not None:
            if self.start is not None:
                raise ValueError(
                    f"start={self.start} is the first time of a file without times, but timestamp={self.timestamp} names a "
                    "column of times; set one of them to null"
                )
            return self
        if self.start is None or self.frequency is None:
            raise ValueError(
                "timestamp=null needs start and frequency, the clock that the rows are on; "
                f"got start={self.start or 'null'}, frequency={self.frequency or 'null'}; "
                "set dataset.start=1990-01-01 dataset.frequency=1D, say, or name the column of times"
            )
        if self.series is not None:
            raise ValueError(
                f"timestamp=null cannot tell when the rows of each series={self.series} are; "
                "name the column of times, or give one series and set dataset.series=null"
            )
        start = datetime.fromisoformat(self.start)
        if self.frequency.endswith("M") and start.day > _LAST_SAFE_DAY:
            raise ValueError(
                f"start={self.start} on a clock of {self.frequency} is a day that not every month has; "
                f"start on one up to the {_LAST_SAFE_DAY}th"
            )
        if self.latest is not None and start > datetime.fromisoformat(self.latest):
            raise ValueError(f"start={self.start} lies after latest={self.latest}; correct one of them")
        return self
