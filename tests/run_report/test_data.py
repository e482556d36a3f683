"""The section on data says what was read: counts that agree with the file and with the windows."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from headway.report.page import Items
from headway.run_report import data
from headway.run_report.excerpt import MOST_ROWS
from headway.stored import Stored


def section_of(subject: Any) -> Any:
    return data.section(subject.task, Stored(subject.config, "abc123", ("python", "train.py")))


@pytest.fixture(scope="module")
def found(plain: Any, opened: Callable[..., Any]) -> Any:
    return opened(section_of(plain))


def test_rows_and_gaps_are_those_of_the_file(found: Any) -> None:
    """Two hours of the first series are filled with marks, the seven of the second cut it, the third has blanks."""
    assert found.column("Series", "series") == ["north", "south", "west"]
    assert found.column("Series", "rows") == ["211", "204", "211"]
    assert found.column("Series", "rows without any value") == ["2", "0", "0"]
    assert found.column("Series", "longer gaps") == ["0", "1", "0"]
    assert found.column("Series", "values missing") == ["0.9 %", "0.0 %", "0.7 %"]  # 2 of 211, 3 of 422
    assert found.facts["rows"] == "626 on a clock of 1h"
    assert found.facts["period"] == "2024-01-01 00:00 to 2024-01-09 18:00 UTC"
    assert found.facts["fingerprint"] == "abc123"


def test_window_counts_and_reasons_are_those_of_the_index(plain: Any, found: Any) -> None:
    for split, index in plain.task.windows.items():
        assert found.cell("Windows", split, "windows") == str(len(index))
        for reason, count in index.dropped.items():
            assert found.cell("Windows", split, f"left out: {reason}") == str(count)
    # Seven rows a window: those that would start 1 to 6 rows before the cut are lost.
    assert found.cell("Windows", "train", "left out: crosses a gap") == "6"
    assert found.cell("Windows", "validation", "left out: crosses a gap") == "0"
    assert "No window was left out" not in found.tables["Windows"].note


def test_without_any_loss_the_page_says_so(
    subject: Callable[..., Any], frame: Callable[..., pd.DataFrame], opened: Callable[..., Any]
) -> None:
    whole = subject(frame(names=("north",), columns=("y",)))
    found = opened(section_of(whole))
    assert found.tables["Windows"].header == ("split", "windows", "forecast from", "to")
    assert found.tables["Windows"].note.endswith("No window was left out.")
    assert section_of(whole).lead == "1 series of 1 feature; 0.0 % of the values are missing."


def test_a_split_is_told_by_the_first_and_last_time_it_forecasts(plain: Any, found: Any) -> None:
    index = plain.task.windows["test"]
    starts = index.starts(np.arange(len(index)))
    times = pd.DatetimeIndex(plain.task.dataset.timestamps)
    first, last = times[starts + 5].min(), times[starts + 5 + 2 - 1].max()
    assert found.cell("Windows", "test", "forecast from") == first.strftime("%Y-%m-%d %H:%M")
    assert found.cell("Windows", "test", "to") == last.strftime("%Y-%m-%d %H:%M")


def test_a_split_without_windows_has_no_times(plain: Any) -> None:
    nothing = np.zeros(0, np.int64)
    index = replace(plain.task.windows["test"], first=nothing, count=nothing, series=nothing)
    assert data.target_span(replace(plain.task, windows={"test": index}), "test") == ("", "")


def test_columns_have_their_role_and_the_extremes_of_the_training_rows(
    subject: Callable[..., Any], frame: Callable[..., pd.DataFrame], opened: Callable[..., Any]
) -> None:
    values = frame(names=("north",), columns=("y", "x", "known"))
    values.loc[values.index[:7], "x"] = np.nan
    values.loc[values.index[-1], "y"] = 999.0  # of the test split
    found = opened(section_of(subject(values, "dataset.known_future=[known]", "+dataset.units.y=MW")))
    table = found.tables["Columns"]
    assert list(table.rows[0][:4]) == ["y", "MW", "target", "0.0 %"]
    assert list(table.rows[1][:4]) == ["x", "", "past covariate", "3.3 %"]  # 7 of 211
    assert list(table.rows[2][:4]) == ["known", "", "known in advance", ""]
    training = values.iloc[: int(0.7 * len(values))]
    for name in ("y", "x", "known"):
        for column, extreme in (("lowest", training[name].min()), ("highest", training[name].max())):
            assert found.cell("Columns", name, column) == f"{extreme:.4g}"


def test_of_many_series_those_with_gaps_are_shown_and_the_rest_is_counted(
    subject: Callable[..., Any], frame: Callable[..., pd.DataFrame], opened: Callable[..., Any]
) -> None:
    names = tuple(f"s{number:02d}" for number in range(41))
    values = frame(names=names, columns=("y",), rows=61)
    short, long = (values.index[values.place == name] for name in ("s37", "s40"))
    found = opened(section_of(subject(values.drop(index=[*short[11:13], *long[11:18]]))))
    shown = found.column("Series", "series")
    assert len(shown) == MOST_ROWS
    assert {"s37", "s40"} <= set(shown)
    assert f"Shown are {MOST_ROWS} of 41 rows" in found.tables["Series"].note


def test_notes_are_listed_and_of_many_the_first(plain: Any, opened: Callable[..., Any]) -> None:
    dataset = replace(plain.task.dataset, notes=tuple(f"note {number}" for number in range(37)))
    kept = Stored(plain.config, "abc123", ("python", "train.py"))
    section = data.section(replace(plain.task, dataset=dataset), kept)
    (listed,) = [block.items for block in section.blocks if isinstance(block, Items)]
    assert list(listed) == [f"note {number}" for number in range(MOST_ROWS)]
    assert opened(section).texts == ["And 7 notes more; the log of the run has all."]
