"""Errors on standardised values, all targets together: the score that papers on long horizons print."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from headway.evaluation.comparison import Comparison, Loss, compare
from headway.evaluation.forecasts import Forecasts
from headway.evaluation.metrics import Array
from headway.evaluation.tables import Cells, skill_cells
from headway.evaluation.verdicts import Verdict

ALL = "all"
"""The name of all targets together."""
MSE, MAE = "scaled MSE", "scaled MAE"
_VALUES_AT_ONCE = 1_000_000


@dataclass(frozen=True)
class Published:
    """What another model reached by the same protocol, as its source says.

    Attributes:
        model: Its name.
        mse, mae: NaN where the source does not say.
        source: Where that stands.
    """

    model: str
    mse: float
    mae: float
    source: str


@dataclass(frozen=True)
class ScaledScores:
    """Errors of all forecasters on standardised values, and the model against each rival on them.

    Attributes:
        model: Name of the model.
        mse, mae: Forecaster -> mean over all windows, steps and targets that were observed, the model first.
        comparison: Of the losses `MSE` and `MAE`.
        published: What others reached on the same windows.
        num_windows, num_targets: Behind every mean.
    """

    model: str
    mse: Mapping[str, float]
    mae: Mapping[str, float]
    comparison: Comparison
    published: tuple[Published, ...]
    num_windows: int
    num_targets: int

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """The model against each rival on the squared error: what decides."""
        return tuple(verdict for verdict in self.comparison.verdicts if verdict.target == MSE)

    @property
    def strongest_rival(self) -> str | None:
        """The rival with the lowest MSE, or None where there is no rival."""
        return min((name for name in self.mse if name != self.model), key=self.mse.__getitem__, default=None)

    @property
    def caption(self) -> str:
        """What the numbers are means of."""
        columns = f"mean over {self.num_targets} columns" if self.num_targets > 1 else "one column"
        return f"scaled values, all {self.num_windows:,} test windows, {columns}"

    def table(self) -> Cells:
        """The model, its rivals, and below them what is published; skill is the model's MSE against that row's rival."""
        by_rival = {verdict.rival: verdict for verdict in self.verdicts}
        rows = [
            [name, f"{mse:.4f}", f"{self.mae[name]:.4f}", *skill_cells(by_rival.get(name)), ""]
            for name, mse in self.mse.items()
        ]
        rows += [
            [one.model, _printed(one.mse), _printed(one.mae), "", "", "", f"published: {one.source}"]
            for one in self.published
        ]
        head = ["scaled values", "mse", "mae", f"skill of {self.model} (mse)", "95 % interval", "p", "source"]
        columns = slice(None) if self.published else slice(-1)
        return Cells("", head[columns], [row[columns] for row in rows])

    def metrics(self) -> dict[str, float]:
        """Errors by path: scaled_mse of the model, scaled_mse_persistence of a rival."""
        found: dict[str, float] = {}
        for error, values in (("scaled_mse", self.mse), ("scaled_mae", self.mae)):
            found |= {error if name == self.model else f"{error}_{name}": value for name, value in values.items()}
        return {path: value for path, value in found.items() if np.isfinite(value)}

    def csv(self) -> str:
        """The errors as csv, the model first: what a later run reads of this one."""
        rows = [f"{ALL},{name},{mse!r},{self.mae[name]!r}\n" for name, mse in self.mse.items()]
        return "".join(["target,forecaster,mse,mae\n", *rows])


def definition() -> str:
    """What the scaled errors mean, in a few lines."""
    text = (
        "mse and mae are means over all test windows, steps and columns together, of values standardised column by column "
        "with mean and standard deviation of the training rows; skill is 1 - mse / the rival's mse."
    )
    return textwrap.fill(text, 120)


def score_scaled(
    forecasts: Forecasts, scale: Array, *, draws: int, seed: int, published: Sequence[Published] = ()
) -> ScaledScores:
    """Score all forecasters on standardised values and compare the model with its rivals on them.

    Args:
        forecasts: Of model and rivals, in the targets' own units.
        scale: Standard deviation of each target over the training rows [targets]; the mean cancels out.
        draws, seed: Of the bootstrap, as for `compare`.
        published: What others reached on the same windows.
    """
    errors = {
        name: _means(
            (forecasts.point(name, windows) - forecasts.actual[windows]) / scale for windows in _parts(forecasts.actual)
        )
        for name in forecasts.forecasters
    }
    losses: dict[str, Loss] = {MSE: lambda error: (error / scale) ** 2, MAE: lambda error: np.abs(error / scale)}
    return ScaledScores(
        model=forecasts.model,
        mse={name: mse for name, (mse, _) in errors.items()},
        mae={name: mae for name, (_, mae) in errors.items()},
        comparison=compare(forecasts, draws=draws, seed=seed, losses=losses),
        published=tuple(published),
        num_windows=len(forecasts),
        num_targets=len(forecasts.targets),
    )


def scaled_errors(actual: Array, forecast: Array, scale: Array) -> tuple[float, float]:
    """MSE and MAE of standardised values over all that was observed; NaN where nothing was.

    Sums are of a bounded number of values at a time: beyond the arguments little memory is taken.

    Args:
        actual: [W, H, targets] in the targets' own units, NaN where missing.
        forecast: [W, H, targets] in the same units.
        scale: [targets] of the training rows.
    """
    return _means((forecast[windows] - actual[windows]) / scale for windows in _parts(actual))


def _parts(actual: Array) -> Iterator[slice]:
    """Windows whose errors are looked at in one go."""
    size = max(1, _VALUES_AT_ONCE // max(1, actual[:1].size))
    return (slice(first, first + size) for first in range(0, len(actual), size))


def _means(errors: Iterable[Array]) -> tuple[float, float]:
    """Mean of squared and of absolute errors, given a part at a time; NaN is left out."""
    squared = absolute = 0.0
    count = 0
    for part in errors:
        error = part[~np.isnan(part)]
        squared += float(error @ error)
        absolute += float(np.abs(error).sum())
        count += len(error)
    return (squared / count, absolute / count) if count else (np.nan, np.nan)


def _printed(value: float) -> str:
    """Papers print three digits."""
    return "" if np.isnan(value) else f"{value:.3f}"
