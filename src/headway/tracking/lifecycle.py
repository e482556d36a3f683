"""How a run begins, goes on again, and ends."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from headway.errors import Interrupted, Pruned, StoredRunError
from headway.process import Process
from headway.tracking import folder as run_folder
from headway.tracking import uri
from headway.tracking.choose import match
from headway.tracking.dead import mark_dead_here
from headway.tracking.mirror import Earlier, open_mirror
from headway.tracking.run import Run
from headway.tracking.settings import TrackingSettings
from headway.tracking.unfinished import refuse_resume

log = logging.getLogger(__name__)

_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Parent:
    """The sweep that a run is a child of.

    Attributes:
        id: The name of the sweep's run folder.
        mlflow_run_id: The sweep's mirror, or None where it has none.
    """

    id: str
    mlflow_run_id: str | None


@contextmanager
def start(
    settings: TrackingSettings,
    *,
    name: str,
    comparable: str,
    root: Path = Path("runs"),
    tags: Mapping[str, str] = _NOTHING,
    parent: Parent | None = None,
    digest: str = "",
    later: bool = False,
) -> Iterator[Run]:
    """A new run, for the length of a `with` block; how the block ends decides the run's status.

    Args:
        settings: Where to track.
        name: What to call the run.
        comparable: Equal for runs whose validation scores may be compared (same data, task and split).
        root: The folder that holds the folders of all runs.
        tags: Labels of the run from its first moment. `headway.kind` other than `training` hides it from `run=latest` and `run=best`.
        parent: The sweep that the run is a child of.
        digest: Configuration, data and code in one hexadecimal digest, by which `find_finished` finds the run.
        later: Begin the block before MLflow is loaded, which takes seconds: that is done once `begin_mirror` is called, `link` is
            asked for, or the block ends. Where tracking is required, MLflow comes first all the same.

    Raises:
        ConfigError: The tracking URI names no store.
        StorageError: The run's folder cannot be written.
        TrackingError: MLflow failed, and is required.
    """
    _check_uri(settings)
    mark_dead_here(root)
    record = run_folder.RunRecord(
        id=run_folder.new_id(root),
        name=name,
        comparable=comparable,
        kind=tags.get("headway.kind", "training"),
        parent=parent.id if parent is not None else "",
        digest=digest,
        process=Process.own().as_dict(),
        **_home(settings),
    )
    folder = run_folder.make(root, record)
    labels = dict(tags)
    if parent is not None and parent.mlflow_run_id is not None:
        labels["mlflow.parentRunId"] = parent.mlflow_run_id
    with _under_way(settings, Run(folder, record), labels=labels, later=later) as run:
        yield run


@contextmanager
def rejoin(
    settings: TrackingSettings,
    id_: str,
    *,
    name: str,
    comparable: str = "",
    kind: str = run_folder.SWEEP,
    mlflow_run_id: str | None = None,
    root: Path = Path("runs"),
) -> Iterator[Run]:
    """A run that exists already, for the length of a `with` block, which ends it as that of `start` does.

    The folder, the journal and the MLflow run are gone on with. On a machine that has no such folder it is made anew; where the
    experiment has no such MLflow run (it was tracked elsewhere, or not at all), one is created.

    Args:
        settings: Where to track.
        id_: The run's id.
        name: What the run is called; as the next two, only for what must be made anew.
        comparable: As for `start`.
        kind: The run's kind.
        mlflow_run_id: The run's mirror, where another machine knows it.
        root: The folder that holds the folders of all runs.

    Raises:
        ConfigError: The tracking URI names no store.
        StorageError: The run's folder cannot be written.
        StoredRunError: The id is none.
        TrackingError: MLflow failed, and is required.
    """
    if not run_folder.is_id(id_):
        raise StoredRunError(
            f"{id_!r} is no run's id: expected the name of a run folder, such as 2026-01-31_12-00-00_0a1b2c."
        )
    _check_uri(settings)
    # Locked, so that nobody who found its process dead marks the run so, once it is ours.
    with run_folder.locked(root):
        known = run_folder.read(root / id_)
        record = known or run_folder.RunRecord(id=id_, name=name, comparable=comparable, kind=kind)
        folder = _claim(settings, root, record)
    earlier = Earlier(id_, mlflow_run_id or record.mlflow_run_id)
    with _under_way(settings, Run(*folder), earlier=earlier) as run:
        yield run


@contextmanager
def resume(
    settings: TrackingSettings, id_: str, *, digest: str, root: Path = Path("runs"), later: bool = False
) -> Iterator[Run]:
    """A training that was cut off, for the length of a `with` block, which ends it as that of `start` does.

    The folder, the journal and the MLflow run are gone on with. Everything may be logged again: a metric that the journal has at
    its step, a picture, a parameter and a data set's card stay what they were, and are there once.

    Args:
        settings: Where to track.
        id_: The run's id, its name, or the beginning of its id.
        digest: Of the training that is to go on; as for `start`.
        root: The folder that holds the folders of all runs.
        later: As for `start`.

    Raises:
        ConfigError: The tracking URI names no store.
        StorageError: The run's folder cannot be written.
        StoredRunError: There is no such run, it has ended, somebody else goes on with it, or it was another training.
        TrackingError: MLflow failed, and is required.
    """
    _check_uri(settings)
    if not root.is_dir():
        raise StoredRunError(
            f"There is no run {id_!r}, nor any other, in {root.absolute()}: leave run= out to train anew."
        )
    mark_dead_here(root)
    with run_folder.locked(root):
        record = match(list(run_folder.records(root).values()), id_, where=str(root.absolute()))
        refuse_resume(record, digest, root / record.id)
        folder = _claim(settings, root, record)
    earlier = Earlier(record.id, record.mlflow_run_id)
    with _under_way(settings, Run(*folder, goes_on=True), earlier=earlier, later=later) as run:
        yield run


def _claim(settings: TrackingSettings, root: Path, record: run_folder.RunRecord) -> tuple[Path, run_folder.RunRecord]:
    """Say that the run is this process's now."""
    own = {"process": Process.own().as_dict(), **_home(settings)}
    record = replace(record, status=run_folder.RUNNING, ended=None, **own)
    folder = root.absolute() / record.id
    if not folder.is_dir():
        return run_folder.make(root, record), record
    run_folder.write(folder, record)
    return folder, record


