"""The mirror follows a run's folder in the background: what it may cost, and what is never lost."""

import json
import logging
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import faulty
import pytest

from headway import tracking
from headway.errors import StorageError, TrackingError
from headway.tracking.reason import reason_of
from headway.tracking.sync import sync


def lock(tmp_path: Path) -> closing[sqlite3.Connection]:
    connection = sqlite3.connect(tmp_path / "mlflow.db", isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    return closing(connection)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def log_everything(run: tracking.Run, picture: bytes) -> None:
    run.log_params({"heads": 2, "columns": "a"})
    run.set_tags({"mine": "1"})
    (run.folder / "forecaster").mkdir()
    (run.folder / "forecaster/weights.bin").write_bytes(b"w" * 11)
    (run.folder / "config.yaml").write_text("a: 1")
    for name in ("forecaster", "config.yaml"):
        run.log_file(name)
    run.log_image(picture, key="attention/all_heads", step=3)
    run.log_dataset("weather", "a" * 64, "data/weather.csv", schema={"temp": "double"}, profile={"rows": 5})
    run.describe("![](get-artifact?path=a.png&run_uuid={run_id})")
    run.publish_view(["temp"])
    run.set_score(2.0)


def test_logging_waits_for_no_store(settings, tmp_path: Path, client) -> None:
    with tracking.start(settings(), name="a", comparable="x") as run, lock(tmp_path):
        started = time.monotonic()
        for step in range(101):
            run.log_metrics({"train/loss": 1.0 / (step + 1)}, step=step)
        # SQLite itself would hold the first of them for 20 seconds.
        assert time.monotonic() - started < 3
    assert len(client.get_metric_history(run.mlflow_run_id, "train/loss")) == 101


def test_what_waits_for_the_store_is_sent_with_few_calls(settings, tmp_path: Path, client, monkeypatch) -> None:
    from headway.tracking.mlflow_client import MlflowClient

    sizes: list[int] = []
    send = MlflowClient.log_batch

    def counted(self: MlflowClient, run_id: str, metrics=(), **words: object) -> object:
        sizes.extend([len(metrics)] if metrics else [])
        return send(self, run_id, metrics=metrics, **words)

    monkeypatch.setattr(MlflowClient, "log_batch", counted)
    with tracking.start(settings(), name="a", comparable="x") as run, lock(tmp_path):
        for step in range(1501):
            run.log_metrics({"train/loss": 1.0 / (step + 1)}, step=step)
    assert max(sizes) <= 1000
    assert len(sizes) <= 7
    assert len(client.get_metric_history(run.mlflow_run_id, "train/loss")) == 1501


def test_a_store_that_comes_back_is_given_what_it_missed(
    settings, tmp_path: Path, client, caplog, picture: bytes, assert_complete
) -> None:
    with tracking.start(settings(), name="a", comparable="x") as run:
        run.log_metrics({"validation/mae": 2.0}, step=1)
        shutil.move(tmp_path / "mlflow.db", tmp_path / "away.db")
        (tmp_path / "mlflow.db").mkdir()
        log_everything(run, picture)
        deadline = time.monotonic() + 60
        while not warnings(caplog) and time.monotonic() < deadline:
            time.sleep(0.01)
        (tmp_path / "mlflow.db").rmdir()
        shutil.move(tmp_path / "away.db", tmp_path / "mlflow.db")
        run.log_metrics({"validation/mae": 1.0}, step=2)
    assert_complete(client, run.folder, "weather")
    assert len(warnings(caplog)) == 1


def test_a_required_store_that_fails_in_the_middle_ends_the_run_with_exit_code_7(settings, tmp_path: Path) -> None:
    with (
        pytest.raises(TrackingError, match=r"tracking\.required=false") as raised,
        tracking.start(settings(required=True), name="a", comparable="x") as run,
    ):
        (tmp_path / "mlflow.db").write_bytes(b"no database any more" * 1000)
        run.log_metrics({"validation/mae": 2.0}, step=1)
    assert raised.value.exit_code == 7
    assert "\n" not in str(raised.value)
    assert [line["step"] for line in tracking.read_journal(run.folder)] == [1]


def test_a_server_that_never_answers_costs_a_run_ten_seconds_from_beginning_to_end(bare, caplog) -> None:
    server = faulty.Faulty()
    server.mode = "hang"
    started = time.monotonic()
    with tracking.start(bare(uri=server.uri), name="a", comparable="x") as run:
        assert time.monotonic() - started < 8  # some of them are left for the end
        run.log_metrics({"validation/mae": 2.0}, step=1)
    assert time.monotonic() - started < 10 + 3
    server.over.set()
    assert f"python -m headway.tracking sync {run.id}" in "".join(warnings(caplog))
    assert run.record.status == "finished"
    server.stop()


def test_a_password_reaches_no_warning_and_no_file(bare, dead: str, caplog, tmp_path: Path) -> None:
    uri = dead.replace("http://", "http://anna:hunter2canary@")
    with tracking.start(bare(uri=uri), name="a", comparable="x") as run:
        run.set_tags({"command": f"train.py tracking.uri={uri}"})
        run.describe(f"ran with {uri}")
    assert warnings(caplog)
    assert "hunter2canary" not in caplog.text
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(b"hunter2canary" in content for content in written)


@pytest.mark.parametrize("file", ["metrics.jsonl", "mirror.jsonl"])
def test_what_cannot_be_kept_in_the_folder_is_a_storage_error(off, file: str) -> None:
    with (
        pytest.raises(StorageError, match=f"{file} cannot be written: No space left") as raised,
        tracking.start(off, name="a", comparable="x") as run,
    ):
        (run.folder / file).unlink(missing_ok=True)
        (run.folder / file).symlink_to("/dev/full")
        run._outbox.close()
        run.log_metrics({"a": 1.0})
        run.set_tags({"a": "b"})
    assert raised.value.exit_code == 6


@pytest.mark.parametrize("file", ["metrics.jsonl", "mirror.jsonl"])
def test_a_torn_last_line_does_not_swallow_the_next(settings, client, file: str) -> None:
    with pytest.raises(KeyboardInterrupt), tracking.start(settings(), name="a", comparable="x", digest="c0") as run:
        run.log_metrics({"train/loss": 0.5}, step=1)
        raise KeyboardInterrupt
    with (run.folder / file).open("a") as torn:
        torn.write('{"step": 2, "kind": "tags", "metr')
    with tracking.resume(settings(), run.id, digest="c0") as again:
        again.log_metrics({"train/loss": 0.25}, step=2)
        again.set_tags({"late": "yes"})
    assert [line["step"] for line in tracking.read_journal(run.folder)] == [1, 2]
    stored = client.get_run(again.mlflow_run_id)
    assert (stored.data.metrics, stored.data.tags["late"]) == ({"train/loss": 0.25}, "yes")


def test_a_metric_may_be_named_with_a_character_that_ends_lines_elsewhere(off) -> None:
    with tracking.start(off, name="a", comparable="x") as run:
        run.log_metrics({"a\u2028b": 1.0, "c\x85d": 2.0})
    (line,) = tracking.read_journal(run.folder)
    assert line["metrics"] == {"a\u2028b": 1.0, "c\x85d": 2.0}


def test_a_folder_of_a_run_has_its_record_before_its_name(off, tmp_path: Path, monkeypatch) -> None:
    import os

    monkeypatch.setattr(os, "rename", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(StorageError, match="No space left"), tracking.start(off, name="a", comparable="x"):
        pass
    assert [path for path in (tmp_path / "runs").iterdir() if not path.name.startswith(".")] == []


def test_the_next_start_marks_a_killed_run_here_and_in_mlflow(settings, client, tmp_path: Path) -> None:
    code = (
        "import os, signal, types; from headway import tracking\n"
        "s = types.SimpleNamespace(kind='mlflow', uri='sqlite:///mlflow.db', experiment='weather', required=False,"
        " system_metrics=False)\n"
        "with tracking.start(s, name='a', comparable='x') as run: os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False).returncode == -9
    (folder,) = [path.parent for path in (tmp_path / "runs").glob("*/run.json")]
    killed = json.loads((folder / "run.json").read_text())
    assert client.get_run(killed["mlflow_run_id"]).info.status == "RUNNING"
    with tracking.start(settings(), name="b", comparable="x"):
        assert json.loads((folder / "run.json").read_text())["status"] == "killed"
    stored = client.get_run(killed["mlflow_run_id"])
    assert stored.info.status == "KILLED"
    assert stored.info.end_time is not None


KILLED = """
import os, signal, sys, threading, time, types
from pathlib import Path
from headway import tracking
from headway.tracking import mlflow_mirror  # what takes seconds is not what is to be killed
settings = types.SimpleNamespace(
    kind="mlflow", uri="sqlite:///mlflow.db", experiment="weather", required=False, system_metrics=False
)
threading.Timer(float(sys.argv[1]), lambda: os.kill(os.getpid(), signal.SIGKILL)).start()
with tracking.start(settings, name="a", comparable="x", digest="c0ffee") as run:
    step = 0
    while True:
        step += 1
        run.log_metrics({"train/loss": 1.0 / step, "train/mae": 2.0 / step}, step=step)
        run.log_image(Path("picture.png").read_bytes(), key="attention/all_heads", step=step)
        time.sleep(0.003)
"""


@pytest.mark.parametrize("seconds", [0.1, 0.4])
def test_a_run_killed_at_any_moment_can_be_sent_without_loss_and_without_doubles(
    settings, client, tmp_path: Path, picture: bytes, assert_complete, seconds: float
) -> None:
    (tmp_path / "picture.png").write_bytes(picture)
    done = subprocess.run([sys.executable, "-c", KILLED, str(seconds)], cwd=tmp_path, check=False)
    assert done.returncode == -9
    folders = list((tmp_path / "runs").glob("2*"))
    assert all((folder / "run.json").is_file() for folder in folders)
    said = list(sync())
    assert len(said) == len(folders)
    for folder in folders:
        assert json.loads((folder / "run.json").read_text())["status"] == "killed"
        assert_complete(client, folder, "weather")
    assert all(line.endswith("nothing was missing") for line in sync())


@pytest.mark.parametrize("mode", ["500", "401", "302", "garbage", "empty", "reset", "down"])
def test_whatever_a_server_answers_is_one_warning_and_can_be_sent_elsewhere_later(
    bare, settings, client, caplog, picture: bytes, assert_complete, mode: str
) -> None:
    server = faulty.Faulty()
    server.mode = mode
    if mode == "down":
        server.stop()
    started = time.monotonic()
    with tracking.start(bare(uri=server.uri), name="a", comparable="x") as run:
        run.log_metrics({"validation/mae": 2.0}, step=1)
        log_everything(run, picture)
    assert time.monotonic() - started < 10 + 3
    (warning,) = warnings(caplog)
    assert f"python -m headway.tracking sync {run.id}" in warning
    assert "\n" not in warning
    assert (run.record.status, run.record.mlflow_run_id) == ("finished", None)
    (said,) = sync([run.id], store="sqlite:///mlflow.db")
    assert "created in experiment 'weather'" in said
    assert_complete(client, run.folder, "weather")
    if mode != "down":
        server.stop()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("no route to\n http://anna:hunter2canary@host/api", "no route to http://***@host/api"),
        ("request to http://host failed (Caused by Refused('[Errno 111] refused'))", "Refused('[Errno 111] refused')"),
        ("database is locked [SQL: INSERT INTO runs] [parameters: (1, 2)]", "database is locked"),
        ("", "OSError"),
        ("x" * 300, "x" * 199 + "…"),
    ],
)
def test_a_reason_is_one_line_without_secret_statement_and_detour(text: str, shown: str) -> None:
    assert reason_of(OSError(text)) == shown
