"""Going on with a training that was cut off: the same folder, journal and MLflow run, and nothing twice."""

import json
import logging
import os
import shutil
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from headway import tracking
from headway.errors import ConfigError, Pruned, StoredRunError
from headway.process import Process

DIGEST = "c0ffee"
ELSEWHERE = {"host": "another-machine", "pid": 11, "started": 1.0}


@pytest.fixture(params=["off", "mlflow"])
def either(request: pytest.FixtureRequest, settings) -> SimpleNamespace:
    return settings(kind=request.param)


def cut_off(settings: SimpleNamespace, picture: bytes = b"", **words: object) -> tracking.Run:
    known = {"name": "a", "comparable": "x", "digest": DIGEST} | words
    with pytest.raises(KeyboardInterrupt), tracking.start(settings, **known) as run:
        first_part(run, picture)
        raise KeyboardInterrupt
    return run


def first_part(run: tracking.Run, picture: bytes) -> None:
    run.log_params({"heads": 2})
    run.set_tags({"mine": "1"})
    (run.folder / "config.yaml").write_text("a: 1")
    run.log_file("config.yaml")
    run.log_dataset("weather", "a" * 64, "data/weather.csv", schema={"temp": "double"}, profile={"rows": 5})
    for step in (1, 2):
        run.log_metrics({"train/loss": 1.0 / step, "validation/mae": 3.0 / step}, step=step)
        if picture:
            run.log_image(picture, key="attention/all_heads", step=step)


def change(run: tracking.Run, **changes: object) -> None:
    path = run.folder / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def stored(run: tracking.Run) -> dict[str, object]:
    return json.loads((run.folder / "run.json").read_text())


def refused(settings: SimpleNamespace, id_: str, digest: str = DIGEST) -> str:
    with pytest.raises(StoredRunError) as raised, tracking.resume(settings, id_, digest=digest):
        pass
    assert raised.value.exit_code == 4
    assert "\n" not in str(raised.value)
    return str(raised.value)


def found(settings: SimpleNamespace, digest: str = DIGEST) -> str | None:
    record = tracking.find_unfinished(settings, digest)
    return None if record is None else record.id


def test_a_resumed_run_writes_nothing_twice_and_ends_complete(
    settings, client, picture: bytes, assert_complete, caplog
) -> None:
    before = cut_off(settings(), picture)
    assert client.get_run(before.mlflow_run_id).info.status == "KILLED"
    with tracking.resume(settings(), before.id, digest=DIGEST) as run:
        assert client.get_run(run.mlflow_run_id).info.status == "RUNNING"
        assert (run.folder, run.mlflow_run_id) == (before.folder, before.mlflow_run_id)
        assert (stored(run)["status"], Process.read(stored(run)["process"])) == ("running", Process.own())
        first_part(run, picture)
        run.log_metrics({"train/loss": 0.5, "late": 1.0}, step=2)
        run.log_metrics({"train/loss": 0.1}, step=3)
    lines = [(line["step"], line["metrics"]) for line in tracking.read_journal(run.folder)]
    assert lines[2:] == [(2, {"late": 1.0}), (3, {"train/loss": 0.1})]
    assert len(lines) == 4
    assert_complete(client, run.folder, "weather")
    kinds = [json.loads(line)["kind"] for line in (run.folder / "mirror.jsonl").read_text().splitlines()]
    assert [kinds.count(kind) for kind in ("params", "image", "dataset")] == [1, 2, 1]
    assert stored(run)["status"] == "finished"
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_run_that_never_reached_its_store_does_when_it_is_resumed(
    bare, settings, client, dead: str, picture: bytes, assert_complete
) -> None:
    before = cut_off(bare(uri=dead), picture)
    assert before.mlflow_run_id is None
    with tracking.resume(settings(), before.id, digest=DIGEST) as run:
        run.log_metrics({"train/loss": 0.1}, step=3)
    assert_complete(client, run.folder, "weather")


def test_an_mlflow_run_that_the_folder_does_not_know_is_found_by_its_tag(settings, client, assert_complete) -> None:
    before = cut_off(settings())
    change(before, mlflow_run_id=None)
    (before.folder / "mirrored.json").unlink()
    with tracking.resume(settings(), before.id, digest=DIGEST) as run:
        assert run.mlflow_run_id == before.mlflow_run_id
    assert_complete(client, run.folder, "weather")


def test_what_a_dead_server_missed_before_a_kill_is_sent_after_the_resume(
    settings, client, tmp_path: Path, assert_complete
) -> None:
    before = cut_off(settings())
    shutil.move(tmp_path / "mlflow.db", tmp_path / "away.db")
    (tmp_path / "mlflow.db").mkdir()
    with pytest.raises(KeyboardInterrupt), tracking.resume(settings(), before.id, digest=DIGEST) as run:
        run.log_metrics({"train/loss": 0.1}, step=3)
        raise KeyboardInterrupt
    (tmp_path / "mlflow.db").rmdir()
    shutil.move(tmp_path / "away.db", tmp_path / "mlflow.db")
    with tracking.resume(settings(), before.id, digest=DIGEST) as run:
        run.log_metrics({"train/loss": 0.1}, step=3)
        run.log_metrics({"train/loss": 0.05}, step=4)
    assert_complete(client, run.folder, "weather")


