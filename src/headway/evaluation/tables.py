"""Scores as text: model and rivals side by side, overall, by step of the horizon, and by slice."""

import itertools
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from tabulate import tabulate

from headway.evaluation.metrics import METRICS, Array
from headway.evaluation.reliability import pit_cells
from headway.evaluation.scores import Scores
from headway.evaluation.verdicts import Verdict

_MOST_STEPS = 12  # columns of a table by horizon step


@dataclass(frozen=True)
class Cells:
    """A table of texts.

    Attributes:
        target: Whose scores.
        head: Name of every column; the first column names the rows.
        rows: Cells of every row.
    """

    target: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    def text(self, style: str) -> str:
        """The table as text in a format of tabulate."""
        return tabulate(
            self.rows, self.head, tablefmt=style, stralign="right", colalign=("left",), disable_numparse=True
        )


def overall_table(
    scores: Scores, verdicts: Sequence[Verdict], units: Mapping[str, str], *, style: str = "simple"
) -> str:
    """`overall` as text: style "simple" for a terminal, "github" for Markdown."""
    return "\n\n".join(cells.text(style) for cells in overall(scores, verdicts, units))


def overall(scores: Scores, verdicts: Sequence[Verdict], units: Mapping[str, str]) -> list[Cells]:
    """The headline metrics over all horizon steps, by target; skill is the model's against that row's rival.

    What no forecaster has, as an interval where there are point forecasts alone, has no column.

    Args:
        scores: The scores.
        verdicts: Intervals and p-values of the skills.
        units: Target -> unit.
    """
    metrics = [name for name, one in METRICS.items() if one.headline and scores.table[name].notna().any()]
    parts = []
    for target in scores.table.target.unique():
        by_rival = {verdict.rival: verdict for verdict in verdicts if verdict.target == target}
        rows = []
        for name in scores.table.forecaster.unique():
            values = [scores.value(target, name, metric) for metric in metrics]
            rows.append([name, *map(_number, values), *skill_cells(by_rival.get(str(name)))])
        head = [_heading(str(target), units), *(_label(name, scores.nominal) for name in metrics)]
        head += [f"skill of {scores.model}", "95 % interval", "p"]
        parts.append(Cells(str(target), head, rows))
    return parts


def horizon_table(scores: Scores, units: Mapping[str, str], *, step: str = "step", style: str = "simple") -> str:
    """`by_horizon` as text: `step` is what a step is called, "1h" say, and `style` a format of tabulate."""
    return "\n\n".join(f"by steps of {step}\n\n{cells.text(style)}" for cells in by_horizon(scores, units))


def by_horizon(scores: Scores, units: Mapping[str, str]) -> list[Cells]:
    """MAE by horizon step of all forecasters, and coverage and width of the model's interval, by target.

    Of a long horizon some steps are shown, the first and the last among them.

    Args:
        scores: The scores.
        units: Target -> unit.
    """
    parts = []
    for target in scores.table.target.unique():
        errors = scores.by_horizon(str(target), "mae")
        horizon = len(errors[scores.model])
        shown = np.unique(np.linspace(1, horizon, min(horizon, _MOST_STEPS)).round().astype(int))
        rows = [[name, *(_number(values[number - 1]) for number in shown)] for name, values in errors.items()]
        if scores.nominal is not None:
            for metric in ("coverage", "width"):
                values = scores.by_horizon(str(target), metric)[scores.model]
                label = f"its {_label(metric, scores.nominal)}"
                rows.insert(1 if metric == "coverage" else 2, [label, *(_number(values[n - 1]) for n in shown)])
        head = [f"MAE of {_heading(str(target), units)}", *(f"+{number}" for number in shown)]
        parts.append(Cells(str(target), head, rows))
    return parts


def slice_table(scores: Scores, by: str, units: Mapping[str, str], *, style: str = "simple") -> str:
    """`by_slice` as text in a format of tabulate."""
    return "\n\n".join(cells.text(style) for cells in by_slice(scores, by, units))


