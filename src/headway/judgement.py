"""Judging a forecaster: its forecasts and its rivals', scored, compared and drawn.

The only place that reads the test split.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from headway import files
from headway.config.evaluation import EvaluationSpec
from headway.data import batches
from headway.evaluation import scaled as scaled_scores
from headway.evaluation import tables
from headway.evaluation.comparison import Comparison, compare
from headway.evaluation.forecasts import Forecasts
from headway.evaluation.metrics import Array
from headway.evaluation.scaled import Published, ScaledScores, score_scaled
from headway.evaluation.scores import Scores, score
from headway.evaluation.verdicts import Verdict, beats_all, unmet
from headway.forecaster import Forecaster
from headway.forecasting import MODEL, forecast_all, median_errors, with_calibration
from headway.report.calibration import calibration
from headway.report.description import headline, scaled_headline
from headway.report.forecasts import ForecastWindow, forecast_fans
from headway.report.png import png
from headway.report.skill import skill_by_horizon
from headway.report.slices import Slice, errors_by_slice
from headway.rival_forecasts import CACHE
from headway.task import Task

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SCALED = "scaled.csv"
_WORTH_A_WORD = 2.0  # percentage points that coverage may be off before a reason is asked for


@dataclass(frozen=True)
class Judgement:
    """What a forecaster is worth, and what that was computed from.

    Attributes:
        forecaster: The forecaster that was judged.
        task: Whose windows were forecast.
        split: Of the task.
        forecasts: Of model and rivals.
        raw_shares: Share of actuals at or below each quantile before calibration [1 + H, Q], or None
            without calibration.
        scores: The scores.
        comparison: The model against its rivals.
        validation_errors: The model's MAE on the validation windows of its training [targets].
        scaled: Scores of all targets together on standardised values, where these decide; else None.
    """

    forecaster: Forecaster
    task: Task
    split: str
    forecasts: Forecasts
    raw_shares: Array | None
    scores: Scores
    comparison: Comparison
    validation_errors: Array
    scaled: ScaledScores | None = None

    @property
    def files(self) -> tuple[str, ...]:
        """Names of what `write` writes."""
        pictures = ["forecast.png", "skill.png"]
        pictures += ["calibration.png"] if len(self.forecaster.levels) > 1 else []
        pictures += ["slices.png"] if self.forecasts.telling and self.scores.rivals else []
        return ("scores.csv", "slices.csv", *([SCALED] if self.scaled is not None else []), *pictures)

    @property
    def deciding(self) -> tuple[Verdict, ...]:
        """The verdicts that decide: on the scaled squared error where there is one, else on every target."""
        return self.comparison.verdicts if self.scaled is None else self.scaled.verdicts

    @property
    def beats_baselines(self) -> bool:
        """Whether the model beats every rival in all that decides, none by what could be chance."""
        return beats_all(self.deciding)

    @property
    def unmet(self) -> list[str]:
        """What keeps `beats_baselines` from being true, in words."""
        found = unmet(self.deciding)
        return found if self.scaled is None else [f"{words}, by {scaled_scores.MSE}" for words in found]

    @cached_property
    def verdicts(self) -> str:
        """A sentence per rival and target, or per rival and scaled error where these decide."""
        if self.scaled is not None:
            return _sentences(self.scaled.comparison.verdicts, named=True)
        return self._by_target

    @property
    def _by_target(self) -> str:
        return _sentences(self.comparison.verdicts, named=len(self.forecaster.targets) > 1)

    @cached_property
    def headline(self) -> str:
        """How the model did, in one sentence."""
        if self.scaled is not None:
            against = {verdict.rival: verdict.words for verdict in self.scaled.verdicts}
            named = "least_squares" if "least_squares" in against else self.scaled.strongest_rival
            return scaled_headline(self.scaled.mse, self.scaled.mae, against, model=MODEL, named=named)
        target = self.forecaster.targets[0]
        return headline(
            target,
            self.forecaster.units.get(target, ""),
            self.scores.value(target, self.scores.model, "mae"),
            {verdict.rival: verdict.words for verdict in self.comparison.verdicts if verdict.target == target},
            strongest=self.scores.strongest_rival(target),
        )

    def metrics(self) -> dict[str, float]:
        """All scores by path."""
        return self.scores.metrics() | ({} if self.scaled is None else self.scaled.metrics())

    def summary(self, *, style: str = "simple") -> str:
        """The tables that decide, as text: the scaled errors where these decide, else every target's."""
        if self.scaled is not None:
            return f"{self.scaled.caption}\n\n{self.scaled.table().text(style)}"
        return self.table(style=style)

    @property
    def coverage_note(self) -> str:
        """Where calibrated intervals hold too few or too many actuals: by how much, and what has changed."""
        nominal = self.scores.nominal
        if nominal is None or self.raw_shares is None:
            return ""
        notes = []
        for position, target in enumerate(self.forecaster.targets):
            found = self.scores.value(target, MODEL, "coverage")
            if not abs(found - nominal) > _WORTH_A_WORD:
                continue
            note = f"intervals of {target} hold {found:.1f} % of the actuals, not {nominal:g} %"
            judged, validation = self.scores.value(target, MODEL, "mae"), float(self.validation_errors[position])
            if validation > 0:
                change = judged / validation - 1
                explains = (change > 0) == (found < nominal)
                note += (
                    f"{':' if explains else ', although'} the model errs {100 * abs(change):.0f} % "
                    f"{'more' if change > 0 else 'less'} on these windows (MAE {judged:.3f}, "
                    f"bias {self.scores.value(target, MODEL, 'bias'):+.3f}) than on the validation windows that "
                    f"calibrated it and chose its epoch (MAE {validation:.3f})"
                )
            notes.append(note)
        return "\n".join(notes)

    def table(self, *, style: str = "simple") -> str:
        """The headline metrics, model and rivals, as text."""
        return tables.overall_table(self.scores, self.comparison.verdicts, self.forecaster.units, style=style)

    def by_horizon(self, *, style: str = "simple") -> str:
        """All forecasters' MAE and the model's coverage by step of the horizon, as text."""
        step = str(self.forecaster.clock)
        return tables.horizon_table(self.scores, self.forecaster.units, step=step, style=style)

    def by_slice(self, *, style: str = "simple") -> str:
        """A table per slicing, as text."""
        units = self.forecaster.units
        return "\n\n".join(tables.slice_table(self.scores, by, units, style=style) for by in self.forecasts.telling)

    def skills(self, target: str) -> dict[str, float]:
        """Rival -> 1 - MAE / its MAE."""
        return {rival: self.scores.value(target, MODEL, f"skill_{rival}") for rival in self.scores.rivals}

    def write(self, folder: Path) -> None:
        """Write tables and pictures into a run's folder."""
        files.write(folder / "scores.csv", self.scores.table.to_csv(index=False))
        files.write(folder / "slices.csv", self.scores.slices.to_csv(index=False))
        words = [self.table(), self._by_target, self.coverage_note]
        if self.scaled is not None:
            files.write(folder / SCALED, self.scaled.csv())
            words = [self.summary(), scaled_scores.definition(), self.verdicts, *words]
        words += [self.by_horizon(), self.by_slice(), tables.definitions()]
        if len(self.forecaster.levels) > 1:
            words.insert(-1, tables.pit_table(self.scores.reliability[0], self.forecaster.levels))
        files.write(folder / "scores.txt", "\n\n".join(filter(None, words)) + "\n")
        for name, picture in self.pictures.items():
            files.write(folder / name, png(picture))

    @cached_property
    def pictures(self) -> dict[str, "Figure"]:
        """File name -> picture, of the first target."""
        target = self.forecaster.targets[0]
        unit, clock = self.forecaster.units.get(target, ""), self.forecaster.clock.step
        found = {"forecast.png": forecast_fans(self.examples(), target=target, unit=unit, clock=clock)}
        intervals = {rival: found[1:] for rival, found in self.comparison.intervals[target].items()}
        found["skill.png"] = skill_by_horizon(
            self.scores.by_horizon(target, "mae"),
            model=MODEL,
            metric="MAE",
            unit=unit,
            clock=clock,
            intervals=intervals,
        )
        if "calibration.png" in self.files:
            shares, raw = self.scores.reliability, self.raw_shares
            found["calibration.png"] = calibration(
                np.array(self.forecaster.levels),
                shares[1:],
                overall=shares[0],
                raw=None if raw is None else raw[1:],
                raw_overall=None if raw is None else raw[0],
                clock=clock,
            )
        if "slices.png" in self.files:
            found["slices.png"] = errors_by_slice(
                self._slices(target),
                model=MODEL,
                rival=self.scores.strongest_rival(target) or "",
                unit=unit,
                nominal=self.scores.nominal,
            )
        return found

    def _slices(self, target: str) -> dict[str, Slice]:
        rival = self.scores.strongest_rival(target) or ""
        found = {}
        for by in self.forecasts.telling:
            rows = self.scores.by_slice(target, by)
            own, other = (rows[rows.forecaster == name] for name in (MODEL, rival))
            found[by] = Slice(
                labels=tuple(own["slice"]),
                model=own.mae.to_numpy(float),
                rival=other.mae.to_numpy(float),
                coverage=None if self.scores.nominal is None else own.coverage.to_numpy(float),
                counts=own.num_values.to_numpy(),
            )
        return found

    def examples(self, *, worst: int = 1) -> list[ForecastWindow]:
        """The best and the typical window of the first target by mean absolute error, and the worst, that one last.

        Args:
            worst: How many of the worst; of windows that overlap only the worst one is shown.
        """
        forecasts = self.forecasts
        means, whole = np.empty(len(forecasts)), np.empty(len(forecasts), np.bool_)
        for windows in forecasts.parts():
            errors = np.abs(forecasts.point(MODEL, windows)[:, :, 0] - forecasts.actual[windows, :, 0])
            observed = ~np.isnan(errors)
            whole[windows], count = observed.all(axis=1), observed.sum(axis=1)
            sums = np.where(observed, errors, 0.0).sum(axis=1)
            means[windows] = np.where(count > 0, sums / np.maximum(count, 1), np.nan)
        chosen = np.flatnonzero(whole) if whole.any() else np.flatnonzero(~np.isnan(means))
        order = chosen[np.argsort(means[chosen], kind="stable")]
        ranked = [("best", int(order[0])), ("typical", int(order[len(order) // 2]))]
        ranked += [("worst", number) for number in reversed(self._apart(order[::-1], worst))]
        return [self._example(label, number, float(means[number])) for label, number in ranked]

    def _apart(self, numbers: NDArray[np.int64], count: int) -> list[int]:
        """The first windows of an order whose origins lie a horizon apart, whatever their series."""
        kept: list[int] = []
        for number in map(int, numbers):
            distances = np.abs(self.forecasts.ticks[kept] - self.forecasts.ticks[number])
            if (distances >= self.forecasts.horizon).all():
                kept.append(number)
            if len(kept) == count:
                break
        return kept

    def _example(self, label: str, number: int, error: float) -> ForecastWindow:
        dataset = self.task.dataset
        window = batches.gather_raw(dataset, self.task.windows[self.split], np.array([number]))
        forecasts = self.forecasts
        return ForecastWindow(
            label=label,
            series=self.forecaster.series[int(window.series[0])],
            origin=window.origins[0],
            context=window.values[0, :, dataset.target_indices[0]],
            actual=window.target[0, :, 0],
            forecast=forecasts.quantiles[number, :, 0].astype(np.float64),
            quantiles=np.array(forecasts.levels),
            error=error,
            rivals={
                name: point[number, :, 0].astype(np.float64)
                for name, point in forecasts.rivals.items()
                if name == "persistence"
            },
        )


def judge_forecaster(
    forecaster: Forecaster,
    task: Task,
    spec: EvaluationSpec,
    *,
    seed: int,
    judged_on: Task | None = None,
    cache: Path | None = CACHE,
    scaled: bool = False,
    published: Sequence[Published] = (),
) -> Judgement:
    """Forecast the test split with a forecaster and its rivals, and score them on the same windows.

    Args:
        forecaster: A trained forecaster.
        task: What it was trained on; rivals learn from its training windows alone.
        spec: Which rivals, slices, calibration, and how many draws.
        seed: Of the bootstrap.
        judged_on: A task of other data whose test split is judged instead.
        cache: Where forecasts of rivals are kept, or None.
        scaled: Score all targets together on standardised values, and decide by that.
        published: What others reached on the same windows, for the table of scaled scores.

    Returns:
        The judgement.
    """
    where = judged_on or task
    forecaster = with_calibration(forecaster, task, spec)
    forecasts, raw_shares = forecast_all(forecaster, task, spec, judged_on=where, cache=cache)
    comparison = compare(forecasts, draws=spec.bootstrap, seed=seed)
    errors = median_errors(forecaster, task, "validation", batch_size=spec.batch_size)
    together = None
    if scaled:
        scale = where.scaler.columns(where.shape.targets).scale
        together = score_scaled(forecasts, scale, draws=spec.bootstrap, seed=seed, published=published)
    return Judgement(forecaster, where, "test", forecasts, raw_shares, score(forecasts), comparison, errors, together)


def _sentences(verdicts: Iterable[Verdict], *, named: bool) -> str:
    """A sentence per verdict, that begins with what was compared where it is `named`."""
    return "\n".join(f"{f'{one.target}: ' if named else ''}{MODEL} {one.words}" for one in verdicts)
