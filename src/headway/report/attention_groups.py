"""Where attention goes by hour, season, series or error: a small map of groups by lag for each slicing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from headway.report import offsets, style
from headway.report.attention_frame import axes_at, draw_weights, lag_ticks, times_uniform, weight_bar
from headway.report.footer import wrapped
from headway.report.shapes import FloatArray, shaped
from headway.report.sweep_frame import cut, width_of

MOST_GROUPS = 24  # drawn of one slicing
FEW_WINDOWS = 30  # a mean over fewer is drawn, but not compared in words

_NARROW, _WIDE = 5.0, 7.5  # inches, of one slicing and of several
_LEFT, _BETWEEN, _RIGHT, _BAR_ROOM = 0.15, 0.3, 0.15, 0.75  # inches
_TOP, _BOTTOM, _ABOVE, _ROW, _LABELS, _LINE, _BELOW = 0.45, 0.4, 0.3, 0.165, 0.28, 0.145, 0.12  # inches
_LONGEST_LABEL = 1.05  # inches
_BAR_HEIGHT = 1.4  # inches


@dataclass(frozen=True)
class _Slicing:
    """One slicing, checked: weights are multiples of uniform attention [G, S]."""

    name: str
    labels: tuple[str, ...]
    weights: FloatArray
    counts: NDArray[np.int64]

    @property
    def drawn(self) -> int:
        return min(len(self.labels), MOST_GROUPS)


def attention_groups(
    groups: Mapping[str, tuple[Sequence[str], FloatArray, NDArray[np.integer[Any]]]],
    *,
    clock: np.timedelta64,
    title: str,
) -> Figure:
    """Draw a map per slicing, a row per group and a column per lag, and say by how much groups differ.

    Colours are those of all maps, on which groups look alike when they are; the largest difference
    between groups stands in words below each map, with the lag and the groups it is between. Groups
    of fewer than 30 windows are marked by an asterisk, and only drawn; of more than 24 groups the
    first 24 are drawn, and all are compared. A group without windows is hatched.

    Args:
        groups: By what was sliced by, such as 'hour of day': names of the groups [G], softmaxed weight
            that each lag receives in each [G, S], NaN where a group has no window, and windows [G].
        clock: Length of one step.
        title: What the picture is of.

    Raises:
        ValueError: There is no slicing, shapes differ, or the weights of a group do not add up to 1.
    """
    if not groups:
        raise ValueError("groups must hold at least one slicing: got none")
    checked = [_checked(name, *group) for name, group in groups.items()]
    several = len(checked) > 1
    width = _WIDE if several else _NARROW
    column = (width - _LEFT - _BAR_ROOM - _RIGHT - _BETWEEN * several) / (1 + several)
    words = [_words(one, column, clock=clock) for one in checked]
    heights = [
        _ABOVE + _ROW * one.drawn + _LABELS + _LINE * len(lines) + _BELOW
        for one, lines in zip(checked, words, strict=True)
    ]
    ends = [0.0, 0.0] if several else [0.0]  # of the columns, inches from the top
    corners = []
    for tall in heights:
        shortest = int(np.argmin(ends))
        corners.append((_LEFT + shortest * (column + _BETWEEN), ends[shortest]))
        ends[shortest] += tall
    height = _TOP + max(*ends, _ABOVE + _BAR_HEIGHT) + _BOTTOM
    figure = style.figure(width, height)
    style.heading(figure, cut(title, width - 0.3, size=style.TITLE + 1, bold=True))
    style.footnote(figure, "Rows: groups; columns: lags." + _marks(checked))
    for one, lines, (left, down) in zip(checked, words, corners, strict=True):
        _draw(figure, one, lines, left=left, top=height - _TOP - down, width=column, clock=clock)
    weight_bar(figure, left=width - _BAR_ROOM, bottom=height - _TOP - _ABOVE - _BAR_HEIGHT, height=_BAR_HEIGHT)
    return figure


def _checked(name: str, labels: Sequence[str], weights: FloatArray, counts: NDArray[np.integer[Any]]) -> _Slicing:
    size = len(labels)
    multiples = times_uniform(f"groups[{name!r}]", weights, "GS", missing=True, G=size)
    windows = shaped(f"windows of groups[{name!r}]", counts, "G", G=size).astype(np.int64)
    return _Slicing(name, tuple(labels), multiples, windows)


def _words(one: _Slicing, inches: float, *, clock: np.timedelta64) -> list[str]:
    """Lines about the largest difference at one lag between two groups that have windows enough."""
    compared = np.flatnonzero((one.counts >= FEW_WINDOWS) & np.isfinite(one.weights).all(axis=1))
    if compared.size < 2:
        return wrapped(f"Not compared: fewer than two groups have {FEW_WINDOWS} windows.", inches, size=style.SMALL)
    weights = one.weights[compared]
    lag = int(np.argmax(np.ptp(weights, axis=0)))
    at = weights[:, lag]
    high, low = int(np.argmax(at)), int(np.argmin(at))
    (when,) = offsets.offset_labels([lag + 1 - weights.shape[1]], clock=clock)
    names = [cut(one.labels[compared[place]], _LONGEST_LABEL) for place in (high, low)]
    return wrapped(
        f"Largest difference {at[high] - at[low]:.2f} at {when} ({names[0]}: {at[high]:.2f}, {names[1]}: {at[low]:.2f}).",
        inches,
        size=style.SMALL,
    )


def _marks(slicings: Sequence[_Slicing]) -> str:
    """What asterisks and hatching mean, and what is left out."""
    notes = ""
    if any(((one.counts > 0) & (one.counts < FEW_WINDOWS))[: one.drawn].any() for one in slicings):
        notes += f" *: fewer than {FEW_WINDOWS} windows, not compared."
    if any(np.isnan(one.weights[: one.drawn]).any() for one in slicings):
        notes += " Hatched: no window."
    hidden = sum(len(one.labels) - one.drawn for one in slicings)
    return notes + (f" {hidden} {'group' if hidden == 1 else 'groups'} not drawn." if hidden else "")


def _draw(
    figure: Figure,
    one: _Slicing,
    words: Sequence[str],
    *,
    left: float,
    top: float,
    width: float,
    clock: np.timedelta64,
) -> None:
    """A map with its names to the left, its windows to the right, and its words below, inches from below."""
    shown = range(one.drawn)
    labels = [cut(label, _LONGEST_LABEL) for label in one.labels[: one.drawn]]
    windows = [f"{one.counts[row]:,}{'*' if 0 < one.counts[row] < FEW_WINDOWS else ''}" for row in shown]
    before = max(map(width_of, labels)) + 0.08
    after = max(map(width_of, [*windows, "windows"])) + 0.08
    tall = _ROW * one.drawn
    inches = width - before - after
    axes = axes_at(figure, left=left + before, bottom=top - _ABOVE - tall, width=inches, height=tall)
    draw_weights(axes, one.weights[: one.drawn])
    axes.set_yticks(shown, labels, parse_math=False)
    axes.tick_params(axis="y", length=0)
    axes.set_xticks(*lag_ticks(one.weights.shape[1], clock=clock, inches=inches))

    def write(text: str, x: float, y: float, **look: Any) -> None:
        wide, high = figure.get_size_inches()
        figure.text(x / wide, y / high, text, parse_math=False, **look)

    name = cut(f"By {one.name}", before + inches - 0.05, size=style.BODY)
    write(name, left, top - _ABOVE + 0.06, size=style.BODY, color=style.INK, va="bottom")
    small: dict[str, Any] = {"size": style.SMALL, "color": style.MUTED}
    write("windows", left + width, top - _ABOVE + 0.06, ha="right", va="bottom", **small)
    for row, count in enumerate(windows):
        write(count, left + width, top - _ABOVE - _ROW * (row + 0.5), ha="right", va="center", **small)
    write("\n".join(words), left, top - _ABOVE - tall - _LABELS, size=style.SMALL, color=style.INK, va="top")
