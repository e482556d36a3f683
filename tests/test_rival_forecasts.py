"""Forecasts of rivals: fitted on training windows alone, kept as numbers, and kept no longer than they hold."""

import logging
import os
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headway.config.train import TrainConfig
from headway.data.clock import Clock
from headway.data.scaling import Scaler
from headway.data.series import Dataset, Series
from headway.evaluation import rivals
from headway.evaluation.cases import Cases
from headway.rival_forecasts import cases, forecast, rival_forecasts
from headway.task import Task, prepare

LENGTHS = (211, 149)
SEASON = 7
WORDS = ("windows.context_length=5", "windows.horizon=3", "evaluation=quick")


def dataset_of(*, shift: float = 0.0, season: int = SEASON) -> Dataset:
    """Two hourly series of three features, two of them targets, a tenth missing; the last row moved by `shift`."""
    generator, series = np.random.default_rng(1), []
    for number, length in enumerate(LENGTHS):
        values = 20 + np.cumsum(generator.normal(size=(length, 3)), axis=0)
        values[generator.random(values.shape) < 0.1] = np.nan
        values[-1, 0] = 20 + shift
        times = np.datetime64("2024-01-01T00", "s") + np.arange(length) * np.timedelta64(3600, "s")
        series.append(Series(f"s{number}", times, values, np.zeros((length, 0))))
    return Dataset("made", tuple(series), ("a", "b", "c"), ("c", "a"), (), Clock(1, "h"), season)


@pytest.fixture(scope="module")
def task_of(compose: Callable[..., TrainConfig]) -> Callable[..., Task]:
    """Makes the task of a dataset and of overrides as typed."""

    def make(dataset: Dataset, *overrides: str) -> Task:
        config = compose(*WORDS, *overrides)
        return prepare(dataset, dataset_spec=config.dataset, splits=config.splits, windows=config.windows)

    return make


@pytest.fixture(scope="module")
def task(task_of: Callable[..., Task]) -> Task:
    return task_of(dataset_of())


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "runs" / "kept"


def of(name: str, task: Task, cache: Path | None = None, **words: Any) -> np.ndarray:
    return rival_forecasts([name], trained_on=task, judged_on=words.pop("judged_on", task), cache=cache, **words)[name]


def by_slicing(task: Task, split: str) -> Cases:
    """All windows of a split cut from the series one by one."""
    columns: dict[str, list[Any]] = {name: [] for name in ("context", "observed", "series", "history", "target")}
    past = max(5, task.dataset.season)
    for number, (series, border) in enumerate(zip(task.dataset.series, task.borders, strict=True)):
        begin, end = border[split]
        for origin in range(max(begin, 5) - 1, end - 3):
            shown, target = series.values[origin - 4 : origin + 1], series.values[origin + 1 : origin + 4, [2, 0]]
            usable = (~np.isnan(target)).any() and (~np.isnan(shown[:, [2, 0]])).any(axis=0).all()
            if not usable:
                continue
            history = np.full((past, 2), np.nan)
            known = series.values[max(0, origin + 1 - past) : origin + 1, [2, 0]]
            history[past - len(known) :] = known
            columns["context"].append(np.nan_to_num((shown - task.scaler.mean) / task.scaler.scale))
            columns["observed"].append(~np.isnan(shown))
            columns["series"].append(number)
            columns["history"].append(history)
            columns["target"].append(target)
    arrays = {name: np.array(values) for name, values in columns.items()}
    return Cases(
        context=arrays["context"].astype(np.float32),
        observed=arrays["observed"].astype(np.float32),
        known_future=np.zeros((len(arrays["series"]), 8, 0), np.float32),
        series=arrays["series"],
        num_series=2,
        history=arrays["history"],
        target=arrays["target"],
        season=task.dataset.season,
        mean=task.scaler.mean[[2, 0]],
        scale=task.scaler.scale[[2, 0]],
    )


@pytest.mark.parametrize("split", ["train", "validation", "test"])
@pytest.mark.parametrize("field", ["context", "observed", "series", "history", "target"])
def test_rivals_see_the_windows_as_they_lie_in_the_series(task: Task, split: str, field: str) -> None:
    found = [getattr(batch, field) for batch in cases(task, task.windows[split])]
    np.testing.assert_allclose(np.concatenate(found), getattr(by_slicing(task, split), field), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ["persistence", "seasonal_naive", "drift", "window_mean", "least_squares", "nlinear"])
