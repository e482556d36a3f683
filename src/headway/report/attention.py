"""Where the heads look: attention scores as maps of weight x T, in which 1 is uniform attention."""

from math import ceil, sqrt

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from headway.report import offsets, style
from headway.report.shapes import FloatArray, shaped

MOST_MAPS = 9  # in the picture of an epoch, which a list shows 256 pixels wide
MOST_LAYERS, MOST_HEADS = 4, 8  # in the map of a run

_FEW_HEADS = 4  # as many maps still fit side by side in the picture of an epoch
_FEW_COLUMNS = 5  # as many maps of a run are drawn larger
_FEW_LAGS = 48  # as many bars stand apart
_EPOCH_INCHES, _EPOCH_DPI = 4.0, 192.0  # 768 pixels: three times the thumbnail


def attention_epoch(scores: FloatArray, *, epoch: int | None = None, clock: np.timedelta64) -> Figure:
    """Draw the attention of one epoch as a square picture of at most nine maps.

    The heads of the last layer come first in importance: earlier layers join, whole, while all
    fit; of more than nine heads the first eight are drawn, and the mean of all.

    Args:
        scores: Softmaxed weights, mean over probe windows [L, N, T, T].
        epoch: Named in the corner.
        clock: Length of one step.

    Raises:
        ValueError: The scores have another shape.
    """
    weights = _times_uniform(scores)
    maps = _chosen_maps(weights)
    columns = _columns(len(maps), heads=weights.shape[1])
    figure = style.figure(_EPOCH_INCHES, _EPOCH_INCHES, dpi=_EPOCH_DPI)
    grid = figure.add_gridspec(
        ceil(len(maps) / columns),
        columns,
        **style.margins(figure, left=0.6, right=0.12, bottom=0.42, top=0.62),
        wspace=0.12,
        hspace=0.2,
    )
    for place, (title, values) in enumerate(maps.items()):
        row, column = divmod(place, columns)
        axes = figure.add_subplot(grid[row, column])
        _draw_map(axes, values, title=title)
        lowest = place + columns >= len(maps)
        most = 4 if columns <= 2 else 2
        _label_steps(axes, x=lowest, y=column == 0, length=len(values), clock=clock, most=most)
    _short_colour_bar(figure)
    if epoch is not None:
        named = figure.text(0.03, 0.955, f"epoch {epoch}", size=12, weight="bold")
        named.set(color=style.INK, verticalalignment="center")
    figure.text(0.56, 0.012, "time attended to", size=style.BODY, color=style.INK, ha="center")
    figure.text(0.012, 0.48, "time attending", size=style.BODY, color=style.INK, va="center", rotation=90)
    return figure


