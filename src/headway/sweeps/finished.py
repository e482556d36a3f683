"""Runs that stand for a trial: finished ones of the same configuration, data and code."""

import logging
from dataclasses import dataclass
from pathlib import Path

from headway import tracking
from headway.config.dataset import DatasetSpec
from headway.config.tracking import TrackingSpec
from headway.config.train import TrainConfig
from headway.data import sources
from headway.errors import StoredRunError, TrackingError
from headway.identity import digest_of
from headway.stored import Result
from headway.sweeps.child import METRIC_OF

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Finished:
    """What a run found.

    Attributes:
        run, mlflow_run: Its ids.
        result: What its training ended with.
    """

    run: str
    mlflow_run: str | None
    result: Result


class FinishedRuns:
    """Looks for runs that need not be trained again; reads every data set once.

    Args:
        settings: Where runs are tracked.
        project: Folder in which shipped data are found.
    """

    def __init__(self, settings: TrackingSpec, *, project: Path) -> None:
        self._settings, self._project = settings, project
        self._fingerprints: dict[str, str] = {}

    def like(self, config: TrainConfig) -> Finished | None:
        """A finished run of this configuration, or None.

        Raises:
            DataError: The data cannot be read.
        """
        found = tracking.find_finished(self._settings, digest_of(config, self._fingerprint(config.dataset)))
        if found is None:
            return None
        try:
            with tracking.reopen(self._settings, found.id) as run:
                result = Result.read(run.folder)
        except (StoredRunError, TrackingError) as error:
            log.debug("Run %s cannot stand for a trial: %s", found.id, error)
            return None
        complete = all(name in result.metrics for name in METRIC_OF.values())
        return Finished(found.id, found.mlflow_run_id, result) if complete else None

    def _fingerprint(self, spec: DatasetSpec) -> str:
        key = spec.model_dump_json()
        if key not in self._fingerprints:
            self._fingerprints[key] = sources.read(spec, project=self._project).fingerprint()
        return self._fingerprints[key]
