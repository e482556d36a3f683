"""The rules of the house: data flow one way, and each heavy library has one home."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
SOURCE = PROJECT / "src" / "headway"

# What a part may import of the others; a name imported for type checking alone does not count.
ALLOWED = {
    "errors": set(),
    "config": {"redaction", "errors"},
    "data": {"config", "files", "errors"},
    "models": set(),
    "training": {"models", "files", "checked_folder", "errors"},
    "process": set(),
    "tracking": {"config", "files", "process", "redaction", "stored_file", "errors"},
    "evaluation": {"files", "errors"},
    "attention": {"files"},
    "report": set(),
    "backend": {"errors"},
    "interruption": {"errors"},
    "files": set(),
    "redaction": set(),
    "stored_file": {"errors"},
    "checked_folder": {"files", "stored_file", "errors"},
    "identity": {"config"},
    "forecaster_spec": {"config", "data", "models", "evaluation", "errors"},
    "forecaster": {"config", "data", "models", "evaluation", "checked_folder", "forecaster_spec", "stored_file"}
    | {"errors"},
    "task": {"config", "data", "models", "errors"},
    "stored": {"config", "files", "redaction", "stored_file", "errors"},
    "feeds": {"data", "training", "task"},
    "slicing": {"data", "evaluation", "task", "errors"},
    "rival_forecasts": {"data", "evaluation", "files", "task"},
    "forecasting": {"config", "data", "evaluation", "forecaster", "rival_forecasts", "slicing", "task"},
    "solved_paths": {"data", "models", "evaluation", "task"},
    "fitting": {"backend", "config", "models", "training", "feeds", "forecaster", "forecasting", "solved_paths", "task"}
    | {"errors"},
    "estimate": {"config", "data", "models", "training", "feeds", "fitting", "task"},
    "benchmark_check": {"config", "data", "evaluation", "rival_forecasts", "task", "errors"},
    "judgement": {"config", "data", "evaluation", "report", "files", "forecaster", "forecasting", "rival_forecasts"}
    | {"task"},
    "measured_windows": {"data", "evaluation", "forecaster", "task"},
    "explanation": {"backend", "data", "models", "attention", "forecaster", "measured_windows", "task"},
    "explained_window": {"data", "report", "attention", "files", "forecaster", "task", "errors"},
    "explanation_files": {"data", "attention", "report", "files", "explanation"},
    "run_report": {"data", "evaluation", "report", "files", "explanation", "explanation_files", "judgement", "stored"}
    | {"task"},
    "unseen": {"config", "data", "evaluation", "tracking", "files", "forecaster", "judgement", "task", "errors"},
    "epoch_record": {"config", "data", "training", "tracking", "attention", "report", "files", "forecaster", "task"}
    | {"errors"},
    "record": {"config", "data", "training", "tracking", "attention", "report", "forecaster", "judgement", "stored"}
    | {"epoch_record", "explanation", "explanation_files", "files", "run_report", "task"},
    "backtest": {"config", "data", "training", "tracking", "evaluation", "report", "backend", "fitting", "forecaster"}
    | {"files", "forecasting", "task", "errors"},
    "audit": {"config", "data", "evaluation", "feeds", "forecaster", "forecasting", "rival_forecasts", "task"}
    | {"errors"},
    "comparing": {"config", "data", "tracking", "evaluation", "attention", "report", "forecaster", "forecasting"}
    | {"files", "stored", "task", "errors"},
    "pipeline": {"config", "data", "training", "tracking", "evaluation", "report", "audit", "backtest", "fitting"}
    | {"backend", "comparing", "epoch_record", "explained_window", "explanation", "interruption", "process"}
    | {"benchmark_check"}
    | {"forecaster", "forecasting", "identity", "judgement", "record", "slicing", "stored", "task", "unseen", "errors"},
    "sweeps": {
        "config",
        "data",
        "tracking",
        "report",
        "backend",
        "process",
        "redaction",
        "identity",
        "estimate",
        "files",
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
    "keras": {"models", "training", "forecaster", "checked_folder", "solved_paths", "fitting", "record", "estimate"},
    "sklearn": {"evaluation"},
    "scipy": {"evaluation", "attention"},
    "joblib": {"backtest"},
    "optuna": {"sweeps"},
    "rich": {"sweeps", "data"},
    "hydra": set(),
    "omegaconf": set(),
    "tensorflow": {"training"},
    "jax": {"training", "models"},
}
FILES = sorted(SOURCE.rglob("*.py"))


# Who may write without files.py, with which call, and why.
WRITERS = {
    ("files.py", "os.fdopen"): "it is the one place",
    ("files.py", "os.open"): "it is the one place",
    ("files.py", "os.rename"): "it is the one place",
    ("files.py", "os.replace"): "it is the one place",
    ("tracking/journal.py", "open"): "it appends lines, and its reader passes over a torn one",
    ("sweeps/storage.py", "open"): "it cuts off what a kill has left unfinished in Optuna's journal",
    ("config/door.py", "os.open"): "of os.devnull",
    ("data/stored_dataset.py", "os.open"): "it opens a lock, which holds nothing",
    ("stored_file.py", "os.open"): "it reads, and must follow no link and wait for no pipe",
    ("stored_file.py", "os.fdopen"): "it reads",
    ("backend.py", "tempfile.TemporaryFile"): "it has no name and goes with the process",
    ("data/scratch.py", "tempfile.TemporaryFile"): "it has no name and goes with the process",
    ("data/store_file.py", "tempfile.TemporaryFile"): "it is empty, has no name and goes with the process",
    ("tracking/find.py", "tempfile.TemporaryDirectory"): "a run that comes from MLflow, for as long as it is read",
}
_METHODS = {"write_text", "write_bytes", "tofile", "touch", "symlink_to", "hardlink_to"}
_FUNCTIONS = {
    "os": {"open", "fdopen", "replace", "rename", "renames", "link", "symlink", "truncate", "mkfifo"},
    "shutil": {"copy", "copy2", "copyfile", "copyfileobj", "copytree", "move"},
    "tempfile": {"TemporaryFile", "NamedTemporaryFile", "SpooledTemporaryFile", "TemporaryDirectory", "mkstemp"}
    | {"mkdtemp"},
}
_SAVERS = {
    "save",
    "savez",
    "savez_compressed",
    "savetxt",
    "savefig",
    "dump",
}  # into their first argument, or their second
_TABLES = {"to_csv", "to_json", "to_parquet", "to_pickle", "to_html"}  # as text where they get no path
_IN_MEMORY = ("files.writing(", "io.BytesIO(", "io.StringIO(", "BytesIO(", "StringIO(")


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


@pytest.mark.parametrize(
    ("library", "modules"),
    [("tensorflow", {"tensorflow_backend.py"}), ("jax", {"jax_backend.py", "products.py"})],
)
def test_a_backend_is_named_where_nothing_else_will_do(library: str, modules: set[str]) -> None:
    naming = {path.name for path in FILES if any(name.split(".")[0] == library for name in imports(path))}
    assert naming == modules


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


def writers(code: str) -> set[str]:
    """Names of the calls in a file that put something on the disk, other than those of files.py."""
    tree, found = ast.parse(code), set[str]()
    harmless = {  # names of what files.py or memory stands behind
        ast.unparse(target)
        for node in ast.walk(tree)
        for target, value in _bound(node)
        if ast.unparse(value).startswith(_IN_MEMORY)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        owner, _, name = ast.unparse(node.func).rpartition(".")
        arguments = [ast.unparse(argument) for argument in node.args]
        words = {*arguments, *(ast.unparse(word.value) for word in node.keywords)}
        modes = {text for text in words if re.fullmatch(r"'[rwaxbt+]+'", text)}
        if name in _FUNCTIONS.get(owner, ()):
            found.add(f"{owner}.{name}")
        elif (
            name in _METHODS
            or (name in _TABLES and arguments)
            or (name in ("replace", "rename") and _is_path(node))
            or (name == "open" and any(set(mode) & set("wax+") for mode in modes))
        ):
            found.add(name)
        elif name in _SAVERS and owner in ("np", "numpy", "json", "pickle", "yaml", "joblib", "figure"):
            place = arguments[1] if name == "dump" else arguments[0]
            found |= set() if place in harmless else {f"{owner}.{name}"}
    return found


def _bound(node: ast.AST) -> list[tuple[ast.expr, ast.expr]]:
    if isinstance(node, ast.Assign):
        return [(target, node.value) for target in node.targets]
    if isinstance(node, ast.With):
        return [(item.optional_vars, item.context_expr) for item in node.items if item.optional_vars]
    return []


def _is_path(node: ast.Call) -> bool:
    """Whether `.replace(...)` is that of a path: a text's has two arguments, a table's and a time's have names."""
    return isinstance(node.func, ast.Attribute) and len(node.args) == 1 and not node.keywords


