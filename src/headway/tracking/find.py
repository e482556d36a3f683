"""Opening a stored run again, for evaluation: from its own folder, or from MLflow where the folder is gone."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from headway.errors import StoredRunError, TrackingError
from headway.tracking import folder as run_folder
from headway.tracking import uri
from headway.tracking.background import BackgroundMirror, Target
from headway.tracking.choose import choose
from headway.tracking.mirror import Earlier
from headway.tracking.run import Run
from headway.tracking.settings import TrackingSettings


@contextmanager
def reopen(settings: TrackingSettings, selector: str, *, root: Path = Path("runs")) -> Iterator[Run]:
    """A finished run, for the length of a `with` block; its status and times stay as they are.

    Args:
        settings: Where the run was tracked. With tracking off only the run folders are searched.
        selector: `latest`, `best`, or a run's id, name or beginning of an id.
        root: The folder that holds the folders of all runs.

    Returns:
        The run. Its folder holds what was mirrored; if it had to be fetched from MLflow, it is a temporary one.

    Raises:
        ConfigError: The tracking URI names no store.
        StoredRunError: No such run, or its files are gone.
        TrackingError: MLflow failed, and is required.
    """
    with ExitStack() as stack:
        local = run_folder.records(root)
        if settings.kind == "off":
            record = choose(list(local.values()), selector, where=str(root.absolute()))
            run = Run(root.absolute() / record.id, record)
        else:
            run = _from_mlflow(settings, selector, root=root, local=local, stack=stack)
        stack.callback(run._close)
        try:
            yield run
        except BaseException:
            # The error under way is the one to report.
            with suppress(TrackingError):
                run._drain()
            raise
        run._drain()


def _from_mlflow(
    settings: TrackingSettings, selector: str, *, root: Path, local: dict[str, run_folder.RunRecord], stack: ExitStack
) -> Run:
    # Imported here for the reason given in mirror.py.
    from headway.tracking.mlflow_reader import MlflowReader

    store = uri.resolve(settings.uri)
    reader = MlflowReader(settings, root=root.absolute())
    stack.callback(reader.close)
    mirrored = {record.id: record for record in reader.records()}
    # A folder of this store, or of none: what another experiment mirrored is another experiment's.
    own = {
        id_: record
        for id_, record in local.items()
        if record.mlflow_run_id is None
        or (record.store, record.experiment) == (uri.shown(store), settings.experiment)
        or (id_ in mirrored and mirrored[id_].mlflow_run_id == record.mlflow_run_id)
    }
    where = f"experiment {settings.experiment!r} of {uri.shown(store)} and in {root.absolute()}"
    # The folder is the truth: MLflow may have missed the end of a run.
    record = choose(list((mirrored | own).values()), selector, where=where)
    kept = record.id in own
    folder = root.absolute() / record.id
    if not kept:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="headway-"))) / record.id
        folder.mkdir()
        if (
            record.mlflow_run_id is None
            or not reader.download(record.mlflow_run_id, folder)
            or not any(folder.iterdir())
        ):
            raise StoredRunError(
                f"The files of the run {record.id} are neither in {root.absolute()} nor in {uri.shown(store)}. Train again: python train.py"
            )
        run_folder.write(folder, record)
    run = Run(folder, record)
    # Where the store has just failed, the folder takes what is to be added, and it can be sent later.
    if record.mlflow_run_id is not None and reader.reached:
        earlier = Earlier(record.id, record.mlflow_run_id)
        target = Target(store, settings.experiment, folder, record, earlier=earlier, running=False, kept=kept)
        mirror = BackgroundMirror(target, required=settings.required, opened=run._mirrored_by)
        run._follow(mirror, system_metrics=False)
        mirror.wait_until_open()
    return run
