"""How honest the quantiles are: reliability, PIT histogram, and coverage by horizon step."""

from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import PercentFormatter

from headway.report import offsets, style
from headway.report.shapes import FloatArray, shaped

_MARKED_STEPS = 24  # so many horizon steps and fewer carry a marker each
_CLOSE_TO_NOMINAL = 5.0  # percentage points around it that an axis of coverage always shows
_INTERVALS = (style.MODEL, *style.RIVALS)
_BEFORE: dict[str, Any] = {"color": style.MUTED, "lw": 1.3, "ls": style.DASHES[0]}
_IDEAL: dict[str, Any] = {"color": style.INK, "lw": 1.0, "ls": style.DASHES[1]}


def calibration(
    levels: FloatArray,
    shares: FloatArray,
    *,
    overall: FloatArray,
    raw: FloatArray | None = None,
    raw_overall: FloatArray | None = None,
    clock: np.timedelta64,
) -> Figure:
    """Draw nominal levels against what came, before and after calibration, in three panels.

    Reliability: the share of actuals at or below each quantile; ideal is the level itself.
    PIT histogram (Gneiting, Balabdaoui and Raftery, 2007): the share of actuals between
    neighbouring quantiles over the nominal one; ideal is 1 everywhere. Coverage: the share inside
    every interval between levels l and 1 - l, by horizon step; left out where there is none.

    Args:
        levels: Nominal levels of the quantiles, rising, within (0, 1) [Q].
        shares: Share of actuals at or below each quantile, from 0 to 1, by step [H, Q]; NaN is
            unknown.
        overall: The same over all steps [Q].
        raw: The shares before conformal calibration [H, Q]; None if there was none.
        raw_overall: The same over all steps [Q]; given together with `raw`.
        clock: Length of one step.

    Raises:
        ValueError: The shapes disagree, the levels do not rise within (0, 1), a share is not
            from 0 to 1, or only one of `raw` and `raw_overall` is given.
    """
    nominal = shaped("levels", levels, "Q")
    if not (np.all(np.diff(nominal) > 0) and nominal[0] > 0 and nominal[-1] < 1):
        raise ValueError(f"levels must rise within (0, 1): got {nominal.tolist()}")
    if (raw is None) != (raw_overall is None):
        raise ValueError("raw and raw_overall belong together: give both, or neither where nothing was calibrated")
    count = nominal.size
    steps = _shares("shares", shares, "HQ", Q=count)
    after = _shares("overall", overall, "Q", Q=count)
    raw_steps = None if raw is None else _shares("raw", raw, "HQ", H=len(steps), Q=count)
    before = None if raw_overall is None else _shares("raw_overall", raw_overall, "Q", Q=count)

    pairs = symmetric_pairs(nominal)
    panels = 3 if pairs else 2
    figure = style.figure(3.25 * panels - 0.05, 3.85)
    grid = figure.add_gridspec(
        1, panels, **style.margins(figure, left=0.62, right=0.5, bottom=0.88, top=0.72), wspace=0.33
    )
    axes = [figure.add_subplot(grid[0, column]) for column in range(panels)]
    _draw_reliability(axes[0], nominal, steps, after, before)
    _draw_histogram(axes[1], nominal, after, before)
    if pairs:
        _draw_coverage(axes[2], nominal, steps, raw_steps, pairs=pairs, clock=clock)
    _legend(figure, calibrated=before is not None)
    return figure


def symmetric_pairs(levels: FloatArray) -> list[tuple[int, int]]:
    """Return the places of levels l and 1 - l, from the widest interval to the narrowest."""
    return [
        (low, high)
        for low in range(levels.size)
        for high in range(low + 1, levels.size)
        if np.isclose(levels[low] + levels[high], 1)
    ]


def coverage_limits(values: FloatArray, *nominal: float) -> tuple[float, float]:
    """Return the ends of an axis of coverage in percent: all values, and what is close to nominal."""
    shown = np.concatenate([values[np.isfinite(values)], nominal])
    low = min(shown.min() - 2, min(nominal) - _CLOSE_TO_NOMINAL)
    high = max(shown.max() + 2, max(nominal) + _CLOSE_TO_NOMINAL)
    return float(max(low, -2)), float(min(high, 102))


def titled(axes: Axes, title: str, note: str) -> None:
    """Write the title of a chart and, between it and the chart, a small note that may be empty."""
    lines = len(note.splitlines())
    pad = 6 + 1.25 * style.SMALL * lines
    axes.set_title(title, fontsize=style.TITLE, color=style.INK, loc="left", pad=pad, parse_math=False)
    if note:
        axes.annotate(
            note,
            xy=(0, 1),
            xytext=(0, 4),
            xycoords="axes fraction",
            textcoords="offset points",
            size=style.SMALL,
            color=style.MUTED,
            va="bottom",
            annotation_clip=False,
            parse_math=False,
        )


def _shares(name: str, array: FloatArray, letters: str, **sizes: int) -> FloatArray:
    values = shaped(name, array, letters, **sizes)
    strange = values[(values < 0) | (values > 1)]
    if strange.size:
        raise ValueError(f"{name} must be from 0 to 1: got {strange[0]:g}. Divide percentages by 100.")
    return values


