"""A run's mirror in MLflow."""

import getpass
import io
import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

import PIL.Image

from headway.tracking import folder as run_folder
from headway.tracking import journal, mlflow_names, mlflow_runs, mlflow_store, mlflow_view, run_color, uri, view
from headway.tracking.breaker import Breaker
from headway.tracking.mirror import Earlier
from headway.tracking.mlflow_client import Dataset, DatasetInput, InputTag, Metric, MlflowClient, Param, RunTag
from headway.tracking.settings import TrackingSettings
from headway.tracking.system_metrics import SystemMetrics

Send = Callable[[MlflowClient, str], object]
"""A call that is made with the client and the run's MLflow id."""

_LONGEST_PARAM = 6_000
_LONGEST_TAG = 8_000
_BYTES_A_SECOND = 1_000_000
"""The slowest upload that counts as working."""
_STATUS = {
    run_folder.FINISHED: "FINISHED",
    run_folder.FAILED: "FAILED",
    run_folder.KILLED: "KILLED",
    # MLflow has no word for it; a tag says the rest.
    run_folder.PRUNED: "KILLED",
}


class MlflowMirror:
    """Repeats a run in MLflow, through a circuit breaker.

    Args:
        client: A client of the store, or None if it cannot be reached.
        experiment_id: The run's experiment.
        run_id: The run.
        store: The store's resolved URI.
        breaker: Makes the calls.
    """

    def __init__(
        self,
        client: MlflowClient | None,
        experiment_id: str | None,
        run_id: str | None,
        *,
        store: str,
        breaker: Breaker,
    ) -> None:
        self.run_id = run_id
        self._client = client
        self._experiment_id = experiment_id
        self._store = store
        self._breaker = breaker
        self._params: set[str] = set()
        self._view_key: str | None = None
        self._system_metrics: SystemMetrics | None = None

    @classmethod
    def of_run(
        cls,
        settings: TrackingSettings,
        *,
        name: str,
        tags: Mapping[str, str],
        folder: Path,
        earlier: Earlier | None = None,
    ) -> Self:
        """Create a run in MLflow, or go on with one.

        Args:
            settings: Where to track.
            name: What to call a new run.
            tags: A new run's first tags.
            folder: The run's folder.
            earlier: The run to go on with, if the experiment has it; None for a new one.

        Raises:
            ConfigError: The tracking URI names no store.
            TrackingError: MLflow failed, and is required.
        """
        store = uri.resolve(settings.uri)
        consolation = f"Training goes on without it; {folder / journal.FILE} keeps every metric."
        breaker = Breaker(uri.shown(store), consolation=consolation, required=settings.required)

        def begin() -> tuple[MlflowClient, str, str]:
            client = mlflow_store.connect(store)
            experiment_id = mlflow_store.make_experiment(client, store, settings.experiment)
            run_id = mlflow_runs.resume(client, experiment_id, earlier) if earlier is not None else None
            return client, experiment_id, run_id or create(client, experiment_id)

        def create(client: MlflowClient, experiment_id: str) -> str:
            recent = client.search_runs(
                [experiment_id], max_results=len(run_color.PALETTE), order_by=["attributes.start_time DESC"]
            )
            color = run_color.pick(run.data.tags.get(run_color.TAG, "") for run in recent)
            run = client.create_run(
                experiment_id, run_name=name, tags={run_color.TAG: color, **_origin(), **_cut(tags, _LONGEST_TAG)}
            )
            return str(run.info.run_id)

        # A fresh database is migrated first, perhaps behind other processes; a server has its tables.
        allowance = 1.0 if store.startswith("http") else mlflow_store.OPENING_SECONDS
        begun = breaker.call("creating the run", begin, allowance=allowance)
        client, experiment_id, run_id = begun or (None, None, None)
        mirror = cls(client, experiment_id, run_id, store=store, breaker=breaker)
        if settings.system_metrics and begun:
            mirror._system_metrics = SystemMetrics(mirror.log_metrics)
            mirror._system_metrics.start()
        return mirror

    @property
    def link(self) -> str | None:
        """The address of the run in the UI."""
        if self.run_id is None:
            return None
        return f"{uri.server(self._store)}/#/experiments/{self._experiment_id}/runs/{self.run_id}?workflowType=machine_learning"

    @property
    def view_link(self) -> str | None:
        """The address of the experiment's charts in the UI."""
        if self._experiment_id is None:
            return None
        return view.link(uri.server(self._store), self._experiment_id, self._view_key)

    def compare_link(self, run_ids: Sequence[str]) -> str | None:
        """The address of a comparison of runs in the UI."""
        if self._experiment_id is None or not run_ids:
            return None
        return view.compare_link(uri.server(self._store), self._experiment_id, run_ids)

    def log_metrics(self, metrics: Mapping[str, float], *, step: int, time: float) -> None:
        """Send what is finite; MLflow would store infinity as 1.8e308, which no chart survives."""
        entities = [
            Metric(mlflow_names.metric_name(name), float(value), int(time * 1000), step)
            for name, value in metrics.items()
            if math.isfinite(value)
        ]
        if entities:
            self._call("sending metrics", lambda client, run_id: client.log_batch(run_id, metrics=entities))

    def log_params(self, params: Mapping[str, object]) -> None:
        """Send parameters that were not sent before; MLflow refuses a second value of a key."""
        named = {mlflow_names.metric_name(key): str(value) for key, value in params.items()}
        fresh = {key: value for key, value in named.items() if key not in self._params}
        self._params.update(fresh)
        entities = [Param(key, value) for key, value in _cut(fresh, _LONGEST_PARAM).items()]
        if entities:
            self._call("sending parameters", lambda client, run_id: client.log_batch(run_id, params=entities))

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Send tags."""
        entities = [RunTag(mlflow_names.metric_name(key), value) for key, value in _cut(tags, _LONGEST_TAG).items()]
        if entities:
            self._call("sending tags", lambda client, run_id: client.log_batch(run_id, tags=entities))

    def log_image(self, png: bytes, *, key: str, step: int) -> None:
        """Send one picture of a series."""

        def send(client: MlflowClient, run_id: str) -> None:
            with PIL.Image.open(io.BytesIO(png)) as image:
                # Synchronous, because the asynchronous default swallows every error.
                client.log_image(run_id, image, key=mlflow_names.image_key(key), step=step, synchronous=True)

        self._call("sending a picture", send, num_bytes=len(png))

    def log_file(self, path: Path, *, name: str) -> None:
        """Send a file or folder."""
        place = Path(name)

        def send(client: MlflowClient, run_id: str) -> None:
            if path.is_dir():
                client.log_artifacts(run_id, str(path), artifact_path=place.as_posix())
            else:
                client.log_artifact(
                    run_id, str(path), artifact_path=None if place.parent == Path() else place.parent.as_posix()
                )

        files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
        self._call(f"sending {name}", send, num_bytes=sum(file.stat().st_size for file in files))

    def log_dataset(
        self, name: str, digest: str, source: str, *, schema: Mapping[str, str], profile: Mapping[str, object]
    ) -> None:
        """Send the data set's card."""
        columns = [{"type": kind, "name": column, "required": True} for column, kind in schema.items()]
        dataset = Dataset(
            name=name[:500],
            digest=digest[:36],
            source_type="local",
            source=json.dumps({"uri": source}),
            schema=json.dumps({"mlflow_colspec": columns}) if columns else None,
            profile=json.dumps(dict(profile), default=str) if profile else None,
        )
        datasets = [DatasetInput(dataset, tags=[InputTag("mlflow.data.context", "training")])]
        self._call("sending the data set's card", lambda client, run_id: client.log_inputs(run_id, datasets=datasets))

    def describe(self, markdown: str) -> None:
        """Send the description."""
        if self.run_id is not None:
            self.set_tags({"mlflow.note.content": markdown.replace("{run_id}", self.run_id)})

    def publish_view(self, targets: Sequence[str]) -> None:
        """Store the view in the experiment, if that can be done."""
        client, experiment_id, run_id = self._client, self._experiment_id, self.run_id
        if client is not None and experiment_id is not None and run_id is not None:
            self._view_key = self._breaker.call(
                "storing the view", lambda: mlflow_view.publish(client, experiment_id, run_id, targets)
            )

    def finish(self, status: str) -> None:
        """Set the run's final status."""
        self._stop_system_metrics()

        def send(client: MlflowClient, run_id: str) -> None:
            if status == run_folder.PRUNED:
                # First the tag: whoever sees the run ended must see why.
                client.set_tag(run_id, mlflow_runs.STATUS_TAG, status)
            client.set_terminated(run_id, _STATUS[status])

        self._call("ending the run", send)

    def close(self) -> None:
        """Let go of the store."""
        self._stop_system_metrics()
        self._breaker.close()

    def _stop_system_metrics(self) -> None:
        if self._system_metrics is not None:
            self._system_metrics.stop()
            self._system_metrics = None

    def _call(self, what: str, function: Send, *, num_bytes: int = 0) -> None:
        client, run_id = self._client, self.run_id
        if client is not None and run_id is not None:
            self._breaker.call(what, lambda: function(client, run_id), allowance=1.0 + num_bytes / _BYTES_A_SECOND)


def _origin() -> dict[str, str]:
    # What mlflow's own start_run would add: the UI shows it in the columns User and Source.
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = "unknown"
    return {
        "mlflow.user": user,
        "mlflow.source.name": Path(sys.argv[0]).name or "python",
        "mlflow.source.type": "LOCAL",
    }


def _cut(values: Mapping[str, str], longest: int) -> dict[str, str]:
    # MLflow would cut in silence, and in the middle of a word nobody knows that something is missing.
    mark = " … (cut)"
    return {
        key: value if len(value) <= longest else value[: longest - len(mark)] + mark for key, value in values.items()
    }
