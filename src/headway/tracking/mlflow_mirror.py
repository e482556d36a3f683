"""A run's mirror in MLflow: every call waits for the answer, and raises what went wrong."""

import getpass
import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import PIL.Image

from headway.errors import StoredRunError
from headway.tracking import folder as run_folder
from headway.tracking import mlflow_names, mlflow_runs, mlflow_store, mlflow_view, outbox, run_color
from headway.tracking.mirror import Earlier
from headway.tracking.mlflow_client import Dataset, DatasetInput, InputTag, Metric, MlflowClient, Param, RunTag
from headway.tracking.outbox import Wanted

_LONGEST_PARAM = 6_000
_LONGEST_TAG = 8_000
_MOST_METRICS, _MOST_PARAMS, _MOST_TAGS = 1000, 100, 100
"""In one batch; MLflow refuses more."""

_DESCRIPTION = "mlflow.note.content"


class MlflowMirror:
    """Repeats a run in MLflow.

    Args:
        client: A client of the store.
        experiment_id: The run's experiment.
        run_id: The run.
        folder: The run's folder, which holds the files to send.

    Attributes:
        client, experiment_id, run_id, folder: As given.
        created: Whether the run was not there before.
        view_key: The name of the experiment's view, once it is stored.
    """

    def __init__(
        self, client: MlflowClient, experiment_id: str, run_id: str, *, folder: Path, created: bool = False
    ) -> None:
        self.client = client
        self.experiment_id = experiment_id
        self.run_id = run_id
        self.folder = folder
        self.created = created
        self.view_key: str | None = None
        self._params: set[str] = set()

    @classmethod
    def open(
        cls,
        client: MlflowClient,
        store: str,
        experiment: str,
        folder: Path,
        record: run_folder.RunRecord,
        *,
        earlier: Earlier | None,
        running: bool,
        anew: bool = True,
    ) -> Self:
        """Create a run in MLflow, or go on with one.

        Args:
            client: A client of the store.
            store: The store's resolved URI.
            experiment: The name of the run's experiment, which is made if there is none.
            folder: The run's folder, whose list says the tags of a new mirror.
            record: What its `run.json` says.
            earlier: The run to go on with, if the experiment has it; None for a new one.
            running: Whether a run that is gone on with is under way again.
            anew: Whether a run that the experiment does not have is made.

        Raises:
            StoredRunError: The store's answer makes no sense.
        """
        experiment_id = mlflow_store.make_experiment(client, store, experiment)
        found = mlflow_runs.find(client, experiment_id, earlier) if earlier is not None else None
        if found is None and not anew:
            raise StoredRunError(f"experiment {experiment!r} does not have the run")
        run_id = found or _create(client, experiment_id, record, outbox.read_wanted(folder).tags)
        if found is not None and running:
            mlflow_runs.resume(client, found)
        return cls(client, experiment_id, run_id, folder=folder, created=found is None)

    def send_metrics(self, lines: Iterable[Mapping[str, Any]]) -> int:
        """Send lines of a journal; returns how many values that were."""
        return self.send_points(point for line in lines for point in points(line))

    def send_points(self, found: Iterable[Metric]) -> int:
        """Send values, many with one call; returns how many."""
        entities = list(found)
        for start in range(0, len(entities), _MOST_METRICS):
            self.client.log_batch(self.run_id, metrics=entities[start : start + _MOST_METRICS], synchronous=True)
        return len(entities)

    def send(self, wanted: Wanted) -> None:
        """Send all but the metrics and the view."""
        self.send_params(wanted.params)
        self.send_tags(wanted.tags)
        for card in wanted.datasets:
            self.send_dataset(card)
        for name in wanted.files:
            self.send_file(name)
        for (key, step), time in wanted.images.items():
            self.send_image(key, step, time)
        if wanted.description is not None:
            self.send_tags({_DESCRIPTION: self.described(wanted.description)})

    def send_params(self, params: Mapping[str, str]) -> None:
        """Send parameters that were not sent before; MLflow refuses a second value of a key."""
        fresh = {key: value for key, value in legal_params(params).items() if key not in self._params}
        entities = [Param(key, value) for key, value in fresh.items()]
        for start in range(0, len(entities), _MOST_PARAMS):
            self.client.log_batch(self.run_id, params=entities[start : start + _MOST_PARAMS], synchronous=True)
        self._params.update(fresh)

    def send_tags(self, tags: Mapping[str, str]) -> None:
        """Send tags; a later value replaces the earlier one."""
        entities = [RunTag(key, value) for key, value in legal_tags(tags).items()]
        for start in range(0, len(entities), _MOST_TAGS):
            self.client.log_batch(self.run_id, tags=entities[start : start + _MOST_TAGS], synchronous=True)

    def send_dataset(self, card: Mapping[str, Any]) -> None:
        """Send a data set's card."""
        columns = [{"type": kind, "name": column, "required": True} for column, kind in card["schema"].items()]
        dataset = Dataset(
            name=dataset_key(card)[0],
            digest=dataset_key(card)[1],
            source_type="local",
            source=json.dumps({"uri": card["source"]}),
            schema=json.dumps({"mlflow_colspec": columns}) if columns else None,
            profile=card["profile"] or None,
        )
        datasets = [DatasetInput(dataset, tags=[InputTag("mlflow.data.context", "training")])]
        self.client.log_inputs(self.run_id, datasets=datasets)

    def send_file(self, name: str) -> None:
        """Send a file or folder of the run's folder; one that has gone since is passed over."""
        for path in run_folder.files_of(self.folder, name):
            place = path.relative_to(self.folder).parent
            self.client.log_artifact(
                self.run_id, str(path), artifact_path=None if place == Path() else place.as_posix()
            )

    def send_image(self, key: str, step: int, time: int) -> None:
        """Send one picture of a series; one whose file has gone, or is no picture, is passed over."""
        path = run_folder.inside(self.folder, run_folder.image_name(key, step))
        if path is None:
            return
        try:
            with PIL.Image.open(path) as image:
                image.load()
        except (OSError, PIL.Image.DecompressionBombError):
            return
        # Synchronous, because the asynchronous default swallows every error.
        name = mlflow_names.image_key(key)
        self.client.log_image(self.run_id, image, key=name, step=step, timestamp=time, synchronous=True)

    def publish_view(self, targets: Sequence[str]) -> None:
        """Store the view in the experiment, if that can be done."""
        self.view_key = mlflow_view.publish(self.client, self.experiment_id, self.run_id, targets)

    def described(self, markdown: str) -> str:
        """The description as it stands in a tag."""
        return markdown.replace("{run_id}", self.run_id)

    def end(self, record: run_folder.RunRecord) -> None:
        """Give the run the status and the end that its folder says."""
        mlflow_runs.end(self.client, self.run_id, record)


