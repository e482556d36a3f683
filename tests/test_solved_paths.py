"""Where the short ways beside attention begin: least squares, as scikit-learn finds it."""

from collections.abc import Callable
from operator import attrgetter

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from headway import solved_paths
from headway.config.train import TrainConfig
from headway.data.clock import Clock
from headway.data.series import Dataset, Series
from headway.models.transformer import Transformer
from headway.task import Task, prepare

WORDS = (
    "dataset.calendar.year=0",
    "windows.context_length=5",
    "windows.horizon=3",
    "model.d_model=4",
    "model.heads=1",
    "model.feed_forward=3",
)
PATHS = ("model.linear_path=true", "model.calendar_path=true")


def task_of(config: TrainConfig, *, missing: float) -> Task:
    """Two targets and another column in two series, hourly, with values missing at random."""
    generator = np.random.default_rng(3)
    times = np.datetime64("2024-01-01T00", "s") + np.arange(503) * np.timedelta64(3600, "s")
    series = []
    for name in ("north", "south"):
        day = np.sin(2 * np.pi * np.arange(503) / 24)[:, None] * [2.0, -3.0, 0.0]
        values = generator.normal(size=(503, 3)).cumsum(axis=0) + day + [5.0, 50.0, -7.0]
        values[generator.random(values.shape) < missing] = np.nan
        series.append(Series(name, times, values, np.zeros((503, 0))))
    dataset = Dataset("made", tuple(series), ("a", "b", "c"), ("b", "a"), (), Clock.parse("1h"), 24)
    return prepare(dataset, dataset_spec=config.dataset, splits=config.splits, windows=config.windows)


def solved(config: TrainConfig, task: Task) -> Transformer:
    network = Transformer(config.model, task.shape)
    solved_paths.solve(network, task)
    return network


def scaled(task: Task, number: int) -> np.ndarray:
    """Scaled rows of a series [time, 2] in the order of the targets, NaN where missing."""
    values = (task.dataset.series[number].values - task.scaler.mean) / task.scaler.scale
    return values[:, [1, 0]]


@pytest.mark.parametrize("missing", [0.0, 0.1])
def test_the_calendar_path_is_the_regression_of_training_rows_on_the_calendar(
    compose: Callable[..., TrainConfig], missing: float
) -> None:
    config = compose(*WORDS, *PATHS)
    task = task_of(config, missing=missing)
    network = solved(config, task)
    end = task.borders[0]["train"][1]
    calendar = np.concatenate([task.rows.known_future[:end], task.rows.known_future[503 : 503 + end]])
    rows = np.concatenate([scaled(task, number)[:end] for number in (0, 1)])
    for place in range(2):
        seen = ~np.isnan(rows[:, place])
        expected = LinearRegression().fit(calendar[seen], rows[seen, place]).coef_
        found = np.asarray(network.calendar_path.projection.kernel)[:, place]
        np.testing.assert_allclose(found, expected, atol=2e-3)


@pytest.mark.parametrize("kind", ["none", "last", "mean", "standard"])
def test_the_linear_path_is_the_regression_of_all_targets_future_on_their_levelled_past(
    compose: Callable[..., TrainConfig], kind: str
) -> None:
    config = compose(*WORDS, "model.linear_path=true", "model.channels=separate", f"model.normalisation={kind}")
    task = task_of(config, missing=0.0)
    network = solved(config, task)
    end = task.borders[0]["train"][1]
    past, future = [], []
    for number in (0, 1):
        for column in scaled(task, number)[:end].T:
            windows = np.lib.stride_tricks.sliding_window_view(column, 8)
            context, ahead = windows[:, :5], windows[:, 5:]
            level = context.mean(axis=1) if kind in ("mean", "standard") else context[:, -1]
            spread = context.std(axis=1) if kind == "standard" else np.ones(len(context))
            past.append((context - (0 if kind == "none" else level[:, None])) / spread[:, None])
            future.append((ahead - level[:, None]) / spread[:, None])
    expected = LinearRegression().fit(np.concatenate(past), np.concatenate(future))
    x = np.random.default_rng(1).normal(size=(7, 5)).astype("float32")
    x -= 0 if kind == "none" else x[:, -1:] if kind == "last" else x.mean(axis=1, keepdims=True)
    found = np.asarray(network.linear_path(x[:, :, None]))[..., 0, 0]
    np.testing.assert_allclose(found, expected.predict(x), rtol=1e-2, atol=1e-2)


