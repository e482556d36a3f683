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