def points(line: Mapping[str, Any]) -> list[Metric]:
    """What MLflow takes of a line of a journal: what is finite; it would store infinity as 1.8e308, which no chart survives."""
    return [
        Metric(mlflow_names.metric_name(name), value, int(line["time"] * 1000), line["step"])
        for name, value in line["metrics"].items()
        if math.isfinite(value)
    ]


def legal_params(params: Mapping[str, str]) -> dict[str, str]:
    """Parameters as MLflow takes them."""
    return _cut({mlflow_names.metric_name(key): value for key, value in params.items()}, _LONGEST_PARAM)


def legal_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Tags as MLflow takes them."""
    return _cut({mlflow_names.metric_name(key): value for key, value in tags.items()}, _LONGEST_TAG)


def dataset_key(card: Mapping[str, Any]) -> tuple[str, str]:
    """Name and digest of a data set's card, as far as MLflow takes them."""
    return str(card["name"])[:500], str(card["digest"])[:36]


def _create(client: MlflowClient, experiment_id: str, record: run_folder.RunRecord, tags: Mapping[str, str]) -> str:
    recent = client.search_runs(
        [experiment_id], max_results=len(run_color.PALETTE), order_by=["attributes.start_time DESC"]
    )
    color = run_color.pick(run.data.tags.get(run_color.TAG, "") for run in recent)
    labels = {run_color.TAG: color, **_origin(), **run_folder.labels(record), **tags}
    if record.parent and "mlflow.parentRunId" not in labels:
        # The sweep's mirror was made after its child began.
        parent = mlflow_runs.find(client, experiment_id, Earlier(record.parent, None))
        labels |= {"mlflow.parentRunId": parent} if parent is not None else {}
    run = client.create_run(
        experiment_id,
        start_time=mlflow_runs.milliseconds(record.started),
        run_name=record.name,
        tags=legal_tags(labels),
    )
    run_id = str(run.info.run_id)
    # What answers may be no MLflow at all, and an empty id would be one of its answers.
    if not run_id.isalnum():
        raise StoredRunError(f"the store gave the new run the id {run_id[:40]!r}, which is none.")
    return run_id


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
