"""Runs whose process was killed before it could say so."""

import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from filelock import FileLock, Timeout

from headway import tracking
from headway.process import Process
from headway.tracking import folder as run_folder

STUCK = """
import os, signal, types
from headway import tracking
settings = types.SimpleNamespace(kind="off", uri="", experiment="", required=False, system_metrics=False)
with tracking.start(settings, name="a", comparable="x") as run:
    os.kill(os.getpid(), signal.SIGKILL)
"""
MARK = """
import sys, types
from headway import tracking
settings = types.SimpleNamespace(
    kind="mlflow" if sys.argv[1:] else "off", uri="sqlite:///mlflow.db", experiment="weather", required=True
)
print(*tracking.mark_dead(settings))
if sys.argv[1:]:
    tracking.find_finished(settings, "c0ffee")
sys.exit("mlflow" in sys.modules)
"""


def change(id_: str, **changes: object) -> None:
    path = Path("runs", id_, "run.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def kill(id_: str, **changes: object) -> None:
    """As if the run's process were gone, and its number another's."""
    change(id_, process=Process.own().as_dict() | {"started": 1.0}, **changes)


def status(id_: str) -> str:
    return str(json.loads(Path("runs", id_, "run.json").read_text())["status"])


def ended(settings: SimpleNamespace) -> str:
    with tracking.start(settings, name="a", comparable="x") as run:
        pass
    return run.id


def abandoned(settings: SimpleNamespace) -> str:
    id_ = ended(settings)
    kill(id_, status="running", ended=None)
    return id_


def test_a_run_whose_process_was_killed_is_marked(off, tmp_path: Path) -> None:
    assert subprocess.run([sys.executable, "-c", STUCK], cwd=tmp_path, check=False).returncode == -9
    (folder,) = (tmp_path / "runs").iterdir()
    assert status(folder.name) == "running"
    assert tracking.mark_dead(off) == [folder.name]
    assert status(folder.name) == "killed"
    assert json.loads((folder / "run.json").read_text())["ended"] is not None
    assert tracking.mark_dead(off) == []


def test_a_run_under_way_here_elsewhere_or_of_an_older_version_is_left_alone(off) -> None:
    with (
        tracking.start(off, name="here", comparable="x"),
        tracking.start(off, name="elsewhere", comparable="x") as elsewhere,
        tracking.start(off, name="older", comparable="x") as older,
    ):
        change(elsewhere.id, process={"host": "another-machine", "pid": 1, "started": 1.0})
        change(older.id, process=None)
        assert tracking.mark_dead(off) == []
        assert (status(elsewhere.id), status(older.id)) == ("running", "running")


def test_a_run_that_ended_keeps_its_status(off) -> None:
    with tracking.start(off, name="a", comparable="x") as run:
        pass
    kill(run.id)
    assert tracking.mark_dead(off) == []
    assert status(run.id) == "finished"


@pytest.mark.parametrize("known", [True, False])
def test_the_mlflow_run_is_killed_too_even_if_its_id_never_reached_the_folder(settings, client, known: bool) -> None:
    with tracking.start(settings(), name="a", comparable="x") as run:
        kill(run.id, **({} if known else {"mlflow_run_id": None, "store": None, "experiment": None}))
        assert tracking.mark_dead(settings()) == [run.id]
        stored = client.get_run(run.mlflow_run_id)
        assert stored.info.status == "KILLED"
        assert stored.info.end_time is not None


def test_an_mlflow_run_that_is_alive_that_ended_or_that_lies_in_another_experiment_keeps_its_status(
    settings, client
) -> None:
    with tracking.start(settings(), name="ended", comparable="x") as ended:
        pass
    with (
        tracking.start(settings(experiment="other"), name="other", comparable="x") as other,
        tracking.start(settings(), name="alive", comparable="x") as alive,
    ):
        kill(ended.id, status="running")
        kill(other.id)
        assert tracking.mark_dead(settings()) == [ended.id, other.id]
        found = [client.get_run(run.mlflow_run_id).info.status for run in (ended, other, alive)]
    assert found == ["FINISHED", "RUNNING", "RUNNING"]


@pytest.mark.parametrize("required", [True, False])
def test_a_dead_server_keeps_no_folder_from_being_marked(bare, dead: str, required: bool) -> None:
    id_ = abandoned(bare(kind="off"))
    assert tracking.mark_dead(bare(uri=dead, required=required)) == [id_]
    assert status(id_) == "killed"


def test_without_a_dead_run_and_without_a_store_mlflow_is_not_loaded(off, tmp_path: Path) -> None:
    with tracking.start(off, name="a", comparable="x"):
        asked = subprocess.run([sys.executable, "-c", MARK, "mlflow"], cwd=tmp_path, capture_output=True, text=True)
    assert (asked.returncode, asked.stdout, asked.stderr) == (0, "\n", "")
    assert not (tmp_path / "mlflow.db").exists()


def test_several_processes_mark_each_run_once(off, tmp_path: Path) -> None:
    dead = [ended(off) for _ in range(11)]
    for id_ in dead:  # not before: each start marks those that are dead by then
        kill(id_, status="running", ended=None)
    command = [sys.executable, "-c", MARK]
    processes = [subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    marked = [id_ for process in processes for id_ in process.communicate()[0].split()]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert sorted(marked) == sorted(dead)


def test_a_run_that_another_process_took_over_meanwhile_is_left_alone(off) -> None:
    id_ = abandoned(off)
    marked: list[str] = []
    thread = threading.Thread(target=lambda: marked.extend(tracking.mark_dead(off)))
    with FileLock("runs/.headway.lock"):
        thread.start()
        time.sleep(0.5)  # long enough to have found the run dead and to wait for the lock
        change(id_, process=Process.own().as_dict())
    thread.join()
    assert (marked, status(id_)) == ([], "running")


def test_whose_a_run_is_is_decided_by_one_process_at_a_time(tmp_path: Path) -> None:
    with run_folder.locked(tmp_path), pytest.raises(Timeout), FileLock(tmp_path / ".headway.lock", timeout=0):
        pass
    with FileLock(tmp_path / ".headway.lock", timeout=0) as free:
        assert free.is_locked
