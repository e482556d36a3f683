"""What would run is said, and nothing is left behind."""

import io
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from headway.config.sweep import TrainCommand
from headway.config.train import TrainConfig
from headway.config.validate import validate
from headway.data import sources
from headway.models.transformer import Transformer
from headway.sweeps import dry_run
from headway.sweeps.space import Choice, Span
from headway.sweeps.study import Plan
from headway.sweeps.sweep import Sweep
from headway.task import prepare


@pytest.fixture
def walk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A csv of a random walk, in the folder where the command is typed."""
    monkeypatch.chdir(tmp_path)
    values = np.random.default_rng(3).normal(size=211).cumsum().round(3)
    times = np.datetime64("2024-01-01T00", "m") + 60 * np.arange(211)
    lines = [f"{time},{y}\n" for time, y in zip(times, values, strict=True)]
    (tmp_path / "walk.csv").write_text("time,y\n" + "".join(lines))
    return tmp_path / "walk.csv"


def words_for(path: Path) -> list[str]:
    words = ["dataset=csv", "dataset.timestamp=time", "dataset.targets=[y]", f"dataset.path={path}"]
    return [
        *words,
        "windows.horizon=3",
        "model.layers=1",
        "training.batch_size=13",
        "training.epochs=2",
        "training.steps_per_execution=1",
        "training.ensemble=1",
    ]


class Composed:
    """Composes children as the plug-in does, and can start none."""

    def __init__(self, compose_settings: Callable[..., Any], words: Sequence[str]) -> None:
        self._compose, self._words = compose_settings, words

    def settings_of(self, overrides: Sequence[str]) -> TrainConfig:
        return validate(self._compose(*self._words, *overrides), TrainCommand).config

    def launch(self, jobs: object, *, first: int) -> None:
        raise AssertionError("started")


@pytest.fixture
def show(compose_settings: Callable[..., Any], walk: Path, tmp_path: Path, project: Path) -> Callable[..., list[str]]:
    """Shows a plan; returns what was said, by lines."""
    jobs = Composed(compose_settings, words_for(walk))

    def say(examples: Sequence[Sequence[str]], *, side_by_side: int = 1, **plan: Any) -> list[str]:
        spec = validate(compose_settings(*words_for(walk)), TrainCommand).sweep
        known = Plan(
            dimensions={}, constants=(), points=(), n_trials=7, sampler="tpe", seed=0, objectives=("error",), retries=2
        )
        sweep = Sweep(
            name="weather", folder=tmp_path / "runs" / "sweeps" / "weather", spec=spec, plan=replace(known, **plan),
            pruner="asha", command=[], shared=[], tracking=jobs.settings_of([]).tracking, epochs=2, batch=1,
            side_by_side=side_by_side, threads=None, project=project,
        )  # fmt: skip
        text = io.StringIO()
        configs = [jobs.settings_of(overrides) for overrides in examples]
        dry_run.show(sweep, jobs, configs, console=Console(file=text, width=200))
        return text.getvalue().splitlines()

    return say


def expected(config: TrainConfig) -> tuple[str, str]:
    """Windows and weights of a training, as they are written."""
    dataset = sources.read(config.dataset)
    task = prepare(dataset, dataset_spec=config.dataset, splits=config.splits, windows=config.windows)
    windows = " / ".join(f"{len(index):,}" for index in task.windows.values())
    return windows, f"{Transformer(config.model, task.shape).count_params():,}"


def test_a_search_is_shown_with_its_space_and_its_corners(
    show: Callable[..., list[str]], compose_settings: Callable[..., Any], walk: Path
) -> None:
    dimensions = {"model.dropout": Span(0.0, 0.3), "model.heads": Choice(("2", "4"))}
    before = sorted(walk.parent.rglob("*"))
    corners = [["model.dropout=0.0", "model.heads=2"], ["model.dropout=0.3", "model.heads=4"]]
    lines = show(corners, dimensions=dimensions, side_by_side=3)
    assert [line.split() for line in lines[2:4]] == [["model.dropout", "0", "to", "0.3"], ["model.heads", "2,", "4"]]
    windows, weights = expected(Composed(compose_settings, words_for(walk)).settings_of(corners[0]))
    assert f"windows (train / validation / test): {windows}" in lines
    assert f"weights at the corners of the space: {weights} to {weights}" in lines
    assert lines[-1].startswith("7 trials by tpe, pruned by asha, 3 at a time: about ")
    assert sorted(walk.parent.rglob("*")) == before


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.3, "0 s"), (89.4, "89 s"), (90, "2 min"), (720, "12 min"), (5399, "90 min"), (5400, "1.5 h"), (12600, "3.5 h")],
)
def test_a_duration_is_written_for_a_reader(seconds: float, words: str) -> None:
    assert dry_run.duration(seconds) == words


def test_a_grid_is_listed_and_nothing_left_behind(
    compose: Callable[..., TrainConfig], walk: Path, project: Path
) -> None:
    """Neither a folder of runs, nor a database, nor a sweep."""
    before = {path: path.read_bytes() for path in walk.parent.rglob("*") if path.is_file()}
    words = [*words_for(walk), "sweep.dry_run=true", "model.heads=2,3,4", "windows.stride=2"]
    command = [sys.executable, str(project / "train.py"), "-m", *words]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=walk.parent, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    windows, weights = expected(compose(*words_for(walk), "windows.stride=2"))
    _, _, first, second, third, refused, _, total = done.stdout.splitlines()
    for line, number, heads in ((first, 0, 2), (third, 2, 4)):
        assert re.match(rf"\s*{number}\s+model.heads={heads}\s+{windows}\s+{weights}\s+\d+ s$", line)
    assert second.split() == ["1", "model.heads=3", "refused,", "see", "below"]
    assert refused.startswith("refused: model: heads must divide d_model: got heads=3")
    assert re.match(r"2 children would run, one after the other: about \d+ s of training$", total)
    assert {path: path.read_bytes() for path in walk.parent.rglob("*") if path.is_file()} == before
    assert [path.name for path in walk.parent.iterdir()] == ["walk.csv"]
