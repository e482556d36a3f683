"""A header is looked at before anything heavy is loaded, and by itself."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headway.data.columns import check_header
from headway.errors import DataError


def test_a_missing_column_is_seen_without_reading_the_file(
    compose: Callable[..., Any], write_csv: Callable[..., Path]
) -> None:
    path = write_csv([("time", "y"), *itertools.repeat(("nonsense", "nonsense"), 7)])
    words = ["dataset=csv", f"dataset.path={path}", "dataset.timestamp=time"]
    check_header(compose(*words, "dataset.targets=[y]").dataset)
    with pytest.raises(DataError, match="no column 'z'"):
        check_header(compose(*words, "dataset.targets=[z]").dataset)


def test_a_header_of_thousands_of_columns_takes_no_square_of_time(
    compose: Callable[..., Any], write_csv: Callable[..., Path]
) -> None:
    names = ["time", *(f"c{number}" for number in range(60_000))]
    path = write_csv([names])
    words = ["dataset=csv", f"dataset.path={path}", "dataset.timestamp=time", "dataset.targets=[c1]"]
    # Counting each name by itself is 3.6e9 comparisons, a minute; the test's own limit would end it.
    check_header(compose(*words).dataset)
    with pytest.raises(DataError, match=r"and 59,971 more$"):
        check_header(compose(*words, "dataset.series=z").dataset)
