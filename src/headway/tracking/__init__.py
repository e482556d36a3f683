"""Tracking: the only place that knows MLflow. A run's own folder is the truth, MLflow is its mirror.

    with tracking.start(settings, name="weather", comparable="nyc_weather/6/6") as run:
        run.log_metrics({"validation/mae": 2.1}, step=1)

    with tracking.reopen(settings, "best") as run:
        config = run.folder / "config.yaml"

A training that was cut off goes on in its folder, journal and MLflow run:

    if (found := tracking.find_unfinished(settings, digest)) is not None:
        with tracking.resume(settings, found.id, digest=digest) as run:
            run.log_metrics({"validation/mae": 2.1}, step=1)

A sweep's runs know their parent, and a sweep that was cut off is gone on with:

    with tracking.rejoin(settings, id, name="weather") as sweep:
        with tracking.start(settings, name="heads=2", comparable="", parent=Parent(sweep.id, sweep.mlflow_run_id)) as child:
            child.set_score(2.1)

Importing this package imports no mlflow: that takes five seconds, and happens when the first mirrored run is opened.
"""

from headway.tracking.dead import mark_dead
from headway.tracking.find import reopen
from headway.tracking.finished import find_finished
from headway.tracking.folder import RunRecord
from headway.tracking.journal import read_journal
from headway.tracking.lifecycle import Parent, rejoin, resume, start
from headway.tracking.provenance import environment, provenance
from headway.tracking.run import Run
from headway.tracking.unfinished import find_unfinished

__all__ = [
    "Parent",
    "Run",
    "RunRecord",
    "environment",
    "find_finished",
    "find_unfinished",
    "mark_dead",
    "provenance",
    "read_journal",
    "rejoin",
    "reopen",
    "resume",
    "start",
]
