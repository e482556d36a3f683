"""What Keras computes with: the environment wins, and two answers are an error."""

import os
import subprocess
import sys

import keras
import pytest

from headway import backend
from headway.errors import ConfigError

HERE = keras.backend.backend()
OTHER = {"tensorflow": "jax", "jax": "tensorflow"}[HERE]


def loaded_in_a_new_process(asked: str, environment: str) -> str:
    """What Keras says its backend is after `load`, where TensorFlow's import is not needed."""
    code = (
        "import sys; from headway import backend; found = backend.load(sys.argv[1]); "
        "import keras; print(found, keras.backend.backend())"
    )
    variables = {**os.environ, "KERAS_BACKEND": environment}
    return subprocess.run(
        [sys.executable, "-c", code, asked], env=variables, capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.mark.parametrize(
    ("asked", "environment", "expected"), [("auto", "jax", "jax"), ("jax", "", "jax"), ("auto", "", "tensorflow")]
)
def test_the_backend_is_the_one_asked_for_or_the_environments(asked: str, environment: str, expected: str) -> None:
    assert loaded_in_a_new_process(asked, environment) == f"{expected} {expected}"


def test_saying_both_differently_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", HERE)
    with pytest.raises(ConfigError, match=f"backend={OTHER}: KERAS_BACKEND={HERE} says otherwise") as error:
        backend.load(OTHER)
    assert error.value.exit_code == 2


def test_saying_both_alike_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", HERE)
    assert backend.load(HERE) == HERE


def test_an_unknown_backend_in_the_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    with pytest.raises(ConfigError, match="KERAS_BACKEND=torch: expected tensorflow or jax"):
        backend.load("auto")


def test_a_backend_that_is_not_installed_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setitem(sys.modules, OTHER, None)
    with pytest.raises(ConfigError, match=f"backend={OTHER}: {OTHER} is not installed; pip install") as error:
        backend.load(OTHER)
    assert error.value.exit_code == 2


def test_a_process_that_loaded_keras_with_another_backend_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "")
    with pytest.raises(ConfigError, match=f"backend={OTHER}: this process has loaded Keras with {HERE}"):
        backend.load(OTHER)


def test_what_the_import_leaves_is_never_searched_for_garbage_and_what_comes_later_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "")
    code = (
        "import gc; from headway import backend; before = gc.get_freeze_count(); backend.load('jax'); "
        "kept = gc.get_freeze_count(); later = [[] for _ in range(99)]; backend.load('jax'); "
        "print(before, kept > 100_000, gc.isenabled(), gc.get_freeze_count() <= kept)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.split() == ["0", "True", "True", "True"]


@pytest.mark.parametrize(
    ("chosen", "seconds", "on_cpu", "is_given"),
    [
        ("tensorflow", 1200.0, True, True),
        ("tensorflow", 30.0, True, False),
        ("tensorflow", 1200.0, False, False),
        ("jax", 1200.0, True, False),
    ],
)
def test_another_backend_is_hinted_at_after_a_long_training_on_a_cpu(
    chosen: str, seconds: float, on_cpu: bool, is_given: bool
) -> None:
    found = backend.hint(chosen, seconds=seconds, on_cpu=on_cpu)
    assert (found is not None) == is_given
    if found is not None:
        assert "20 minutes" in found
        assert "backend=jax" in found


DRAWN = """
import sys
from headway import backend
backend.load("auto")
import keras
{seed}(11)
import random, numpy as np
drawn = [random.random(), float(np.random.random()), *map(float, keras.random.normal((3,)))]
print(*drawn, sys.modules.get("tensorflow") is not None)
"""


def drawn(seed: str, name: str) -> list[str]:
    variables = {**os.environ, "KERAS_BACKEND": name}
    return subprocess.run(
        [sys.executable, "-c", DRAWN.format(seed=seed)], env=variables, capture_output=True, text=True, check=True
    ).stdout.split()


@pytest.mark.parametrize("name", ["tensorflow", "jax"])
def test_seeds_are_those_of_keras_and_jax_needs_no_tensorflow_for_them(name: str) -> None:
    ours, theirs = drawn("backend.seed_everything", name), drawn("keras.utils.set_random_seed", name)
    assert len(ours) == 6
    assert ours[:-1] == theirs[:-1]
    assert (ours[-1], theirs[-1]) == ("True" if name == "tensorflow" else "False", "True")


@pytest.mark.parametrize(
    ("largest_product", "threads", "environment", "expected"),
    [
        (10, None, "", "1"),
        (10**9, None, "", ""),
        (None, None, "", ""),
        (10, None, "7", "7"),
        (10, 3, "", "3"),
    ],
)
def test_small_products_are_not_split_among_threads_unless_somebody_says_so(
    largest_product: int | None, threads: int | None, environment: str, expected: str
) -> None:
    code = (
        "import os; from headway import backend; "
        f"backend.load('jax', threads={threads}, largest_product={largest_product}); "
        "print(os.environ.get('TF_NUM_INTRAOP_THREADS', ''))"
    )
    variables = {name: value for name, value in os.environ.items() if not name.startswith("TF_NUM")}
    variables |= {"KERAS_BACKEND": ""} | ({"TF_NUM_INTRAOP_THREADS": environment} if environment else {})
    done = subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == expected
