"""The dataset group: which file, which columns, and what is done about what is wrong with it."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, NonNegativeInt, PositiveInt, model_validator

from headway.config.spec import Interval, Name, Names, Spec, Time

Cycle = Literal["hour", "day", "week", "year"]
# A shell hands on \t as two characters.
Separator = Annotated[
    str, BeforeValidator(lambda text: "\t" if text == "\\t" else text), Field(min_length=1, max_length=1)
]


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
        sha256: Expected digest of the file, or None for any.
        timestamp: Column of the time.
        date_format: strptime format of the timestamps, or None for ISO 8601.
        series: Column that tells series apart, or None where the file holds one.
        targets: Columns to forecast; each is also part of the context.
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
    """

    name: Name
    path: str = Field(min_length=1, max_length=4096)
    sha256: str | None = Field(pattern="^[0-9a-f]{64}$")
    timestamp: Name
    date_format: Name | None
    series: Name | None
    targets: Names = Field(min_length=1)
    features: Names | None
    known_future: Names
    separator: Separator
    components: dict[Name, ComponentsSpec]
    plausible: dict[Name, Interval]
    max_jump: dict[Name, float]
    max_gap: NonNegativeInt
    frequency: str | None = Field(pattern=r"^[1-9][0-9]{0,5}(s|min|h|D|W|M)$")
    season: PositiveInt | None
    calendar: dict[Cycle, NonNegativeInt]
    sort: bool
    duplicates: Literal["error", "first", "mean"]
    latest: Time | None
    units: dict[Name, str]

    @model_validator(mode="after")
    def _columns_have_one_role(self) -> "DatasetSpec":
        roles = [self.timestamp, *([self.series] if self.series else []), *self.targets, *self.known_future]
        twice = sorted({column for column in roles if roles.count(column) > 1})
        if twice:
            raise ValueError(
                f"column {twice[0]!r} has two roles; timestamp, series, targets and known_future must differ"
            )
        taken = sorted(({*roles} - {*self.targets}) & {*(self.features or ())})
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
