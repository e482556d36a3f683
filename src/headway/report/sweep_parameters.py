"""Pictures of what a sweep varied: the importance of its parameters, and every trial's values of them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from numbers import Real
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, PercentFormatter

from headway.report import style
from headway.report.shapes import FloatArray
from headway.report.sweep_frame import WIDTH, checked_scores, cut, limits, rows, sentence, width_of

_MOST_BARS = 30
_LONGEST_NAME, _PERCENT = 3.4, 0.8  # inches
_HEIGHT, _BELOW, _TITLE = 4.3, 0.4, 0.5  # inches
_LONGEST_TICK, _GAP, _LINE = 1.4, 0.13, 0.155  # inches; the last the height of a line of small type
_NARROW, _SLANT, _LONGEST_SLANTED = 0.95, 35.0, 1.9  # names of axes nearer than so many inches slant, in degrees
_LEAST = 0.06  # between ticks, as a part of the axis
_FEW_NUMBERS = 8  # so many different numbers and fewer are all ticks
_FEW_TRIALS = 40  # more are drawn thinner
_BEST_WIDTH = 3.2  # points
_BAR = 0.08  # inches, of the colours along the score


def importance(names: Sequence[str], shares: Sequence[float]) -> Figure:
    """Draw how much of the differences between trials each parameter explains, the largest share first.

    Args:
        names: Names of the parameters [P].
        shares: Share of each as a part of 1 [P]; one that is not finite is left out.

    Raises:
        ValueError: The lengths differ, or a share is negative.
    """
    if len(names) != len(shares):
        raise ValueError(f"names must be as many as shares: got {len(names)} and {len(shares)}")
    values = checked_scores(shares)
    if (values < 0).any():
        raise ValueError(f"shares must not be negative: got {np.nanmin(values):g}")
    title = "Importance of the parameters"
    order = [place for place in np.argsort(-values, kind="stable") if np.isfinite(values[place])]
    if not order:
        return sentence("The importance of the parameters is not known: too few trials, or equal scores.", title=title)
    drawn, left_out = order[:_MOST_BARS], order[_MOST_BARS:]
    labels = [cut(names[place], _LONGEST_NAME) for place in drawn]
    figure, axes = rows(labels, title=title, right=_PERCENT)
    axes.barh(range(len(drawn)), values[drawn], height=0.62, color=style.MODEL)
    for row, place in enumerate(drawn):
        axes.annotate(
            f"{100 * values[place]:.1f} %",
            (values[place], row),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            size=style.SMALL,
            color=style.INK,
        )
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x", color=style.FAINT, linewidth=0.6)
    axes.set_xlim(0, max(float(values[drawn].max()), 0.01))
    axes.set_xlabel("share of the differences between trials")
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    rest = f"and {len(left_out)} more parameters with {100 * values[left_out].sum():.1f} % together"
    style.footnote(figure, rest if left_out else "")
    return figure


def parallel_coordinates(
    parameters: Mapping[str, Sequence[object]],
    scores: Sequence[float | None],
    *,
    log: Collection[str] = (),
    unit: str = "",
) -> Figure:
    """Draw every trial as a line through its parameters to its score; the darkest are the best, on top the best of all.

    Trials without a score are left out. Lower is better.

    Args:
        parameters: Value of each trial [K] by name of the parameter. Where all are numbers, as such or
            in text, the axis is one of numbers, otherwise of categories: numbers before truth values before
            text. A line has a gap where the value is None or a number that is not finite.
        scores: Error of each trial [K] in its unit; None, NaN and infinities are no scores.
        log: Parameters on a logarithmic axis; those with a value of 0 or below stay on a straight one.
        unit: Unit of the scores; may be empty.

    Raises:
        ValueError: A parameter has more or fewer values than there are scores.
    """
    for name, values in parameters.items():
        if len(values) != len(scores):
            raise ValueError(f"parameters[{name!r}] must have a value per score: got {len(values)} for {len(scores)}")
    title = "Parameters and score of every trial: lower and darker is better"
    errors = checked_scores(scores)
    kept = np.flatnonzero(np.isfinite(errors))
    if not kept.size:
        return sentence("No trial has a score." if len(scores) else "There is no trial yet.", title=title)
    upright = {
        name: _parameter_axis([values[trial] for trial in kept.tolist()], log=name in log)
        for name, values in parameters.items()
    }
    upright[style.with_unit("score", unit)] = _score_axis(errors[kept])
    figure, axes, spacing = _parallel_frame(upright)
    style.heading(figure, title)
    heights = np.column_stack([axis.places for axis in upright.values()])  # [K, P + 1]
    colours = colormaps[style.COLOUR_MAP]
    order = np.argsort(-errors[kept], kind="stable")
    few = kept.size <= _FEW_TRIALS
    best = int(np.argmin(errors[kept]))
    for depth, trial in enumerate([trial for trial in order if trial != best] + [best]):
        look: dict[str, Any] = {"lw": 1.5 if few else 0.9, "alpha": 0.85 if few else 0.6, "ms": 3.5 if few else 2}
        look |= {"lw": _BEST_WIDTH, "alpha": 1.0, "ms": 6.5} if trial == best else {}
        colour = colours(heights[trial, -1])
        axes.plot(heights[trial], color=colour, marker="o", zorder=2 + depth / kept.size, clip_on=False, **look)
    for place, axis in enumerate(upright.values()):
        _draw_ticks(axes, place, axis, spacing=spacing, last=place == len(upright) - 1)
    left_out = len(scores) - kept.size
    style.footnote(figure, f"{left_out} of {len(scores)} trials without a score" if left_out else "")
    return figure


@dataclass(frozen=True)
class _Axis:
    """One upright axis.

    Attributes:
        places: Where each trial crosses it [K], 0 at the bottom, 1 on top; NaN where it does not.
        ticks: What its heights mean, from the bottom.
    """

    places: FloatArray
    ticks: tuple[tuple[float, str], ...]


def _parameter_axis(values: Sequence[object], *, log: bool) -> _Axis:
    """The axis of a parameter by its values [K]: of numbers if all are, otherwise of categories."""
    numbers = [_number(value) for value in values]
    if all(number is not None for number, value in zip(numbers, values, strict=True) if value is not None):
        heights = checked_scores(numbers)
        return _number_axis(heights, log=log and bool((heights[np.isfinite(heights)] > 0).all()))
    words = [None if value is None else _word(value) for value in values]
    order = sorted({word for word in words if word is not None}, key=_category_key)
    heights = np.linspace(0, 1, len(order)) if len(order) > 1 else np.array([0.5])
    place = dict(zip(order, heights.tolist(), strict=True))
    every = ceil(len(order) * _LEAST)
    ticks = tuple((place[word], word) for word in order[::every])
    return _Axis(np.array([np.nan if word is None else place[word] for word in words]), ticks)


def _number(value: object) -> float | None:
    """The value as a number, as such or in text; None for all else, truth values included."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None
    except OverflowError:
        return float("inf")


