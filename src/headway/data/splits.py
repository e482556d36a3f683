"""Borders in time: which rows of a series belong to train, validation and test."""

from collections.abc import Mapping

from headway.data.series import Dataset
from headway.errors import DataError

SPLITS = ("train", "validation", "test")
Borders = Mapping[str, tuple[int, int]]


def split_rows(
    num_rows: int, *, train: float, validation: float, test: float, purge: int = 0
) -> dict[str, tuple[int, int]]:
    """Cut the rows of one series in time.

    Args:
        num_rows: Rows of the series.
        train, validation, test: Fractions of the rows, or (as int) numbers of rows.
        purge: Rows left out before the validation and before the test border.

    Returns:
        Split -> (first row, row after the last).
    """
    if isinstance(train, int):
        ends = [train, train + validation, train + validation + test]
    else:
        # Rounding the sums, not the parts, keeps 0.7 + 0.1 + 0.2 at exactly all rows.
        ends = [round(num_rows * share) for share in (train, train + validation, train + validation + test)]
    first, second, last = (int(min(end, num_rows)) for end in ends)
    return {
        "train": (0, max(first - purge, 0)),
        "validation": (first, max(second - purge, first)),
        "test": (second, last),
    }


def split(
    dataset: Dataset, *, train: float, validation: float, test: float, purge: int = 0
) -> tuple[dict[str, tuple[int, int]], ...]:
    """Cut every series of a dataset; see `split_rows`.

    Returns:
        One mapping of borders per series.

    Raises:
        DataError: If a series has fewer rows than its three numbers of rows ask for.
    """
    if isinstance(train, int):
        needed = train + validation + test
        for series in dataset.series:
            if len(series) < needed:
                raise DataError(
                    f"{dataset.origin}: series {series.name!r} has {len(series)} rows but the splits ask for {needed}; lower splits.test"
                )
    return tuple(
        split_rows(len(series), train=train, validation=validation, test=test, purge=purge) for series in dataset.series
    )
