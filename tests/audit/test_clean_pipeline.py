"""The pipeline as it is holds every property, whatever a valid configuration asks for."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from headway.audit import PROPERTIES, Audit, audit_leaks
from headway.config.train import TrainConfig
from headway.models.transformer import Transformer
from headway.task import Task

SMALL = ("model.d_model=4", "model.heads=1", "model.feed_forward=3", "model.layers=1", "training.batch_size=17")


def test_the_pipeline_leaks_nothing_of_a_dirty_file(dirty_config: TrainConfig, audited: Callable[..., Audit]) -> None:
    audit = audited(dirty_config)
    assert audit.leaks == []
    assert len(PROPERTIES) <= 6
    assert all(f"{number}. {words}" in audit.text for number, words in enumerate(PROPERTIES, 1))
    assert "no leak found: 6 properties" in audit.text
    assert "promo: known in advance" in audit.text
    assert "not compared" not in audit.text


@pytest.mark.slow
def test_the_pipeline_leaks_nothing_of_the_shipped_file(
    compose: Callable[..., TrainConfig], project: Path, audited: Callable[..., Audit]
) -> None:
    assert audited(compose(), project=project).leaks == []


def test_one_series_in_strides_with_borders_in_rows(
    compose: Callable[..., TrainConfig], write_csv: Callable[..., Path], audited: Callable[..., Audit]
) -> None:
    rows = hourly(131)
    path = write_csv([("time", "y", "x"), *rows[:29], *rows[30:]])
    splits = ["splits.train=71", "splits.validation=23", "splits.test=19", "windows.stride=3"]
    sizes = ["windows.context_length=1", "windows.horizon=1", "model.head=point", "evaluation.calibration=off"]
    words = [*SMALL, *splits, *sizes, f"dataset.path={path}", "dataset.timestamp=time", "dataset.targets=[y]"]
    audit = audited(compose("dataset=csv", *words, "dataset.max_gap=0"))
    assert audit.leaks == []
    assert audit.text.count("not compared") == audit.text.count("not compared: order of the file") == 1


def test_typed_columns_of_a_parquet_file(
    compose: Callable[..., TrainConfig], tmp_path: Path, audited: Callable[..., Audit]
) -> None:
    frame = pd.DataFrame(hourly(131), columns=["time", "speed", "direction"])
    frame["time"] = pd.to_datetime(frame["time"])
    frame["speed"] = pd.to_numeric(frame["speed"]).abs().astype("float32")
    frame["direction"] = pd.to_numeric(frame["direction"]).mul(70).abs().round().astype("Int64")
    frame.to_parquet(tmp_path / "file.parquet")
    wind = ["+dataset.components.wind={speed: speed, direction: direction}", "dataset.features=[wind_u]"]
    words = [f"dataset.path={tmp_path / 'file.parquet'}", "dataset.timestamp=time", "dataset.targets=[wind_v]", *wind]
    audit = audited(compose("dataset=csv", *SMALL, *words, "splits.purge=2", "evaluation.batch_size=7"))
    assert audit.leaks == []
    assert audit.text.count("not compared") == 1  # one series in order of time


def test_rows_in_disorder_that_stand_twice_or_not_at_all(
    compose: Callable[..., TrainConfig], write_csv: Callable[..., Path], audited: Callable[..., Audit]
) -> None:
    once = hourly(151)
    rows = [*once[:33], *once[34:90], *once[93:], *hourly(151, seed=2)[40:60]]
    order = np.random.default_rng(4).permutation(len(rows))
    path = write_csv([("time", "y", "x"), *(rows[row] for row in order)])
    words = [f"dataset.path={path}", "dataset.timestamp=time", "dataset.targets=[y]", "dataset.known_future=[]"]
    policies = ["dataset.sort=true", "dataset.duplicates=mean", "dataset.frequency=1h", "dataset.max_gap=1"]
    audit = audited(compose("dataset=csv", *SMALL, *words, *policies))
    assert audit.leaks == []
    assert "not compared" not in audit.text


def test_months_of_two_series_of_which_one_is_too_short_for_the_test(
    compose: Callable[..., TrainConfig], write_csv: Callable[..., Path], audited: Callable[..., Audit]
) -> None:
    months = [str(np.datetime64("1990-01", "M") + month) + "-15" for month in range(149)]
    rows = [
        (month, name, *row[1:])
        for name, count in (("a", 149), ("b", 23))
        for month, row in zip(months[:count], hourly(count), strict=True)
    ]
    path = write_csv([("time", "name", "y", "x"), *rows])
    words = [f"dataset.path={path}", "dataset.timestamp=time", "dataset.series=name", "dataset.targets=[y]"]
    audit = audited(compose("dataset=csv", *SMALL, *words, "windows.context_length=5", "windows.horizon=3"))
    assert audit.leaks == []
    assert "not compared" not in audit.text


def test_a_leak_is_told_by_thing_circumstance_and_place(
    dirty_config: TrainConfig,
    clean_task: Task,
    network: Transformer,
    forecaster_of: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A forecaster of another scaler than its data give."""
    forecaster = forecaster_of(dirty_config, clean_task, network)
    shifted = replace(forecaster.scaler, mean=forecaster.scaler.mean + np.eye(3)[2])
    audit = audit_leaks(dirty_config, replace(forecaster, scaler=shifted), project=Path())
    words = "forecaster.scaler.mean: 1 of 3 columns differ, first: column wind"
    assert f"audit=leaks: property 5 does not hold: {words}" in audit.leaks
    assert words.partition(": ")[2] in audit.text
    assert f"{len(audit.leaks)} leaks found" in audit.text


def hourly(count: int, seed: int = 1) -> list[tuple[str, str, str]]:
    """Rows of a time and two walks with gaps."""
    generator = np.random.default_rng(seed)
    times = np.datetime64("2024-01-01T00", "m") + 60 * np.arange(count)
    values = generator.normal(size=(count, 2)).cumsum(axis=0)
    missing = generator.random((count, 2)) < 0.05
    return [
        (str(time), *("" if gap else f"{value:.3f}" for value, gap in zip(row, gaps, strict=True)))  # type: ignore[misc]
        for time, row, gaps in zip(times, values, missing, strict=True)
    ]