def _check_uri(settings: TrackingSettings) -> None:
    # Before anything is made: a wrong word must leave no folder behind.
    if settings.kind != "off":
        uri.resolve(settings.uri)


def _home(settings: TrackingSettings) -> dict[str, Any]:
    """Which mirror a run is meant to have; with tracking off it keeps what it has."""
    if settings.kind == "off":
        return {}
    return {"store": uri.shown(uri.resolve(settings.uri)), "experiment": settings.experiment}


@contextmanager
def _under_way(
    settings: TrackingSettings,
    run: Run,
    *,
    labels: Mapping[str, str] = _NOTHING,
    earlier: Earlier | None = None,
    later: bool = False,
) -> Iterator[Run]:
    later = later and not settings.required
    try:
        # Before the mirror, which reads them when it makes the MLflow run.
        run.set_tags({**run_folder.labels(run.record), **labels})
        mirror = open_mirror(settings, run.folder, run.record, opened=run._mirrored_by, earlier=earlier, later=later)
        run._follow(mirror, system_metrics=settings.kind != "off" and settings.system_metrics)
        if not later:
            mirror.wait_until_open()
        yield run
    except BaseException as error:
        _finish_quietly(run, _status_after(error))
        raise
    else:
        run._finish(run_folder.FINISHED)
    finally:
        run._close()


def _status_after(error: BaseException) -> str:
    if isinstance(error, Pruned):
        return run_folder.PRUNED
    return run_folder.KILLED if isinstance(error, KeyboardInterrupt | Interrupted) else run_folder.FAILED


def _finish_quietly(run: Run, status: str) -> None:
    # The error under way is the one to report; a second one from a full disk or a dead server must not take its place.
    try:
        run._finish(status)
    except Exception as error:
        log.debug("The run could not be marked %s: %s", status, error)
