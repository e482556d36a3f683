"""The real command takes the same path: nothing heavy is loaded, one line is said, and nothing is written."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.bad_inputs.real import real_command
from tests.bad_inputs.row import BadInput
from tests.bad_inputs.table import FILES, SETTINGS

BEFORE_KERAS = [
    "model.heads=0",
    "open bracket",
    "misspelt key",
    "thousands of digits",
    "key twice in yaml",
    "underscore in a setting",
    "F44 no target",
    "F72 missing",
]
# These need pandas, and so what is loaded beside it.
AFTER = ["F32 word late", "F81 parquet cut", "F23 constant target"]


def rows(names: list[str]) -> list[BadInput]:
    found = {row.name: row for row in [*FILES, *SETTINGS]}
    return [found[name] for name in names]


def check(row: BadInput, done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == row.code, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, done.stderr
    assert re.search(row.message, lines[0]), lines[0]
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("row", rows(BEFORE_KERAS), ids=lambda row: row.name)
def test_a_mistake_ends_at_the_door(project: Path, tree: Callable[[], Any], tmp_path: Path, row: BadInput) -> None:
    row.make(tmp_path)
    before = tree()
    done = real_command(project, tmp_path, *row.words)
    check(row, done)
    assert done.stderr.count("\n") == 1
    assert tree() == before


@pytest.mark.slow
@pytest.mark.parametrize("row", rows(AFTER), ids=lambda row: row.name)
def test_what_the_rows_show_ends_before_a_run_is_made(
    project: Path, tree: Callable[[], Any], tmp_path: Path, row: BadInput
) -> None:
    row.make(tmp_path)
    before = tree()
    check(row, real_command(project, tmp_path, *row.words, light=False))
    assert tree() == before


@pytest.mark.slow
def test_a_batch_larger_than_all_windows_is_refused(project: Path, tree: Callable[[], Any], tmp_path: Path) -> None:
    done = real_command(project, tmp_path, "training.batch_size=1000000", light=False)
    assert done.returncode == 3, done.stderr
    assert "error: training.batch_size=1000000 is larger than the 18300 training windows; lower it" in done.stderr
    assert tree() == {}


@pytest.mark.parametrize("words", [["--nope"], ["--cfg", "nope"]], ids=" ".join)
def test_an_unknown_flag_gets_one_line(
    project: Path, tree: Callable[[], Any], tmp_path: Path, words: list[str]
) -> None:
    done = real_command(project, tmp_path, *words)
    assert (done.returncode, done.stderr.count("\n"), done.stdout) == (2, 1, "")
    assert done.stderr.startswith("train.py: error: ")
    assert tree() == {}
