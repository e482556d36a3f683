"""The view of an experiment that Headway ships: MLflow's run list shows no metric and no parameter until it is told to.

A view is an experiment tag that the UI's own Share button would write. The format is undocumented; it was read from MLflow 3.17, where
the state has the keys below, and a UI that does not understand them falls back to its empty list.
"""

import base64
import binascii
import hashlib
import json
import zlib
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from headway.tracking.mlflow_names import metric_name

PREFIX = "mlflow.sharedViewState."
_HEADER = "deflate;"
_LONGEST_TAG = 20_000
_MOST_TARGETS = 4
"""Targets with columns and charts of their own; a table of twenty is no overview."""

_MOST_RIVALS = 4

_MOST_COMPARED = 100
"""Runs in a comparison; each adds 37 characters to the address, and the page draws a line for each."""

_PARAMS = (
    "heads",
    "d_model",
    "layers",
    "context_length",
    "horizon",
    "learning_rate",
    "batch_size",
    "precision",
    "seed",
)
_TRAINING = (("train/loss", "validation/loss"), ("train/mae", "validation/mae"), ("train/learning_rate",))
_TRUST = ("attention/rho", "attention/contrast", "attention/trusted")
"""Whether the maps may be read as importance: rank agreement, contrast shown, and the verdict as 1 or 0."""

_SYSTEM = ("system/cpu_utilization_percentage", "system/process_memory_megabytes")
_SECTIONS = {
    "Skill": {"columns": 2},
    "Training": {"columns": 3},
    "Attention": {"columns": 1, "cardHeight": 480},
    "System": {"columns": 3, "cardHeight": 280},
}
_WIDE, _NARROW = 210, 100
"""Widths of a metric's and a parameter's column, in pixels."""


def key(targets: Sequence[str]) -> str:
    """The view's name in links: the same for runs that forecast the same targets."""
    return "headway-" + hashlib.sha256("\n".join(targets).encode()).hexdigest()[:8]


def link(server: str, experiment_id: str, view_key: str | None) -> str:
    """The address of an experiment's charts, through a view if there is one."""
    query = "compareRunsMode=CHART&workflowType=machine_learning"
    if view_key is not None:
        query = f"viewStateShareKey={view_key}&{query}"
    return f"{server}/#/experiments/{experiment_id}/runs?{query}"


def compare_link(server: str, experiment_id: str, run_ids: Sequence[str]) -> str:
    """The address of MLflow's comparison of runs, the first hundred of them."""
    runs = quote(json.dumps(list(run_ids[:_MOST_COMPARED]), separators=(",", ":")), safe="")
    experiments = quote(json.dumps([experiment_id]), safe="")
    return f"{server}/#/compare-runs?runs={runs}&experiments={experiments}&workflowType=machine_learning"


def tag(
    targets: Sequence[str],
    *,
    rivals: Sequence[str] = (),
    horizon: int = 0,
    image_step: int = 0,
    layers: int = 0,
    expanded: Sequence[str] = (),
) -> tuple[str, str]:
    """The experiment tag of a view.

    Args:
        targets: The columns that the runs forecast.
        rivals: The rivals whose skill was logged.
        horizon: The number of hours, days, ... with an error of their own.
        image_step: The epoch at which the slider of the attention maps starts.
        layers: The number of layers whose attention has an entropy by epoch.
        expanded: The MLflow ids of sweeps whose children are shown below them. The UI nests runs only where they are sorted by the
            time of their start; sorted by a score, sweeps and children stand side by side.

    Returns:
        Key and value of the tag.

    Raises:
        ValueError: The view does not fit into a tag.
    """
    state = _state(targets[:_MOST_TARGETS], rivals=rivals, horizon=horizon, image_step=image_step, layers=layers)
    # Sorted, so that the same sweeps are the same text.
    state["runsExpanded"] = dict.fromkeys(sorted(expanded), True)
    packed = base64.b64encode(zlib.compress(json.dumps(state).encode(), level=9)).decode()
    # The times are constants, so that the same view is the same text and is written once.
    value = json.dumps(
        {
            "name": "Headway: " + ", ".join(targets[:_MOST_TARGETS]),
            "createdAt": 0,
            "updatedAt": 0,
            "state": _HEADER + packed,
        }
    )
    if len(value) > _LONGEST_TAG:
        raise ValueError(f"A view of {len(value)} characters does not fit into a tag of {_LONGEST_TAG}.")
    return PREFIX + key(targets), value


def decode(value: str) -> dict[str, Any]:
    """The state in a view's tag, for tests and for the curious.

    Raises:
        ValueError: The tag holds no view.
    """
    try:
        packed: str = json.loads(value)["state"]
        state: dict[str, Any] = json.loads(
            zlib.decompress(base64.b64decode(packed.removeprefix(_HEADER), validate=True))
        )
    except (ValueError, KeyError, TypeError, AttributeError, zlib.error, binascii.Error) as error:
        raise ValueError(f"This is no saved view: {error}") from error
    return state


