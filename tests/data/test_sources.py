"""What is accepted, what is made of it, and what is said about it."""

import gzip
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headway.data import sources
from headway.data.series import Dataset
from headway.errors import DataError

Read = Callable[..., Dataset]
Table = list[list[Any]]


def frame(dataset: Dataset, number: int = 0) -> pd.DataFrame:
    return pd.DataFrame(dataset.series[number].values, dataset.series[number].timestamps, dataset.features)


def test_columns_without_another_role_become_features(
    read: Read, write_csv: Callable[..., Path], hourly: Callable[..., Table]
) -> None:
    path = write_csv(hourly())
    dataset, expected = read(path), pd.read_csv(path, index_col="time", parse_dates=True)
    assert (dataset.features, dataset.targets) == (("y", "x"), ("y",))
    pd.testing.assert_frame_equal(
        frame(dataset), expected, check_names=False, check_dtype=False, check_index_type=False
    )
    assert (str(dataset.clock), dataset.season, dataset.notes) == ("1h", 24, ())
    assert read(path, "dataset.features=[x]", "dataset.targets=[y]").features == ("y", "x")
    known = read(path, "dataset.known_future=[x]")
    assert known.features == ("y",)
    np.testing.assert_array_equal(known.series[0].known_future[:, 0], expected["x"])


@pytest.mark.parametrize(
    "change",
    [
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: text.replace(b"\n", b"\r"),
        lambda text: text.rstrip(b"\n"),
        lambda text: text + b"\n\n,,\n",
        lambda text: text.replace(b",0.5,", b',"0.5",'),
        lambda text: text.replace(b",0.5,", b", +5.e-1 ,"),
        lambda text: text.replace(b":00,", b":00Z,"),
        lambda text: text.replace(b":00,", b":00:00+00:00,"),
    ],
    ids=["mark", "CRLF", "CR", "no last newline", "empty last lines", "quoted", "spaces", "UTC", "offset"],
)
def test_harmless_forms_are_read_alike(
    read: Read, write_csv: Callable[..., Path], hourly: Callable[..., Table], change: Callable[[bytes], bytes]
) -> None:
    path = write_csv(hourly())
    plain = read(path)
    path.write_bytes(change(path.read_bytes()))
    assert read(path).fingerprint() == plain.fingerprint()


@pytest.mark.parametrize(("setting", "separator"), [('";"', ";"), ('"\\t"', "\t"), ('"|"', "|")])
def test_another_separator_can_be_asked_for(
    read: Read, write_csv: Callable[..., Path], hourly: Callable[..., Table], setting: str, separator: str
) -> None:
    path = write_csv(hourly())
    plain = read(path).fingerprint()
    path.write_text(path.read_text().replace(",", separator))
    assert read(path, f"dataset.separator={setting}").fingerprint() == plain


def test_times_with_an_offset_become_utc(
    read: Read, write_csv: Callable[..., Path], hourly: Callable[..., Table]
) -> None:
    header, *rows = hourly()
    path = write_csv([header, *([f"{time}+05:30", y, x] for time, y, x in rows)])
    assert read(path).series[0].timestamps[0] == np.datetime64("2023-12-31T18:30")


def test_a_date_format_can_be_asked_for(
    read: Read, write_csv: Callable[..., Path], hourly: Callable[..., Table]
) -> None:
    header, *rows = hourly(301)
    plain = read(write_csv([header, *rows])).fingerprint()
    written = [[f"{pd.Timestamp(time):%d/%m/%Y %H:%M}", y, x] for time, y, x in rows]
    assert read(write_csv([header, *written]), "dataset.date_format='%d/%m/%Y %H:%M'").fingerprint() == plain


@pytest.mark.parametrize("word", ["", "NA", "n/a", "NaN", "null", "None"])
def test_missing_numbers_are_marked_and_counted(
    read: Read, write_csv: Callable[..., Path], hourly: Callable[..., Table], word: str
) -> None:
    table = hourly()
    table[47][1] = word
    dataset = read(write_csv(table))
    assert np.flatnonzero(np.isnan(dataset.series[0].values[:, 0])).tolist() == [46]
    assert dataset.notes == ("missing values marked: y 1",)


