"""A dataset whose rows stay on the disk is the one that is read into memory, bit for bit, and refuses what that refuses."""

import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from headway.config.dataset import DatasetSpec
from headway.data import by_series, parts, scratch, series_stream, sources, store, store_file, stored_dataset
from headway.data.series import Dataset
from headway.errors import DataError, StorageError

Compose = Callable[..., Any]


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Chunks of a few rows, so that everything meets a border of one."""
    monkeypatch.setattr(parts.parts, "__kwdefaults__", {"size": 97, "rows": 5})
    monkeypatch.setattr(scratch, "_BYTES_AT_ONCE", 300)
    monkeypatch.setattr(series_stream, "_ROWS_AT_ONCE", 4)
    yield


@pytest.fixture
def spec(compose: Compose) -> Callable[..., DatasetSpec]:
    def make(path: Path, *overrides: str) -> DatasetSpec:
        words = ["dataset=csv", f"dataset.path={path}", "dataset.timestamp=time", "dataset.targets=[y]"]
        made: DatasetSpec = compose(*words, *overrides).dataset
        return made

    return make


def bits(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The bits of numbers; a missing one is missing whatever its sign."""
    return np.where(np.isnan(values), np.nan, values).view(np.int64)


def same(stored: Dataset, read: Dataset) -> None:
    """Two datasets agree in everything."""
    for what in ("features", "targets", "known_future_columns", "clock", "season", "notes", "file", "name"):
        assert getattr(stored, what) == getattr(read, what), what
    assert [(one.name, one.segments) for one in stored.series] == [(one.name, one.segments) for one in read.series]
    for one, other in zip(stored.series, read.series, strict=True):
        np.testing.assert_array_equal(one.timestamps, other.timestamps)
        np.testing.assert_array_equal(bits(one.values), bits(other.values))
        np.testing.assert_array_equal(bits(one.known_future), bits(other.known_future))
    assert stored.stored is not None
    assert stored.fingerprint() == read.fingerprint()
    np.testing.assert_array_equal(stored.values, read.values)
    assert stored.timestamps.tolist() == read.timestamps.tolist()


