"""Which of two forecasters is better on the windows both have, by how much, and whether it could be chance."""

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from tabulate import tabulate

from headway import files
from headway.comparing.side import Side, in_common
from headway.data.windows import WindowIndex
from headway.errors import StoredRunError
from headway.evaluation.comparison import Comparison, compare
from headway.evaluation.forecasts import Forecasts
from headway.evaluation.metrics import METRICS
from headway.evaluation.scores import OVERALL, Scores, score
from headway.forecasting import forecast_all, with_calibration

_MOST_STEPS = 12  # rows of the horizon that are printed
_DIGITS = 4  # of the larger of two values
_OF_THE_LEVELS = ("pinball", "wql", "crps", "winkler")  # comparable only between forecasts of the same quantiles


@dataclass(frozen=True)
class SkillComparison:
    """Two forecasters on the same windows.

    Attributes:
        names: Of both.
        first, second: Scores of each as the model, with the other's median as its rival.
        comparison: The first against the second.
        same_levels: Whether both forecast the same quantiles.
        units: Target -> unit.
        windows: Windows of the test split of the first, of the second, and in common, sampled or not.
        judged: Windows both are scored on: all in common, or a sample of them.
    """

    names: tuple[str, str]
    first: Scores
    second: Scores
    comparison: Comparison
    same_levels: bool
    units: Mapping[str, str]
    windows: tuple[int, int, int]
    judged: int

    @property
    def targets(self) -> list[str]:
        """Names of the targets."""
        return [str(target) for target in self.first.table.target.unique()]

    @property
    def verdicts(self) -> list[str]:
        """A sentence per target."""
        several = len(self.targets) > 1
        own, other = self.names
        # A verdict shows the names of rivals without underscores; of a run's name they are a part.
        return [
            f"{f'{verdict.target}: ' if several else ''}{own} {verdict.words.replace(other.replace('_', ' '), other)}"
            for verdict in self.comparison.verdicts
        ]

    @property
    def counted(self) -> str:
        """Which windows were compared, in words."""
        own, other, both = self.windows
        if own == other == both:
            words = f"{both:,} test windows"
            return f"a sample of {self.judged:,} of the {words}" if self.judged < both else f"all {words}"
        words = f"the {both:,} test windows that both have, of {own:,} of A and {other:,} of B"
        return f"a sample of {self.judged:,} of {words}" if self.judged < both else words

    def values(self, target: str, metric: str, horizon: str) -> tuple[float, float]:
        """A metric of both; NaN where it has no meaning."""
        first, second = self.names
        return self.first.value(target, first, metric, horizon), self.second.value(target, second, metric, horizon)

    def table(self) -> str:
        """Metric | A | B | B - A: the headline metrics over all steps, then MAE and coverage by step, as text."""
        return "\n\n".join(map(self._table, self.targets))

    def write(self, path: Path) -> None:
        """Write all metrics by target and step as csv; skill, its 95 % interval and p stand in the rows of MAE."""
        first, second = self.names
        text = io.StringIO(newline="")
        rows = csv.writer(text, lineterminator="\n")
        head = ("target", "metric", "horizon", f"A: {first}", f"B: {second}", "B - A")
        rows.writerow([*head, "skill of A", "skill low", "skill high", "p"])
        for target in self.targets:
            (p_value,) = (found.p_value for found in self.comparison.verdicts if found.target == target)
            intervals = self.comparison.intervals[target][second]
            for metric in self._metrics(target, headline=False):
                for step, horizon in enumerate((OVERALL, *map(str, range(1, len(intervals))))):
                    one, other = self.values(target, metric, horizon)
                    numbers = [one, other, other - one]
                    if metric == "mae":
                        skill = self.first.value(target, first, f"skill_{second}", horizon)
                        numbers += [skill, *intervals[step], *([] if step else [p_value])]
                    rows.writerow([target, metric, horizon, *("" if math.isnan(n) else f"{n:.6g}" for n in numbers)])
        files.write(path, text.getvalue())

    def _metrics(self, target: str, *, headline: bool) -> list[str]:
        return [
            name
            for name, one in METRICS.items()
            if (one.headline or not headline)
            and not np.isnan(self.values(target, name, OVERALL)).all()
            and (self.same_levels or name not in _OF_THE_LEVELS)
        ]

    def _table(self, target: str) -> str:
        metrics = self._metrics(target, headline=True)
        rows = [[self._label(name), *_row(*self.values(target, name, OVERALL))] for name in metrics]
        horizon = len(self.first.by_horizon(target, "mae")[self.names[0]])
        shown = np.unique(np.linspace(1, horizon, min(horizon, _MOST_STEPS)).round().astype(int))
        for name in ("mae", "coverage"):
            if name in metrics and horizon > 1:
                rows += [[f"{name} +{step}", *_row(*self.values(target, name, str(step)))] for step in shown]
        unit = self.units.get(target, "")
        head = [f"{target} [{unit}]" if unit else target, "A", "B", "B - A"]
        return tabulate(rows, head, stralign="right", colalign=("left",), disable_numparse=True)

    def _label(self, metric: str) -> str:
        if metric != "coverage":
            return metric
        nominal = dict.fromkeys(f"{one.nominal:g} %" for one in (self.first, self.second) if one.nominal is not None)
        return f"coverage (nominal {' and '.join(nominal)})"


