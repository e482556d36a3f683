"""What makes two trainings the same: settings, data and code in one digest."""

import hashlib
import json
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from headway.config.train import TrainConfig

_PACKAGES = ("keras", "tensorflow", "jax", "numpy")
_ELSEWHERE: Any = {"tracking": True, "evaluate": True, "dataset": {"store"}}
"""Where a run is logged, whether it is judged afterwards, and where its rows lie, change nothing about what is trained."""


def digest_of(config: TrainConfig, fingerprint: str) -> str:
    """A digest that two trainings share if they must come out the same on one machine.

    Args:
        config: The validated configuration.
        fingerprint: Of the dataset.
    """
    settings = config.model_dump(mode="json", exclude=_ELSEWHERE)
    return hashlib.sha256(json.dumps([settings, fingerprint, code_version()], sort_keys=True).encode()).hexdigest()


@cache
def code_version() -> str:
    """A digest of this package's own files, changed ones included, and of the libraries that compute."""
    digest = hashlib.sha256()
    folder = Path(__file__).parent
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    for package in _PACKAGES:
        try:
            digest.update(f"{package} {metadata.version(package)}".encode())
        except metadata.PackageNotFoundError:
            continue
    return digest.hexdigest()
