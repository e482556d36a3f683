"""The runs that an MLflow experiment holds, in the words of `run.json`."""

from datetime import UTC, datetime
from pathlib import Path

from headway.tracking import folder as run_folder
from headway.tracking.mirror import Earlier
from headway.tracking.mlflow_client import MlflowClient, StoredMlflowRun

STATUS_TAG = "headway.status"
"""Says `pruned` of a run that MLflow, which has no such status, calls killed."""

RUNNING = "attributes.status = 'RUNNING'"
"""The filter that finds the runs under way."""

_PAGE = 1000
_STATUS = {"FINISHED": run_folder.FINISHED, "FAILED": run_folder.FAILED, "KILLED": run_folder.KILLED}


def records(client: MlflowClient, experiment_id: str, *, where: str = "") -> list[run_folder.RunRecord]:
    """Every run of the experiment that Headway wrote and nobody deleted.

    Args:
        client: A client of the store.
        experiment_id: The experiment.
        where: A filter in MLflow's language, applied by the store.
    """
    found: list[run_folder.RunRecord] = []
    token: str | None = None
    while True:
        page = client.search_runs([experiment_id], where, max_results=_PAGE, page_token=token)
        found += [record for run in page if (record := _record(run)) is not None]
        token = page.token
        if not token:
            return found


def resume(client: MlflowClient, experiment_id: str, earlier: Earlier) -> str | None:
    """Set an ended run to running again.

    Args:
        client: A client of the store.
        experiment_id: The experiment.
        earlier: Which run.

    Returns:
        The run's MLflow id, or None if the experiment has no such run.

    Raises:
        ValueError: The id, which becomes part of a query, is none.
    """
    if not run_folder.is_id(earlier.id):
        raise ValueError(f"{earlier.id!r} is no run's id.")
    # By the tag, because the MLflow id may never have reached run.json.
    found = client.search_runs([experiment_id], f"tags.`headway.id` = '{earlier.id}'")
    if not found:
        return None
    run = next((each for each in found if each.info.run_id == earlier.mlflow_run_id), found[0])
    if STATUS_TAG in run.data.tags:
        client.delete_tag(run.info.run_id, STATUS_TAG)
    client.update_run(run.info.run_id, status="RUNNING")
    return str(run.info.run_id)


def download(client: MlflowClient, mlflow_run_id: str, target: Path) -> None:
    """Copy everything that was logged to a run into a folder, which exists."""
    for artifact in client.list_artifacts(mlflow_run_id):
        client.download_artifacts(mlflow_run_id, artifact.path, str(target))


def _record(run: StoredMlflowRun) -> run_folder.RunRecord | None:
    tags = run.data.tags
    id_ = tags.get("headway.id", "")
    # The id becomes the name of a folder: what does not look like one of ours is not ours.
    if not run_folder.is_id(id_):
        return None
    status = _STATUS.get(run.info.status, run_folder.RUNNING)
    if status == run_folder.KILLED and tags.get(STATUS_TAG) == run_folder.PRUNED:
        status = run_folder.PRUNED
    return run_folder.RunRecord(
        id=id_,
        name=run.info.run_name or "",
        status=status,
        started=_moment(run.info.start_time) or "",
        # MLflow keeps the end of a run that goes on again.
        ended=None if status == run_folder.RUNNING else _moment(run.info.end_time),
        comparable=tags.get("headway.comparable", ""),
        kind=tags.get("headway.kind", "training"),
        score=_number(tags.get("headway.score")),
        mlflow_run_id=run.info.run_id,
        parent=tags.get("headway.sweep", ""),
        digest=tags.get("headway.digest", ""),
        best=tags.get("headway.best", ""),
    )


def _moment(milliseconds: int | None) -> str | None:
    return (
        None
        if milliseconds is None
        else datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="microseconds")
    )


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
