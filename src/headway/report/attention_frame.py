"""What pictures of attention share: weights as multiples of uniform attention, their colours, and the axis of lags."""

from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from headway.report import offsets, style
from headway.report.footer import ROUND
from headway.report.shapes import FloatArray, shaped

_LABEL_ROOM = 0.48  # inches of axis for one lag's name
_SUM_TOLERANCE = 0.02  # of weights in half precision
FEW_BARS = 48  # as many stand apart


def times_uniform(name: str, array: FloatArray, letters: str, *, missing: bool = False, **sizes: int) -> FloatArray:
    """Return softmaxed weights, last axis time attended to, as multiples of uniform attention.

    Args:
        name: What the message calls the array.
        array: Weights that add up to 1 over the last axis.
        letters: One letter per axis, as `shaped` reads them.
        missing: Whether NaN may stand for weights that are not known.
        sizes: The lengths already known, by letter.

    Raises:
        ValueError: The shape differs, a weight is negative, or weights do not add up to 1.
    """
    weights = shaped(name, array, letters, **sizes)
    sums = weights.sum(axis=-1)
    known = sums[~np.isnan(sums)] if missing else sums
    strange = known[~(np.abs(known - 1) < _SUM_TOLERANCE)]
    if strange.size:
        raise ValueError(
            f"{name} must add up to 1 over the time attended to: got {strange[0]:g}. "
            "Give the softmaxed weights, not multiples of uniform attention."
        )
    if (weights < 0).any():
        raise ValueError(f"{name} must be 0 or more: got {np.nanmin(weights):g}")
    return weights * float(weights.shape[-1])


def axes_at(figure: Figure, *, left: float, bottom: float, width: float, height: float, label: str = "") -> Axes:
    """Return axes at so many inches from the lower left corner of a figure."""
    wide, tall = figure.get_size_inches()
    return figure.add_axes((left / wide, bottom / tall, width / wide, height / tall), label=label)


def weight_bar(figure: Figure, *, left: float, bottom: float, height: float) -> None:
    """Draw the legend of weight x T, upright, at so many inches; it takes 0.6 inches to the right."""
    axes = axes_at(figure, left=left, bottom=bottom, width=0.12, height=height, label="colours")
    scale = ScalarMappable(Normalize(*style.WEIGHT_LIMITS), cmap=style.COLOUR_MAP)
    bar = figure.colorbar(scale, cax=axes, extend="max")
    bar.set_ticks([0, 1, 2, 3])
    bar.outline.set_visible(False)
    bar.set_label(style.WEIGHT_LABEL.replace(" (", "\n("), size=style.SMALL, color=style.INK)
    axes.tick_params(labelsize=style.SMALL, length=2, labelcolor=style.INK)


def lag_ticks(length: int, *, clock: np.timedelta64, inches: float) -> tuple[list[int], list[str]]:
    """Return the places, 0 the first step, and the names of as many lags as an axis of so many inches bears."""
    most = max(1, int(inches / _LABEL_ROOM))
    steps = list(range(1 - length, 1)) if length <= most else offsets.past_ticks(length, clock=clock, most=most)
    return [step + length - 1 for step in steps], offsets.offset_labels(steps, clock=clock)


def draw_weights(axes: Axes, weights: FloatArray) -> None:
    """Draw rows of weights x T [G, S], the first on top, in the colours of all maps; NaN is hatched."""
    low, high = style.WEIGHT_LIMITS
    if np.isnan(weights).any():  # else its edge would show around the map
        axes.patch.set(facecolor="none", edgecolor=style.MUTED, hatch="/////", linewidth=0)
    axes.spines[:].set_visible(False)
    axes.imshow(weights, cmap=style.COLOUR_MAP, vmin=low, vmax=high, aspect="auto", interpolation="nearest")
    axes.tick_params(labelsize=style.SMALL, length=2, width=0.6, color=style.MUTED, labelcolor=style.INK, pad=2)


def draw_weight_bars(axes: Axes, weights: FloatArray, *, ticks: int, title: str) -> None:
    """Draw a bar per step of weights x T [S], in the colours of all maps; the dashed line is uniform attention."""
    few = weights.size <= FEW_BARS
    colours = colormaps[style.COLOUR_MAP](Normalize(*style.WEIGHT_LIMITS)(weights))
    edge: dict[str, Any] = {"ec": style.INK, "lw": 0.4} if few else {}
    axes.bar(np.arange(weights.size), weights, width=0.8 if few else 1.0, color=colours, **edge)
    style.frame(axes)
    axes.axhline(1.0, color=style.MUTED, lw=0.8, ls=style.DASHES[0])
    axes.set_ylim(0, max(style.WEIGHT_LIMITS[1], 1.05 * float(weights.max())))
    axes.yaxis.set_major_locator(MaxNLocator(ticks, integer=True, steps=ROUND))
    axes.set_title(title, fontsize=style.BODY, color=style.INK, loc="left")
