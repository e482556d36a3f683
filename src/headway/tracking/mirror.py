"""What a run may ask of its mirror, and which mirror the settings choose."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from headway.tracking import uri
from headway.tracking.folder import RunRecord
from headway.tracking.off_mirror import OffMirror
from headway.tracking.settings import TrackingSettings


class Mirror(Protocol):
    """A second home of a run's metrics and files. `OffMirror` and `BackgroundMirror` are the two there are."""

    @property
    def run_id(self) -> str | None: ...
    @property
    def link(self) -> str | None: ...
    @property
    def view_link(self) -> str | None: ...
    def compare_link(self, run_ids: Sequence[str]) -> str | None: ...
    def begin(self) -> None: ...
    def wait_until_open(self) -> None: ...
    def poke(self) -> None: ...
    def finish(self, record: RunRecord | None = None) -> None: ...
    def close(self) -> None: ...


@dataclass(frozen=True)
class Earlier:
    """A run that may have a mirror already.

    Attributes:
        id: The name of its folder.
        mlflow_run_id: The mirror, as far as it is known.
    """

    id: str
    mlflow_run_id: str | None


def open_mirror(
    settings: TrackingSettings,
    folder: Path,
    record: RunRecord,
    *,
    opened: Callable[[str], None],
    earlier: Earlier | None = None,
    running: bool = True,
    later: bool = False,
) -> Mirror:
    """A mirror of a run, which follows what is appended to the run's folder.

    Args:
        settings: Where to track.
        folder: The run's folder.
        record: What its `run.json` says.
        opened: Takes the mirror's MLflow id once it is known, in another thread.
        earlier: Which run's mirror to go on with, if it has one; None for a new run.
        running: Whether the run is under way, rather than a stored one that is read and added to.
        later: Whether MLflow is loaded only when the mirror's `begin` is called, or something waits for it.

    Raises:
        ConfigError: The tracking URI names no store.
    """
    if settings.kind == "off":
        return OffMirror()
    # Imported here, because mirrors need this protocol.
    from headway.tracking.background import BackgroundMirror, Target

    target = Target(uri.resolve(settings.uri), settings.experiment, folder, record, earlier=earlier, running=running)
    return BackgroundMirror(target, required=settings.required, opened=opened, later=later)
