"""Many processes that track at once: the children of a sweep."""

import subprocess
import sys
from pathlib import Path

import pytest

from headway import tracking
from headway.tracking import folder as run_folder
from headway.tracking.mlflow_client import MlflowClient

PROCESSES = 8
PARENT = "2026-01-31_12-00-00_0a1b2c"
CHILD = f"""
import types
from headway import tracking
settings = types.SimpleNamespace(
    kind="mlflow", uri="sqlite:///fresh.db", experiment="weather", required=True, system_metrics=False
)
parent = tracking.Parent("{PARENT}", "0123456789abcdef")
with tracking.start(settings, name="a", comparable="x", parent=parent, digest="c0ffee") as run:
    for step in (1, 2, 3):
        run.log_metrics({{"validation/mae": 5.0 / step}}, step=step)
print(run.mlflow_run_id)
"""


def check_one_round(folder: Path) -> None:
    command = [sys.executable, "-c", CHILD]
    children = [subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) for _ in range(PROCESSES)]
    printed = {child.communicate()[0].strip() for child in children}
    assert [child.returncode for child in children] == [0] * PROCESSES
    client = MlflowClient(tracking_uri=f"sqlite:///{folder}/fresh.db")
    assert [each.name for each in client.search_experiments()] == ["weather", "Default"]
    assert client.search_runs(["0"]) == []
    runs = client.search_runs([client.get_experiment_by_name("weather").experiment_id])
    assert {run.info.run_id for run in runs} == printed
    assert [run.info.status for run in runs] == ["FINISHED"] * PROCESSES
    for run in runs:
        history = client.get_metric_history(run.info.run_id, "validation/mae")
        assert sorted((point.step, point.value) for point in history) == [(1, 5.0), (2, 2.5), (3, 5.0 / 3)]
        assert run.data.tags["headway.sweep"] == PARENT
    records = run_folder.records(folder / "runs")
    assert {record.mlflow_run_id for record in records.values()} == printed
    assert {run.data.tags["headway.id"] for run in runs} == set(records)
    assert {(record.status, record.parent, record.digest) for record in records.values()} == {
        ("finished", PARENT, "c0ffee")
    }
    assert [len(tracking.read_journal(folder / "runs" / id_)) for id_ in records] == [3] * PROCESSES


def test_eight_processes_on_a_fresh_store_lose_no_run_and_share_one_experiment(tmp_path: Path) -> None:
    check_one_round(tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_eight_processes_on_a_fresh_store_lose_no_run_in_twenty_rounds(tmp_path: Path) -> None:
    for number in range(20):
        folder = tmp_path / str(number)
        folder.mkdir()
        check_one_round(folder)
