"""Files that must be refused: exit code 3, one message with file, line and fix, and nothing written."""

import itertools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headway.data.columns import check_header
from headway.data.series import Dataset
from headway.errors import DataError

Read = Callable[..., Dataset]

HEADER = "time,y,x"


def stamp(hour: int, begin: str = "2024-01-01T00:00") -> str:
    return str(np.datetime64(begin, "m") + 60 * hour)


GOOD = [HEADER, *(f"{stamp(hour)},{(7 * hour) % 11}.5,{hour % 5}" for hour in range(61))]


def with_line(number: int, text: str) -> list[str]:
    """The good file with one line replaced; lines count from 1."""
    return [*GOOD[: number - 1], text, *GOOD[number:]]


def with_value(text: str) -> list[str]:
    return with_line(47, f"{stamp(45)},{text},2")


def with_times(time: Callable[[int], object], count: int = 61) -> list[str]:
    return [HEADER, *(f"{time(hour)},{(7 * hour) % 11}.5,{hour % 5}" for hour in range(count))]


def late(hour: int) -> bool:
    return hour >= 31


# What is wrong: (content, what the message must match, overrides).
TABLE: dict[str, tuple[bytes | list[str], str, list[str]]] = {
    # No table at all.
    "empty": (b"", r"file is empty \(0 bytes\)", []),
    "byte order mark alone": (b"\xef\xbb\xbf", "file is empty", []),
    "blank lines": (b"\n\n\n", "file is empty", []),
    "first line empty": (["", *GOOD], r"csv:1: the first line is empty; delete it", []),
    "header only": ([HEADER], "a header only", []),
    "header and blank line": ([HEADER, ""], "a header only", []),
    "gzip": (b"\x1f\x8b\x08\x00", "gzip archive.*unpack", []),
    "zip": (b"PK\x03\x04", "spreadsheet.*save it as csv", []),
    "parquet named csv": (b"PAR1....PAR1", r"a parquet file.*name it \.parquet", []),
    "utf-16": ("\n".join(GOOD).encode("utf-16"), "UTF-16 text; save it as UTF-8", []),
    "utf-16 without mark": ("\n".join(GOOD).encode("utf-16-le"), r"csv:1: holds a NUL byte", []),
    "latin-1": ("\n".join(with_value("1é")).encode("latin-1"), r"csv:47: not UTF-8 text \(byte 19 of", []),
    "NUL": (with_value("1\0002"), r"csv:47: holds a NUL byte", []),
    "html": (b"<!DOCTYPE html><html></html>", "looks like HTML.*Fetch it again", []),
    "json": (b'[{"time": 1}]', "looks like JSON", []),
    # Separators and fields.
    "semicolon": ([line.replace(",", ";") for line in GOOD], "looks like ';'; set 'dataset.separator=\";\"'", []),
    "tab": ([line.replace(",", "\t") for line in GOOD], r"looks like a tab; set 'dataset.separator=\"\\t\"'", []),
    "long line": (with_line(47, f"{stamp(45)},1,2,3,4"), "csv:47: the header has 3 fields, this line 5", []),
    "long first line": (with_line(2, f"{stamp(0)},1,2,3"), "csv:2: the header has 3 fields, this line 4", []),
    "every line long": ([HEADER, *(line + ",0" for line in GOOD[1:])], "csv:2: .* 3 fields, this line 4", []),
    "short line": (with_line(47, f"{stamp(45)},1"), "csv:47: the header has 3 fields, this line 2", []),
    "last line cut": ([*GOOD, f"{stamp(61)},1"], "csv:63: the header has 3 fields, this line 2", []),
    "blank line inside": ([*GOOD[:9], "", *GOOD[9:]], "csv:10: empty timestamp.*delete the line", []),
    "open quote": (with_value('"1'), "csv:47: a quote is opened and not closed", []),
    "value over two lines": (with_value('"1\n2"'), "csv:47: a quote is opened and not closed", []),
    "endless quote": ([*with_value('"1'), "x" * 200_000], "csv:.*is a quote not closed", []),
    # The header.
    "no header": (GOOD[1:], "csv:1: the first line looks like data; write the columns' names", []),
    "comment first": (["# weather, 2024", *GOOD], "csv:1: the first line is a comment; delete it", []),
    "comment inside": ([*GOOD[:9], "# a note", *GOOD[9:]], "csv:10: .*delete it if it is a comment", []),
    "units below": ([HEADER, "UTC,degF,mm", *GOOD[1:]], "csv:2: 'UTC'.*delete the line if it holds units", []),
    "no target": (
        ["time,yy,x", *GOOD[1:]],
        r"no column 'y' \(dataset.targets\); .* time, yy, x; did you mean yy\?",
        [],
    ),
    "other case": (["Time,y,x", *GOOD[1:]], r"no column 'time' \(dataset.timestamp\).*did you mean Time\?", []),
    "space in header": (["time, y,x", *GOOD[1:]], "csv:1: the header has spaces around 'y'", []),
    "column twice": (["time,y,y", *GOOD[1:]], "csv:1: the column 'y' stands twice", []),
    "column without name": (["time,y,", *GOOD[1:]], "csv:1: a column without a name.*index", []),
    "no series column": (GOOD, r"no column 'station' \(dataset.series\)", ["dataset.series=station"]),
    "no feature": (GOOD, r"no column 'z' \(dataset.features\)", ["dataset.features=[y,z]"]),
    "no known column": (GOOD, r"no column 'z' \(dataset.known_future\)", ["dataset.known_future=[z]"]),
    "no plausible column": (GOOD, r"no column 'z' \(dataset.plausible\)", ["+dataset.plausible.z=[0,1]"]),
    "made column is there": (
        ["time,y,x,wind_u", *(line + ",1" for line in GOOD[1:])],
        "csv:1: the column 'wind_u' would be made by dataset.components too",
        ["+dataset.components.wind={speed:y,direction:x}"],
    ),
    # Numbers.
    "word": (with_value("oops"), "csv:47: column 'y' holds 'oops'; expected a number", []),
    "dash": (with_value("-"), "csv:47: column 'y' holds '-'; expected a number", []),
    "infinity": (with_value("inf"), "csv:47: column 'y' holds 'inf'; infinite", []),
    "minus infinity": (with_value("-Infinity"), "csv:47: column 'y' holds '-Infinity'; infinite", []),
    "overflow": (with_value("1e400"), "csv:47: column 'y' holds '1e400'; infinite", []),
    "thousands": (with_value('"1,234.5"'), "csv:47: column 'y' holds '1,234.5'; .*without thousands separators", []),
    "comma": (with_value('"1,5"'), "csv:47: column 'y' holds '1,5'; .* decimal comma, write a point", []),
    "hexadecimal": (with_value("0x1F"), "csv:47: column 'y' holds '0x1F'; expected a number", []),
    "underscore": (with_value("1_000"), "csv:47: column 'y' holds '1_000'; expected a number", []),
    "percent": (with_value("50%"), "csv:47: column 'y' holds '50%'; expected a number", []),
    "2^53 + 1": (with_value("9007199254740993"), r"csv:47: column 'y' holds 9007199254740993, 2\^53 or beyond", []),
    "truth": (with_value("True"), "csv:47: column 'y' holds 'True'; write 1 and 0", []),
    "text column": (
        [HEADER, *(line[:-1] + "NW" for line in GOOD[1:])],
        "csv:2: column 'x' holds 'NW'; .*leave the column out of dataset.features",
        [],
    ),
    "unknown future": (
        with_line(47, f"{stamp(45)},1,"),
        "csv:47: 'x' is missing, but dataset.known_future says",
        ["dataset.known_future=[x]"],
    ),
    "nameless series": (with_line(47, f"{stamp(45)},1,"), "csv:47: no name in the series column", ["dataset.series=x"]),
    # Times.
    "empty time": (with_line(47, ",1,2"), "csv:47: empty timestamp in column 'time'; fill it or delete", []),
    "no time": (with_line(47, "NaT,1,2"), "csv:47: empty timestamp", []),
    "impossible date": (with_line(47, "2024-02-30T00:00,1,2"), "csv:47: '2024-02-30T00:00' .*no such date", []),
    "mixed zones": (
        with_times(lambda hour: stamp(hour) + ("+02:00" if late(hour) else "+01:00")),
        r"time zones differ in column 'time': \+01:00 \(line 2\), \+02:00 \(line 33\); .*UTC",
        [],
    ),
    "mixed short zones": (
        with_times(lambda hour: stamp(hour) + ("+02" if late(hour) else "+01")),
        r"time zones differ .* \+01 \(line 2\), \+02 \(line 33\)",
        [],
    ),
    "naive and aware": (
        with_times(lambda hour: stamp(hour) + ("Z" if late(hour) else "")),
        r"time zones differ .* none \(line 2\), Z \(line 33\)",
        [],
    ),
    "naive and aware without colons": (
        with_times(lambda hour: stamp(hour).replace("-", "").replace(":", "") + ("" if late(hour) else "+0100")),
        r"time zones differ .* \+0100 \(line 2\), none \(line 33\)",
        [],
    ),
    "epoch seconds": (with_times(lambda hour: 1_704_067_200 + 3600 * hour), "csv:2: .* count of days or seconds", []),
    "epoch milliseconds": (
        with_times(lambda hour: 1000 * (1_704_067_200 + 3600 * hour)),
        "csv:2: .*days or seconds",
        [],
    ),
    "spreadsheet days": (
        with_times(lambda hour: 45_292 + hour),
        "csv:2: '45292' .*days or seconds; write ISO 8601",
        [],
    ),
    "month or day": (
        with_times(lambda hour: f"{1 + hour // 24:02d}/02/2024 {hour % 24:02d}:00"),
        "csv:2: '01/02/2024 00:00' .*day and month could be confused; set dataset.date_format",
        [],
    ),
    "format changes": (
        with_times(lambda hour: f"01/14/2024 {hour:02d}:00" if hour > 9 else f"14/01/2024 {hour:02d}:00", 23),
        "csv:12: '01/14/2024 10:00' .*dataset.date_format is '%d/%m/%Y %H:%M'",
        ["dataset.date_format='%d/%m/%Y %H:%M'"],
    ),
    "bad format": (GOOD, "dataset.date_format=%Q: 'Q' is a bad directive", ["dataset.date_format='%Q'"]),
    "year 1": (with_line(2, "0001-01-01T00:00,1,2"), "csv:2: 0001-01-01 .*outside the years 1678 to 2261", []),
    "future": (with_line(62, "9024-01-03T12:00,1,2"), "csv:62: 9024-01-03 .*lies after .*dataset.latest", []),
    "after the latest": (GOOD, "csv:27: 2024-01-02 01:00:00 .*lies after 2024-01-02", ["dataset.latest='2024-01-02'"]),
    # The clock.
    "unsorted": (
        [*GOOD[:45], GOOD[46], GOOD[45], *GOOD[47:]],
        r"csv:47: series 'csv' goes back in time to 2024-01-02T20:00:00; .*dataset.sort=true",
        [],
    ),
    "duplicate": (
        [*GOOD[:46], GOOD[45], *GOOD[46:]],
        "csv:47: 2024-01-02T20:00:00 stands twice, first in line 46; .*dataset.duplicates=first or mean",
        [],
    ),
    "irregular": (
        with_line(47, "2024-01-02T21:17,1,2"),
        r"csv:47: 2024-01-02T21:17:00 .* off the clock of 1h; steps found: 3600 s \(58 times\).*resample",
        [],
    ),
    "another clock later": (
        with_times(lambda hour: stamp(hour + max(0, hour - 31))),
        "csv:34: the clock of series 'csv' changes from 1h to 2h; .*dataset.frequency=1h",
        [],
    ),
    "another clock asked for": (GOOD, "csv:3: .*off the clock of 2h", ["dataset.frequency=2h"]),
    "clocks of two series": (
        [HEADER, *(f"{stamp(hour)},1,a" for hour in range(31)), *(f"{stamp(2 * hour)},1,b" for hour in range(31))],
        r"the series' clocks differ \(a 1h, b 2h\); set dataset.frequency",
        ["dataset.series=x"],
    ),
    "one row": (GOOD[:2], "shows no clock; set dataset.frequency or give more rows", []),
    "digest": (GOOD, "its sha256 is .*dataset.sha256=null", [f"dataset.sha256={'a' * 64}"]),
}


