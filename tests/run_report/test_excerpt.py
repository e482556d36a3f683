"""Of a long table the rows that say most are kept, in their order."""

import numpy as np
import pytest

from headway.report.page import Table
from headway.run_report.excerpt import MOST_ROWS, excerpt, listing


def table(count: int, *, note: str = "") -> Table:
    rows = [(f"row {number}", str(number)) for number in range(count)]
    return Table(caption="Rows", header=("name", "size"), rows=rows, note=note, emphasised=(count - 1,))


def test_a_short_table_stays_as_it_is() -> None:
    whole = table(MOST_ROWS)
    assert excerpt(whole, range(MOST_ROWS), which="the largest") is whole


def test_the_largest_rows_are_kept_in_the_order_of_the_table_and_missing_sizes_last() -> None:
    sizes = np.random.default_rng(0).permutation(43).astype(float)
    sizes[[5, 7]] = np.nan
    found = excerpt(table(43, note="A note."), sizes.tolist(), which="the largest")
    largest = set(sorted((number for number in range(43) if number not in (5, 7)), key=lambda n: -sizes[n])[:MOST_ROWS])
    assert [row[0] for row in found.rows] == [f"row {number}" for number in range(43) if number in largest]
    assert found.note == f"A note. Shown are {MOST_ROWS} of 43 rows: the largest."


def test_a_row_that_stands_out_still_does_where_it_is_kept() -> None:
    found = excerpt(table(43), range(43), which="the largest")
    assert [found.rows[place][0] for place in found.emphasised] == ["row 42"]
    assert found.note == f"Shown are {MOST_ROWS} of 43 rows: the largest."
    assert not list(excerpt(table(43), range(43, 0, -1), which="the largest").emphasised)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("a",), "a"),
        (("a", "b"), "a and b"),
        (("a", "b", "c"), "a, b and c"),
        (tuple("abcdefghijk"), "a, b, c, d, e, f, g and 4 more"),
    ],
)
def test_names_are_listed_as_in_a_sentence(names: tuple[str, ...], words: str) -> None:
    assert listing(names) == words
