"""The runs that an MLflow experiment holds, in the words of `run.json`."""

from datetime import UTC, datetime
from pathlib import Path

from headway.tracking import folder as run_folder
from headway.tracking.mlflow_client import MlflowClient, StoredMlflowRun

_PAGE = 1000
_STATUS = {"FINISHED": run_folder.FINISHED, "FAILED": run_folder.FAILED, "KILLED": run_folder.KILLED}


def records(client: MlflowClient, experiment_id: str) -> list[run_folder.RunRecord]:
    """Every run of the experiment that Headway wrote and nobody deleted."""
    found: list[run_folder.RunRecord] = []
    token: str | None = None
    while True:
        page = client.search_runs([experiment_id], max_results=_PAGE, page_token=token)
        found += [record for run in page if (record := _record(run)) is not None]
        token = page.token
        if not token:
            return found


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
    return run_folder.RunRecord(
        id=id_,
        name=run.info.run_name or "",
        status=_STATUS.get(run.info.status, run_folder.RUNNING),
        started=_moment(run.info.start_time) or "",
        ended=_moment(run.info.end_time),
        comparable=tags.get("headway.comparable", ""),
        kind=tags.get("headway.kind", "training"),
        score=_number(tags.get("headway.score")),
        mlflow_run_id=run.info.run_id,
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