def _word(value: object) -> str:
    """A category as YAML writes it."""
    return str(value).lower() if isinstance(value, bool | np.bool_) else str(value)


def _category_key(word: str) -> tuple[int, float, str]:
    """Order of categories: numbers, truth values, text."""
    number = _number(word)
    if number is not None and np.isfinite(number):
        return (0, number, word)
    return (1 if word.lower() in ("false", "true") else 2, 0.0, word)


def _score_axis(errors: FloatArray) -> _Axis:
    """The axis of finite scores [K]; trials far above the others meet at its top."""
    end = limits(errors)[1]
    axis = _number_axis(np.minimum(errors, end), log=False)
    if errors.max() <= end:
        return axis
    *others, (top, text) = axis.ticks
    return _Axis(axis.places, (*others, (top, f"≥ {text}")))


def _number_axis(heights: FloatArray, *, log: bool) -> _Axis:
    """An axis of numbers [K] from the lowest to the highest; NaN is not on it."""
    known = np.unique(heights[np.isfinite(heights)])
    if not known.size:
        return _Axis(np.full(heights.size, np.nan), ())
    scale: Callable[[FloatArray], FloatArray] = np.log10 if log else np.positive
    start, end = (float(scale(known[index])) for index in (0, -1))

    def place(numbers: FloatArray) -> FloatArray:
        return (scale(numbers) - start) / (end - start) if end > start else numbers * 0 + 0.5

    ticks = known
    if known.size > _FEW_NUMBERS or (np.diff(place(known)) < _LEAST).any():
        ticks = _round_ticks(known[0], known[-1], place=place, log=log)
    texts = next(texts for digits in range(3, 18) if len(set(texts := _texts(ticks, digits))) == len(texts))
    return _Axis(place(heights), tuple(zip(place(ticks).tolist(), texts, strict=True)))


