"""What a run may ask of its mirror, and which mirror the settings choose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from headway.tracking.off_mirror import OffMirror
from headway.tracking.settings import TrackingSettings


class Mirror(Protocol):
    """A second home of a run's metrics and files. `OffMirror` and `MlflowMirror` are the two there are."""

    @property
    def run_id(self) -> str | None: ...
    @property
    def link(self) -> str | None: ...
    @property
    def view_link(self) -> str | None: ...
    def log_metrics(self, metrics: Mapping[str, float], *, step: int, time: float) -> None: ...
    def log_params(self, params: Mapping[str, object]) -> None: ...
    def set_tags(self, tags: Mapping[str, str]) -> None: ...
    def log_image(self, png: bytes, *, key: str, step: int) -> None: ...
    def log_file(self, path: Path, *, name: str) -> None: ...
    def log_dataset(
        self, name: str, digest: str, source: str, *, schema: Mapping[str, str], profile: Mapping[str, object]
    ) -> None: ...
    def compare_link(self, run_ids: Sequence[str]) -> str | None: ...
    def describe(self, markdown: str) -> None: ...
    def publish_view(self, targets: Sequence[str]) -> None: ...
    def finish(self, status: str) -> None: ...
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
    settings: TrackingSettings, *, name: str, tags: Mapping[str, str], folder: Path, earlier: Earlier | None = None
) -> Mirror:
    """A mirror of a run.

    Args:
        settings: Where to track.
        name: What to call a new mirror.
        tags: The first tags of a new mirror.
        folder: The run's folder.
        earlier: Which run's mirror to go on with, if it has one; None for a new run.

    Raises:
        ConfigError: The tracking URI names no store.
        TrackingError: MLflow failed, and is required.
    """
    if settings.kind == "off":
        return OffMirror()
    # Imported here and not at the top: mlflow takes five seconds to load, which `tracking=off`, --help and a wrong setting must not pay.
    from headway.tracking.mlflow_mirror import MlflowMirror

    return MlflowMirror.of_run(settings, name=name, tags=tags, folder=folder, earlier=earlier)
