"""A run that is finished need not be trained again: the same settings, data and code find it, others do not."""

import functools
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from headway import tracking
from headway.config.train import TrainConfig
from headway.data import sources
from headway.errors import DataError
from headway.identity import digest_of
from headway.sweeps.finished import FinishedRuns

RESULT = {"metrics": {"validation/best_error": 1.25, "train/seconds": 17, "weights": 97, "more": 3}, "task": "same"}


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A csv of a random walk, in the folder where commands are typed."""
    monkeypatch.chdir(tmp_path)
    return write(tmp_path / "walk.csv")


def write(path: Path, *, last: float = 0.0) -> Path:
    values = np.random.default_rng(3).normal(size=211).cumsum().round(3)
    values[-1] += last
    times = np.datetime64("2024-01-01T00", "m") + 60 * np.arange(211)
    path.write_text("time,y\n" + "".join(f"{time},{y}\n" for time, y in zip(times, values, strict=True)))
    return path


@pytest.fixture(scope="module")
def composed(compose: Callable[..., TrainConfig]) -> Callable[..., TrainConfig]:
    """As `compose`, each once."""
    return functools.cache(compose)


@pytest.fixture
def config(composed: Callable[..., TrainConfig], data: Path) -> Callable[..., TrainConfig]:
    words = ["dataset=csv", "dataset.timestamp=time", "dataset.targets=[y]", "tracking=off"]
    return lambda *overrides: composed(*words, f"dataset.path={data.name}", *overrides)


def finish(config: TrainConfig, *, score: float | None = 1.25, result: str = json.dumps(RESULT)) -> str:
    """Leave a run as a training does that ends well; returns its id."""
    digest = digest_of(config, sources.read(config.dataset).fingerprint())
    with tracking.start(config.tracking, name="earlier", comparable="", digest=digest) as run:
        (run.folder / "forecaster").mkdir()
        (run.folder / "training.json").write_text(result)
        if score is not None:
            run.set_score(score)
        return run.id


@pytest.fixture
def runs(config: Callable[..., TrainConfig], project: Path) -> Iterator[FinishedRuns]:
    return FinishedRuns(config().tracking, project=project)


def test_a_finished_run_of_the_same_training_is_found(config: Callable[..., TrainConfig], runs: FinishedRuns) -> None:
    assert runs.like(config("seed=5")) is None
    id_ = finish(config("seed=5"))
    found = runs.like(config("seed=5"))
    assert found is not None
    assert (found.run, found.mlflow_run, found.result.task) == (id_, None, "same")
    assert found.result.metrics == RESULT["metrics"]


@pytest.mark.parametrize("override", ["evaluate=false", "tracking.experiment=another"])
def test_it_is_found_whatever_was_logged_and_judged(
    config: Callable[..., TrainConfig], runs: FinishedRuns, override: str
) -> None:
    finish(config(override))
    assert runs.like(config()) is not None


@pytest.mark.parametrize("override", ["seed=5", "training.epochs=7", "model.heads=2", "evaluation.bootstrap=7"])
def test_other_settings_do_not_find_it(config: Callable[..., TrainConfig], runs: FinishedRuns, override: str) -> None:
    finish(config())
    assert runs.like(config(override)) is None


def test_other_data_do_not_find_it(config: Callable[..., TrainConfig], data: Path, project: Path) -> None:
    finish(config())
    write(data, last=0.001)
    assert FinishedRuns(config().tracking, project=project).like(config()) is None
    write(data)
    assert FinishedRuns(config().tracking, project=project).like(config()) is not None


@pytest.mark.parametrize("score", [None, float("nan")])
def test_a_run_without_a_score_stands_for_nothing(
    config: Callable[..., TrainConfig], runs: FinishedRuns, score: float | None
) -> None:
    finish(config(), score=score)
    assert runs.like(config()) is None


def test_a_run_that_failed_stands_for_nothing(config: Callable[..., TrainConfig], runs: FinishedRuns) -> None:
    digest = digest_of(config(), sources.read(config().dataset).fingerprint())
    with (
        pytest.raises(RuntimeError),
        tracking.start(config().tracking, name="earlier", comparable="", digest=digest) as run,
    ):
        (run.folder / "forecaster").mkdir()
        (run.folder / "training.json").write_text(json.dumps(RESULT))
        run.set_score(1.25)
        raise RuntimeError("no luck")
    assert runs.like(config()) is None


@pytest.mark.parametrize(
    "result",
    [
        "", "{", "[]", "{}", '{"metrics": {}, "task": "same"}', '{"metrics": {"weights": "many"}, "task": "same"}',
        '{"metrics": {"validation/best_error": 1.25, "weights": 97}, "task": "same"}',
    ],
)  # fmt: skip
def test_a_run_whose_result_is_damaged_stands_for_nothing(
    config: Callable[..., TrainConfig], runs: FinishedRuns, result: str
) -> None:
    finish(config(), result=result)
    assert runs.like(config()) is None


def test_a_run_of_an_older_version_without_a_result_stands_for_nothing(
    config: Callable[..., TrainConfig], runs: FinishedRuns, tmp_path: Path
) -> None:
    (tmp_path / "runs" / finish(config()) / "training.json").unlink()
    assert runs.like(config()) is None


def test_data_that_cannot_be_read_are_named(config: Callable[..., TrainConfig], runs: FinishedRuns, data: Path) -> None:
    data.unlink()
    with pytest.raises(DataError, match=r"walk\.csv"):
        runs.like(config())
