"""The real command shows itself without anything heavy; how it refuses stands in tests/bad_inputs."""

from pathlib import Path

import pytest
from tests.bad_inputs.real import real_command


@pytest.mark.parametrize(
    ("script", "words"), [("train.py", ["--help"]), ("train.py", ["--cfg", "job"]), ("evaluate.py", ["--help"])]
)
def test_help_and_the_configuration_are_shown_without_anything_heavy(
    project: Path, tmp_path: Path, script: str, words: list[str]
) -> None:
    done = real_command(project, tmp_path, *words, script=script)
    assert (done.returncode, done.stderr) == (0, "")
    assert "tracking" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_evaluate_refuses_what_belongs_to_train(project: Path, tmp_path: Path) -> None:
    done = real_command(project, tmp_path, "model.heads=4", script="evaluate.py")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("error: model.heads: unknown key")


@pytest.mark.parametrize("word", ["run=796667e2", "run=12345678", "compare=[796667e2,00000012]"])
def test_the_beginning_of_an_id_is_text_though_it_reads_as_a_number(project: Path, tmp_path: Path, word: str) -> None:
    done = real_command(project, tmp_path, word, "tracking=off", script="evaluate.py", light=False)
    first = "12345678" if "12345678" in word else "796667e2"
    assert (done.returncode, done.stderr.partition(" in ")[0]) == (4, f"error: There is no run {first!r}")
