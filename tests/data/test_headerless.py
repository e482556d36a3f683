"""Files without a header and without times, and targets that nobody named."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headway.config.train import TrainConfig
from headway.data import sources
from headway.data.assemble import assemble
from headway.data.columns import check_header
from headway.data.contract import Table
from headway.data.series import Dataset
from headway.errors import DataError

Read = Callable[..., Dataset]

ROWS = [[f"{row + column / 8}" for column in range(3)] for row in range(1, 48)]
GOOD = [",".join(row) for row in ROWS]
COLUMNS = "dataset.columns=[a,b,c]"


@pytest.fixture
def headerless(compose: Callable[..., TrainConfig], tmp_path: Path) -> Read:
    """Writes lines as load.txt and reads them as columns a, b and c, hourly from 2024-01-31T22, all of them targets."""

    def headerless(lines: list[str], *overrides: str) -> Dataset:
        path = tmp_path / "load.txt"
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        words = ("dataset=csv", f"dataset.path={path}", "dataset.targets=null", "dataset.timestamp=null", COLUMNS)
        clock = ("dataset.start='2024-01-31T22:00'", "dataset.frequency=1h")
        return sources.read(compose(*words, *clock, *overrides).dataset)

    return headerless


def test_rows_without_times_stand_on_the_clock_from_the_first_line_on(headerless: Read) -> None:
    dataset = headerless(GOOD)
    series = dataset.series[0]
    np.testing.assert_array_equal(series.values, np.array(ROWS, float))
    hours = np.arange(47) * np.timedelta64(3600, "s")
    np.testing.assert_array_equal(series.timestamps, np.datetime64("2024-01-31T22", "s") + hours)
    assert (dataset.features, dataset.targets, series.segments) == (("a", "b", "c"), ("a", "b", "c"), (0,))
    assert (str(dataset.clock), dataset.notes, series.name) == ("1h", (), "csv")


@pytest.mark.parametrize(
    ("frequency", "start", "last"),
    [
        ("1M", "2019-02-28", "2022-12-28"),
        ("3M", "2008-01-01", "2019-07-01"),
        ("1W", "2024-01-03", "2024-11-20"),
        ("15min", "2024-01-31T22:00", "2024-02-01T09:30"),
        ("7s", "2024-02-28T23:59:59", "2024-02-29T00:05:21"),
    ],
)
def test_the_last_row_is_46_steps_after_the_first(headerless: Read, frequency: str, start: str, last: str) -> None:
    dataset = headerless(GOOD, f"dataset.frequency={frequency}", f"dataset.start='{start}'")
    assert dataset.timestamps[-1] == np.datetime64(last)
    assert (len(dataset.series[0]), dataset.notes, str(dataset.clock)) == (47, (), frequency)


def test_columns_known_in_advance_named_features_and_made_ones_are_no_targets_or_are(headerless: Read) -> None:
    known = headerless(GOOD, "dataset.known_future=[b]")
    assert (known.targets, known.features, known.known_future_columns) == (("a", "c"), ("a", "c"), ("b",))
    np.testing.assert_array_equal(known.known_future[:, 0], np.array(ROWS, float)[:, 1])
    assert headerless(GOOD, "dataset.features=[c]").targets == ("a", "b")
    assert headerless(GOOD, "dataset.features=[c]").features == ("a", "b", "c")
    made = headerless(GOOD, "+dataset.components.wind={speed:a,direction:c}")
    assert made.targets == made.features == ("b", "wind_u", "wind_v")
    assert headerless(GOOD, "dataset.targets=[c]").features == ("a", "b", "c")


def test_targets_of_a_file_with_times_are_all_other_columns(
    read: Read, write_csv: Callable[..., Path], hourly: Callable[..., Any]
) -> None:
    header, *rows = hourly()
    path = write_csv([[*header, "place", "k"], *([*row, "p", 1] for row in rows)])
    dataset = read(path, "dataset.targets=null", "dataset.series=place", "dataset.known_future=[k]")
    assert dataset.targets == dataset.features == ("y", "x")
    assert (
        dataset.fingerprint()
        == read(path, "dataset.targets=[y,x]", "dataset.series=place", "dataset.known_future=[k]").fingerprint()
    )


def test_a_header_names_the_columns_of_a_file_without_times(headerless: Read) -> None:
    dataset = headerless(["c,b,a", *GOOD], "dataset.columns=null")
    assert dataset.targets == ("c", "b", "a")
    assert dataset.timestamps[0] == np.datetime64("2024-01-31T22")
    np.testing.assert_array_equal(dataset.values, np.array(ROWS, float))


def test_columns_can_name_those_of_a_file_with_times(
    read: Read, write_csv: Callable[..., Path], hourly: Callable[..., Any]
) -> None:
    header, *rows = hourly()
    plain = read(write_csv([header, *rows])).fingerprint()
    assert read(write_csv(rows), "dataset.columns=[time,y,x]").fingerprint() == plain


def test_one_column_is_enough(headerless: Read) -> None:
    dataset = headerless([row[0] for row in ROWS], "dataset.columns=[a]")
    assert dataset.values[:, 0].tolist() == [*range(1, 48)]


def test_missing_values_stay_where_they_are(headerless: Read) -> None:
    dataset = headerless(["NA,None,nan", *GOOD[:7], ",,", *GOOD[7:], "", ",,", ""])
    assert np.flatnonzero(np.isnan(dataset.values).all(axis=1)).tolist() == [0, 8]
    assert dataset.num_rows == 49


def test_parquet_without_times_is_read(headerless: Read, compose: Callable[..., TrainConfig], tmp_path: Path) -> None:
    pq.write_table(pa.table(dict(zip("abc", np.array(ROWS, float).T, strict=True))), tmp_path / "load.parquet")
    words = ("dataset=csv", f"dataset.path={tmp_path / 'load.parquet'}", "dataset.targets=null")
    clock = ("dataset.timestamp=null", "dataset.start='2024-01-31T22:00'", "dataset.frequency=1h")
    assert sources.read(compose(*words, *clock).dataset).fingerprint() == headerless(GOOD).fingerprint()


def test_times_follow_lines_whatever_the_order_of_a_table(compose: Callable[..., TrainConfig], tmp_path: Path) -> None:
    path = tmp_path / "load.txt"
    path.write_text("\n".join(GOOD))
    words = ("dataset=csv", f"dataset.path={path}", "dataset.targets=null", "dataset.timestamp=null", COLUMNS)
    spec = compose(*words, "dataset.start=2024-01-31", "dataset.frequency=1D", "dataset.sort=true").dataset
    table = sources.read_table(spec)
    shuffled = Table(table.file, table.frame.iloc[np.random.default_rng(3).permutation(47)])
    assert assemble(shuffled, spec).fingerprint() == assemble(table, spec).fingerprint()


# What is wrong: (lines, what the message must match, overrides).
REFUSED: dict[str, tuple[list[str], str, list[str]]] = {
    "empty": ([], r"the file is empty \(0 bytes\)", []),
    "first line empty": (["", *GOOD], r"txt:1: the first line is empty; delete it, so that the rows come first", []),
    "too few columns": (
        GOOD,
        r"txt:1: dataset\.columns names 2 columns \(a, b\), this line has 3 fields; name one column per field",
        ["dataset.columns=[a,b]"],
    ),
    "too many columns": (GOOD, r"txt:1: dataset\.columns names 4 .* 3 fields", ["dataset.columns=[a,b,c,d]"]),
    "header": (
        ["load,wind,rain", *GOOD],
        r"txt:1: .* no header, but this line looks like one \(load,.*\); delete it or set dataset\.columns=null",
        [],
    ),
    "one word in the first line": (["1,b,2", *GOOD], "txt:1: column 'b' holds 'b'; expected a number", []),
    "word in line 5": ([*GOOD[:4], "1,x,2", *GOOD[5:]], "txt:5: column 'b' holds 'x'", []),
    "short line": ([*GOOD[:4], "1,2", *GOOD[5:]], r"txt:5: dataset\.columns names 3 fields, this line 2", []),
    "short last line": ([*GOOD, "1"], r"txt:48: dataset\.columns names 3 fields, this line 1", []),
    "empty line inside": (
        [*GOOD[:6], "", "", *GOOD[6:]],
        "txt:7: an empty line among rows that hold no times; delete it .* or write NA",
        [],
    ),
    "open quote": ([*GOOD[:4], '1,"2,3', *GOOD[5:]], "txt:5: a quote is opened and not closed", []),
    "other separator": (
        [line.replace(",", ";") for line in GOOD],
        r"looks like ';'; set 'dataset\.separator=\";\"'",
        [],
    ),
    "no such target": (GOOD, r"no column 'z' \(dataset\.targets\); the file has a, b, c", ["dataset.targets=[a,z]"]),
    "no such known column": (GOOD, r"no column 'z' \(dataset\.known_future\)", ["dataset.known_future=[z]"]),
    "names like data": (
        GOOD,
        r"no column 'z' \(dataset\.targets\)",
        ["dataset.columns=['#a','1',c]", "dataset.targets=[z]"],
    ),
    "unknown future": (
        [*GOOD[:4], "1,2,", *GOOD[5:]],
        "txt:5: 'c' is missing, but dataset.known_future says",
        ["dataset.known_future=[c]"],
    ),
    "nothing left to forecast": (
        GOOD,
        r"dataset\.targets=null .* all have one; name them in dataset\.targets",
        ["dataset.features=[a,b]", "dataset.known_future=[c]"],
    ),
    "future": (
        GOOD,
        r"txt:1: 9000-01-01 00:00:00 counted from dataset\.start lies after",
        ["dataset.start=9000-01-01"],
    ),
    "row after the latest": (
        GOOD,
        r"txt:4: 2024-02-01 01:00:00 counted from dataset\.start lies after 2024-02-01",
        ["dataset.latest='2024-02-01T00:30'"],
    ),
    "rows beyond all years": (GOOD, "txt:2: .* lies after", ["dataset.frequency=999999M", "dataset.start=2024-01-01"]),
    "years beyond 64 bits": (GOOD, "txt:2: .* lies after", ["dataset.frequency=999999W"]),
    "year 1": (GOOD, "txt:1: 0001-01-01 .* lies outside the years 1678 to 2261", ["dataset.start=0001-01-01"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_file_without_a_header_is_refused_with_its_line(headerless: Read, case: str) -> None:
    lines, words, overrides = REFUSED[case]
    with pytest.raises(DataError) as error:
        headerless(lines, *overrides)
    assert error.value.exit_code == 3
    assert re.search(words, str(error.value)), str(error.value)


def test_names_that_do_not_fit_the_first_line_are_seen_without_reading_the_file(
    compose: Callable[..., TrainConfig], tmp_path: Path
) -> None:
    path = tmp_path / "load.txt"
    path.write_text("1,2,3\nnonsense\n")
    words = ("dataset=csv", f"dataset.path={path}", "dataset.targets=null", "dataset.timestamp=null")
    clock = ("dataset.start=2024-01-01", "dataset.frequency=1h")
    check_header(compose(*words, *clock, COLUMNS).dataset)
    with pytest.raises(DataError, match=r"load\.txt:1: dataset\.columns names 2 columns"):
        check_header(compose(*words, *clock, "dataset.columns=[a,b]").dataset)


def test_a_named_digest_is_asked_of_the_file_of_that_name_alone(
    compose: Callable[..., TrainConfig], write_csv: Callable[..., Path], hourly: Callable[..., Any]
) -> None:
    words = ("dataset=csv", "dataset.timestamp=time", "dataset.targets=[y]")
    path, other = write_csv(hourly(), "load.csv"), write_csv(hourly(53), "other.csv")
    right = hashlib.sha256(path.read_bytes()).hexdigest()

    def rows(file: Path, digest: str) -> int:
        spec = compose(*words, f"dataset.path={file}", f"dataset.sha256={{load.csv:{digest}}}").dataset
        return sources.read(spec).num_rows

    assert (rows(path, right), rows(other, right)) == (61, 53)
    with pytest.raises(DataError, match=r"load\.csv: its sha256 is .* expects ffff.*dataset\.sha256=null") as error:
        rows(path, "f" * 64)
    assert error.value.exit_code == 3


def test_a_file_that_is_missing_is_told_with_its_source(compose: Callable[..., TrainConfig], tmp_path: Path) -> None:
    path = tmp_path / "load.csv"
    words = ("dataset=csv", f"dataset.path={path}", "dataset.timestamp=time", "dataset.targets=null")
    spec = compose(*words, "dataset.source='ask the grid, by letter'").dataset
    for look in (sources.read, check_header):
        with pytest.raises(DataError, match=r"load\.csv: no such file.*; ask the grid, by letter$"):
            look(spec)
    with pytest.raises(DataError, match=r"no such file, looked from /.*, where the command was typed$"):
        sources.read(compose(*words).dataset)
