"""A fan of forecast quantiles: nested bands, and the line in the middle."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb

from headway.report import style
from headway.report.shapes import FloatArray


def draw_fan(axes: Axes, steps: FloatArray, forecast: FloatArray, levels: FloatArray, *, name_all: bool = True) -> None:
    """Draw bands from the widest to the narrowest, then the line in the middle.

    Args:
        axes: Where.
        steps: Places of the steps ahead [H].
        forecast: Quantiles [H, Q].
        levels: Of the quantiles, rising [Q].
        name_all: Whether the legend names every band, or the widest and the narrowest alone.
    """
    bands = levels.size // 2
    for band in range(bands):
        lower, upper = band, levels.size - 1 - band
        x, low = widened(steps, forecast[:, lower])
        _, high = widened(steps, forecast[:, upper])
        is_named = name_all or band in (0, bands - 1)
        axes.fill_between(
            x,
            low,
            high,
            color=_tint(0.18 + 0.37 * band / max(bands - 1, 1)),
            lw=0,
            label=f"{100 * (levels[upper] - levels[lower]):.3g} % band" if is_named else None,
            zorder=1 + band / bands,
        )
    middle = int(np.argmin(np.abs(levels - 0.5)))
    if levels.size == 1:
        name = "forecast"
    elif np.isclose(levels[middle], 0.5):
        name = "forecast (median)"
    else:
        name = f"forecast (quantile {levels[middle]:.3g})"
    x, line = widened(steps, forecast[:, middle])
    axes.plot(x, line, color=style.MODEL, lw=1.7, label=name, zorder=4)


def widened(steps: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return a horizon of one step as a short stretch around it: a single point would draw nothing."""
    if steps.size > 1:
        return steps, values
    return steps[0] + np.array([-0.3, 0.3]), np.repeat(values, 2)


def _tint(strength: float) -> tuple[float, float, float]:
    """The model's colour on white, opaque, so that nested bands do not add up."""
    red, green, blue = (1 - strength * (1 - part) for part in to_rgb(style.MODEL))
    return red, green, blue
