"""How far a run's mirror got, kept in the run's folder: what lies behind it is sent, what lies ahead is in doubt."""

import contextlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self

from headway import files
from headway.tracking import journal, outbox

FILE = "mirrored.json"


@dataclass(frozen=True)
class Mirrored:
    """Bytes of the three lists that the mirror has taken.

    Attributes:
        mlflow_run_id: Whose mirror it is; another one has taken nothing.
        metrics, system, outbox: Of `metrics.jsonl`, `system.jsonl` and `mirror.jsonl`.
        status: The status that the mirror was given last, or nothing.
    """

    mlflow_run_id: str
    metrics: int = 0
    system: int = 0
    outbox: int = 0
    status: str = ""

    @classmethod
    def read(cls, folder: Path, mlflow_run_id: str) -> Self:
        """What is noted of a mirror; nothing sent, where nothing that can be read is noted."""
        try:
            stored = json.loads((folder / FILE).read_text(encoding="utf-8"))
            sizes = {name: max(0, int(stored[name])) for name in ("metrics", "system", "outbox")}
            found = cls(str(stored["mlflow_run_id"]), **sizes, status=str(stored["status"]))
        except (OSError, ValueError, TypeError, KeyError):
            return cls(mlflow_run_id)
        return found if found.mlflow_run_id == mlflow_run_id else cls(mlflow_run_id)

    def write(self, folder: Path) -> None:
        """Note it, if the disk has room: what is not noted is asked of the store."""
        with contextlib.suppress(OSError):
            files.write(folder / FILE, json.dumps(asdict(self)) + "\n")

    def at_the_end(self, folder: Path) -> Self:
        """The same mirror, once it has taken all that the lists hold now."""
        return replace(
            self,
            metrics=_size(folder / journal.FILE),
            system=_size(folder / journal.SYSTEM_FILE),
            outbox=_size(folder / outbox.FILE),
        )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
