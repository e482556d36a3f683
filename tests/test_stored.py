"""What a run stores of its configuration, and the runs beside it that differ in their seed alone."""

import functools
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from headway.config.train import TrainConfig
from headway.errors import StoredRunError
from headway.stored import Stored, errors_by_seed

SCORES = """target,forecaster,horizon,num_values,mae,rmse
temp,transformer,all,97,{temp},3
temp,transformer,1,97,7.5,3
temp,persistence,all,97,9.5,3
dewp,transformer,all,97,{dewp},3
"""


@pytest.fixture(scope="module")
def composed(compose: Callable[..., TrainConfig]) -> Callable[..., TrainConfig]:
    """As `compose`, each configuration once."""
    return functools.cache(compose)


@pytest.fixture
def make_run(composed: Callable[..., TrainConfig], tmp_path: Path) -> Callable[..., Path]:
    """Makes the folder of a judged run: make_run("2026-01-02_a", "seed=3", error=1.5)."""

    def make(name: str, *overrides: str, error: float | str = 2.0, comparable: str = "task") -> Path:
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        (folder / "run.json").write_text(json.dumps({"id": name, "comparable": comparable}))
        Stored(composed(*overrides), "f" * 64, ("python", "train.py")).write(folder)
        (folder / "scores.csv").write_text(SCORES.format(temp=error, dewp=4.5))
        return folder

    return make


@pytest.fixture
def own(make_run: Callable[..., Path]) -> Path:
    return make_run("2026-01-05_own", "seed=1", error=99)


@pytest.fixture
def found(own: Path, composed: Callable[..., TrainConfig]) -> Callable[..., dict[int, float]]:
    """The errors of the run's own and other seeds."""
    return lambda target="temp": errors_by_seed(own, composed("seed=1"), target, own=1.25)


def test_the_error_of_other_seeds_is_read_from_the_table_and_column_that_are_asked_for(
    own: Path, make_run: Callable[..., Path], composed: Callable[..., TrainConfig]
) -> None:
    other = make_run("2026-01-04_other", "seed=3")
    (other / "scaled.csv").write_text("target,forecaster,mse,mae\nall,transformer,0.25,0.75\nall,drift,9,9\n")
    make_run("2026-01-03_unscaled", "seed=5")
    found = errors_by_seed(own, composed("seed=1"), "all", own=1.25, table="scaled.csv", metric="mse")
    assert found == {1: 1.25, 3: 0.25}


def test_a_configuration_comes_back_as_it_was_written(composed: Callable[..., TrainConfig], tmp_path: Path) -> None:
    stored = Stored(composed("seed=7", "model.heads=2"), "abc", ("python", "train.py", "seed=7"))
    stored.write(tmp_path)
    assert Stored.read(tmp_path) == stored


def test_what_a_run_was_made_with_comes_back_as_words(composed: Callable[..., TrainConfig], tmp_path: Path) -> None:
    environment = {"keras": "3.10", "git_dirty": "false", "device": "1 x CPU \N{THERMOMETER}: <b>"}
    Stored(composed(), "abc", ("python", "train.py"), environment).write(tmp_path)
    assert Stored.read(tmp_path).environment == environment


def test_no_password_is_stored_and_the_rest_comes_back(
    composed: Callable[..., TrainConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUB_TOKEN", "q7Zr-kk3_9fX2vLw")
    config = composed("tracking.uri=postgresql://me:hunter2@host/db")
    command = ("python", "train.py", "tracking.uri=postgresql://me:hunter2@host/db", "seed=7")
    Stored(config, "abc", command, {"device": "1 x q7Zr-kk3_9fX2vLw"}).write(tmp_path)
    text = (tmp_path / "config.yaml").read_text()
    assert "hunter2" not in text
    assert "q7Zr" not in text
    found = Stored.read(tmp_path)
    assert found.command == ("python", "train.py", "tracking.uri=postgresql://***@host/db", "seed=7")
    tracking = config.tracking.model_copy(update={"uri": "postgresql://***@host/db"})
    assert found.config == config.model_copy(update={"tracking": tracking})


def test_a_run_stored_without_its_environment_is_refused_by_name(
    composed: Callable[..., TrainConfig], tmp_path: Path
) -> None:
    Stored(composed(), "abc", ("python", "train.py"), {"keras": "3.10"}).write(tmp_path)
    path = tmp_path / "config.yaml"
    path.write_text(path.read_text().replace("environment:", "surroundings:"))
    with pytest.raises(StoredRunError, match=r"config.yaml: not a configuration this version can read: 'environment'"):
        Stored.read(tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "No such file"),
        ("[1, 2]", "not a configuration"),
        ("{", "not a configuration"),
        ("\udcff", "not a configuration"),
        ("config: {seed: 1}\nfingerprint: a\ncommand: []\n", "not a configuration"),
        ("config: 2024-13-45\n", "not a configuration"),
        ("command: []\n", "not a configuration"),
    ],
    ids=["none", "list", "no yaml", "no text", "too little", "no such day", "no config"],
)
def test_a_configuration_that_cannot_be_read_is_refused_in_one_line(
    tmp_path: Path, content: str | None, words: str
) -> None:
    if content is not None:
        (tmp_path / "config.yaml").write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(StoredRunError, match=words) as error:
        Stored.read(tmp_path)
    assert len(str(error.value).splitlines()) == 1


