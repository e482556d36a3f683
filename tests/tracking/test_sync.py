"""Sending later what a store lacks: exactly that, once."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from headway import tracking
from headway.errors import ConfigError, StoredRunError, TrackingError
from headway.process import Process
from headway.tracking.__main__ import main
from headway.tracking.sync import sync


def train(settings: SimpleNamespace, name: str = "a", **words: Any) -> tracking.Run:
    with tracking.start(settings, name=name, comparable="x", **words) as run:
        run.log_metrics({"train/loss": 0.5, "validation/mae": 2.0}, step=1)
        run.log_metrics({"train/loss": 0.25}, step=2)
        run.log_params({"heads": 2})
        (run.folder / "config.yaml").write_text("a: 1")
        run.log_file("config.yaml")
    return run


def change(run: tracking.Run, **changes: object) -> None:
    path = run.folder / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_of_a_complete_run_nothing_is_sent(settings) -> None:
    run = train(settings())
    assert list(sync()) == [f"{run.id} (a): nothing was missing"]


def test_what_is_noted_nowhere_is_asked_of_the_store_and_not_sent_twice(
    settings, client, picture: bytes, assert_complete
) -> None:
    run = train(settings())
    with tracking.reopen(settings(), run.id) as again:
        again.log_image(picture, key="attention/all_heads", step=7)
    (run.folder / "mirrored.json").unlink()
    assert list(sync()) == [f"{run.id} (a): nothing was missing"]
    with tracking.reopen(settings(), run.id) as again:
        again.log_metrics({"test/mae": 1.0})
    (run.folder / "mirrored.json").unlink()
    with tracking.reopen(settings(), run.id) as again:
        again.log_metrics({"test/mae": 1.0})
    assert len(client.get_metric_history(run.mlflow_run_id, "test/mae")) == 2
    assert_complete(client, run.folder, "weather")


def test_exactly_what_the_store_lacks_is_sent(settings, client, tmp_path: Path, assert_complete) -> None:
    run = train(settings())
    from headway.tracking.journal import Journal

    Journal(run.folder).append({"train/loss": 0.125, "validation/mae": float("nan")}, step=3, time=1.5)
    client.delete_tag(run.mlflow_run_id, "headway.comparable")
    client.update_run(run.mlflow_run_id, status="RUNNING")
    artifact = next(tmp_path.glob("mlartifacts/*/artifacts/config.yaml"))
    artifact.write_text("a")
    assert list(sync()) == [f"{run.id} (a): sent 1 metric, 1 tag, 1 file, 1 status"]
    assert artifact.read_text() == "a: 1"
    assert_complete(client, run.folder, "weather")


def test_a_file_that_changed_after_it_was_sent_is_sent_again_although_its_size_is_the_same(
    settings, tmp_path: Path
) -> None:
    run = train(settings())
    with tracking.reopen(settings(kind="off"), run.id) as again:
        (run.folder / "config.yaml").write_text("a: 2")
        again.log_file("config.yaml")
    assert list(sync()) == [f"{run.id} (a): sent 1 file"]
    assert next(tmp_path.glob("mlartifacts/*/artifacts/config.yaml")).read_text() == "a: 2"
    assert next(iter(sync())).endswith("nothing was missing")


def test_a_run_whose_database_is_gone_is_made_again_with_its_times_and_labels(
    settings, migrated: Path, client, tmp_path: Path, assert_complete
) -> None:
    run = train(settings(), digest="c0ffee", tags={"mine": "1"})
    shutil.copy(migrated, tmp_path / "mlflow.db")
    (said,) = sync()
    assert "created in experiment 'weather'" in said
    assert_complete(client, run.folder, "weather")
    ((stored,),) = [client.search_runs([client.get_experiment_by_name("weather").experiment_id])]
    assert stored.data.tags.items() >= {"headway.digest": "c0ffee", "mine": "1", "headway.id": run.id}.items()
    from datetime import datetime

    for moment, milliseconds in (
        (run.record.started, stored.info.start_time),
        (run.record.ended, stored.info.end_time),
    ):
        assert milliseconds == int(datetime.fromisoformat(str(moment)).timestamp() * 1000)
    assert next(iter(sync())).endswith("nothing was missing")


def test_children_are_made_below_the_sweep_that_was_made_later(settings, migrated: Path, client, tmp_path) -> None:
    sweep = train(settings(), "sweep", tags={"headway.kind": "sweep"})
    child = train(settings(), "child", parent=tracking.Parent(sweep.id, None))
    shutil.copy(migrated, tmp_path / "mlflow.db")
    assert len(list(sync())) == 2
    runs = client.search_runs([client.get_experiment_by_name("weather").experiment_id])
    ids = {run.data.tags["headway.id"]: run for run in runs}
    assert ids[child.id].data.tags["mlflow.parentRunId"] == ids[sweep.id].info.run_id


def test_a_pruned_run_is_made_again_as_pruned(settings, migrated: Path, client, tmp_path: Path) -> None:
    from headway.errors import Pruned

    with pytest.raises(Pruned), tracking.start(settings(), name="a", comparable="x"):
        raise Pruned("worse than the others")
    shutil.copy(migrated, tmp_path / "mlflow.db")
    assert len(list(sync())) == 1
    (run,) = client.search_runs([client.get_experiment_by_name("weather").experiment_id])
    assert (run.info.status, run.data.tags["headway.status"]) == ("KILLED", "pruned")
    assert next(iter(sync())).endswith("nothing was missing")


def test_a_run_that_was_tracked_off_is_sent_only_if_it_is_named(settings, off, client, assert_complete) -> None:
    run = train(off)
    assert list(sync()) == []
    (said,) = sync([run.id])
    assert "created in experiment 'headway'" in said
    assert_complete(client, run.folder, "headway")


def test_a_run_that_was_deleted_in_the_store_stays_deleted(settings, client) -> None:
    run = train(settings())
    client.delete_run(run.mlflow_run_id)
    (said,) = sync()
    assert "deleted in experiment 'weather'" in said
    assert client.search_runs(["1"]) == []


def test_a_run_under_way_is_left_to_its_own_process(settings) -> None:
    with tracking.start(settings(), name="a", comparable="x"):
        (said,) = sync()
    assert "under way in process" in said


def test_a_killed_run_is_marked_and_ended_in_the_store(settings, client, assert_complete) -> None:
    run = train(settings())
    client.update_run(run.mlflow_run_id, status="RUNNING")
    change(run, status="running", ended=None, process=Process.own().as_dict() | {"started": 1.0})
    assert list(sync()) == [f"{run.id} (a): sent 1 status"]
    assert client.get_run(run.mlflow_run_id).info.status == "KILLED"


def test_runs_meant_for_another_store_or_experiment_are_left_unless_named(settings, tmp_path: Path) -> None:
    run = train(settings())
    assert list(sync(store=f"sqlite:///{tmp_path}/other.db")) == []
    assert list(sync(experiment="other")) == []
    (said,) = sync(["a"], store=f"sqlite:///{tmp_path}/other.db", experiment="other")
    assert "created in experiment 'other'" in said
    assert json.loads((run.folder / "run.json").read_text())["store"] == f"sqlite:///{tmp_path}/other.db"


def test_a_run_of_a_version_without_the_list_is_complete_with_its_metrics(settings, client) -> None:
    run = train(settings())
    for name in ("mirror.jsonl", "mirrored.json"):
        (run.folder / name).unlink()
    assert list(sync()) == [f"{run.id} (a): nothing was missing"]


def test_what_a_run_folder_says_makes_no_database_elsewhere_and_sends_no_file_from_outside(
    settings, client, tmp_path: Path, picture: bytes
) -> None:
    run = train(settings())
    elsewhere = tmp_path / "elsewhere.db"
    change(run, store=f"sqlite:///{elsewhere}")
    with pytest.raises(TrackingError, match="is not there: bring it back, or name another with --uri"):
        list(sync())
    assert not elsewhere.exists()
    change(run, store=f"sqlite:///{tmp_path}/mlflow.db")
    (tmp_path / "secret.yaml").write_text("s")
    (tmp_path / "00001.png").write_bytes(picture)
    (run.folder / "link.yaml").symlink_to(tmp_path / "secret.yaml")
    names = ["../../secret.yaml", str(tmp_path / "secret.yaml"), "link.yaml", "."]
    posted = [{"kind": "files", "time": 1.0, "name": name} for name in names]
    posted += [{"kind": "image", "time": 1.0, "key": "../../..", "step": 1}, {"kind": "files"}, {"kind": "unknown"}]
    with (run.folder / "mirror.jsonl").open("a") as file:
        file.writelines(json.dumps(line) + "\n" for line in posted)
    list(sync())
    sent = {path.name for path in (tmp_path / "mlartifacts").rglob("*") if path.is_file()}
    assert "run.json" in sent
    assert not sent & {"secret.yaml", "link.yaml", "00001.png"}
    assert not any("+step+" in name for name in sent)


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["nowhere"], StoredRunError),
        (["../runs"], StoredRunError),
        (["--uri", "./mlruns"], ConfigError),
        (["--uri", "mysql://anna:secret@host/db"], ConfigError),
    ],
)
def test_wrong_words_have_their_exit_code_and_one_line(
    settings, capsys: pytest.CaptureFixture[str], words: list[str], error: type[Exception]
) -> None:
    train(settings())
    code = subprocess.run([sys.executable, "-m", "headway.tracking", "sync", *words], capture_output=True, text=True)
    assert code.returncode == error.exit_code
    assert len((code.stdout + code.stderr).strip().splitlines()) == 1
    assert "secret" not in code.stdout + code.stderr


def test_a_store_that_cannot_be_reached_is_exit_code_7(bare, dead: str, caplog) -> None:
    run = train(bare(kind="off"))
    caplog.clear()
    with caplog.at_level("INFO"):
        assert main(["sync", run.id, "--uri", dead]) == 7
    message = caplog.messages[-1]
    assert "could not be sent to MLflow" in message
    assert "refused" in message
    assert "\n" not in message


def test_the_command_says_in_a_line_what_it_sent(bare, settings, dead: str, caplog) -> None:
    run = train(bare(uri=dead))
    caplog.clear()
    with caplog.at_level("INFO"):
        assert main(["sync", run.id, "--uri", "sqlite:///mlflow.db"]) == 0
        assert main(["sync"]) == 0
    first, second = [text for text in caplog.messages if run.id in text]
    assert "sent 3 metrics, 1 parameter," in first
    assert second.endswith("nothing was missing")


def test_without_a_run_meant_for_mlflow_the_command_says_so(bare, caplog) -> None:
    with caplog.at_level("INFO"):
        assert main(["sync"]) == 0
    assert "no run in" in caplog.text
