"""The runs that an MLflow experiment holds, in the words of `run.json`."""

from datetime import UTC, datetime
from pathlib import Path

from headway.tracking import folder as run_folder
from headway.tracking.mirror import Earlier
from headway.tracking.mlflow_client import MlflowClient, StoredMlflowRun, ViewType

STATUS_TAG = "headway.status"
"""Says `pruned` of a run that MLflow, which has no such status, calls killed."""

RUNNING = "attributes.status = 'RUNNING'"
"""The filter that finds the runs under way."""

_PAGE = 1000
_STATUS = {"FINISHED": run_folder.FINISHED, "FAILED": run_folder.FAILED, "KILLED": run_folder.KILLED}
# MLflow has no word for pruned; a tag says the rest.
_ENDED = {ours: theirs for theirs, ours in _STATUS.items()} | {run_folder.PRUNED: "KILLED"}


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


def find(client: MlflowClient, experiment_id: str, earlier: Earlier) -> str | None:
    """The mirror of a run.

    Args:
        client: A client of the store.
        experiment_id: The experiment.
        earlier: Which run.

    Returns:
        Its MLflow id, or None if the experiment has no such run.

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
    return str(run.info.run_id)


def is_deleted(client: MlflowClient, experiment_id: str, earlier: Earlier) -> bool:
    """Whether somebody deleted the mirror of a run, so that it must not come back; arguments as for `find`."""
    if find(client, experiment_id, earlier) is not None:
        return False
    where = f"tags.`headway.id` = '{earlier.id}'"
    return bool(client.search_runs([experiment_id], where, run_view_type=ViewType.DELETED_ONLY, max_results=1))


def resume(client: MlflowClient, run_id: str) -> None:
    """Set an ended run to running again."""
    run = client.get_run(run_id)
    if STATUS_TAG in run.data.tags:
        client.delete_tag(run_id, STATUS_TAG)
    if run.info.status != "RUNNING":
        client.update_run(run_id, status="RUNNING")


def end(client: MlflowClient, run_id: str, record: run_folder.RunRecord) -> None:
    """Give a run the status and the end that its folder says."""
    if record.status == run_folder.PRUNED:
        # First the tag: whoever sees the run ended must see why.
        client.set_tag(run_id, STATUS_TAG, record.status)
    client.set_terminated(run_id, _ENDED.get(record.status, "FAILED"), milliseconds(record.ended))


def settle(client: MlflowClient, experiment_id: str, root: Path, *, but: str) -> None:
    """End the runs that are under way only in the store: their process was killed before it could say so.

    Args:
        client: A client of the store.
        experiment_id: The experiment.
        root: The folder of all runs, which knows how they ended.
        but: The MLflow id of the run that asks.
    """
    ended = {id_: each for id_, each in run_folder.records(root).items() if each.status != run_folder.RUNNING}
    for each in records(client, experiment_id, where=RUNNING) if ended else ():
        known = ended.get(each.id)
        if each.mlflow_run_id not in (None, but) and known and known.mlflow_run_id in (None, each.mlflow_run_id):
            end(client, str(each.mlflow_run_id), known)


def status_of(run: StoredMlflowRun) -> str:
    """A run's status in the words of `run.json`."""
    status = _STATUS.get(run.info.status, run_folder.RUNNING)
    if status == run_folder.KILLED and run.data.tags.get(STATUS_TAG) == run_folder.PRUNED:
        return run_folder.PRUNED
    return status


def milliseconds(moment: str | None) -> int | None:
    """A time of `run.json` as MLflow counts; None where there is none that can be read."""
    try:
        return None if moment is None else int(datetime.fromisoformat(moment).timestamp() * 1000)
    except ValueError:
        return None


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
    status = status_of(run)
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
