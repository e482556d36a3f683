"""Proof by reading: nothing in the source loads what could run."""

import ast
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
SOURCES = [*sorted((PROJECT / "src").rglob("*.py")), PROJECT / "train.py", PROJECT / "evaluate.py"]

# Calls that can run what a file holds, by the last words of their names.
RUNNING = {"eval", "exec", "compile", "__import__", "execfile"}
LOADING = {
    "pickle": {"load", "loads", "Unpickler"},
    "cloudpickle": {"load", "loads"},
    "dill": {"load", "loads"},
    "joblib": {"load"},
    "marshal": {"load", "loads"},
    "shelve": {"open"},
    "yaml": {"load_all", "unsafe_load", "unsafe_load_all", "full_load", "full_load_all"},
    "torch": {"load"},
    "models": {"load_model", "model_from_json"},
    "saving": {"load_model", "load_weights", "deserialize_keras_object", "enable_unsafe_deserialization"},
    "config": {"enable_unsafe_deserialization"},
    "hydra": {"instantiate", "call", "get_class", "get_method", "get_object"},
    "utils": {"instantiate", "get_class", "get_method", "get_object"},
    "os": {"system", "popen", "execv", "execve", "execvp", "spawnl", "spawnv"},
    "runpy": {"run_path", "run_module"},
    "importlib": {"import_module"},
    "": {"import_module"},
}
# Files that may, what, and why.
ALLOWED = {
    ("stored_file.py", "yaml.load"): "with a loader that is stricter than the safe one",
    ("rivals/__init__.py", "importlib.import_module"): "of a package of our own",
    ("rivals/__init__.py", "import_module"): "of a package of our own, by a name that the configuration's own list has",
}


def dangers(code: str) -> set[str]:
    """Calls in a source that could run what somebody else wrote."""
    found = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom):
            package = (node.module or "").rpartition(".")[2]
            found |= {f"{package}.{one.name}" for one in node.names if one.name in LOADING.get(package, ())}
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        owner, _, last = name.rpartition(".")
        if last == "import_module" and node.args and isinstance(node.args[0], ast.Constant):
            continue  # a module that the source names itself
        if last in LOADING.get(owner.rpartition(".")[2], ()) or (not owner and last in RUNNING):
            found.add(name)
        if name in ("yaml.load", "load_model", "load_weights") or last in ("load_model", "load_weights", "from_config"):
            found.add(name)
        for keyword in node.keywords:
            value = getattr(keyword.value, "value", None)
            if (keyword.arg, value) in {("allow_pickle", True), ("safe_mode", False), ("shell", True)}:
                found.add(f"{name}({keyword.arg}={value})")
            if keyword.arg in ("allow_pickle", "safe_mode", "shell") and not isinstance(keyword.value, ast.Constant):
                found.add(f"{name}({keyword.arg}=...)")
    return found


def test_nothing_in_the_source_can_run_what_a_file_holds() -> None:
    found = {
        ("/".join(path.parts[-2:]) if path.name == "__init__.py" else path.name, danger)
        for path in SOURCES
        for danger in dangers(path.read_text())
    }
    assert found == set(ALLOWED)


@pytest.mark.parametrize(
    "code",
    [
        "import pickle\npickle.loads(x)",
        "from pickle import loads",
        "yaml.load(x, Loader=yaml.Loader)",
        "yaml.unsafe_load(x)",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=flag)",
        "keras.models.load_model(path)",
        "keras.saving.load_model(path, safe_mode=False)",
        "network.load_weights(path)",
        "hydra.utils.instantiate(config)",
        "from hydra.utils import instantiate",
        "joblib.load(path)",
        "eval(text)",
        "os.system(text)",
        "subprocess.run(text, shell=True)",
    ],
)
def test_the_reader_sees_what_it_looks_for(code: str) -> None:
    assert dangers(code)


def test_no_setting_of_the_shipped_configuration_names_code() -> None:
    files = sorted((PROJECT / "conf").rglob("*.yaml"))
    assert len(files) > 20
    for path in files:
        assert "_target_" not in path.read_text(), path