def _draw_reliability(
    axes: Axes, levels: FloatArray, steps: FloatArray, after: FloatArray, before: FloatArray | None
) -> None:
    low, high = np.fmin.reduce(steps, axis=0), np.fmax.reduce(steps, axis=0)
    axes.fill_between(levels, low, high, color=style.FAINT, lw=0, label="range over horizon steps")
    axes.plot([0, 1], [0, 1], label="ideal", **_IDEAL)
    if before is not None:
        axes.plot(levels, before, marker="o", ms=3, label="before calibration", **_BEFORE)
    axes.plot(levels, after, color=style.MODEL, lw=2.6, marker="o", ms=5, label="overall")
    style.frame(axes, xlabel="nominal level of the quantile", ylabel="share of actuals below it")
    titled(axes, "Reliability", "above the diagonal: quantile too high\nbelow it: too low")
    axes.set(xlim=(0, 1), ylim=(0, 1))
    _percent_ticks(axes)
    axes.set_yticks(np.linspace(0, 1, 6))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))


def _draw_histogram(axes: Axes, levels: FloatArray, after: FloatArray, before: FloatArray | None) -> None:
    edges = np.array([0.0, *levels, 1.0])
    widths = np.diff(edges)
    heights = np.diff(after, prepend=0, append=1) / widths
    axes.bar(edges[:-1], heights, widths, align="edge", color=style.MODEL, alpha=0.55, ec="white", lw=0.8)
    shown = heights
    if before is not None:
        outline = np.diff(before, prepend=0, append=1) / widths
        axes.stairs(outline, edges, label="before calibration", **_BEFORE)
        shown = np.concatenate([heights, outline])
    axes.axhline(1, label="ideal", **_IDEAL)
    style.frame(axes, xlabel="level that the actual reached", ylabel="actuals / nominal")
    titled(axes, "PIT histogram", "U-shape: intervals too narrow\nhump: too wide; slope: biased")
    highest = max([1.5, *(1.08 * shown[np.isfinite(shown)])])
    axes.set(xlim=(0, 1), ylim=(0, highest))
    _percent_ticks(axes)


def _draw_coverage(
    axes: Axes,
    levels: FloatArray,
    steps: FloatArray,
    raw_steps: FloatArray | None,
    *,
    pairs: list[tuple[int, int]],
    clock: np.timedelta64,
) -> None:
    """A line per interval in percent, its nominal coverage dotted and named at the right."""
    horizon = len(steps)
    x = np.arange(1, horizon + 1)
    nominal = [100 * float(levels[high] - levels[low]) for low, high in pairs]
    lows, highs = (list(places) for places in zip(*pairs, strict=True))
    covered = 100 * (steps[:, highs] - steps[:, lows])  # [H, Q] -> [H, interval]
    raw_covered = None if raw_steps is None else 100 * (raw_steps[:, highs] - raw_steps[:, lows])
    marker = "o" if horizon <= _MARKED_STEPS else ""
    for place, level in enumerate(nominal):
        colour, name = _INTERVALS[place % len(_INTERVALS)], f"{level:.3g} %"
        axes.axhline(level, **{**_IDEAL, "color": colour}, label=f"nominal {name}")
        axes.plot(x, covered[:, place], color=colour, lw=2.0, marker=marker, ms=4, label=name, zorder=4)
        if raw_covered is not None:
            axes.plot(
                *(x, raw_covered[:, place]),
                **{**_BEFORE, "color": colour},
                marker=marker,
                ms=2.5,
                label=f"{name} before calibration",
                zorder=3,
            )
    style.frame(axes, xlabel="horizon", ylabel="coverage (%)")
    titled(axes, "Coverage by horizon", "above its dotted line: interval too wide\nbelow it: too narrow")
    shown = covered if raw_covered is None else np.concatenate([covered, raw_covered])
    low, high = coverage_limits(shown.ravel(), *nominal)
    axes.set_ylim(low, high)
    edge = 0.4 if horizon == 1 else 0.04 * (horizon - 1)
    axes.set_xlim(1 - edge, horizon + edge)
    ticks = offsets.horizon_ticks(horizon, clock=clock, most=4)
    axes.set_xticks(ticks, offsets.offset_labels(ticks, clock=clock))
    # Taller than its letters: the same spacing as the names of lines in other pictures.
    inches = axes.get_window_extent().height / axes.figure.dpi
    wished = [(level - low) / (high - low) for level in nominal]
    spread = style.spread_apart(wished, least=1.3 * style.SMALL / 72 / inches)
    for place, level in enumerate(nominal):
        axes.annotate(
            f"{level:.3g} %",
            xy=(1.0, spread[place]),
            xytext=(4, 0),
            xycoords="axes fraction",
            textcoords="offset points",
            size=style.SMALL,
            weight="bold",
            color=_INTERVALS[place % len(_INTERVALS)],
            va="center",
            annotation_clip=False,
        )


def _percent_ticks(axes: Axes) -> None:
    axes.set_xticks(np.linspace(0, 1, 6))
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))


def _legend(figure: Figure, *, calibrated: bool) -> None:
    """One legend for all panels: what is solid, dashed, dotted and grey means the same in each."""
    solid = "after calibration" if calibrated else "forecast"
    handles: list[Artist] = [Line2D([], [], color=style.MODEL, lw=2.6, label=solid)]
    if calibrated:
        handles.append(Line2D([], [], label="before calibration", **_BEFORE))
    handles += [
        Line2D([], [], label="ideal", **_IDEAL),
        Patch(color=style.FAINT, label="range over horizon steps"),
    ]
    figure.legend(
        handles=handles,
        loc="lower center",
        ncols=len(handles),
        frameon=False,
        fontsize=style.BODY,
        labelcolor=style.INK,
        columnspacing=1.6,
        handlelength=2.6,
    )
