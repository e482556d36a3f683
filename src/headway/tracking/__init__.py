"""Tracking: the only place that knows MLflow. A run's own folder is the truth, MLflow is its mirror.

    with tracking.start(settings, name="weather", comparable="nyc_weather/6/6") as run:
        run.log_metrics({"validation/mae": 2.1}, step=1)

    with tracking.reopen(settings, "best") as run:
        config = run.folder / "config.yaml"

Importing this package imports no mlflow: that takes five seconds, and happens when the first mirrored run is opened.
"""

from headway.tracking.find import reopen
from headway.tracking.journal import read_journal
from headway.tracking.provenance import provenance
from headway.tracking.run import Run, start

__all__ = ["Run", "provenance", "read_journal", "reopen", "start"]
