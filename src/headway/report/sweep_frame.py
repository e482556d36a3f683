"""What the pictures of a sweep share: their width, scales that survive diverged trials, names that fit, legends."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from numpy.typing import NDArray

from headway.report import style
from headway.report.shapes import FloatArray

STATES = ("finished", "pruned", "running", "failed", "killed")
WIDTH = 8.5  # inches

_HEIGHT, _LEFT, _RIGHT, _BOTTOM, _TOP = 3.9, 0.8, 0.3, 0.7, 0.75  # inches, of a chart
_ROW, _BELOW_ROWS, _ABOVE_ROWS = 0.24, 0.7, 0.5  # inches
_REACH = 5.0  # scores so many times as far from the best as the typical one are still on the scale
_HUGE = 1e100  # no axis can be divided that far
_FINEST = 1e-4  # half an axis as a part of its middle: what the six digits of its ticks tell apart
_EQUAL = 0.05  # the same where the values do not differ by as much
_ROOM = 1.08  # between the outermost points and the ends of an axis
_LOG_RATIO, _LOG_MEDIAN = 20.0, 3.0  # highest and median by the lowest: from both on a straight axis hides the low end
_LONG_LOG_RATIO = 300.0  # from here on an axis has its ticks at powers of ten alone
_POINTS_PER_INCH = 72.0
_LETTERS_PER_INCH = 40.0  # more of the narrowest letters than fit in the small type


def checked_scores(scores: Sequence[float | None], states: Sequence[str] | None = None) -> NDArray[np.float64]:
    """Return scores [K] with NaN for None, infinities and what no axis can hold.

    Raises:
        ValueError: There are more or fewer states than scores, or one is not of `STATES`.
    """
    if states is not None and len(states) != len(scores):
        raise ValueError(f"states must be as many as trials: got {len(states)} and {len(scores)}")
    unknown = sorted(set(states or ()) - set(STATES))
    if unknown:
        raise ValueError(f"states must be of {', '.join(STATES)}: got {', '.join(map(repr, unknown))}")
    values = np.array([np.nan if score is None else score for score in scores], dtype=np.float64)
    return np.where(np.abs(values) < _HUGE, values, np.nan)


def limits(values: FloatArray, *, typical: float = 0.5) -> tuple[float, float]:
    """Return the ends of an axis so that diverged trials, far above the typical, do not squeeze all others flat.

    Args:
        values: Finite scores [K], at least one.
        typical: Which quantile is the typical score; scores five times as far from the lowest, and nearer, are on the axis.
    """
    lowest, middle = (float(value) for value in np.quantile(values, [0, typical]))
    near = values <= lowest + _REACH * (middle - lowest) if middle > lowest else values >= lowest
    return _around(lowest, float(values[near].max()))


def scale_to(axes: Axes, axis: str, values: FloatArray, *, shown: FloatArray) -> None:
    """Fit the 'x' or 'y' axis to finite values [K], as `limits` does but for those that must be shown [S].

    It becomes logarithmic where positive values spread over more than a factor of twenty and half of
    them over more than three.
    """
    lowest, median, highest = (float(value) for value in np.quantile(values, [0, 0.5, 1]))
    if lowest > 0 and highest > _LOG_RATIO * lowest and median > _LOG_MEDIAN * lowest:
        room = (highest / lowest) ** (_ROOM - 1)
        axes.set(**{f"{axis}scale": "log", f"{axis}lim": (lowest / room, highest * room)})
        subs = (1.0,) if highest > _LONG_LOG_RATIO * lowest else (1.0, 2.0, 5.0)
        {"x": axes.xaxis, "y": axes.yaxis}[axis].set_major_locator(LogLocator(subs=subs))
        {"x": axes.xaxis, "y": axes.yaxis}[axis].set_minor_formatter(NullFormatter())
    else:
        start, end = limits(values)
        highest = max([end, *shown.tolist()])
        axes.set(**{f"{axis}lim": (start, end) if highest == end else _around(lowest, highest)})
    {"x": axes.xaxis, "y": axes.yaxis}[axis].set_major_formatter(plain_numbers())


def cut(text: str, inches: float, *, size: float = style.SMALL, bold: bool = False) -> str:
    """Return the text on one line, without its middle where it would be wider."""
    line = " ".join(text.split())
    if width_of(line, size=size, bold=bold) <= inches:
        return line
    kept = range(min(len(line) - 1, round(_LETTERS_PER_INCH * inches)), 0, -1)
    shorter = (f"{line[: letters - letters // 2]}…{line[len(line) - letters // 2 :]}" for letters in kept)
    return next((text for text in shorter if width_of(text, size=size, bold=bold) <= inches), "…")


def width_of(text: str, *, size: float = style.SMALL, bold: bool = False) -> float:
    """Return how many inches wide a line of text of so many points is."""
    font = FontProperties(size=size, weight="bold" if bold else "normal")
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return float(width) / _POINTS_PER_INCH


def counted(counts: Mapping[str, int]) -> str:
    """Return '3 finished, 1 failed' in the order of `STATES`."""
    return ", ".join(f"{counts[state]} {state}" for state in STATES if counts.get(state))


def sentence(text: str, *, title: str) -> Figure:
    """Return an empty frame that says why it is empty."""
    figure = style.figure(WIDTH, 1.8)
    axes = figure.add_axes((0.03, 0.08, 0.94, 0.62))
    style.heading(figure, title)
    style.frame(axes)
    axes.set(xticks=[], yticks=[])
    words = axes.text(0.5, 0.5, text, transform=axes.transAxes, parse_math=False)
    words.set(size=style.BODY, color=style.MUTED, ha="center", va="center")
    return figure


def chart(*, title: str, xlabel: str, ylabel: str) -> tuple[Figure, Axes]:
    """Return a chart with room for a legend between its title and itself, and for a footnote."""
    figure = style.figure(WIDTH, _HEIGHT)
    borders = style.margins(figure, left=_LEFT, right=_RIGHT, bottom=_BOTTOM, top=_TOP)
    axes = figure.add_subplot(figure.add_gridspec(1, 1, **borders)[0])
    style.frame(axes, xlabel=xlabel, ylabel=ylabel)
    style.heading(figure, title)
    axes.yaxis.set_major_formatter(plain_numbers())
    return figure, axes


def rows(names: Sequence[str], *, title: str, right: float) -> tuple[Figure, Axes]:
    """Return a chart with a named row per name, the first on top, at y = 0, and so many inches to its right."""
    left = 0.25 + max(width_of(name, bold=True) for name in names)
    height = _ABOVE_ROWS + _ROW * (len(names) + 0.4) + _BELOW_ROWS
    figure = style.figure(WIDTH, height)
    borders = style.margins(figure, left=left, right=right, bottom=_BELOW_ROWS, top=_ABOVE_ROWS)
    axes = figure.add_subplot(figure.add_gridspec(1, 1, **borders)[0])
    style.frame(axes)
    axes.set_yticks(range(len(names)), names, parse_math=False)
    axes.set_ylim(len(names) - 0.3, -0.7)
    axes.tick_params(axis="y", length=0)
    style.heading(figure, title)
    return figure, axes


def legend(axes: Axes) -> None:
    """Write the legend into one line above the chart, where it hides no trial."""
    if axes.get_legend_handles_labels()[1]:
        axes.legend(
            loc="lower left",
            bbox_to_anchor=(0, 1),
            ncols=8,
            frameon=False,
            fontsize=style.SMALL,
            labelcolor=style.INK,
            borderpad=0,
            borderaxespad=0.6,
            handlelength=1.6,
            handletextpad=0.5,
            columnspacing=1.4,
        )


def plain_numbers() -> FuncFormatter:
    """Return a format of ticks without an offset or a common power in a corner."""
    return FuncFormatter(lambda value, _: f"{value:.6g}")


def _around(lowest: float, highest: float) -> tuple[float, float]:
    """Ends of an axis a little outside of two values, which may be equal."""
    middle = (lowest + highest) / 2
    half = (highest - lowest) / 2
    if half <= _FINEST * abs(middle):
        half = _EQUAL * abs(middle) or 0.5
    return middle - _ROOM * half, middle + _ROOM * half
