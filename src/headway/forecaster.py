"""The forecaster as one thing: scaler, calendar, network, units. Raw values in, raw quantiles out.

forecaster = Forecaster.load(Path("runs/<id>/forecaster"))
quantiles = forecaster.forecast(values, origins=origins)  # [B, T, F] -> [B, H, targets, Q]
"""

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from headway import checked_folder, forecaster_spec, stored_file
from headway.data.batches import Inputs, known_future_inputs, scale_values
from headway.data.clock import Clock
from headway.data.profile import Profile
from headway.data.scaling import Scaler
from headway.errors import DataError, HeadwayError, StoredRunError
from headway.evaluation.calibration import Calibration
from headway.models import ensemble
from headway.models.ensemble import Ensemble
from headway.models.transformer import Transformer
from headway.models.weights import weights_of

_SPEC, _WEIGHTS = "forecaster.json", "weights.npz"
_LONGEST_SPEC = 1 << 27  # 128 MiB: a calibration of 860 targets, 720 steps and five levels takes 90


@dataclass(frozen=True)
class Forecaster:
    """Everything that turns a raw context into a raw forecast.

    Attributes:
        network: The trained network.
        features: Names of the F columns of a context, in order.
        targets: Names of the columns it forecasts.
        known_future_columns: Names of the K columns known in advance.
        series: Names of the series it was trained on.
        clock: The step of the data.
        cycles: Cycle -> harmonics of the calendar.
        scaler, known_future_scaler: Fitted on training rows.
        units: Column -> unit.
        profile: How the training rows were distributed.
        calibration: What validation showed to be missing from the quantiles, or None.
    """

    network: Transformer | Ensemble
    features: tuple[str, ...]
    targets: tuple[str, ...]
    known_future_columns: tuple[str, ...]
    series: tuple[str, ...]
    clock: Clock
    cycles: Mapping[str, int]
    scaler: Scaler
    known_future_scaler: Scaler
    units: Mapping[str, str]
    profile: Profile
    calibration: Calibration | None = None

    @property
    def levels(self) -> tuple[float, ...]:
        """Quantile levels of a forecast's last axis."""
        return self.network.spec.levels

    @property
    def median(self) -> int:
        """Position of the point forecast among the levels."""
        return self.levels.index(0.5)

    def inputs(
        self,
        values: NDArray[np.float64],
        *,
        origins: NDArray[np.datetime64],
        series: NDArray[np.int64] | None = None,
        known_future: NDArray[np.float64] | None = None,
    ) -> Inputs:
        """What the network sees of raw windows; arguments as for `forecast`.

        Raises:
            DataError: If a shape is not what the forecaster was trained on.
        """
        shape = self.network.shape
        expected = (shape.context_length, shape.num_features)
        if values.ndim != 3 or values.shape[1:] != expected:
            raise DataError(
                f"values must be [B, {expected[0]}, {expected[1]}] of {', '.join(self.features)}: got {list(values.shape)}"
            )
        infinite = np.isinf(values).any(axis=(0, 1))
        if infinite.any():
            raise DataError(
                f"values must be numbers, or NaN where missing: {self.features[infinite.argmax()]} is infinite"
            )
        count = len(values)
        span = shape.context_length + shape.horizon
        known = np.zeros((count, span, 0)) if known_future is None else known_future
        if known.shape != (count, span, len(self.known_future_columns)):
            raise DataError(
                f"known_future must be [{count}, {span}, {len(self.known_future_columns)}] "
                f"of {', '.join(self.known_future_columns) or 'no columns'}: got {list(known.shape)}"
            )
        index = np.zeros(count, np.int64) if series is None else np.asarray(series)
        for name, array in (("origins", np.asarray(origins)), ("series", index)):
            if array.shape != (count,):
                raise DataError(f"{name} must be [{count}], one per window: got {list(array.shape)}")
        if count and not (index.min() >= 0 and index.max() < len(self.series)):
            raise DataError(
                f"series must be indices below {len(self.series)} of {', '.join(self.series)}: got {index.min()} to {index.max()}"
            )
        steps = np.arange(1 - shape.context_length, shape.horizon + 1)
        times = self.clock.after(np.asarray(origins)[:, None], steps)
        context, observed = scale_values(values, self.scaler)
        return {
            "context": context,
            "observed": observed,
            "known_future": known_future_inputs(times, known, self.cycles, self.known_future_scaler),
            "series": index.astype(np.int32),
        }

    def forecast(
        self,
        values: NDArray[np.float64],
        *,
        origins: NDArray[np.datetime64],
        series: NDArray[np.int64] | None = None,
        known_future: NDArray[np.float64] | None = None,
        batch_size: int = 1024,
    ) -> NDArray[np.float64]:
        """Forecast quantiles of the targets.

        Args:
            values: Contexts [B, T, F] in the features' own units and order; NaN where missing.
            origins: Times [B] of the last context row.
            series: Indices [B] into `series`; 0 where the forecaster knows one series.
            known_future: [B, T+H, K] columns known in advance, where it was trained with some.
            batch_size: Windows per forward pass; the forecast does not depend on it.

        Returns:
            [B, H, targets, Q] in the targets' own units, rising along Q.

        Raises:
            DataError: If a shape is not what the forecaster was trained on.
        """
        inputs = self.inputs(values, origins=origins, series=series, known_future=known_future)
        shape = self.network.shape
        if not len(values):
            return np.zeros((0, shape.horizon, len(shape.targets), len(self.levels)))
        forecast_scaled = self.network.predict(inputs, batch_size=batch_size, verbose=0)
        targets = self.scaler.columns(shape.targets)
        # The one place where scaled values become values in their own units.
        forecast: NDArray[np.float64] = forecast_scaled * targets.scale[:, None] + targets.mean[:, None]
        if self.calibration is not None:
            forecast = self.calibration.applied(forecast)
        return forecast

    def forecast_scaled(self, inputs: Mapping[str, NDArray[Any]], *, batch_size: int = 1024) -> NDArray[np.float32]:
        """Quantiles as the network gives them, scaled and not calibrated, [B, H, targets, Q].

        For many passes over windows that stay in memory: a third of the time of `predict`, which wraps its inputs
        anew each time. `forecast` is what a user wants.

        Args:
            inputs: Windows as `inputs` gives them, at least one.
            batch_size: Windows per forward pass.
        """
        return self._in_batches(self._graph.predict_on_batch, inputs, batch_size)

    @cached_property
    def _graph(self) -> keras.Model:
        """The network as a graph of its own: compiled as it is for training, it would want many batches at once."""
        inputs = {
            name: keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=name)
            for name, tensor in self.network.input_signature().items()
        }
        return keras.Model(inputs, self.network(inputs))

    def attention_scores(self, inputs: Inputs, *, batch_size: int = 1024) -> NDArray[np.float32]:
        """Softmaxed attention weights of a forecast, [B, layers, N, T, S]; every row over S sums to 1.

        Args:
            inputs: Windows as `inputs` gives them.
            batch_size: Windows per forward pass.
        """
        count = len(inputs["context"])
        if not count:
            spec, steps = self.network.spec, self.network.shape.context_length
            heads = ensemble.members_of(self.network) * spec.heads
            return np.zeros((0, spec.layers, heads, steps, steps), np.float32)
        return self._in_batches(self.network.attention_scores, inputs, batch_size)

    def _in_batches(
        self, call: Callable[[dict[str, Any]], Any], inputs: Mapping[str, NDArray[Any]], batch_size: int
    ) -> NDArray[np.float32]:
        parts = []
        for first in range(0, len(inputs["context"]), batch_size):
            batch = {
                name: keras.ops.convert_to_tensor(array[first : first + batch_size]) for name, array in inputs.items()
            }
            parts.append(np.asarray(keras.ops.convert_to_numpy(call(batch)), np.float32))
        return np.concatenate(parts)

    def save(self, folder: Path) -> None:
        """Write the forecaster as a folder: what it is, its weights, and a manifest of their SHA-256.

        Nothing in it is code, and nothing is pickled.

        Args:
            folder: Made, or replaced.

        Raises:
            OSError: It cannot be written.
        """
        weights = io.BytesIO()
        np.savez(weights, **{variable.path: keras.ops.convert_to_numpy(variable) for variable in self.network.weights})
        spec = {
            "format": forecaster_spec.FORMAT,
            "model": self.network.spec.model_dump(mode="json"),
            "members": ensemble.members_of(self.network),
            "shape": asdict(self.network.shape),
            "precision": self.network.dtype_policy.name,
            "features": self.features,
            "targets": self.targets,
            "known_future_columns": self.known_future_columns,
            "series": self.series,
            "frequency": str(self.clock),
            "cycles": dict(self.cycles),
            "scaler": _scaler_to_lists(self.scaler),
            "known_future_scaler": _scaler_to_lists(self.known_future_scaler),
            "units": dict(self.units),
            "profile": self.profile.to_json(),
            "calibration": None if self.calibration is None else self.calibration.offsets.tolist(),
        }
        text = json.dumps(spec, indent=2, ensure_ascii=False, allow_nan=False)
        checked_folder.write(folder, {_SPEC: text.encode(), _WEIGHTS: weights.getvalue()})

    @classmethod
    def load(cls, folder: Path) -> "Forecaster":
        """Read a folder that `save` wrote. Everything is checked before anything is assigned.

        Raises:
            StoredRunError: If a file is missing, damaged, of a newer format, or does not fit the rest.
        """
        content = checked_folder.read(folder, (_SPEC,), most=_LONGEST_SPEC)[_SPEC]
        try:
            spec = forecaster_spec.read(stored_file.from_json(content))
            # Measured before anything is made: a stored number must not ask for all memory.
            expected = weights_of(spec.make)
            stored = checked_folder.read(folder, (_WEIGHTS,), most=checked_folder.most_bytes(expected))[_WEIGHTS]
            weights = checked_folder.arrays(stored, expected, folder / _WEIGHTS)
            found = cls(
                network=spec.make(),
                features=spec.features,
                targets=spec.targets,
                known_future_columns=spec.known_future_columns,
                series=spec.series,
                clock=Clock.parse(spec.frequency),
                cycles={str(cycle): harmonics for cycle, harmonics in spec.cycles.items()},
                scaler=spec.scaler.scaler,
                known_future_scaler=spec.known_future_scaler.scaler,
                units=spec.units,
                profile=forecaster_spec.profile_of(spec),
                calibration=forecaster_spec.calibration_of(spec),
            )
        except StoredRunError as error:
            raise error if str(folder) in str(error) else StoredRunError(f"{folder}/{_SPEC}: {error}") from None
        except HeadwayError as error:
            words = "; ".join(error.messages[:3])
            raise StoredRunError(f"{folder}/{_SPEC}: {words[:500]}; it is damaged, train again") from None
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            words = " ".join(str(error).split())[:500]
            raise StoredRunError(f"{folder}/{_SPEC}: {type(error).__name__}: {words}") from error
        checked_folder.assign(found.network, weights)
        return found


def _scaler_to_lists(scaler: Scaler) -> dict[str, list[float]]:
    return {"mean": scaler.mean.tolist(), "scale": scaler.scale.tolist()}
