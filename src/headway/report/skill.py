"""How good the forecasts are beside their rivals: error and skill by horizon step.

The lines of a comparison (their looks, their common scale, the names at their ends) are also what
a backtest is drawn with.
"""

from collections.abc import Callable, Collection, Mapping
from math import ceil
from operator import itemgetter
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from headway.report import offsets, style
from headway.report.calibration import titled
from headway.report.shapes import FloatArray, shaped

_LEAST_SKILL = -1.0  # below it a rival that is almost perfect would flatten all others
_MARKED_POINTS = 24  # so many points and fewer carry a marker each
_SQUEEZED = 2.0  # an error so many times the highest of the better half is one of a poor rival
_HEADROOM = 1.4  # over the highest of the better half, where a poor rival does not set the scale
_SQUEEZED_SKILL = 3.0  # the same for skills, of which none is above 1
_SMALL_SKILL = 0.15  # better rivals are seldom so far behind; their scale is not made finer
_WHOLE_PERCENT = 0.1  # a longer axis has its ticks at whole percentages
_NAMED = 3  # poor rivals named in the note
_CHART_INCHES = 4.9  # between the margins


def skill_by_horizon(
    errors: Mapping[str, FloatArray],
    *,
    model: str,
    metric: str,
    unit: str,
    clock: np.timedelta64,
    intervals: Mapping[str, FloatArray] | None = None,
) -> Figure:
    """Draw the error at every horizon step, and below it the skill against each rival.

    Skill is 1 - error / rival's error: 0 is no better than the rival, 1 is perfect. Its axis ends
    at -100 %, an error twice the rival's. Poor rivals do not squeeze the others flat: the axis of
    the errors ends as `scale_limit` describes, that of the skill likewise, and whatever lies
    beyond is written down with its value.

    Args:
        errors: Error by horizon step [H] of the model and its rivals, by name; NaN is unknown.
        model: Which of the names is the model's.
        metric: Name of the error, such as 'MAE'.
        unit: Unit of the error; may be empty.
        clock: Length of one step.
        intervals: Lower and upper end [H, 2] of the 95 % interval of the skill, by rival, as parts
            of 1. Only that against the strongest rival, the one of the lowest mean error, is drawn.

    Raises:
        ValueError: The model is not among the errors, their lengths differ, or an interval
            has another shape or belongs to no rival.
    """
    own, rivals = own_and_rivals(errors, model=model)
    bands = _checked_intervals(intervals or {}, rivals, horizon=own.size)
    looks = line_looks(rivals, model=model)
    figure, (upper, *others) = stacked_charts(errors, panels=2 if rivals else 1)
    steps = np.arange(1, own.size + 1, dtype=float)

    style.frame(upper, ylabel=style.with_unit(metric, unit))
    draw_errors(
        upper,
        steps,
        own,
        rivals,
        model=model,
        looks=looks,
        title=f"{metric} by horizon step: lower is better",
    )
    if others:
        (lower,) = others
        style.frame(lower, ylabel="skill")
        _draw_skills(lower, steps, own, rivals, bands=bands, model=model, looks=looks)
        upper.tick_params(labelbottom=False)
    lowest = figure.axes[-1]
    lowest.set_xlabel("horizon", fontsize=style.BODY, color=style.INK)
    ticks = offsets.horizon_ticks(own.size, clock=clock, most=8)
    lowest.set_xticks(ticks, offsets.offset_labels(ticks, clock=clock))
    edge = 0.4 if own.size == 1 else 0.03 * (own.size - 1)
    lowest.set_xlim(1 - edge, own.size + edge)
    return figure


def own_and_rivals(
    errors: Mapping[str, FloatArray], *, model: str, axis: str = "H", **sizes: int
) -> tuple[FloatArray, dict[str, FloatArray]]:
    """Return the model's errors and its rivals', of the same length, by name.

    Args:
        errors: Errors by name [H].
        model: Which of the names is the model's.
        axis: Letter of their axis in a message.
        sizes: Its length, by letter, where it is known.

    Raises:
        ValueError: The model is not among the errors, or their lengths differ.
    """
    if model not in errors:
        raise ValueError(f"errors must hold the model {model!r}: got {sorted(errors)}")
    own = shaped(f"errors[{model!r}]", errors[model], axis, **sizes)
    others = {name: values for name, values in errors.items() if name != model}
    return own, {name: shaped(f"errors[{name!r}]", values, axis, **{axis: own.size}) for name, values in others.items()}


