"""From checked columns to series on a regular clock: every policy is applied here, and noted."""

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from headway.data.clock import Clock
from headway.data.columns import component_sources, derived
from headway.data.contract import Table
from headway.data.filling import on_clock
from headway.data.plausibility import components, mask_implausible
from headway.data.series import Dataset
from headway.errors import DataError

if TYPE_CHECKING:
    from headway.config.dataset import DatasetSpec

Columns = dict[str, NDArray[np.float64]]
_EQUAL_GAPS = 8  # in a row; a sensor that fails does not fail so regularly


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
    targets = _targets(table, spec)
    features = _features(table, spec, targets)
    times = times_of(table, spec)
    raw = {column: table.numbers(column) for column in _raw_columns(spec, features)}
    known = {column: table.numbers(column) for column in spec.known_future}
    _refuse_missing(table, known)
    notes: Counter[str] = Counter()
    groups = _groups(table, spec)
    ordered = {name: _in_order(table, times, positions, name, spec, notes) for name, positions in groups.items()}
    clock = _clock(table, times, ordered, spec)
    series = []
    for name, positions in ordered.items():
        ticks = _ticks(table, times, positions, name, clock)
        if spec.frequency is None:
            _refuse_second_clock(table, positions, ticks, name, clock)
        keep, ticks = _without_duplicates(table, times, positions, ticks, spec, notes, raw)
        own = {column: values[keep].copy() for column, values in raw.items()}
        masked = mask_implausible(own, ticks, plausible=spec.plausible, max_jump=spec.max_jump, patience=spec.max_gap)
        notes.update(
            {f"implausible values treated as missing: {what}": count for what, count in masked.items() if count}
        )
        for component, source in spec.components.items():
            own[f"{component}_u"], own[f"{component}_v"] = components(own[source.speed], own[source.direction])
        series.append(on_clock(name, times[keep], ticks, own, known, keep, features, spec, clock, notes, table.file))
    words = [f"{what}: {count:,}" for what, count in notes.items() if count]
    missing = sum((~one.observed).sum(axis=0) for one in series)
    if np.any(missing):
        counts = [f"{column} {count:,}" for column, count in zip(features, np.asarray(missing), strict=True) if count]
        words.append(f"missing values marked: {', '.join(counts)}")
    return Dataset(
        name=spec.name,
        series=tuple(series),
        features=features,
        targets=targets,
        known_future_columns=spec.known_future,
        clock=clock,
        season=spec.season or clock.season,
        units=spec.units,
        notes=tuple(words),
        file=table.file,
    )


def times_of(table: Table, spec: "DatasetSpec") -> NDArray[np.datetime64]:
    """Times [rows] of a table's rows: of their column, else counted from the configuration's start.

    Raises:
        DataError: Naming the first line that has no plausible time.
    """
    if spec.timestamp is not None:
        return table.times(spec.timestamp, date_format=spec.date_format, latest=spec.latest)
    if spec.start is None or spec.frequency is None:
        raise ValueError(
            "dataset.timestamp=null needs dataset.start and dataset.frequency; the configuration checks it"
        )
    return table.regular_times(spec.start, Clock.parse(spec.frequency), latest=spec.latest)


def _targets(table: Table, spec: "DatasetSpec") -> tuple[str, ...]:
    """Names of the columns to forecast: the configuration's, else all that have no other role."""
    if spec.targets is not None:
        return spec.targets
    targets = tuple(name for name in _free(table, spec, ()) if name not in (spec.features or ()))
    if not targets:
        raise DataError(
            f"{table.file}: dataset.targets=null makes targets of the columns that have no other role, and all have one; "
            "name them in dataset.targets"
        )
    return targets


def _features(table: Table, spec: "DatasetSpec", targets: tuple[str, ...]) -> tuple[str, ...]:
    """Names of the context's columns, targets included, in the order of the configuration or the file."""
    if spec.features is not None:
        return (*(target for target in targets if target not in spec.features), *spec.features)
    return _free(table, spec, targets)


def _free(table: Table, spec: "DatasetSpec", targets: tuple[str, ...]) -> tuple[str, ...]:
    """Names of the columns, made ones last, that are targets or neither time, series, known nor parts of others."""
    used = {spec.timestamp, spec.series, *spec.known_future, *component_sources(spec)} - {*targets}
    return (*(str(column) for column in table.frame.columns if column not in used), *derived(spec))


def _raw_columns(spec: "DatasetSpec", features: tuple[str, ...]) -> list[str]:
    """Columns of the file that the features are made of, or that a policy speaks of."""
    made = derived(spec)
    wanted = [column for column in features if column not in made]
    return list(dict.fromkeys([*wanted, *component_sources(spec), *spec.plausible, *spec.max_jump]))


def _refuse_missing(table: Table, known: Columns) -> None:
    for column, values in known.items():
        if np.isnan(values).any():
            position = int(np.isnan(values).argmax())
            raise DataError(
                f"{table.place(position)}: {column!r} is missing, but dataset.known_future says it is known in advance"
            )


