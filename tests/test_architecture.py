"""The rules of the house: data flow one way, and each heavy library has one home."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
SOURCE = PROJECT / "src" / "headway"

# What a part may import of the others; a name imported for type checking alone does not count.
ALLOWED = {
    "errors": set(),
    "config": {"errors"},
    "data": {"config", "errors"},
    "models": set(),
    "training": {"models", "errors"},
    "process": set(),
    "tracking": {"config", "process", "errors"},
    "evaluation": {"errors"},
    "attention": set(),
    "report": set(),
    "backend": {"errors"},
    "files": set(),
    "checked_folder": {"files", "errors"},
    "identity": {"config"},
    "forecaster": {"config", "data", "models", "evaluation", "checked_folder", "errors"},
    "task": {"config", "data", "models", "errors"},
    "stored": {"config", "errors"},
    "feeds": {"data", "training", "task"},
    "slicing": {"data", "evaluation", "task", "errors"},
    "rival_forecasts": {"data", "evaluation", "task"},
    "forecasting": {"config", "data", "evaluation", "forecaster", "rival_forecasts", "slicing", "task"},
    "solved_paths": {"data", "models", "evaluation", "task"},
    "fitting": {"config", "models", "training", "feeds", "forecaster", "forecasting", "solved_paths", "task", "errors"},
    "estimate": {"config", "data", "models", "training", "feeds", "fitting", "task"},
    "benchmark_check": {"config", "data", "evaluation", "rival_forecasts", "task", "errors"},
    "judgement": {"config", "data", "evaluation", "report", "forecaster", "forecasting", "rival_forecasts", "task"},
    "measured_windows": {"data", "evaluation", "forecaster", "task"},
    "explanation": {"data", "models", "attention", "forecaster", "measured_windows", "task"},
    "explained_window": {"data", "report", "attention", "forecaster", "task", "errors"},
    "explanation_files": {"data", "attention", "report", "explanation"},
    "run_report": {"data", "evaluation", "report", "explanation", "explanation_files", "judgement", "stored", "task"},
    "unseen": {"config", "data", "evaluation", "tracking", "forecaster", "judgement", "task", "errors"},
    "record": {"config", "data", "training", "tracking", "attention", "report", "forecaster", "judgement", "stored"}
    | {"explanation", "explanation_files", "run_report", "task"},
    "backtest": {"config", "data", "training", "tracking", "evaluation", "report", "backend", "fitting", "forecaster"}
    | {"forecasting", "task", "errors"},
    "audit": {"config", "data", "evaluation", "feeds", "forecaster", "forecasting", "rival_forecasts", "task"}
    | {"errors"},
    "comparing": {"config", "data", "tracking", "evaluation", "attention", "report", "forecaster", "forecasting"}
    | {"stored", "task", "errors"},
    "pipeline": {"config", "data", "training", "tracking", "evaluation", "report", "audit", "backtest", "fitting"}
    | {"comparing", "explained_window", "explanation", "process", "benchmark_check"}
    | {"forecaster", "forecasting", "identity", "judgement", "record", "slicing", "stored", "task", "unseen", "errors"},
    "sweeps": {
        "config",
        "data",
        "tracking",
        "report",
        "backend",
        "process",
        "identity",
        "estimate",
        "pipeline",
        "stored",
        "errors",
    },
}
HOMES = {
    "mlflow": {"tracking"},
    "matplotlib": {"report"},
    "jinja2": {"report"},
    "pandas": {"data", "evaluation"},
    "pyarrow": {"data"},
    "keras": {"models", "training", "forecaster", "checked_folder", "solved_paths", "fitting", "record", "estimate"}
    | {"explanation"},
    "sklearn": {"evaluation"},
    "scipy": {"evaluation", "attention"},
    "joblib": {"backtest"},
    "optuna": {"sweeps"},
    "rich": {"sweeps"},
    "hydra": set(),
    "omegaconf": set(),
    "tensorflow": {"training"},
    "jax": set(),
}
FILES = sorted(SOURCE.rglob("*.py"))


def part(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """Dotted names of everything a file imports when it runs, deferred imports included."""
    found: set[str] = set()
    tree = ast.parse(path.read_text())
    typing_only = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_part_imports_only_what_comes_before_it(path: Path) -> None:
    own = part(path)
    if own == "__init__":
        return
    others = {name.split(".")[1] for name in imports(path) if name.startswith("headway.")} - {own}
    assert others <= ALLOWED[own], f"{path}: imports {others - ALLOWED[own]}"


@pytest.mark.parametrize("library", HOMES)
def test_a_heavy_library_has_one_home(library: str) -> None:
    users = {part(path) for path in FILES if any(name.split(".")[0] == library for name in imports(path))}
    assert users <= HOMES[library]


def test_tensorflow_is_named_in_at_most_one_module() -> None:
    naming = [path for path in FILES if any(name.split(".")[0] == "tensorflow" for name in imports(path))]
    assert len(naming) <= 1


def test_data_models_and_evaluation_do_not_know_each_other() -> None:
    apart = {"data", "models", "evaluation"}
    for path in FILES:
        if part(path) in apart:
            others = {name.split(".")[1] for name in imports(path) if name.startswith("headway.")}
            assert not others & (apart - {part(path)}), path


@pytest.mark.parametrize("script", ["train.py", "evaluate.py"])
def test_an_entry_script_is_a_thin_story(script: str) -> None:
    assert len((PROJECT / script).read_text().splitlines()) < 80


@pytest.mark.parametrize("script", ["train", "evaluate"])
def test_an_entry_script_loads_nothing_heavy_before_validation(script: str) -> None:
    code = f"import sys; sys.path.insert(0, '.'); import {script}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT, check=True)
    heavy = {"tensorflow", "keras", "jax", "mlflow", "pandas", "matplotlib", "numpy", "optuna", "rich", "sqlalchemy"}
    assert not heavy & set(loaded.stdout.split())


def test_every_file_has_one_idea() -> None:
    long = [path.name for path in FILES if len(path.read_text().splitlines()) > 360]
    assert not long, f"past 300 lines one asks what the second idea is: {long}"
