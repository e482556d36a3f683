"""What a run stores of its configuration, so that it can be judged later from that alone."""

import csv
import itertools
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Self

import yaml

from headway.config.train import TrainConfig
from headway.config.validate import validate
from headway.errors import ConfigError, StoredRunError

FILE = "config.yaml"


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
        """Write `config.yaml` into a run's folder."""
        record = {
            "fingerprint": self.fingerprint,
            "command": list(self.command),
            "environment": dict(self.environment),
            "config": self.config.model_dump(mode="json"),
        }
        (folder / FILE).write_text(yaml.safe_dump(record, sort_keys=False, allow_unicode=True), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> "Stored":
        """Read and validate `config.yaml` of a run's folder.

        Raises:
            StoredRunError: If it is missing, damaged, or not what this version can read.
        """
        path = folder / FILE
        try:
            record = yaml.safe_load(path.read_text(encoding="utf-8"))
            config = validate(record["config"], TrainConfig)
            environment = {str(name): str(value) for name, value in record["environment"].items()}
            return cls(config, str(record["fingerprint"]), tuple(map(str, record["command"])), environment)
        except OSError as error:
            raise StoredRunError(f"{path}: {error.strerror}; the run is incomplete, train again") from None
        except (ConfigError, yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise StoredRunError(
                f"{path}: not a configuration this version can read: {str(error).splitlines()[0]}"
            ) from None


@dataclass(frozen=True)
class Result:
    """What a training ended with, for sweeps that take the run instead of training it again.

    Attributes:
        metrics: Values by path.
        task: The same for runs whose validation scores can be compared.
    """

    FILE: ClassVar[str] = "training.json"

    metrics: Mapping[str, float]
    task: str

    def write(self, folder: Path) -> None:
        """Write `training.json` into a run's folder."""
        record = {"metrics": dict(self.metrics), "task": self.task}
        (folder / self.FILE).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read it back.

        Raises:
            StoredRunError: It is missing or damaged.
        """
        try:
            stored = json.loads((folder / cls.FILE).read_text(encoding="utf-8"))
            return cls({str(name): float(value) for name, value in stored["metrics"].items()}, str(stored["task"]))
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise StoredRunError(f"{folder / cls.FILE}: is missing or damaged: {error}") from None


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
        record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        return str(record["comparable"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _error(path: Path, target: str, metric: str) -> float:
    """The model's overall error in a table of scores: its first row of the target."""
    with path.open(newline="", encoding="utf-8") as file:
        return next((float(row[metric]) for row in csv.DictReader(file) if row["target"] == target), math.nan)
