"""Every bad input: its exit code, one line that says what is wrong, and nothing left behind."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.bad_inputs.row import CSV, GOOD, BadInput, written
from tests.bad_inputs.table import FILES, SETTINGS, TABLE


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_a_bad_input_ends_with_its_exit_code_and_one_line(
    command: Callable[..., Any], tree: Callable[[], Any], tmp_path: Path, row: BadInput
) -> None:
    row.make(tmp_path)
    before = tree()
    ended = command(*row.words)
    assert ended.code == row.code, ended
    assert len(ended.errors) == 1, ended.errors
    assert ended.errors[0].startswith("error: ")
    assert re.search(row.message, ended.errors[0]), ended.errors[0]
    assert ended.errors[0].isprintable()
    assert len(ended.errors[0]) < 1100
    assert "Traceback" not in ended.logged
    assert tree() == before


@pytest.mark.parametrize("row", FILES, ids=lambda row: row.name)
def test_a_file_is_named_as_it_was_typed(row: BadInput) -> None:
    (path,) = (word.partition("=")[2].strip("'") for word in row.words if word.startswith("dataset.path="))
    assert not path.startswith("/") or path == "/dev/zero"


def test_there_are_as_many_as_were_promised_and_none_twice() -> None:
    assert len(FILES) >= 110
    assert len(SETTINGS) >= 70
    names = [row.name for row in TABLE]
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_every_column_that_is_missing_gets_a_line(command: Callable[..., Any], tmp_path: Path) -> None:
    written(GOOD)(tmp_path)
    ended = command(*CSV, "dataset.targets=[a,b]", "dataset.series=c")
    assert [line.split("'")[1] for line in ended.errors] == ["c", "a", "b"]
    many = command(*CSV, f"dataset.targets=[{','.join(f'c{number}' for number in range(101))}]")
    assert (len(many.errors), many.errors[-1]) == (21, "error: and 81 more like these")
