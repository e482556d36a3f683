"""Judging a forecaster: its forecasts and its rivals' on the test split, scored and drawn.

The only place that reads the test split.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from headway.config.evaluation import EvaluationSpec
from headway.data import batches
from headway.data.batches import RawWindows
from headway.evaluation.metrics import Judged, reliability, seasonal_scale
from headway.evaluation.rivals import RIVALS, Cases
from headway.evaluation.tables import Scores, definitions, horizon_table, judge, overall_table
from headway.forecaster import Forecaster
from headway.report.forecasts import ForecastWindow, forecast_fans
from headway.report.png import png
from headway.report.skill import coverage, skill_by_horizon
from headway.task import Task

MODEL = "transformer"
_ROWS_AT_ONCE = 4096  # windows held in their own units while rivals are fitted


@dataclass(frozen=True)
class Judgement:
    """Scores, and what they were computed from.

    Attributes:
        scores: The table.
        judged: Forecaster -> forecasts beside actuals.
        windows: The test windows in their own units.
        forecaster: The forecaster that was judged.
    """

    scores: Scores
    judged: dict[str, Judged]
    windows: RawWindows
    forecaster: Forecaster

    @property
    def files(self) -> tuple[str, ...]:
        """Names of what `write` writes."""
        pictures = ("forecast.png", "skill.png", *(("coverage.png",) if len(self.forecaster.levels) > 1 else ()))
        return ("scores.csv", *pictures)

    def table(self, *, style: str = "simple") -> str:
        """All metrics, model and rivals, as text."""
        return overall_table(self.scores, self.forecaster.units, style=style)

    def by_horizon(self) -> str:
        """The model's metrics by step of the horizon beside its rivals' MAE, as text."""
        return horizon_table(self.scores, self.forecaster.units, step=str(self.forecaster.clock))

    def skills(self, target: str) -> dict[str, float]:
        """Rival -> 1 - MAE / its MAE."""
        return {rival: self.scores.value(target, MODEL, f"skill_{rival}") for rival in self.scores.rivals}

    def write(self, folder: Path) -> None:
        """Write tables and pictures into a run's folder."""
        target = self.forecaster.targets[0]
        unit, clock = self.forecaster.units.get(target, ""), self.forecaster.clock.step
        self.scores.table.to_csv(folder / "scores.csv", index=False)
        (folder / "scores.txt").write_text(f"{self.table()}\n\n{self.by_horizon()}\n\n{definitions()}\n")
        errors = self.scores.by_horizon(target, "mae")
        (folder / "forecast.png").write_bytes(
            png(forecast_fans(self._examples(), target=target, unit=unit, clock=clock))
        )
        (folder / "skill.png").write_bytes(
            png(skill_by_horizon(errors, model=MODEL, metric="MAE", unit=unit, clock=clock))
        )
        if len(self.forecaster.levels) > 1:
            overall, by_horizon = reliability(self.judged[MODEL])
            (folder / "coverage.png").write_bytes(
                png(coverage(np.array(self.forecaster.levels), overall, by_horizon=by_horizon))
            )

    def _examples(self) -> list[ForecastWindow]:
        """Best, typical and worst windows of the first target, by mean absolute error."""
        judged, position = self.judged[MODEL], self.forecaster.network.shape.targets[0]
        observed = ~np.isnan(self.windows.target[..., 0])
        whole = np.flatnonzero(observed.all(axis=1))
        chosen = whole if len(whole) else np.flatnonzero(observed.any(axis=1))
        errors = np.nanmean(np.abs(judged.error[chosen, :, 0]), axis=1)
        order = np.argsort(errors, kind="stable")
        examples = []
        for label, rank in (("best", 0), ("typical", len(order) // 2), ("worst", len(order) - 1)):
            number = int(chosen[order[rank]])
            examples.append(
                ForecastWindow(
                    label=label,
                    series=self.forecaster.series[int(self.windows.series[number])],
                    origin=self.windows.origins[number],
                    context=self.windows.values[number, :, position],
                    actual=self.windows.target[number, :, 0],
                    forecast=judged.forecast[number, :, 0],
                    quantiles=np.array(judged.levels),
                    error=float(errors[order[rank]]),
                    rivals={
                        name: one.point[number, :, 0] for name, one in self.judged.items() if name == "persistence"
                    },
                )
            )
        return examples


def judge_forecaster(forecaster: Forecaster, task: Task, spec: EvaluationSpec) -> Judgement:
    """Forecast the test split with a forecaster and its rivals, and score them on the same windows.

    Args:
        forecaster: A trained forecaster.
        task: The dataset, its borders and its windows.
        spec: Which rivals.

    Returns:
        The judgement. Rivals were fitted on training windows alone.
    """
    index = task.windows["test"]
    history = max(task.dataset.season, index.context_length)
    windows = batches.gather_raw(task.dataset, index, np.arange(len(index)), history=history)
    scale = _seasonal_scales(task)[windows.series]
    forecast = forecaster.forecast(
        windows.values,
        origins=windows.origins,
        series=windows.series,
        known_future=windows.known_future,
        batch_size=spec.batch_size,
    )
    judged = {MODEL: Judged(windows.target, forecast.astype(np.float64), forecaster.levels, scale)}
    test = _cases(forecaster, task, windows)
    for name in spec.rivals:
        rival = RIVALS[name]()
        rival.fit(_training_cases(forecaster, task, history))
        judged[name] = Judged(windows.target, rival.forecast(test)[..., None], (0.5,), scale)
    return Judgement(judge(judged, model=MODEL, targets=forecaster.targets), judged, windows, forecaster)


def _training_cases(forecaster: Forecaster, task: Task, history: int) -> Iterator[Cases]:
    for numbers in batches.all_numbers(task.windows["train"], batch_size=_ROWS_AT_ONCE):
        yield _cases(
            forecaster, task, batches.gather_raw(task.dataset, task.windows["train"], numbers, history=history)
        )


def _cases(forecaster: Forecaster, task: Task, windows: RawWindows) -> Cases:
    inputs = forecaster.inputs(
        windows.values, origins=windows.origins, series=windows.series, known_future=windows.known_future
    )
    known = inputs["known_future"].astype(np.float64)
    return Cases(windows.values, known, windows.series, windows.history, windows.target, task.dataset.season)


def _seasonal_scales(task: Task) -> NDArray[np.float64]:
    """MASE's scale per series and target, [series, targets], from training rows."""
    scales = []
    for series, border in zip(task.dataset.series, task.borders, strict=True):
        begin, end = border["train"]
        rows = series.values[begin:end, task.dataset.target_indices]
        # A season of missing rows before each segment: no difference reaches across a gap.
        gaps = np.array([row - begin for row in series.segments if begin < row < end], np.int64)
        rows = np.insert(rows, np.repeat(gaps, task.dataset.season), np.nan, axis=0)
        scales.append(seasonal_scale(rows, task.dataset.season))
    return np.stack(scales)