def test_a_rival_is_fitted_on_training_windows_and_forecasts_the_test_windows(task: Task, name: str) -> None:
    rival = rivals.make(name)
    rival.fit([by_slicing(task, "train")])
    found = of(name, task)
    assert (found.shape, found.dtype) == ((len(task.windows["test"]), 3, 2), np.float64)
    np.testing.assert_allclose(found, rival.forecast(by_slicing(task, "test")), rtol=1e-5, atol=1e-4)


def test_another_split_can_be_forecast(task: Task) -> None:
    found = of("persistence", task, split="validation")
    np.testing.assert_allclose(found[:, 0], by_slicing(task, "validation").last, rtol=1e-6)


def test_windows_in_small_batches_are_the_same(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    together = of("linear_regression", task)
    monkeypatch.setattr("headway.rival_forecasts._VALUES_AT_ONCE", 1000)
    assert len(list(cases(task, task.windows["train"]))) > 7
    np.testing.assert_allclose(of("linear_regression", task), together, rtol=1e-4, atol=1e-4)


def changed(task: Task, rows: slice, by: float) -> Task:
    """The task with other values in some rows of all series, scaled as before."""
    series = []
    for one in task.dataset.series:
        values = one.values.copy()
        values[rows] += by
        series.append(replace(one, values=values))
    return replace(task, dataset=replace(task.dataset, series=tuple(series)))


@pytest.mark.parametrize("name", ["least_squares", "nlinear", "linear_regression", "seasonal_naive"])
def test_rows_after_the_training_border_teach_a_rival_nothing(task: Task, name: str) -> None:
    border = task.borders[0]["train"][1]
    # The 2 windows of validation that end before row border + 5 are known earlier.
    other = changed(task, slice(border + 5, None), 1000)
    plain, moved = (of(name, one, split="validation") for one in (task, other))
    first = task.windows["validation"]
    early = first.starts(np.arange(len(first))) + 5 <= border + 5
    assert early.sum() >= 2
    np.testing.assert_array_equal(plain[early], moved[early])
    assert not np.array_equal(plain, moved)


def test_a_change_of_training_rows_is_learned(task: Task) -> None:
    other = changed(task, slice(20, 40), 30)
    assert not np.array_equal(of("least_squares", task), of("least_squares", other))


def kept(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.iterdir())


def test_what_is_kept_is_returned_and_not_fitted_again(task: Task, cache: Path) -> None:
    first = of("least_squares", task, cache)
    (path,) = cache.iterdir()
    np.savez(path, forecast=first + 1)
    np.testing.assert_array_equal(of("least_squares", task, cache), first + 1)


def test_what_learns_nothing_is_not_kept(task: Task, cache: Path) -> None:
    of("persistence", task, cache)
    assert not cache.exists()


def test_nothing_is_kept_without_a_cache(task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    of("least_squares", task, None)
    assert not list(tmp_path.iterdir())


OTHER: dict[str, Callable[[Callable[..., Task]], Task]] = {
    "data": lambda make: make(dataset_of(shift=1e-9)),
    "season": lambda make: make(dataset_of(season=5)),
    "borders": lambda make: make(dataset_of(), "splits.test=0.1"),  # the scalers stay as they are
    "context": lambda make: make(dataset_of(), "windows.context_length=7"),
    "horizon": lambda make: make(dataset_of(), "windows.horizon=2"),
    "stride": lambda make: make(dataset_of(), "windows.stride=2"),
    "calendar": lambda make: make(dataset_of(), "dataset.calendar.day=3"),
    "scaler": lambda make: replace(make(dataset_of()), scaler=Scaler(np.zeros(3), np.full(3, 2.0))),
}


@pytest.mark.parametrize("change", OTHER)
def test_another_task_has_forecasts_of_its_own(
    task: Task, task_of: Callable[..., Task], cache: Path, change: str
) -> None:
    other = OTHER[change](task_of)
    of("least_squares", task, cache)
    of("least_squares", other, cache)
    assert len(kept(cache)) == 2


def test_windows_of_other_data_than_those_learned_from_have_forecasts_of_their_own(
    task: Task, task_of: Callable[..., Task], cache: Path
) -> None:
    other = task_of(dataset_of(shift=9.0), "splits.train=0.6")
    pairs = [(task, task), (task, other), (other, task), (other, other)]
    found = [of("least_squares", learned, cache, judged_on=judged) for learned, judged in pairs]
    assert len(kept(cache)) == 4
    assert not np.array_equal(found[0], found[2])


def test_another_split_or_rival_has_forecasts_of_its_own(task: Task, cache: Path) -> None:
    of("least_squares", task, cache)
    of("least_squares", task, cache, split="validation")
    of("nlinear", task, cache)
    assert [name.split("-")[0] for name in kept(cache)] == ["least_squares", "least_squares", "nlinear"]


@pytest.mark.parametrize("words", ["model.heads=2", "seed=5", "training.epochs=1", "evaluation.bootstrap=7"])
def test_the_same_task_shares_forecasts_whatever_is_trained_on_it(
    task: Task, task_of: Callable[..., Task], cache: Path, words: str
) -> None:
    first = of("least_squares", task, cache)
    names = kept(cache)
    np.testing.assert_array_equal(of("least_squares", task_of(dataset_of(), words), cache), first)
    assert kept(cache) == names


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-99])


