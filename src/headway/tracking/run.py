"""A run: a folder of its own, a journal of its metrics, and a mirror in MLflow."""

import time as clock
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from headway.errors import StorageError
from headway.tracking import folder as run_folder
from headway.tracking.journal import Journal
from headway.tracking.mirror import Mirror

_NOTHING: Mapping[str, str] = MappingProxyType({})


class Run:
    """What training and evaluation write to. The folder is the truth, the mirror follows.

    Args:
        folder: The run's folder.
        record: What its `run.json` says.
        mirror: Where everything is repeated.

    Attributes:
        folder: The run's folder.
    """

    def __init__(self, folder: Path, record: run_folder.RunRecord, mirror: Mirror) -> None:
        self.folder = folder
        self._record = record
        self._mirror = mirror
        self._journal = Journal(folder)

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
        """The address of the run in the MLflow UI, or None without a mirror."""
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
        """Journal the metrics, then mirror them.

        Args:
            metrics: Values by path (`validation/mae`). Values that are not finite stand in the journal only.
            step: The epoch, or whatever the values are counted by.

        Raises:
            StorageError: The journal cannot be written.
            TrackingError: MLflow failed, and is required.
        """
        if not all(metrics):
            raise ValueError("A metric has no name. Names are paths such as validation/mae.")
        time = clock.time()
        self._journal.append(metrics, step=step, time=time)
        self._mirror.log_metrics(metrics, step=step, time=time)

    def log_params(self, params: Mapping[str, object]) -> None:
        """Mirror the settings worth comparing; each key once, a later value of the same key is passed over."""
        self._mirror.log_params(params)

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Mirror free labels of the run; a later value replaces the earlier one."""
        self._mirror.set_tags(tags)

    def log_image(self, png: bytes, *, key: str, step: int) -> None:
        """Add a picture to a series that the UI shows with a slider over its steps.

        The picture is kept in the run's folder too, as `images/<key>/<step>.png`.

        Args:
            png: The picture; square and legible at 256 pixels, the size of the thumbnail.
            key: The name of the series (`attention/all_heads`).
            step: The epoch.
        """
        path = self._inside(f"images/{key}/{step:05d}.png")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(png)
        except OSError as error:
            raise StorageError(
                f"{path} cannot be written: {error.strerror}. Free some space, or choose another run folder."
            ) from error
        self._mirror.log_image(png, key=key, step=step)

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
        self._mirror.log_file(path, name=name)

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
        self._mirror.log_dataset(name, digest, source, schema=schema, profile=profile)

    def describe(self, markdown: str) -> None:
        """Set the text at the top of the run's page.

        Args:
            markdown: The text; `{run_id}` stands for the run's MLflow id, so that
                `![](get-artifact?path=attention_map.png&run_uuid={run_id})` shows a logged picture.
        """
        self._mirror.describe(markdown)

    def set_score(self, value: float) -> None:
        """Set the validation score by which `run=best` chooses: lower is better."""
        self._rewrite(score=float(value))
        self._mirror.set_tags({"headway.score": repr(float(value))})

    def set_best(self, id_: str) -> None:
        """Set, for a sweep, the id of its best child."""
        self._rewrite(best=id_)
        self._mirror.set_tags({"headway.best": id_})

    def publish_view(self, targets: Sequence[str]) -> None:
        """Give the experiment a ready-made view: columns, sorting and charts for runs that forecast these targets."""
        self._mirror.publish_view(targets)

    def _rewrite(self, **changes: object) -> None:
        self._record = replace(self._record, **changes)  # type: ignore[arg-type]
        run_folder.write(self.folder, self._record)

    def _inside(self, name: str) -> Path:
        path = self.folder / name
        if (
            not name
            or Path(name).is_absolute()
            or ".." in Path(name).parts
            or not path.resolve().is_relative_to(self.folder.resolve())
        ):
            raise ValueError(
                f"{name!r} is no path inside the run folder: write it relative to the folder, without '..'."
            )
        return path

    def _finish(self, status: str) -> None:
        # In this order: killed in between, the next start finds a folder that says running, and looks after both.
        try:
            self._mirror.finish(status)
        finally:
            self._rewrite(status=status, ended=run_folder.now())

    def _close(self) -> None:
        self._journal.close()
        self._mirror.close()
