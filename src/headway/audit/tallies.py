"""What an audit compared and what moved, counted."""

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Place = Callable[[int], str]
_WIDTH = 60  # of the list of what did not move


@dataclass
class Tally:
    """Comparisons of one thing under one circumstance.

    Attributes:
        values: Numbers compared.
        items: Windows (or what else stands along the first axis) compared.
        moved: Items that are not what they were.
        unit: What an item is.
        first: Where the first such item is.
    """

    values: int = 0
    items: int = 0
    moved: int = 0
    unit: str = "windows"
    first: str = ""


class Tallies:
    """All comparisons of one property; every thing is told by the circumstance under which most of it moved.

    Names of things have two parts, "training.context": what moved nowhere is told by its first part.

    Args:
        nothing: Words for nothing.
        verb: What is said of items that are not as expected.
    """

    def __init__(self, *, nothing: str = "nothing moved", verb: str = "moved") -> None:
        self.nothing, self.verb = nothing, verb
        self.tallies: dict[str, dict[str, Tally]] = {}
        self.left_out: list[str] = []

    @property
    def values(self) -> int:
        """Numbers compared."""
        return sum(tally.values for found in self.tallies.values() for tally in found.values())

    def leave_out(self, words: str) -> None:
        """Say that something was not compared, and why; each reason is told once."""
        if words not in self.left_out:
            self.left_out.append(words)

    def compare(
        self,
        what: str,
        expected: Any,
        found: Any,
        *,
        when: str = "",
        place: Place | None = None,
        unit: str = "windows",
        tolerance: Any = None,
    ) -> bool:
        """Compare two arrays, item by item along their first axis; NaN equals NaN.

        Args:
            what: The thing's name in the table, "training.context" say.
            expected, found: Arrays of one shape, or what NumPy makes one of.
            when: The circumstance, "after extreme values" say.
            place: Position along the first axis -> words.
            unit: What stands along the first axis.
            tolerance: Largest difference that is none, by broadcasting; None asks for equality.

        Returns:
            Whether nothing moved.
        """
        expected, found = np.atleast_1d(np.asarray(expected)), np.atleast_1d(np.asarray(found))
        if not expected.size and not found.size:
            return True
        tally = self.tallies.setdefault(what, {}).setdefault(when, Tally(unit=unit))
        tally.values += expected.size
        tally.items += len(expected)
        if expected.shape != found.shape:
            tally.moved += max(len(expected), len(found))
            tally.first = tally.first or f"shape {list(found.shape)} instead of {list(expected.shape)}"
            return False
        differs = np.any(_different(expected, found, tolerance).reshape(len(expected), -1), axis=1)
        if differs.any():
            if not tally.moved:
                first = int(differs.argmax())
                tally.first = f"first: {place(first)}" if place else f"first: {unit.removesuffix('s')} {first}"
            tally.moved += int(differs.sum())
        return not differs.any()

    def rows(self) -> list[tuple[str, str, str]]:
        """What was compared, how many values, and what moved, in words."""
        groups: dict[str, list[str]] = {}
        for what, found in self.tallies.items():
            quiet = not any(tally.moved for tally in found.values())
            groups.setdefault(what.partition(".")[0] if quiet else what, []).append(what)
        rows = []
        for name, members in groups.items():
            values = sum(tally.values for what in members for tally in self.tallies[what].values())
            parts = [part for _, _, part in (what.partition(".") for what in members) if part]
            words = "\n".join(textwrap.wrap(", ".join(parts), _WIDTH))
            moved = self._words(self.tallies[members[0]])
            rows.append((name, f"{values:,} values", moved or f"{self.nothing}{words and ': '}{words}"))
        return rows

    def moved(self) -> list[str]:
        """A line for every thing that moved."""
        found = {what: self._words(found) for what, found in self.tallies.items()}
        return [f"{what}: {words}" for what, words in found.items() if words]

    def _words(self, found: dict[str, Tally]) -> str:
        """What moved of one thing, or nothing."""
        when, most = max(found.items(), key=lambda pair: pair[1].moved)
        if not most.moved:
            return ""
        words = f"{most.moved:,} of {most.items:,} {most.unit} {self.verb}"
        return f"{words}{f' {when}' if when else ''}, {most.first}"


def column_at(names: Sequence[str]) -> Place:
    """Position along an axis of columns -> words."""
    return lambda number: f"column {names[number]}"


def series_at(names: Sequence[str]) -> Place:
    """Position along an axis of series -> words."""
    return lambda number: f"series {names[number]}"


def _different(expected: NDArray[Any], found: NDArray[Any], tolerance: Any) -> NDArray[np.bool_]:
    if expected.dtype.kind not in "fc" or found.dtype.kind not in "fc":
        return expected != found
    both_missing = np.isnan(expected) & np.isnan(found)
    if tolerance is None:
        return ~both_missing & (expected != found)
    # A comparison with NaN is false: a value that became missing has moved.
    return ~both_missing & ~(np.abs(expected - found) <= tolerance)
