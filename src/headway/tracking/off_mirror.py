"""The mirror that mirrors nothing: `tracking=off` leaves the run's folder, and costs no import and no time."""

from collections.abc import Sequence

from headway.tracking.folder import RunRecord


class OffMirror:
    """The null twin of `BackgroundMirror`: the same methods, without effect."""

    run_id: str | None = None
    link: str | None = None
    view_link: str | None = None

    def compare_link(self, run_ids: Sequence[str]) -> None:
        """Nothing to compare."""

    def begin(self) -> None:
        """Do nothing."""

    def wait_until_open(self) -> None:
        """Do nothing."""

    def poke(self) -> None:
        """Do nothing."""

    def finish(self, record: RunRecord | None = None) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""
