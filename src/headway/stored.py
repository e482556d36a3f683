"""What a run stores of its configuration, so that it can be judged later from that alone."""

import csv
import itertools
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

import yaml

from headway import files, stored_file
from headway.config.train import TrainConfig
from headway.config.validate import validate
from headway.errors import ConfigError, StoredRunError
from headway.redaction import redacted

FILE = "config.yaml"
_LONGEST = 1 << 20  # of a file of settings or results; a table of scores may be longer
_LONGEST_TABLE = 1 << 28


@dataclass(frozen=True)
class Stored:
    """The configuration of a run.

    Attributes:
        config: The validated configuration.
        fingerprint: The dataset's fingerprint when the run was trained.
        command: The words that were typed.
        environment: Commit, versions and device it was trained with.
    """

    config: TrainConfig
    fingerprint: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Write `config.yaml` into a run's folder, without passwords: whoever judges the run says where it is tracked.

        Raises:
            OSError: It cannot be written.
        """
        record = _without_secrets(
            {
                "fingerprint": self.fingerprint,
                "command": list(self.command),
                "environment": dict(self.environment),
                "config": self.config.model_dump(mode="json"),
            }
        )
        files.write(folder / FILE, yaml.safe_dump(record, sort_keys=False, allow_unicode=True))

    @classmethod
    def read(cls, folder: Path) -> "Stored":
        """Read and validate `config.yaml` of a run's folder.

        Raises:
            StoredRunError: If it is missing, damaged, or not what this version can read.
        """
        path = folder / FILE
        try:
            record = stored_file.from_yaml(stored_file.read(path, most=_LONGEST))
            config = validate(record["config"], TrainConfig)
            environment = {str(name): str(value) for name, value in record["environment"].items()}
            return cls(config, str(record["fingerprint"]), tuple(map(str, record["command"])), environment)
        except OSError as error:
            raise StoredRunError(f"{path}: {error.strerror}; the run is incomplete, train again") from None
        except (ConfigError, AttributeError, KeyError, TypeError, ValueError) as error:
            words = " ".join(str(error).split("\n", 1)[0].split())
            raise StoredRunError(f"{path}: not a configuration this version can read: {words[:500]}") from None


@dataclass(frozen=True)
class Result:
    """What a training ended with, for sweeps that take the run instead of training it again.

    Attributes:
        metrics: Values by path.
        task: The same for runs whose validation scores can be compared.
        state: A digest of all that training left: weights, optimizer, loss scale, seeds; the same for the same training.
    """

    FILE: ClassVar[str] = "training.json"

    metrics: Mapping[str, float]
    task: str
    state: str = ""

    def write(self, folder: Path) -> None:
        """Write `training.json` into a run's folder."""
        record = {"metrics": dict(self.metrics), "task": self.task, "state": self.state}
        files.write(folder / self.FILE, json.dumps(record, indent=2) + "\n")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read it back.

        Raises:
            StoredRunError: It is missing or damaged.
        """
        try:
            stored = stored_file.from_json(stored_file.read(folder / cls.FILE, most=_LONGEST))
            metrics = {str(name): float(value) for name, value in stored["metrics"].items()}
            return cls(metrics, str(stored["task"]), str(stored.get("state", "")))
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise StoredRunError(f"{folder / cls.FILE}: is missing or damaged: {error}") from None


def _without_secrets(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_secrets(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_without_secrets(one) for one in value]
    return redacted(value) if isinstance(value, str) else value


_MOST_RUNS = 50  # whose configurations are read to find other seeds
_OF_NO_ACCOUNT = {"seed", "evaluate", "tracking", "evaluation"}  # for what a run has trained


def errors_by_seed(
    folder: Path, config: TrainConfig, target: str, *, own: float, table: str = "scores.csv", metric: str = "mae"
) -> dict[int, float]:
    """Test error by seed of all judged runs beside this one that differ from it in nothing else; the newest of a seed.

    Args:
        folder: The run's folder.
        config: The run's configuration.
        target: Whose error.
        own: The run's own error, which is among them.
        table, metric: The file and its column that hold it.
    """
    found = {config.seed: own}
    alike = _without(config)
    for other in _comparable(folder):
        try:
            stored = Stored.read(other).config
            error = _error(other / table, target, metric)
        except (StoredRunError, OSError, KeyError, TypeError, ValueError, csv.Error):
            continue
        if _without(stored) == alike and math.isfinite(error):
            found.setdefault(stored.seed, error)
    return found


def _without(config: TrainConfig) -> dict[str, object]:
    return {name: value for name, value in config if name not in _OF_NO_ACCOUNT}


def _comparable(folder: Path) -> Iterator[Path]:
    """The newest folders beside this one whose record says that they had the same task."""
    own = _comparable_to(folder)
    newest = (path.parent for path in sorted(folder.parent.glob("*/run.json"), reverse=True))
    alike = (other for other in newest if other != folder and own and _comparable_to(other) == own)
    yield from itertools.islice(alike, _MOST_RUNS)


def _comparable_to(folder: Path) -> str:
    try:
        record = stored_file.from_json(stored_file.read(folder / "run.json", most=_LONGEST))
        return str(record["comparable"])
    except (StoredRunError, OSError, ValueError, KeyError, TypeError):
        return ""


def _error(path: Path, target: str, metric: str) -> float:
    """The model's overall error in a table of scores: its first row of the target."""
    lines = stored_file.read(path, most=_LONGEST_TABLE).decode().splitlines()
    return next((float(row[metric]) for row in csv.DictReader(lines) if row["target"] == target), math.nan)