def _groups(table: Table, spec: "DatasetSpec") -> dict[str, NDArray[np.int64]]:
    """Series name -> positions of its rows, in the order of the file."""
    if spec.series is None:
        return {spec.name: np.arange(len(table.frame))}
    names = table.frame[spec.series].astype(str)
    odd = ~names.map(str.isprintable).to_numpy(bool)
    if odd.any():
        raise DataError(
            f"{table.place(int(odd.argmax()))}: the name in the series column {spec.series!r} holds a line break or another "
            "character that cannot be seen; type it anew"
        )
    empty = (table.frame[spec.series].isna() | (names.str.strip() == "")).to_numpy()
    if empty.any():
        raise DataError(f"{table.place(int(empty.argmax()))}: no name in the series column {spec.series!r}")
    codes, uniques = pd.factorize(names)
    return {str(name): np.flatnonzero(codes == code) for code, name in enumerate(uniques)}


def _in_order(
    table: Table,
    times: NDArray[np.datetime64],
    positions: NDArray[np.int64],
    name: str,
    spec: "DatasetSpec",
    notes: Counter[str],
) -> NDArray[np.int64]:
    """Positions of a series in order of time; sorted only where the configuration says so."""
    steps = np.diff(times[positions])
    if (steps >= np.timedelta64(0)).all():
        return positions
    if not spec.sort:
        at = positions[1 + int((steps < np.timedelta64(0)).argmax())]
        raise DataError(
            f"{table.place(at)}: series {name!r} goes back in time to {times[at].astype('datetime64[s]')}; sort the file or set dataset.sort=true"
        )
    notes["rows sorted by time"] += len(positions)
    return positions[np.argsort(times[positions], kind="stable")]


def _clock(
    table: Table, times: NDArray[np.datetime64], ordered: dict[str, NDArray[np.int64]], spec: "DatasetSpec"
) -> Clock:
    if spec.frequency is not None:
        return Clock.parse(spec.frequency)
    found = {name: clock for name, positions in ordered.items() if (clock := Clock.from_timestamps(times[positions]))}
    if not found:
        raise DataError(
            f"{table.file}: no two times of its rows ({len(table.frame)}) are a second or more apart, so it shows no clock; "
            "set dataset.frequency, or give more rows: a window takes windows.context_length + windows.horizon"
        )
    clocks = dict.fromkeys(found.values())
    if len(clocks) > 1:
        named = ", ".join(f"{name} {clock}" for name, clock in list(found.items())[:4])
        raise DataError(
            f"{table.file}: the series' clocks differ ({named}); set dataset.frequency or bring them to one"
        )
    return next(iter(clocks))


def _ticks(
    table: Table, times: NDArray[np.datetime64], positions: NDArray[np.int64], name: str, clock: Clock
) -> NDArray[np.int64]:
    """Steps since the series began; refuses timestamps that are off the clock."""
    steps = clock.steps_between(times[positions[0]], times[positions])
    off = ~(np.abs(steps - np.round(steps)) < 1e-9)
    if off.any():
        at = positions[int(off.argmax())]
        common = Counter(np.diff(times[positions]).astype("timedelta64[s]").astype(int).tolist()).most_common(3)
        histogram = ", ".join(f"{seconds} s ({count} times)" for seconds, count in common)
        raise DataError(
            f"{table.place(at)}: {times[at].astype('datetime64[s]')} of series {name!r} is off the clock of {clock}; "
            f"steps found: {histogram}; resample the file or set dataset.frequency"
        )
    return np.round(steps).astype(np.int64)


def _refuse_second_clock(
    table: Table, positions: NDArray[np.int64], ticks: NDArray[np.int64], name: str, clock: Clock
) -> None:
    """Refuse a stretch of equal gaps: there the series has another clock, and nothing is missing."""
    steps = np.diff(ticks)
    if len(steps) <= _EQUAL_GAPS:
        return
    stretches = np.lib.stride_tricks.sliding_window_view(steps, _EQUAL_GAPS)
    other = (stretches == stretches[:, :1]).all(axis=1) & (stretches[:, 0] > 1)
    if other.any():
        first = int(other.argmax())
        raise DataError(
            f"{table.place(positions[first + 1])}: the clock of series {name!r} changes from {clock} to {clock.count * steps[first]}{clock.unit}; "
            f"resample the file, or set dataset.frequency={clock} if the rows between are missing"
        )


def _without_duplicates(
    table: Table,
    times: NDArray[np.datetime64],
    positions: NDArray[np.int64],
    ticks: NDArray[np.int64],
    spec: "DatasetSpec",
    notes: Counter[str],
    raw: Columns,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions and ticks with each time once, by the policy of the configuration."""
    again = np.concatenate([[False], np.diff(ticks) == 0])
    if not again.any():
        return positions, ticks
    if spec.duplicates == "error":
        second = int(again.argmax())
        raise DataError(
            f"{table.place(positions[second])}: {times[positions[second]].astype('datetime64[s]')} stands twice, first in line "
            f"{table.frame.index[positions[second - 1]]}; remove one or set dataset.duplicates=first or mean"
        )
    if spec.duplicates == "mean":
        group = np.cumsum(~again) - 1
        for values in raw.values():
            own = values[positions]
            values[positions] = pd.Series(own).groupby(group).transform("mean").to_numpy()
    notes[f"duplicate timestamps merged ({spec.duplicates})"] += int(again.sum())
    return positions[~again], ticks[~again]