@pytest.mark.parametrize(
    "code",
    [
        "path.write_text('a')", "(folder / 'a').write_bytes(b'')", "open(path, 'w')", "path.open('ab')", "path.touch()",
        "path.open(mode='x')", "with path.open('rb+') as file: pass", "os.open(path, os.O_CREAT)", "os.fdopen(3, 'r')",
        "temporary.replace(path)", "temporary.rename(path)", "os.replace(a, b)", "shutil.copy2(a, b)",
        "tempfile.mkdtemp()", "np.savez(path, a=1)", "np.save(folder / 'a.npy', a)", "figure.savefig('a.png')",
        "with path.open('rb') as file: np.savez_compressed(file)", "json.dump(a, open(b))", "table.to_csv(path)",
    ],
)  # fmt: skip
def test_the_rule_on_writers_sees_every_kind(code: str) -> None:
    assert writers(code)


@pytest.mark.parametrize(
    "code",
    [
        "path.open('rb')", "open(path)", "path.read_text('w')", "text.replace('w', 'a')", "replace(record, status='a')",
        "files.write(path, 'w')", "with files.writing(path) as file: np.savez(file, a=1)", "table.to_csv(index=False)",
        "file = io.BytesIO()\nnp.savez(file)", "time.replace(hour=0)", "forecaster.save(folder)", "json.dumps(a)",
    ],
)  # fmt: skip
def test_the_rule_on_writers_leaves_alone_what_writes_nothing(code: str) -> None:
    assert not writers(code)


def test_nothing_is_written_but_whole() -> None:
    source = PROJECT / "src"
    found = {
        (str(path.relative_to(SOURCE if path.is_relative_to(SOURCE) else source)), call)
        for path in sorted(source.rglob("*.py"))
        for call in writers(path.read_text())
    }
    assert found == set(WRITERS), "write through headway.files, or say in WRITERS why not"


def test_every_file_has_one_idea() -> None:
    long = [path.name for path in FILES if len(path.read_text().splitlines()) > 360]
    assert not long, f"past 300 lines one asks what the second idea is: {long}"
