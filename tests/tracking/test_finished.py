"""Finding a finished run that is equal to one about to be trained."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from headway import tracking
from headway.errors import Pruned, TrackingError


@pytest.fixture(params=["off", "mlflow"])
def either(request: pytest.FixtureRequest, settings) -> SimpleNamespace:
    return settings(kind=request.param)


def train(settings: SimpleNamespace, digest: str, *, score: float | None = 2.0, kind: str = "training") -> str:
    with tracking.start(settings, name="a", comparable="x", digest=digest, tags={"headway.kind": kind}) as run:
        (run.folder / "forecaster").mkdir()
        if score is not None:
            run.set_score(score)
    return run.id


def found(settings: SimpleNamespace, digest: str) -> str | None:
    record = tracking.find_finished(settings, digest)
    return None if record is None else record.id


def test_the_newest_run_of_the_digest_is_found(either: SimpleNamespace) -> None:
    train(either, "c0ffee")
    expected = train(either, "c0ffee")
    train(either, "facade")
    assert found(either, "c0ffee") == expected


def test_a_run_that_did_not_finish_or_has_no_finite_score_is_passed_over(either: SimpleNamespace) -> None:
    for score in (None, float("nan"), float("inf")):
        train(either, "c0ffee", score=score)
    train(either, "c0ffee", kind="sweep")
    with pytest.raises(Pruned), tracking.start(either, name="a", comparable="x", digest="c0ffee") as run:
        (run.folder / "forecaster").mkdir()
        run.set_score(1.0)
        raise Pruned("worse than the others")
    with tracking.start(either, name="a", comparable="x", digest="c0ffee") as run:
        (run.folder / "forecaster").mkdir()
        run.set_score(1.0)
        assert found(either, "c0ffee") is None


def test_without_its_forecaster_a_folder_is_of_no_use(settings) -> None:
    id_ = train(settings(kind="off"), "c0ffee")
    shutil.rmtree(Path("runs", id_, "forecaster"))
    assert found(settings(), "c0ffee") is None


def test_a_run_whose_folder_is_gone_is_found_in_mlflow(settings) -> None:
    expected = train(settings(), "c0ffee", score=3.0)
    train(settings(), "facade")
    shutil.rmtree("runs")
    record = tracking.find_finished(settings(), "c0ffee")
    assert record is not None
    assert (record.id, record.score, record.digest) == (expected, 3.0, "c0ffee")
    assert tracking.find_finished(settings(kind="off"), "c0ffee") is None


def test_a_run_with_a_folder_is_preferred_to_a_newer_one_without(settings) -> None:
    expected = train(settings(), "c0ffee")
    shutil.rmtree(Path("runs", train(settings(), "c0ffee")))
    assert found(settings(), "c0ffee") == expected


def test_what_another_experiment_mirrored_is_not_found_there_is_no_opening_it_here(settings) -> None:
    train(settings(experiment="other"), "c0ffee")
    assert found(settings(), "c0ffee") is None


def test_a_folder_is_enough_when_the_server_is_dead(bare, dead: str) -> None:
    expected = train(bare(kind="off"), "c0ffee")
    assert found(bare(uri=dead, required=True), "c0ffee") == expected
    assert found(bare(uri=dead), "facade") is None
    with pytest.raises(TrackingError):
        found(bare(uri=dead, required=True), "facade")


@pytest.mark.parametrize("digest", ["", "C0FFEE", "x' or name = 'a", "c0ffee\n"])
def test_what_is_no_digest_is_refused(either: SimpleNamespace, digest: str) -> None:
    train(either, "")
    with pytest.raises(ValueError, match="hexadecimal"):
        tracking.find_finished(either, digest)
