"""The name of a sweep that was given none: the same for the same command, so that it goes on."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headway.config.sweep import SweepSpec, TrainCommand
from headway.config.validate import validate
from headway.sweeps.plan import Plan
from headway.sweeps.space import Span
from headway.sweeps.storage import JOURNAL, open_storage
from headway.sweeps.study import Study, name_of_grid
from hydra_plugins.headway import _impl


@pytest.fixture(scope="module")
def settings(compose_settings: Callable[..., Any]) -> Any:
    return compose_settings()


@pytest.fixture
def spec(settings: Any) -> Callable[..., SweepSpec]:
    """Makes a sweep group: spec(sampler="random")."""
    return lambda **changes: validate({**settings, "sweep": {**settings["sweep"], **changes}}, TrainCommand).sweep


SEARCH = {"dimensions": {"model.dropout": Span(0.0, 0.3), "training.learning_rate": Span(0.001, 0.1, log=True)}}
GRID = {"points": [["model.heads=2", "+seed=3"], ["model.heads=4", "+seed=3"]]}


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (SEARCH, "dropout-learning_rate"),
        (GRID, "heads-seed"),
        ({"dimensions": {f"a.{key}": Span(0, 1) for key in "bcdefg"}}, "b-c-d-and-3-more"),
        ({"points": [[]]}, "sweep"),
    ],
)
def test_a_sweep_is_named_after_what_differs(
    spec: Callable[..., SweepSpec],
    plan: Callable[..., Plan],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    made: dict[str, Any],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    name = _impl._name(plan(**made), spec())
    assert re.fullmatch(rf"{words}-[0-9a-f]{{8}}", name)
    assert spec(name=name).name == name  # a user can type it


@pytest.mark.parametrize("made", [SEARCH, GRID], ids=["search", "grid"])
def test_the_same_command_has_the_same_name_and_another_space_another(
    spec: Callable[..., SweepSpec],
    plan: Callable[..., Plan],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    made: dict[str, Any],
) -> None:
    monkeypatch.chdir(tmp_path)
    own = _impl._name(plan(**made, constants=("a=3", "b=5")), spec())
    more = {"n_trials": 97, "time_budget": "2h", "batch": 3, "threads": 3, "retries": 0}
    more |= {"skip_finished": True, "dry_run": True, "evaluate_best": True}
    assert _impl._name(plan(**made, constants=("b=5", "a=3"), n_trials=97, retries=0), spec(**more)) == own
    others = [_impl._name(plan(**made, constants=("a=3", "b=7")), spec())]
    changes = {"sampler": "random", "pruner": "none", "objectives": ["error", "weights"], "kind": "grid"}
    for name, value in {**changes, "storage": f"sqlite:///{tmp_path}/study.db"}.items():
        others.append(_impl._name(plan(**made, constants=("a=3", "b=5")), spec(**{name: value})))
    assert len({own, *others}) == 7


def test_a_grid_that_is_done_is_trained_afresh(
    spec: Callable[..., SweepSpec], plan: Callable[..., Plan], tmp_path: Path
) -> None:
    first = _impl._name(plan(**GRID), spec())
    folder = tmp_path / first
    Study(open_storage(JOURNAL, folder), first, plan(**GRID), folder=folder).keep("done", True)
    assert name_of_grid(first, storage=JOURNAL, sweeps=tmp_path) == f"{first}.2"


def test_after_a_change_of_the_code_a_grid_is_trained_afresh_and_a_search_goes_on(
    project: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "src"
    shutil.copytree(project / "src", copy, ignore=shutil.ignore_patterns("__pycache__"))
    code = (
        "import pathlib, headway, hydra_plugins.headway._impl as plugin\n"
        "from types import SimpleNamespace\n"
        "from headway.identity import code_version\n"
        "from headway.sweeps.study import Plan\n"
        "from headway.sweeps.space import Span\n"
        "spec = SimpleNamespace(model_dump=lambda mode: {}, storage='journal')\n"
        "rest = dict(constants=(), n_trials=7, sampler='tpe', seed=0, objectives=('error',), retries=2)\n"
        "plans = [Plan(dimensions={}, points=[['a=1'], ['a=2']], **rest), Plan(dimensions={'a': Span(0, 1)}, points=(), **rest)]\n"
        "before = [plugin._name(plan, spec) for plan in plans]\n"
        "(pathlib.Path(headway.__file__).parent / 'more.py').touch(); code_version.cache_clear()\n"
        "print(*(name == plugin._name(plan, spec) for name, plan in zip(before, plans)))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(copy)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment, cwd=tmp_path
    )
    assert done.stdout.split() == ["False", "True"]
    assert (copy / "headway" / "more.py").exists()


def test_a_name_is_found_without_making_a_database(
    spec: Callable[..., SweepSpec], plan: Callable[..., Plan], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _impl._name(plan(**GRID), spec(storage="sqlite:///study.db"))
    assert list(tmp_path.iterdir()) == []  # a dry run ends here
