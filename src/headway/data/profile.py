"""The profile of the training rows: what later data are compared with."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headway.data.order import spread

_CELLS = 10  # deciles, the custom for the population stability index
_FLOOR = 1e-4  # of an empty cell: the logarithm needs more than 0
_MOST_ROWS = 1_000_000  # of whose values quantiles are taken; a sample of so many knows a decile to 0.1 % of rows


@dataclass(frozen=True)
class ColumnProfile:
    """How one column was distributed over the training rows, or a sample of them, in its own units.

    Attributes:
        rows: How many there were.
        missing: Share of them without a value.
        lowest, highest: Of the observed values; NaN where there were none.
        quartiles: The inner ones, rising; one that many rows share stands once.
        edges: Inner borders of the cells, rising: deciles, between the values where there are few, on both
            sides of a constant.
        shares: Share of observed values per cell, one more than edges.
    """

    rows: int
    missing: float
    lowest: float
    highest: float
    quartiles: tuple[float, ...]
    edges: tuple[float, ...]
    shares: tuple[float, ...]

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> "ColumnProfile":
        """The profile of values [rows], NaN where missing."""
        observed = values[~np.isnan(values)]
        if not len(observed):
            return cls(len(values), 1.0 if len(values) else 0.0, np.nan, np.nan, (), (), (0.0,))
        distinct = np.unique(observed)
        if len(distinct) == 1:
            edges = np.array([np.nextafter(distinct[0], -np.inf), distinct[0]])
        elif len(distinct) <= _CELLS:
            edges = (distinct[1:] + distinct[:-1]) / 2
        else:
            # A value that many rows share is several deciles at once.
            edges = np.unique(np.quantile(observed, np.arange(1, _CELLS) / _CELLS))
        return cls(
            rows=len(values),
            missing=1 - len(observed) / len(values),
            lowest=float(observed.min()),
            highest=float(observed.max()),
            quartiles=tuple(np.unique(np.quantile(observed, (0.25, 0.5, 0.75))).tolist()),
            edges=tuple(edges.tolist()),
            shares=tuple((_cells(observed, edges) / len(observed)).tolist()),
        )

    def drift(self, values: NDArray[np.float64]) -> "Drift":
        """How later values [rows] of the column differ."""
        return self.drift_of(self.counted(values))

    def counted(self, values: NDArray[np.float64]) -> "LaterValues":
        """What of some later values [rows] of the column tells how they differ."""
        observed = values[~np.isnan(values)]
        # Training that saw no value at all saw none of these.
        inside = (observed >= self.lowest) & (observed <= self.highest)
        return LaterValues(
            rows=len(values),
            observed=len(observed),
            lowest=float(observed.min(initial=np.inf)),
            highest=float(observed.max(initial=-np.inf)),
            outside=len(observed) - int(inside.sum()),
            cells=_cells(observed, np.array(self.edges)),
        )

    def drift_of(self, later: "LaterValues") -> "Drift":
        """How later values of the column differ, of which all parts were counted."""
        if not later.observed:
            return Drift(later.rows, 1.0 if later.rows else 0.0, np.nan, np.nan, 0.0, np.nan)
        expected = np.maximum(self.shares, _FLOOR)
        found = np.maximum(later.cells / later.observed, _FLOOR)
        return Drift(
            later.rows,
            1 - later.observed / later.rows,
            later.lowest,
            later.highest,
            later.outside / later.observed,
            float(((found - expected) * np.log(found / expected)).sum()) if self.missing < 1 else np.nan,
        )


@dataclass(frozen=True)
class LaterValues:
    """Later values of a column, counted: parts of them add up to the whole, whatever its size.

    Attributes:
        rows: How many.
        observed: Of these that have a value.
        lowest, highest: Of the observed values; infinities where there are none.
        outside: Observed values beyond what training saw.
        cells: Observed values per cell of the training profile.
    """

    rows: int
    observed: int
    lowest: float
    highest: float
    outside: int
    cells: NDArray[np.int64]

    def __add__(self, other: "LaterValues") -> "LaterValues":
        return LaterValues(
            self.rows + other.rows,
            self.observed + other.observed,
            min(self.lowest, other.lowest),
            max(self.highest, other.highest),
            self.outside + other.outside,
            self.cells + other.cells,
        )


@dataclass(frozen=True)
class Drift:
    """How a column of later data differs from its training rows.

    Attributes:
        rows: How many later rows.
        missing: Share of them without a value.
        lowest, highest: Of the observed values.
        outside: Share of observed values beyond what training saw.
        stability_index: Population stability index over the training deciles,
            sum of (found - expected) ln(found / expected); by custom below 0.1 is no shift worth the name,
            above 0.25 a large one (Siddiqi 2006). NaN where either side has no value.
    """

    rows: int
    missing: float
    lowest: float
    highest: float
    outside: float
    stability_index: float


@dataclass(frozen=True)
class Profile:
    """The profile of all training rows.

    Attributes:
        columns: Column -> its profile; features, then columns known in advance.
        last_time: Series -> time of its last training or validation row (ISO 8601): nothing up to it is unseen.
            A series without such rows is not in it.
        seasonal_scale, seasonal_square: [series][targets] scales of MASE and RMSSE; NaN where unknown.
    """

    columns: Mapping[str, ColumnProfile]
    last_time: Mapping[str, str]
    seasonal_scale: Sequence[Sequence[float]]
    seasonal_square: Sequence[Sequence[float]]

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON takes it, which has no NaN: null stands for it."""
        found: dict[str, Any] = _without_nan(asdict(self))
        return found

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Profile":
        """What `to_json` gave.

        Raises:
            AttributeError, KeyError, TypeError, ValueError: If it is none of it.
        """
        columns = {
            str(name): ColumnProfile(
                rows=int(one["rows"]),
                missing=float(one["missing"]),
                lowest=_number(one["lowest"]),
                highest=_number(one["highest"]),
                **{key: tuple(map(float, one[key])) for key in ("quartiles", "edges", "shares")},
            )
            for name, one in stored["columns"].items()
        }
        times = {str(name): str(np.datetime64(time)) for name, time in stored["last_time"].items()}
        scales = {key: [[*map(_number, row)] for row in stored[key]] for key in ("seasonal_scale", "seasonal_square")}
        return cls(columns, times, **scales)


