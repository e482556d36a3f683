"""One window on request: the one whose context ends at the time that was asked for, with what its steps received."""

import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from headway.config.train import TrainConfig
from headway.data import batches, sources
from headway.data.clock import Clock
from headway.data.scaling import Scaler
from headway.data.series import Dataset, Series
from headway.data.windows import WindowIndex
from headway.errors import DataError
from headway.explained_window import explain_window, find_windows
from headway.fitting import untrained
from headway.forecaster import Forecaster
from headway.models.transformer import Transformer
from headway.task import Task, prepare

NAMES = ("a b", "a_b", "ä/../" * 61, "d", "e")
ROWS = 211
WORDS = (
    *("dataset=csv", "dataset.timestamp=time", "dataset.series=place", "dataset.targets=[y]", "dataset.max_gap=3"),
    *("windows.context_length=5", "windows.horizon=2", "model.d_model=4", "model.heads=2", "model.feed_forward=3"),
)


def made(compose: Callable[..., TrainConfig], folder: Path, *, step: str = "h", names: tuple[str, ...] = NAMES) -> Any:
    """Config, task and values: series of noise; the last begins 23 steps later and has a long gap."""
    generator, parts = np.random.default_rng(1), []
    times = pd.date_range("2024-01-01", periods=ROWS, freq=step).strftime("%Y-%m-%dT%H:%M:%S")
    for name in names:
        values = generator.normal(size=(ROWS, 2)).round(3)
        parts.append(pd.DataFrame({"time": times, "place": name, "y": values[:, 0], "x": values[:, 1]}))
    parts[-1] = parts[-1].drop(index=[*range(23), *range(53, 61)])
    frame = pd.concat(parts, ignore_index=True)
    frame.to_csv(folder / "own.csv", index=False)
    config = compose(*WORDS, f"dataset.path={folder / 'own.csv'}")
    dataset = sources.read(config.dataset)
    return config, prepare(dataset, dataset_spec=config.dataset, splits=config.splits, windows=config.windows), frame


