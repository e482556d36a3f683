"""How good the forecasts are: error and skill by horizon step, and reliability of the quantiles."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.ticker import PercentFormatter

from headway.report import offsets, style
from headway.report.shapes import FloatArray, shaped

_LEAST_SKILL = -1.0  # below it a rival that is almost perfect would flatten all others
_MARKED_STEPS = 24  # so many horizon steps and fewer carry a marker each


def skill_by_horizon(
    errors: Mapping[str, FloatArray],
    *,
    model: str,
    metric: str,
    unit: str,
    clock: np.timedelta64,
) -> Figure:
    """Draw the error at every horizon step, and below it the skill against each rival.

    Skill is 1 - error / rival's error: 0 is no better than the rival, 1 is perfect. The axis
    ends at -100 %, an error twice the rival's.

    Args:
        errors: Error by horizon step [H] of the model and its rivals, by name; NaN is unknown.
        model: Which of the names is the model's.
        metric: Name of the error, such as 'MAE'.
        unit: Unit of the error; may be empty.
        clock: Length of one step.

    Raises:
        ValueError: The model is not among the errors, or their lengths differ.
    """
    if model not in errors:
        raise ValueError(f"errors must hold the model {model!r}: got {sorted(errors)}")
    own = shaped(f"errors[{model!r}]", errors[model], "H")
    rivals = {
        name: shaped(f"errors[{name!r}]", values, "H", H=own.size) for name, values in errors.items() if name != model
    }
    looks = {name: _rival_look(place) for place, name in enumerate(rivals)}
    looks[model] = {"color": style.MODEL, "lw": 2.6, "zorder": 4}

    inches = 5.4 if rivals else 3.4
    figure = style.figure(7.0, inches)
    grid = figure.add_gridspec(
        2 if rivals else 1,
        1,
        **style.margins(figure, left=0.7, right=1.6, bottom=0.5, top=0.4),
        hspace=0.32,
        height_ratios=[1.25, 1] if rivals else None,
    )
    upper = figure.add_subplot(grid[0])
    _draw_lines(upper, rivals | {model: own}, looks=looks)
    upper.set_ylim(bottom=0)
    style.frame(
        upper,
        ylabel=style.with_unit(metric, unit),
        title=f"{metric} by horizon step: lower is better",
    )
    panels = {upper: rivals | {model: own}}
    if rivals:
        lower = figure.add_subplot(grid[1], sharex=upper)
        with np.errstate(divide="ignore", invalid="ignore"):
            skills = {name: np.where(values > 0, 1 - own / values, np.nan) for name, values in rivals.items()}
        lower.axhline(0, color=style.INK, lw=0.9)
        _draw_lines(lower, skills, looks=looks)
        lower.set_ylim(bottom=max(_LEAST_SKILL, lower.get_ylim()[0]))
        style.frame(
            lower,
            ylabel="skill",
            title=f"Skill of {model} against each rival: above 0 is better than the rival",
        )
        lower.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))
        upper.tick_params(labelbottom=False)
        panels[lower] = skills
    lowest = list(panels)[-1]
    lowest.set_xlabel("horizon", fontsize=style.BODY, color=style.INK)
    steps = offsets.horizon_ticks(own.size, clock=clock, most=8)
    lowest.set_xticks(steps, offsets.offset_labels(steps, clock=clock))
    for axes, lines in panels.items():
        _label_ends(axes, lines, looks=looks, bold=model, inches=inches)
    return figure


def coverage(nominal: FloatArray, actual: FloatArray, *, by_horizon: FloatArray | None = None) -> Figure:
    """Draw the reliability of the quantiles: their nominal level against the share below them.

    Args:
        nominal: Levels in rising order, from 0 to 1 [Q].
        actual: Share of actuals below each quantile, from 0 to 1 [Q].
        by_horizon: The same share at every horizon step [H, Q].

    Raises:
        ValueError: The shapes disagree.
    """
    levels = shaped("nominal", nominal, "Q")
    shares = shaped("actual", actual, "Q", Q=levels.size)
    figure = style.figure(4.8, 4.8)
    axes = figure.add_axes((0.14, 0.12, 0.82, 0.79))
    axes.plot([0, 1], [0, 1], color=style.MUTED, lw=1.0, ls=style.DASHES[0], label="ideal")
    if by_horizon is not None:
        steps = shaped("by_horizon", by_horizon, "HQ", Q=levels.size)
        _draw_range(axes, levels, steps)
    axes.plot(levels, shares, color=style.MODEL, lw=2.0, marker="o", ms=5, label="all horizons")
    style.frame(
        axes,
        xlabel="nominal level of the quantile",
        ylabel="share of actuals below it",
        title="Reliability of the forecast quantiles",
    )
    axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axes.set_xticks(np.linspace(0, 1, 6))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.text(
        0.97,
        0.04,
        "below the diagonal: quantile too low",
        size=style.SMALL,
        color=style.MUTED,
        ha="right",
    )
    legend = axes.legend(
        loc="upper left",
        frameon=False,
        fontsize=style.SMALL,
        labelcolor=style.INK,
        alignment="left",
    )
    legend.set_title("above the diagonal: quantile too high", prop=FontProperties(size=style.SMALL))
    legend.get_title().set_color(style.MUTED)
    return figure


def _rival_look(place: int) -> dict[str, Any]:
    """Colour and dashes of a rival: together they tell 18 rivals apart."""
    return {
        "color": style.RIVALS[place % len(style.RIVALS)],
        "ls": style.DASHES[place // len(style.RIVALS) % len(style.DASHES)],
        "lw": 1.3,
        "zorder": 3,
    }


def _draw_lines(axes: Axes, lines: Mapping[str, FloatArray], *, looks: Mapping[str, dict[str, Any]]) -> None:
    for name, values in lines.items():
        marker = "o" if values.size <= _MARKED_STEPS else ""
        steps = np.arange(1, values.size + 1)
        axes.plot(steps, values, marker=marker, ms=4, label=name, **looks[name])


def _label_ends(
    axes: Axes,
    lines: Mapping[str, FloatArray],
    *,
    looks: Mapping[str, dict[str, Any]],
    bold: str,
    inches: float,
) -> None:
    """Write every line's name at its last known value, moved apart where names would overlap."""
    known = {name: values[np.isfinite(values)] for name, values in lines.items()}
    low, high = axes.get_ylim()
    ends = {name: float(values[-1].clip(low, high)) for name, values in known.items() if values.size}
    text_height = 1.3 * style.SMALL / 72 / (inches * axes.get_position().height)
    wished = [(end - low) / (high - low) for end in ends.values()]
    for name, end, place in zip(ends, wished, style.spread_apart(wished, least=text_height), strict=True):
        axes.annotate(
            name,
            xy=(1.0, end),
            xytext=(1.06, place),
            xycoords="axes fraction",
            textcoords="axes fraction",
            arrowprops={"arrowstyle": "-", "color": looks[name]["color"], "lw": 1.3, "shrinkB": 0},
            size=style.SMALL,
            color=style.MODEL if name == bold else style.INK,
            weight="bold" if name == bold else "normal",
            va="center",
            annotation_clip=False,
            parse_math=False,
        )


def _draw_range(axes: Axes, levels: FloatArray, steps: FloatArray) -> None:
    """The range over horizon steps [H, Q], and its first and last step."""
    axes.fill_between(
        levels,
        np.nanmin(steps, axis=0),
        np.nanmax(steps, axis=0),
        color=style.FAINT,
        lw=0,
        label="range over horizon steps",
    )
    axes.plot(levels, steps[0], color=style.RIVALS[1], lw=1.0, label="first step")
    if len(steps) > 1:
        axes.plot(levels, steps[-1], color=style.RIVALS[0], lw=1.0, label=f"last step ({len(steps)})")
