"""What a stored forecaster says of itself in `forecaster.json`, believed only after all of it was found to fit."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, PositiveFloat, PositiveInt, Strict, model_validator

from headway.config.model import ModelSpec
from headway.config.spec import Spec
from headway.config.validate import validate
from headway.data.profile import Profile
from headway.data.scaling import Scaler
from headway.errors import ConfigError, StoredRunError
from headway.evaluation.calibration import Calibration
from headway.models import ensemble
from headway.models.ensemble import Ensemble
from headway.models.shape import TaskShape
from headway.models.transformer import Transformer

FORMAT = 3

_MOST_BLOCKS = 4096  # of all members together: each takes time to make, whatever its size
_MOST_LEVELS = 1000

Size = Annotated[int, Field(gt=0, le=1 << 24)]
Column = Annotated[str, Field(max_length=10_000)]
Columns = Annotated[tuple[Column, ...], Strict(False)]
Numbers = Annotated[tuple[float, ...], Strict(False)]


class ShapeSpec(Spec):
    """Sizes that data and windows gave; see `TaskShape`."""

    context_length: Size
    horizon: Size
    num_features: Size
    targets: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Strict(False)] = Field(min_length=1)
    num_known_future: Annotated[int, Field(ge=0, le=1 << 24)]
    num_series: Size


class ScalerSpec(Spec):
    """Mean and scale of every column."""

    mean: Numbers
    scale: Annotated[tuple[PositiveFloat, ...], Strict(False)]

    @property
    def scaler(self) -> Scaler:
        """As the forecaster uses it."""
        return Scaler(np.array(self.mean, np.float64), np.array(self.scale, np.float64))


class ForecasterSpec(Spec):
    """All of `forecaster.json`; attributes as of a `Forecaster`.

    Attributes:
        members: Networks that forecast together.
        precision: Name of the policy of computation.
    """

    format: Literal[3]
    model: ModelSpec
    members: Annotated[PositiveInt, Field(le=64)]
    shape: ShapeSpec
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"]
    features: Columns = Field(min_length=1)
    targets: Columns = Field(min_length=1)
    known_future_columns: Columns
    series: Columns = Field(min_length=1)
    frequency: str = Field(pattern=r"^[1-9][0-9]{0,9}(s|min|h|D|W|M)$")
    cycles: dict[Literal["hour", "day", "week", "year"], Annotated[PositiveInt, Field(le=10_000)]]
    scaler: ScalerSpec
    known_future_scaler: ScalerSpec
    units: dict[Column, Column]
    profile: dict[str, Any]
    calibration: Annotated[list[Any], Field(min_length=1)] | None

    @property
    def make(self) -> Callable[[], Transformer | Ensemble]:
        """Makes the network, untrained."""
        shape = TaskShape(**self.shape.model_dump())
        return lambda: ensemble.make(self.model, shape, members=self.members, dtype=self.precision)

    @model_validator(mode="after")
    def _sizes_fit(self) -> "ForecasterSpec":
        shape, calendar = self.shape, 2 * sum(self.cycles.values())
        if self.members * self.model.layers > _MOST_BLOCKS or len(self.model.levels) > _MOST_LEVELS:
            raise ValueError(f"asks for more than {_MOST_BLOCKS:,} blocks or {_MOST_LEVELS:,} quantiles")
        expected = {
            "shape.num_features": (shape.num_features, len(self.features)),
            "shape.num_series": (shape.num_series, len(self.series)),
            "shape.num_known_future": (shape.num_known_future, calendar + 2 * len(self.known_future_columns)),
            "distinct features": (len({*self.features}), len(self.features)),
            "distinct series": (len({*self.series}), len(self.series)),
            "scaler.mean": (len(self.scaler.mean), len(self.features)),
            "scaler.scale": (len(self.scaler.scale), len(self.features)),
            "known_future_scaler.mean": (len(self.known_future_scaler.mean), len(self.known_future_columns)),
            "known_future_scaler.scale": (len(self.known_future_scaler.scale), len(self.known_future_columns)),
        }
        for name, (found, fitting) in expected.items():
            if found != fitting:
                raise ValueError(f"{name}: {found}, but what it belongs to has {fitting}")
        if [self.features[place] for place in shape.targets if place < len(self.features)] != list(self.targets):
            raise ValueError(f"shape.targets: {list(shape.targets)[:20]} are not the places of targets among features")
        return self


def read(stored: object) -> ForecasterSpec:
    """What `forecaster.json` holds, as far as it can be known without the weights.

    Raises:
        StoredRunError: It is of another format.
        ConfigError: It does not fit.
    """
    if not isinstance(stored, Mapping):
        raise ConfigError("expected a mapping")
    if stored.get("format") != FORMAT:
        raise StoredRunError(
            f"format {str(stored.get('format'))[:20]} was written by another version of headway; this one reads {FORMAT}, train again"
        )
    return validate(stored, ForecasterSpec)


def profile_of(spec: ForecasterSpec) -> Profile:
    """How the training rows were distributed; it would be read much later than it was stored.

    Raises:
        AttributeError, KeyError, TypeError, ValueError: It is none, or of other columns or series.
    """
    profile = Profile.from_json(spec.profile)
    lacking = {*spec.features, *spec.known_future_columns} - set(profile.columns)
    if lacking:
        raise ValueError(f"profile lacks the column {min(lacking)}")
    expected = (len(spec.series), len(spec.targets))
    for name in ("seasonal_scale", "seasonal_square"):
        if np.shape(getattr(profile, name)) != expected:
            raise ValueError(f"profile.{name} must be {list(expected)}: got {list(np.shape(getattr(profile, name)))}")
    return profile


def calibration_of(spec: ForecasterSpec) -> Calibration | None:
    """What validation showed to be missing from the quantiles.

    Raises:
        TypeError, ValueError: It is no such array.
    """
    if spec.calibration is None:
        return None
    levels = spec.model.levels
    found = np.array(spec.calibration, np.float64)
    expected = (spec.shape.horizon, len(spec.targets), len(levels))
    if found.shape != expected or not np.isfinite(found).all():
        raise ValueError(f"calibration must be finite {list(expected)}: got {list(found.shape)}")
    return Calibration(found, levels.index(0.5))