def test_short_gaps_are_filled_with_missing_rows_and_long_ones_begin_a_segment(
    read: Read, write_csv: Callable[..., Path], hourly: Callable[..., Table]
) -> None:
    header, *rows = hourly()
    kept = rows[:13] + rows[16:31] + rows[37:]
    dataset = read(write_csv([header, *kept]), "dataset.max_gap=3")
    series = dataset.series[0]
    assert np.flatnonzero(np.isnan(series.values).all(axis=1)).tolist() == [13, 14, 15]
    assert series.segments == (0, 31)
    assert [str(time) for time in series.timestamps] == [f"{row[0]}:00" for row in rows[:31] + rows[37:]]
    assert dataset.notes[:3] == (
        "gaps in the clock: 2",
        "missing rows marked: 3",
        "gaps longer than 3 steps, which no window crosses: 1",
    )


def test_rows_are_sorted_where_asked_for(
    read: Read, write_csv: Callable[..., Path], hourly: Callable[..., Table]
) -> None:
    header, *rows = hourly()
    plain = read(write_csv([header, *rows])).fingerprint()
    dataset = read(write_csv([header, *rows[31:], *rows[:31]]), "dataset.sort=true")
    assert (dataset.fingerprint(), dataset.notes) == (plain, ("rows sorted by time: 61",))


@pytest.mark.parametrize(("policy", "value"), [("first", 9.0), ("mean", 5.0)])
def test_duplicates_are_merged_where_asked_for(
    read: Read, write_csv: Callable[..., Path], hourly: Callable[..., Table], policy: str, value: float
) -> None:
    table = hourly()
    time = table[47][0]
    table[47:48] = [[time, 9, 1], [time, 4, ""], [time, 2, 3]]
    dataset = read(write_csv(table), f"dataset.duplicates={policy}")
    assert dataset.series[0].values[46].tolist() == [value, 1.0 if policy == "first" else 2.0]
    assert len(dataset.series[0]) == 61
    assert f"duplicate timestamps merged ({policy}): 2" in dataset.notes


def test_duplicates_of_a_parquet_file_are_merged_too(read: Read, tmp_path: Path) -> None:
    times = np.datetime64("2024-01-01", "ms") + np.array([0, 1, 1, *range(2, 31)]) * np.timedelta64(1, "h")
    pq.write_table(pa.table({"time": times, "y": np.arange(32.0)}), tmp_path / "load.parquet")
    stored = read(tmp_path / "load.parquet", "dataset.duplicates=mean").series[0].values[:, 0]
    assert stored[:4].tolist() == [0.0, 1.5, 3.0, 4.0]


def test_monthly_rows_that_stand_twice_are_still_monthly(read: Read, write_csv: Callable[..., Path]) -> None:
    months = np.repeat(np.arange("2019-01", "2022-01", dtype="datetime64[M]"), 2)
    path = write_csv([("time", "y"), *((f"{month}-01", row) for row, month in enumerate(months))])
    dataset = read(path, "dataset.duplicates=first")
    assert (str(dataset.clock), len(dataset.series[0])) == ("1M", 36)


def test_equal_gaps_are_gaps_where_the_clock_is_given(
    read: Read, write_csv: Callable[..., Path], hourly: Callable[..., Table]
) -> None:
    header, *rows = hourly()
    dataset = read(write_csv([header, *rows[:31], *rows[31::2]]), "dataset.frequency=1h")
    assert "missing rows marked: 14" in dataset.notes


def test_series_are_told_apart_by_their_column(
    read: Read, write_csv: Callable[..., Path], hourly: Callable[..., Table]
) -> None:
    (header, *first), (_, *second) = hourly(31), hourly(29, "2024-02-01T00:00")
    mixed = [[*row, name] for rows in zip(first, second, strict=False) for row, name in zip(rows, "ba", strict=True)]
    dataset = read(write_csv([[*header, "name"], *mixed]), "dataset.series=name")
    assert [(series.name, len(series)) for series in dataset.series] == [("b", 29), ("a", 29)]
    assert dataset.series[1].timestamps[0] == np.datetime64("2024-02-01")
    assert dataset.features == ("y", "x")


