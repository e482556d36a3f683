"""Hydra's side of a sweep: from what is typed to dimensions, points, names and jobs."""

import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hydra
import joblib
import pytest
from hydra._internal.callbacks import Callbacks
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.types import HydraContext, RunMode
from omegaconf import DictConfig, OmegaConf

from headway.errors import ConfigError, DataError
from headway.sweeps.space import Choice, Dimension, Span
from headway.sweeps.study import Plan
from hydra_plugins.headway import _impl
from hydra_plugins.headway import _launchers as launchers

HEAVY = {"optuna", "rich", "sqlalchemy", "joblib", "keras", "tensorflow", "mlflow", "pandas", "numpy", "matplotlib"}


@dataclass
class Typed:
    """A command line as Hydra hands it to its sweeper."""

    arguments: list[str]
    context: HydraContext
    config: DictConfig

    def sweep(self) -> None:
        _impl.sweep(self.arguments, context=self.context, task=lambda settings: None, config=self.config)

    @property
    def swept(self) -> dict[str, Any]:
        return {
            key: word for key, word in _impl._parse(self.arguments, self.context).items() if word.is_sweep_override()
        }

    def dimension(self) -> Dimension:
        ((key, word),) = self.swept.items()
        return _impl._dimension(key, word)


@pytest.fixture
def typed(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Typed]]:
    """Types `train.py -m ...` in an empty folder: typed("model.heads=2,4")."""
    monkeypatch.chdir(tmp_path)
    levels = {name: logging.getLogger(name).level for name in ("headway", "hydra", "hydra_plugins")}
    with hydra.initialize_config_dir(str(project / "conf"), version_base="1.3"):
        loaded = GlobalHydra.instance().hydra
        assert loaded is not None

        def make(*words: str) -> Typed:
            config = loaded.compose_config("train", list(words), RunMode.MULTIRUN, with_log_configuration=False)
            context = HydraContext(config_loader=loaded.config_loader, callbacks=Callbacks())
            return Typed(list(config.hydra.overrides.task), context, config)

        yield make
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("interval(0,0.3)", Span(0, 0.3)),
        ("tag(log, interval(0.001, 0.1))", Span(0.001, 0.1, log=True)),
        ("int(interval(1,5))", Span(1, 5)),
        ("range(1,5)", Span(1, 4, step=1)),
        ("range(5)", Span(0, 4, step=1)),
        ("range(1,12,5)", Span(1, 11, step=5)),
        ("range(0.125,0.75,0.25)", Span(0.125, 0.625, step=0.25)),
        ("choice(2,4,8)", Choice(("2", "4", "8"))),
        ("2,true,null,ab,'c d'", Choice(("2", "True", "null", "ab", "'c d'"))),
        ("[3,5],[7]", Choice(("[3,5]", "[7]"))),
        ("sort(8,2,4)", Choice(("2", "4", "8"))),
    ],
)
def test_what_is_typed_becomes_a_dimension(typed: Callable[..., Typed], text: str, expected: Dimension) -> None:
    found = typed(f"model.heads={text}").dimension()
    assert found == expected
    if isinstance(found, Span) and isinstance(expected, Span):
        assert found.is_whole == expected.is_whole


def test_a_glob_chooses_among_files(typed: Callable[..., Typed], project: Path) -> None:
    names = sorted(path.stem for path in (project / "conf" / "training").glob("*.yaml"))
    dimension = typed("training=glob(*)").dimension()
    assert isinstance(dimension, Choice)
    assert sorted(dimension.texts) == names


def test_an_interval_of_whole_numbers_is_one(typed: Callable[..., Typed]) -> None:
    dimension = typed("model.layers=interval(1,5)").dimension()
    assert isinstance(dimension, Span)
    assert dimension.is_whole


@pytest.mark.parametrize("text", ["range(0,0.9,0.3)", "range(0.1,0.4,0.1)", "range(0,1.8,0.6)", "range(0,1.2,0.4)"])
def test_a_range_of_decimals_ends_where_hydras_does(typed: Callable[..., Typed], text: str) -> None:
    dimension = typed(f"model.dropout={text}").dimension()
    assert isinstance(dimension, Span)
    grid = typed(f"model.dropout={text}")
    assert dimension.high == pytest.approx(max(float(point[0].split("=")[1]) for point in _impl._points(grid.swept)))


def test_a_range_that_holds_nothing_and_one_without_an_end_are_refused(typed: Callable[..., Typed]) -> None:
    empty = typed("model.heads=range(5,5)").dimension()
    assert isinstance(empty, Span) and empty.high < empty.low
    with pytest.raises(ConfigError, match="more than 100,000 numbers"):
        typed("model.dropout=range(0,1,0.000001)").dimension()


