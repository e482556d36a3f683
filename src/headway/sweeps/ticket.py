"""What a sweeper hands to a job through the launcher: which trial it is, and where its study lives."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True)
class Ticket:
    """A job's part in a sweep, as plain values that survive a command line and a pickle.

    Attributes:
        storage: "journal", or the address of a database.
        folder: The sweep's folder, absolute.
        study: The study's name.
        trial: The trial's number.
        parent: Id of the parent run.
        parent_mlflow: MLflow id of the parent run, or None.
        sweeper: The process that asked for the trial.
        swept: The overrides that make this child differ from its siblings.
        objectives: What is minimised.
        pruner: What may end the trial early.
        is_search: Whether all trials must forecast the same task.
        epochs: Most epochs of a trial, for the pruner.
        threads: Of the job, or None to leave them.
    """

    storage: str
    folder: str
    study: str
    trial: int
    parent: str
    parent_mlflow: str | None
    sweeper: dict[str, Any]
    swept: Sequence[str]
    objectives: Sequence[str]
    pruner: str
    is_search: bool
    epochs: int
    threads: int | None

    @classmethod
    def of(cls, sweeper: object) -> Self | None:
        """The ticket that Hydra's sweeper configuration holds; None outside of a sweep's job."""
        text = getattr(sweeper, "ticket", "")
        return cls.decode(text) if text else None

    def encode(self) -> str:
        """Letters, digits, - and _ alone: no grammar on the way to the job reads anything into it."""
        return base64.urlsafe_b64encode(json.dumps(asdict(self)).encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> Self:
        """The ticket in a text.

        Raises:
            ValueError: The text holds none.
        """
        try:
            return cls(**json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))))
        except (ValueError, TypeError, binascii.Error) as error:
            raise ValueError(f"This is no ticket of a sweep: {error}") from error