def test_direction_and_speed_become_two_components(
    read: Read, write_csv: Callable[..., Path], hourly: Callable[..., Table]
) -> None:
    header, *rows = hourly()
    path = write_csv([[*header, "dir"], *([*row, 90] for row in rows)])
    dataset = read(path, "+dataset.components.wind={speed:y,direction:dir}")
    # The speed is the target too, so it stays.
    assert dataset.features == ("y", "x", "wind_u", "wind_v")
    np.testing.assert_allclose(frame(dataset)["wind_u"], -frame(dataset)["y"])


def test_implausible_values_become_missing_and_are_counted(
    read: Read, write_csv: Callable[..., Path], hourly: Callable[..., Table]
) -> None:
    table = hourly()
    table[7][1], table[20][1] = 500, 80
    dataset = read(write_csv(table), "+dataset.plausible.y=[0,100]", "+dataset.max_jump.y=30")
    assert np.flatnonzero(np.isnan(dataset.series[0].values[:, 0])).tolist() == [6, 19]
    assert dataset.notes[:2] == (
        "implausible values treated as missing: y outside 0 to 100: 1",
        "implausible values treated as missing: y jumped by more than 30: 1",
    )


def test_parquet_is_read_like_csv(
    read: Read, write_csv: Callable[..., Path], hourly: Callable[..., Table], tmp_path: Path
) -> None:
    path = write_csv(hourly())
    table = pd.read_csv(path, parse_dates=["time"])
    plain = read(path).fingerprint()
    for number, columns in enumerate(
        [
            table,
            table.set_index("time"),
            table.assign(time=table["time"].dt.tz_localize("UTC").dt.tz_convert("Asia/Kolkata")),
            table.assign(time=table["time"].astype(str)),
            table.astype({"y": "float32", "x": "uint8"}),
            table.assign(y=[Decimal(str(value)) for value in table["y"]]),
            table.astype({"x": "Int64"}),
        ]
    ):
        columns.to_parquet(tmp_path / f"{number}.parquet")
        assert read(tmp_path / f"{number}.parquet").fingerprint() == plain


def test_half_precision_and_missing_values_of_parquet_are_read(read: Read, tmp_path: Path) -> None:
    times = np.datetime64("2024-01-01", "ms") + np.arange(61) * np.timedelta64(1, "h")
    values = np.where(np.arange(61) == 7, np.nan, np.arange(61)).astype(np.float16)
    whole = pa.array([None if row == 5 else row for row in range(61)])
    pq.write_table(pa.table({"time": times, "y": values, "x": whole}), tmp_path / "load.parquet")
    stored = read(tmp_path / "load.parquet").series[0].values
    np.testing.assert_array_equal(stored[:, 0], values.astype(np.float64))
    assert np.flatnonzero(np.isnan(stored[:, 1])).tolist() == [5]


def test_a_file_is_looked_for_below_the_current_folder_then_below_the_project(
    compose: Callable[..., Any],
    write_csv: Callable[..., Path],
    hourly: Callable[..., Table],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "here").mkdir()
    write_csv(hourly(61), "load.csv")
    monkeypatch.chdir(tmp_path / "here")
    spec = compose("dataset=csv", "dataset.path=load.csv", "dataset.timestamp=time", "dataset.targets=[y]").dataset
    assert sources.read(spec, project=tmp_path).num_rows == 61
    write_csv(hourly(43), "here/load.csv")
    assert sources.read(spec, project=tmp_path).num_rows == 43


def test_a_truncated_archive_is_refused_whatever_its_suffix(
    read: Read, write_csv: Callable[..., Path], hourly: Callable[..., Table], tmp_path: Path
) -> None:
    archive = gzip.compress(write_csv(hourly()).read_bytes())[:100]
    for name in ("load.csv", "load.csv.gz"):
        (tmp_path / name).write_bytes(archive)
        with pytest.raises(DataError, match="gzip archive, not csv; unpack it"):
            read(tmp_path / name)


def test_the_fingerprint_follows_values_names_and_times(make_dataset: Callable[..., Dataset]) -> None:
    plain, again = make_dataset((17,)), make_dataset((17,))
    assert plain.fingerprint() == again.fingerprint()
    again.series[0].values[3, 1] = np.nextafter(again.series[0].values[3, 1], np.inf)
    others = [again, make_dataset((19,)), make_dataset((17,), ((0, 5),)), make_dataset((17,), None, 0.1)]
    assert len({dataset.fingerprint() for dataset in [plain, *others]}) == 5
