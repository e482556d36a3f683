"""The tracking group: where runs are logged."""

from typing import Literal

from headway.config.spec import Name, Spec


class TrackingSpec(Spec):
    """Where runs are logged.

    Attributes:
        kind: "mlflow" mirrors every run to MLflow; "off" keeps the run's own folder alone.
        uri: Where MLflow keeps runs: sqlite:///file.db, postgresql://..., http(s)://...
        experiment: The experiment's name there.
        required: End with exit code 7 where tracking fails, instead of going on without it.
        system_metrics: Sample processor and memory while the run is open.
    """

    kind: Literal["mlflow", "off"]
    uri: Name
    experiment: Name
    required: bool
    system_metrics: bool
