"""What the forecasts need: the rise of the error when a feature or a lag is permuted, beside the attention it gets."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from headway.report import offsets, style
from headway.report.attention_frame import draw_weight_bars
from headway.report.footer import EDGE, Footer, percent_axis
from headway.report.shapes import FloatArray, shaped
from headway.report.sweep_frame import cut, width_of

MOST_FEATURES = 16  # drawn; more are counted below the picture

_WIDTH, _LEFT, _RIGHT = 7.0, 0.85, 0.25  # inches
_LONGEST_NAME, _VALUE = 2.2, 0.6  # inches
_TOP, _ROW, _BELOW_ROWS = 0.75, 0.22, 0.7  # inches
_RISES, _BETWEEN, _WEIGHTS, _BELOW_LAGS = 1.15, 0.42, 0.8, 0.5  # inches
_FEW_LAGS = 48  # as many bars stand apart
_MOST_LABELS, _BETWEEN_LABELS = 12, 0.12  # on the axis of lags, inches
_FAINT = 0.35  # a part whose rise may be nothing
_SUM_TOLERANCE = 0.01  # of weights in half precision


def importance(
    features: Mapping[str, FloatArray],
    lags: FloatArray,
    *,
    attention: FloatArray,
    clock: np.timedelta64,
    title: str,
    verdict: str,
) -> Figure:
    """Draw the permutation importance of features and of lags, and below the lags the attention they get.

    A rise of 0.12 is an error 12 % higher than that of the untouched windows. Bars are faint where
    the interval includes 0.

    Args:
        features: (rise, low, high) [3] by name, low to high being the 95 % interval, NaN where there
            is none. Drawn from the highest rise down, at most 16; one of unknown rise is left out.
        lags: The same by lag, the last step last [S, 3].
        attention: Softmaxed weight that each lag receives, in mean [S].
        clock: Length of one step.
        title: What the picture is of.
        verdict: Sentence below the picture.

    Raises:
        ValueError: There is no feature, a shape differs, an interval ends before it begins, or the
            weights do not add up to 1.
    """
    parts = {name: _rises(f"features[{name!r}]", values, "E") for name, values in features.items()}
    if not parts:
        raise ValueError("features must hold at least one feature: got none")
    by_lag = _rises("lags", lags, "SE")
    weights = shaped("attention", attention, "S", S=len(by_lag))
    if not abs(weights.sum() - 1) < _SUM_TOLERANCE:
        raise ValueError(
            f"attention must add up to 1 over the lags: got {weights.sum():g}. "
            "Give the softmaxed weights, not multiples of uniform attention."
        )
    known = sorted((name for name in parts if np.isfinite(parts[name][0])), key=lambda name: -parts[name][0])
    drawn = known[:MOST_FEATURES]
    stacked = np.array([parts[name] for name in drawn]).reshape(-1, 3)
    note = _note(np.concatenate([stacked, by_lag]), hidden=len(known) - len(drawn), unknown=len(parts) - len(known))
    footer = Footer(verdict, note, _WIDTH)

    rows = _ROW * max(1, len(drawn)) + 0.1
    lower = footer.height + _BELOW_LAGS
    height = lower + _WEIGHTS + _BETWEEN + _RISES + _BELOW_ROWS + rows + _TOP
    figure = style.figure(_WIDTH, height)
    style.heading(figure, cut(title, _WIDTH - 2 * EDGE, size=style.TITLE + 1, bold=True))
    footer.write(figure)

    names = [cut(name, _LONGEST_NAME) for name in drawn]
    left = max([_LEFT, *(0.25 + width_of(name) for name in names)])
    _draw_features(_chart(figure, left, height - _TOP - rows, rows), names, stacked)
    upper = _chart(figure, _LEFT, lower + _WEIGHTS + _BETWEEN, _RISES)
    below = _chart(figure, _LEFT, lower, _WEIGHTS)
    _draw_rises(upper, by_lag)
    title = "Attention they receive: weight x T, 1 (dashed) is uniform"
    draw_weight_bars(below, weights * weights.size, ticks=4, title=title)
    for axes in (upper, below):
        _label_lags(axes, weights.size, clock=clock, named=axes is below)
    return figure


def includes_zero(rises: FloatArray) -> NDArray[np.bool_]:
    """Whether the interval of each (rise, low, high) [..., 3] includes 0; one that is not known does not."""
    included: NDArray[np.bool_] = (rises[..., 1] <= 0) & (rises[..., 2] >= 0)
    return included


def _rises(name: str, array: FloatArray, letters: str) -> FloatArray:
    values = shaped(name, array, letters, E=3)
    _, low, high = np.moveaxis(values, -1, 0)
    if (low > high).any():
        raise ValueError(f"{name} must be (rise, low, high): got low {low[low > high].flat[0]:g} above high")
    return values


def _note(rises: FloatArray, *, hidden: int, unknown: int) -> str:
    """How to read the bars, and what is left out."""
    sentences = []
    if np.isfinite(rises[:, 1:]).all(axis=1).any():
        sentences.append("Lines on bars: 95 % intervals.")
    if includes_zero(rises).any():
        sentences.append("Faint: the interval includes 0.")
    if hidden:
        sentences.append(f"Not drawn: {hidden} {'feature' if hidden == 1 else 'features'} of less importance.")
    if unknown:
        sentences.append(f"Not known: the importance of {unknown} {'feature' if unknown == 1 else 'features'}.")
    return " ".join(sentences)


def _chart(figure: Figure, left: float, bottom: float, tall: float) -> Axes:
    """A chart at so many inches from the left and from below, as wide as the picture allows."""
    width, height = figure.get_size_inches()
    return figure.add_axes((left / width, bottom / height, (width - left - _RIGHT) / width, tall / height))


def _colours(rises: FloatArray, colour: str) -> list[tuple[str, float]]:
    return [(colour, _FAINT if faint else 1.0) for faint in includes_zero(rises)]


def _draw_features(axes: Axes, names: list[str], rises: FloatArray) -> None:
    """A bar per feature, the first on top, its value beyond the end of its interval."""
    rise, low, high = rises.T
    places = np.arange(len(names))
    axes.barh(places, rise, height=0.62, color=_colours(rises, style.MODEL))
    axes.hlines(places, low, high, color=style.INK, lw=1.2)
    style.frame(axes)
    axes.set_title("Features: rise of the error when permuted", fontsize=style.BODY, color=style.INK, loc="left")
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x", color=style.FAINT, linewidth=0.6)
    axes.axvline(0, color=style.INK, lw=0.9)
    axes.set_yticks(places, names, parse_math=False)
    axes.tick_params(axis="y", length=0)
    lowest, highest = _ends(rises)
    inches = axes.get_window_extent().width / axes.figure.dpi
    axes.set_xlim(lowest, highest + _VALUE / (inches - _VALUE) * (highest - lowest))
    axes.set_ylim(max(1, len(names)) - 0.35, -0.65)
    percent_axis(axes, "x", ticks=6)
    for place, value, end in zip(places, rise, np.fmax(rise, high), strict=True):
        axes.annotate(
            f"{100 * value:.1f} %",
            (max(end, 0.0), place),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            size=style.SMALL,
            color=style.INK,
        )


def _draw_rises(axes: Axes, rises: FloatArray) -> None:
    """A bar per lag with its interval; of many lags the intervals' ends as two lines."""
    rise, low, high = rises.T
    places, few = np.arange(len(rises)), len(rises) <= _FEW_LAGS
    axes.bar(places, rise, width=0.8 if few else 1.0, color=_colours(rises, style.MODEL))
    if few:
        axes.vlines(places, low, high, color=style.INK, lw=1.2)
    else:
        for ends in (low, high):
            axes.step(places, ends, where="mid", color=style.INK, lw=0.8)
    style.frame(axes)
    axes.axhline(0, color=style.INK, lw=0.9)
    axes.set_ylim(*_ends(rises))
    percent_axis(axes, "y", ticks=5)
    axes.set_title("Lags: rise of the error when permuted", fontsize=style.BODY, color=style.INK, loc="left")


