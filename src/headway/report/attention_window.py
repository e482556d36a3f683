"""One window: the values, the forecast, and below each step of the context the attention it receives."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from headway.report import offsets, style
from headway.report.attention_frame import axes_at, draw_weight_bars, draw_weights, lag_ticks, times_uniform, weight_bar
from headway.report.fan import draw_fan
from headway.report.shapes import FloatArray, shaped
from headway.report.sweep_frame import cut, legend, plain_numbers, width_of

MOST_FEATURES, MOST_HEADS = 12, 8  # drawn: the first features, the last heads

_STANDARDISED = "PuOr"  # another map than that of weights and that of differences between them
_DEVIATIONS = 3.0  # standard deviations either side of the training mean
_WIDTH, _RIGHT, _BAR_ROOM = 7.5, 0.35, 0.95  # inches
_TOP, _LEGEND, _VALUES, _TIMES, _NAME = 0.45, 0.3, 1.6, 0.62, 0.24  # inches
_ROW, _BARS, _BETWEEN, _BELOW, _LINE = 0.17, 0.8, 0.12, 0.45, 0.2  # inches
_LONGEST_NAME, _LEAST_LEFT = 1.1, 0.75  # inches
_LEAST_BAR, _TALLEST_BAR = 0.75, 1.6  # inches, of a legend of colours
_TIME_ROOM = 0.75  # inches of axis for a date
_CONTEXTS_AHEAD = 2  # of a longer forecast the end is not drawn, so that the context stays wide
_FEATURES = "Features, in standard deviations from the training mean"
_RECEIVED = "Weight each step receives, x T (dashed: uniform)"
_BY_HEAD = "Weight each step receives, by head"
_FEW_STEPS = 48  # as many bars and points stand apart


@dataclass(frozen=True)
class _Ruler:
    """Where the steps of the window lie, in inches: the context, and to its right what is ahead."""

    context: int
    ahead: int
    left: float
    right: float

    @property
    def step(self) -> float:
        return (_WIDTH - self.left - self.right) / (self.context + self.ahead)


def attention_window(
    values: Mapping[str, FloatArray],
    by_head: FloatArray,
    *,
    times: NDArray[np.datetime64],
    clock: np.timedelta64,
    title: str,
    target: str,
    unit: str,
    forecast: FloatArray,
    levels: FloatArray,
    actual: FloatArray,
    received: FloatArray,
) -> Figure:
    """Draw one window beside the attention of its context; columns of all charts are the same times.

    From above: the target with forecast and actual, the other features as colours, the weight that
    each step receives, and the same by head. At most 12 features and the last eight heads are drawn,
    and of the forecast twice the context's length; what is left out is said below. Missing values are
    hatched.

    Args:
        values: Context by feature [T]: the target in its unit, all others in standard deviations from
            the training mean; NaN is missing.
        by_head: Softmaxed weight that each step receives in each head [L, N, S].
        times: Of the steps of the context, in UTC [T].
        clock: Length of one step.
        title: What the picture is of.
        target: Name of the target in `values`.
        unit: Unit of the target; may be empty.
        forecast: Forecast quantiles in the target's unit [H, Q].
        levels: Levels of the quantiles in rising order [Q].
        actual: What came, in the target's unit, NaN where it is not known [H].
        received: Softmaxed weight that each step receives as the forecast reads the encoder [T].

    Raises:
        ValueError: The target is not among the values, shapes differ, levels do not rise, or weights
            do not add up to 1.
    """
    if target not in values:
        raise ValueError(f"values must hold the target {target!r}: got {', '.join(map(repr, values)) or 'none'}")
    length = len(times)
    context = shaped(f"values[{target!r}]", values[target], "T", T=length)
    others = {name: shaped(f"values[{name!r}]", one, "T", T=length) for name, one in values.items() if name != target}
    weights = times_uniform("by_head", by_head, "LNS", S=length)
    bars = times_uniform("received", received, "T", T=length)
    quantiles = shaped("levels", levels, "Q")
    if not np.all(np.diff(quantiles) > 0):
        raise ValueError(f"levels must rise: got {quantiles.tolist()}")
    fan = shaped("forecast", forecast, "HQ", Q=quantiles.size)
    came = shaped("actual", actual, "H", H=len(fan))

    layers, heads, _ = weights.shape
    lines = {f"L{layer + 1} H{head + 1}": weights[layer, head] for layer in range(layers) for head in range(heads)}
    rows = dict(list(lines.items())[-MOST_HEADS:])
    strip = dict(list(others.items())[:MOST_FEATURES])
    ruler = _ruler(length, len(fan), names=[*strip, *rows])
    note = _left_out(
        missing=any(np.isnan(one).any() for one in (context, *strip.values())),
        features=len(others) - len(strip),
        heads=len(lines) - len(rows),
        ahead=len(fan) - ruler.ahead,
    )

    strip_room = max(_ROW * len(strip), _LEAST_BAR) if strip else 0.0
    strip_top = _TOP + _LEGEND + _VALUES + _TIMES + _NAME
    bars_top = strip_top + (strip_room + _BETWEEN + _NAME if strip else 0.0)
    rows_top = bars_top + _BARS + _BETWEEN + _NAME
    height = rows_top + _ROW * len(rows) + _BELOW + _LINE * bool(note)
    figure = style.figure(_WIDTH, height)
    style.heading(figure, cut(title, _WIDTH - 0.3, size=style.TITLE + 1, bold=True))
    style.footnote(figure, note)

    def chart(top: float, tall: float, *, ahead: int = 0, label: str) -> Axes:
        width = ruler.step * (length + ahead)
        return axes_at(figure, left=ruler.left, bottom=height - top - tall, width=width, height=tall, label=label)

    upper = chart(_TOP + _LEGEND, _VALUES, ahead=ruler.ahead, label="values")
    _draw_values(upper, context, came[: ruler.ahead])
    ahead = np.arange(length, length + ruler.ahead, dtype=float)
    draw_fan(upper, ahead, fan[: ruler.ahead], quantiles, name_all=False)
    _frame_values(upper, name=style.with_unit(target, unit))
    upper.set_xticks(*_time_ticks(times, ruler, clock=clock))
    upper.set_xlim(-0.5, length + ruler.ahead - 0.5)
    titles = max(width_of(text, size=style.BODY) for text in (_FEATURES, _RECEIVED, _BY_HEAD))
    beside = ruler.left + max(ruler.step * length, titles) + 0.12
    if strip:
        axes = chart(strip_top, _ROW * len(strip), label="features")
        _draw_strip(axes, strip)
        bar = axes_at(figure, left=beside, bottom=height - strip_top - strip_room, width=0.12, height=strip_room)
        _deviation_bar(figure, axes, bar)
    received_chart = chart(bars_top, _BARS, label="received")
    draw_weight_bars(received_chart, bars, ticks=3, title=_RECEIVED)
    received_chart.set(xticks=[], xlim=(-0.5, bars.size - 0.5))
    lowest = chart(rows_top, _ROW * len(rows), label="heads")
    draw_weights(lowest, np.array(list(rows.values())))
    _name_rows(lowest, list(rows), title=_BY_HEAD)
    lowest.set_xticks(*lag_ticks(length, clock=clock, inches=ruler.step * length))
    tall = min(_TALLEST_BAR, rows_top - bars_top + _ROW * len(rows))
    weight_bar(figure, left=beside, bottom=height - bars_top - tall, height=tall)
    return figure


def _ruler(context: int, horizon: int, *, names: list[str]) -> _Ruler:
    """Leave room for the names on the left, and for the legends of colours to the right of the context."""
    left = max([_LEAST_LEFT, *(0.2 + min(width_of(name), _LONGEST_NAME) for name in names)])
    ahead = min(horizon, _CONTEXTS_AHEAD * context)
    ruler = _Ruler(context, ahead, left, _RIGHT)
    return ruler if ruler.step * ahead + _RIGHT >= _BAR_ROOM else _Ruler(context, ahead, left, _BAR_ROOM)


def _left_out(*, missing: bool, features: int, heads: int, ahead: int) -> str:
    """What hatching means, and what is not drawn."""
    counts = {"feature": features, "head": heads, "step ahead": ahead}
    names = {"step ahead": "steps ahead"}
    hidden = [f"{n} {name if n == 1 else names.get(name, name + 's')}" for name, n in counts.items() if n]
    left_out = f"Not drawn: {', '.join(hidden)}." if hidden else ""
    return f"{'Hatched: missing.' if missing else ''} {left_out}".strip()


def _draw_values(axes: Axes, context: FloatArray, actual: FloatArray) -> None:
    """Context and actual as lines with gaps, and hatching where the context is missing."""
    last = context.size - 1
    for step in np.flatnonzero(np.isnan(context)):
        axes.axvspan(step - 0.5, step + 0.5, facecolor="none", edgecolor=style.FAINT, hatch="/////", lw=0, zorder=0)
    axes.axvline(last, color=style.FAINT, lw=1.0, zorder=0)
    look: dict[str, Any] = {"lw": 1.4, "marker": "o", "zorder": 5}
    look["ms"] = 3 if context.size + actual.size <= _FEW_STEPS else 1.5
    axes.plot(np.arange(context.size), context, color=style.MUTED, label="context", **look)
    onwards = np.concatenate([context[-1:], actual])
    axes.plot(np.arange(last, last + onwards.size), onwards, color=style.INK, label="actual", **look)


def _frame_values(axes: Axes, *, name: str) -> None:
    style.frame(axes, xlabel="time (UTC)", ylabel=cut(name, _VALUES, size=style.BODY))
    axes.xaxis.label.set_fontsize(style.SMALL)
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_formatter(plain_numbers())
    legend(axes)


def _time_ticks(times: NDArray[np.datetime64], ruler: _Ruler, *, clock: np.timedelta64) -> tuple[list[int], list[str]]:
    """Places of round times and their names; the date stands where it changes.

    Raises:
        ValueError: The times are not steps of the clock.
    """
    months = np.datetime_data(clock)[0] in ("Y", "M")
    unit, whole = ("M", "Y") if months else ("s", "D")
    count = ruler.context + ruler.ahead
    start, step = times[0].astype(f"datetime64[{unit}]"), clock.astype(f"timedelta64[{unit}]")
    moments = start + step * np.arange(count)
    if not np.array_equal(times.astype(moments.dtype), moments[: times.size]):
        raise ValueError(f"times must be {clock} apart: got {times[0]} to {times[-1]} in {times.size} steps")
    before = int((start - start.astype(f"datetime64[{whole}]")) // step)
    most = max(2, int(count * ruler.step / _TIME_ROOM))
    places = [tick - before for tick in offsets.span_ticks(before, before + count - 1, clock=clock, most=most)]
    written = np.datetime_as_string(moments[places], unit="M" if months else "s")
    if months:
        return places, written.tolist()
    days = [text[:10] for text in written]
    hours = [text[11:16] if step % np.timedelta64(60, "s") == 0 else text[11:] for text in written]
    if set(hours) == {"00:00"}:
        return places, days
    changes = [day != previous for day, previous in zip(days, ["", *days], strict=False)]
    return places, [
        f"{hour}\n{day}" if change else hour for hour, day, change in zip(hours, days, changes, strict=True)
    ]


def _draw_strip(axes: Axes, strip: Mapping[str, FloatArray]) -> None:
    """A row per feature, white at the training mean."""
    rows = np.array(list(strip.values()))
    if np.isnan(rows).any():  # else its edge would show around the map
        axes.patch.set(facecolor="none", edgecolor=style.MUTED, hatch="/////", linewidth=0)
    look: dict[str, Any] = {"cmap": _STANDARDISED, "aspect": "auto", "interpolation": "nearest"}
    axes.imshow(rows, vmin=-_DEVIATIONS, vmax=_DEVIATIONS, **look)
    axes.spines[:].set_visible(False)
    axes.set_xticks([])
    _name_rows(axes, list(strip), title=_FEATURES)


def _deviation_bar(figure: Figure, axes: Axes, beside: Axes) -> None:
    beside.set_label("deviations")
    bar = figure.colorbar(axes.images[0], cax=beside, extend="both")
    bar.set_ticks([-_DEVIATIONS, 0, _DEVIATIONS])
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=style.SMALL, length=2, labelcolor=style.INK)


def _name_rows(axes: Axes, names: list[str], *, title: str) -> None:
    axes.set_title(title, fontsize=style.BODY, color=style.INK, loc="left")
    axes.set_yticks(range(len(names)), [cut(name, _LONGEST_NAME) for name in names], parse_math=False)
    axes.tick_params(axis="y", length=0, labelsize=style.SMALL, labelcolor=style.INK)
