"""Pictures of the trials of a sweep: beside each other, one after the other, by epoch, and by two scores at once.

Scores are errors: lower is better. Trials that diverged leave the scale and are drawn at its edge.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from headway.report import style
from headway.report.shapes import FloatArray
from headway.report.sweep_frame import (
    STATES,
    chart,
    checked_scores,
    counted,
    cut,
    legend,
    limits,
    plain_numbers,
    rows,
    scale_to,
    sentence,
)

_CURVES = 0.75  # quantile of all errors of all epochs; lower ones lie at the flat ends of the curves
_FEW_CURVES = 40  # more are drawn thinner
_LONGEST_LABEL, _LONGEST_NAME, _VALUES = 3.4, 2.3, 1.35  # inches
_LOOKS: dict[str, dict[str, Any]] = {
    "finished": {"color": style.MODEL, "mfc": style.MODEL, "marker": "o"},
    "pruned": {"color": style.MUTED, "mfc": "white", "marker": "o"},
    "running": {"color": style.MODEL, "mfc": "white", "marker": "o"},
    "failed": {"color": style.RIVALS[0], "mfc": style.RIVALS[0], "marker": "X"},
    "killed": {"color": style.RIVALS[0], "mfc": "white", "marker": "X"},
}


def comparison(
    labels: Sequence[str], scores: Sequence[float | None], states: Sequence[str], *, unit: str = "", most: int = 20
) -> Figure:
    """Draw a row per trial with its score: finished ones first, the best on top.

    Args:
        labels: Names of the trials [K]; long ones lose their middle.
        scores: Error of each [K] in its unit; None, NaN and infinities are no scores.
        states: One of `STATES` for each [K].
        unit: Unit of the scores; may be empty.
        most: Rows drawn; the others are counted below.

    Raises:
        ValueError: The lengths differ, a state is unknown, or `most` is below 1.
    """
    values = checked_scores(scores, states)
    if len(labels) != values.size:
        raise ValueError(f"labels must be as many as scores: got {len(labels)} and {values.size}")
    if most < 1:
        raise ValueError(f"most must be 1 or more: got {most}")
    title = "Trials by score: lower is better"
    if not np.isfinite(values).any():
        return sentence(_no_score(states), title=title)
    unfinished = np.array([state != "finished" for state in states])
    order = np.lexsort((values, unfinished, np.isnan(values)))[:most]  # the last key comes first; ties keep their order
    names = [cut(labels[trial], _LONGEST_LABEL) for trial in order]
    figure, axes = rows(names, title=title, right=_VALUES)
    drawn = values[order]
    start, end = limits(drawn[np.isfinite(drawn)])
    best_is_finished = not unfinished[order[0]] and np.isfinite(values[order[0]])
    for row, trial in enumerate(order):
        best = row == 0 and best_is_finished
        look = _LOOKS[states[trial]] | {"ls": "", "ms": 9 if best else 6.5, "zorder": 4}
        if values[trial] > end:
            look |= {"marker": ">"}
        axes.plot([min(values[trial], end)], [row], clip_on=False, **look)
        axes.annotate(
            _value(scores[trial], states[trial]),
            (1, row),
            xycoords=("axes fraction", "data"),
            xytext=(9, 0),
            textcoords="offset points",
            va="center",
            size=style.SMALL,
            color=style.INK if states[trial] == "finished" else style.MUTED,
            weight="bold" if best else "normal",
        )
        if best:
            axes.get_yticklabels()[0].set_fontweight("bold")
    axes.set_xlim(start, end)
    axes.set_xlabel(_score_label(unit))
    axes.xaxis.set_major_formatter(plain_numbers())
    others = Counter(state for trial, state in enumerate(states) if trial not in order)
    style.footnote(figure, f"and {counted(others)} not shown" if others else "")
    return figure


def history(numbers: Sequence[int], scores: Sequence[float | None], states: Sequence[str], *, unit: str = "") -> Figure:
    """Draw the score of every trial in the order of their numbers, and the best so far as a step line.

    Args:
        numbers: Numbers of the trials [K], in any order.
        scores: Error of each [K] in its unit; None, NaN and infinities are no scores.
        states: One of `STATES` for each [K]; only finished trials count for the best so far.
        unit: Unit of the scores; may be empty.

    Raises:
        ValueError: The lengths differ, or a state is unknown.
    """
    values = checked_scores(scores, states)
    if len(numbers) != values.size:
        raise ValueError(f"numbers must be as many as scores: got {len(numbers)} and {values.size}")
    title = "Score by trial: lower is better"
    if not np.isfinite(values).any():
        return sentence(_no_score(states), title=title)
    trials, kinds = np.asarray(numbers, dtype=float), np.asarray(states)
    figure, axes = chart(title=title, xlabel="trial", ylabel=_score_label(unit))
    start, end = limits(values[np.isfinite(values)])
    lost = np.isin(kinds, ("failed", "killed"))
    for kind in ("pruned", "running", "finished"):
        chosen = (kinds == kind) & np.isfinite(values)
        look = _LOOKS[kind] | {"ls": "", "ms": 5, "zorder": 3}
        _plot_any(axes, trials, values, where=chosen & (values <= end), label=kind, **look)
        beyond = np.minimum(values, end)
        _plot_any(axes, trials, beyond, where=chosen & (values > end), clip_on=False, **look | {"marker": "^"})
    ticks = {"ls": "", "marker": "|", "ms": 16, "mew": 1.6, "zorder": 5}  # the lower half is clipped
    bottom = np.full(values.size, start)
    _plot_any(axes, trials, bottom, where=lost, label="failed or killed", color=style.RIVALS[0], **ticks)
    unknown = np.isnan(values) & ~lost
    _plot_any(axes, trials, bottom, where=unknown, label="without a score", color=style.MUTED, **ticks)
    _draw_best_so_far(axes, trials, np.where(kinds == "finished", values, np.nan))
    edge = max(0.5, 0.02 * np.ptp(trials))
    axes.set_xlim(trials.min() - edge, trials.max() + edge)
    axes.set_ylim(start, end)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    legend(axes)
    return figure


def intermediate_values(curves: Sequence[Mapping[int, float]], states: Sequence[str], *, unit: str = "") -> Figure:
    """Draw the validation error of every trial by epoch, with the best trial on top.

    The best is the finished trial with the lowest last value.

    Args:
        curves: Error by epoch of each trial [K]; an empty one is not drawn, one that is not finite leaves a gap.
        states: One of `STATES` for each [K].
        unit: Unit of the errors; may be empty.

    Raises:
        ValueError: The lengths differ, or a state is unknown.
    """
    last = [curve[max(curve)] if curve else None for curve in curves]
    values = checked_scores(last, states)
    lines = [
        (np.array(sorted(curve), dtype=float), checked_scores([curve[epoch] for epoch in sorted(curve)]))
        for curve in curves
    ]
    title = "Validation error by epoch"
    known = np.concatenate([errors[np.isfinite(errors)] for _, errors in lines] or [np.empty(0)])
    if not known.size:
        return sentence("No trial has an error of an epoch yet.", title=title)
    figure, axes = chart(title=title, xlabel="epoch", ylabel=style.with_unit("validation error", unit))
    judged = np.where(np.asarray(states) == "finished", values, np.nan)
    best = int(np.nanargmin(judged)) if np.isfinite(judged).any() else None
    start, end = limits(known, typical=_CURVES)
    named: set[str] = set()
    for trial in sorted(range(len(lines)), key=lambda trial: (trial == best, STATES.index(states[trial]))):
        epochs, errors = lines[trial]
        finite = np.flatnonzero(np.isfinite(errors))
        if not finite.size:
            continue
        kind = "failed or killed" if states[trial] in ("failed", "killed") else states[trial]
        label = f"best, ends at {last[trial]:.4g}" if trial == best else kind if kind not in named else ""
        named |= set() if trial == best else {kind}
        axes.plot(
            epochs,
            errors,
            label=label,
            **_curve_look(kind, best=trial == best, points=finite.size, few=len(lines) <= _FEW_CURVES),
        )
        if kind in ("pruned", "failed or killed") and errors[finite[-1]] <= end:
            colour = style.MUTED if kind == "pruned" else style.RIVALS[0]
            axes.plot([epochs[finite[-1]]], [errors[finite[-1]]], ls="", marker="x", ms=4.5, color=colour, zorder=3)
    axes.set_ylim(start, end)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    above = sum(bool((errors[np.isfinite(errors)] > end).any()) for _, errors in lines)
    style.footnote(figure, f"{above} of {len(lines)} curves leave the picture at the top" if above else "")
    legend(axes)
    return figure


def pareto(
    first: Sequence[float],
    second: Sequence[float],
    *,
    names: tuple[str, str],
    on_front: Sequence[bool],
    units: tuple[str, str] = ("", ""),
) -> Figure:
    """Draw two scores of every trial against each other, and their Pareto front as a stepped line.

    An axis of scores of many sizes is logarithmic; one with a few trials far above all others ends before them.

    Args:
        first: First score of each trial [K]; trials of which a score is not finite are left out.
        second: Second score of each [K].
        names: What the two scores are called.
        on_front: Whether no other trial is at least as good in both scores and better in one [K].
        units: Units of the two scores; may be empty.

    Raises:
        ValueError: The lengths differ.
    """
    if not len(first) == len(second) == len(on_front):
        raise ValueError(
            f"first, second and on_front must be of one length: got {len(first)}, {len(second)} and {len(on_front)}"
        )
    points = np.column_stack([checked_scores(first), checked_scores(second)])
    kept: NDArray[np.bool_] = np.asarray(np.isfinite(points).all(axis=1))
    titles = [cut(style.with_unit(name, unit), _LONGEST_LABEL) for name, unit in zip(names, units, strict=True)]
    title = f"{cut(names[0], _LONGEST_NAME)} against {cut(names[1], _LONGEST_NAME)}: lower left is better"
    if not kept.any():
        return sentence("No trial has both scores yet.", title=title)
    figure, axes = chart(title=title, xlabel=titles[0], ylabel=titles[1])
    front = points[kept & np.asarray(on_front, dtype=bool)]
    front = front[np.lexsort((front[:, 1], front[:, 0]))]
    others = points[kept & ~np.asarray(on_front, dtype=bool)]
    for column, axis in enumerate("xy"):
        scale_to(axes, axis, points[kept, column], shown=front[:, column])
    if len(others):
        axes.plot(*others.T, ls="", marker="o", ms=5, color=style.MUTED, alpha=0.55, mec="none", label="dominated")
    if len(front):
        # Up to the next trial of the front nothing better in the second score is known.
        look: dict[str, Any] = {"color": style.MODEL, "marker": "o", "ms": 6.5, "lw": 1.8, "zorder": 4}
        axes.plot(*front.T, drawstyle="steps-post", label="Pareto front", **look)
    beyond = (points > [axes.get_xlim()[1], axes.get_ylim()[1]])[kept].any(axis=1)
    notes = {"without both scores": np.count_nonzero(~kept), "beyond the axes": np.count_nonzero(beyond)}
    style.footnote(figure, ", ".join(f"{count} of {len(kept)} trials {what}" for what, count in notes.items() if count))
    legend(axes)
    return figure


def _score_label(unit: str) -> str:
    return style.with_unit("score", unit)


def _no_score(states: Sequence[str]) -> str:
    return f"No trial has a score: {counted(Counter(states))}." if states else "There is no trial yet."


def _value(score: float | None, state: str) -> str:
    """What stands beside a trial: its score, and its state unless it finished."""
    number = "" if score is None else f"{score:.4g}"
    return " ".join(part for part in (number, "" if state == "finished" else state) if part) or "no score"


def _plot_any(
    axes: Axes, x: FloatArray, y: FloatArray, *, where: NDArray[np.bool_], label: str = "", **look: Any
) -> None:
    """Plot the chosen points; where there are none the legend has no entry either."""
    if where.any():
        axes.plot(x[where], y[where], label=label, **look)


def _draw_best_so_far(axes: Axes, trials: FloatArray, finished: FloatArray) -> None:
    """Draw the lowest score up to each trial, in the order of their numbers, and mark the lowest of all."""
    if not np.isfinite(finished).any():
        return
    order = np.argsort(trials, kind="stable")
    best = np.fmin.accumulate(finished[order])
    axes.plot(trials[order], best, drawstyle="steps-post", color=style.INK, lw=1.4, zorder=2, label="best so far")
    winner = order[np.nanargmin(finished[order])]
    label = f"best: trial {trials[winner]:.0f}, {finished[winner]:.4g}"
    axes.plot(
        [trials[winner]], [finished[winner]], ls="", marker="D", ms=7.5, color=style.RIVALS[0], zorder=6, label=label
    )


def _curve_look(kind: str, *, best: bool, points: int, few: bool) -> dict[str, Any]:
    """Look of a curve by epoch; one of a single epoch is a dot."""
    marker = "o" if points == 1 else ""
    if best:
        return {"color": style.MODEL, "lw": 2.6, "zorder": 5, "marker": marker, "ms": 6}
    colours = {"finished": style.RIVALS[4], "running": style.RIVALS[1], "failed or killed": style.RIVALS[0]}
    look = {"color": colours.get(kind, style.MUTED), "lw": 1.1 if few else 0.7, "zorder": 2, "marker": marker, "ms": 4}
    return look | ({"alpha": 0.45, "zorder": 1} if kind == "pruned" else {"alpha": 0.8 if few else 0.5})