def refused(read: Read, path: Path, *overrides: str) -> str:
    """The message of a file that must be refused without a trace in its folder."""
    before = sorted(path.parent.rglob("*"))
    with pytest.raises(DataError) as error:
        read(path, *overrides)
    assert error.value.exit_code == 3
    assert all(path.stem in message and "\n" not in message for message in error.value.messages)
    assert sorted(path.parent.rglob("*")) == before
    return str(error.value)


@pytest.mark.parametrize("case", TABLE)
def test_a_bad_csv_is_refused_with_its_line_and_the_fix(
    read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    content, words, overrides = TABLE[case]
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "load.csv"
    path.write_bytes(content if isinstance(content, bytes) else "\n".join([*content, ""]).encode())
    message = refused(read, path, *overrides)
    assert re.search(words, message), message


def test_a_path_that_is_no_file_is_refused(read: Read, tmp_path: Path) -> None:
    (tmp_path / "load.csv").write_text("\n".join(GOOD))
    (tmp_path / "folder").mkdir()
    (tmp_path / "linked.csv").symlink_to("gone.csv")
    expected = {
        "laod.csv": r"no such file.*did you mean .*load\.csv\?",
        "folder": "is a folder, not a file",
        "linked.csv": r"is a link to gone\.csv, which does not exist",
        "nowhere/load.csv": "there is no folder .*nowhere",
    }
    for name, words in expected.items():
        with pytest.raises(DataError, match=words):
            read(tmp_path / name)


def parquet(path: Path, **columns: Any) -> Path:
    times = np.datetime64("2024-01-01T00", "ms") + np.arange(61) * np.timedelta64(1, "h")
    pq.write_table(pa.table({"time": times, "y": np.arange(61.0)} | columns), path)
    return path


LARGE = np.where(np.arange(61) == 45, 2**53 + 1, np.arange(61))
PARQUET: dict[str, tuple[dict[str, Any], str]] = {
    "nested": ({"x": pa.array([{"a": 1}] * 61)}, "column 'x' holds struct.*flatten it"),
    "list": ({"x": pa.array([[1.0]] * 61)}, "column 'x' holds list.*flatten it"),
    "truth": ({"x": np.arange(61) > 7}, "column 'x' holds true and false; write 1 and 0"),
    "category": ({"x": pa.array(["a"] * 61).dictionary_encode()}, "column 'x' holds category.*leave it out"),
    "text": ({"x": ["a"] * 61}, "parquet:1: column 'x' holds 'a'; expected a number"),
    "times": ({"x": np.full(61, np.datetime64("2024-01-01", "ms"))}, "column 'x' holds datetime64"),
    "infinity": ({"x": np.where(np.arange(61) == 45, np.inf, 0)}, "parquet:46: column 'x' holds 'inf'; infinite"),
    "large": ({"x": LARGE}, r"parquet:46: column 'x' holds 9007199254740993, 2\^53 or beyond"),
    "numbers for times": ({"time": np.arange(61)}, "column 'time' holds numbers, not times; write ISO 8601"),
    "no rows": ({"time": pa.array([], pa.timestamp("ms")), "y": pa.array([], pa.float64())}, "no rows of data"),
    "no target": ({"x": np.arange(61)}, r"no column 'load' \(dataset.targets\)"),
}


@pytest.mark.parametrize("case", PARQUET)
def test_a_bad_parquet_file_is_refused(read: Read, tmp_path: Path, case: str) -> None:
    columns, words = PARQUET[case]
    path = parquet(tmp_path / "load.parquet", **columns)
    with pytest.raises(DataError, match=words):
        read(path, *(["dataset.targets=[load]"] if case == "no target" else []))


@pytest.mark.parametrize("size", [0, 4, 500])
def test_a_truncated_parquet_file_is_refused(read: Read, tmp_path: Path, size: int) -> None:
    path = parquet(tmp_path / "load.parquet")
    path.write_bytes(path.read_bytes()[:size])
    assert "load.parquet: not a readable parquet file" in refused(read, path)


def test_every_missing_column_is_named_at_once(read: Read, tmp_path: Path) -> None:
    path = tmp_path / "load.csv"
    path.write_text("\n".join(GOOD))
    with pytest.raises(DataError) as error:
        read(path, "dataset.targets=[a,b]", "dataset.series=c")
    assert [message.split("'")[1] for message in error.value.messages] == ["c", "a", "b"]


def test_a_missing_column_is_seen_without_reading_the_file(
    compose: Callable[..., Any], write_csv: Callable[..., Path]
) -> None:
    path = write_csv([("time", "y"), *itertools.repeat(("nonsense", "nonsense"), 7)])
    words = ["dataset=csv", f"dataset.path={path}", "dataset.timestamp=time"]
    check_header(compose(*words, "dataset.targets=[y]").dataset)
    with pytest.raises(DataError, match="no column 'z'"):
        check_header(compose(*words, "dataset.targets=[z]").dataset)
