"""How attention came about: the weight that each lag receives, epoch by epoch, head by head."""

from collections.abc import Sequence
from math import ceil

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from headway.report import style
from headway.report.attention_frame import axes_at, lag_ticks, times_uniform, weight_bar
from headway.report.shapes import FloatArray
from headway.report.sweep_frame import cut

MOST_HEADS = 8  # drawn: whole layers from the last backwards, or the first heads of the last

_NARROW, _WIDE = 5.0, 7.5  # inches, of one head and of several
_LEFT, _RIGHT, _ACROSS, _UPRIGHT = 0.75, 1.0, 0.15, 0.35  # inches
_TOP, _BOTTOM, _LINE = 0.95, 0.55, 0.2  # inches
_TALL, _SHORT = 1.7, 1.3  # inches
_MOST_TALL = 2  # rows of maps
_KEPT = style.RIVALS[0]  # stands out from every colour of the maps


def attention_epochs(
    weights: FloatArray,
    *,
    epochs: Sequence[int],
    best: int,
    clock: np.timedelta64,
    title: str,
) -> Figure:
    """Draw a map per head, epochs to the right and lags upwards, the epoch whose weights were kept marked.

    Whole layers are drawn from the last one backwards while at most eight maps come together; of a
    last layer of more than eight heads the first eight are drawn. What is left out is said below.

    Args:
        weights: Softmaxed weight that each lag receives, by epoch, layer and head [E, L, N, S].
        epochs: Numbers of the epochs in rising order [E]; an epoch's column reaches half way to its neighbours.
        best: The epoch that was kept; it need not be among `epochs`.
        clock: Length of one step.
        title: What the picture is of.

    Raises:
        ValueError: The shapes differ, the epochs do not rise, or weights do not add up to 1.
    """
    multiples = times_uniform("weights", weights, "ELNS", E=len(epochs))
    _, layers, heads, length = multiples.shape
    if not np.all(np.diff(epochs) > 0):
        raise ValueError(f"epochs must rise: got {list(epochs)}")
    edges = _edges(epochs)
    first = max(0, layers - max(1, MOST_HEADS // heads))
    drawn = [(layer, head) for layer in range(first, layers) for head in range(min(heads, MOST_HEADS))]
    columns = _columns(len(drawn), heads=heads)
    rows = ceil(len(drawn) / columns)
    width = _WIDE if columns > 1 else _NARROW
    tall = _TALL if rows <= _MOST_TALL else _SHORT
    wide = (width - _LEFT - _RIGHT - _ACROSS * (columns - 1)) / columns
    note = _left_out(layers, heads, first=first)
    bottom = _BOTTOM + _LINE * bool(note)
    height = _TOP + rows * tall + (rows - 1) * _UPRIGHT + bottom
    figure = style.figure(width, height)
    style.heading(figure, cut(title, width - 0.3, size=style.TITLE + 1, bold=True))
    style.footnote(figure, note)
    for place, (layer, head) in enumerate(drawn):
        row, column = divmod(place, columns)
        axes = axes_at(
            figure,
            left=_LEFT + column * (wide + _ACROSS),
            bottom=height - _TOP - tall - row * (tall + _UPRIGHT),
            width=wide,
            height=tall,
        )
        _draw(axes, multiples[:, layer, head], edges=edges, best=best, title=f"L{layer + 1} H{head + 1}")
        lags, names = lag_ticks(length, clock=clock, inches=2.5 * tall)  # lines need less room than words side by side
        axes.set_yticks(lags, names if column == 0 else [""] * len(names))
        axes.tick_params(labelbottom=place + columns >= len(drawn))
        axes.xaxis.set_major_locator(
            MaxNLocator(max(2, int(wide / 0.4)), integer=True, steps=(1, 2, 5, 10), min_n_ticks=1)
        )
    _name_axes(figure, bottom=bottom, best=best)
    bar = min(2.0, height - _TOP - bottom)
    weight_bar(figure, left=width - _RIGHT + 0.2, bottom=height - _TOP - bar, height=bar)
    return figure


def _edges(epochs: Sequence[int]) -> NDArray[np.float64]:
    """Borders of the columns [E + 1]: half way between epochs, as far on the other side of the outermost."""
    places = np.asarray(epochs, dtype=np.float64)
    halves = np.diff(places) / 2 if places.size > 1 else np.array([0.5])
    return np.concatenate([[places[0] - halves[0]], places[:-1] + np.diff(places) / 2, [places[-1] + halves[-1]]])


def _columns(maps: int, *, heads: int) -> int:
    """One row per layer where its heads fit side by side."""
    if 1 < heads <= 4:
        return heads
    return maps if maps <= 3 else ceil(maps / 2)


def _draw(axes: Axes, weights: FloatArray, *, edges: NDArray[np.float64], best: int, title: str) -> None:
    """One map [E, S]: epochs to the right, the last step on top."""
    low, high = style.WEIGHT_LIMITS
    length = weights.shape[1]
    # As an image in vector pictures: a path for each cell would take megabytes.
    axes.pcolormesh(
        edges, np.arange(length + 1) - 0.5, weights.T, cmap=style.COLOUR_MAP, vmin=low, vmax=high, rasterized=True
    )
    axes.axvline(best, color=_KEPT, lw=1.8)
    axes.set_xlim(min(edges[0], best - 0.5), max(edges[-1], best + 0.5))
    axes.set_title(title, fontsize=style.BODY, color=style.INK, pad=2.5)
    axes.spines[:].set_visible(False)
    axes.tick_params(labelsize=style.SMALL, length=2, width=0.6, color=style.MUTED, labelcolor=style.INK, pad=2)


def _name_axes(figure: Figure, *, bottom: float, best: int) -> None:
    """Name both axes once for all maps, and say what the line is."""
    width, height = figure.get_size_inches()
    centre, middle = (_LEFT + width - _RIGHT) / 2, (bottom + height - _TOP) / 2
    figure.text(
        centre / width, (bottom - 0.38) / height, "epoch", size=style.SMALL, color=style.INK, ha="center", va="center"
    )
    lag = figure.text(0.14 / width, middle / height, "lag", size=style.SMALL, color=style.INK)
    lag.set(ha="center", va="center", rotation=90)
    kept = figure.text(_LEFT / width, 1 - 0.55 / height, f"Orange line: epoch {best}, whose weights were kept")
    kept.set(size=style.SMALL, color=style.INK, va="center")


def _left_out(layers: int, heads: int, *, first: int) -> str:
    hidden = []
    if first:
        hidden.append("layer 1" if first == 1 else f"layers 1 to {first}")
    if heads > MOST_HEADS:
        hidden.append(f"heads {MOST_HEADS + 1} to {heads} of layer {layers}")
    return f"Not drawn: {'; '.join(hidden)}." if hidden else ""