def line_looks(rivals: Collection[str], *, model: str) -> dict[str, dict[str, Any]]:
    """Look of every line: the model bold, rivals by colour and dashes, which tell 18 apart."""
    colours, dashes = style.RIVALS, style.DASHES
    looks: dict[str, dict[str, Any]] = {
        name: {
            "color": colours[place % len(colours)],
            "ls": dashes[(place + place // len(colours)) % len(dashes)],
            "lw": 1.5,
            "ms": 3,
            "zorder": 3,
        }
        for place, name in enumerate(rivals)
    }
    return looks | {model: {"color": style.MODEL, "lw": 2.6, "ms": 5, "zorder": 4}}


def scale_limit(own: FloatArray, rivals: Mapping[str, FloatArray]) -> float | None:
    """Return where the axis of the errors ends so that poor rivals do not squeeze all others flat.

    The highest error of the model and of the better half of its rivals, by mean error, sets the
    scale as soon as any other error is more than twice as high; otherwise all are shown: None.
    """
    reference = _highest([own, *(rivals[name] for name in _from_strongest(rivals, better_half=True))])
    squeezed = reference > 0 and _highest(list(rivals.values())) > _SQUEEZED * reference
    return _HEADROOM * reference if squeezed else None


def stacked_charts(names: Collection[str], *, panels: int) -> tuple[Figure, list[Axes]]:
    """Return one or two charts over a common x axis, with room for the names at their lines' ends."""
    right = max(1.6, 0.55 + 0.06 * (max(map(len, names)) + len(" ↑ 12.3")))
    figure = style.figure(0.7 + _CHART_INCHES + right, 6.2 if panels > 1 else 3.6)
    grid = figure.add_gridspec(
        panels,
        1,
        **style.margins(figure, left=0.7, right=right, bottom=0.5, top=0.6),
        hspace=0.32,
        height_ratios=[1.15, 1] if panels > 1 else None,
    )
    upper = figure.add_subplot(grid[0])
    return figure, [upper] + [figure.add_subplot(grid[row], sharex=upper) for row in range(1, panels)]


def draw_errors(
    axes: Axes,
    x: FloatArray,
    own: FloatArray,
    rivals: Mapping[str, FloatArray],
    *,
    model: str,
    looks: Mapping[str, dict[str, Any]],
    title: str,
    note: str = "",
) -> None:
    """Draw the errors of the model and its rivals on a scale from 0, and say who is off it."""
    lines = {**rivals, model: own}
    limit = scale_limit(own, rivals)
    draw_lines(axes, x, lines, looks=looks)
    axes.set_ylim(0, limit)
    off = {} if limit is None else {name: values for name, values in rivals.items() if np.fmin.reduce(values) > limit}
    titled(axes, title, "   ".join(filter(None, (note, _off_the_scale(off)))))
    label_ends(axes, {name: values for name, values in lines.items() if name not in off}, looks=looks, bold=model)


def draw_lines(
    axes: Axes,
    x: FloatArray,
    lines: Mapping[str, FloatArray],
    *,
    looks: Mapping[str, dict[str, Any]],
) -> None:
    """Draw a line per name; few points carry a marker each."""
    for name, values in lines.items():
        axes.plot(x, values, marker="o" if x.size <= _MARKED_POINTS else "", label=name, **looks[name])


def label_ends(
    axes: Axes,
    lines: Mapping[str, FloatArray],
    *,
    looks: Mapping[str, dict[str, Any]],
    bold: str,
    words: Callable[[float], str] = "{:.3g}".format,
) -> None:
    """Write every line's name at its last known value, moved apart where names would overlap.

    A name whose line has left the axis carries the value in `words`.
    """
    low, high = axes.get_ylim()
    known = {name: values[np.isfinite(values)] for name, values in lines.items()}
    # In rising order, so that lines beyond the same edge keep theirs.
    ends = dict(sorted(((name, float(values[-1])) for name, values in known.items() if values.size), key=itemgetter(1)))
    inches = axes.get_window_extent().height / axes.figure.dpi
    least = 1.3 * style.SMALL / 72 / inches
    wished = [float(np.clip((end - low) / (high - low), 0, 1)) for end in ends.values()]
    for (name, end), edge, place in zip(ends.items(), wished, _inside(wished, least=least), strict=True):
        beyond = "↑" if end > high else "↓" if end < low else ""
        axes.annotate(
            f"{name} {beyond} {words(end)}" if beyond else name,
            xy=(1.0, edge),
            xytext=(1.08, place),
            xycoords="axes fraction",
            textcoords="axes fraction",
            arrowprops={
                "arrowstyle": "-",
                "color": looks[name]["color"],
                "lw": looks[name]["lw"],
                "ls": looks[name].get("ls", "-"),
                "relpos": (0, 0.5),
                "shrinkA": 2,
                "shrinkB": 0,
            },
            size=style.SMALL,
            color=style.MODEL if name == bold else style.INK,
            weight="bold" if name == bold else "normal",
            va="center",
            annotation_clip=False,
            parse_math=False,
        )


def _checked_intervals(
    intervals: Mapping[str, FloatArray], rivals: Collection[str], *, horizon: int
) -> dict[str, FloatArray]:
    strangers = sorted(set(intervals) - set(rivals))
    if strangers:
        raise ValueError(f"intervals must be of rivals among {sorted(rivals)}: got {strangers}")
    return {name: shaped(f"intervals[{name!r}]", ends, "HE", H=horizon, E=2) for name, ends in intervals.items()}


def _draw_skills(
    axes: Axes,
    steps: FloatArray,
    own: FloatArray,
    rivals: Mapping[str, FloatArray],
    *,
    bands: Mapping[str, FloatArray],
    model: str,
    looks: Mapping[str, dict[str, Any]],
) -> None:
    with np.errstate(divide="ignore", invalid="ignore"):
        skills = {name: np.where(values > 0, 1 - own / values, np.nan) for name, values in rivals.items()}
    strongest = next(iter(_from_strongest(rivals)), "")
    shown = [skills[name] for name in _from_strongest(rivals, better_half=True)]
    note = ""
    if strongest in bands:
        note = f"band: 95 % interval against {strongest}, the strongest rival"
        lower, upper = bands[strongest].T
        shown.append(upper)
        # A single step would have no width to fill.
        x = steps if steps.size > 1 else steps[0] + np.array([-0.1, 0.1])
        axes.fill_between(x, lower, upper, color=looks[strongest]["color"], alpha=0.25, lw=0, label=note, zorder=1)
    axes.axhline(0, color=style.INK, lw=0.9)
    draw_lines(axes, steps, skills, looks=looks)
    reference = max(_SMALL_SKILL, _highest(shown))
    squeezed = _highest(list(skills.values())) > _SQUEEZED_SKILL * reference
    low, high = axes.get_ylim()
    low, high = max(_LEAST_SKILL, low), _HEADROOM * reference if squeezed else high
    axes.set_ylim(low, high)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0 if high - low > _WHOLE_PERCENT else None))
    titled(axes, f"Skill of {model} against each rival: above 0 is better", note)
    label_ends(axes, skills, looks=looks, bold=model, words="{:.0%}".format)


