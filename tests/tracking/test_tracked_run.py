"""A run's own folder and journal, without MLflow."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from headway import tracking
from headway.errors import ConfigError, Interrupted, Pruned, StorageError


def status(run: tracking.Run) -> str:
    return str(json.loads((run.folder / "run.json").read_text())["status"])


def test_runs_started_in_the_same_second_by_several_processes_share_no_folder(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from headway.tracking import folder; root = Path('runs'); "
        "[folder.make(root, folder.RunRecord(folder.new_id(root), 'a')) for _ in range(41)]"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert len(list((tmp_path / "runs").iterdir())) == 3 * 41


def test_a_run_is_running_inside_its_block_and_finished_after_it(off) -> None:
    with tracking.start(off, name="a", comparable="x") as run:
        assert status(run) == "running"
    assert status(run) == "finished"
    assert str(run.record.ended) >= run.record.started


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError("bad"), "failed"),
        (KeyboardInterrupt(), "killed"),
        (Interrupted("stop"), "killed"),
        (Pruned("worse"), "pruned"),
    ],
)
def test_how_a_block_ends_decides_the_status(off, error: BaseException, expected: str) -> None:
    with pytest.raises(type(error)), tracking.start(off, name="a", comparable="x") as run:
        raise error
    assert status(run) == expected


def test_tracking_off_leaves_a_folder_and_no_trace_of_mlflow(off, tmp_path: Path) -> None:
    with tracking.start(off, name="a", comparable="x") as run:
        run.log_metrics({"validation/mae": 2.0}, step=1)
        run.log_params({"heads": 2})
        run.publish_view(["temp"])
        run.describe("text")
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]
    assert (run.link, run.view_link, run.record.mlflow_run_id) == (None, None, None)


def test_the_journal_gives_back_what_was_logged_not_finite_values_included(off) -> None:
    with tracking.start(off, name="a", comparable="x") as run:
        run.log_metrics({"train/loss": 0.5}, step=1)
        run.log_metrics({"train/loss": math.inf, "train/mae": math.nan}, step=2)
    first, second = tracking.read_journal(run.folder)
    assert (first["step"], first["metrics"]) == (1, {"train/loss": 0.5})
    assert second["metrics"]["train/loss"] == math.inf
    assert math.isnan(second["metrics"]["train/mae"])


def test_every_line_of_the_journal_is_json_by_the_standard(off) -> None:
    with tracking.start(off, name="a", comparable="x") as run:
        run.log_metrics({"train/loss": math.nan, "train/mae": -math.inf})

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    (line,) = (run.folder / "metrics.jsonl").read_text().splitlines()
    assert json.loads(line, parse_constant=refuse)["metrics"] == {"train/loss": "NaN", "train/mae": "-Infinity"}


def test_a_torn_last_line_of_the_journal_is_passed_over(off) -> None:
    with tracking.start(off, name="a", comparable="x") as run:
        run.log_metrics({"train/loss": 0.5})
    with (run.folder / "metrics.jsonl").open("a") as file:
        file.write('{"step": 1, "metr')
    assert len(tracking.read_journal(run.folder)) == 1


def test_a_picture_is_kept_in_the_folder(off) -> None:
    with tracking.start(off, name="a", comparable="x") as run:
        run.log_image(b"png", key="attention/all_heads", step=7)
    assert (run.folder / "images/attention/all_heads/00007.png").read_bytes() == b"png"


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "", "a/../../b"])
def test_a_file_outside_of_the_folder_is_refused(off, name: str) -> None:
    with tracking.start(off, name="a", comparable="x") as run, pytest.raises(ValueError, match="inside the run folder"):
        run.log_file(name)


def test_a_link_out_of_the_folder_is_refused(off, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s")
    with tracking.start(off, name="a", comparable="x") as run:
        (run.folder / "harmless").symlink_to(tmp_path / "secret")
        with pytest.raises(ValueError, match="inside the run folder"):
            run.log_file("harmless")


def test_a_root_that_is_a_file_is_a_storage_error_that_names_it(off, tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    with (
        pytest.raises(StorageError, match=f"{tmp_path}/runs cannot be made"),
        tracking.start(off, name="a", comparable="x"),
    ):
        pass


@pytest.mark.parametrize(
    ("uri", "hint"),
    [
        ("./mlruns", "write sqlite:///./mlruns/mlflow.db"),
        ("my.db", "write sqlite:///my.db"),
        ("mysql://host/db", "sqlite:///"),
        ("sqlite:///", "database file"),
        ("", "sqlite:///mlflow.db"),
        ("file:///tmp/mlruns", "sqlite:///mlflow.db"),
    ],
)
def test_a_uri_that_names_no_store_is_refused_with_the_spelling_to_use(
    settings, tmp_path: Path, uri: str, hint: str
) -> None:
    with pytest.raises(ConfigError, match=hint), tracking.start(settings(uri=uri), name="a", comparable="x"):
        pass
    assert not (tmp_path / "runs").exists()


def test_a_password_never_stands_in_a_message() -> None:
    from headway.tracking import uri

    assert uri.shown("postgresql://user:secret@host:5432/db") == "postgresql://host:5432/db"
    with pytest.raises(ConfigError) as raised:
        uri.resolve("mysql://user:secret@host/db")
    assert "secret" not in str(raised.value)
