"""Everything that decides the next step of a training, by name."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from headway.errors import StoredRunError

Arrays = Mapping[str, NDArray[Any]]
BEST = "best/"
"""Prefix of the weights that are kept so far."""


@dataclass(frozen=True)
class TrainingState:
    """Where the training of one network is.

    The position is counted here and not taken from the optimizer, which does not count the steps that float16 skips.

    Attributes:
        epoch, step: Epochs that are done, and steps of the one under way.
        arrays: "model/..." weights and seeds, "optimizer/..." moments, steps and loss scale, "metric/..." sums of the epoch
            under way, "best/..." the weights that are kept so far.
        history: Name -> one value per epoch that is done.
        best_epoch: 0-based epoch of the kept weights, or -1 before there is one.
        waited: Epochs since then.
        rollbacks: How often training has gone back, each time to half the rate.
        finished: Nothing is left to train; the arrays are the kept weights alone.
        digest: Of all arrays that training left, once it is finished.
        planned: Saved at its time; a state that an interruption saved is none to go back to, because a run that was not
            interrupted does not have it.
    """

    epoch: int = 0
    step: int = 0
    arrays: Arrays = field(default_factory=dict)
    history: Mapping[str, Sequence[float]] = field(default_factory=dict)
    best_epoch: int = -1
    waited: int = 0
    rollbacks: int = 0
    finished: bool = False
    digest: str = ""
    planned: bool = True


class Variables:
    """All that training changes in a compiled model, with names that are the same in every process.

    Args:
        model: The compiled model.
        metrics: Those it was compiled with, whose sums count over an epoch; Keras shows them only once it has used them.
    """

    def __init__(self, model: keras.Model, metrics: Sequence[keras.metrics.Metric]) -> None:
        self.model = model
        self._metrics = [model.metrics[0], *metrics]  # Keras's own first: the loss
        if not model.optimizer.built:  # as the first step would
            model.optimizer.build(model.trainable_variables)

    def capture(self) -> dict[str, NDArray[Any]]:
        """Copies of all of them."""
        return {name: np.array(variable.numpy()) for name, variable in self._named.items()}

    def restore(self, arrays: Arrays) -> None:
        """Put captured values back, after all of them were found to fit.

        Raises:
            StoredRunError: One does not fit.
        """
        variables = self._named
        wanted = {name: value for name, value in arrays.items() if not name.startswith(BEST)}
        if set(wanted) != set(variables):
            name = min(set(wanted) ^ set(variables))
            raise StoredRunError(f"{name} is {'not of' if name in wanted else 'lacking for'} this network or optimizer")
        for name, value in wanted.items():
            own = variables[name]
            kind = np.dtype(keras.backend.standardize_dtype(own.dtype))
            if value.shape != tuple(own.shape) or value.dtype != kind:
                raise StoredRunError(
                    f"{name} is {value.dtype} {list(value.shape)} and must be {kind} {list(own.shape)}"
                )
        for name, value in wanted.items():
            variables[name].assign(value)

    @property
    def sums(self) -> list[keras.Variable]:
        """What the metrics of an epoch are computed from; of the loss total and count are first."""
        return [variable for metric in self._metrics for variable in metric.variables]

    @cached_property
    def _named(self) -> dict[str, keras.Variable]:
        groups = {
            "model": self.model.variables,
            "optimizer": self.model.optimizer.variables,
            "metric": self.sums,
        }
        return {
            # Numbered by us: Keras counts seed generators on through all the networks of a process.
            f"{group}/{number}/{re.sub('seed_generator_[0-9]+', 'seed_generator', variable.path)}": variable
            for group, variables in groups.items()
            for number, variable in enumerate(variables)
        }


def keep_best(model: keras.Model, arrays: Arrays) -> None:
    """Put the best weights of a state into a model.

    Raises:
        StoredRunError: They do not fit.
    """
    best = {name.removeprefix(BEST): value for name, value in arrays.items() if name.startswith(BEST)}
    variables = {variable.path: variable for variable in model.weights}
    for path in [*best, *variables]:
        if path not in best or path not in variables or best[path].shape != tuple(variables[path].shape):
            raise StoredRunError(f"{BEST}{path} does not fit this network")
    for path, value in best.items():
        variables[path].assign(value)


def weights_of(model: keras.Model) -> dict[str, NDArray[Any]]:
    """Copies of the weights alone, by path."""
    return {variable.path: np.array(variable.numpy()) for variable in model.weights}


def digest_of(arrays: Arrays) -> str:
    """A SHA-256 of names, types, shapes and values."""
    digest = hashlib.sha256()
    for name, value in arrays.items():
        digest.update(f"{name} {value.dtype} {value.shape} ".encode())
        digest.update(np.ascontiguousarray(value).tobytes())
    return digest.hexdigest()


def not_finite(arrays: Arrays) -> str | None:
    """The name of the first array that holds NaN or infinity."""
    return next(
        (name for name, value in arrays.items() if value.dtype.kind == "f" and not np.isfinite(value).all()), None
    )
