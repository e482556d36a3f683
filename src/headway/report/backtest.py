"""How the error moves through time: a backtest by forecast origin."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.figure import Figure
from numpy.typing import NDArray

from headway.report import style
from headway.report.calibration import coverage_limits, titled
from headway.report.shapes import FloatArray, shaped
from headway.report.skill import draw_errors, line_looks, own_and_rivals, stacked_charts

_REFIT_HEIGHT = 0.03  # of the chart, so that the whole mark stands on its axis

# Formats of ticks by years, months, days, hours, minutes, seconds: a day always has its month.
_TICKS = ["%Y", "%b", "%d %b", "%H:%M", "%H:%M", "%H:%M:%S"]
_FIRST_TICKS = ["", "%Y", "%d %b", "%d %b", "%H:%M", "%H:%M"]
_AT_THE_END = ["", "%Y", "%Y", "%d %b %Y", "%d %b %Y", "%d %b %Y"]


def backtest_by_origin(
    origins: NDArray[np.datetime64],
    errors: Mapping[str, FloatArray],
    *,
    model: str,
    metric: str,
    unit: str,
    coverage: FloatArray | None,
    nominal: float | None,
    refits: NDArray[np.bool_],
) -> Figure:
    """Draw the error of the model and its rivals by origin, and below it the coverage.

    The axis of the errors leaves out poor rivals as in the picture of the skill, and says so.

    Args:
        origins: Times from which forecasts were made, rising [O].
        errors: Error by origin [O] of the model and its rivals, by name; NaN is unknown.
        model: Which of the names is the model's.
        metric: Name of the error, such as 'MAE'.
        unit: Unit of the error; may be empty.
        coverage: Share of actuals inside the model's interval in percent [O]; None leaves it out.
        nominal: Coverage that the interval promises, in percent; None draws no line.
        refits: At which origins the model was fitted anew [O].

    Raises:
        ValueError: The shapes disagree, the origins do not rise, or the nominal coverage is not
            a percentage.
    """
    times = np.asarray(origins)
    if times.ndim != 1 or not times.size or times.dtype.kind != "M":
        raise ValueError(f"origins must be datetime64 of shape [O]: got {times.dtype} of shape {list(times.shape)}")
    if np.isnat(times).any() or not np.all(times[1:] > times[:-1]):
        raise ValueError("origins must be known and rise: sort errors, coverage and refits with them")
    if nominal is not None and not 1 < nominal < 100:
        raise ValueError(f"nominal must be a percentage above 1 and below 100: got {nominal:g}")
    own, rivals = own_and_rivals(errors, model=model, axis="O", O=times.size)
    refitted = shaped("refits", refits, "O", O=times.size).astype(bool)
    covered = None if coverage is None else shaped("coverage", coverage, "O", O=times.size)

    x = np.asarray(date2num(times), dtype=np.float64)  # type: ignore[no-untyped-call]
    figure, (upper, *others) = stacked_charts(errors, panels=1 if covered is None else 2)
    style.frame(upper, ylabel=style.with_unit(metric, unit))
    draw_errors(
        upper,
        x,
        own,
        rivals,
        model=model,
        looks=line_looks(rivals, model=model),
        title=f"{metric} by forecast origin: lower is better",
        note="▲ fitted anew" if refitted.any() else "",
    )
    if refitted.any():
        marks = np.full(int(refitted.sum()), _REFIT_HEIGHT)
        on_axis = upper.get_xaxis_transform()
        upper.plot(x[refitted], marks, color=style.INK, marker="^", ms=5, ls="", transform=on_axis, label="refit")
    if covered is not None:
        (lower,) = others
        style.frame(lower, ylabel="coverage (%)")
        _draw_coverage(lower, x, covered, nominal=nominal)
        upper.tick_params(labelbottom=False)
    _label_times(figure.axes[-1], x, times)
    return figure


def _draw_coverage(axes: Axes, x: FloatArray, covered: FloatArray, *, nominal: float | None) -> None:
    title = "Coverage by forecast origin"
    if nominal is None:
        axes.set_ylim(-2, 102)
    else:
        axes.axhline(nominal, color=style.INK, lw=1.0, ls=style.DASHES[1], label="nominal")
        axes.set_ylim(coverage_limits(covered, nominal))
        title += f": nominal {nominal:.3g} % is dotted"
    axes.plot(x, covered, color=style.MODEL, lw=1.8, marker="o", ms=4, label="coverage")
    titled(axes, title, "")


def _label_times(axes: Axes, x: FloatArray, times: NDArray[np.datetime64]) -> None:
    axes.set_xlabel("forecast origin", fontsize=style.BODY, color=style.INK)
    if x.size == 1:
        axes.set_xlim(x[0] - 1, x[0] + 1)
        axes.set_xticks(x, [np.datetime_as_string(times[0], unit="m").replace("T", " ")])
        return
    edge = 0.03 * float(x[-1] - x[0])
    axes.set_xlim(x[0] - edge, x[-1] + edge)
    # Matplotlib has no types for dates.
    locator = AutoDateLocator(minticks=3, maxticks=8)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    formatter = ConciseDateFormatter(  # type: ignore[no-untyped-call]
        locator, formats=_TICKS, zero_formats=_FIRST_TICKS, offset_formats=_AT_THE_END
    )
    axes.xaxis.set_major_formatter(formatter)
    axes.xaxis.get_offset_text().set(size=style.SMALL, color=style.INK)
