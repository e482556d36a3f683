"""A run: a folder of its own, a journal of its metrics, and a mirror in MLflow."""

import json
import logging
import threading
import time as clock
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from headway import files
from headway.errors import Interrupted, StorageError
from headway.redaction import redacted
from headway.tracking import folder as run_folder
from headway.tracking.journal import MEASURED, SYSTEM_FILE, Journal, read_journal
from headway.tracking.mirror import Mirror
from headway.tracking.off_mirror import OffMirror
from headway.tracking.outbox import Outbox
from headway.tracking.system_metrics import SystemMetrics

log = logging.getLogger(__name__)

_NOTHING: Mapping[str, str] = MappingProxyType({})


class Run:
    """What training and evaluation write to. The folder is the truth, the mirror follows.

    Args:
        folder: The run's folder.
        record: What its `run.json` says.
        goes_on: Whether the run was cut off and does again what it did before, which is written once all the same.

    Attributes:
        folder: The run's folder.
    """

    def __init__(self, folder: Path, record: run_folder.RunRecord, *, goes_on: bool = False) -> None:
        self.folder = folder
        self._record = record
        self._mirror: Mirror = OffMirror()
        self._journal = Journal(folder)
        self._outbox = Outbox(folder, goes_on=goes_on)
        self._goes_on = goes_on
        self._before: dict[tuple[str, int], set[float]] = {}
        for line in read_journal(folder) if goes_on else ():
            for name, value in line["metrics"].items():
                self._before.setdefault((name, line["step"]), set()).add(value)
        self._system: SystemMetrics | None = None
        # The mirror's thread says which MLflow run is the mirror.
        self._lock = threading.Lock()

    @property
    def id(self) -> str:
        """The name of the run's folder, by which `evaluate.py run=<id>` finds it."""
        return self._record.id

    @property
    def record(self) -> run_folder.RunRecord:
        """What `run.json` says now."""
        return self._record

    @property
    def mlflow_run_id(self) -> str | None:
        """The run's mirror in MLflow, or None without one."""
        return self._record.mlflow_run_id

    @property
    def link(self) -> str | None:
        """The address of the run in the MLflow UI, or None without a mirror; waits for it, but not for long."""
        self._mirror.wait_until_open()
        return self._mirror.link

    @property
    def view_link(self) -> str | None:
        """The address of all runs of the experiment, through the published view if there is one; None without a mirror."""
        return self._mirror.view_link

    def compare_link(self, mlflow_run_ids: Sequence[str]) -> str | None:
        """The address at which the MLflow UI compares runs of this run's experiment.

        Args:
            mlflow_run_ids: Their `mlflow_run_id`, most interesting first: those after the hundredth are left out.

        Returns:
            The address, or None without a mirror or without runs.
        """
        return self._mirror.compare_link(mlflow_run_ids)

    def log_metrics(self, metrics: Mapping[str, float], *, step: int = 0) -> None:
        """Journal the metrics; the mirror follows.

        What the journal of a run that goes on has already is passed over: it is done again, and comes out the same. Only
        a training that went back in between comes to other values, which follow the earlier ones.

        Args:
            metrics: Values by path (`validation/mae`). Values that are not finite stand in the journal only.
            step: The epoch, or whatever the values are counted by.

        Raises:
            StorageError: The journal cannot be written.
            TrackingError: MLflow failed, and is required.
        """
        if not all(metrics):
            raise ValueError("A metric has no name. Names are paths such as validation/mae.")
        if fresh := {name: value for name, value in metrics.items() if not self._is_known(name, step, value)}:
            self._journal.append(fresh, step=step, time=clock.time())
            self._mirror.poke()

    def _is_known(self, name: str, step: int, value: float) -> bool:
        """Whether the journal of a run that goes on has it."""
        if not self._goes_on:
            return False
        before = self._before.setdefault((name, step), set())
        # What a clock or a meter says differs when the same is done again.
        known = float(value) in before or (name.endswith(MEASURED) and bool(before))
        before.add(float(value))
        return known

    def log_params(self, params: Mapping[str, object]) -> None:
        """Mirror the settings worth comparing; each key once, a later value of the same key is passed over."""
        self._post("params", values={key: redacted(str(value)) for key, value in params.items()})

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Mirror free labels of the run; a later value replaces the earlier one."""
        self._post("tags", values={key: redacted(value) for key, value in tags.items()})

    def log_image(self, png: bytes, *, key: str, step: int) -> None:
        """Add a picture to a series that the UI shows with a slider over its steps.

        The picture is kept in the run's folder too, as `images/<key>/<step>.png`.

        Args:
            png: The picture; square and legible at 256 pixels, the size of the thumbnail.
            key: The name of the series (`attention/all_heads`).
            step: The epoch.
        """
        path = self._inside(run_folder.image_name(key, step))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            files.write(path, png)
        except OSError as error:
            raise StorageError(
                f"{path} cannot be written: {error.strerror}. Free some space, or choose another run folder."
            ) from error
        self._post("image", key=key, step=step)

    def log_file(self, name: str) -> None:
        """Mirror a file or folder of the run's folder, under the same name.

        Args:
            name: Its path relative to the run's folder (`config.yaml`, `forecaster`).

        Raises:
            ValueError: The name leads out of the run's folder.
            FileNotFoundError: There is nothing of that name.
        """
        path = self._inside(name)
        if not path.exists():
            raise FileNotFoundError(
                f"The run folder {self.folder} holds no {name}: write it there before it is logged."
            )
        self._post("files", name=Path(name).as_posix())

    def log_dataset(
        self,
        name: str,
        digest: str,
        source: str,
        *,
        schema: Mapping[str, str] = _NOTHING,
        profile: Mapping[str, object] = _NOTHING,
    ) -> None:
        """Show on the run's page which data it saw.

        Args:
            name: The data set's name.
            digest: A checksum of the data; the first 36 characters are shown.
            source: Where the data came from: a path or an address.
            schema: The type of every column, by name.
            profile: Counts worth showing (`rows`, `series`, ...).
        """
        card = {"name": name, "digest": digest, "source": redacted(source), "schema": dict(schema)}
        text = json.dumps(dict(profile), default=str) if profile else ""
        self._post("dataset", card={**card, "profile": text})

    def describe(self, markdown: str) -> None:
        """Set the text at the top of the run's page.

        Args:
            markdown: The text; `{run_id}` stands for the run's MLflow id, so that
                `![](get-artifact?path=attention_map.png&run_uuid={run_id})` shows a logged picture.
        """
        self._post("description", text=redacted(markdown))

    def set_score(self, value: float) -> None:
        """Set the validation score by which `run=best` chooses: lower is better."""
        self._rewrite(score=float(value))
        self.set_tags({"headway.score": repr(float(value))})

    def set_best(self, id_: str) -> None:
        """Set, for a sweep, the id of its best child."""
        self._rewrite(best=id_)
        self.set_tags({"headway.best": id_})

    def publish_view(self, targets: Sequence[str]) -> None:
        """Give the experiment a ready-made view: columns, sorting and charts for runs that forecast these targets."""
        self._post("view", targets=list(targets))

    def begin_mirror(self) -> None:
        """Let MLflow be loaded and the run be opened there, where `start` or `resume` put that off."""
        self._mirror.begin()

    def _post(self, kind: str, **content: object) -> None:
        self._outbox.append(kind, **content)
        self._mirror.poke()

    def _follow(self, mirror: Mirror, *, system_metrics: bool) -> None:
        """Let a mirror follow; with or without what the machine does meanwhile."""
        self._mirror = mirror
        if system_metrics:
            sink = Journal(self.folder, SYSTEM_FILE, synced=False)

            def sample(metrics: Mapping[str, float], *, step: int, time: float) -> None:
                sink.append(metrics, step=step, time=time)
                mirror.poke()

            before = read_journal(self.folder, SYSTEM_FILE)
            first = max((line["step"] for line in before), default=-1) + 1
            self._system = SystemMetrics(sample, first_step=first)
            self._system.start()

    def _mirrored_by(self, mlflow_run_id: str) -> None:
        """Keep which MLflow run is the mirror; called by the mirror's thread."""
        if self._record.mlflow_run_id != mlflow_run_id:
            try:
                self._rewrite(mlflow_run_id=mlflow_run_id)
            except StorageError as error:
                # The record is written again when the run ends, by the thread that can say so.
                log.debug("The mirror could not be noted: %s", error)

    def _rewrite(self, **changes: object) -> None:
        with self._lock:
            self._record = replace(self._record, **changes)  # type: ignore[arg-type]
            run_folder.write(self.folder, self._record)

    def _inside(self, name: str) -> Path:
        path = run_folder.inside(self.folder, name)
        if path is None:
            raise ValueError(
                f"{name!r} is no path inside the run folder: write it relative to the folder, without '..'."
            )
        return path

    def _finish(self, status: str) -> None:
        self._stop_sampling()
        # The folder first, it is the truth: killed in between, the next start looks after the mirror.
        self._rewrite(status=status, ended=run_folder.now())
        try:
            self._mirror.finish(self._record)
        except (KeyboardInterrupt, Interrupted):
            if status != run_folder.FINISHED:
                raise
            # The run has its end; only the wait for its mirror was cut short, and `sync` sends the rest.
            log.warning("run %s is finished; what MLflow lacks: python -m headway.tracking sync %s", self.id, self.id)

    def _drain(self) -> None:
        self._mirror.finish()

    def _close(self) -> None:
        self._stop_sampling()
        self._journal.close()
        self._outbox.close()
        self._mirror.close()

    def _stop_sampling(self) -> None:
        if self._system is not None:
            self._system.stop()
            self._system = None
