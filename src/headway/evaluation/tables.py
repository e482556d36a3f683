"""Tables of scores: model and rivals side by side, overall and by step of the horizon."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tabulate import tabulate

from headway.evaluation.metrics import METRICS, Judged, scores

OVERALL = "all"
_MOST_STEPS = 24  # rows of a table by horizon step


@dataclass(frozen=True)
class Scores:
    """The scores of all forecasters on one split.

    Attributes:
        table: One row per target, forecaster and horizon ("all", 1, 2, ...); columns are metrics, and
            `skill_<rival>`, 1 - MAE / the rival's MAE.
        model: Name of the model among the forecasters.
        num_windows: Windows judged.
        num_values: Observed target values judged.
        nominal: Nominal coverage in percent, or None for a point forecast.
    """

    table: pd.DataFrame
    model: str
    num_windows: int
    num_values: int
    nominal: float | None

    def value(self, target: str, forecaster: str, metric: str, horizon: str | int = OVERALL) -> float:
        """One number of the table."""
        row = self.table[
            (self.table.target == target) & (self.table.forecaster == forecaster) & (self.table.horizon == str(horizon))
        ]
        return float(row[metric].iloc[0])

    @property
    def rivals(self) -> list[str]:
        """Names of the rivals, in order."""
        return [name for name in self.table.forecaster.unique() if name != self.model]

    def by_horizon(self, target: str, metric: str) -> dict[str, NDArray[np.float64]]:
        """Forecaster -> metric by horizon step [H]."""
        rows = self.table[(self.table.target == target) & (self.table.horizon != OVERALL)]
        return {str(name): group[metric].to_numpy(float) for name, group in rows.groupby("forecaster", sort=False)}

    def metrics(self) -> dict[str, float]:
        """The model's scores by path: temp/mae, temp/mae_h3, temp/skill_persistence."""
        found = {}
        rows = self.table[self.table.forecaster == self.model]
        for row in rows.to_dict("records"):
            suffix = "" if row["horizon"] == OVERALL else f"_h{row['horizon']}"
            for name, value in row.items():
                if name not in ("target", "forecaster", "horizon") and not (suffix and str(name).startswith("skill")):
                    found[f"{row['target']}/{name}{suffix}"] = float(value)
        for rival in self.rivals:
            for target in self.table.target.unique():
                found[f"{target}/mae_{rival}"] = self.value(str(target), rival, "mae")
        return {path: value for path, value in found.items() if np.isfinite(value)}


def judge(forecasters: Mapping[str, Judged], *, model: str, targets: Sequence[str]) -> Scores:
    """Score all forecasters on the same windows.

    Args:
        forecasters: Name -> forecasts beside actuals; all of the same windows.
        model: The name that skill is measured for.
        targets: Names of the targets.

    Returns:
        The scores.
    """
    found = {name: scores(judged) for name, judged in forecasters.items()}
    rivals = [name for name in forecasters if name != model]
    rows = []
    for position, target in enumerate(targets):
        for name, values in found.items():
            for step in range(values["mae"].shape[0]):
                row: dict[str, object] = {
                    "target": target,
                    "forecaster": name,
                    "horizon": OVERALL if step == 0 else str(step),
                }
                row |= {metric: float(values[metric][step, position]) for metric in METRICS}
                row |= {
                    f"skill_{rival}": _skill(
                        float(values["mae"][step, position]), float(found[rival]["mae"][step, position])
                    )
                    for rival in rivals
                }
                rows.append(row)
    actual, outer = forecasters[model].actual, forecasters[model].outer
    nominal = round(100 * (outer[1] - outer[0]), 6) if outer else None
    return Scores(pd.DataFrame(rows), model, len(actual), int((~np.isnan(actual)).sum()), nominal)


def _skill(error: float, rival: float) -> float:
    return 1 - error / rival if rival > 0 else np.nan


def overall_table(scores: Scores, units: Mapping[str, str], *, style: str = "simple") -> str:
    """All metrics over all horizon steps, as text; skill is the model's against that row's rival.

    Args:
        scores: The scores.
        units: Target -> unit.
        style: A format of tabulate: "simple" for a terminal, "github" for Markdown.
    """
    parts = []
    for target in scores.table.target.unique():
        unit = units.get(str(target), "")
        names = {name: _label(name, scores.nominal) for name in METRICS}
        rows = []
        for name in scores.table.forecaster.unique():
            values = [scores.value(target, name, metric) for metric in METRICS]
            skill = np.nan if name == scores.model else scores.value(target, scores.model, f"skill_{name}")
            rows.append([name, *map(_number, values), "" if np.isnan(skill) else f"{skill:+.1%}"])
        head = [_heading(str(target), unit), *names.values(), f"skill of {scores.model}"]
        parts.append(tabulate(rows, head, tablefmt=style, stralign="right", colalign=("left",), disable_numparse=True))
    return "\n\n".join(parts)


def horizon_table(scores: Scores, units: Mapping[str, str], *, step: str = "step", style: str = "simple") -> str:
    """The model's metrics by horizon step beside the MAE of its rivals, as text.

    Of a long horizon some steps are shown, the first and the last among them.

    Args:
        scores: The scores.
        units: Target -> unit.
        step: What a step of the horizon is called, "1h" say.
        style: A format of tabulate.
    """
    parts = []
    for target in scores.table.target.unique():
        unit = units.get(str(target), "")
        columns = [scores.by_horizon(str(target), metric)[scores.model] for metric in METRICS]
        columns += [scores.by_horizon(str(target), "mae")[rival] for rival in scores.rivals]
        horizon = len(columns[0])
        shown = np.unique(np.linspace(1, horizon, min(horizon, _MOST_STEPS)).round().astype(int))
        rows = [[f"+{number}", *(_number(column[number - 1]) for column in columns)] for number in shown]
        title = f"{_heading(str(target), unit)} by steps of {step}: {scores.model}" + (
            ", then MAE of its rivals" if scores.rivals else ""
        )
        table = tabulate(
            rows,
            ["", *METRICS, *scores.rivals],
            tablefmt=style,
            stralign="right",
            colalign=("left",),
            disable_numparse=True,
        )
        parts.append(f"{title}\n\n{table}")
    return "\n\n".join(parts)


def definitions() -> str:
    """What every metric means, one line each."""
    return "\n".join(f"{name}: {one.definition}" for name, one in METRICS.items())


def _heading(target: str, unit: str) -> str:
    return target + (f" [{unit}]" if unit else "")


def _label(metric: str, nominal: float | None) -> str:
    if metric == "coverage":
        return f"coverage (nominal {nominal:g} %)" if nominal is not None else "coverage"
    return {"%": f"{metric} [%]"}.get(METRICS[metric].unit, metric)


def _number(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.3f}" if abs(value) < 100 else f"{value:.5g}"
