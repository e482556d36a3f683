"""The mirror that mirrors nothing: `tracking=off` leaves the run's folder, and costs no import and no time."""

from collections.abc import Mapping, Sequence
from pathlib import Path


class OffMirror:
    """The null twin of `MlflowMirror`: the same methods, without effect."""

    run_id: str | None = None
    link: str | None = None
    view_link: str | None = None

    def log_metrics(self, metrics: Mapping[str, float], *, step: int, time: float) -> None:
        """Do nothing."""

    def log_params(self, params: Mapping[str, object]) -> None:
        """Do nothing."""

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Do nothing."""

    def log_image(self, png: bytes, *, key: str, step: int) -> None:
        """Do nothing."""

    def log_file(self, path: Path, *, name: str) -> None:
        """Do nothing."""

    def log_dataset(
        self, name: str, digest: str, source: str, *, schema: Mapping[str, str], profile: Mapping[str, object]
    ) -> None:
        """Do nothing."""

    def describe(self, markdown: str) -> None:
        """Do nothing."""

    def compare_link(self, run_ids: Sequence[str]) -> None:
        """Nothing to compare."""

    def publish_view(self, targets: Sequence[str]) -> None:
        """Do nothing."""

    def finish(self, status: str) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""
