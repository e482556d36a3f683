"""What a run stores of its configuration, so that it can be judged later from that alone."""

from dataclasses import dataclass
from pathlib import Path

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
    """

    config: TrainConfig
    fingerprint: str
    command: tuple[str, ...]

    def write(self, folder: Path) -> None:
        """Write `config.yaml` into a run's folder."""
        record = {
            "fingerprint": self.fingerprint,
            "command": list(self.command),
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
            return cls(config, str(record["fingerprint"]), tuple(map(str, record["command"])))
        except OSError as error:
            raise StoredRunError(f"{path}: {error.strerror}; the run is incomplete, train again") from None
        except (ConfigError, yaml.YAMLError, KeyError, TypeError, UnicodeDecodeError) as error:
            raise StoredRunError(
                f"{path}: not a configuration this version can read: {str(error).splitlines()[0]}"
            ) from None