def compare_skill(first: Side, second: Side, *, names: tuple[str, str]) -> SkillComparison:
    """Forecast the test windows that both sides have with both forecasters, and score them on these.

    Args:
        first, second: The sides; draws and seed of the bootstrap are those of the first.
        names: Of both, not equal.

    Raises:
        StoredRunError: They have no test window in common.
    """
    indices = first.task.windows["test"], second.task.windows["test"]
    common = in_common(*indices)
    counts = indices[0].total, indices[1].total, common[0].total
    if not counts[2]:
        raise StoredRunError(
            f"the runs {first.run.id} and {second.run.id} have no test window in common (of {counts[0]:,} and "
            f"{counts[1]:,}): with windows.stride={indices[0].stride} and other contexts their origins never meet"
        )
    own, other = (
        _forecasts(side, index, name) for side, index, name in zip((first, second), common, names, strict=True)
    )
    # Both in units of the first's season, which settings of the second may count otherwise.
    other = replace(other, seasonal_scale=own.seasonal_scale, seasonal_square=own.seasonal_square)
    own, other = _as_rival(own, other), _as_rival(other, own)
    comparison = compare(own, draws=first.config.evaluation.bootstrap, seed=first.config.seed)
    same_levels = own.levels == other.levels
    units, judged = first.forecaster.units, len(common[0])
    return SkillComparison(names, score(own), score(other), comparison, same_levels, units, counts, judged)


def _forecasts(side: Side, index: WindowIndex, name: str) -> Forecasts:
    """A side's forecasts of some test windows."""
    spec = side.config.evaluation.model_copy(update={"rivals": (), "slices": ()})
    forecaster = with_calibration(side.forecaster, side.task, spec)
    judged = replace(side.task, windows={**side.task.windows, "test": index})
    found, _ = forecast_all(forecaster, side.task, spec, judged_on=judged, cache=None)
    return replace(found, model=name, slicings={})


def _as_rival(own: Forecasts, other: Forecasts) -> Forecasts:
    return replace(own, rivals={other.model: other.point(other.model, slice(None))})


def _row(one: float, other: float) -> list[str]:
    """Both values and their difference, with the same decimals."""
    largest = max((abs(value) for value in (one, other) if math.isfinite(value)), default=0.0)
    decimals = max(0, _DIGITS - 1 - math.floor(math.log10(largest))) if largest else _DIGITS - 1
    return [
        "" if math.isnan(value) else f"{value:{sign}z.{decimals}f}"
        for value, sign in ((one, ""), (other, ""), (other - one, "+"))
    ]