def test_a_run_alone_has_its_own_error(found: Callable[..., dict[int, float]]) -> None:
    assert found() == {1: 1.25}


def test_runs_that_differ_in_their_seed_are_found(
    make_run: Callable[..., Path], found: Callable[..., dict[int, float]]
) -> None:
    make_run("2026-01-04_a", "seed=2", error=2.5)
    make_run("2026-01-06_b", "seed=3", error=3.5)
    assert found() == {1: 1.25, 2: 2.5, 3: 3.5}
    assert found("dewp") == {1: 1.25, 2: 4.5, 3: 4.5}


def test_the_newest_run_of_a_seed_counts_and_of_its_own_seed_its_own(
    make_run: Callable[..., Path], found: Callable[..., dict[int, float]]
) -> None:
    for day, seed, error in ((3, 2, 2.0), (7, 2, 7.0), (6, 2, 6.0), (8, 1, 8.0)):
        make_run(f"2026-01-0{day}_x", f"seed={seed}", error=error)
    assert found() == {1: 1.25, 2: 7.0}


@pytest.mark.parametrize(
    "words", ["model.heads=2", "training.epochs=3", "windows.stride=2", "dataset.units.temp=K", "backend=jax"]
)
def test_a_run_that_differs_in_more_is_none_of_them(
    make_run: Callable[..., Path], found: Callable[..., dict[int, float]], words: str
) -> None:
    make_run("2026-01-04_a", "seed=2", words)
    assert found() == {1: 1.25}


@pytest.mark.parametrize("words", ["evaluation=quick", "tracking=off", "evaluate=false", "evaluation.bootstrap=7"])
def test_how_a_run_is_judged_or_tracked_makes_it_no_other(
    make_run: Callable[..., Path], found: Callable[..., dict[int, float]], words: str
) -> None:
    make_run("2026-01-04_a", "seed=2", words)
    assert found() == {1: 1.25, 2: 2.0}


def test_a_run_of_another_task_is_none_of_them(
    make_run: Callable[..., Path], found: Callable[..., dict[int, float]]
) -> None:
    make_run("2026-01-04_a", "seed=2", comparable="another")
    assert found() == {1: 1.25}


def test_without_a_record_of_its_own_task_a_run_stands_alone(
    own: Path, make_run: Callable[..., Path], found: Callable[..., dict[int, float]]
) -> None:
    make_run("2026-01-04_a", "seed=2", comparable="")
    (own / "run.json").write_text("{}")
    assert found() == {1: 1.25}


HARM: dict[str, Callable[[Path], object]] = {
    "not judged": lambda run: (run / "scores.csv").unlink(),
    "no scores": lambda run: (run / "scores.csv").write_text(""),
    "another target": lambda run: (run / "scores.csv").write_text("target,mae\nload,1\n"),
    "no such metric": lambda run: (run / "scores.csv").write_text("target,rmse\ntemp,1\n"),
    "an empty field": lambda run: (run / "scores.csv").write_text("target,mae\ntemp,\n"),
    "a line cut short": lambda run: (run / "scores.csv").write_text("target,mae\ntemp"),
    "not finite": lambda run: (run / "scores.csv").write_text("target,mae\ntemp,nan\n"),
    "binary scores": lambda run: (run / "scores.csv").write_bytes(bytes(range(256))),
    "a field without end": lambda run: (run / "scores.csv").write_text(f"target,mae\n{'x' * 140_000},1\n"),
    "no configuration": lambda run: (run / "config.yaml").unlink(),
    "a damaged configuration": lambda run: (run / "config.yaml").write_text("config: ["),
    "a configuration of another version": lambda run: (run / "config.yaml").write_text("config: {heads: 3}"),
    "no record": lambda run: (run / "run.json").unlink(),
    "a record that is no object": lambda run: (run / "run.json").write_text("[1]"),
}


@pytest.mark.parametrize("harm", HARM)
def test_a_damaged_or_unjudged_run_is_passed_over(
    make_run: Callable[..., Path], found: Callable[..., dict[int, float]], harm: str
) -> None:
    HARM[harm](make_run("2026-01-04_a", "seed=2"))
    make_run("2026-01-03_b", "seed=3", error=3.5)
    assert found() == {1: 1.25, 3: 3.5}


def test_the_configurations_of_the_newest_fifty_comparable_runs_are_read(
    make_run: Callable[..., Path], own: Path, found: Callable[..., dict[int, float]]
) -> None:
    first = make_run("2026-01-04_000", "seed=2")
    for number in range(1, 61):
        folder = own.parent / f"2026-01-04_{number:03d}"
        folder.mkdir()
        for name in ("run.json", "scores.csv"):
            (folder / name).write_bytes((first / name).read_bytes())
        text = (first / "config.yaml").read_text()
        (folder / "config.yaml").write_text(text.replace("seed: 2", f"seed: {100 + number}"))
    assert sorted(found()) == [1, *range(111, 161)]
