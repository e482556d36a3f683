"""The two benchmarks that do not ship, as their files are; skipped where a file is not there."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from headway.config.dataset import DatasetSpec
from headway.config.train import TrainConfig
from headway.data import sources
from headway.task import prepare

# Rows to train, validate and test, and windows of 96 + 96 rows, as the literature counts them.
BORDERS = {"etth1": (8640, 2880, 2880), "exchange_rate": (5311, 760, 1517)}
WINDOWS = {"etth1": (8449, 2785, 2785), "exchange_rate": (5120, 665, 1422)}


@pytest.fixture
def benchmark_config(compose: Callable[..., TrainConfig], project: Path) -> Callable[[str], TrainConfig]:
    """Composes the configuration of a benchmark with the borders of the literature."""

    def benchmark_config(name: str) -> TrainConfig:
        borders = [
            f"splits.{key}={rows}" for key, rows in zip(("train", "validation", "test"), BORDERS[name], strict=True)
        ]
        config = compose(f"dataset={name}", *borders, "windows.context_length=96", "windows.horizon=96")
        if not (project / config.dataset.path).exists():
            pytest.skip(f"{config.dataset.path} is not there: {config.dataset.source}; see data/README.md")
        return config

    return benchmark_config


def plain_rows(spec: DatasetSpec, project: Path) -> list[list[str]]:
    """Fields of the rows, split by hand."""
    lines = (project / spec.path).read_text(encoding="utf-8").splitlines()
    return [line.split(",") for line in lines[0 if spec.columns else 1 :]]


def test_every_hour_of_etth1_is_read_as_it_stands(
    benchmark_config: Callable[[str], TrainConfig], project: Path
) -> None:
    spec = benchmark_config("etth1").dataset
    dataset, rows = sources.read(spec, project=project), plain_rows(spec, project)
    assert dataset.targets == dataset.features == ("HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT")
    np.testing.assert_array_equal(dataset.values, [[float(field) for field in row[1:]] for row in rows])
    np.testing.assert_array_equal(dataset.timestamps, np.array([row[0] for row in rows], "datetime64[s]"))
    assert (dataset.num_rows, str(dataset.clock), dataset.season, dataset.notes) == (17_420, "1h", 24, ())


def test_every_row_of_the_exchange_rates_is_read_as_it_stands(
    benchmark_config: Callable[[str], TrainConfig], project: Path
) -> None:
    spec = benchmark_config("exchange_rate").dataset
    dataset, rows = sources.read(spec, project=project), plain_rows(spec, project)
    np.testing.assert_array_equal(dataset.values, np.array(rows, np.float64))
    assert (dataset.num_rows, str(dataset.clock), dataset.notes) == (7588, "1D", ())
    # Known to anyone who reads the news: a dollar bought about a hundred yen, and never as many of the others.
    assert dataset.features[int(np.median(dataset.values, axis=0).argmin())] == "JPY"
    # China devalued by a third on the first day of 1994, Britain voted to leave on 23 June 2016.
    change = np.diff(np.log(dataset.values), axis=0)
    assert change.min(axis=0).argmin() == dataset.features.index("CNY")
    assert change[7000:].min(axis=0).argmin() == dataset.features.index("GBP")


@pytest.mark.parametrize("name", BORDERS)
def test_a_benchmark_has_the_windows_of_the_literature(
    benchmark_config: Callable[[str], TrainConfig], project: Path, name: str
) -> None:
    config = benchmark_config(name)
    dataset = sources.read(config.dataset, project=project)
    task = prepare(dataset, dataset_spec=config.dataset, splits=config.splits, windows=config.windows)
    assert tuple(len(task.windows[split]) for split in ("train", "validation", "test")) == WINDOWS[name]
    assert not any(index.dropped for index in task.windows.values())
    assert task.shape.targets == tuple(range(len(dataset.features)))
    assert task.shape.num_known_future == (14 if name == "etth1" else 0)
