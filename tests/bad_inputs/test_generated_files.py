"""Files that nobody thought of: a data set, or an error of one line, and never anything else."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from tests.bad_inputs.row import CSV, GOOD, PARQUET

PLAIN = "\n".join([*GOOD, ""]).encode()
QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
WORDS = [
    (),
    ("dataset.sort=true", "dataset.duplicates=mean"),
    ("dataset.frequency=1h", "dataset.duplicates=first"),
    ("dataset.series=x",),
    ("dataset.known_future=[x]",),
    ("dataset.date_format='%Y-%m-%dT%H:%M'",),
    ("dataset.timestamp=null", "dataset.start=2024-01-01", "dataset.frequency=1h", "dataset.features=[x]"),
    ('dataset.separator=";"',),
    ("+dataset.plausible.y=[0,9]", "+dataset.max_jump.y=3"),
    ("dataset.frequency=1s", "dataset.max_gap=1000000"),
]
NUMBERS = [
    "NaN",
    "-",
    "inf",
    "-inf",
    "1e400",
    "1e308",
    "-1e-320",
    "0x1",
    "1_0",
    "1,5",
    "1e5",
    "0",
    "-0",
    "True",
    "999999999999999999999999999999",
]
TIMES = [
    "nat",
    "now",
    "2024-02-30",
    "2024-13-01",
    "0000-01-01",
    "9999-12-31T23:59",
    "2024-01-01T00:00+99:99",
    "2024-01-01T00:00Z",
    "12:00",
]
YEARS = ["1677-01-01", "2262-04-12", "-2024-01-01", "20240101", "2024-W01", "2024", "today"]
MARKS = ["", " ", '"', '""', '"1"', ";", "\t", "#", "'", "\0", "\r", "\n", "\r\n", "é", "😀", "a" * 300]
UNSEEN = ["\ufeff", "\u2028", "\x85", "\x0b", "\x1c", "\u202e"]
ODD = some.sampled_from([*NUMBERS, *TIMES, *YEARS, *MARKS, *UNSEEN]) | some.text(max_size=7)


@some.composite
def mutated(draw: Callable[..., Any], good: bytes) -> bytes:
    """Bytes of a good file, of which some were flipped, cut out, put in or moved."""
    content = bytearray(good)
    for _ in range(draw(some.integers(1, 4))):
        at = draw(some.integers(0, max(len(content) - 1, 0)))
        to = at + draw(some.integers(0, 90))
        kind = draw(some.sampled_from(["flip", "cut", "remove", "insert", "repeat", "replace"]))
        if kind == "flip" and content:
            content[at] ^= 1 << draw(some.integers(0, 7))
        elif kind == "cut":
            del content[at:]
        elif kind == "remove":
            del content[at:to]
        elif kind == "insert":
            content[at:at] = draw(some.binary(max_size=9) | ODD.map(lambda text: text.encode("utf-8", "surrogatepass")))
        elif kind == "repeat":
            content[at:at] = content[at:to] * draw(some.integers(1, 3))
        else:
            old = draw(some.sampled_from([b",", b"\n", b":", b"-", b"T", b"5", b".", b"2024", b"time", b"y"]))
            content = content.replace(old, draw(some.sampled_from([b";", b"\t", b"", b"\r", b'"', b" ", b"\0", b"1"])))
    return bytes(content)


@some.composite
def table(draw: Callable[..., Any]) -> bytes:
    """A csv file of which some fields, lines or columns are odd."""
    lines = [line.split(",") for line in GOOD[: draw(some.integers(1, 62))]]
    for _ in range(draw(some.integers(1, 4))):
        row = draw(some.integers(0, len(lines) - 1))
        kind = draw(some.sampled_from(["field", "field", "field", "column", "repeat", "remove", "swap", "header"]))
        if kind == "field":
            lines[row][draw(some.integers(0, len(lines[row]) - 1))] = draw(ODD)
        elif kind == "column":
            text = draw(ODD)
            lines = [[*line[:-1], text if number else line[-1]] for number, line in enumerate(lines)]
        elif kind == "repeat":
            lines[row:row] = [list(lines[row])] * draw(some.integers(1, 3))
        elif kind == "remove" and len(lines) > 1:
            del lines[row]
        elif kind == "swap":
            lines[row], lines[-1] = lines[-1], lines[row]
        else:
            lines[0][draw(some.integers(0, len(lines[0]) - 1))] = draw(ODD)
    return "\n".join(",".join(line) for line in lines).encode("utf-8", "surrogatepass")


def good_parquet() -> bytes:
    times = np.datetime64("2024-01-01T00", "ms") + np.arange(61) * np.timedelta64(1, "h")
    stream = io.BytesIO()
    pq.write_table(pa.table({"time": times, "y": np.arange(61.0) % 7, "x": np.arange(61) % 5}), stream)
    return stream.getvalue()


TYPES = [pa.int8(), pa.uint64(), pa.float16(), pa.float32(), pa.string(), pa.large_binary(), pa.bool_(), pa.null()]
TYPES += [pa.date32(), pa.date64(), pa.time32("s"), pa.time64("ns"), pa.duration("us"), pa.decimal128(38, 5)]
TYPES += [pa.timestamp(unit) for unit in ("s", "ms", "us", "ns")] + [pa.timestamp("s", "Europe/Berlin")]
TYPES += [
    pa.dictionary(pa.int8(), pa.string()),
    pa.list_(pa.int8()),
    pa.timestamp("s", "No/Where"),
    pa.decimal256(70, 1),
]


@some.composite
def typed(draw: Callable[..., Any]) -> bytes:
    """A parquet file of odd types, with odd values and odd notes of pandas about them."""
    columns = {}
    for name in draw(
        some.lists(some.sampled_from(["time", "y", "x", "", "é", "__index_level_0__"]), min_size=1, unique=True)
    ):
        kind = draw(some.sampled_from(TYPES))
        numbers = draw(
            some.lists(some.integers(-(2**63), 2**63 - 1) | some.integers(0, 99) | some.none(), min_size=5, max_size=5)
        )
        try:
            columns[name] = pa.array(numbers, pa.int64()).cast(kind, safe=False)
        except pa.ArrowException:
            try:
                columns[name] = pa.array([None if one is None else str(one) for one in numbers]).cast(kind)
            except pa.ArrowException:
                columns[name] = pa.nulls(5, kind)
    stream = io.BytesIO()
    whole = pa.table(columns)
    notes = draw(some.none() | some.binary(max_size=30) | some.sampled_from([b"{}", b"[]", b'{"index_columns": [9]}']))
    try:
        pq.write_table(whole if notes is None else whole.replace_schema_metadata({b"pandas": notes}), stream)
    except pa.ArrowException:
        return b"PAR1"
    return stream.getvalue()


@pytest.fixture
def survives(command: Callable[..., Any], tmp_path: Path) -> Callable[..., None]:
    """Reads bytes as the command does, and says if anything but a data set or one line a mistake comes of it."""

    def check(content: bytes, name: str, words: tuple[str, ...]) -> None:
        (tmp_path / name).write_bytes(content)
        ended = command(*words)
        assert ended.code in (0, 3), ended
        assert bool(ended.errors) == (ended.code == 3), ended
        for line in ended.errors:
            assert line.startswith("error: ") and line.isprintable() and name in line, line
        assert [path.name for path in tmp_path.iterdir()] == [name]

    return check


CSVS = (
    some.binary(max_size=300)
    | mutated(PLAIN)
    | table()
    | some.text(max_size=200).map(lambda text: text.encode("utf-8", "ignore"))
)
PARQUETS = mutated(good_parquet()) | typed()


def check_csv_files(survives: Callable[..., None], count: int) -> None:
    @settings(max_examples=count, suppress_health_check=QUIET, deadline=None)
    @given(CSVS, some.sampled_from(WORDS))
    def check(content: bytes, words: tuple[str, ...]) -> None:
        survives(content, "load.csv", (*CSV, *words))

    check()


def check_parquet_files(survives: Callable[..., None], count: int) -> None:
    @settings(max_examples=count, suppress_health_check=QUIET, deadline=None)
    @given(PARQUETS)
    def check(content: bytes) -> None:
        survives(content, "load.parquet", PARQUET)

    check()


def test_a_csv_file_is_read_or_refused(survives: Callable[..., None]) -> None:
    check_csv_files(survives, 200)


def test_a_parquet_file_is_read_or_refused(survives: Callable[..., None]) -> None:
    check_parquet_files(survives, 100)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_five_thousand_csv_files_are_read_or_refused(survives: Callable[..., None]) -> None:
    check_csv_files(survives, 5000)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_two_thousand_parquet_files_are_read_or_refused(survives: Callable[..., None]) -> None:
    check_parquet_files(survives, 2000)
