"""What counts as moved, and how it is told."""

import numpy as np
import pytest

from headway.audit.tallies import Tallies


@pytest.mark.parametrize(
    ("expected", "found", "tolerance", "same"),
    [
        ([1.0, np.nan], [1.0, np.nan], None, True),
        ([1.0, np.nan], [1.0, 0.0], None, False),
        ([1.0, 2.0], [1.0, np.nan], 9.0, False),
        ([1.0, np.nan], [1.5, np.nan], 0.5, True),
        ([1.0, 2.0], [1.0, np.nextafter(2.0, 3.0)], None, False),
        ([1, 2], [1, 2, 3], None, False),
        ([True, False], [True, True], None, False),
        (["day 2"], ["day 2"], None, True),
        (np.zeros((0, 3)), np.zeros((0, 3)), None, True),
    ],
    ids=["missing", "filled", "became missing", "within", "last digit", "longer", "marks", "words", "nothing"],
)
def test_values_move_by_equality_or_tolerance(expected: object, found: object, tolerance: object, same: bool) -> None:
    tallies = Tallies()
    assert tallies.compare("x.y", expected, found, tolerance=tolerance) == same
    assert bool(tallies.moved()) != same


def test_what_moved_is_told_under_the_circumstance_in_which_most_moved() -> None:
    tallies = Tallies()
    clean = np.zeros((5, 2))
    for when, rows in (("with a", [4]), ("with b", [1, 3]), ("with c", [])):
        changed = clean.copy()
        changed[rows] = 1
        tallies.compare("feed.context", clean, changed, when=when, place=lambda number: f"origin {number}")
        tallies.compare("feed.marks", clean, clean, when=when)
        tallies.compare("feed.target", clean, clean, when=when)
    assert tallies.moved() == ["feed.context: 2 of 5 windows moved with b, first: origin 1"]
    assert tallies.rows() == [
        ("feed.context", "30 values", "2 of 5 windows moved with b, first: origin 1"),
        ("feed", "60 values", "nothing moved: marks, target"),
    ]
