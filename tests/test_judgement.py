"""Judging a forecaster: the same windows for all, and nothing learned from the test split."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from headway.config.train import TrainConfig
from headway.data import sources
from headway.data.series import Series
from headway.forecaster import Forecaster
from headway.judgement import MODEL, Judgement, judge_forecaster
from headway.models.transformer import Transformer
from headway.task import Task, prepare

WORDS = (
    *("dataset=csv", "dataset.timestamp=time", "dataset.targets=[y]", "dataset.season=5", "dataset.calendar.week=0"),
    *("windows.context_length=3", "windows.horizon=2", "model.d_model=4", "model.heads=1", "model.feed_forward=3"),
)


@pytest.fixture
def config(compose: Callable[..., TrainConfig], write_csv: Callable[..., Path]) -> TrainConfig:
    """A small task: hourly rows of y, with a missing hour longer than any window may cross."""
    generator = np.random.default_rng(1)
    times = np.datetime64("2024-01-01T00", "m") + 60 * np.r_[0:50, 90:211]
    rows = [
        (time, round(value, 3), row % 7)
        for row, (time, value) in enumerate(zip(times, generator.normal(size=171), strict=True))
    ]
    path = write_csv([("time", "y", "x"), *rows])
    return compose(*WORDS, f"dataset.path={path}", "dataset.max_gap=3")


@pytest.fixture
def task(config: TrainConfig) -> Task:
    dataset = sources.read(config.dataset, project=Path())
    return prepare(dataset, dataset_spec=config.dataset, splits=config.splits, windows=config.windows)


def judged(config: TrainConfig, task: Task) -> Judgement:
    network = Transformer(config.model, task.shape)
    generator = np.random.default_rng(2)
    for variable in network.weights:
        variable.assign(generator.normal(scale=0.3, size=variable.shape))
    dataset = task.dataset
    forecaster = Forecaster(
        network=network,
        features=dataset.features,
        targets=dataset.targets,
        known_future_columns=(),
        series=tuple(series.name for series in dataset.series),
        clock=dataset.clock,
        cycles=task.cycles,
        scaler=task.scaler,
        known_future_scaler=task.known_future_scaler,
        units={},
    )
    return judge_forecaster(forecaster, task, config.evaluation)


def test_every_forecaster_is_judged_on_the_same_values(config: TrainConfig, task: Task) -> None:
    judgement = judged(config, task)
    assert list(judgement.judged) == [MODEL, "persistence", "seasonal_naive", "least_squares"]
    for one in judgement.judged.values():
        np.testing.assert_array_equal(one.actual, judgement.windows.target)
        assert np.isfinite(one.forecast).all()
    assert judgement.scores.num_windows == len(task.windows["test"])


def test_the_scale_of_mase_comes_from_training_rows_and_no_difference_crosses_a_gap(
    config: TrainConfig, task: Task
) -> None:
    values = task.dataset.series[0].values[:, 0]
    end = task.borders[0]["train"][1]
    (gap,) = task.dataset.series[0].segments[1:]
    assert gap < end
    pairs = [(row, row - 5) for row in range(5, end) if (row < gap) == (row - 5 < gap)]
    expected = np.mean([abs(values[row] - values[before]) for row, before in pairs])
    np.testing.assert_allclose(judged(config, task).judged[MODEL].seasonal_scale, expected)


def test_rivals_learn_nothing_from_the_test_split(config: TrainConfig, task: Task) -> None:
    begin, _ = task.borders[0]["test"]
    series = task.dataset.series[0]
    values = series.values.copy()
    values[begin + 10 :] += 1000
    changed = replace(series, values=values)
    assert isinstance(changed, Series)
    other = replace(task, dataset=replace(task.dataset, series=(changed,)))
    first, second = (judged(config, one).judged for one in (task, other))
    for name in first:  # the first test windows end before the change
        np.testing.assert_array_equal(first[name].forecast[:9], second[name].forecast[:9])


def test_files_hold_the_table_of_the_scores(config: TrainConfig, task: Task, tmp_path: Path) -> None:
    judgement = judged(config, task)
    judgement.write(tmp_path)
    assert all((tmp_path / name).stat().st_size for name in judgement.files)
    table = pd.read_csv(tmp_path / "scores.csv", dtype={"horizon": str})
    row = table[(table.forecaster == "persistence") & (table.horizon == "2")]
    assert float(row.mae.iloc[0]) == pytest.approx(judgement.scores.value("y", "persistence", "mae", 2))
    assert f"{judgement.scores.value('y', MODEL, 'mae'):.3f}" in (tmp_path / "scores.txt").read_text()
    skill = judgement.skills("y")["persistence"]
    mae = [judgement.scores.value("y", name, "mae") for name in (MODEL, "persistence")]
    assert skill == pytest.approx(1 - mae[0] / mae[1])
