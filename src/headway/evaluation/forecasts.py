"""Forecasts of a model and its rivals for the same windows, beside what happened: what is scored."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from headway import files
from headway.errors import NumericError
from headway.evaluation.metrics import Array, Judged

_VALUES_AT_ONCE = 1_000_000  # target values times levels that are scored in one go


@dataclass(frozen=True)
class Slicing:
    """One way of cutting target values into slices.

    Attributes:
        labels: Names of the slices.
        codes: [W, 1] or [W, H] positions among the labels; -1 belongs to none.
    """

    labels: tuple[str, ...]
    codes: NDArray[np.int32]


@dataclass(frozen=True)
class Forecasts:
    """Everything that scores are computed from, in the targets' own units.

    Attributes:
        model: Name of the model.
        targets: Names of the targets.
        levels: [Q] quantile levels of the model in rising order.
        ticks: [W] origins in steps of the clock.
        series: [W] indices of the series.
        actual: [W, H, targets], NaN where missing.
        quantiles: [W, H, targets, Q] of the model.
        rivals: Name -> point forecasts [W, H, targets].
        seasonal_scale, seasonal_square: [series, targets]; see `Judged`.
        slicings: Name -> how values are cut.

    Raises:
        ValueError: If shapes disagree, or a code has no label.
        NumericError: If a forecast is not a finite number: left out, it would be judged on fewer values
            than the others.
    """

    model: str
    targets: tuple[str, ...]
    levels: tuple[float, ...]
    ticks: NDArray[np.int64]
    series: NDArray[np.int64]
    actual: Array
    quantiles: Array
    rivals: Mapping[str, Array]
    seasonal_scale: Array
    seasonal_square: Array
    slicings: Mapping[str, Slicing]

    def __post_init__(self) -> None:
        windows, horizon, targets = self.actual.shape
        point = (windows, horizon, targets)
        shapes: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
            "quantiles": (self.quantiles.shape, (*point, len(self.levels))),
            "ticks": (self.ticks.shape, (windows,)),
            "series": (self.series.shape, (windows,)),
            "targets": ((len(self.targets),), (targets,)),
        }
        shapes |= {f"forecasts of {name}": (forecast.shape, point) for name, forecast in self.rivals.items()}
        for name, (found, expected) in shapes.items():
            if found != expected:
                raise ValueError(f"{name} must be of shape {expected}, as the actuals are: got {found}")
        for name, slicing in self.slicings.items():
            if slicing.codes.shape not in ((windows, 1), (windows, horizon)):
                raise ValueError(f"codes of {name} must be of shape [W, 1] or [W, H]: got {slicing.codes.shape}")
            if slicing.codes.size and not -1 <= slicing.codes.min() <= slicing.codes.max() < len(slicing.labels):
                raise ValueError(f"codes of {name} must be -1 to {len(slicing.labels) - 1}, as many as it has labels")
        for name, forecast in {self.model: self.quantiles, **self.rivals}.items():
            if not all(np.isfinite(forecast[windows]).all() for windows in self.parts()):
                raise NumericError(f"forecasts of {name} must be finite numbers: some are NaN or infinite")

    def __len__(self) -> int:
        return len(self.actual)

    @property
    def horizon(self) -> int:
        """Steps H."""
        return self.actual.shape[1]

    @property
    def telling(self) -> Mapping[str, Slicing]:
        """The slicings that cut at all: those of more than one slice."""
        return {name: slicing for name, slicing in self.slicings.items() if len(slicing.labels) > 1}

    @property
    def forecasters(self) -> tuple[str, ...]:
        """The model, then its rivals."""
        return (self.model, *self.rivals)

    def judged(self, name: str, windows: slice) -> Judged:
        """One forecaster's forecasts of some windows."""
        owner = self.series[windows]
        is_model = name == self.model
        return Judged(
            actual=self.actual[windows],
            forecast=self.quantiles[windows].astype(np.float64) if is_model else self.point(name, windows)[..., None],
            levels=self.levels if is_model else (0.5,),
            scored_levels=self.levels,
            seasonal_scale=self.seasonal_scale[owner],
            seasonal_square=self.seasonal_square[owner],
        )

    def point(self, name: str, windows: slice) -> Array:
        """One forecaster's median of some windows, [W, H, targets]."""
        if name == self.model:
            return self.quantiles[windows, ..., self.levels.index(0.5)].astype(np.float64)
        return self.rivals[name][windows].astype(np.float64)

    def parts(self) -> Iterator[slice]:
        """Slices of windows small enough that scoring them takes little memory."""
        per_window = self.horizon * len(self.targets) * len(self.levels)
        size = max(1, _VALUES_AT_ONCE // max(per_window, 1))
        return (slice(first, first + size) for first in range(0, len(self), size))

    def save(self, path: Path) -> None:
        """Write all arrays as npz; the file is whole or not there."""
        arrays: dict[str, NDArray[np.generic]] = {name: getattr(self, name) for name in _ARRAYS}
        arrays |= {f"rivals/{name}": forecast for name, forecast in self.rivals.items()}
        for name, slicing in self.slicings.items():
            arrays |= {f"codes/{name}": slicing.codes, f"labels/{name}": np.array(slicing.labels, np.str_)}
        arrays |= {"model": np.array(self.model), "targets": np.array(self.targets), "levels": np.array(self.levels)}
        with files.writing(path) as file:
            np.savez(file, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path) -> "Forecasts":
        """Read what `save` wrote.

        Raises:
            ValueError: If the file is none of it, or damaged.
            OSError: If it cannot be read.
        """
        try:
            with np.load(path, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            found = {group: _below(arrays, group) for group in ("rivals", "codes", "labels")}
            return cls(
                model=str(arrays["model"]),
                targets=tuple(arrays["targets"].tolist()),
                levels=tuple(arrays["levels"].tolist()),
                rivals=found["rivals"],
                slicings={
                    name: Slicing(tuple(found["labels"][name].tolist()), codes)
                    for name, codes in found["codes"].items()
                },
                **{name: arrays[name] for name in _ARRAYS},
            )
        # What numpy and zipfile raise depends on the byte that is damaged.
        except (BadZipFile, EOFError, KeyError, RuntimeError, TypeError, ValueError) as error:
            raise ValueError(f"{path} holds no forecasts, or is damaged: {error}") from error


_ARRAYS = ("ticks", "series", "actual", "quantiles", "seasonal_scale", "seasonal_square")


def join(parts: Sequence[Forecasts]) -> Forecasts:
    """Forecasts of the same forecasters for other windows, one below the other.

    Slices keep their names; a slice that one part has not got is empty there. The scales of MASE and RMSSE
    are those of the first part, for all windows.

    Raises:
        ValueError: If model, targets, levels, rivals or slicings are not the same in all parts.
    """
    first = parts[0]
    for part in parts:
        if _kind(part) != _kind(first):
            raise ValueError(f"parts must have the same names in them: got {_kind(first)} and {_kind(part)}")
    slicings = {}
    for name in first.slicings:
        labels = _united([part.slicings[name].labels for part in parts])
        codes = [_recoded(part.slicings[name], labels) for part in parts]
        slicings[name] = Slicing(labels, np.concatenate(codes))
    return Forecasts(
        model=first.model,
        targets=first.targets,
        levels=first.levels,
        ticks=np.concatenate([part.ticks for part in parts]),
        series=np.concatenate([part.series for part in parts]),
        actual=np.concatenate([part.actual for part in parts]),
        quantiles=np.concatenate([part.quantiles for part in parts]),
        rivals={name: np.concatenate([part.rivals[name] for part in parts]) for name in first.rivals},
        seasonal_scale=first.seasonal_scale,
        seasonal_square=first.seasonal_square,
        slicings=slicings,
    )


def _kind(part: Forecasts) -> tuple[object, ...]:
    return part.model, part.targets, part.levels, sorted(part.rivals), sorted(part.slicings)


def _united(parts: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """All labels; what is new in a part stands before the label that follows it there."""
    united: list[str] = []
    for labels in dict.fromkeys(parts):
        place = len(united)
        for label in reversed(labels):
            if label in united:
                place = united.index(label)
            else:
                united.insert(place, label)
    return tuple(united)


def _recoded(slicing: Slicing, labels: tuple[str, ...]) -> NDArray[np.int32]:
    position_of = {label: position for position, label in enumerate(labels)}
    positions = np.array([*(position_of[label] for label in slicing.labels), -1], np.int32)
    return positions[slicing.codes]


def _below(arrays: Mapping[str, Any], group: str) -> dict[str, Any]:
    return {name.removeprefix(f"{group}/"): array for name, array in arrays.items() if name.startswith(f"{group}/")}
