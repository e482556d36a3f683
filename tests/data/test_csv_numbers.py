"""What is read fast is what is read with care; where there is a doubt, nothing is read fast."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headway.config.dataset import DatasetSpec
from headway.data import csv_numbers, sources
from headway.data.assemble import assemble
from headway.data.contract import Table
from headway.errors import DataError


@pytest.fixture
def spec(compose: Callable[..., Any], tmp_path: Path) -> Callable[..., DatasetSpec]:
    def make(*overrides: str) -> DatasetSpec:
        words = [
            "dataset=csv",
            f"dataset.path={tmp_path / 'load.csv'}",
            "dataset.timestamp=time",
            "dataset.targets=[y]",
        ]
        made: DatasetSpec = compose(*words, *overrides).dataset
        return made

    return make


@pytest.fixture
def fast(spec: Callable[..., DatasetSpec]) -> Callable[..., Any]:
    """The table that is read fast from a text, or None."""

    def read(text: str | bytes, *overrides: str) -> Any:
        asked = spec(*overrides)
        path = Path(asked.path)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        found = csv_numbers.layout(path, asked)
        return csv_numbers.plain(path.read_bytes()[found.begin :], found, asked)

    return read


HEAD, ROW = "time,y,x\n", "2024-01-01T00:00,1.5,2\n"


@pytest.mark.parametrize(
    "text",
    [
        '2024-01-01T00:00,"1.5",2\n', "2024-01-01T00:00,1.5\n", "2024-01-01T00:00,1.5,2,3\n", "2024-01-01T00:00,1.5,2\0\n",
        "2024-01-01T00:00,inf,2\n", "2024-01-01T00:00,-nan,2\n", "2024-01-01T00:00,1e999,2\n", "2024-01-01T00:00,1_0,2\n",
        "2024-01-01T00:00,9007199254740992,2\n", "2024-01-01T00:00,-9e15,-1e16\n", "2024-01-01T00:00,0x1F,2\n",
        "2024-01-01T00:00,oops,2\n", ",1.5,2\n", "NaT,1.5,2\n", "2024-02-30,1.5,2\n", "01/02/2024,1.5,2\n",
        "2024-01-01T00:00Z,1.5,2\n", "2024-01-01T00:00,true,2\n", "1e5,1.5,2\n", "\n", ",,\n",
        "2024-01-01T00:00,1.5,2\r2024-01-01T01:00,1.5,2\n", "2024-01-01T00:00, NA ,2\n", "2024-01-01T00:00:00.5,1.5,2\n",
    ],
)  # fmt: skip
def test_what_is_in_doubt_is_not_read_fast(fast: Callable[..., Any], text: str) -> None:
    assert fast(HEAD + ROW) is not None
    assert fast(HEAD + ROW + text + ROW) is None


def test_a_name_in_quotes_is_not_read_fast(fast: Callable[..., Any]) -> None:
    head, row = "time,y,name\n", "2024-01-01T00:00,1.5,a\n"
    assert fast(head + row, "dataset.series=name") is not None
    assert fast(head + row + row.replace("a", '"a"'), "dataset.series=name") is None


@pytest.mark.parametrize("zones", [("Z", "+00:00"), ("+05:30", "-05:30"), ("Z", ""), ("", "Z"), ("+01:00", "+0100")])
def test_zones_that_differ_are_not_read_fast(fast: Callable[..., Any], zones: tuple[str, str]) -> None:
    one, other = (f"2024-01-01T00:00{zone},1.5,2\n" for zone in zones)
    assert fast(HEAD + one + one) is not None
    assert fast(HEAD + one + other) is None


@pytest.mark.parametrize("name", ['"a"', 'a"', "a\0", "\ufeffa", "\udce9"])
def test_a_name_with_odd_bytes_is_not_read_fast_where_no_other_column_is_text(
    fast: Callable[..., Any], name: str
) -> None:
    head, row = "time,y,name\n", "2024-01-01T00:00,1.5,a\n"
    text = (head + row + row.replace("a", name)).encode(errors="surrogateescape")
    assert fast(text.replace(name.encode(errors="surrogateescape"), b"b"), "dataset.series=name") is not None
    assert fast(text, "dataset.series=name") is None


@pytest.mark.parametrize("form", ["%sT00:00", "%s 00:00:01.25", "%sT00:00Z", "%sT03:00:00+05:30"])
def test_times_and_names_of_a_plain_block_are_those_of_the_careful_reader(
    fast: Callable[..., Any], spec: Callable[..., DatasetSpec], form: str
) -> None:
    names = ["b", "a", "é", "b", "c", "a"]
    days = ["2023-12-31", "1999-02-28", "1970-01-01", "1701-05-05", "2024-02-29", "2020-01-02"]
    rows = "".join(f"{form % day},1.5,{name}\n" for day, name in zip(days, names, strict=True))
    block = fast("time,y,name\n" + rows, "dataset.series=name")
    careful = Table("load.csv", csv_numbers.frame(block, first=2))
    times, found = csv_numbers.times(block, spec("dataset.series=name")), csv_numbers.series(block, "name")
    assert times is not None
    assert times.dtype == "datetime64[ns]"
    np.testing.assert_array_equal(times, careful.times("time", date_format=None, latest=None))
    assert found is not None
    assert [found[1][at] for at in found[0]] == names
    assert found[1] == careful.names("name")[1] == ["b", "a", "é", "c"]


def test_names_are_numbered_alike_in_a_block_that_arrow_reads_in_parts(fast: Callable[..., Any]) -> None:
    names = ["b", "a"] * 30_011 + ["c", "a", "d"] * 20_011
    block = fast("time,y,name\n" + "".join(f"2024-01-01T00:00,1.5,{name}\n" for name in names), "dataset.series=name")
    assert block["name"].num_chunks > 1
    numbers, found = csv_numbers.series(block, "name") or ([], [])
    assert found == ["b", "a", "c", "d"]
    assert [found[at] for at in numbers] == names


@pytest.mark.parametrize("time", ["1699-12-31T23:00", "2999-01-01", "1960-01-01"])
def test_times_that_may_not_be_plausible_are_left_to_the_careful_reader(
    fast: Callable[..., Any], spec: Callable[..., DatasetSpec], time: str
) -> None:
    words = ["dataset.latest=1950-01-01"] if time.startswith("1960") else []
    block = fast(HEAD + "1940-01-01,1,2\n" + f"{time},1.5,2\n", *words)
    assert csv_numbers.times(block, spec(*words)) is None


@pytest.mark.parametrize("name", [" ", "\t", "a\u200bb"])
def test_names_that_cannot_be_seen_are_left_to_the_careful_reader(fast: Callable[..., Any], name: str) -> None:
    block = fast("time,y,name\n2024-01-01,1,a\n2024-01-02,1," + name + "\n", "dataset.series=name")
    assert csv_numbers.series(block, "name") is None


def test_bytes_that_are_no_text_are_not_read_fast_even_in_columns_without_a_role(fast: Callable[..., Any]) -> None:
    head, row = b"time,y,note\n", b"2024-01-01T00:00,1.5,caf\xc3\xa9\n"
    assert fast(head + row, "dataset.features=[]") is not None
    assert fast(head + row + b"2024-01-01T00:00,1.5,caf\xe9\n", "dataset.features=[]") is None


NUMBERS = [
    "", "NA", "n/a", "nAn", "NULL", "none", "0", "-0", "-0.0", "5", "0005", "1.", ".5", "-.5", "1e5", "1E-5", " 7", "8 ", "\t9",
    "0.1", "123456.789", "3.141592653589793238462643", "4.9e-324", "2.2250738585072011e-308", "1e-400", "9007199254740991",
    "-9007199254740991.5", "1.7976931348623157e308", "6E14", "+6E14", "1e", "--1", "inf", "-inf", "nan(0)", "1f", "٣", "1,5",
]  # fmt: skip
TIMES = [
    "2024-01-%02d", "2024-01-%02dT03", "2024-01-%02d 03:04", "2024-01-%02dT03:04:05", "2024-01-%02d 03:04:05.5", "202401%02d",
    "2024-01-%02dT03:04Z", "2024-01-%02dT03:04:05+05:30", "2024-01-%02d 03:04:05.123456-08:00", "2024-1-%02d", "%02d.01.2024",
    "2024-01-%02dT25:00", " 2024-01-%02d", "2024-01-%02dT03:04:05.123456789",
]  # fmt: skip


@pytest.mark.parametrize("files", [150, pytest.param(5000, marks=pytest.mark.slow)])
def test_random_files_are_read_fast_as_they_are_read_with_care(spec: Callable[..., DatasetSpec], files: int) -> None:
    generator, read_fast = np.random.default_rng(5), 0
    plain, many = spec("dataset.frequency=1D"), spec("dataset.frequency=1D", "dataset.series=name")
    path = Path(plain.path)
    for _ in range(files):
        asked = plain if generator.random() < 0.6 else many
        odd = generator.random()
        form, words = str(generator.choice(TIMES)), NUMBERS if odd < 0.4 else NUMBERS[:28]
        rows = [
            [
                form % day,
                str(generator.choice(words)),
                f"{generator.normal():.17g}",
                str(generator.choice(["a", "b", "é"])),
            ]
            for day in range(1, int(generator.integers(3, 29)))
        ]
        if odd < 0.1:
            rows[-1][0] = str(generator.choice(TIMES)) % 28
        names = ["time", "y", "x", "name"][: 4 if asked is many else 3]
        ending = str(generator.choice(["\n", "\n", "\r\n", "\n\n"]))
        lines = [",".join(row[: len(names)]) for row in [names, *rows]]
        path.write_bytes(ending.replace("\n\n", "\n").join(lines).encode() + ending.encode())
        quick = sources._quickly(path, asked)
        if quick is None:
            continue
        read_fast += 1
        careful = assemble(sources.read_table(asked), asked)
        assert quick.notes == careful.notes
        assert quick.fingerprint() == careful.fingerprint()
    assert files * 0.1 < read_fast < files * 0.9


def test_the_shipped_file_is_read_fast_and_alike(compose: Callable[..., Any], project: Path) -> None:
    asked = compose().dataset
    quick = sources._quickly(project / asked.path, asked)
    careful = assemble(sources.read_table(asked, project=project), asked)
    assert quick is not None
    assert (quick.notes, quick.fingerprint()) == (careful.notes, careful.fingerprint())


def test_blocks_are_whole_lines_that_end_with_one_that_is_not_empty(tmp_path: Path) -> None:
    generator = np.random.default_rng(3)
    for ending in (b"\n", b"\r\n", b"\r"):
        lines = [b"a,b", b"", b",,", b"1,2,3", b'"",']
        text = ending.join(lines[number] for number in generator.integers(0, len(lines), 211)) + ending
        path = tmp_path / "load.csv"
        path.write_bytes(text)
        for size in (1, 7, 64, 100_000):
            with path.open("rb") as file:
                blocks = list(csv_numbers.blocks(file, separator=",", size=size))
            assert text.startswith(b"".join(blocks))
            assert not text[len(b"".join(blocks)) :].strip()
            for block in blocks[:-1]:
                assert block.endswith(ending)
                assert block.rstrip(b"\r\n").split(ending[-1:])[-1].strip(b',"\r\n')


def test_a_refusal_has_the_words_of_the_file(
    read: Callable[..., Any], write_csv: Callable[..., Path], hourly: Callable[..., Any]
) -> None:
    table = hourly()
    table[33][1] = "9007199254740993"
    with pytest.raises(DataError, match=r"file\.csv:34: column 'y' holds 9007199254740993, 2\^53 or beyond"):
        read(write_csv(table))


def test_a_file_whose_blocks_tell_seconds_otherwise_is_read(
    spec: Callable[..., DatasetSpec], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = spec("windows.context_length=1", "windows.horizon=1")
    times = ["2020-01-01T00:00:00.000Z", *(f"2020-01-01T{hour:02}:00:00Z" for hour in range(1, 9))]
    # Without a newline at its end, the last line is a block of its own.
    Path(asked.path).write_text("time,y\n" + "\n".join(f"{time},{row}" for row, time in enumerate(times)))
    monkeypatch.setattr(sources, "_BLOCK", 64)
    found = sources.read(asked)
    assert found.timestamps.tolist() == [np.datetime64(time.rstrip("Z"), "s").tolist() for time in times]
    assert found.values[:, 0].tolist() == list(range(9))


def test_a_long_text_in_the_first_line_is_no_concern_of_a_column_without_a_role(fast: Callable[..., Any]) -> None:
    text = "time,y,note\n" + f"2024-01-01T00:00,1.5,{'a' * 200_000}\n" + "2024-01-01T01:00,2.5,b\n"
    table = fast(text, "dataset.features=[y]")
    assert table is None or table["y"].to_pylist() == [1.5, 2.5]


def test_an_empty_time_of_a_written_form_is_in_doubt(fast: Callable[..., Any]) -> None:
    form = "dataset.date_format='%d.%m.%Y %H:%M'"
    head, row = "time,y,x\n", "01.02.2024 03:00,1.5,2\n"
    assert fast(head + row, form) is not None
    assert fast(head + row + ",,\n", form) is None