def _from_strongest(rivals: Mapping[str, FloatArray], *, better_half: bool = False) -> list[str]:
    """Names of rivals of known errors from the lowest mean error to the highest; all or a half."""
    means = {name: values[np.isfinite(values)].mean() for name, values in rivals.items() if np.isfinite(values).any()}
    ranked = sorted(means, key=means.__getitem__)
    return ranked[: ceil(len(ranked) / 2)] if better_half else ranked


def _highest(lines: list[FloatArray]) -> float:
    """The highest known value; of none, one below all."""
    return max((float(values[np.isfinite(values)].max(initial=-np.inf)) for values in lines), default=-np.inf)


def _off_the_scale(rivals: Mapping[str, FloatArray]) -> str:
    """Who is not to be seen, with the mean error; a few by name."""
    words = [f"{name}: off the scale, {np.nanmean(values):.3g}" for name, values in rivals.items()]
    more = [f"and {len(words) - _NAMED} more"] if len(words) > _NAMED else []
    return "   ".join(words[:_NAMED] + more)


def _inside(positions: list[float], *, least: float) -> list[float]:
    """The positions spread apart and, where all fit, kept between 0 and 1."""
    spread = np.array(style.spread_apart(positions, least=least))
    ranks = np.argsort(np.argsort(spread, kind="stable"), kind="stable")
    room = max(0.0, 1 - (spread.size - 1) * least)
    return list(np.clip(spread - ranks * least, 0, room) + ranks * least)