def _state(
    targets: Sequence[str], *, rivals: Sequence[str], horizon: int, image_step: int, layers: int
) -> dict[str, Any]:
    scores = [metric_name(f"test/{target}/mae") for target in targets]
    skills = [[metric_name(f"test/{target}/skill_{rival}") for rival in rivals] for target in targets]
    by_horizon = [[metric_name(f"test/{target}/mae_h{hour}") for hour in range(1, horizon + 1)] for target in targets]
    cards = _Cards()
    for score, skill, hours in zip(scores, skills, by_horizon, strict=True):
        cards.bar("Skill", [score])
        cards.bar("Skill", skill)
        cards.bar("Skill", hours)
    cards.bar("Skill", ["validation/best_error"])
    for pair in _TRAINING:
        cards.line("Training", pair)
    cards.image("Attention", "attention/all_heads", step=image_step)
    cards.bar("Attention", list(_TRUST))
    cards.line("Attention", [f"attention/entropy_l{layer}" for layer in range(1, layers + 1)])
    for name in _SYSTEM:
        cards.line("System", (name,), by_time=True)
    metrics = ["validation/best_error", *scores, *(name for skill in skills for name in skill[:_MOST_RIVALS])]
    metrics.append("attention/trusted")
    columns = [f"metrics.`{name}`" for name in metrics] + [f"params.`{name}`" for name in _PARAMS]
    return {
        "searchFilter": "",
        "orderByKey": "metrics.`validation/best_error`",
        "orderByAsc": True,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "modelVersionFilter": "All Runs",
        "datasetsFilter": [],
        "selectedColumns": ["attributes.`Duration`", *columns],
        "columnOrder": ["duration", *columns],
        "columnWidths": {column: _WIDE if column.startswith("metrics.") else _NARROW for column in columns},
        "runsExpanded": {},
        "runsPinned": [],
        "runsHidden": [],
        "runsVisibilityMap": {},
        "runsHiddenMode": "FIRST_10_RUNS",
        "compareRunCharts": cards.charts,
        "compareRunSections": _sections(targets),
        "viewMaximized": False,
        "runListHidden": False,
        # Without this the UI sorts the sections by name.
        "isAccordionReordered": True,
        "useGroupedValuesInCharts": True,
        "hideEmptyCharts": True,
        "groupBy": None,
        "groupsExpanded": {},
        "autoRefreshEnabled": True,
        "globalLineChartConfig": {"xAxisKey": "step", "lineSmoothness": 0, "selectedXAxisMetricKey": ""},
    }


class _Cards:
    """Collects the charts of the view; the UI titles each by its metrics."""

    def __init__(self) -> None:
        self.charts: list[dict[str, Any]] = []

    def bar(self, section: str, metrics: Sequence[str]) -> None:
        if metrics:
            self._add(
                "BAR",
                section,
                metrics,
                metricKey=metrics[0],
                dataAccessKey=metrics[0],
                selectedMetricKeys=list(metrics),
            )

    def line(self, section: str, metrics: Sequence[str], *, by_time: bool = False) -> None:
        if not metrics:
            return
        self._add(
            "LINE",
            section,
            metrics,
            metricKey=metrics[0],
            selectedMetricKeys=list(metrics),
            lineSmoothness=0,
            xAxisScaleType="linear",
            scaleType="linear",
            range={},
            xAxisKey="time-relative" if by_time else "step",
            selectedXAxisMetricKey="",
            yAxisKey="metric",
            yAxisExpressions=[],
            ignoreOutliers=False,
            useGlobalXaxisKey=not by_time,
            useGlobalLineSmoothing=True,
        )

    def image(self, section: str, image: str, *, step: int) -> None:
        # Without parameters: the card prints every one of them above the picture.
        self._add("IMAGE", section, [image], imageKeys=[image], step=step, showRunParams=False)

    def _add(self, kind: str, section: str, names: Sequence[str], **settings: object) -> None:
        chart = {
            "uuid": _uuid(section + "\n".join(names)),
            "type": kind,
            "runsCountToCompare": 10,
            "metricSectionId": _uuid(section),
            "deleted": False,
            "isGenerated": False,
        }
        self.charts.append(chart | settings)


def _sections(targets: Sequence[str]) -> list[dict[str, Any]]:
    # The UI adds a chart for every metric that has none of its own, in a section named after its path: those stay closed, below ours.
    generated = [
        *(metric_name(f"test/{target}") for target in targets),
        "test",
        "attention",
        "evaluation",
        "explanation",
        "train",
        "validation",
        "Model metrics",
        "System metrics",
    ]
    ours = [
        {
            "uuid": _uuid(name),
            "name": name,
            "display": True,
            "isReordered": True,
            "deleted": False,
            "isGenerated": False,
            **layout,
        }
        for name, layout in _SECTIONS.items()
    ]
    return ours + [
        {
            "uuid": _uuid(name),
            "name": name,
            "display": False,
            "isReordered": True,
            "deleted": False,
            "isGenerated": True,
        }
        for name in generated
    ]


def _uuid(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
