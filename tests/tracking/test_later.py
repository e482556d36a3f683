"""A run that begins before MLflow is loaded."""

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import faulty
import pytest

from headway import tracking
from headway.errors import TrackingError


def followers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "tracking"]


def test_mlflow_is_loaded_after_the_block_has_begun(tmp_path: Path) -> None:
    code = (
        "import sys, types; from headway import tracking\n"
        "s = types.SimpleNamespace(kind='mlflow', uri='sqlite:///mlflow.db', experiment='weather', required=False,"
        " system_metrics=False)\n"
        "with tracking.start(s, name='a', comparable='x', later=True) as run:\n"
        "    run.log_metrics({'train/loss': 1.0}, step=1)\n"
        "    print('mlflow' in sys.modules, run.mlflow_run_id)\n"
        "print('mlflow' in sys.modules)\n"
    )
    said = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert said.split() == ["False", "None", "True"]


def test_a_mirror_that_was_put_off_has_everything_at_the_end(settings, client) -> None:
    with tracking.start(settings(), name="a", comparable="x", tags={"who": "me"}, later=True) as run:
        run.log_params({"heads": 3})
        run.log_metrics({"validation/mae": 2.0}, step=1)
        assert not followers()
    stored = client.get_run(json.loads((run.folder / "run.json").read_text())["mlflow_run_id"])
    assert stored.info.status == "FINISHED"
    assert (stored.data.metrics, stored.data.params) == ({"validation/mae": 2.0}, {"heads": "3"})
    assert stored.data.tags["who"] == "me"


def test_who_asks_for_the_link_waits_for_it(settings) -> None:
    with tracking.start(settings(), name="a", comparable="x", later=True) as run:
        assert run.mlflow_run_id is None
        link = str(run.link)
        assert link.endswith(f"/runs/{run.mlflow_run_id}?workflowType=machine_learning")


def test_beginning_twice_follows_once(settings, client) -> None:
    with tracking.start(settings(), name="a", comparable="x", later=True) as run:
        run.begin_mirror()
        run.begin_mirror()
        assert len(followers()) == 1
        run.log_metrics({"train/loss": 1.0}, step=1)
    assert len(client.get_metric_history(run.mlflow_run_id, "train/loss")) == 1
    assert len(client.search_runs([client.get_experiment_by_name("weather").experiment_id])) == 1


def test_a_training_that_goes_on_may_put_it_off_too(settings, client) -> None:
    with pytest.raises(KeyboardInterrupt), tracking.start(settings(), name="a", comparable="x", digest="c0") as before:
        raise KeyboardInterrupt
    with tracking.resume(settings(), before.id, digest="c0", later=True) as run:
        assert not followers()
        assert client.get_run(before.mlflow_run_id).info.status == "KILLED"
        assert str(run.link).endswith(f"{before.mlflow_run_id}?workflowType=machine_learning")
        assert client.get_run(before.mlflow_run_id).info.status == "RUNNING"


def test_a_store_that_is_required_is_opened_first_all_the_same(bare, dead: str) -> None:
    with (
        pytest.raises(TrackingError, match=r"tracking\.required=false"),
        tracking.start(bare(uri=dead, required=True), name="a", comparable="x", later=True),
    ):
        pytest.fail("trained for a store that does not answer")


def test_a_server_that_never_answers_costs_ten_seconds_whoever_asks_for_the_link(bare, caplog) -> None:
    server = faulty.Faulty()
    server.mode = "hang"
    started = time.monotonic()
    with tracking.start(bare(uri=server.uri), name="a", comparable="x", later=True) as run:
        assert time.monotonic() - started < 3
        assert (run.link, run.link) == (None, None)
        run.log_metrics({"validation/mae": 2.0}, step=1)
    assert time.monotonic() - started < 10 + 3
    server.over.set()
    assert f"python -m headway.tracking sync {run.id}" in caplog.text
    assert run.record.status == "finished"
    server.stop()
