"""A forecaster whose file had neither header nor times, and whose targets nobody named: new data, and the audit."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from headway import unseen
from headway.audit.subject import Subject
from headway.config.train import TrainConfig
from headway.data import sources
from headway.errors import DataError
from headway.fitting import untrained
from headway.forecaster import Forecaster
from headway.forecasting import forecast_windows
from headway.models.transformer import Transformer
from headway.task import Task, prepare
from headway.unseen import UnseenData

WORDS = (
    *("dataset=csv", "dataset.targets=null", "dataset.timestamp=null", "dataset.start=2024-01-01"),
    *("dataset.frequency=1h", "windows.context_length=3", "windows.horizon=2", "model.d_model=4", "model.heads=1"),
    *("model.feed_forward=3", "evaluation.rivals=[persistence]", "tracking=off"),
)


def numbers(seed: int, rows: int) -> NDArray[np.float64]:
    """Rows of three columns whose levels lie far apart, so that exchanged ones are seen."""
    return np.random.default_rng(seed).normal([10, 200, 3000], size=(rows, 3)).round(3)


def write(values: NDArray[np.float64], path: Path, header: str = "") -> Path:
    np.savetxt(path, values, delimiter=",", fmt="%.3f", header=header, comments="")
    return path


def trained(config: TrainConfig) -> tuple[Task, Forecaster]:
    """A task, and a forecaster of random weights for it."""
    dataset = sources.read(config.dataset)
    task = prepare(dataset, dataset_spec=config.dataset, splits=config.splits, windows=config.windows)
    network = Transformer(config.model, task.shape)
    generator = np.random.default_rng(2)
    for variable in network.weights:
        variable.assign(generator.normal(scale=0.3, size=variable.shape))
    return task, untrained(network, task)


def judged(config: TrainConfig, path: Path) -> tuple[Task, UnseenData, NDArray[np.float64]]:
    """The task of training, a new file as it is judged, and a forecaster's medians [W, H, targets] of that file."""
    task, forecaster = trained(config)
    data = unseen.read(str(path), config, forecaster, task.dataset.fingerprint(), project=Path())
    quantiles, _ = forecast_windows(forecaster, data.judged_on, "test", batch_size=97)
    return task, data, quantiles[..., forecaster.median]


def test_a_new_file_without_header_and_times_is_judged(compose: Callable[..., TrainConfig], tmp_path: Path) -> None:
    path = write(numbers(1, 101), tmp_path / "old.txt")
    new = write(numbers(2, 61), tmp_path / "new.txt")
    config = compose(*WORDS, f"dataset.path={path}", "dataset.columns=[a,b,c]", "dataset.source=elsewhere")
    task, data, _ = judged(config, new)
    assert data.judged_on.dataset.targets == task.dataset.targets == ("a", "b", "c")
    np.testing.assert_array_equal(data.judged_on.dataset.values, numbers(2, 61))
    assert (len(data.judged_on.windows["test"]), data.trained_on.dataset.num_rows) == (61 - 4, 101)
    write(numbers(2, 61)[:, :2], new)
    with pytest.raises(DataError, match=r"new\.txt:1: dataset\.columns names 3 columns .* this line has 2 fields"):
        judged(config, new)
    # Where the training data are from does not say where others are.
    with pytest.raises(DataError, match=r"gone\.txt: no such file") as error:
        judged(config, tmp_path / "gone.txt")
    assert "elsewhere" not in str(error.value)


def test_columns_in_another_order_are_forecast_as_in_training(
    compose: Callable[..., TrainConfig], tmp_path: Path
) -> None:
    old = write(numbers(1, 101), tmp_path / "old.csv", header="a,b,c")
    config = compose(*WORDS, f"dataset.path={old}")
    _, data, expected = judged(config, write(numbers(2, 61), tmp_path / "new.csv", header="a,b,c"))
    frame = pd.read_csv(tmp_path / "new.csv")[["c", "a", "b"]]
    frame.to_csv(tmp_path / "turned.csv", index=False)
    _, turned, found = judged(config, tmp_path / "turned.csv")
    assert turned.judged_on.dataset.targets == data.judged_on.dataset.targets == ("a", "b", "c")
    np.testing.assert_array_equal(found, expected)
    frame.assign(d=1.0).to_csv(tmp_path / "more.csv", index=False)
    with pytest.raises(DataError, match=r"more\.csv: has d besides; the forecaster was trained on a, b, c"):
        judged(config, tmp_path / "more.csv")


def test_the_audit_counts_the_times_that_the_file_lacks(compose: Callable[..., TrainConfig], tmp_path: Path) -> None:
    path = write(numbers(1, 101), tmp_path / "old.txt")
    config = compose(*WORDS, f"dataset.path={path}", "dataset.columns=[a,b,c]")
    subject = Subject.read(config, trained(config)[1], project=Path())
    hours = np.arange(101) * np.timedelta64(3600, "s")
    np.testing.assert_array_equal(subject.times, np.datetime64("2024-01-01", "s") + hours)
    assert (subject.columns, [rows.tolist() for rows in subject.rows]) == (["a", "b", "c"], [[*range(101)]])
