"""Hydra's side of a sweep. Hydra imports this file at every start: nothing heavy may stand here.

No `from __future__ import annotations`: Hydra's scanner cannot read a dataclass beside it.
"""

from dataclasses import dataclass
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


@dataclass
class HeadwaySweeperConf:
    """What Hydra makes the sweeper of; all that users set stands in the group `sweep`.

    Attributes:
        ticket: A job's part in a sweep; empty outside of one.
    """

    _target_: str = "hydra_plugins.headway.sweeper.HeadwaySweeper"
    ticket: str = ""


ConfigStore.instance().store(group="hydra/sweeper", name="headway", node=HeadwaySweeperConf, provider="headway")


class HeadwaySweeper(Sweeper):  # type: ignore[misc]  # Hydra has no types
    """Runs grids and searches as sweeps with one parent run, and whatever launcher was chosen.

    Args:
        ticket: Of a job; the sweeper itself has none.
    """

    def __init__(self, ticket: str = "") -> None:
        self._ticket = ticket

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Keep what Hydra hands over."""
        self._context, self._task, self._config = hydra_context, task_function, config

    def sweep(self, arguments: list[str]) -> Any:
        """Run the sweep that a command line describes."""
        # Here because Optuna takes half a second to load, which --help and a single run must not pay.
        from hydra_plugins.headway import _impl

        return _impl.sweep(arguments, context=self._context, task=self._task, config=self._config)