def _round_ticks(low: float, high: float, *, place: Callable[[FloatArray], FloatArray], log: bool) -> FloatArray:
    """The ends of an axis and, where they have room, round numbers between them."""
    locator = (
        LogLocator(subs=(1.0, 3.0) if high < 1e3 * low else (1.0,)) if log else MaxNLocator(6, steps=[1, 2, 5, 10])
    )
    chosen = [low]
    for tick in locator.tick_values(low, high):
        gaps = np.diff(place(np.array([chosen[-1], tick, high])))
        if low < tick < high and (gaps >= _LEAST).all():
            chosen.append(float(tick))
    return np.array([*chosen, high])


def _texts(numbers: FloatArray, digits: int) -> list[str]:
    """Numbers with so many digits, short whole ones in full."""
    return [f"{n:.0f}" if n == round(n) and abs(n) < 1e6 else f"{n:.{digits}g}" for n in numbers.tolist()]


def _parallel_frame(upright: Mapping[str, _Axis]) -> tuple[Figure, Axes, float]:
    """An empty picture with an upright line and a name per axis, and the inches between two of them."""
    gaps = max(len(upright) - 1, 1)
    slanted = (WIDTH - 1.6) / gaps < _NARROW
    widest = _LONGEST_SLANTED if slanted else (WIDTH - 1.6) / gaps - _GAP
    names = [_name_lines(name, inches=widest, one_line=slanted) for name in upright]
    first = next(iter(upright.values()))
    ticks = max((width_of(cut(text, _LONGEST_TICK)) for _, text in first.ticks), default=0.0)
    left = 0.2 + max(ticks + 0.1, 0 if slanted else _width(names[0]) / 2)
    reach = [_width(name) * (np.cos(np.radians(_SLANT)) if slanted else 0.5) for name in names]
    nearest = (WIDTH - left - _LONGEST_SLANTED) / gaps
    right = 0.2 + max(0.6, *(length - nearest * place for place, length in enumerate(reversed(reach))))
    above = _width(max(names, key=_width)) * np.sin(np.radians(_SLANT)) + _LINE if slanted else 0.0
    above = max(above, _LINE * max(name.count("\n") + 1 for name in names)) + 0.15
    figure = style.figure(WIDTH, _HEIGHT + above)
    borders = style.margins(figure, left=left, right=right, bottom=_BELOW, top=_TITLE + above)
    axes = figure.add_subplot(figure.add_gridspec(1, 1, **borders)[0])
    axes.set(xlim=(0, gaps), ylim=(0, 1))
    axes.set_axis_off()
    for place, name in enumerate(names):
        axes.plot([place, place], [0, 1], color=style.MUTED, lw=0.9, zorder=1, clip_on=False)
        text = axes.annotate(name, (place, 1), xytext=(0, 9), textcoords="offset points", va="bottom", parse_math=False)
        text.set(size=style.SMALL, color=style.INK, ha="left" if slanted else "center")
        text.set(rotation=_SLANT if slanted else 0, rotation_mode="anchor" if slanted else "default")
    return figure, axes, (WIDTH - left - right) / gaps


def _name_lines(name: str, *, inches: float, one_line: bool) -> str:
    """A name that fits above its axis: in one line, or broken behind its dots."""
    if one_line or width_of(name) <= inches:
        return cut(name, inches)
    lines = [""]
    for part in name.replace(".", ".\n").split("\n"):
        if lines[-1] and width_of(lines[-1] + part) > inches:
            lines.append("")
        lines[-1] += part
    return "\n".join(cut(line, inches) for line in lines)


def _width(lines: str) -> float:
    return max(width_of(line) for line in lines.split("\n"))


def _draw_ticks(axes: Axes, place: int, axis: _Axis, *, spacing: float, last: bool) -> None:
    """Write what the heights of an axis mean: beside it, on white that lets no line through."""
    for height, text in axis.ticks:
        axes.annotate(
            cut(text, min(_LONGEST_TICK, spacing - _GAP)),
            (place, height),
            xytext=(8 if last else -6, 0),
            textcoords="offset points",
            ha="left" if last else "right",
            va="center",
            size=style.SMALL,
            color=style.INK,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.88, "pad": 0.6},
            zorder=4,
            parse_math=False,
        )
    if last:
        half = _BAR / 2 / spacing
        ramp = np.linspace(0, 1, 256)[:, None]
        axes.imshow(
            ramp,
            cmap=style.COLOUR_MAP,
            origin="lower",
            aspect="auto",
            extent=(place - half, place + half, 0, 1),
            zorder=3.5,
            clip_on=False,
        )
        axes.set(xlim=(0, place or 1), ylim=(0, 1))