def random_file(generator: np.random.Generator) -> tuple[list[list[str]], list[str]]:
    """Rows of a small file with a bit of everything, and the settings to read it with."""
    many, interleaved = generator.random() < 0.6, generator.random() < 0.5
    words = [f"dataset.max_gap={generator.integers(0, 5)}"]
    rows: list[tuple[int, int, list[str]]] = []
    step = int(generator.choice([60, 3600, 86_400]))
    for number in range(int(generator.integers(1, 5)) if many else 1):
        time = int(generator.integers(0, 40)) * step
        for row in range(int(generator.integers(3, 60))):
            level = generator.normal() * 10
            cells = [f"{level:.3f}", f"{generator.normal():.6g}", str(generator.integers(0, 9)), f"{level * 7:.1f}"]
            for at in (0, 1, 3):
                if generator.random() < 0.1:
                    cells[at] = str(generator.choice(["", "NA", "NaN", "null"]))
            if generator.random() < 0.08:
                cells[0] = "9999"
            stamp = str(np.datetime64(1_600_000_000 // step * step + time, "s"))
            rows.append((time if interleaved else number * 10**9 + row, number, [stamp, *cells, f"s{number}"]))
            if generator.random() < 0.05:
                rows.append((*rows[-1][:2], [stamp, "7", "8", "9", "1", f"s{number}"]))
            time += step * int(generator.choice([1, 1, 1, 1, 1, 1, 2, 3, 9]))
    rows.sort(key=lambda row: row[0])
    words += [f"dataset.duplicates={generator.choice(['first', 'mean', 'mean', 'error'])}"]
    words += ["dataset.series=name"] if many else ["dataset.features=[y,a]"]
    words += ["dataset.known_future=[k]"] if generator.random() < 0.5 else []
    words += ["+dataset.plausible.y=[-100,100]"] if generator.random() < 0.5 else []
    words += ["+dataset.max_jump.y=12", "+dataset.max_jump.a=1"] if generator.random() < 0.5 else []
    words += ["+dataset.components.w={speed:y,direction:d}"] if generator.random() < 0.3 and many else []
    frequency = {60: "1min", 3600: "1h", 86_400: "1D"}[step]
    words += [f"dataset.frequency={frequency}"] if generator.random() < 0.6 else []
    return [["time", "y", "a", "k", "d", "name"], *(row[2] for row in rows)], words


@pytest.mark.parametrize(
    ("kind", "files"),
    [("csv", 20), ("parquet", 15), pytest.param("csv", 400, marks=pytest.mark.slow)],
)
def test_stored_rows_are_those_in_memory_whatever_the_chunks(
    small_chunks: None,
    spec: Callable[..., DatasetSpec],
    write_csv: Callable[..., Path],
    tmp_path: Path,
    kind: str,
    files: int,
) -> None:
    generator, agreed, refused = np.random.default_rng(11), 0, 0
    for number in range(files):
        lines, words = random_file(generator)
        path = write_csv(lines, f"{number}.csv")
        if kind == "parquet":
            table = pa.csv.read_csv(path, convert_options=pa.csv.ConvertOptions(null_values=["", "NA", "NaN", "null"]))
            pq.write_table(table, path := path.with_suffix(".parquet"), row_group_size=13)
        asked = spec(path, *words)
        try:
            read = sources.read(asked)
        except DataError:
            with pytest.raises(DataError):
                stored_dataset.stored(path, asked, cache=tmp_path / "cache")
            refused += 1
            continue
        same(stored_dataset.stored(path, asked, cache=tmp_path / "cache"), read)
        agreed += 1
    assert agreed > files // 2
    assert refused


@pytest.mark.parametrize(
    ("change", "line", "words"),
    [
        (lambda lines: lines[40].__setitem__(1, "oops"), 41, "column 'y' holds 'oops'"),
        (lambda lines: lines[40].__setitem__(1, "1e999"), 41, "infinite"),
        (lambda lines: lines[40].__setitem__(1, "9007199254740993"), 41, "2\\^53 or beyond"),
        (lambda lines: lines[40].append("1"), 41, "the header has 3 fields, this line 4"),
        (lambda lines: lines[40].__setitem__(0, ""), 41, "empty timestamp"),
        (lambda lines: lines[40].__setitem__(0, "2024-02-31"), 41, "no such date"),
        (lambda lines: lines[40].__setitem__(0, "2024-01-02T15:07"), 41, "off the clock"),
        (lambda lines: lines[40].__setitem__(0, lines[39][0]), 41, "stands twice, first in line 40"),
        (lambda lines: lines[40].__setitem__(0, lines[30][0]), 41, "goes back in time"),
        (lambda lines: lines[40].__setitem__(2, '"5'), 41, "a quote is opened"),
        (lambda lines: lines[40].__setitem__(2, "\0"), 41, "NUL byte"),
        (lambda lines: lines.__delitem__(slice(30, 48, 2)), 31, "the clock of series 'csv' changes"),
    ],
)  # fmt: skip
def test_a_refusal_names_the_line_whatever_the_chunks(
    small_chunks: None,
    spec: Callable[..., DatasetSpec],
    write_csv: Callable[..., Path],
    hourly: Callable[..., Any],
    tmp_path: Path,
    change: Callable[[Any], None],
    line: int,
    words: str,
) -> None:
    lines = hourly()
    change(lines)
    path = write_csv(lines)
    with pytest.raises(DataError, match=rf"file\.csv:{line}: .*{words}") as stored:
        stored_dataset.stored(path, spec(path), cache=tmp_path / "cache")
    with pytest.raises(DataError) as read:
        sources.read(spec(path))
    if "steps found" not in str(read.value):  # it counts the steps that were read
        assert str(stored.value) == str(read.value)
    assert not list((tmp_path / "cache").rglob("*.json"))


def test_times_whose_zone_changes_far_down_are_refused(
    small_chunks: None,
    spec: Callable[..., DatasetSpec],
    write_csv: Callable[..., Path],
    hourly: Callable[..., Any],
    tmp_path: Path,
) -> None:
    for begin in range(38, 46):  # inside a block of lines, and at the border of one
        lines = hourly()
        for row in lines[begin:]:
            row[0] += "Z"
        path = write_csv(lines)
        with pytest.raises(DataError, match=r"time zones differ in column 'time': none \(line \d+\), Z \(line \d+\)"):
            stored_dataset.stored(path, spec(path), cache=tmp_path / "cache")


def test_rows_without_times_are_counted_from_the_first_line(
    small_chunks: None, spec: Callable[..., DatasetSpec], tmp_path: Path
) -> None:
    path = tmp_path / "load.csv"
    path.write_text("".join(f"{row}.5,{row % 7}\n" if row % 11 else "NA,\n" for row in range(73)) + "\n,\n")
    words = ["dataset.columns=[y,x]", "dataset.timestamp=null", "dataset.start=2020-01-01", "dataset.frequency=1D"]
    asked = spec(path, *words)
    same(stored_dataset.stored(path, asked, cache=tmp_path / "cache"), sources.read(asked))


def test_quotes_marks_and_carriage_returns_are_read_in_chunks_too(
    small_chunks: None,
    spec: Callable[..., DatasetSpec],
    write_csv: Callable[..., Path],
    hourly: Callable[..., Any],
    tmp_path: Path,
) -> None:
    lines = hourly()
    lines[33] = [f'"{cell}"' for cell in lines[33]]
    text = write_csv(lines).read_bytes()
    for number, changed in enumerate(
        [text, b"\xef\xbb\xbf" + text, text.replace(b"\n", b"\r\n"), text.replace(b"\n", b"\r"), text + b"\n,,\n\n"]
    ):
        path = tmp_path / f"{number}.csv"
        path.write_bytes(changed)
        same(stored_dataset.stored(path, spec(path), cache=tmp_path / "cache"), sources.read(spec(path)))


def test_rows_out_of_order_are_not_sorted_on_the_disk(
    spec: Callable[..., DatasetSpec], write_csv: Callable[..., Path], hourly: Callable[..., Any], tmp_path: Path
) -> None:
    header, *rows = hourly()
    path = write_csv([header, *rows[31:], *rows[:31]])
    with pytest.raises(DataError, match=r"too large to be sorted .* sort the file by time first"):
        stored_dataset.stored(path, spec(path, "dataset.sort=true"), cache=tmp_path / "cache")


@pytest.fixture
def load(write_csv: Callable[..., Path], hourly: Callable[..., Any]) -> Path:
    path: Path = write_csv(hourly())
    return path


def times_of_files(cache: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in cache.glob("*/*.*")}


def test_a_file_is_converted_once_and_again_when_it_or_its_policies_change(
    spec: Callable[..., DatasetSpec], load: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    first = stored_dataset.stored(load, spec(load), cache=cache)
    before = times_of_files(cache)
    again = stored_dataset.stored(load, spec(load, "dataset.season=12", "+dataset.units.y=kW"), cache=cache)
    assert times_of_files(cache) == before
    assert (again.season, again.units) == (12, {"y": "kW"})
    stored_dataset.stored(load, spec(load, "+dataset.plausible.y=[0,5]"), cache=cache)
    assert len(list(cache.glob("*/store.json"))) == 2
    os.utime(load, ns=(1, 1))
    changed = stored_dataset.stored(load, spec(load), cache=cache)
    # What was made of the file as it was is of no use any more.
    assert len(list(cache.glob("*/store.json"))) == 1
    assert changed.fingerprint() == first.fingerprint()


@pytest.mark.parametrize("name", ["store.json", "rows.arrow"])
@pytest.mark.parametrize("damage", ["cut", "flipped", "foreign", "gone"])
def test_a_damaged_store_is_made_anew(
    spec: Callable[..., DatasetSpec], load: Path, tmp_path: Path, name: str, damage: str
) -> None:
    cache = tmp_path / "cache"
    sound = stored_dataset.stored(load, spec(load), cache=cache).fingerprint()
    (path,) = cache.glob(f"*/{name}")
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.unlink()
    if damage != "gone":
        path.write_bytes(bytes({"cut": content[:-9], "flipped": content, "foreign": b"{}"}[damage]))
    again = stored_dataset.stored(load, spec(load), cache=cache)
    same(again, sources.read(spec(load)))
    assert again.fingerprint() == sound


def test_a_header_of_other_rows_is_not_believed(spec: Callable[..., DatasetSpec], load: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    stored_dataset.stored(load, spec(load), cache=cache)
    (page,) = cache.glob("*/store.json")
    found = json.loads(page.read_text())
    found["header"]["fingerprint"] = "0" * 64
    page.write_text(json.dumps(found))
    assert store.read_header(page.parent, found["header"]["key"]) is None


def test_the_digest_of_the_configuration_is_checked_once(
    spec: Callable[..., DatasetSpec], load: Path, tmp_path: Path
) -> None:
    cache, wrong = tmp_path / "cache", f"dataset.sha256={'0' * 64}"
    with pytest.raises(DataError, match="its sha256 is"):
        stored_dataset.stored(load, spec(load, wrong), cache=cache)
    stored_dataset.stored(load, spec(load), cache=cache)
    with pytest.raises(DataError, match="its sha256 is"):
        stored_dataset.stored(load, spec(load, wrong), cache=cache)


def test_the_rows_are_the_files_and_cannot_be_changed(
    spec: Callable[..., DatasetSpec], load: Path, tmp_path: Path
) -> None:
    dataset = stored_dataset.stored(load, spec(load), cache=tmp_path / "cache")
    assert dataset.values.base is not None
    assert np.shares_memory(dataset.values, dataset.series[0].values)
    with pytest.raises(ValueError, match="read-only"):
        dataset.values[0, 0] = 1


def test_a_disk_without_room_is_said_before_it_is_full(
    spec: Callable[..., DatasetSpec], load: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda folder: type("Usage", (), {"free": 100})())
    with pytest.raises(StorageError, match=r"takes about .* GB there, .* are free; .* dataset.store=never"):
        stored_dataset.stored(load, spec(load), cache=tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("*.arrow"))


# Times and numbers in scratch, then the times, or, where something changes, times and numbers, of all rows but the last
# in the store, and then those of the last.
WRITES = {"nothing changes": 4, "a row is missing": 6, "a value is masked": 6}


@pytest.mark.parametrize(("changes", "writes"), [(what, at) for what, count in WRITES.items() for at in range(count)])
def test_a_disk_that_fills_up_leaves_nothing_that_is_believed(
    spec: Callable[..., DatasetSpec],
    write_csv: Callable[..., Path],
    hourly: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    writes: int,
    changes: str,
) -> None:
    lines = hourly()
    if changes == "a row is missing":
        del lines[50]
    load = write_csv(lines)
    asked = spec(load, *(["+dataset.plausible.y=[0,5]"] if changes == "a value is masked" else []))
    cache, left, write = tmp_path / "cache", iter(range(writes)), os.pwrite

    def full(*arguments: Any) -> int:
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr("os.pwrite", full)
        with pytest.raises(StorageError, match=r"cannot be written \(No space left on device\)"):
            stored_dataset.stored(load, asked, cache=cache)
        assert [path.name for path in cache.glob("*/*")] == ["lock"]
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join(20)
            assert not thread.is_alive(), thread.name
    same(stored_dataset.stored(load, asked, cache=cache), sources.read(asked))


def panel(order: str, generator: np.random.Generator) -> list[list[str]]:
    """Rows of five series on one clock, of which none is missing."""
    rows = [
        [str(np.datetime64("2024-01-01T00", "s") + hour * np.timedelta64(3600, "s")), name]
        for hour in range(67)
        for name in "cabed"
    ]
    if order == "in another turn from the middle on":
        rows[170:] = [row for hour in range(170, len(rows), 5) for row in reversed(rows[hour : hour + 5])]
    elif order == "a series that begins late":
        rows = [row for at, row in enumerate(rows) if row[1] != "b" or at > 90]
    elif order == "one after another":
        rows.sort(key=lambda row: "dbeca".index(row[1]))
    elif order == "any":
        rows = [rows[hour + at] for hour in range(0, len(rows), 5) for at in generator.permutation(5)]
    cells = [["" if generator.random() < 0.05 else f"{generator.normal():.6g}" for _ in "yx"] for _ in rows]
    return [
        ["time", "name", "y", "x", "k"],
        *([*row, *own, str(at)] for at, (row, own) in enumerate(zip(rows, cells, strict=True))),
    ]


ORDERS = ["in turn", "in another turn from the middle on", "a series that begins late", "one after another", "any"]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    "words", [[], ["dataset.known_future=[k]"], ["dataset.features=[y]"]], ids=["", "known", "one"]
)
def test_series_whose_rows_stay_as_they_are_read_come_in_any_order(
    small_chunks: None,
    spec: Callable[..., DatasetSpec],
    write_csv: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    order: str,
    words: list[str],
) -> None:
    path = write_csv(panel(order, np.random.default_rng(7)))
    asked = spec(path, "dataset.series=name", *words)
    for number, most in enumerate((1 << 30, 0)):
        monkeypatch.setattr(by_series, "_STRIDED", most)
        same(stored_dataset.stored(path, asked, cache=tmp_path / f"cache{number}"), sources.read(asked))


def test_rows_of_one_series_that_stay_as_they_are_read_are_written_once(
    small_chunks: None,
    spec: Callable[..., DatasetSpec],
    write_csv: Callable[..., Path],
    hourly: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes, write = [], os.pwrite

    def counted(file: int, content: memoryview, offset: int) -> int:
        sizes.append(content.nbytes)
        return write(file, content, offset)

    monkeypatch.setattr("os.pwrite", counted)
    lines = hourly()
    path = write_csv(lines)
    stored_dataset.stored(path, spec(path), cache=tmp_path / "cache")
    # A time to read the clock off, a time of the store, and the two numbers.
    assert sum(sizes) == 8 * (len(lines) - 1) * (1 + 1 + 2)


def test_a_row_that_is_missing_at_the_very_end_is_marked_too(
    small_chunks: None,
    spec: Callable[..., DatasetSpec],
    write_csv: Callable[..., Path],
    hourly: Callable[..., Any],
    tmp_path: Path,
) -> None:
    lines = hourly()
    del lines[-2]
    path, cache = write_csv(lines), tmp_path / "cache"
    stored = stored_dataset.stored(path, spec(path), cache=cache)
    same(stored, sources.read(spec(path)))
    assert np.isnan(stored.values[-2]).all()
    # Nothing is left of the rows that were to stay where they were.
    assert {path.name for path in cache.glob("*/*")} == {"lock", "rows.arrow", "store.json"}


@pytest.mark.parametrize(
    "words", [[], ["dataset.known_future=[x]"], ["dataset.features=[y]"], ["dataset.features=[x,y]"]]
)
def test_one_series_whose_rows_stay_as_they_are_read(
    small_chunks: None,
    spec: Callable[..., DatasetSpec],
    write_csv: Callable[..., Path],
    hourly: Callable[..., Any],
    tmp_path: Path,
    words: list[str],
) -> None:
    lines = hourly()
    lines[33][1] = "NA"
    path = write_csv(lines)
    same(stored_dataset.stored(path, spec(path, *words), cache=tmp_path / "cache"), sources.read(spec(path, *words)))


@pytest.mark.parametrize("policy", ["first", "mean"])
def test_rows_that_are_merged_where_no_other_changes_are_moved(
    small_chunks: None,
    spec: Callable[..., DatasetSpec],
    write_csv: Callable[..., Path],
    hourly: Callable[..., Any],
    tmp_path: Path,
    policy: str,
) -> None:
    lines = hourly()
    path = write_csv([*lines[:37], [lines[36][0], 99, 98], *lines[37:]])
    asked = spec(path, f"dataset.duplicates={policy}")
    stored = stored_dataset.stored(path, asked, cache=tmp_path / "cache")
    same(stored, sources.read(asked))
    assert len(stored.values) == len(lines) - 1


def test_a_refusal_leaves_no_thread_behind(
    small_chunks: None,
    spec: Callable[..., DatasetSpec],
    write_csv: Callable[..., Path],
    hourly: Callable[..., Any],
    tmp_path: Path,
) -> None:
    lines = hourly()
    lines[40][0] = lines[39][0]
    path, before = write_csv(lines), threading.active_count()
    with pytest.raises(DataError, match="stands twice"):
        stored_dataset.stored(path, spec(path), cache=tmp_path / "cache")
    lines[20][1] = "oops"
    path = write_csv(lines)
    with pytest.raises(DataError, match="oops") as held:
        stored_dataset.stored(path, spec(path), cache=tmp_path / "cache")
    assert held.value.__traceback__ is not None  # whose frames hold whatever was not closed
    assert threading.active_count() == before


def test_the_values_of_a_store_begin_at_one_place_however_many_rows_there_are(tmp_path: Path) -> None:
    begins = set()
    for number, rows in enumerate((1, 2, 997, 10_000_019)):
        with store_file.growing(tmp_path / f"{number}.arrow", "key", features=3) as file:
            begins.add(file.values[1])
            file.lay_out(rows)
            begins.add(file.values[1])
    assert len(begins) == 1
    assert not list(tmp_path.iterdir())  # none has become whole


def test_a_conversion_that_is_killed_leaves_nothing_that_is_believed(
    spec: Callable[..., DatasetSpec], load: Path, tmp_path: Path
) -> None:
    cache, asked = tmp_path / "cache", spec(load)
    code = (
        "import os, signal, sys; from pathlib import Path; from headway.data import stored_dataset, store\n"
        "from headway.config.dataset import DatasetSpec\n"
        "store.Header.write = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "spec = DatasetSpec.model_validate_json(sys.argv[1])\n"
        "stored_dataset.stored(Path(spec.path), spec, cache=Path(sys.argv[2]))"
    )
    words = [sys.executable, "-c", code, asked.model_dump_json(), str(cache)]
    killed = subprocess.run(words, capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert {path.name for path in cache.glob("*/*")} == {"lock", "rows.arrow"}
    same(stored_dataset.stored(load, asked, cache=cache), sources.read(asked))


@pytest.mark.parametrize(("word", "is_stored"), [("auto", False), ("always", True), ("never", False)])
def test_the_configuration_says_whether_rows_are_stored(
    spec: Callable[..., DatasetSpec],
    load: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    word: str,
    is_stored: bool,
) -> None:
    monkeypatch.chdir(tmp_path)
    dataset = sources.read(spec(load, f"dataset.store={word}"))
    assert (dataset.is_stored, Path("runs/.cache/datasets").exists()) == (is_stored, is_stored)
    monkeypatch.setattr(sources, "STORED_FROM", load.stat().st_size - 1)
    assert sources.read(spec(load)).is_stored


def test_those_who_start_together_convert_one_after_the_other(tmp_path: Path) -> None:
    inside, most = 0, 0
    begin = threading.Barrier(4)

    def convert(folder: Path) -> None:
        nonlocal inside, most
        begin.wait()
        with stored_dataset._alone(folder):
            inside += 1
            most = max(most, inside)
            time.sleep(0.0005)
            inside -= 1

    with ThreadPoolExecutor(4) as pool:
        for number in range(100):
            list(pool.map(convert, [tmp_path / f"{number}"] * 4))
    assert most == 1
    assert all([file.name for file in folder.iterdir()] == ["lock"] for folder in tmp_path.iterdir())


def test_what_a_kill_left_is_removed_once_nobody_can_be_writing_it(
    spec: Callable[..., DatasetSpec], load: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    for name, days in (("old", 8), ("new", 6)):
        (cache / name).mkdir(parents=True)
        (cache / name / ".rows.arrow.1.tmp").write_bytes(b"half")
        then = time.time() - days * 86_400
        os.utime(cache / name, (then, then))
    found = stored_dataset.stored(load, spec(load), cache=cache)
    assert found.is_stored
    assert not (cache / "old").exists()
    assert (cache / "new" / ".rows.arrow.1.tmp").exists()
