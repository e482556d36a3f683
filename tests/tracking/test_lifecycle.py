"""How a run of a sweep begins, goes on again, and ends."""

import json
import logging
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace

import pytest

from headway import tracking
from headway.errors import ConfigError, Pruned, StoredRunError
from headway.process import Process
from headway.tracking import folder as run_folder
from headway.tracking import mlflow_runs

ID = "2026-01-31_12-00-00_0a1b2c"
PARENT = tracking.Parent(ID, "0123456789abcdef")


@pytest.fixture(params=["off", "mlflow"])
def either(request: pytest.FixtureRequest, settings) -> SimpleNamespace:
    return settings(kind=request.param)


def interrupted_sweep(settings: SimpleNamespace) -> tracking.Run:
    labels = {"headway.kind": "sweep"}
    with (
        pytest.raises(KeyboardInterrupt),
        tracking.start(settings, name="grid", comparable="x", tags=labels) as run,
    ):
        run.set_best("2026-01-31_13-00-00_abcdef")
        run.log_metrics({"validation/best_error": 3.0}, step=1)
        raise KeyboardInterrupt
    return run


def stored(run: tracking.Run) -> dict[str, object]:
    return json.loads((run.folder / "run.json").read_text())


def test_a_child_says_whose_it_is_from_its_first_moment(settings, client) -> None:
    with tracking.start(settings(), name="a", comparable="x", parent=PARENT, digest="c0ffee") as run:
        tags = client.get_run(run.mlflow_run_id).data.tags
        expected = {"mlflow.parentRunId": "0123456789abcdef", "headway.sweep": ID, "headway.digest": "c0ffee"}
        assert tags.items() >= expected.items()
        assert (stored(run)["parent"], stored(run)["digest"]) == (ID, "c0ffee")


def test_a_child_of_a_sweep_without_a_mirror_names_no_mlflow_parent(settings, client) -> None:
    with tracking.start(settings(), name="a", comparable="x", parent=tracking.Parent(ID, None)) as run:
        tags = client.get_run(run.mlflow_run_id).data.tags
    assert "mlflow.parentRunId" not in tags
    assert tags["headway.sweep"] == ID
    assert "headway.digest" not in tags


def test_the_environment_of_a_job_has_no_say_in_which_run_is_written(settings, client, monkeypatch) -> None:
    with tracking.start(settings(), name="other", comparable="x") as other:
        monkeypatch.setenv("MLFLOW_RUN_ID", str(other.mlflow_run_id))
        with tracking.start(settings(), name="a", comparable="x", parent=PARENT) as run:
            assert run.mlflow_run_id != other.mlflow_run_id
    assert "headway.sweep" not in client.get_run(other.mlflow_run_id).data.tags


def test_a_run_names_the_process_that_writes_it(off) -> None:
    with tracking.start(off, name="a", comparable="x") as run:
        process = Process.read(stored(run)["process"])
    assert process == Process.own()


def test_a_record_of_an_older_version_stays_readable(off) -> None:
    with tracking.start(off, name="a", comparable="x") as run:
        pass
    old = {key: value for key, value in stored(run).items() if key not in ("parent", "digest", "best", "process")}
    (run.folder / "run.json").write_text(json.dumps(old))
    record = run_folder.read(run.folder)
    assert record is not None
    assert (record.name, record.parent, record.digest, record.best, record.process) == ("a", "", "", "", None)


def test_a_pruned_run_is_killed_to_mlflow_with_a_tag_that_says_why(settings, client) -> None:
    with (
        pytest.raises(Pruned),
        tracking.start(settings(), name="a", comparable="x", parent=PARENT, digest="c0ffee") as run,
    ):
        raise Pruned("worse than the others")
    stored_run = client.get_run(run.mlflow_run_id)
    assert (stored_run.info.status, stored_run.data.tags["headway.status"]) == ("KILLED", "pruned")
    (record,) = mlflow_runs.records(client, "1")
    assert (record.status, record.parent, record.digest) == ("pruned", ID, "c0ffee")


def test_a_killed_run_is_not_read_as_pruned(settings, client) -> None:
    interrupted_sweep(settings())
    (record,) = mlflow_runs.records(client, "1")
    assert record.status == "killed"


def test_a_sweep_that_was_cut_off_is_gone_on_with_in_the_same_folder_and_journal(either: SimpleNamespace) -> None:
    before = interrupted_sweep(either)
    assert stored(before)["status"] == "killed"
    earlier = stored(before) | {"process": {"host": "another-machine", "pid": 1, "started": 1.0}}
    (before.folder / "run.json").write_text(json.dumps(earlier))
    with tracking.rejoin(either, before.id, name="other name") as run:
        assert (stored(run)["status"], stored(run)["ended"]) == ("running", None)
        assert Process.read(stored(run)["process"]) == Process.own()
        run.log_metrics({"validation/best_error": 2.0}, step=2)
    assert run.folder == before.folder
    assert [line["step"] for line in tracking.read_journal(run.folder)] == [1, 2]
    kept = {each.name for each in fields(run.record)} - {"status", "ended"}
    assert {key: stored(run)[key] for key in kept} == {key: stored(before)[key] for key in kept}
    assert stored(run)["status"] == "finished"


def test_a_sweep_is_gone_on_with_in_the_same_mlflow_run(settings, client) -> None:
    before = interrupted_sweep(settings())
    with tracking.rejoin(settings(), before.id, name="grid") as run:
        assert run.mlflow_run_id == before.mlflow_run_id
        assert client.get_run(run.mlflow_run_id).info.status == "RUNNING"
        (record,) = mlflow_runs.records(client, "1")
        assert (record.status, record.ended, record.best) == ("running", None, "2026-01-31_13-00-00_abcdef")
        run.log_metrics({"validation/best_error": 2.0}, step=2)
    assert client.get_run(run.mlflow_run_id).info.status == "FINISHED"
    history = client.get_metric_history(run.mlflow_run_id, "validation/best_error")
    assert [(point.step, point.value) for point in history] == [(1, 3.0), (2, 2.0)]


