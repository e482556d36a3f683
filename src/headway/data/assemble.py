"""From checked columns to series on a regular clock: every policy is applied here, and noted."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from headway.data.along_clock import Columns, Places, backward, goes_back, kept, refuse_second_clock, ticks_of
from headway.data.clock import Clock
from headway.data.columns import features_of, sources_of, targets_of
from headway.data.contract import Table
from headway.data.filling import filled, filled_times, placement, refuse_overfilling, side_by_side
from headway.data.plausibility import components, mask_implausible
from headway.data.series import Dataset, Series
from headway.errors import DataError

if TYPE_CHECKING:
    from headway.config.dataset import DatasetSpec


def assemble(table: Table, spec: "DatasetSpec") -> Dataset:
    """Make a dataset of a table.

    Args:
        table: Columns as read.
        spec: Which column is what, and the policies.

    Returns:
        The dataset, with a note for everything that was changed or found.

    Raises:
        DataError: If a column is missing or wrong, or the clock is not regular.
    """
    names = [str(column) for column in table.frame.columns]
    targets = targets_of(names, spec)
    features = features_of(names, spec, targets)
    times = times_of(table, spec)
    raw = {column: table.numbers(column, copy=False) for column in sources_of(spec, features)}
    known = {column: table.numbers(column, copy=False) for column in spec.known_future}
    refuse_missing(table, known)
    notes: Counter[str] = Counter()
    groups = _groups(table, spec)
    ordered = {name: _in_order(table, times, rows, name, spec, notes) for name, rows in groups.items()}
    clock = clock_of({name: Clock.from_timestamps(times[rows]) for name, rows in ordered.items()}, table, spec)
    series = []
    for name, positions in ordered.items():
        # A series that is the whole file, in its order, is not copied.
        whole = slice(None) if len(groups) == 1 and not notes else positions
        own = {column: values[whole] for column, values in raw.items()}
        own_times = times[whole]
        ticks = ticks_of(own_times, positions, name, clock, table)
        if spec.frequency is None:
            refuse_second_clock(ticks, positions, name, clock, table)
        keep = kept(own_times, ticks, positions, own, spec, notes, table)
        if keep is not None:
            own = {column: values[keep] for column, values in own.items()}
            own_times, ticks, positions = own_times[keep], ticks[keep], positions[keep]
        masked = mask_implausible(own, ticks, plausible=spec.plausible, max_jump=spec.max_jump, patience=spec.max_gap)
        notes.update(implausible(masked))
        own |= made_of(own, spec)
        placed = placement(own_times, ticks, spec, clock, notes)
        refuse_overfilling(name, placed.length, len(ticks), table.file)
        series.append(
            Series(
                name,
                filled_times(own_times, placed, clock),
                filled(side_by_side([own[column] for column in features], len(ticks)), placed),
                filled(side_by_side([values[positions] for values in known.values()], len(ticks)), placed),
                (0, *placed.begins),
            )
        )
    missing = np.sum([np.isnan(one.values).sum(axis=0) for one in series], axis=0)
    return Dataset(
        name=spec.name,
        series=tuple(series),
        features=features,
        targets=targets,
        known_future_columns=spec.known_future,
        clock=clock,
        season=spec.season or clock.season,
        units=spec.units,
        notes=in_words(notes, features, missing),
        file=table.file,
    )


def times_of(table: Table, spec: "DatasetSpec", *, first: int | None = None) -> NDArray[np.datetime64]:
    """Times [rows] of a table's rows: of their column, else counted from the configuration's start.

    Args:
        table: Columns as read.
        spec: The dataset group.
        first: The file's first line of data, where these are not all of its rows.

    Raises:
        DataError: Naming the first line that has no plausible time.
    """
    if spec.timestamp is not None:
        return table.times(spec.timestamp, date_format=spec.date_format, latest=spec.latest)
    if spec.start is None or spec.frequency is None:
        raise ValueError(
            "dataset.timestamp=null needs dataset.start and dataset.frequency; the configuration checks it"
        )
    return table.regular_times(spec.start, Clock.parse(spec.frequency), latest=spec.latest, first=first)


def refuse_missing(table: Table, known: Columns) -> None:
    """Refuse columns that are known in advance by the configuration, and not by the file.

    Raises:
        DataError: Naming the first line without a value.
    """
    for column, values in known.items():
        if np.isnan(values).any():
            position = int(np.isnan(values).argmax())
            raise DataError(
                f"{table.place(position)}: {column!r} is missing, but dataset.known_future says it is known in advance"
            )


def clock_of(found: Mapping[str, Clock | None], table: Places, spec: "DatasetSpec") -> Clock:
    """The clock of all series: the configuration's, else the one they share.

    Args:
        found: Series name -> the clock of its times, or None where they show none.
        table: The file, for messages.
        spec: The dataset group.

    Raises:
        DataError: There is none, or more than one.
    """
    if spec.frequency is not None:
        return Clock.parse(spec.frequency)
    shown = {name: clock for name, clock in found.items() if clock is not None}
    if not shown:
        raise DataError(
            f"{table.file}: no two times of its rows ({len(table)}) are a second or more apart, so it shows no clock; "
            "set dataset.frequency, or give more rows: a window takes windows.context_length + windows.horizon"
        )
    if len(set(shown.values())) > 1:
        named = ", ".join(f"{name} {clock}" for name, clock in list(shown.items())[:4])
        raise DataError(
            f"{table.file}: the series' clocks differ ({named}); set dataset.frequency or bring them to one"
        )
    return next(iter(shown.values()))


def made_of(own: Columns, spec: "DatasetSpec") -> Columns:
    """The columns that the configuration makes of others."""
    made = {}
    for name, source in spec.components.items():
        made[f"{name}_u"], made[f"{name}_v"] = components(own[source.speed], own[source.direction])
    return made


def implausible(counts: Mapping[str, int]) -> dict[str, int]:
    """What was treated as missing, as a note."""
    return {f"implausible values treated as missing: {what}": count for what, count in counts.items() if count}


def in_words(notes: Counter[str], features: Sequence[str], missing: NDArray[np.int64]) -> tuple[str, ...]:
    """What a dataset says of what was changed or found.

    Args:
        notes: What was found, counted.
        features: Names of the context's columns.
        missing: [F] missing values of each.
    """
    words = [f"{what}: {count:,}" for what, count in notes.items() if count]
    if missing.any():
        counts = [f"{column} {count:,}" for column, count in zip(features, missing, strict=True) if count]
        words.append(f"missing values marked: {', '.join(counts)}")
    return tuple(words)


def _groups(table: Table, spec: "DatasetSpec") -> dict[str, NDArray[np.int64]]:
    """Series name -> positions of its rows, in the order of the file."""
    if spec.series is None:
        return {spec.name: np.arange(len(table))}
    codes, names = table.names(spec.series)
    # A stable sort puts the rows of each series together and leaves them in their order.
    together = np.argsort(codes, kind="stable")
    borders = np.searchsorted(codes[together], np.arange(1, len(names)))
    return dict(zip(names, np.split(together, borders), strict=True))


def _in_order(
    table: Table,
    times: NDArray[np.datetime64],
    positions: NDArray[np.int64],
    name: str,
    spec: "DatasetSpec",
    notes: Counter[str],
) -> NDArray[np.int64]:
    """Positions of a series in order of time; sorted only where the configuration says so."""
    own = times[positions]
    at = backward(own)
    if at is None:
        return positions
    if not spec.sort:
        raise goes_back(own, positions, at, name, table)
    notes["rows sorted by time"] += len(positions)
    return positions[np.argsort(own, kind="stable")]
