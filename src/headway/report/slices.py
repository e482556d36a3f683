"""Where the forecasts are good and where not: error and coverage by series, hour, month and the like."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from headway.report import style
from headway.report.calibration import coverage_limits, titled
from headway.report.shapes import FloatArray, shaped

FEW_VALUES = 30  # a mean of fewer is drawn hollow

_MOST_LABELS = 24  # of more slices not every one is labelled
_LONGEST_LABEL = 18  # letters
_LETTER = 0.064  # inches, of the small type
_PANEL, _TALL = 4.1, 1.35  # inches
_LEFT, _BETWEEN, _RIGHT = 0.7, 0.75, 0.3  # inches
_TOP, _ABOVE_ROW, _LAST_ROW = 0.35, 0.4, 0.1  # inches
_PALE = 0.45
_FEW_NOTE, _NOTE = f"hollow: fewer than {FEW_VALUES} values", 0.12  # inches


@dataclass(frozen=True)
class Slice:
    """Errors and coverage of one way to slice the forecasts.

    Attributes:
        labels: Names of the slices [S].
        model: Mean absolute error of the model [S]; NaN is unknown.
        rival: Mean absolute error of the rival [S].
        coverage: Share of actuals inside the model's interval in percent [S], or None.
        counts: Values behind each slice [S].

    Raises:
        ValueError: The shapes disagree.
    """

    labels: tuple[str, ...]
    model: FloatArray
    rival: FloatArray
    coverage: FloatArray | None
    counts: FloatArray

    def __post_init__(self) -> None:
        size = len(self.labels)
        for name in ("model", "rival", "counts"):
            shaped(name, getattr(self, name), "S", S=size)
        if self.coverage is not None:
            shaped("coverage", self.coverage, "S", S=size)


def errors_by_slice(
    slices: Mapping[str, Slice],
    *,
    model: str,
    rival: str,
    unit: str,
    nominal: float | None,
) -> Figure:
    """Draw a row per slicing: the error of model and rival by slice, and beside it the coverage.

    Args:
        slices: What to draw, by the name of what was sliced by, such as 'hour'.
        model: Name of the model.
        rival: Name of the rival.
        unit: Unit of the errors; may be empty.
        nominal: Coverage that the interval promises, in percent; None leaves coverage out.

    Raises:
        ValueError: There is no slicing, or the nominal coverage is not a percentage.
    """
    if not slices:
        raise ValueError("slices must hold at least one slicing: got none")
    if nominal is not None and not 1 < nominal < 100:
        raise ValueError(f"nominal must be a percentage above 1 and below 100: got {nominal:g}")
    covered = nominal is not None and any(one.coverage is not None for one in slices.values())
    width = _LEFT + _PANEL + _RIGHT + (_BETWEEN + _PANEL if covered else 0)
    notes = {name: _FEW_NOTE if _few(one).any() else "" for name, one in slices.items()}
    above = {name: _ABOVE_ROW + (_NOTE if note else 0) for name, note in notes.items()}
    rows = [above[name] + _TALL + _label_room(one.labels) for name, one in slices.items()]
    height = _TOP + sum(rows) + _LAST_ROW
    figure = style.figure(width, height)
    top = height - _TOP
    for (name, one), row in zip(slices.items(), rows, strict=True):
        bottom = (top - above[name] - _TALL) / height
        size = (_PANEL / width, _TALL / height)
        errors = figure.add_axes((_LEFT / width, bottom, *size))
        _draw_errors(errors, one)
        style.frame(errors, ylabel=style.with_unit("MAE", unit))
        titled(errors, f"MAE by {name}", notes[name])
        _label_slices(errors, one.labels)
        if nominal is not None and one.coverage is not None:
            right = figure.add_axes(((_LEFT + _PANEL + _BETWEEN) / width, bottom, *size))
            _draw_coverage(right, one, nominal=nominal)
            style.frame(right, ylabel="coverage (%)")
            titled(right, f"Coverage by {name}: nominal {nominal:.3g} % is dotted", notes[name])
            _label_slices(right, one.labels)
        top -= row
    _legend(figure, model=model, rival=rival)
    return figure


def _few(one: Slice) -> NDArray[np.bool_]:
    """Which slices have too few values to trust their means."""
    return shaped("counts", one.counts, "S") < FEW_VALUES


def _draw_errors(axes: Axes, one: Slice) -> None:
    """Bars of the model's error, and the rival's as a mark across: below the mark is better."""
    few = _few(one)
    places = np.arange(few.size)
    model, rival = np.asarray(one.model, dtype=float), np.asarray(one.rival, dtype=float)
    faces = ["white" if hollow else style.MODEL for hollow in few]
    axes.bar(places, model, 0.62, color=faces, ec=style.MODEL, lw=1.0, label="model")
    colours = [(style.RIVALS[0], _PALE if hollow else 1.0) for hollow in few]
    axes.hlines(rival, places - 0.43, places + 0.43, colors=colours, lw=2.2, label="rival", zorder=3)
    shown = np.concatenate([model, rival])
    highest = np.max(shown[np.isfinite(shown)], initial=0)
    axes.set(xlim=(-0.6, few.size - 0.4), ylim=(0, 1.08 * highest or 1))


def _draw_coverage(axes: Axes, one: Slice, *, nominal: float) -> None:
    """A dot per slice on a stem from the nominal line."""
    few = _few(one)
    places, values = np.arange(few.size), np.asarray(one.coverage, dtype=float)
    axes.axhline(nominal, color=style.INK, lw=1.0, ls=style.DASHES[1], label="nominal")
    axes.vlines(places, nominal, values, color=style.MODEL, lw=1.2, alpha=_PALE)
    faces = ["white" if hollow else style.MODEL for hollow in few]
    axes.scatter(places, values, s=26, c=faces, edgecolors=style.MODEL, linewidths=1.0, zorder=3)
    axes.set(xlim=(-0.6, few.size - 0.4), ylim=coverage_limits(values, nominal))


def _shown_labels(labels: tuple[str, ...]) -> dict[int, str]:
    """Labels by place: not every one of very many, and long ones cut."""
    every = ceil(len(labels) / _MOST_LABELS)
    cut = [label if len(label) <= _LONGEST_LABEL else label[: _LONGEST_LABEL - 1] + "…" for label in labels]
    return {place: label for place, label in enumerate(cut) if place % every == 0}


def _upright(labels: dict[int, str]) -> bool:
    """Whether the labels are too wide to stand side by side."""
    return max(map(len, labels.values())) * _LETTER + 0.04 > _PANEL / len(labels)


def _label_room(labels: tuple[str, ...]) -> float:
    """Inches below a row."""
    shown = _shown_labels(labels)
    return 0.15 + (_LETTER * max(map(len, shown.values())) if _upright(shown) else 0.15)


def _label_slices(axes: Axes, labels: tuple[str, ...]) -> None:
    shown = _shown_labels(labels)
    axes.set_xticks(list(shown), list(shown.values()), rotation=90 if _upright(shown) else 0, parse_math=False)
    axes.tick_params(axis="x", length=0)


def _legend(figure: Figure, *, model: str, rival: str) -> None:
    handles: list[Artist] = [
        Patch(facecolor=style.MODEL, edgecolor=style.MODEL, label=model),
        Line2D([], [], color=style.RIVALS[0], lw=2.2, label=f"{rival}, the rival"),
    ]
    shown = figure.legend(
        handles=handles,
        loc="upper left",
        ncols=len(handles),
        frameon=False,
        fontsize=style.BODY,
        labelcolor=style.INK,
        columnspacing=1.6,
    )
    for text in shown.get_texts():
        text.set_parse_math(False)