def attention_map(scores: FloatArray, *, clock: np.timedelta64, title: str) -> Figure:
    """Draw every layer and head, the mean over heads, and the mean weight that each lag receives.

    At most the last four layers and the first eight heads are drawn; what is left out is said
    below the picture. Means and ranges are over all heads, drawn or not.

    Args:
        scores: Softmaxed weights, mean over probe windows [L, N, T, T].
        clock: Length of one step.
        title: What the picture is of.

    Raises:
        ValueError: The scores have another shape.
    """
    weights = _times_uniform(scores)
    layers, heads, length, _ = weights.shape
    shown_layers = range(max(0, layers - MOST_LAYERS), layers)
    shown_heads = range(min(heads, MOST_HEADS))
    rows, columns = len(shown_layers), len(shown_heads) + (heads > 1)
    side = 1.15 if columns > _FEW_COLUMNS else 1.45  # inches
    note = _what_is_drawn(layers, heads)
    lags_bottom = 0.65 + 0.15 * note.count("\n")
    maps_bottom = lags_bottom + 2.05
    figure = style.figure(max(7.0, side * columns + 1.8), 1.18 * side * rows + maps_bottom + 0.7)
    style.heading(figure, title)
    style.footnote(figure, note)

    borders = style.margins(figure, left=0.85, right=1.0, bottom=maps_bottom, top=0.75)
    grid = figure.add_gridspec(rows, columns, **borders, wspace=0.12, hspace=0.28)
    for row, layer in enumerate(shown_layers):
        drawn = {f"L{layer + 1} H{head + 1}": weights[layer, head] for head in shown_heads}
        if heads > 1:
            drawn[f"L{layer + 1} mean"] = weights[layer].mean(axis=0)
        for column, (name, values) in enumerate(drawn.items()):
            axes = figure.add_subplot(grid[row, column], anchor="NW" if columns == 1 else "C")
            _draw_map(axes, values, title=name)
            first, lowest = column == 0, row == rows - 1
            _label_steps(axes, x=lowest, y=first, length=length, clock=clock, most=2)
            if first:
                axes.set_ylabel("time attending", fontsize=style.SMALL, color=style.INK)
            if first and lowest:
                axes.set_xlabel("time attended to", fontsize=style.SMALL, color=style.INK)
    _tall_colour_bar(figure, bottom=borders["bottom"], top=borders["top"])

    borders = style.margins(figure, left=0.85, right=0.2, bottom=lags_bottom, top=0)
    borders["top"] = borders["bottom"] + 1.1 / figure.get_figheight()
    grid = figure.add_gridspec(1, rows, **borders, wspace=0.1)
    highest = max(style.WEIGHT_LIMITS[1], 1.05 * float(weights.mean(axis=2).max()))
    for column, layer in enumerate(shown_layers):
        axes = figure.add_subplot(grid[0, column])
        _draw_lags(axes, weights[layer], clock=clock, most=12 // rows)
        axes.set(xlim=(-0.6, length - 0.4), ylim=(0, highest))
        name = f"Layer {layer + 1}: weight by lag" if layers > 1 else "Weight by lag"
        axes.set_title(name, fontsize=style.BODY, color=style.INK, loc="left")
        axes.tick_params(labelleft=column == 0)
        if column == 0:
            axes.set_ylabel("weight x T", fontsize=style.SMALL, color=style.INK)
            axes.set_xlabel("time attended to", fontsize=style.SMALL, color=style.INK)
    return figure


def _times_uniform(scores: FloatArray) -> FloatArray:
    """Weights as multiples of uniform attention [L, N, T, T]."""
    weights = shaped("scores", scores, "LNTT")
    return weights * float(weights.shape[-1])


def _chosen_maps(weights: FloatArray) -> dict[str, FloatArray]:
    """The maps of an epoch's picture by their titles, in the order of layers and heads."""
    layers, heads = weights.shape[:2]
    if heads > MOST_MAPS:
        last = weights[-1]
        chosen = {f"L{layers} H{head + 1}": last[head] for head in range(MOST_MAPS - 1)}
        return chosen | {f"L{layers} mean": last.mean(axis=0)}
    first = max(0, layers - MOST_MAPS // heads)
    return {
        f"L{layer + 1} H{head + 1}": weights[layer, head] for layer in range(first, layers) for head in range(heads)
    }


def _columns(maps: int, *, heads: int) -> int:
    """One row per layer where that keeps the maps large, else as square as can be."""
    layer_by_row = 1 < heads <= _FEW_HEADS and maps > heads
    return heads if layer_by_row else ceil(sqrt(maps))


def _draw_map(axes: Axes, values: FloatArray, *, title: str) -> None:
    """One map [T, S] in the colours and the range of all maps."""
    low, high = style.WEIGHT_LIMITS
    axes.set_title(title, fontsize=style.BODY, color=style.INK, pad=2.5)
    axes.spines[:].set_visible(False)
    axes.imshow(values, cmap=style.COLOUR_MAP, vmin=low, vmax=high)


def _label_steps(axes: Axes, *, x: bool, y: bool, length: int, clock: np.timedelta64, most: int) -> None:
    """Label both axes of a map by offset from the last step; only its outer axes carry text."""
    steps = offsets.past_ticks(length, clock=clock, most=most)
    places = [step + length - 1 for step in steps]
    names = offsets.offset_labels(steps, clock=clock)
    axes.set_xticks(places, names if x else [""] * len(names))
    axes.set_yticks(places, names if y else [""] * len(names))
    axes.tick_params(labelsize=style.SMALL, length=2, width=0.6, color=style.MUTED, labelcolor=style.INK, pad=1.5)


def _draw_lags(axes: Axes, weights: FloatArray, *, clock: np.timedelta64, most: int) -> None:
    """Bars of the weight each lag receives, mean over heads; lines from lowest to highest head.

    Args:
        axes: Where.
        weights: Multiples of uniform attention in one layer [N, T, S].
        clock: Length of one step.
        most: Labels on the axis.
    """
    received = weights.mean(axis=1)  # [N, T, S] -> [N, S]
    mean = received.mean(axis=0)
    length = mean.size
    colours = colormaps[style.COLOUR_MAP](Normalize(*style.WEIGHT_LIMITS)(mean))
    style.frame(axes)
    places, low, high = np.arange(length), received.min(axis=0), received.max(axis=0)
    if length <= _FEW_LAGS:
        axes.bar(places, mean, width=0.8, color=colours, ec=style.INK, lw=0.4)
        axes.vlines(places, low, high, color=style.INK, lw=1.2)
    else:
        axes.bar(places, mean, width=1.0, color=colours)
        axes.plot(places, low, color=style.INK, lw=0.8)
        axes.plot(places, high, color=style.INK, lw=0.8)
    axes.axhline(1.0, color=style.MUTED, lw=0.8, ls=style.DASHES[0])
    steps = list(range(1 - length, 1))
    if length > most:
        steps = offsets.past_ticks(length, clock=clock, most=most)
    names = offsets.offset_labels(steps, clock=clock)
    axes.set_xticks([step + length - 1 for step in steps], names)


def _colour_scale() -> ScalarMappable:
    return ScalarMappable(Normalize(*style.WEIGHT_LIMITS), cmap=style.COLOUR_MAP)


def _short_colour_bar(figure: Figure) -> None:
    """A legend of the colours that fits beside the epoch."""
    axes = figure.add_axes((0.53, 0.95, 0.36, 0.03), label="colours")
    bar = figure.colorbar(_colour_scale(), cax=axes, orientation="horizontal")
    bar.set_ticks([0, 1, 3], labels=["0", "uniform", "3x"])
    bar.outline.set_visible(False)
    axes.tick_params(labelsize=style.SMALL, length=2, pad=1.5, labelcolor=style.INK)


def _tall_colour_bar(figure: Figure, *, bottom: float, top: float) -> None:
    width = figure.get_figwidth()
    axes = figure.add_axes((1 - 0.85 / width, bottom, 0.14 / width, top - bottom), label="colours")
    bar = figure.colorbar(_colour_scale(), cax=axes, extend="max")
    bar.set_ticks([0, 1, 2, 3])
    bar.outline.set_visible(False)
    bar.set_label(style.WEIGHT_LABEL.replace(" (", "\n("), size=style.SMALL, color=style.INK)
    axes.tick_params(labelsize=style.SMALL, length=2, labelcolor=style.INK)


def _what_is_drawn(layers: int, heads: int) -> str:
    """How to read the bars, and on a second line what is left out."""
    bars = "Bars: mean over rows; dashed: uniform."
    if heads > 1:
        bars = "Bars: mean over rows and heads; black: lowest to highest head; dashed: uniform."
    hidden = []
    if layers > MOST_LAYERS:
        hidden.append(f"layers 1 to {layers - MOST_LAYERS}")
    if heads > MOST_HEADS:
        hidden.append(f"heads {MOST_HEADS + 1} to {heads}, which count in means and ranges")
    return bars + (f"\nNot drawn: {'; '.join(hidden)}." if hidden else "")
