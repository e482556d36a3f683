"""Where a backtest keeps the forecasts of its origins, under a digest of all that decides them."""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path

from headway.backtest.plan import Origin
from headway.config.backtest import BacktestSpec
from headway.config.train import TrainConfig
from headway.evaluation.forecasts import Forecasts
from headway.task import Task
from headway.training.precision import Device

CACHE = Path("runs/.cache/backtests")  # beside the runs, where the command was typed
_SHOWN_ONLY = {"attention", "audit", "report", "tracking"}  # packages that no forecast depends on
_LIBRARIES = ("tensorflow", "jax", "keras", "numpy", "scikit-learn")


def key(spec: BacktestSpec, config: TrainConfig, task: Task, run_id: str, origins: Sequence[Origin], on: Device) -> str:
    """A digest of configuration, data, code, libraries and device.

    How many processes there are decides nothing, nor does a commit that changes no code.
    """
    parts = [
        spec.model_dump(mode="json", exclude={"processes"}),
        config.model_dump(
            mode="json", exclude={"tracking": True, "evaluate": True, "evaluation": {"require", "bootstrap"}}
        ),
        task.dataset.fingerprint(),
        [origin.label for origin in origins],
        None if spec.refit else run_id,
        _code_digest(),
        list(_versions()),
        [os.environ.get("KERAS_BACKEND", ""), on.name],
    ]
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()[:24]


def load(path: Path) -> Forecasts | None:
    """Kept forecasts, or None where there are none or the file is damaged."""
    try:
        return Forecasts.load(path)
    except (OSError, ValueError):
        return None


def _code_digest() -> str:
    package = Path(__file__).parents[1]
    names = sorted(path.relative_to(package) for path in package.rglob("*.py"))
    files = [name for name in names if name.parts[0] not in _SHOWN_ONLY]
    return hashlib.sha256(b"".join(str(name).encode() + (package / name).read_bytes() for name in files)).hexdigest()


def _versions() -> Iterator[tuple[str, str]]:
    for library in _LIBRARIES:
        try:
            yield library, metadata.version(library)
        except metadata.PackageNotFoundError:
            continue
