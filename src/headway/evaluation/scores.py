"""Scores: every metric of model and rivals, overall, by step of the horizon, and by slice."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from headway.evaluation.forecasts import Forecasts, Slicing
from headway.evaluation.metrics import METRICS, Array, nominal_coverage
from headway.evaluation.reliability import Reliability

OVERALL = "all"
_BY_STEP = ("mae", "crps", "coverage")
_MOST_STEPS = 24  # of a longer horizon, slices are scored over all steps together alone
_MOST_LOGGED = 48  # steps with metrics of their own; of a longer horizon the table alone has them


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
        return float(self.table[metric].to_numpy(np.float64)[self._row_of[target, forecaster, str(horizon)]])

    @cached_property
    def _row_of(self) -> dict[tuple[str, str, str], int]:
        """Where each target, forecaster and horizon stands: long horizons make long tables, read cell by cell."""
        keys = zip(self.table.target, self.table.forecaster, self.table.horizon, strict=True)
        return {key: row for row, key in enumerate(keys)}

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

        By step only what a chart by step is drawn of, and nothing of a long horizon; the table has it all.
        """
        found = {}
        rows = self.table[self.table.forecaster == self.model]
        if self.table.horizon.nunique() - 1 > _MOST_LOGGED:
            rows = rows[rows.horizon == OVERALL]
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
        observed = ~np.isnan(forecasts.actual[windows])
        parts = [_Part(sums, windows, observed) for sums in (overall, *sliced.values())]
        for position, name in enumerate(forecasts.forecasters):
            judged = forecasts.judged(name, windows)
            for number, one in enumerate(METRICS.values()):
                loss = one.loss(judged)
                if loss is None:
                    continue
                counted = ~np.isnan(loss)
                values = np.where(counted, loss, 0.0)
                over = None if one.over is None else np.where(counted, one.over(judged), 0.0)
                # Nearly every metric has a loss wherever something was observed: that is counted once.
                other = None if np.array_equal(counted, observed) else counted
                for part in parts:
                    part.add((position, number), values, other, over)
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


class _Part:
    """Some windows, and where in the sums each of their target values belongs.

    Args:
        sums: To add to.
        windows: Which windows.
        observed: [W, H, targets], where something happened that is known.
    """

    def __init__(self, sums: _Sums, windows: slice, observed: NDArray[np.bool_]) -> None:
        self._sums, codes = sums, sums.slicing.codes[windows]
        self._slices, self._steps = sums.total.shape[2:4]
        self._alike = codes.shape[1] == 1 and self._steps == 1  # all steps of a window go to one cell
        codes = np.where(codes < 0, self._slices, codes)  # the last slice, -1, is none
        self._cells = (codes if self._alike else codes * self._steps + np.arange(self._steps)).ravel()
        self._count = self._by_cell(observed.astype(np.float64))

    def add(self, where: tuple[int, int], values: Array, counted: NDArray[np.bool_] | None, over: Array | None) -> None:
        """Add losses of a forecaster and metric.

        Args:
            where: The forecaster's position and the metric's.
            values: Losses [W, H, targets], 0 where they do not count.
            counted: Where they do; None where it is what was observed.
            over: What their mean is divided by, 0 where they do not count; None for nothing.
        """
        self._sums.count[where] += self._count if counted is None else self._by_cell(counted.astype(np.float64))
        self._sums.total[where] += self._by_cell(values)
        if over is not None:
            self._sums.over[where] += self._by_cell(over)

    def _by_cell(self, values: Array) -> Array:
        """Values [W, H, K] summed by slice and step, [slices, steps, K]; what has no slice is left out."""
        if self._alike:
            values = values.sum(axis=1, keepdims=True)
        if self._slices == 1:  # of all values
            return values.sum(axis=0, keepdims=True)
        found = np.empty((self._slices, self._steps, values.shape[2]))
        for column in range(values.shape[2]):
            weights = values[..., column].ravel()
            sums = np.bincount(self._cells, weights, minlength=(self._slices + 1) * self._steps)
            found[..., column] = sums.reshape(self._slices + 1, self._steps)[:-1]
        return found


def _with_overall(sums: Array) -> Array:
    """[..., H, targets] -> [..., 1 + H, targets] with the sum over all steps first."""
    return np.concatenate([sums.sum(axis=-2, keepdims=True), sums], axis=-2)
