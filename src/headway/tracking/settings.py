"""What tracking needs to know, as far as this package is concerned."""

from typing import Protocol


class TrackingSettings(Protocol):
    """The attributes of a tracking configuration that this package reads.

    A protocol rather than the configuration's own class, so that tracking depends on five plain values and on nothing else.

    Attributes:
        kind: `mlflow`, or `off` for the local run folder alone.
        uri: Where MLflow stores: `sqlite:///file.db`, `postgresql://...` or `http(s)://...`.
        experiment: The MLflow experiment that the runs belong to.
        required: True makes a failing MLflow an error instead of one warning.
        system_metrics: True samples processor, memory, network and graphics card during the run.
    """

    @property
    def kind(self) -> str: ...
    @property
    def uri(self) -> str: ...
    @property
    def experiment(self) -> str: ...
    @property
    def required(self) -> bool: ...
    @property
    def system_metrics(self) -> bool: ...
