"""Scores: every metric of model and rivals, overall, by step of the horizon, and by slice."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from headway.evaluation.forecasts import Forecasts, Slicing
from headway.evaluation.metrics import METRICS, Array, nominal_coverage
from headway.evaluation.reliability import Reliability

OVERALL = "all"
_BY_STEP = ("mae", "crps", "coverage")
_MOST_STEPS = 24  # of a longer horizon, slices are scored over all steps together alone


@dataclass(frozen=True)
class Scores:
    """The scores of all forecasters on the same windows.

    Attributes:
        table: One row per target, forecaster and horizon ("all", 1, 2, ...); columns are num_values, the
            metrics, and `skill_<rival>`, 1 - MAE / the rival's MAE.
        slices: The same with columns `by` and `slice` ("month", "2013-10") before the horizon.
        reliability: Share of actuals at or below each quantile of the model: [1 + H, Q], row 0 over all
            steps; NaN where nothing was observed.
        model: Name of the model among the forecasters.
        num_windows: Windows judged.
        nominal: Nominal coverage in percent, or None for a point forecast.
    """

    table: pd.DataFrame
    slices: pd.DataFrame
    reliability: Array
    model: str
    num_windows: int
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

    def strongest_rival(self, target: str) -> str | None:
        """The rival with the lowest MAE, or None where there is no rival."""
        return min(self.rivals, key=lambda rival: self.value(target, rival, "mae"), default=None)

    def by_horizon(self, target: str, metric: str) -> dict[str, NDArray[np.float64]]:
        """Forecaster -> metric by horizon step [H]."""
        rows = self.table[(self.table.target == target) & (self.table.horizon != OVERALL)]
        return {str(name): group[metric].to_numpy(float) for name, group in rows.groupby("forecaster", sort=False)}

    def by_slice(self, target: str, by: str) -> pd.DataFrame:
        """Rows of one slicing over all steps: slice, forecaster, num_values and metrics; empty slices are left out."""
        rows = self.slices
        chosen = (rows.target == target) & (rows.by == by) & (rows.horizon == OVERALL) & (rows.num_values > 0)
        return rows[chosen]

    def metrics(self) -> dict[str, float]:
        """The model's scores by path: temp/mae, temp/mae_h3, temp/skill_persistence; and its rivals' MAE.

        By step only what a chart by step is drawn of; the table has it all.
        """
        found = {}
        rows = self.table[self.table.forecaster == self.model]
        for row in rows.to_dict("records"):
            suffix = "" if row["horizon"] == OVERALL else f"_h{row['horizon']}"
            for name, value in row.items():
                is_score = name in _BY_STEP if suffix else name in METRICS or str(name).startswith("skill_")
                if is_score:
                    found[f"{row['target']}/{name}{suffix}"] = float(value)
        for rival in self.rivals:
            for target in self.table.target.unique():
                found[f"{target}/mae_{rival}"] = self.value(str(target), rival, "mae")
        return {path: value for path, value in found.items() if np.isfinite(value)}


def score(forecasts: Forecasts) -> Scores:
    """Score all forecasters on the same windows.

    What is missing counts nowhere. Windows are taken a few at a time, and sums are of float64: beyond the
    forecasts themselves little memory is taken.
    """
    by_step = forecasts.horizon <= _MOST_STEPS
    overall = _Sums(forecasts, Slicing((OVERALL,), np.zeros((len(forecasts), 1), np.int32)), by_step=True)
    sliced = {by: _Sums(forecasts, slicing, by_step=by_step) for by, slicing in forecasts.telling.items()}
    reliability = Reliability(forecasts.horizon, len(forecasts.levels))
    for windows in forecasts.parts():
        for position, name in enumerate(forecasts.forecasters):
            judged = forecasts.judged(name, windows)
            for number, one in enumerate(METRICS.values()):
                loss = one.loss(judged)
                if loss is None:
                    continue
                over = None if one.over is None else one.over(judged)
                for sums in (overall, *sliced.values()):
                    sums.add(position, number, windows, loss, over)
        reliability.add(forecasts.actual[windows], forecasts.quantiles[windows])
    table = overall.frame(forecasts).drop(columns="slice")
    frames = [sums.frame(forecasts).assign(by=by) for by, sums in sliced.items()]
    slices = pd.concat(frames) if frames else table.iloc[:0].assign(by="", slice="")
    first = ["target", "by", "slice", "horizon", "forecaster"]
    slices = slices[first + [column for column in slices.columns if column not in first]].reset_index(drop=True)
    return Scores(
        table, slices, reliability.shares, forecasts.model, len(forecasts), nominal_coverage(forecasts.levels)
    )


class _Sums:
    """Sums of losses by forecaster, metric, slice, horizon step (or all steps as one) and target."""

    def __init__(self, forecasts: Forecasts, slicing: Slicing, *, by_step: bool) -> None:
        self.slicing, self.by_step = slicing, by_step
        steps = forecasts.horizon if by_step else 1
        cells = (len(forecasts.forecasters), len(METRICS), len(slicing.labels), steps)
        self.total = np.zeros((*cells, len(forecasts.targets)))
        self.count, self.over = np.zeros_like(self.total), np.zeros_like(self.total)

    def add(self, forecaster: int, metric: int, windows: slice, loss: Array, over: Array | None) -> None:
        """Add losses [W, H, targets] of some windows; NaN counts nowhere."""
        slices, steps, targets = self.total.shape[2:]
        codes = self.slicing.codes[windows]
        cells = np.broadcast_to(codes.astype(np.int64) * steps, loss.shape[:2]) + np.arange(steps)
        for target in range(targets):
            counted = ~np.isnan(loss[..., target]) & (codes >= 0)
            where, values = cells[counted], loss[..., target][counted]
            weights = None if over is None else over[..., target][counted]
            for sums, one in ((self.total, values), (self.count, None), (self.over, weights)):
                if one is not None or sums is self.count:
                    found = np.bincount(where, one, minlength=slices * steps)
                    sums[forecaster, metric, ..., target] += found.reshape(slices, steps)

    def frame(self, forecasts: Forecasts) -> pd.DataFrame:
        """One row per target, forecaster, slice and horizon, all steps first."""
        total, count, over = self.total, self.count, self.over
        if self.by_step:
            total, count, over = (_with_overall(sums) for sums in (total, count, over))
        columns: dict[str, Array] = {"num_values": count[:, list(METRICS).index("mae")]}
        for number, (name, one) in enumerate(METRICS.items()):
            below = count[:, number] if one.over is None else over[:, number]
            columns[name] = one.finish(total[:, number] / np.where(below == 0, np.nan, below))
        error = columns["mae"]
        for position, rival in enumerate(forecasts.rivals, 1):
            columns[f"skill_{rival}"] = 1 - error / np.where(error[position] > 0, error[position], np.nan)
        # [forecasters, slices, horizons, targets] -> rows by target, forecaster, slice, horizon
        order = (3, 0, 1, 2)
        shape = error.transpose(order).shape
        horizons = [OVERALL, *(str(step) for step in range(1, shape[3]))]
        names = [forecasts.targets, forecasts.forecasters, self.slicing.labels, horizons]
        keys = pd.MultiIndex.from_product(names, names=["target", "forecaster", "slice", "horizon"]).to_frame(
            index=False
        )
        found = pd.DataFrame({name: values.transpose(order).ravel() for name, values in columns.items()})
        return pd.concat([keys, found.astype({"num_values": np.int64})], axis=1)


def _with_overall(sums: Array) -> Array:
    """[..., H, targets] -> [..., 1 + H, targets] with the sum over all steps first."""
    return np.concatenate([sums.sum(axis=-2, keepdims=True), sums], axis=-2)