@pytest.fixture(scope="module")
def subject(compose: Callable[..., TrainConfig], tmp_path_factory: pytest.TempPathFactory) -> Any:
    return made(compose, tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def task(subject: Any) -> Task:
    found: Task = subject[1]
    return found


@pytest.fixture(scope="module")
def forecaster(subject: Any) -> Forecaster:
    config, task, _ = subject
    network, generator = Transformer(config.model, task.shape), np.random.default_rng(2)
    for variable in network.weights:
        variable.assign(generator.normal(scale=0.5, size=variable.shape))
    return untrained(network, task)


def origin_of(task: Task, window: Any) -> np.datetime64:
    """The time of the last step seen."""
    index = task.windows[window.split]
    found: np.datetime64 = task.dataset.timestamps[index.starts(np.array([window.number]))[0] + 4]
    return found


@pytest.mark.parametrize(
    ("at", "split"), [("2024-01-02T07:00", "train"), ("2024-01-09T07", "test"), ("20240102T0700", "train")]
)
def test_the_window_found_ends_at_the_time_and_forecasts_in_its_split(task: Task, at: str, split: str) -> None:
    (window,) = find_windows(task, at, "d")
    assert (window.split, window.series) == (split, 3)
    assert origin_of(task, window) == np.datetime64(pd.Timestamp(at))


@pytest.mark.parametrize("change", [{}, {"stride": 3}, {"most": 7}])
def test_whatever_the_time_its_window_is_found_or_the_nearest_is_named(subject: Any, change: dict[str, int]) -> None:
    config, task, _ = subject
    sizes = config.windows.model_copy(update=change)
    cut = prepare(task.dataset, dataset_spec=config.dataset, splits=config.splits, windows=sizes)
    expected: dict[tuple[str, str], list[tuple[str, np.datetime64]]] = {}
    for split, index in cut.windows.items():
        every = replace(index, most=None)
        raw = batches.gather_raw(cut.dataset, every, np.arange(len(every)))
        for owner, origin in zip(raw.series, raw.origins.astype("datetime64[m]"), strict=True):
            expected.setdefault((NAMES[owner], str(origin)), []).append((split, origin))
    for name in NAMES:
        own = np.array(sorted(origins[0][1] for (one, _), origins in expected.items() if one == name))
        for time in np.datetime64("2023-12-31T22", "m") + 60 * np.arange(0, ROWS + 5, 2):
            if (name, str(time)) in expected:
                (found,) = find_windows(cut, str(time), name)
                number = np.array([found.number])
                every = replace(cut.windows[found.split], most=None)
                assert [(found.split, *batches.gather_raw(cut.dataset, every, number).origins)] == expected[
                    name, str(time)
                ]
                continue
            with pytest.raises(DataError) as error:
                find_windows(cut, str(time), name)
            told = str(error.value).split()
            first, last, nearest = told[-7], told[-5].rstrip(","), told[-1]
            assert (first, last) == (str(own[0]), str(own[-1]))
            assert abs(np.datetime64(nearest) - time) == abs(own - time).min()


def test_a_window_among_millions_is_found_without_looking_at_all_of_them() -> None:
    rows, none = 2_000_003, np.zeros((0, 0))
    times = np.datetime64("1990-01-01", "s") + 60 * np.arange(rows)
    series = Series("one", times, np.zeros((rows, 1)), np.empty((rows, 0)))
    dataset = Dataset("made", (series,), ("y",), ("y",), (), Clock(1, "min"), 1440)
    index = WindowIndex(np.array([0]), np.array([rows - 6]), np.array([0]), 1, 5, 2, {})
    scalers = Scaler(none, none), Scaler(none, none)
    task = Task(dataset, (), {"train": index}, *scalers, {})
    assert len(dataset.timestamps) == rows  # put together before memory is measured
    tracemalloc.start()
    (window,) = find_windows(task, "1992-03-04T05:06", None)
    with pytest.raises(DataError, match="the nearest at 1990-01-01T00:04"):
        find_windows(task, "1989-03-04T05:06", "one")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert times[window.number + 4] == np.datetime64("1992-03-04T05:06")
    assert peak < rows


def test_without_a_series_the_first_four_that_have_such_a_window_are_found(task: Task) -> None:
    found = find_windows(task, "2024-01-02T07:00", None)
    assert [window.series for window in found] == [0, 1, 2, 3]
    assert {origin_of(task, window) for window in found} == {np.datetime64("2024-01-02T07:00")}


def test_a_time_that_ends_no_window_is_refused_with_the_nearest_that_does(task: Task) -> None:
    # The last series begins at 23:00; five hours must be seen, and two follow. Rows 53 to 60 are missing.
    with pytest.raises(DataError) as error:
        find_windows(task, "2024-01-02T02:00", "e")
    assert str(error.value).startswith(
        "no window's context ends at 2024-01-02T02:00: they end from 2024-01-02T03:00 to "
    )
    assert str(error.value).endswith("the nearest at 2024-01-02T03:00")
    with pytest.raises(DataError, match=r"the nearest at 2024-01-03T02:00$"):
        find_windows(task, "2024-01-03T04:00", "e")


def test_a_series_that_is_not_there_is_refused_with_those_that_are(task: Task) -> None:
    with pytest.raises(DataError, match=r"attention.series='f' is no series of csv: there are a b, a_b, "):
        find_windows(task, "2024-01-02T07:00", "f")


def test_the_table_holds_the_values_of_the_file_and_the_weight_of_every_step(
    subject: Any, task: Task, forecaster: Forecaster, tmp_path: Path
) -> None:
    (window,) = find_windows(task, "2024-01-02T07:00", "d")
    _, text = explain_window(forecaster, task, window, tmp_path)
    assert text.splitlines()[0] == "d, 2024-01-02T07:00, train split"
    lines = [line.split() for line in text.splitlines() if "2024-01-02T" in line and "h" in line.split()[1:2]]
    lines.append(text.splitlines()[-1].split())
    frame = subject[2]
    own = frame[frame.place == "d"].set_index("time")
    for back, line in zip(range(4, -1, -1), lines, strict=True):
        time = f"2024-01-02T{7 - back:02d}:00"
        weight, target, other = map(float, line[-3:])
        assert line[-4] == time
        row = own.loc[f"{time}:00"]
        assert (target, other) == pytest.approx((row.y, row.x), rel=1e-3)
        # The forecast reads every step: what a step receives is the mean over all that attend, heads and layers.
        index = task.windows[window.split]
        start = int(index.starts(np.array([window.number]))[0])
        scores = scores_of(forecaster, task, start)
        assert weight == pytest.approx(5 * scores.mean(axis=(0, 1, 2))[4 - back], abs=0.006)


def scores_of(forecaster: Forecaster, task: Task, start: int) -> Any:
    """Attention of one window [L, N, T, S], from rows cut by hand."""
    rows = slice(start, start + 5)
    inputs = forecaster.inputs(
        task.dataset.values[None, rows],
        origins=task.dataset.timestamps[start + 4 : start + 5],
        series=np.array([3]),
        known_future=np.zeros((1, 7, 0)),
    )
    return forecaster.attention_scores(inputs)[0]


def test_windows_of_names_that_look_alike_or_never_end_have_files_of_their_own(
    task: Task, forecaster: Forecaster, tmp_path: Path
) -> None:
    paths = [
        explain_window(forecaster, task, window, tmp_path)[0] for window in find_windows(task, "2024-01-02T07", None)
    ]
    assert len(set(paths)) == 4
    for path in paths:
        assert (tmp_path / path).parent == tmp_path / "windows" and len(path) < 100
        assert (tmp_path / path).read_bytes().startswith(b"\x89PNG")


def test_on_a_clock_of_seconds_the_second_is_found_and_shown(
    compose: Callable[..., TrainConfig], tmp_path: Path
) -> None:
    _, task, _ = made(compose, tmp_path, step="10s", names=("n", "o"))
    (window,) = find_windows(task, "2024-01-01T00:10:30", "n")
    assert origin_of(task, window) == np.datetime64("2024-01-01T00:10:30")
    with pytest.raises(
        DataError, match=r"they end from 2024-01-01T00:00:40 to .*, the nearest at 2024-01-01T00:00:40$"
    ):
        find_windows(task, "2024-01-01T00:00:10", "n")
