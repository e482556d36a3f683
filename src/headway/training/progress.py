"""How far the training of a run is, network after network, in memory and in its checkpoints."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields, replace
from typing import Any

from headway.errors import StoredRunError
from headway.training.checkpoint import Checkpoint, Checkpoints
from headway.training.state import TrainingState, not_finite


class Progress:
    """The states of all networks of a run that were begun; keeps those of the one under way.

    Args:
        checkpoints: Where states are stored, or None to keep them in memory alone.
        identity: What must be the same wherever the training goes on, like its precision.
        seed: The seed of the training, unless an earlier process drew another.
        stop: Says whether training is to end as soon as its state is saved.

    Raises:
        StoredRunError: All checkpoints are damaged, or the newest is of another identity.

    Attributes:
        seed: The seed of the training.
        is_resumed: Whether an earlier process has begun it.
    """

    def __init__(
        self,
        checkpoints: Checkpoints | None = None,
        *,
        identity: Mapping[str, str] | None = None,
        seed: int = 0,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self._checkpoints, self._identity, self._stop = checkpoints, dict(identity or {}), stop
        self._states: list[TrainingState] = []
        self._good: list[TrainingState] = []
        self._before, self._began = 0.0, time.monotonic()
        self.seed = seed
        found = None if checkpoints is None else checkpoints.newest()
        self.is_resumed = found is not None
        if found is not None and checkpoints is not None:
            self._states = self._good = self._read(found)
            if self._states and not self._states[-1].planned:
                self._good = self._last_planned(checkpoints)
            self.seed, self._before = _numbers(found)

    @property
    def seconds(self) -> float:
        """Of training so far, those of earlier processes included."""
        return self._before + time.monotonic() - self._began

    @property
    def good(self) -> TrainingState:
        """The newest planned state of the network under way."""
        return self._good[-1]

    @property
    def stop(self) -> bool:
        """Whether training is to end as soon as its state is saved."""
        return self._stop()

    @property
    def words(self) -> str:
        """Where training is, in words."""
        if not self._states:
            return "at its beginning"
        state = self._states[-1]
        member = f"network {len(self._states)}, " if len(self._states) > 1 else ""
        if state.finished:
            return f"{member}after its last epoch"
        return f"{member}epoch {state.epoch + 1}, step {state.step}"

    def keep_seed(self) -> None:
        """Store the seed before anything is drawn from it, unless that was done."""
        if self._checkpoints is not None and not self.is_resumed:
            self._checkpoints.write(self._packed())

    def begin(self, member: int) -> TrainingState:
        """The state to begin or go on with, for the 0-based network that is trained next."""
        if member == len(self._states):
            self._states = self._good = [*self._states, TrainingState()]
        return self._states[member]

    def save(self, state: TrainingState) -> None:
        """Keep a state of the network under way.

        Raises:
            StorageError: It cannot be stored.
        """
        self._states = [*self._states[:-1], state]
        if self._checkpoints is not None:
            self._checkpoints.write(self._packed(), planned=state.planned)
        if state.planned:
            self._good = self._states

    def remove(self) -> None:
        """Remove what is stored: the run is at its end."""
        if self._checkpoints is not None:
            self._checkpoints.remove()

    def _last_planned(self, checkpoints: Checkpoints) -> list[TrainingState]:
        """The states to go back to, where an interruption saved the newest ones."""
        try:
            planned = checkpoints.newest(planned=True)
        except StoredRunError:  # named already; training goes on, and only going back would be to another state
            planned = None
        return self._states if planned is None else self._read(planned)

    def _packed(self) -> Checkpoint:
        states = [{**asdict(replace(state, arrays={})), "arrays": None} for state in self._states]
        arrays = {
            f"{number}/{name}": array
            for number, state in enumerate(self._states)
            for name, array in state.arrays.items()
        }
        header = {"identity": self._identity, "seed": self.seed, "seconds": self.seconds, "networks": states}
        return Checkpoint(header, arrays)

    def _read(self, found: Checkpoint) -> list[TrainingState]:
        try:
            identity = dict(found.header["identity"])
            for name, value in self._identity.items():
                if identity.get(name) != value:
                    raise StoredRunError(
                        f"the run was trained with {name}={identity.get(name)}, and would go on with {name}={value}; "
                        "go on where it began, or start it anew"
                    )
            stored = list(found.header["networks"])
            arrays: list[dict[str, Any]] = [{} for _ in stored]
            for name, array in found.arrays.items():
                number, _, rest = name.partition("/")
                arrays[int(number)][rest] = array
            states = [_state(values, own) for values, own in zip(stored, arrays, strict=True)]
            if not all(state.finished for state in states[:-1]):
                raise ValueError("a network was begun before the one before it was finished")
            if broken := next(filter(None, map(not_finite, arrays)), None):
                raise ValueError(f"{broken} holds a value that is not finite")
        except StoredRunError:
            raise
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise StoredRunError(f"a checkpoint does not hold what it should: {error}") from None
        return states


def _numbers(found: Checkpoint) -> tuple[int, float]:
    """Seed and seconds of a checkpoint."""
    seed, seconds = found.header.get("seed"), found.header.get("seconds")
    if type(seed) is not int or not 0 <= seed < 2**32 or type(seconds) is not float or not 0 <= seconds < math.inf:
        raise StoredRunError(
            f"a checkpoint has a seed below 2^32 and its seconds: got {seed!r:.50} and {seconds!r:.50}"
        )
    return seed, seconds


def _state(values: Mapping[str, Any], arrays: Mapping[str, Any]) -> TrainingState:
    known = {field.name for field in fields(TrainingState)}
    if set(values) != known:
        raise ValueError(f"a state has {', '.join(sorted(known))}")
    numbers = ("epoch", "step", "best_epoch", "waited", "rollbacks")
    if not all(type(values[name]) is int for name in numbers) or values["epoch"] < 0 or values["step"] < 0:
        raise ValueError(f"{', '.join(numbers)} must be whole numbers")
    history = {str(name): tuple(float(value) for value in each) for name, each in values["history"].items()}
    if not all(len(each) == values["epoch"] for each in history.values()) or values["best_epoch"] >= values["epoch"]:
        raise ValueError("the history is not of the epochs that are done")
    return TrainingState(**{**values, "history": history, "digest": str(values["digest"]), "arrays": arrays})
