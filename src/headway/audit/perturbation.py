"""Other values for some rows of a file: what a pipeline may do with them shows what it looks at.

A perturbed file has the same rows, times and series; its cells stay such that they can be read.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from headway.data.contract import Table

Values = NDArray[np.float64]
_LARGEST = 8e15  # below 2^53, from where on whole numbers are refused


def other_values(values: Values) -> Values:
    """As plausible as they were, and missing where they were: in reverse order, half way to the lowest."""
    changed = values.copy()
    observed = ~np.isnan(values)
    if observed.any():
        changed[observed] = (values[observed][::-1] + values[observed].min()) / 2
    return changed


def extreme_values(values: Values) -> Values:
    """Every third a thousand times the largest, above and below zero in turn, whether it was missing or not."""
    changed = values.copy()
    largest = np.max(np.abs(values), initial=1.0, where=~np.isnan(values))
    changed[::3] = min(1000.0 * float(largest), _LARGEST)
    changed[::6] *= -1
    return changed


def missing_values(values: Values) -> Values:
    """The first and every other pair missing: what is left still makes windows."""
    changed = values.copy()
    changed[np.isin(np.arange(len(values)) % 4, (0, 3))] = np.nan
    return changed


KINDS: Mapping[str, Callable[[Values], Values]] = {
    "other values": other_values,
    "extreme values": extreme_values,
    "missing values": missing_values,
}


def perturbed(
    table: Table, columns: Sequence[str], rows: Sequence[NDArray[np.int64]], change: Callable[[Values], Values]
) -> Table:
    """A table with other values in some of its rows.

    Args:
        table: Columns as read.
        columns: Which columns change.
        rows: Positions that change, for each series in order of time.
        change: Values [rows] of one series and column, NaN where missing -> what stands there instead.
    """
    return Table(table.file, table.frame.assign(**{name: _cells(table, name, rows, change) for name in columns}))


def _cells(
    table: Table, column: str, rows: Sequence[NDArray[np.int64]], change: Callable[[Values], Values]
) -> NDArray[np.float64] | NDArray[np.object_]:
    numbers = table.numbers(column)
    if table.frame[column].dtype.kind in "iuf":
        for positions in rows:
            numbers[positions] = change(numbers[positions])
        return numbers
    cells = table.frame[column].to_numpy(object, copy=True)
    for positions in rows:
        cells[positions] = ["" if np.isnan(value) else repr(float(value)) for value in change(numbers[positions])]
    return cells
