"""Reading an experiment through the same circuit breaker that guards the writing."""

from pathlib import Path

from headway.tracking import mlflow_runs, mlflow_store, uri
from headway.tracking.breaker import Breaker
from headway.tracking.folder import RunRecord
from headway.tracking.mlflow_client import MlflowClient
from headway.tracking.settings import TrackingSettings

_DOWNLOAD_SECONDS = 600.0


class MlflowReader:
    """The stored runs of one experiment.

    Args:
        settings: Where the experiment is.
        root: The folder of all runs, which a warning points to.
    """

    def __init__(self, settings: TrackingSettings, *, root: Path) -> None:
        self._store = uri.resolve(settings.uri)
        self._experiment = settings.experiment
        self._breaker = Breaker(
            uri.shown(self._store),
            consolation=f"The run folders in {root} are all there is.",
            required=settings.required,
        )
        self._client: MlflowClient | None = None

    def records(self, *, where: str = "") -> list[RunRecord]:
        """The runs of the experiment; empty if there is no such store or experiment, or if it cannot be reached.

        Args:
            where: A filter in MLflow's language, or nothing for every run.

        Raises:
            TrackingError: The store cannot be reached, and is required.
        """
        # Looking for a run must not leave an empty database behind.
        if not mlflow_store.exists(self._store):
            return []

        def read() -> tuple[MlflowClient, list[RunRecord]]:
            client = mlflow_store.connect(self._store)
            experiment_id = mlflow_store.find_experiment(client, self._experiment)
            return client, mlflow_runs.records(client, experiment_id, where=where) if experiment_id is not None else []

        # A database may be opened behind other processes that migrate it; a server has its tables.
        allowance = 1.0 if self._store.startswith("http") else mlflow_store.OPENING_SECONDS
        answer = self._breaker.call("looking for the run", read, allowance=allowance)
        if answer is None:
            return []
        self._client, found = answer
        return found

    @property
    def reached(self) -> bool:
        """Whether the store has answered."""
        return self._client is not None

    def end(self, mlflow_run_id: str, record: RunRecord) -> None:
        """Give a stored run the status that its folder says."""
        client = self._client
        if client is not None:
            self._breaker.call("ending a run", lambda: mlflow_runs.end(client, mlflow_run_id, record))

    def download(self, mlflow_run_id: str, target: Path) -> bool:
        """Copy the run's files into a folder; False if that failed."""
        client = self._client
        if client is None:
            return False

        def copy() -> bool:
            mlflow_runs.download(client, mlflow_run_id, target)
            return True

        return bool(self._breaker.call("fetching the run's files", copy, allowance=_DOWNLOAD_SECONDS))

    def close(self) -> None:
        """Let go of the store."""
        self._breaker.close()
