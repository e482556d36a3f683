"""Finding and reopening stored runs, in folders and in MLflow."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from headway import tracking
from headway.errors import Pruned, StoredRunError


@pytest.fixture(params=["off", "mlflow"])
def either(request: pytest.FixtureRequest, settings) -> SimpleNamespace:
    return settings(kind=request.param)


def train(
    settings: SimpleNamespace, name: str, *, score: float | None = None, comparable: str = "x", kind: str = "training"
) -> str:
    with tracking.start(settings, name=name, comparable=comparable, tags={"headway.kind": kind}) as run:
        if score is not None:
            run.set_score(score)
        (run.folder / "config.yaml").write_text(f"name: {name}")
        run.log_file("config.yaml")
    return run.id


def fail(settings: SimpleNamespace, name: str) -> str:
    with pytest.raises(RuntimeError), tracking.start(settings, name=name, comparable="x") as run:
        raise RuntimeError
    return run.id


def open_once(settings: SimpleNamespace, selector: str) -> None:
    with tracking.reopen(settings, selector):
        pass


def test_latest_is_the_newest_finished_training(either: SimpleNamespace) -> None:
    train(either, "old")
    expected = train(either, "new")
    train(either, "sweep", kind="sweep")
    fail(either, "broken")
    with tracking.reopen(either, "latest") as run:
        assert run.id == expected


def test_best_has_the_lowest_score_among_runs_comparable_with_the_latest(either: SimpleNamespace) -> None:
    train(either, "other data", score=0.1, comparable="y")
    expected = train(either, "good", score=2.0)
    train(either, "no score")
    train(either, "diverged", score=float("nan"))
    train(either, "latest", score=3.0)
    with tracking.reopen(either, "best") as run:
        assert run.id == expected


def test_a_run_is_found_by_id_by_name_and_by_the_beginning_of_its_mlflow_id(settings) -> None:
    expected = train(settings(), "first")
    train(settings(), "second")
    with tracking.reopen(settings(), expected) as run:
        mlflow_run_id = str(run.record.mlflow_run_id)
    for selector in ("first", mlflow_run_id, mlflow_run_id[:6]):
        with tracking.reopen(settings(), selector) as run:
            assert run.id == expected


def test_a_beginning_that_fits_two_runs_is_refused(either: SimpleNamespace) -> None:
    first, second = train(either, "first"), train(either, "second")
    with pytest.raises(StoredRunError, match="fits 2 runs") as raised, tracking.reopen(either, first[:7]):
        pass
    assert first in str(raised.value)
    assert second in str(raised.value)


@pytest.mark.parametrize("selector", ["latest", "best", "2026-01-01_00-00-00_abcdef", "abc"])
def test_without_any_run_the_message_says_where_it_looked_and_how_to_train(
    either: SimpleNamespace, tmp_path: Path, selector: str
) -> None:
    with pytest.raises(StoredRunError, match=r"python train\.py") as raised, tracking.reopen(either, selector):
        pass
    assert str(tmp_path / "runs") in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_absent_run_is_answered_with_the_three_most_recent(either: SimpleNamespace) -> None:
    ids = [train(either, f"run {number}") for number in range(5)]
    with pytest.raises(StoredRunError) as raised, tracking.reopen(either, "nowhere"):
        pass
    assert [id_ in str(raised.value) for id_ in ids] == [False, False, True, True, True]


@pytest.mark.parametrize("selector", ["../runs", "/etc", "..", "a/b", ""])
def test_a_selector_is_never_a_path(either: SimpleNamespace, selector: str) -> None:
    train(either, "a")
    with pytest.raises(StoredRunError, match="is no run"), tracking.reopen(either, selector):
        pass


def test_a_failed_or_running_run_is_refused_with_its_status(either: SimpleNamespace) -> None:
    failed = fail(either, "broken")
    with pytest.raises(StoredRunError, match="failed"), tracking.reopen(either, failed):
        pass
    with (
        tracking.start(either, name="now", comparable="x") as running,
        pytest.raises(StoredRunError, match="still running"),
        tracking.reopen(either, running.id),
    ):
        pass


def test_a_pruned_run_is_refused_with_what_became_of_it(either: SimpleNamespace) -> None:
    with pytest.raises(Pruned), tracking.start(either, name="worse", comparable="x") as run:
        raise Pruned("worse than the others")
    with pytest.raises(StoredRunError, match="was pruned by its sweep: only a finished run"):
        open_once(either, run.id)


def test_a_sweep_is_answered_with_its_best_child_by_id_and_by_name(either: SimpleNamespace) -> None:
    best = train(either, "child", score=2.0)
    with tracking.start(either, name="grid", comparable="x", tags={"headway.kind": "sweep"}) as sweep:
        with pytest.raises(StoredRunError, match=r"is a sweep.*no best run yet"):
            open_once(either, sweep.id)
        sweep.set_best(best)
    for selector in (sweep.id, "grid"):
        with pytest.raises(StoredRunError, match=rf"is a sweep.*python evaluate\.py run={best}$"):
            open_once(either, selector)


def test_a_sweep_of_another_machine_is_answered_with_its_best_child_too(settings) -> None:
    with tracking.start(settings(), name="grid", comparable="x", tags={"headway.kind": "sweep"}) as sweep:
        sweep.set_best("2026-01-31_12-00-00_0a1b2c")
    shutil.rmtree("runs")
    with pytest.raises(StoredRunError, match="run=2026-01-31_12-00-00_0a1b2c"):
        open_once(settings(), sweep.id)


def test_a_reopened_run_takes_metrics_and_keeps_its_status_and_times(settings) -> None:
    id_ = train(settings(), "a")
    before = Path("runs", id_, "run.json").read_text()
    with pytest.raises(RuntimeError), tracking.reopen(settings(), id_) as run:
        run.log_metrics({"test/temp/mae": 2.0})
        raise RuntimeError
    assert Path("runs", id_, "run.json").read_text() == before
    from headway.tracking.mlflow_client import MlflowClient

    stored = MlflowClient(tracking_uri=f"sqlite:///{Path.cwd()}/mlflow.db").get_run(run.record.mlflow_run_id)
    assert (stored.info.status, stored.data.metrics) == ("FINISHED", {"test/temp/mae": 2.0})


def test_a_run_whose_folder_is_gone_is_fetched_from_mlflow_and_cleaned_up(settings) -> None:
    train(settings(), "a", score=1.5)
    shutil.rmtree("runs")
    with tracking.reopen(settings(), "latest") as run:
        folder = run.folder
        assert (folder / "config.yaml").read_text() == "name: a"
        assert run.record.score == 1.5
    assert not folder.exists()


def test_a_run_whose_files_are_gone_everywhere_is_a_stored_run_error(settings) -> None:
    train(settings(), "a")
    shutil.rmtree("runs")
    shutil.rmtree("mlartifacts")
    with pytest.raises(StoredRunError, match="neither in"), tracking.reopen(settings(), "latest"):
        pass


def test_the_run_folders_are_enough_when_the_server_is_dead(settings, caplog) -> None:
    expected = train(settings(kind="off"), "a")
    with tracking.reopen(settings(uri="http://127.0.0.1:9"), "latest") as run:
        assert run.id == expected
        run.log_metrics({"test/temp/mae": 2.0})
    assert len(caplog.records) == 1


def test_runs_of_another_experiment_are_not_found(settings) -> None:
    train(settings(experiment="other"), "a")
    with pytest.raises(StoredRunError), tracking.reopen(settings(), "latest"):
        pass


def test_looking_for_a_run_leaves_no_database_behind(bare, tmp_path: Path) -> None:
    with pytest.raises(StoredRunError), tracking.reopen(bare(), "latest"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_record_is_passed_over(either: SimpleNamespace) -> None:
    expected = train(either, "good")
    bad = Path("runs", "2099-01-01_00-00-00_abcdef")
    bad.mkdir()
    for text in ("{", "[]", json.dumps({"id": "../other", "name": "x", "status": "finished"})):
        (bad / "run.json").write_text(text)
        with tracking.reopen(either, "latest") as run:
            assert run.id == expected