def sampled(pieces: Iterable[NDArray[np.float64]], count: int, *, most: int = _MOST_ROWS) -> NDArray[np.float64]:
    """Rows to take a profile of: all of them, or of more than `most` as many, spread evenly and the same in every run.

    Args:
        pieces: Of [time, F], one after the other.
        count: Rows of all pieces together.
        most: Rows of the result, at most.
    """
    if count <= most:
        return np.concatenate(list(pieces))
    chosen = spread(np.arange(most), count=count, most=most)
    before, found = 0, []
    for piece in pieces:
        first, after = np.searchsorted(chosen, [before, before + len(piece)])
        found.append(piece[chosen[first:after] - before])
        before += len(piece)
    return np.concatenate(found)


def seasonal_scales(
    pieces: Iterable[NDArray[np.float64]], season: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean absolute and mean squared difference of rows to one season before, for MASE and RMSSE.

    Args:
        pieces: Of [time, targets], each with the season before it where that belongs to it.
        season: Rows of it.

    Returns:
        Two arrays [targets]; NaN where no such difference was observed or all are zero.
    """
    sums = reduce(np.add, (_seasonal_sums(rows, season) for rows in pieces))
    absolute, square = (np.where(total > 0, total / np.maximum(sums[2], 1), np.nan) for total in sums[:2])
    return absolute, square


def _seasonal_sums(rows: NDArray[np.float64], season: int) -> NDArray[np.float64]:
    """Sums of absolute and squared differences to one season before, and how many there are: [3, targets]."""
    difference = rows[season:] - rows[:-season]
    observed = ~np.isnan(difference)
    parts = [np.where(observed, part, 0.0).sum(axis=0) for part in (np.abs(difference), difference**2)]
    return np.stack([*parts, observed.sum(axis=0)])


def _cells(observed: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """Values per cell; a value on an edge belongs below it."""
    return np.bincount(np.searchsorted(edges, observed, side="left"), minlength=len(edges) + 1)


def _without_nan(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_nan(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(one) for one in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
