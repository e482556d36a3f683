"""What looks bad and is taken: what was done about it is counted and said, and nothing is written."""

import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.bad_inputs.accepted import ROWS, Accepted
from tests.bad_inputs.other_files import parquet


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_what_was_done_about_a_file_is_said_as_a_warning(
    command: Callable[..., Any],
    tree: Callable[[], Any],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    row: Accepted,
) -> None:
    row.make(tmp_path)
    before = tree()
    ended = command(*row.words)
    assert (ended.code, ended.errors) == (0, [])
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == len(row.said), warnings
    for words, warning in zip(row.said, warnings, strict=True):
        assert re.fullmatch(f"load.(csv|parquet): {words}", warning)
    assert tree() == before


def test_a_folder_with_an_equal_sign_makes_no_column(command: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "year=2024").mkdir()
    parquet(tmp_path / "year=2024/load.parquet")
    words = ("dataset=csv", "dataset.path='year=2024/load.parquet'", "dataset.timestamp=time", "dataset.targets=null")
    ended = command(*words)
    assert ended.code == 0, ended.errors
    assert "year" not in ended.logged
    refused = command(*words, "dataset.features=[year]")
    assert (refused.code, "the file has time, y" in refused.errors[0]) == (3, True)