def test_the_points_of_a_grid_are_those_of_hydras_own_sweeper(typed: Callable[..., Typed]) -> None:
    words = ["model.heads=2,4", "training.epochs=range(1,4)", "dataset.name=a,'b c'"]
    swept = typed(*words, "seed=3").swept
    expected = [
        [f"model.heads={heads}", f"training.epochs={epochs}", f"dataset.name={name}"]
        for heads in (2, 4)
        for epochs in (1, 2, 3)
        for name in ("a", "'b c'")
    ]
    assert _impl._points(swept) == expected
    ((*own,),) = BasicSweeper.split_arguments(list(swept.values()), None)
    assert own == expected


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["evaluate=true"], "evaluate=true: the children of a sweep never look at the test split"),
        (["model.heads=shuffle(2,4)"], "model.heads=shuffle(2,4): a sweep keeps its order"),
        (["model.heads=shuffle(range(2,5))"], "model.heads=shuffle(range(2,5)): a sweep keeps its order"),
        (["evaluate=true,false"], "evaluate=true,false: the children of a sweep never look at the test split"),
        (["resume=auto", "model.heads=2,4"], "resume=auto: goes on with a single run; a sweep goes on by itself"),
        (["run=x,y"], "run=x,y: goes on with a single run; a sweep goes on by itself"),
        (["sweep.n_trials=3,5"], "sweep.n_trials=3,5: one sweep has one value of sweep.n_trials; give one"),
        (["tracking=mlflow,off"], "tracking=mlflow,off: one sweep has one value of tracking; give one"),
        (["tracking.experiment=a,b"], "tracking.experiment=a,b: one sweep has one value of tracking.experiment; give one"),
        (["sweep.kind=search"], "a search needs something to choose from; for example model.dropout='interval(0, 0.3)'"),
        (["model.dropout=interval(0,0.3)", "sweep.kind=grid"], "sweep.kind=grid: an interval has no list of values"),
        (["hparams_search=optuna", "sweep.kind=grid"], "sweep.kind=grid: an interval has no list of values"),
        (["model.dropout=range(0.3,0,-0.1)", "sweep.kind=search"], "model.dropout=range(0.3,0,-0.1): a range to search goes up"),
        (["model.dropout=interval(0.3,0)"], "model.dropout: from 0.3 to 0 there is nothing; the lower end comes first"),
        (["model.dropout=tag(log,interval(0,0.3))"], "model.dropout: a logarithmic interval begins above 0, got 0"),
        (["model.layers=tag(log,range(1,5))", "sweep.kind=search"], "model.layers: tag(log, ...) goes with interval"),
        (["model.heads=3,5"], "model: heads must divide d_model: got heads=3, d_model=32"),
        (["model.dropout=interval(1.5,2.5)"], "model.dropout=1.5: expected a number below 1"),
        (["sweep.n_trials=0", "model.heads=2,4"], "sweep.n_trials=0: expected a number above 0"),
        (["+model.haeds=2,4"], "model.haeds: unknown key; did you mean model.heads?"),
        (["seed=1,2", "dataset=csv"], "dataset.path: required but not set; for example dataset.path=my.csv"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)  # fmt: skip
def test_what_makes_no_sweep_is_refused_before_anything_is_made(
    typed: Callable[..., Typed], tmp_path: Path, words: list[str], message: str
) -> None:
    with pytest.raises(ConfigError) as error:
        typed(*words).sweep()
    assert error.value.messages[0].startswith(message)
    assert list(tmp_path.iterdir()) == []


def test_a_sweep_whose_data_nobody_can_read_is_refused(typed: Callable[..., Typed], tmp_path: Path) -> None:
    words = ["dataset=csv", "dataset.path=nothing.csv", "dataset.timestamp=time", "dataset.targets=[y]"]
    with pytest.raises(DataError, match=r"nothing\.csv"):
        typed(*words, "model.heads=2,4").sweep()
    assert list(tmp_path.iterdir()) == []


def test_a_database_whose_address_is_none_is_refused(typed: Callable[..., Typed]) -> None:
    with pytest.raises(ConfigError):
        typed("model.heads=2,4", "sweep.storage='postgresql://user:secret@host:port/name'").sweep()


def test_a_child_is_what_its_overrides_say(typed: Callable[..., Typed], project: Path) -> None:
    command = typed("training=fast", "model.heads=2,4")
    jobs = _impl._Jobs(command.context, lambda settings: None, command.config, ["training=fast"], project=project)
    for heads in (2, 4):
        config = jobs.settings_of([f"model.heads={heads}"])
        assert (config.model.heads, config.training.epochs, config.seed) == (heads, 3, 0)
    with pytest.raises(ConfigError):
        jobs.settings_of(["model.heads=3"])


def test_a_grid_with_some_children_that_can_run_is_not_refused(
    typed: Callable[..., Typed], plan: Callable[..., Plan], project: Path
) -> None:
    command = typed("model.heads=2,3,4")
    jobs = _impl._Jobs(command.context, lambda settings: None, command.config, [], project=project)
    assert [config.model.heads for config in jobs.check(plan(points=_impl._points(command.swept)))] == [2, 4]


