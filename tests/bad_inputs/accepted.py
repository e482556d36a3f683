"""Files that look bad and are taken, and what is said about them: the other half of the table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tests.bad_inputs.other_files import parquet
from tests.bad_inputs.row import CSV, GOOD, HEADER, PARQUET, stamp, with_columns, with_times, written


@dataclass(frozen=True)
class Accepted:
    """A row of the table.

    Attributes:
        name: Of the test.
        make: Makes the file in the command's folder.
        words: What is typed.
        said: What must be logged, each as an expression; nothing else may be.
    """

    name: str
    make: Callable[[Path], object]
    words: Sequence[str]
    said: Sequence[str] = ()


def noted(folder: Path) -> None:
    """A parquet file in which pandas is said to have noted nonsense."""
    whole = pq.read_table(parquet(folder / "load.parquet"))
    pq.write_table(whole.replace_schema_metadata({b"pandas": b'{"index_columns": [9]}'}), folder / "load.parquet")


def taken(name: str, content: bytes | Sequence[str], *said: str, words: Sequence[str] = ()) -> Accepted:
    return Accepted(name, written(content), (*CSV, *words), said)


PLAIN = "\n".join([*GOOD, ""]).encode()
ROWS: list[Accepted] = [
    taken("F06 byte order mark", b"\xef\xbb\xbf" + PLAIN),
    taken("F07 CRLF", PLAIN.replace(b"\n", b"\r\n")),
    taken("no last line break", PLAIN.rstrip()),
    taken("empty lines at the end", PLAIN + b"\n\n,,\n"),
    taken("quoted numbers", PLAIN.replace(b",0.5,", b',"0.5",')),
    taken("semicolon asked for", PLAIN.replace(b",", b";"), words=['dataset.separator=";"']),
    taken("denormal number", PLAIN.replace(b",0.5,", b",1e-320,")),
    taken("one offset", PLAIN.replace(b":00,", b":00+05:30,")),
    taken(
        "F12 duplicate, first",
        [*GOOD[:46], GOOD[45], *GOOD[46:]],
        r"duplicate timestamps merged \(first\): 1",
        words=["dataset.duplicates=first"],
    ),
    taken(
        "F12 duplicate, mean",
        [*GOOD[:46], GOOD[45], *GOOD[46:]],
        r"duplicate timestamps merged \(mean\): 1",
        words=["dataset.duplicates=mean"],
    ),
    taken(
        "unsorted, sorted",
        [*GOOD[:45], GOOD[46], GOOD[45], *GOOD[47:]],
        "rows sorted by time: 61",
        words=["dataset.sort=true"],
    ),
    taken(
        "F17 an hour that clocks leave out",
        with_times(lambda hour: stamp(hour + (hour >= 26), "2024-03-09T00:00")),
        "gaps in the clock: 1",
        "gaps of one hour where clocks go forward, if these are local times: write them in UTC: 1",
        "missing rows marked: 1",
        "missing values marked: y 1, x 1",
    ),
    taken(
        "an hour missing on a Monday",
        with_times(lambda hour: stamp(hour + (hour >= 26), "2024-03-10T00:00")),
        "gaps in the clock: 1",
        "missing rows marked: 1",
        "missing values marked: y 1, x 1",
    ),
    taken(
        "an hour missing in April",
        with_times(lambda hour: stamp(hour + (hour >= 26), "2024-04-13T00:00")),
        "gaps in the clock: 1",
        "missing rows marked: 1",
        "missing values marked: y 1, x 1",
    ),
    taken(
        "gap of whole steps",
        [*GOOD[:20], *GOOD[23:]],
        "gaps in the clock: 1",
        "missing rows marked: 3",
        "missing values marked: y 3, x 3",
    ),
    taken(
        "long gap",
        [*GOOD[:20], *with_times(lambda hour: stamp(hour + 100))[20:]],
        "gaps in the clock: 1",
        "gaps longer than 24 steps, which no window crosses: 1",
    ),
    taken(
        "F24 constant feature",
        with_columns(lambda hour: hour % 7, lambda hour: 3),
        "feature x does not vary .* scale is 1",
    ),
    taken(
        "F18 missing values",
        with_columns(lambda hour: {3: "NA", 5: "null", 7: "n/a", 9: ""}.get(hour, f"{hour % 7}.5")),
        "missing values marked: y 4",
    ),
    taken(
        "F70 later than the latest, asked for",
        with_times(lambda hour: stamp(hour, "2100-01-01T00:00")),
        words=["dataset.latest='2200-01-01'"],
    ),
    taken(
        "F33 format asked for",
        with_times(lambda hour: f"{1 + hour // 24:02d}/02/2024 {hour % 24:02d}:00"),
        words=["dataset.date_format='%d/%m/%Y %H:%M'"],
    ),
    taken("names that differ by case", [HEADER.replace("x", "Y"), *GOOD[1:]]),
    Accepted(
        "F76 decimals",
        lambda folder: parquet(folder / "load.parquet", x=pa.array([Decimal(row) / 8 for row in range(61)])),
        PARQUET,
    ),
    Accepted(
        "F79 half precision",
        lambda folder: parquet(folder / "load.parquet", x=(np.arange(61) % 5).astype(np.float16)),
        PARQUET,
    ),
    Accepted(
        "index of pandas",
        lambda folder: parquet(folder / "load.parquet", __index_level_0__=np.arange(61)),
        PARQUET,
    ),
    Accepted("notes of pandas that make no sense", noted, PARQUET),
]
