"""The one look of all pictures: colours that colour-blind readers can tell apart, type, frames.

Everything is set on the artists themselves; matplotlib's global settings stay as they are.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

INK = "#222222"
MUTED = "#6a6a6a"
FAINT = "#d9d9d9"
MODEL = "#0072b2"
RIVALS = ("#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f")  # Okabe and Ito, 2008
DASHES: tuple[tuple[float, tuple[float, ...]], ...] = (
    (0, (4, 2)),
    (0, (1.5, 1.5)),
    (0, (6, 2, 1.5, 2)),
)

COLOUR_MAP = "viridis"
WEIGHT_LIMITS = (0.0, 3.0)  # weight x T: 1 is uniform; the same in all pictures of all runs
WEIGHT_LABEL = "weight x T (1 = uniform)"

SMALL, BODY, TITLE = 8.0, 9.0, 10.5  # points
DPI = 144.0


def figure(width: float, height: float, *, dpi: float = DPI) -> Figure:
    """Return an empty white figure of so many inches that belongs to no window."""
    empty = Figure(figsize=(width, height), dpi=dpi, facecolor="white")
    FigureCanvasAgg(empty)
    return empty


def margins(inside: Figure, *, left: float, right: float, bottom: float, top: float) -> dict[str, float]:
    """Turn margins in inches into the borders that `add_gridspec` expects."""
    width, height = inside.get_size_inches()
    return {
        "left": left / width,
        "right": 1 - right / width,
        "bottom": bottom / height,
        "top": 1 - top / height,
    }


def heading(inside: Figure, text: str) -> None:
    """Write the title of a whole figure into its upper left corner."""
    width, height = inside.get_size_inches()
    inside.text(
        0.15 / width,
        1 - 0.28 / height,
        text,
        size=TITLE + 1,
        weight="bold",
        color=INK,
        va="center",
        parse_math=False,
    )


def footnote(inside: Figure, text: str) -> None:
    """Write a note into the lower left corner of a whole figure."""
    width, height = inside.get_size_inches()
    inside.text(0.15 / width, 0.1 / height, text, size=SMALL, color=MUTED, va="bottom")


def frame(axes: Axes, *, xlabel: str = "", ylabel: str = "", title: str = "") -> None:
    """Give a chart its frame: two spines, faint horizontal lines, and labels.

    Names and units come from users' files: a `$` in them is a dollar, not mathematics.
    """
    axes.set_facecolor("white")
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(MUTED)
    axes.tick_params(labelsize=SMALL, colors=MUTED, labelcolor=INK, width=0.8, length=3)
    axes.grid(visible=True, axis="y", color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_xlabel(xlabel, fontsize=BODY, color=INK, parse_math=False)
    axes.set_ylabel(ylabel, fontsize=BODY, color=INK, parse_math=False)
    axes.set_title(title, fontsize=TITLE, color=INK, loc="left", parse_math=False)


def with_unit(name: str, unit: str) -> str:
    """Return 'temp (deg F)', or the name alone where there is no unit."""
    return f"{name} ({unit})" if unit else name


def spread_apart(positions: Sequence[float], *, least: float) -> list[float]:
    """Move positions as little as needed until neighbours lie `least` apart; the order stays.

    Neighbours that touch form a block around the mean of what its members wanted, as in
    isotonic regression by pooling adjacent violators.
    """
    order = np.argsort(positions, kind="stable")
    blocks: list[list[float]] = []  # sum of wished origins, members
    for rank, index in enumerate(order):
        blocks.append([positions[index] - rank * least, 1])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
            total, members = blocks.pop()
            blocks[-1][0] += total
            blocks[-1][1] += members
    origins = [total / members for total, members in blocks for _ in range(int(members))]
    moved = [0.0] * len(positions)
    for rank, index in enumerate(order):
        moved[index] = origins[rank] + rank * least
    return moved
