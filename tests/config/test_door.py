"""The real command: exit codes, one line a mistake, nothing written, and nothing heavy loaded."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("tensorflow", "keras", "jax", "mlflow", "pandas", "matplotlib")
# Importing a heavy library ends the command with a code that no error has.
GUARDED = f"""
import runpy, sys

class Guard:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {HEAVY}:
            sys.stderr.write(name + " was imported")
            sys.stderr.flush()
            __import__("os")._exit(99)

sys.meta_path.insert(0, Guard())
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def command(project: Path, folder: Path, *words: str, script: str = "train.py") -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("HYDRA", "KERAS"))}
    return subprocess.run(
        [sys.executable, "-c", GUARDED, str(project / script), *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


CASES: list[tuple[list[str], int, str]] = [
    (["model.heads=0"], 2, "model.heads=0: expected a number above 0"),
    (
        ["model.patch_length=4", "model.patch_stride=3"],
        2,
        "patches must fill the context: got model.patch_length=4 and",
    ),
    (["model.patch_length=7"], 2, "patches must fill the context: got model.patch_length=7 and"),
    (["model.patch_stride=2"], 2, "model: patch_stride must not exceed patch_length"),
    (["model.embedding=none", "model.channels=separate"], 2, "model: embedding=none feeds time steps as they are"),
    (["training.ensemble=0"], 2, "training.ensemble=0: expected a number above 0"),
    (["training.ema=1.0"], 2, "training.ema=1.0: expected a number below 1"),
    (["haeds=4"], 2, "haeds: unknown key; did you mean model.heads?"),
    (["+model.foo=1"], 2, "model.foo: unknown key; model has attention,"),
    (["dataset=nowhere"], 2, "dataset=nowhere: no such choice; dataset has csv, etth1, exchange_rate, nyc_weather"),
    (["model=5"], 2, "model=5: names no file of the group model"),
    (["model.heads=["], 2, "model.heads=[: "),
    (["model.heads=1_6"], 2, "model.heads=1_6: write 1_6 without an underscore"),
    (["model.quantiles=[0.5,1_0]"], 2, "model.quantiles=[0.5,1_0]: write 1_0 without an underscore"),
    (["seed=${seed}"], 2, "seed: Recursive interpolation detected"),
    (["seed=${oc.env:NO_SUCH_VARIABLE}"], 2, "seed: KeyError raised while resolving interpolation"),
    (["dataset=csv", "dataset.units.a=K"], 2, "dataset.units.a: not set yet; write +dataset.units.a=K to add it"),
    (["haeds=4", "dataset.units.temp=K"], 2, "haeds: unknown key; did you mean model.heads?"),
    (["dataset.path=nowhere.csv"], 3, "nowhere.csv: no such file"),
    (["dataset.path=data_1_000.csv"], 3, "data_1_000.csv: no such file"),
    (["dataset.targets=[tmep]"], 3, "data/nyc_weather_2013.csv: no column 'tmep' (dataset.targets)"),
    (["tracking.uri=runs"], 2, "tracking.uri must start with sqlite:///"),
]


@pytest.mark.parametrize(
    ("words", "code", "message"), CASES, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_a_mistake_ends_at_the_door(project: Path, tmp_path: Path, words: list[str], code: int, message: str) -> None:
    done = command(project, tmp_path, *words)
    assert done.returncode == code, done.stderr
    assert done.stderr.startswith(f"error: {message}")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


MODEL = "defaults: [transformer, _self_]\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (MODEL + "heads: 4\nheads: 8\n", "found duplicate key heads"),
        (MODEL + "\theads: 4\n", "found character '\\t' that cannot start any token"),
        (MODEL + "heads: yes\n", "model.heads=true: expected a whole number, got true or false"),
        (MODEL + "heads: [4\n", "expected ',' or ']'"),
        (MODEL + "haeds: 4\n", "model.haeds: unknown key; did you mean model.heads?"),
    ],
    ids=["duplicate key", "tab", "yes", "open list", "unknown key"],
)
def test_a_mistake_in_a_yaml_file_ends_at_the_door(project: Path, tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model/mine.yaml").write_text(text)
    done = command(project, tmp_path, "--config-dir", ".", "model=mine")
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert len(list(tmp_path.rglob("*"))) == 2


@pytest.mark.parametrize(
    ("script", "words"), [("train.py", ["--help"]), ("train.py", ["--cfg", "job"]), ("evaluate.py", ["--help"])]
)
def test_help_and_the_configuration_are_shown_without_anything_heavy(
    project: Path, tmp_path: Path, script: str, words: list[str]
) -> None:
    done = command(project, tmp_path, *words, script=script)
    assert (done.returncode, done.stderr) == (0, "")
    assert "tracking" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_evaluate_refuses_what_belongs_to_train(project: Path, tmp_path: Path) -> None:
    done = command(project, tmp_path, "model.heads=4", script="evaluate.py")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("error: model.heads: unknown key")
