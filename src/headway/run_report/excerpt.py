"""Of a long table, the rows that say most."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from headway.report.page import Table

MOST_ROWS = 30


def excerpt(table: Table, sizes: Sequence[float], *, which: str) -> Table:
    """Keep at most `MOST_ROWS` rows of a table, in their order; its note says which.

    Args:
        table: The table.
        sizes: How much each row says; the largest are kept, NaN last.
        which: The kept rows in words, such as "those with most missing values".
    """
    count = len(table.rows)
    if count <= MOST_ROWS:
        return table
    weights = np.nan_to_num(np.asarray(sizes, np.float64), nan=-np.inf, posinf=np.inf, neginf=-np.inf)
    kept = sorted(np.argsort(-weights, kind="stable")[:MOST_ROWS].tolist())
    return replace(
        table,
        rows=[table.rows[place] for place in kept],
        emphasised=[kept.index(place) for place in table.emphasised if place in kept],
        note=f"{table.note} Shown are {MOST_ROWS} of {count:,} rows: {which}.".lstrip(),
    )


def listing(names: Sequence[str], *, most: int = 8) -> str:
    """Names in a row, 'a, b and c'; of many the first and how many more there are."""
    shown = list(names) if len(names) <= most else [*names[: most - 1], f"{len(names) - most + 1:,} more"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