def _label_lags(axes: Axes, length: int, *, clock: np.timedelta64, named: bool) -> None:
    """Mark the same lags in both charts; their names stand below the lower one."""
    steps = list(range(1 - length, 1))
    names = offsets.offset_labels(steps, clock=clock)
    inches = axes.get_window_extent().width / axes.figure.dpi
    most = min(_MOST_LABELS, int(inches / (max(map(width_of, names)) + _BETWEEN_LABELS)))
    if length > most:
        steps = offsets.past_ticks(length, clock=clock, most=most)
        names = offsets.offset_labels(steps, clock=clock)
    axes.set_xticks([step + length - 1 for step in steps], names if named else [""] * len(names))
    axes.set_xlim(-0.6, length - 0.4)
    if named:
        axes.set_xlabel("lag", fontsize=style.BODY, color=style.INK)


def _ends(rises: FloatArray) -> tuple[float, float]:
    """Ends of an axis of rises: 0, all bars, and all intervals, a little apart from the frame."""
    shown = np.append(rises[np.isfinite(rises)], 0.0)
    room = 0.04 * (float(np.ptp(shown)) or 0.01)
    low, high = float(shown.min()), float(shown.max())
    return low - room if low < 0 else 0.0, high + room if high > 0 or low == 0 else 0.0