def test_a_target_that_is_missing_is_left_out_and_the_calendar_is_taken_first(
    compose: Callable[..., TrainConfig],
) -> None:
    config = compose(*WORDS, *PATHS, "model.normalisation=mean", "model.channels=separate")
    complete, holey = (task_of(config, missing=share) for share in (0.0, 0.03))
    kernels = [np.asarray(solved(config, task).linear_path.projection.kernel) for task in (complete, holey)]
    assert np.isfinite(kernels).all()
    np.testing.assert_allclose(*kernels, atol=0.25)
    assert np.abs(kernels[0] - kernels[1]).max() > 1e-4


def test_with_mixed_channels_the_linear_path_is_the_regression_on_all_that_is_seen(
    compose: Callable[..., TrainConfig],
) -> None:
    config = compose(*WORDS, "model.linear_path=true")
    task = task_of(config, missing=0.0)
    network, rows = solved(config, task), task.rows
    starts = task.windows["train"].starts(np.arange(len(task.windows["train"])))
    past, south = starts[:, None] + np.arange(5), starts >= 503
    inputs = {
        "context": rows.values[past],
        "observed": rows.observed[past],
        "known_future": rows.known_future[starts[:, None] + np.arange(8)],
        "series": south.astype("int32"),
    }
    found = np.asarray(network.linear_path(inputs))[..., 0]
    for step in range(3):
        ahead = starts + 5 + step
        design = np.column_stack([rows.values[past].reshape(len(starts), -1), south, rows.known_future[ahead]])
        change = rows.values[ahead][:, [1, 0]] - rows.values[starts + 4][:, [1, 0]]
        expected = LinearRegression().fit(design, change).predict(design)
        np.testing.assert_allclose(found[:, step], expected, atol=2e-3)


def test_what_is_missing_has_weights_of_its_own(compose: Callable[..., TrainConfig]) -> None:
    config = compose(*WORDS, "model.linear_path=true")
    kernel = np.asarray(solved(config, task_of(config, missing=0.05)).linear_path.kernel)  # [2 * 5 * 3 + 2, H, 2]
    complete = np.asarray(solved(config, task_of(config, missing=0.0)).linear_path.kernel)
    assert np.isfinite(kernel).all()
    assert np.abs(kernel[15:30]).max() > 1e-2
    assert not complete[15:30].any()


def test_a_network_without_short_ways_is_left_as_it_is(compose: Callable[..., TrainConfig]) -> None:
    config = compose(*WORDS)
    task = task_of(config, missing=0.0)
    network = Transformer(config.model, task.shape)
    before = network.get_weights()
    solved_paths.solve(network, task)
    for one, other in zip(before, network.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_rows_that_stay_in_their_file_are_solved_chunk_by_chunk(
    compose: Callable[..., TrainConfig], on_disk: Callable[[Dataset], Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = compose(*WORDS, *PATHS)
    memory = task_of(config, missing=0.1)
    monkeypatch.setattr("headway.data.series._VALUES_AT_ONCE", 700)
    disk = prepare(on_disk(memory.dataset), dataset_spec=config.dataset, splits=config.splits, windows=config.windows)
    one, other = solved(config, memory), solved(config, disk)
    for path in ("calendar_path.projection.kernel", "linear_path.kernel", "linear_path.ahead"):
        found, expected = (np.asarray(attrgetter(path)(network)) for network in (other, one))
        assert np.abs(expected).max() > 0.01
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