def by_slice(scores: Scores, by: str, units: Mapping[str, str]) -> list[Cells]:
    """MAE and coverage of the model by slice, beside the MAE of the strongest rival, by target.

    Args:
        scores: The scores.
        by: The slicing: "series", "hour", ...
        units: Target -> unit.
    """
    parts = []
    for target in map(str, scores.table.target.unique()):
        rival = scores.strongest_rival(target)
        found = scores.by_slice(target, by)
        own = found[found.forecaster == scores.model]
        columns = [own["slice"], own.num_values, own.mae.map(_number), own.bias.map(_number)]
        head = [f"{_heading(target, units)} by {by}", "values", "mae", "bias"]
        if scores.nominal is not None:
            columns.append(own.coverage.map(_number))
            head.append(_label("coverage", scores.nominal))
        if rival is not None:
            columns += [found[found.forecaster == rival].mae.map(_number), own[f"skill_{rival}"].map(_percent)]
            head += [f"mae of {rival}", "skill"]
        rows = [list(map(str, row)) for row in zip(*(column.tolist() for column in columns), strict=True)]
        parts.append(Cells(target, head, rows))
    return parts


def pit_table(shares: Array, levels: Sequence[float], *, style: str = "simple") -> str:
    """Where the actuals fell among the quantiles, cell by cell, as text: of honest quantiles both columns agree.

    Args:
        shares: [Q] share of actuals at or below each quantile.
        levels: [Q] nominal levels.
        style: A format of tabulate.
    """
    edges = [0.0, *levels, 1.0]
    rows = [
        [f"{low:g} to {high:g}", f"{100 * (high - low):.1f}", f"{100 * found:.1f}"]
        for (low, high), found in zip(itertools.pairwise(edges), pit_cells(shares), strict=True)
    ]
    return Cells("", ["between the levels", "nominal [%]", "actuals [%]"], rows).text(style)


def definitions(*, headline: bool = False) -> str:
    """What every metric means, or those of the short table, one line each."""
    lines = [f"{name}: {one.definition}" for name, one in METRICS.items() if one.headline or not headline]
    lines.append(
        "skill: 1 - MAE / the rival's MAE; its interval from a moving-block bootstrap over time, joint over series."
    )
    lines.append(
        "p: two-sided p-value of the Diebold-Mariano test of equal MAE; the series of one origin are taken together, and "
        "the dependence of windows that overlap or follow each other is allowed for."
    )
    return "\n".join(textwrap.fill(line, 120, subsequent_indent="    ") for line in lines)


def skill_cells(verdict: Verdict | None) -> list[str]:
    """Skill, its interval and p-value as texts; empty where there is none."""
    if verdict is None:
        return ["", "", ""]
    interval = "" if np.isnan(verdict.low) else f"{_percent(verdict.low)} to {_percent(verdict.high)}"
    p_value = verdict.p_value
    return [
        _percent(verdict.skill),
        interval,
        "" if np.isnan(p_value) else "<0.001" if p_value < 0.001 else f"{p_value:.3f}",
    ]


def _heading(target: str, units: Mapping[str, str]) -> str:
    unit = units.get(target, "")
    return target + (f" [{unit}]" if unit else "")


def _label(metric: str, nominal: float | None) -> str:
    if metric == "coverage":
        return f"coverage (nominal {nominal:g} %)" if nominal is not None else "coverage"
    return {"%": f"{metric} [%]"}.get(METRICS[metric].unit, metric)


def _percent(share: float) -> str:
    return "" if np.isnan(share) else f"{share:+z.1%}"


def _number(value: float) -> str:
    """Three decimals; digits where they would hide the value or be noise."""
    if np.isnan(value):
        return ""
    size = abs(value)
    return f"{value:.5g}" if size >= 100 else f"{value:.2g}" if 0 < size < 0.01 else f"{value:.3f}"