def flip(position: float) -> Callable[[Path], None]:
    def harm(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[int(position * len(content))] ^= 255
        path.write_bytes(content)

    return harm


def one_array(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, np.zeros(3))


def another_type(path: Path) -> None:
    with np.load(path) as stored:
        forecast = stored["forecast"]
    np.savez(path, forecast=forecast.astype(np.float32) + 1)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "cut": cut,
    "text": lambda path: path.write_text("what"),
    "a byte of the values": flip(0.5),
    "a byte of the directory": flip(0.97),
    "one array alone": one_array,
    "another name": lambda path: np.savez(path, other=np.zeros(3)),
    "another shape": lambda path: np.savez(path, forecast=np.zeros((3, 2, 1))),
    "another type": another_type,
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_forecast_again(task: Task, cache: Path, damage: str) -> None:
    first = of("least_squares", task, cache)
    (path,) = cache.iterdir()
    DAMAGE[damage](path)
    np.testing.assert_array_equal(of("least_squares", task, cache), first)


def test_a_damaged_file_is_replaced_by_a_whole_one_and_nothing_else_is_left(task: Task, cache: Path) -> None:
    first = of("least_squares", task, cache)
    (path,) = cache.iterdir()
    path.write_bytes(b"PK\x03\x04 what")
    of("least_squares", task, cache)
    with np.load(path, allow_pickle=False) as stored:
        np.testing.assert_array_equal(stored["forecast"], first)
    assert kept(cache) == [path.name]


class Trap:
    """What runs code when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def test_nothing_is_unpickled(task: Task, cache: Path, tmp_path: Path) -> None:
    first = of("least_squares", task, cache)
    (path,) = cache.iterdir()
    trap = np.empty(first.shape, object)
    trap[:] = Trap(tmp_path / "sprung")
    np.savez(path, forecast=trap)
    assert pickle.dumps(trap)
    np.testing.assert_array_equal(of("least_squares", task, cache), first)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("depth", ["runs", "runs/kept"])
def test_a_cache_that_cannot_be_written_costs_a_warning(
    task: Task, tmp_path: Path, cache: Path, depth: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / depth).parent.mkdir(exist_ok=True)
    (tmp_path / depth).write_text("a file where a folder should be")
    with caplog.at_level(logging.WARNING):
        found = of("least_squares", task, cache)
    np.testing.assert_array_equal(found, of("least_squares", task))
    (message,) = [record.getMessage() for record in caplog.records]
    assert "forecasts of a rival are not kept" in message


def test_a_split_without_windows_has_forecasts_of_none(task: Task) -> None:
    none = {"train": (0, 0), "validation": (0, 0), "test": (0, 0)}
    windows = {**task.windows, "test": replace(task.windows["test"], first=np.zeros(0, int), count=np.zeros(0, int))}
    empty = replace(task, borders=(none, none), windows=windows)
    rival = rivals.make("persistence")
    assert forecast(rival, empty, "test").shape == (0, 3, 2)