def test_of_two_mlflow_runs_of_one_id_the_one_that_the_folder_knows_is_gone_on_with(settings, client) -> None:
    before = interrupted_sweep(settings())
    newer = client.create_run("1", tags={"headway.id": before.id}).info.run_id
    with tracking.rejoin(settings(), before.id, name="grid") as run:
        assert run.mlflow_run_id == before.mlflow_run_id != newer


@pytest.mark.parametrize("known", [True, False])
def test_another_machine_joins_a_sweep_by_its_id(settings, client, tmp_path: Path, known: bool) -> None:
    here = interrupted_sweep(settings())
    with tracking.rejoin(
        settings(),
        here.id,
        name="grid",
        comparable="x",
        mlflow_run_id=here.mlflow_run_id if known else None,
        root=tmp_path / "there",
    ) as run:
        pass
    assert (run.folder, run.mlflow_run_id) == (tmp_path / "there" / here.id, here.mlflow_run_id)
    assert (stored(run)["kind"], stored(run)["name"], stored(run)["comparable"]) == ("sweep", "grid", "x")
    assert len(client.search_runs(["1"])) == 1


def test_a_sweep_that_was_not_mirrored_is_from_when_it_is_rejoined(settings, client) -> None:
    before = interrupted_sweep(settings(kind="off"))
    with tracking.rejoin(settings(), before.id, name="grid") as run:
        pass
    tags = client.get_run(run.mlflow_run_id).data.tags
    assert (tags["headway.id"], tags["headway.kind"], tags["headway.comparable"]) == (before.id, "sweep", "x")
    assert stored(run)["mlflow_run_id"] == run.mlflow_run_id


def test_a_pruned_run_that_goes_on_is_no_longer_called_pruned(settings, client) -> None:
    with pytest.raises(Pruned), tracking.start(settings(), name="a", comparable="x") as run:
        raise Pruned("worse than the others")
    with pytest.raises(KeyboardInterrupt), tracking.rejoin(settings(), run.id, name="a"):
        raise KeyboardInterrupt
    (record,) = mlflow_runs.records(client, "1")
    assert record.status == "killed"


@pytest.mark.parametrize(
    ("error", "expected"), [(ValueError("bad"), "failed"), (KeyboardInterrupt(), "killed"), (Pruned("x"), "pruned")]
)
def test_how_the_block_of_a_rejoined_run_ends_decides_its_status(off, error: BaseException, expected: str) -> None:
    before = interrupted_sweep(off)
    with pytest.raises(type(error)), tracking.rejoin(off, before.id, name="grid") as run:
        raise error
    assert stored(run)["status"] == expected


def test_a_sweep_is_rejoined_without_its_server_at_the_price_of_one_warning(bare, dead: str, caplog) -> None:
    before = interrupted_sweep(bare(kind="off"))
    with tracking.rejoin(bare(uri=dead), before.id, name="grid") as run:
        run.log_metrics({"validation/best_error": 2.0}, step=2)
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 1
    assert stored(run)["status"] == "finished"


@pytest.mark.parametrize("id_", ["../2026-01-31_12-00-00_0a1b2c", "latest", "", "/etc"])
def test_what_is_no_id_is_not_rejoined(off, tmp_path: Path, id_: str) -> None:
    with pytest.raises(StoredRunError, match="no run's id"), tracking.rejoin(off, id_, name="grid"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_uri_makes_no_folder_of_a_rejoined_run(bare, tmp_path: Path) -> None:
    with pytest.raises(ConfigError), tracking.rejoin(bare(uri="my.db"), ID, name="grid"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_the_best_child_is_kept_in_the_folder_and_in_mlflow(settings, client) -> None:
    with tracking.start(settings(), name="grid", comparable="x", tags={"headway.kind": "sweep"}) as run:
        run.set_best(ID)
    assert stored(run)["best"] == client.get_run(run.mlflow_run_id).data.tags["headway.best"] == ID


def test_runs_are_compared_in_the_experiment_they_belong_to(settings, off) -> None:
    with tracking.start(settings(), name="a", comparable="x") as run:
        assert "experiments=%5B%221%22%5D" in str(run.compare_link(["f" * 32]))
        assert run.compare_link([]) is None
    with tracking.start(off, name="a", comparable="x") as run:
        assert run.compare_link(["f" * 32]) is None


def test_the_published_view_expands_sweeps_that_many_children_came_after(settings, client, monkeypatch) -> None:
    from headway.tracking import view
    from headway.tracking.mlflow_client import MlflowClient

    experiment = client.create_experiment("weather")
    sweep = client.create_run(experiment, start_time=1, tags={"headway.kind": "sweep"}).info.run_id
    for number in range(23):
        client.create_run(experiment, start_time=2 + number, tags={"headway.kind": "training"})
    written: list[str] = []
    write = MlflowClient.set_experiment_tag
    monkeypatch.setattr(MlflowClient, "set_experiment_tag", lambda *words: (written.append(words[2]), write(*words)))
    for _ in range(2):
        with tracking.start(settings(), name="a", comparable="x") as run:
            run.publish_view(["temp"])
    ((name, value),) = client.get_experiment(experiment).tags.items()
    assert view.decode(value)["runsExpanded"] == {sweep: True}
    assert written == [name]