def test_of_a_search_the_corners_are_looked_at(
    typed: Callable[..., Typed], plan: Callable[..., Plan], project: Path
) -> None:
    command = typed("model.heads=4")
    jobs = _impl._Jobs(command.context, lambda settings: None, command.config, [], project=project)
    dimensions = {
        "model.dropout": Span(0.0, 0.3),
        "model.d_model": Choice(("8", "16", "64")),
        "model.layers": Span(1, 5),
    }
    found = [
        (config.model.dropout, config.model.d_model, config.model.layers)
        for config in jobs.check(plan(dimensions=dimensions))
    ]
    assert found == [(0.0, 8, 1), (0.3, 64, 5)]


CORES = joblib.cpu_count()


@pytest.mark.parametrize(
    ("words", "points", "expected"),
    [
        ([], None, (1, 1, None)),
        ([], 7, (1, 1, None)),
        (["hydra/launcher=joblib", "hydra.launcher.n_jobs=1"], None, (1, 1, CORES)),
        (["hydra/launcher=joblib", "hydra.launcher.n_jobs=1"], 7, (7, 1, CORES)),
        (["hydra/launcher=joblib", "hydra.launcher.n_jobs=-1"], None, (CORES, CORES, 1)),
        (["hydra/launcher=joblib", f"hydra.launcher.n_jobs={CORES * 3}"], None, (CORES * 3, CORES * 3, 1)),
        (["hydra/launcher=joblib", f"hydra.launcher.n_jobs={-CORES - 5}"], None, (1, 1, CORES)),
        (["hydra/launcher=joblib", "hydra.launcher.n_jobs=97"], 1, (1, 1, CORES)),
        (["hydra/launcher=submitit_local"], None, (CORES, CORES, 1)),
        (["hydra/launcher=submitit_local"], 1, (1, 1, CORES)),
        (["hydra/launcher=submitit_slurm", "hydra.launcher.cpus_per_task=5"], None, (8, 8, 5)),
        (["hydra/launcher=submitit_slurm"], 97, (97, 97, None)),
    ],
)
def test_jobs_side_by_side_share_the_cores(
    typed: Callable[..., Typed], words: list[str], points: int | None, expected: tuple[int, int, int | None]
) -> None:
    assert launchers.at_once(typed(*words).config, points) == expected


@pytest.mark.parametrize(
    ("launcher", "expected"),
    [
        ({"_target_": "hydra_plugins.hydra_ray_launcher.ray_launcher.RayLauncher", "ray": {"remote": {"num_cpus": 3}}}, (8, 8, 3)),
        ({"_target_": "hydra_plugins.hydra_ray_launcher.ray_launcher.RayLauncher", "ray": {"remote": {}}}, (8, 8, 1)),
        ({"_target_": "somewhere.OtherLauncher"}, (8, 8, None)),
    ],
)  # fmt: skip
def test_jobs_of_a_cluster_are_handed_over_eight_at_a_time(
    launcher: dict[str, Any], expected: tuple[int, int, int | None]
) -> None:
    assert launchers.at_once(OmegaConf.create({"hydra": {"launcher": launcher}}), None) == expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("sweep.storage=postgresql://user:secret@host/name", "sweep.storage=postgresql://user:***@host/name"),
        ("++sweep.storage='postgresql://user:secret@host/name'", "++sweep.storage=postgresql://user:***@host/name"),
        ("tracking.uri=https://user:secret@host", "tracking.uri=https://host"),
        ("tracking.uri=sqlite:///runs.db", "tracking.uri=sqlite:///runs.db"),
        ("model.heads=2,4", "model.heads=2,4"),
        ("sweep.storage=journal", "sweep.storage=journal"),
    ],
)
def test_a_command_is_shown_without_passwords(word: str, expected: str) -> None:
    assert _impl._without_password(word) == expected


def test_the_command_is_shown_as_it_was_typed(typed: Callable[..., Typed]) -> None:
    command = typed("hydra/launcher=joblib", "model.heads=2,4", "hydra.mode=MULTIRUN")
    assert _impl._typed(command.config, command.arguments) == ["hydra/launcher=joblib", "model.heads=2,4"]


def test_settings_of_the_sweep_are_no_settings_of_a_child(typed: Callable[..., Typed]) -> None:
    spec = _impl._settings(typed("sweep.n_trials=97", "hparams_search=optuna").config)
    assert (spec.n_trials, spec.kind, len(spec.space)) == (97, "search", 6)


@pytest.mark.parametrize("word", ["--help", "--cfg=job"])
def test_help_loads_nothing_heavy(project: Path, tmp_path: Path, word: str) -> None:
    code = (
        "import atexit, runpy, sys\n"
        f"sys.argv = ['train.py', {word!r}]\n"
        "atexit.register(lambda: sys.stderr.write(chr(10) + ' '.join(sys.modules)))\n"
        f"runpy.run_path({str(project / 'train.py')!r}, run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout
    loaded = done.stderr.splitlines()[-1].split()
    assert "hydra_plugins.headway.sweeper" in loaded
    assert not HEAVY & set(loaded)
