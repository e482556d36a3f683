"""Forecasts of chosen windows: what was seen, what came, and the fan of forecast quantiles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from headway.report import offsets, style
from headway.report.fan import draw_fan, widened
from headway.report.shapes import FloatArray, shaped

MOST_WINDOWS = 6
_COLUMNS = 3
_CONTEXT_PER_HORIZON = 3  # so many horizons of context are drawn, so that the forecast stays wide
_LEAST_CONTEXT = 24
_FEW_VALUES = 30


@dataclass(frozen=True)
class ForecastWindow:
    """One forecast beside what happened, all in the target's unit.

    Attributes:
        label: Why it is shown, such as 'best'.
        series: Name of the series.
        origin: Time of the last step of the context.
        context: The target over the context [T]; NaN is missing.
        actual: The target over the horizon [H]; NaN is missing.
        forecast: Forecast quantiles [H, Q]; Q = 1 is a point forecast.
        quantiles: Levels in rising order [Q].
        error: Mean absolute error of the window.
        rivals: Point forecasts of rivals by name [H].

    Raises:
        ValueError: A shape disagrees with the others, or the levels do not rise within (0, 1).
    """

    label: str
    series: str
    origin: np.datetime64
    context: FloatArray
    actual: FloatArray
    forecast: FloatArray
    quantiles: FloatArray
    error: float
    rivals: Mapping[str, FloatArray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shaped("context", self.context, "T")
        horizon = shaped("actual", self.actual, "H").size
        levels = shaped("quantiles", self.quantiles, "Q")
        shaped("forecast", self.forecast, "HQ", H=horizon, Q=levels.size)
        for name, values in self.rivals.items():
            shaped(f"rivals[{name!r}]", values, "H", H=horizon)
        rising = bool(np.all(np.diff(levels) > 0) and levels[0] > 0 and levels[-1] < 1)
        if levels.size > 1 and not rising:
            raise ValueError(f"quantiles must rise within (0, 1): got {levels.tolist()}")


def forecast_fans(
    windows: Sequence[ForecastWindow],
    *,
    target: str,
    unit: str,
    clock: np.timedelta64,
    zone: str = "UTC",
) -> Figure:
    """Draw up to six windows side by side, each with its context, actuals and forecast.

    Of a long context only the end is drawn: three horizons of it, and at least 24 steps.

    Args:
        windows: What to draw, in this order.
        target: Name of the target.
        unit: Unit of all values; may be empty.
        clock: Length of one step.
        zone: Name of the time zone of the origins.

    Raises:
        ValueError: There is no window, or more than six.
    """
    if not 1 <= len(windows) <= MOST_WINDOWS:
        raise ValueError(f"windows must be 1 to {MOST_WINDOWS}: got {len(windows)}")
    rows = 1 if len(windows) <= _COLUMNS else 2
    columns = ceil(len(windows) / rows)
    figure = style.figure(max(6.0, 3.7 * columns + 0.5), 2.9 * rows + 0.75)
    grid = figure.add_gridspec(
        rows,
        columns,
        **style.margins(figure, left=0.75, right=0.2, bottom=1.0, top=0.5),
        wspace=0.2,
        hspace=0.5,
    )
    legend: dict[str, Artist] = {}
    for place, window in enumerate(windows):
        row, column = divmod(place, columns)
        axes = figure.add_subplot(grid[row, column])
        _draw_window(axes, window, clock=clock)
        lowest = place + columns >= len(windows)
        style.frame(
            axes,
            xlabel="time from the forecast's origin" if lowest else "",
            ylabel=style.with_unit(target, unit) if column == 0 else "",
        )
        title = _title(window, unit=unit, clock=clock, zone=zone)
        axes.set_title(title, fontsize=style.BODY, color=style.INK, loc="left", parse_math=False)
        handles, names = axes.get_legend_handles_labels()
        legend.update(zip(names, handles, strict=True))
    shown = figure.legend(
        list(legend.values()),
        list(legend),
        loc="lower center",
        ncols=min(len(legend), 3 * columns if columns > 1 else 4),
        frameon=False,
        fontsize=style.SMALL,
        labelcolor=style.INK,
        columnspacing=1.4,
        borderaxespad=0.2,
    )
    for text in shown.get_texts():
        text.set_parse_math(False)
    return figure


def _draw_window(axes: Axes, window: ForecastWindow, *, clock: np.timedelta64) -> None:
    horizon = len(window.actual)
    drawn = min(len(window.context), max(_LEAST_CONTEXT, _CONTEXT_PER_HORIZON * horizon))
    past = np.arange(1 - drawn, 1, dtype=float)
    ahead = np.arange(1, horizon + 1, dtype=float)
    context = np.asarray(window.context, dtype=float)[-drawn:]
    axes.axvline(0, color=style.FAINT, lw=1.0, zorder=0)
    draw_fan(axes, ahead, np.asarray(window.forecast, dtype=float), np.asarray(window.quantiles, dtype=float))
    for place, (name, values) in enumerate(window.rivals.items()):
        axes.plot(
            *widened(ahead, np.asarray(values, dtype=float)),
            color=style.RIVALS[place % len(style.RIVALS)],
            ls=style.DASHES[place % len(style.DASHES)],
            lw=1.1,
            label=f"rival: {name}",
            zorder=3,
        )
    _draw_observed(axes, past, context, name="context", colour=style.MUTED)
    _draw_observed(
        axes,
        np.arange(horizon + 1, dtype=float),
        np.concatenate([context[-1:], window.actual]),
        name="actual",
        colour=style.INK,
    )
    steps = offsets.span_ticks(1 - drawn, horizon, clock=clock, most=7)
    axes.set_xticks(steps, offsets.offset_labels(steps, clock=clock))
    axes.margins(x=0.02)


def _draw_observed(axes: Axes, steps: FloatArray, values: FloatArray, *, name: str, colour: str) -> None:
    """A line with a gap where values are missing; few values, and any alone, are points too."""
    missing = np.concatenate([[True], np.isnan(values), [True]])
    alone = missing[:-2] & ~missing[1:-1] & missing[2:]
    pointed = alone if values.size > _FEW_VALUES else ~missing[1:-1]
    axes.plot(
        steps,
        values,
        color=colour,
        lw=1.4,
        marker="o",
        ms=3,
        markevery=pointed.tolist(),
        label=name,
        zorder=5,
    )


def _title(window: ForecastWindow, *, unit: str, clock: np.timedelta64, zone: str) -> str:
    calendar = np.datetime_data(clock)[0] in ("Y", "M")
    whole_days = calendar or clock % np.timedelta64(1, "D") == np.timedelta64(0)
    origin = np.datetime_as_string(window.origin, unit="D" if whole_days else "m")
    error = f"MAE {window.error:.3g} {unit}".rstrip()
    return f"{window.label}: {window.series}, {error}\nfrom {origin.replace('T', ' ')} {zone}"
