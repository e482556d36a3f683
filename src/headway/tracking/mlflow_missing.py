"""What a store lacks of a run, found by asking it, and sent: nothing twice, whatever was sent before."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

from headway.tracking import folder as run_folder
from headway.tracking import journal, mlflow_names, mlflow_runs, outbox
from headway.tracking.mlflow_client import Metric, StoredMlflowRun
from headway.tracking.mlflow_mirror import MlflowMirror, dataset_key, legal_params, legal_tags, points
from headway.tracking.outbox import Wanted

_IMAGE = re.compile(r"images/(.+)[+%]step[+%](-?\d+)[+%]timestamp[+%](\d+)[+%].*?(\.png|\.webp)")
"""How MLflow names the two files of one picture; with % for + in older versions."""

_OWN_TAGS = ("mlflow.user", "mlflow.source.", "mlflow.runColor")
"""Set when a mirror is made; who makes it later is another."""


@dataclass
class Sent:
    """How much of each kind was sent."""

    metrics: int = 0
    params: int = 0
    tags: int = 0
    files: int = 0
    pictures: int = 0
    cards: int = 0
    status: int = 0

    def __str__(self) -> str:
        names = ("metric", "parameter", "tag", "file", "picture", "data set card", "status")
        found = zip(astuple(self), names, strict=True)
        words = [
            f"{count} {name}{'' if count == 1 else 'es' if name == 'status' else 's'}" for count, name in found if count
        ]
        return ", ".join(words) or "nothing"

    def __bool__(self) -> bool:
        return any(astuple(self))


def complete(
    mirror: MlflowMirror, record: run_folder.RunRecord, *, since: int, step: Callable[[], None] = lambda: None
) -> Sent:
    """Send what the store lacks of all that the run's folder says.

    Args:
        mirror: The run in the store.
        record: What its `run.json` says; the status of a run under way is left alone.
        since: Bytes of the run's list that the store is known to have taken, or 0: a file that was logged later is sent although
            the store has one of its size.
        step: Called after every answer of the store.

    Returns:
        What was sent.
    """
    wanted, sent = outbox.read_wanted(mirror.folder), Sent()
    for file in (journal.FILE, journal.SYSTEM_FILE):
        sent.metrics += _metrics(mirror, mirror.folder / file, step)
    stored = mirror.client.get_run(mirror.run_id)
    missing = _lacking(mirror, wanted, stored)
    if missing.files or missing.images:
        later, _ = journal.read_lines(mirror.folder / outbox.FILE, since) if since else ([], 0)
        _leave_out(missing, dict(_artifacts(mirror)), mirror.folder, changed=outbox.fold(later).files)
    for part in missing.parts():
        mirror.send(part)
        step()
    sent.params, sent.tags, sent.files = len(missing.params), len(missing.tags), len(missing.files)
    sent.pictures, sent.cards = len(missing.images), len(missing.datasets)
    if record.status != run_folder.RUNNING and mlflow_runs.status_of(stored) != record.status:
        mirror.end(record)
        sent.status = 1
    if wanted.targets is not None and sent:
        mirror.publish_view(wanted.targets)
    return sent


def _metrics(mirror: MlflowMirror, path: Path, step: Callable[[], None]) -> int:
    known: dict[str, set[tuple[int, int, float]]] = {}
    sent, offset, end = 0, -1, 0
    while end != offset:
        offset = end
        lines, end = journal.read_metrics(path, offset)
        missing = []
        for point in (point for line in lines for point in points(line)):
            if point.key not in known:
                history = mirror.client.get_metric_history(mirror.run_id, point.key)
                known[point.key] = {_identity(each) for each in history}
                step()
            if _identity(point) not in known[point.key]:
                known[point.key].add(_identity(point))
                missing.append(point)
        sent += mirror.send_points(missing)
    return sent


def _identity(point: Metric) -> tuple[int, int, float]:
    # An evaluation may be repeated: the same metric of the same step at another time is another one.
    return int(point.step), int(point.timestamp), float(point.value)


def _lacking(mirror: MlflowMirror, wanted: Wanted, stored: StoredMlflowRun) -> Wanted:
    """Without what the store shows at first sight: the rest is files and pictures."""
    tags = {key: value for key, value in wanted.tags.items() if not key.startswith(_OWN_TAGS)}
    if wanted.description is not None:
        tags["mlflow.note.content"] = mirror.described(wanted.description)
    params, known = legal_params(wanted.params), {dataset_key(card): card for card in wanted.datasets}
    cards = (
        {(each.dataset.name, each.dataset.digest) for each in stored.inputs.dataset_inputs} if stored.inputs else set()
    )
    return Wanted(
        params={key: value for key, value in params.items() if key not in stored.data.params},
        tags={key: value for key, value in legal_tags(tags).items() if stored.data.tags.get(key) != value},
        files=dict(wanted.files),
        images=dict(wanted.images),
        datasets=[card for key, card in known.items() if key not in cards],
    )


def _leave_out(missing: Wanted, stored: dict[str, int], folder: Path, *, changed: Iterable[str]) -> None:
    """Leave out the files and pictures that the store has, and what has gone from the folder."""
    pictures: dict[tuple[str, int], set[str]] = {}
    for path in stored:
        if (found := _IMAGE.fullmatch(path)) is not None:
            pictures.setdefault((found[1], int(found[2])), set()).add(found[4])
    for key, step in list(missing.images):
        name = mlflow_names.image_key(key).replace("/", "~"), step
        image = run_folder.inside(folder, run_folder.image_name(key, step))
        if pictures.get(name) == {".png", ".webp"} or image is None or not image.exists():
            del missing.images[(key, step)]
    sizes = {name: size for file in missing.files for name, size in _sizes(folder, file).items()}
    later = {name for file in changed for name in _sizes(folder, file)}
    missing.files = {name: None for name, size in sizes.items() if stored.get(name) != size or name in later}


def _sizes(folder: Path, name: str) -> dict[str, int]:
    found = run_folder.files_of(folder, name)
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in found}


def _artifacts(mirror: MlflowMirror, path: str | None = None) -> Iterator[tuple[str, int]]:
    for each in mirror.client.list_artifacts(mirror.run_id, path):
        if each.is_dir:
            yield from _artifacts(mirror, each.path)
        else:
            yield each.path, int(each.file_size or 0)
