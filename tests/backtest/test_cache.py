"""What is kept is used again for the same question alone."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from headway.backtest import cache
from headway.backtest.plan import plan
from headway.config.evaluate import EvaluateConfig
from headway.config.train import TrainConfig
from headway.data.series import Dataset
from headway.task import prepare
from headway.training.precision import Device

CPU = Device("CPU", (0, 0), 1)


@pytest.fixture
def key_of(
    compose_evaluate: Callable[..., EvaluateConfig], config: TrainConfig, dataset: Dataset
) -> Callable[..., str]:
    """The key of a backtest, from the words that change it."""

    def key(
        *words: str, change: dict[str, object] | None = None, data: Dataset = dataset, run: str = "a", on: Device = CPU
    ) -> str:
        changed = config
        for path, value in (change or {}).items():
            group, _, name = path.rpartition(".")
            part = getattr(config, group).model_copy(update={name: value}) if group else value
            changed = changed.model_copy(update={group or name: part})
        spec = compose_evaluate("backtest=expanding", "backtest.every=2D", "backtest.origins=3", *words).backtest
        task = prepare(data, dataset_spec=config.dataset, splits=config.splits, windows=config.windows)
        origins = plan(spec, data, config.splits, horizon=2)
        return cache.key(spec, changed, task, run, origins, on)

    return key


def test_what_decides_no_forecast_leaves_the_key_as_it_is(key_of: Callable[..., str]) -> None:
    same = [
        key_of("backtest.processes=2"),
        key_of(change={"evaluation.bootstrap": 7, "evaluation.require": "beats_baselines"}),
        key_of(change={"evaluate": False}),
        key_of(run="b"),
    ]
    assert set(same) == {key_of()}


def test_all_that_decides_a_forecast_changes_the_key(key_of: Callable[..., str], dataset: Dataset) -> None:
    series = dataset.series[0]
    values = series.values.copy()
    values[311 - 1, 1] += 1e-6
    keys = [
        key_of(),
        key_of("backtest=rolling"),
        key_of("backtest.refit=2"),
        key_of("backtest.refit=0"),
        key_of("backtest.refit=0", run="b"),
        key_of("backtest.first=2024-01-05T00:00"),
        key_of(change={"seed": 1}),
        key_of(change={"training.learning_rate": 0.5}),
        key_of(change={"evaluation.rivals": ("persistence",)}),
        key_of(change={"evaluation.calibration": "off"}),
        key_of(change={"splits.purge": 1}),
        key_of(data=replace(dataset, series=(replace(series, values=values),))),
        key_of(on=Device("NVIDIA H200", (9, 0), 1)),
    ]
    assert len(set(keys)) == len(keys)


def test_a_changed_line_of_code_changes_the_key_and_a_picture_does_not(
    key_of: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "headway"
    for name in ("backtest/cache.py", "models/head.py", "report/skill.py"):
        (package / name).parent.mkdir(parents=True)
        (package / name).write_text("a = 1\n")
    monkeypatch.setattr(cache, "__file__", str(package / "backtest/cache.py"))
    before = key_of()
    (package / "report/skill.py").write_text("a = 2\n")
    assert key_of() == before
    (package / "models/head.py").write_text("a = 2\n")
    assert key_of() != before


def test_a_damaged_file_counts_as_none(tmp_path: Path) -> None:
    path = tmp_path / "origin_0000.npz"
    assert cache.load(path) is None
    path.write_bytes(b"PK\x03\x04 and so on")
    assert cache.load(path) is None
