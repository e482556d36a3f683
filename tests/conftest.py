"""Configurations as the command line makes them, and small csv files."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import hydra
import hypothesis
import numpy as np
import pytest
from omegaconf import OmegaConf

from headway.config.evaluate import EvaluateConfig
from headway.config.sweep import TrainCommand
from headway.config.train import TrainConfig
from headway.config.validate import validate
from headway.data.series import Dataset, StoredRows
from headway.sweeps.plan import Plan

PROJECT = Path(__file__).resolve().parent.parent

# The same examples in every run: what is found once is kept as a test of its own.
hypothesis.settings.register_profile("steady", derandomize=True, deadline=None)
hypothesis.settings.load_profile("steady")


@pytest.fixture(scope="session")
def project() -> Path:
    """The folder that holds train.py, conf/ and data/."""
    return PROJECT


@pytest.fixture(scope="session")
def compose_settings() -> Callable[..., Any]:
    """Composes the settings of train.py, or of another script, from overrides as typed, before they are validated."""

    def compose(*overrides: str, script: str = "train") -> Any:
        with hydra.initialize_config_dir(str(PROJECT / "conf"), version_base="1.3"):
            return OmegaConf.to_container(hydra.compose(script, list(overrides)), resolve=True)

    return compose


@pytest.fixture(scope="session")
def compose(compose_settings: Callable[..., Any]) -> Callable[..., TrainConfig]:
    """Composes and validates train.py's configuration: compose("model.heads=2", "seed=1")."""
    return lambda *overrides: validate(compose_settings(*overrides), TrainCommand).config


@pytest.fixture(scope="session")
def compose_evaluate(compose_settings: Callable[..., Any]) -> Callable[..., EvaluateConfig]:
    """Composes and validates evaluate.py's configuration: compose_evaluate("run=best")."""
    return lambda *overrides: validate(compose_settings(*overrides, script="evaluate"), EvaluateConfig)


@pytest.fixture
def write_csv(tmp_path: Path) -> Callable[..., Path]:
    """Writes lines of fields, header first, to a csv file below tmp_path."""

    def write(rows: Sequence[Sequence[object]], name: str = "file.csv") -> Path:
        path = tmp_path / name
        path.write_text("".join(",".join(map(str, row)) + "\n" for row in rows), encoding="utf-8")
        return path

    return write


@pytest.fixture
def on_disk(tmp_path: Path) -> Callable[[Dataset], Dataset]:
    """Puts the rows of a dataset into files and hands on the same dataset, mapped from them."""

    def on_disk(dataset: Dataset) -> Dataset:
        arrays = {}
        for name in ("values", "known_future", "timestamps"):
            np.save(tmp_path / name, getattr(dataset, name))
            arrays[name] = np.asarray(np.load(tmp_path / f"{name}.npy", mmap_mode="r"))
        ends = np.cumsum([len(series) for series in dataset.series])
        parts = zip(dataset.series, *(np.split(array, ends[:-1]) for array in arrays.values()), strict=True)
        series = [replace(one, values=v, known_future=k, timestamps=t) for one, v, k, t in parts]
        return replace(dataset, series=tuple(series), stored=StoredRows(**arrays, fingerprint=dataset.fingerprint()))

    return on_disk


@pytest.fixture
def plan() -> Callable[..., Plan]:
    """Makes what a sweep is to do: plan(points=[["model.heads=2"]])."""
    known: dict[str, Any] = {
        "dimensions": {},
        "constants": (),
        "points": (),
        "n_trials": 7,
        "sampler": "tpe",
        "seed": 0,
    }
    return lambda **changes: Plan(**(known | {"objectives": ("error",), "retries": 2} | changes))
