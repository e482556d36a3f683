"""Which of the stored runs a user means by `latest`, `best`, an id, a name or the beginning of an id."""

import math
from collections.abc import Sequence

from headway.errors import StoredRunError
from headway.tracking.folder import FAILED, FINISHED, KILLED, PRUNED, RUNNING, SWEEP, RunRecord

SHORTEST_PREFIX = 6
_SHOWN = 3
_WAS = {
    RUNNING: "is still running, or was cut off",
    FAILED: "failed",
    KILLED: "was killed",
    PRUNED: "was pruned by its sweep",
}


def choose(records: Sequence[RunRecord], selector: str, *, where: str) -> RunRecord:
    """The run that is meant.

    Args:
        records: Every stored run, in any order.
        selector: `latest` (the newest finished training), `best` (the lowest score among the finished ones that are comparable with
            the latest), a run's id, its MLflow id, its name, or at least six first characters of an id that fit no other run.
        where: Where the records come from, for the message.

    Raises:
        StoredRunError: No finished run, more than one, or a whole sweep is meant.
    """
    newest_first = sorted(records, key=lambda record: record.started, reverse=True)
    finished = [record for record in newest_first if record.status == FINISHED and record.kind == "training"]
    if selector in ("latest", "best"):
        if not finished:
            raise StoredRunError(
                f"There is no finished run in {where}{_exist(newest_first)} Train one with: python train.py"
            )
        latest = finished[0]
        return latest if selector == "latest" else _best(finished, latest, where=where)
    return _named(newest_first, selector, where=where)


def _best(finished: Sequence[RunRecord], latest: RunRecord, *, where: str) -> RunRecord:
    scored = [
        (record.score, record)
        for record in finished
        if record.comparable == latest.comparable and record.score is not None and math.isfinite(record.score)
    ]
    if not scored:
        raise StoredRunError(
            f"No finished run in {where} that is comparable with the latest, {latest.id}, has a score. Train one with: python train.py"
        )
    return min(scored, key=lambda pair: pair[0])[1]


def match(records: Sequence[RunRecord], selector: str, *, where: str) -> RunRecord:
    """The one run of an id, an MLflow id, a name, or the beginning of an id; whatever became of it.

    Args:
        records: Every stored run, in any order.
        selector: Which.
        where: Where the records come from, for the message.

    Raises:
        StoredRunError: There is no such run, or more than one.
    """
    newest_first = sorted(records, key=lambda record: record.started, reverse=True)
    if not selector or "/" in selector or "\\" in selector or ".." in selector:
        raise StoredRunError(f"run={selector!r} is no run: give latest, best, or an id{_exist(newest_first)}")
    matches = [record for record in newest_first if selector in (record.id, record.mlflow_run_id)]
    matches = matches or [record for record in newest_first if record.name == selector]
    if not matches and len(selector) >= SHORTEST_PREFIX:
        matches = [
            record
            for record in newest_first
            if record.id.startswith(selector) or (record.mlflow_run_id or "").startswith(selector)
        ]
    if not matches:
        raise StoredRunError(
            f"There is no run {selector!r} in {where}{_exist(newest_first)} Give one of them, latest or best; train with: python train.py"
        )
    if len(matches) > 1:
        raise StoredRunError(f"run={selector!r} fits {len(matches)} runs{_exist(matches)} Give one id in full.")
    return matches[0]


def _named(newest_first: Sequence[RunRecord], selector: str, *, where: str) -> RunRecord:
    record = match(newest_first, selector, where=where)
    if record.kind == SWEEP:
        best = (
            f"look at its best run with: python evaluate.py run={record.best}"
            if record.best
            else "it has no best run yet."
        )
        raise StoredRunError(
            f"The run {record.id} ({record.name}) is a sweep, whose children are the runs to open: {best}"
        )
    if record.status != FINISHED:
        raise StoredRunError(
            f"The run {record.id} {_WAS.get(record.status, record.status)}: only a finished run can be opened{_exist([each for each in newest_first if each.status == FINISHED])}"
        )
    return record


def _exist(records: Sequence[RunRecord]) -> str:
    if not records:
        return "."
    shown = ", ".join(f"{record.id} ({record.name}, {record.status})" for record in records[:_SHOWN])
    return f"; the most recent of {len(records)}: {shown}." if len(records) > _SHOWN else f"; there are: {shown}."
