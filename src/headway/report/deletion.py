"""Whether attention points at what matters: the error as steps of the context are deleted, by order of deletion."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from headway.report import style
from headway.report.footer import Footer, percent_axis
from headway.report.shapes import FloatArray, shaped
from headway.report.skill import draw_lines, line_looks
from headway.report.sweep_frame import cut, width_of

MOST_ATTENDED = "most attended first"  # the order under test; the others are its rivals

_WIDTH, _NARROW = 7.2, 5.0  # inches, of two panels and of one
_LEFT, _RIGHT, _BETWEEN = 0.75, 0.25, 0.2  # inches
_TOP, _PANEL, _BELOW = 0.95, 2.4, 0.55  # inches
_BETWEEN_LABELS = 0.12  # inches, on the axis of steps
_HEADROOM = 0.04  # of the axis of the rise, above and below what is drawn


def deletion_curves(
    curves: Mapping[str, FloatArray],
    *,
    steps: FloatArray,
    replacements: Sequence[str],
    verdict: str,
    title: str,
) -> Figure:
    """Draw how the error rises as steps are deleted in several orders, a panel per replacement.

    Where attention points at what the forecast needs, the curve of the most attended steps rises
    first, above that of the random order, and that of the least attended last.

    Args:
        curves: (rise, low, high) of the error by order of deletion [R, K, 3], the rise as a part
            of the error of untouched windows, low to high its 95 % interval, NaN where there is
            none; 'most attended first' among them.
        steps: Numbers of steps deleted, rising from 0 [K].
        replacements: What stands in for deleted values [R].
        verdict: Sentence below the picture.
        title: What the picture is of.

    Raises:
        ValueError: 'most attended first' is missing, there are no replacements, fewer than two
            numbers of steps or they do not rise from 0, or a shape differs.
    """
    if MOST_ATTENDED not in curves:
        raise ValueError(f"curves must hold {MOST_ATTENDED!r}: got {sorted(curves)}")
    if not replacements:
        raise ValueError("replacements must name at least one: got none")
    deleted = shaped("steps", steps, "K")
    if deleted.size < 2 or deleted[0] != 0 or not (np.diff(deleted) > 0).all():
        raise ValueError(f"steps must be two numbers or more, rising from 0: got {deleted.tolist()}")
    rises = {
        name: shaped(f"curves[{name!r}]", values, "RKE", R=len(replacements), K=deleted.size, E=3)
        for name, values in curves.items()
    }
    known = np.concatenate([values[np.isfinite(values)] for values in rises.values()])
    banded = any(np.isfinite(values[..., 1:]).any() for values in rises.values())

    panels = len(replacements)
    width = _WIDTH if panels > 1 else _NARROW
    footer = Footer(verdict, "Bands: 95 % intervals." if banded else "", width)
    figure = style.figure(width, _TOP + _PANEL + _BELOW + footer.height)
    style.heading(figure, cut(title, width - 0.3, size=style.TITLE + 1, bold=True))
    footer.write(figure)
    borders = style.margins(figure, left=_LEFT, right=_RIGHT, bottom=footer.height + _BELOW, top=_TOP)
    inner = (width - _LEFT - _RIGHT - (panels - 1) * _BETWEEN) / panels
    grid = figure.add_gridspec(1, panels, **borders, wspace=_BETWEEN / inner)
    limits = _limits(known)
    for column, replacement in enumerate(replacements):
        axes = figure.add_subplot(grid[0, column])
        style.frame(axes, xlabel="steps deleted", ylabel="" if column else "rise of the error")
        named = cut(f"replaced by: {replacement}", inner)
        axes.set_title(named, fontsize=style.BODY, color=style.INK, loc="left", parse_math=False)
        _draw_curves(axes, deleted, {name: values[column] for name, values in rises.items()})
        axes.set_ylim(*limits)
        percent_axis(axes, "y", ticks=6)
        axes.tick_params(labelleft=column == 0)
        _label_steps(axes, deleted)
    _legend(figure)
    return figure


def _draw_curves(axes: Axes, steps: FloatArray, rises: Mapping[str, FloatArray]) -> None:
    """A line with its band per order [K, 3]; the most attended in the model's colour, on top."""
    looks = line_looks([name for name in rises if name != MOST_ATTENDED], model=MOST_ATTENDED)
    for name, (_, low, high) in ((name, values.T) for name, values in rises.items()):
        axes.fill_between(steps, low, high, color=looks[name]["color"], alpha=0.18, lw=0, zorder=1)
    axes.axhline(0, color=style.INK, lw=0.9)
    draw_lines(axes, steps, {name: values[:, 0] for name, values in rises.items()}, looks=looks)
    edge = 0.03 * steps[-1]
    axes.set_xlim(-edge, steps[-1] + edge)


def _limits(known: FloatArray) -> tuple[float, float]:
    """Ends of the axis that all panels share."""
    low, high = float(known.min(initial=0)), float(known.max(initial=0))
    room = _HEADROOM * (high - low or 0.01)
    return low - room, high + room


def _label_steps(axes: Axes, steps: FloatArray) -> None:
    """Mark the numbers of steps that were measured, of many every second, third and so on, where that comes out even."""
    names = np.array([f"{step:g}" for step in steps])
    inches = axes.get_window_extent().width / axes.figure.dpi
    room = max(2, int(inches / (max(map(width_of, names)) + _BETWEEN_LABELS)))
    most = min(steps.size, room)
    even = (count for count in range(most, most // 2, -1) if (steps.size - 1) % (count - 1) == 0)
    chosen = np.linspace(0, steps.size - 1, next(even, most)).round().astype(int)
    axes.set_xticks(steps[chosen], names[chosen])


def _legend(figure: Figure) -> None:
    """One line below the title: lines mean the same in each panel."""
    handles, names = figure.axes[0].get_legend_handles_labels()
    width, height = figure.get_size_inches()
    shown = figure.legend(
        handles,
        names,
        loc="upper left",
        bbox_to_anchor=(0.15 / width, 1 - 0.47 / height),
        ncols=len(names),
        frameon=False,
        fontsize=style.SMALL,
        labelcolor=style.INK,
        borderpad=0,
        borderaxespad=0,
        columnspacing=1.6,
        handlelength=2.6,
    )
    for text in shown.get_texts():
        text.set_parse_math(False)
