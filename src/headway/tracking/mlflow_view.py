"""Puts the shipped view into an experiment, made for what its runs have logged."""

import logging
import re
from collections.abc import Iterable, Sequence

from headway.tracking import folder as run_folder
from headway.tracking import view
from headway.tracking.mlflow_client import MlflowClient, StoredMlflowRun
from headway.tracking.mlflow_names import metric_name

log = logging.getLogger(__name__)

_RECENT_RUNS = 20
_DRAWN_RUNS = 10
_SWEEPS = f"tags.`headway.kind` = '{run_folder.SWEEP}'"
_ENTROPY = "attention/entropy_l"
_IMAGES = "mlflow.loggedImages"
"""The tag that MLflow gives to a run with an image series."""


def publish(client: MlflowClient, experiment_id: str, run_id: str, targets: Sequence[str]) -> str | None:
    """Store the view, unless the same one is there already.

    The format of a view is undocumented, so that no failure of it may count: each ends here, as a line at debug level.

    Args:
        client: A client of the store.
        experiment_id: The experiment.
        run_id: The run whose pictures decide where the slider starts.
        targets: The columns that the runs forecast.

    Returns:
        The view's name in links, or None if it could not be stored.
    """
    try:
        # Of several runs, because the one at hand may not have been evaluated, and the view would lose its columns again.
        recent = client.search_runs([experiment_id], max_results=_RECENT_RUNS, order_by=["attributes.start_time DESC"])
        # Asked for by themselves, because the children of one sweep are enough to push it out of the most recent.
        sweeps = client.search_runs(
            [experiment_id], _SWEEPS, max_results=_RECENT_RUNS, order_by=["attributes.start_time DESC"]
        )
        metrics = {name for run in (*recent, client.get_run(run_id)) for name in run.data.metrics}
        tag, value = view.tag(
            targets,
            rivals=_strongest_first(recent, targets, _endings(metrics, targets, "skill_")),
            horizon=max((int(hour) for hour in _endings(metrics, targets, "mae_h") if hour.isdigit()), default=0),
            image_step=_shared_step(
                client, run_id, [run.info.run_id for run in recent if _IMAGES in run.data.tags][:_DRAWN_RUNS]
            ),
            layers=sum(name.startswith(_ENTROPY) for name in metrics),
            expanded=[run.info.run_id for run in sweeps],
        )
        if client.get_experiment(experiment_id).tags.get(tag) != value:
            client.set_experiment_tag(experiment_id, tag, value)
    except Exception as error:
        log.debug("The view of the experiment could not be stored: %s", error)
        return None
    return view.key(targets)


def _endings(metrics: Iterable[str], targets: Sequence[str], start: str) -> list[str]:
    beginnings = tuple(metric_name(f"test/{target}/{start}") for target in targets)
    return sorted(
        {name.removeprefix(beginning) for name in metrics for beginning in beginnings if name.startswith(beginning)}
    )


def _strongest_first(runs: Iterable[StoredMlflowRun], targets: Sequence[str], rivals: Sequence[str]) -> list[str]:
    """Rivals in the order of the lowest skill that a run has against them: the table has columns for a few."""

    def lowest(rival: str) -> float:
        names = {metric_name(f"test/{target}/skill_{rival}") for target in targets}
        return min((value for run in runs for name, value in run.data.metrics.items() if name in names), default=1.0)

    return sorted(rivals, key=lambda rival: (lowest(rival), rival))


def _shared_step(client: MlflowClient, own: str, others: Sequence[str]) -> int:
    # The card shows the pictures of all runs at one step, and nothing for a run that has none there: the last step that all of them have.
    steps = _steps(client, own)
    for other in others:
        steps = (steps & _steps(client, other)) or steps
    return max(steps, default=0)


def _steps(client: MlflowClient, run_id: str) -> set[int]:
    # MLflow writes an image series as files named <key>+step+<step>+timestamp+..., with % for + in older ones.
    found = (re.search(r"[+%]step[+%](\d+)[+%]", file.path) for file in client.list_artifacts(run_id, "images"))
    return {int(match.group(1)) for match in found if match}
