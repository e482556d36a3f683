"""What the heads do: how widely and how far each looks, and how alike they are."""

from math import ceil

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from headway.report import offsets, style
from headway.report.shapes import FloatArray, shaped
from headway.report.sweep_frame import cut, width_of

MOST_HEADS = 16  # drawn: the last ones of the last layers

_WIDTH, _NARROW = 7.5, 5.0  # inches, with and without the matrix
_LEFT, _RIGHT, _BETWEEN, _LINE = 0.75, 0.25, 0.25, 0.15  # inches
_TOP, _BELOW = 0.75, 0.6  # inches
_MATRIX, _BAR, _BAR_ROOM = 2.55, 0.12, 0.5  # inches
_LARGEST_CELL = 0.5  # inches, where heads are few
_APART = 0.06  # inches between names side by side; where there is no room they stand upright
_STEM = 0.45  # opacity
_ROUNDING = 1e-6  # by which a share may leave 0 to 1


def heads(
    entropy: FloatArray,
    distance: FloatArray,
    redundancy: FloatArray,
    *,
    clock: np.timedelta64,
    title: str,
) -> Figure:
    """Draw entropy and mean distance of every head, and beside them how alike each pair of heads is.

    At most the last 16 heads are drawn, which is said below the picture. A single head is like no
    other: its matrix is left out.

    Args:
        entropy: Of the attention of each head, as a part of that of uniform attention [L, N].
        distance: Mean distance between time attending and time attended to, in steps [L, N].
        redundancy: Similarity of each pair of heads from 0 to 1, the first layer's first [L * N, L * N].
        clock: Length of one step.
        title: What the picture is of.

    Raises:
        ValueError: The shapes disagree, an entropy or a similarity is not from 0 to 1, or a distance
            is negative.
    """
    widths = _within("entropy", shaped("entropy", entropy, "LN"), most=1.0)
    layers, by_layer = widths.shape
    total = widths.size
    lengths = _within("distance", shaped("distance", distance, "LN", L=layers, N=by_layer), most=np.inf)
    alike = _within("redundancy", shaped("redundancy", redundancy, "MM", M=total), most=1.0)
    first = max(0, total - MOST_HEADS)
    names = [f"L{head // by_layer + 1} H{head % by_layer + 1}" for head in range(first, total)]
    alike = alike[first:, first:]

    paired = len(names) > 1
    note = _note(names, alike, total=total)
    bottom = _BELOW + (_LINE * (note.count("\n") + 2) if note else 0)
    side = min(_MATRIX, _LARGEST_CELL * len(names))
    width, height = _WIDTH if paired else _NARROW, bottom + side + _TOP
    figure = style.figure(width, height)
    style.heading(figure, cut(title, width - 0.3, size=style.TITLE + 1, bold=True))
    style.footnote(figure, note)
    matrix = side + _BAR_ROOM + _BAR + 2 * _BETWEEN if paired else 0.0
    each = (width - _LEFT - _RIGHT - _BETWEEN - matrix) / 2

    def chart(left: float, wide: float) -> Axes:
        return figure.add_axes((left / width, bottom / height, wide / width, side / height))

    left, right = chart(_LEFT, each), chart(_LEFT + each + _BETWEEN, each)
    _draw_entropy(left, widths.ravel()[first:])
    _draw_distance(right, lengths.ravel()[first:], clock=clock, most=5 if each > 1.8 else 3)
    for axes in (left, right):
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0, labelleft=axes is left)
    if paired:
        corner = width - _RIGHT - _BAR_ROOM - _BAR - _BETWEEN / 2 - side
        axes = chart(corner, side)
        _draw_redundancy(axes, alike, names, cell=side / len(names))
        _colour_bar(figure, axes, chart(corner + side + _BETWEEN / 2, _BAR))
    return figure


def _within(name: str, values: FloatArray, *, most: float) -> FloatArray:
    strange = values[(values < -_ROUNDING) | (values > most + _ROUNDING)]
    if strange.size:
        expected = "from 0 to 1" if most == 1 else "0 or more"
        raise ValueError(f"{name} must be {expected}: got {strange[0]:g}")
    return values


def _note(names: list[str], alike: FloatArray, *, total: int) -> str:
    """Which heads are most alike, and on a second line what is left out."""
    lines = []
    others = np.where(np.tri(len(names), dtype=bool), np.nan, alike)
    if np.isfinite(others).any():
        one, other = np.unravel_index(np.nanargmax(others), others.shape)
        lines.append(f"Most alike: {names[one]} and {names[other]}, {others[one, other]:.2f} (1 = the same maps).")
    if total > len(names):
        lines.append(f"Not drawn: the first {total - len(names)} of {total} heads.")
    return "\n".join(lines)


def _draw_dots(axes: Axes, values: FloatArray, *, title: str, xlabel: str) -> None:
    """A dot per head on a stem from 0, the first head on top."""
    places = np.arange(values.size)
    axes.hlines(places, 0, values, color=style.MODEL, lw=1.2, alpha=_STEM)
    axes.scatter(values, places, s=24, color=style.MODEL, zorder=3, clip_on=False)
    style.frame(axes)
    axes.set_title(title, fontsize=style.BODY, color=style.INK, loc="left")
    axes.set_xlabel(xlabel, fontsize=style.SMALL, color=style.INK)
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x", color=style.FAINT, linewidth=0.6)


def _draw_entropy(axes: Axes, values: FloatArray) -> None:
    _draw_dots(axes, values, title="Entropy", xlabel="0 = one step, 1 = uniform")
    axes.axvline(1, color=style.MUTED, lw=0.8, ls=style.DASHES[0])
    axes.set_xlim(0, 1.06)
    axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])


def _draw_distance(axes: Axes, values: FloatArray, *, clock: np.timedelta64, most: int) -> None:
    """Distances in steps on an axis that is marked in real time."""
    _draw_dots(axes, values, title="Mean distance", xlabel="to the time attended to")
    longest = max(1, ceil(values[np.isfinite(values)].max(initial=0)))
    ticks = offsets.span_ticks(0, longest, clock=clock, most=most)
    axes.set_xlim(0, 1.06 * longest)
    axes.set_xticks(ticks, [label.lstrip("+") for label in offsets.offset_labels(ticks, clock=clock)])


def _draw_redundancy(axes: Axes, alike: FloatArray, names: list[str], *, cell: float) -> None:
    """Rows are level with the dots of their heads, which name them; columns are named below."""
    upright = max(map(width_of, names)) + _APART > cell
    colours = colormaps[style.COLOUR_MAP].with_extremes(bad=style.FAINT)
    axes.imshow(alike, cmap=colours, vmin=0, vmax=1, aspect="auto")
    axes.spines[:].set_visible(False)
    axes.set_title("Similarity", fontsize=style.BODY, color=style.INK, loc="left")
    axes.set_xticks(range(len(names)), names, rotation=90 if upright else 0)
    axes.set_yticks([])
    axes.tick_params(labelsize=style.SMALL, length=0, labelcolor=style.INK, pad=3)


def _colour_bar(figure: Figure, matrix: Axes, axes: Axes) -> None:
    axes.set_label("colours")
    bar = figure.colorbar(matrix.images[0], cax=axes)
    bar.set_ticks([0, 0.5, 1], labels=["0", "0.5", "1"])
    bar.outline.set_visible(False)
    axes.tick_params(labelsize=style.SMALL, length=2, labelcolor=style.INK)
