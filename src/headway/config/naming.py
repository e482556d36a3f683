"""Names of runs, made from what differs from the defaults."""

from collections.abc import Sequence
from pathlib import PurePath

_LONGEST = 120
_OF_THE_SWEEP = ("sweep.", "sweep=", "hparams_search", "hydra")
_NO_DIFFERENCE = ("tracking", "sweep", "hparams_search", "hydra")
_OF_THE_START = ("resume", "run")


def run_name(overrides: Sequence[str], *, default: str) -> str:
    """A short name from command-line overrides: ["model.heads=4", "seed=1"] -> "heads=4 seed=1".

    Args:
        overrides: As typed. Where a run is tracked is no difference and left out; of a path only the
            file's name is kept.
        default: The name where nothing differs.
    """
    parts = []
    for override in overrides:
        key, _, value = override.lstrip("+~").partition("=")
        if key.startswith(_NO_DIFFERENCE) or is_of_the_start(override):
            continue
        if key.endswith("path"):
            value = PurePath(value).name
        parts.append(f"{key.rpartition('.')[2]}={value}")
    name = " ".join(parts) or default
    return name if len(name) <= _LONGEST else name[: _LONGEST - 3] + "..."


def is_of_the_sweep(override: str) -> bool:
    """Whether an override says how to sweep, and nothing about what is trained."""
    return override.lstrip("+~").startswith(_OF_THE_SWEEP)


def is_of_the_start(override: str) -> bool:
    """Whether an override says which run to go on with, and nothing about what is trained."""
    return override.lstrip("+~").partition("=")[0] in _OF_THE_START