def test_samples_of_the_machine_are_counted_on(settings, tmp_path: Path) -> None:
    before = cut_off(settings())
    line = {"step": 6, "time": 1.0, "metrics": {"system/x": 1.0}}
    (before.folder / "system.jsonl").write_text(json.dumps(line) + "\n")
    with tracking.resume(settings(system_metrics=True), before.id, digest=DIGEST) as run:
        deadline = time.monotonic() + 60
        while len((run.folder / "system.jsonl").read_text().splitlines()) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
    steps = [json.loads(line)["step"] for line in (run.folder / "system.jsonl").read_text().splitlines()]
    assert steps[:2] == [6, 7]
    assert "system/cpu_utilization_percentage" not in {
        name for line in tracking.read_journal(run.folder) for name in line["metrics"]
    }


@pytest.mark.parametrize("selector", ["id", "name", "beginning"])
def test_a_run_is_resumed_by_id_by_name_and_by_a_beginning(off, selector: str) -> None:
    before = cut_off(off, name="mine")
    words = {"id": before.id, "name": "mine", "beginning": before.id[:23]}
    with tracking.resume(off, words[selector], digest=DIGEST) as run:
        assert run.id == before.id


def test_what_cannot_go_on_is_refused_with_its_reason(either: SimpleNamespace) -> None:
    assert "is no run: give latest" in refused(either, "../x") or "nor any other" in refused(either, "../x")
    with tracking.start(either, name="done", comparable="x", digest=DIGEST) as done:
        pass
    assert "is finished: judge it with python evaluate.py run=" in refused(either, done.id)
    with pytest.raises(Pruned), tracking.start(either, name="worse", comparable="x", digest=DIGEST) as worse:
        raise Pruned("worse")
    assert "was pruned by its sweep" in refused(either, worse.id)
    assert "There is no run 'nowhere'" in refused(either, "nowhere")
    sweep = cut_off(either, name="grid", tags={"headway.kind": "sweep"})
    assert "is a sweep, not a training" in refused(either, sweep.id)
    other = cut_off(either, name="other")
    assert "was started with other settings, data or code" in refused(either, other.id, "facade")
    assert stored(other)["status"] == "killed"


def test_a_run_that_is_being_trained_is_refused_here_and_elsewhere_until_it_falls_silent(off) -> None:
    with tracking.start(off, name="a", comparable="x", digest=DIGEST) as alive:
        assert f"is being trained by process {os.getpid()}: wait for it" in refused(off, alive.id)
    before = cut_off(off, name="b")
    change(before, status="running", process=ELSEWHERE)
    assert "is being trained by process 11 on another-machine" in refused(off, before.id)
    for path in before.folder.rglob("*"):
        os.utime(path, (1.0, 1.0))
    with tracking.resume(off, before.id, digest=DIGEST) as run:
        assert run.id == before.id


def test_of_two_processes_that_resume_one_run_one_is_refused(off) -> None:
    before = cut_off(off)
    with tracking.resume(off, before.id, digest=DIGEST):
        assert "is being trained by process" in refused(off, before.id)


def test_a_wrong_uri_claims_nothing(off, bare) -> None:
    before = cut_off(off)
    with pytest.raises(ConfigError), tracking.resume(bare(uri="my.db"), before.id, digest=DIGEST):
        pass
    assert stored(before)["status"] == "killed"


def test_the_newest_unfinished_training_of_a_digest_is_found(either: SimpleNamespace) -> None:
    assert found(either) is None
    cut_off(either, name="older")
    expected = cut_off(either)
    with pytest.raises(RuntimeError), tracking.start(either, name="a", comparable="x", digest="facade") as failed:
        raise RuntimeError
    cut_off(either, name="grid", tags={"headway.kind": "sweep"})
    cut_off(either, name="child", parent=tracking.Parent("2026-01-31_12-00-00_0a1b2c", None))
    with tracking.start(either, name="done", comparable="x", digest=DIGEST):
        assert found(either) == expected.id
    with pytest.raises(Pruned), tracking.start(either, name="worse", comparable="x", digest=DIGEST):
        raise Pruned("worse")
    assert (found(either), found(either, "facade")) == (expected.id, failed.id)


def test_a_run_with_a_dead_process_is_found_and_one_that_lives_is_not(off) -> None:
    before = cut_off(off)
    change(before, status="running", ended=None, process=Process.own().as_dict())
    assert found(off) is None
    change(before, process=ELSEWHERE)
    assert found(off) is None
    change(before, process=Process.own().as_dict() | {"started": 1.0})
    assert found(off) == before.id


def test_what_another_experiment_mirrored_is_not_found(settings) -> None:
    cut_off(settings(experiment="other"))
    assert found(settings()) is None
    assert found(settings(experiment="other")) is not None


@pytest.mark.parametrize("digest", ["", "C0FFEE", "x' or name = 'a"])
def test_what_is_no_digest_is_refused(off, digest: str) -> None:
    with pytest.raises(ValueError, match="hexadecimal"):
        tracking.find_unfinished(off, digest)


def test_only_a_training_that_went_back_in_between_writes_an_epoch_again(off) -> None:
    run = cut_off(off)  # has written 0.5 for the second epoch
    with tracking.resume(off, run.id, digest=DIGEST) as again:
        again.log_metrics({"train/loss": 0.5, "train/windows_per_second": 7.0}, step=2)
        again.log_metrics({"train/windows_per_second": 9.0}, step=2)  # a clock's word: done again, and passed over
        again.log_metrics({"train/loss": 0.3}, step=2)  # at half the rate
        again.log_metrics({"train/loss": 0.3}, step=2)
    lines = [line for line in tracking.read_journal(run.folder) if line["step"] == 2]
    assert [line["metrics"].get("train/loss") for line in lines] == [0.5, None, 0.3]
    assert [line["metrics"].get("train/windows_per_second") for line in lines] == [None, 7.0, None]
