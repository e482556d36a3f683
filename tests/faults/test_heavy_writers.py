"""Writers of many files or large ones, on a disk that breaks: each file is the old one or the new one, whole."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from headway import checked_folder, explanation_files, tracking
from headway.comparing.run import compare_runs
from headway.comparing.side import Side
from headway.config.train import TrainConfig
from headway.data import sources
from headway.errors import StoredRunError
from headway.explanation import explain
from headway.fitting import untrained
from headway.forecaster import Forecaster
from headway.judgement import Judgement, judge_forecaster
from headway.models.transformer import Transformer
from headway.run_report.build import write_report
from headway.stored import Stored
from headway.task import Task, prepare
from headway.tracking import folder as run_folder

WORDS = (
    *("dataset=csv", "dataset.timestamp=time", "dataset.targets=[y]", "dataset.season=5", "dataset.calendar.week=0"),
    *("windows.context_length=3", "windows.horizon=2", "model.d_model=4", "model.heads=1", "model.feed_forward=3"),
    *("evaluation.rivals=[persistence]", "evaluation.slices=[]", "evaluation.bootstrap=0", "tracking=off"),
)


@pytest.fixture
def config(compose: Callable[..., TrainConfig], write_csv: Callable[..., Path]) -> TrainConfig:
    times = np.datetime64("2024-01-01T00", "m") + 60 * np.arange(211)
    values = np.random.default_rng(1).normal(size=211).round(3)
    return compose(*WORDS, f"dataset.path={write_csv([('time', 'y'), *zip(times, values, strict=True)])}")


@pytest.fixture
def task(config: TrainConfig) -> Task:
    dataset = sources.read(config.dataset, project=Path())
    return prepare(dataset, dataset_spec=config.dataset, splits=config.splits, windows=config.windows)


@pytest.fixture
def forecaster_of(config: TrainConfig, task: Task) -> Callable[[int], Forecaster]:
    """Makes a forecaster of random weights, the same for the same seed."""

    @cache
    def make(seed: int) -> Forecaster:
        network, generator = Transformer(config.model, task.shape), np.random.default_rng(seed)
        for variable in network.weights:
            variable.assign(generator.normal(scale=0.3, size=variable.shape))
        return untrained(network, task)

    return make


@pytest.fixture
def judged(config: TrainConfig, task: Task, forecaster_of: Callable[[int], Forecaster]) -> Callable[[int], Judgement]:
    """Judges the forecaster of a seed; its pictures are small and empty, because drawing takes long."""

    @cache
    def judge(seed: int) -> Judgement:
        found = judge_forecaster(forecaster_of(seed), task, config.evaluation, seed=0, cache=None)
        sizes = dict.fromkeys(("forecast.png", "skill.png"), (seed / 10, 0.1))
        vars(found)["pictures"] = {name: Figure(figsize=size) for name, size in sizes.items()}
        return found

    return judge


def contents(folder: Path) -> dict[str, Any]:
    """All files that a reader would look at, by path, without the journals, to which lines are added."""
    paths = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".jsonl"]
    inside = {path: path.relative_to(folder) for path in paths}
    return {
        str(name): path.read_bytes()
        for path, name in inside.items()
        if not any(part.startswith(".") for part in name.parts)
    }


@pytest.mark.parametrize("kind", ["full", "broken", "read-only", "killed", "killed within", "power lost"])
def test_a_forecaster_is_the_old_or_the_new(
    kind: str, hold: Callable[..., int], forecaster_of: Callable[[int], Forecaster]
) -> None:
    def read(folder: Path) -> Any:
        try:
            return tuple(checked_folder.read(folder / "forecaster", ["forecaster.json", "weights.npz"]).values())
        except StoredRunError:
            return None

    old, new = forecaster_of(1), forecaster_of(2)
    for before in (None, lambda folder: old.save(folder / "forecaster")):
        assert hold(kind, prepare=before, write=lambda folder: new.save(folder / "forecaster"), read=read) >= 10


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["full", "power lost"])
def test_every_file_of_a_judgement_is_the_old_or_the_new(
    kind: str, hold: Callable[..., int], judged: Callable[[int], Judgement]
) -> None:
    assert hold(kind, prepare=judged(1).write, write=judged(2).write, read=contents, seeds=1) >= 5 * 4


@pytest.mark.parametrize("kind", ["full", "killed within", "power lost"])
def test_a_report_is_the_old_or_the_new(kind: str, hold: Callable[..., int], config: TrainConfig, task: Task) -> None:
    def write(folder: Path, error: float) -> None:
        words = {"name": "made", "run_id": "2024", "metrics": {}, "best_epoch": 1}
        kept = Stored(config, "0123", ("python", "train.py"))
        write_report(folder, kept, task, headline=f"error {error}", curves={"loss": [error]}, **words)  # type: ignore[arg-type]

    before, after = (lambda folder, error=error: write(folder, error) for error in (2.0, 1.0))
    assert hold(kind, prepare=before, write=after, read=contents, seeds=1) >= 4


@pytest.mark.slow
def test_every_file_of_an_explanation_is_the_old_or_the_new(
    hold: Callable[..., int], task: Task, forecaster_of: Callable[[int], Forecaster]
) -> None:
    first, second = (
        explain(forecaster_of(seed), task, "test", windows=17, readout="last", draws=0, seed=0) for seed in (1, 2)
    )
    before, after = (
        lambda folder, found=found: explanation_files.write(found, folder, task.dataset.clock)
        for found in (first, second)
    )
    assert hold("power lost", prepare=before, write=after, read=contents, seeds=1) >= 7 * 4


@pytest.mark.slow
def test_every_file_of_a_comparison_is_the_old_or_the_new(
    hold: Callable[..., int], config: TrainConfig, task: Task, forecaster_of: Callable[[int], Forecaster]
) -> None:
    def write(folder: Path, seed: int) -> None:
        with ExitStack() as stack:
            sides = []
            for number, own in enumerate((0, seed)):
                id_ = f"2024-01-01_00-00-00_00000{number}"
                (folder / id_).mkdir(exist_ok=True)
                run_folder.write(folder / id_, tracking.RunRecord(id_, "made", "finished", started="2024"))
                run = stack.enter_context(tracking.reopen(config.tracking, id_, root=folder))
                sides.append(Side(run, config.model_copy(update={"seed": own}), task, forecaster_of(own)))
            compare_runs(*sides)

    before, after = (lambda folder, seed=seed: write(folder, seed) for seed in (1, 2))
    assert hold("power lost", prepare=before, write=after, read=contents, seeds=1) >= 8 * 4
