"""csv files whose numbers, times or clock are not as they should be, or too few."""

import numpy as np
from tests.bad_inputs.row import (
    GOOD,
    HEADER,
    BadInput,
    csv_row,
    late,
    stamp,
    with_columns,
    with_line,
    with_times,
    with_value,
)


def value_row(name: str, text: str, message: str, *words: str) -> BadInput:
    return csv_row(name, with_value(text), f"load.csv:47: column 'y' holds {message}", *words)


ROWS: list[BadInput] = [
    # Numbers.
    csv_row(
        "F32 word late", with_line(49, f"{stamp(47)},oops,1"), "csv:49: column 'y' holds 'oops'; expected a number"
    ),
    csv_row(
        "F18 dash among missing values",
        with_columns(lambda hour: {3: "NA", 5: "null", 20: "-"}.get(hour, f"{hour % 7}.5")),
        "csv:22: column 'y' holds '-'; expected a number, or an empty field if it is missing",
    ),
    value_row("F19 infinity", "inf", "'inf'; infinite; write a finite number"),
    value_row("minus infinity", "-Infinity", "'-Infinity'; infinite"),
    value_row("F20 overflow", "1e400", "'1e400'; infinite"),
    value_row("F22 thousands", '"1,234.5"', "'1,234.5'; write numbers without thousands separators"),
    value_row("comma", '"1,5"', "'1,5'; .* decimal comma, write a point"),
    value_row("space between thousands", "1 234", "'1 234'; expected a number"),
    value_row("hard space between thousands", "1\u00a0234", r"'1\\xa0234'; expected a number"),
    value_row("F67 hexadecimal", "0x1F", "'0x1F'; expected a number"),
    value_row("octal", "0o17", "'0o17'; expected a number"),
    value_row("underscore", "1_000", "'1_000'; expected a number"),
    value_row("percent", "50%", "'50%'; expected a number"),
    value_row("money", "$5", r"'\$5'; expected a number"),
    value_row("unit", "5 mm", "'5 mm'; expected a number"),
    value_row("spreadsheet's error", "#DIV/0!", "'#DIV/0!'; expected a number"),
    value_row("other digits", "١٢", "'١٢'; expected a number"),
    value_row("minus of print", "−5", "'−5'; expected a number"),
    value_row("escape sequence", "\x1b[31m1", r"'\\x1b\[31m1'; expected a number"),
    value_row("2^53 + 1", "9007199254740993", r"9007199254740993, 2\^53 or beyond; rescale"),
    value_row("F28 beyond 64 bits", "9" * 23, r"9{23}, 2\^53 or beyond; rescale"),
    value_row("beyond float32", "1e39", r"1e39, 2\^53 or beyond; rescale"),
    csv_row(
        "F30 truth",
        with_columns(lambda hour: hour % 7, lambda hour: hour % 2 == 0),
        "csv:2: column 'x' holds 'True'; write 1 and 0",
    ),
    csv_row(
        "F31 text column",
        with_columns(lambda hour: hour % 7, lambda hour: "NW"),
        "csv:2: column 'x' holds 'NW'; .*leave the column out of dataset.features",
    ),
    csv_row(
        "unknown future",
        with_line(47, f"{stamp(45)},1,"),
        "csv:47: 'x' is missing, but dataset.known_future says",
        "dataset.known_future=[x]",
    ),
    csv_row("nameless series", with_line(47, f"{stamp(45)},1,"), "csv:47: no name in the series", "dataset.series=x"),
    csv_row(
        "unseen series", with_line(47, f"{stamp(45)},1,a\u200b"), "csv:47: the name in the series", "dataset.series=x"
    ),
    # Times.
    csv_row("F42 empty time", with_line(47, ",1,2"), "csv:47: empty timestamp in column 'time'; fill it or delete"),
    csv_row("no time", with_line(47, "NaT,1,2"), "csv:47: empty timestamp"),
    csv_row("F39 30 February", with_line(47, "2024-02-30T00:00,1,2"), "csv:47: '2024-02-30T00:00' .*no such date"),
    csv_row("25 o'clock", with_line(47, "2024-01-02T25:00,1,2"), "csv:47: '2024-01-02T25:00' .*no such date or time"),
    csv_row("leap second", with_line(47, "2024-01-02T20:59:60,1,2"), "csv:47: '2024-01-02T20:59:60' .*no such date"),
    csv_row(
        "F14 mixed zones",
        with_times(lambda hour: stamp(hour) + ("+02:00" if late(hour) else "+01:00")),
        r"time zones differ in column 'time': \+01:00 \(line 2\), \+02:00 \(line 33\); .*UTC",
    ),
    csv_row(
        "mixed short zones",
        with_times(lambda hour: stamp(hour) + ("+02" if late(hour) else "+01")),
        r"time zones differ .* \+01 \(line 2\), \+02 \(line 33\)",
    ),
    csv_row(
        "F15 naive and aware",
        with_times(lambda hour: stamp(hour) + ("Z" if late(hour) else "")),
        r"time zones differ .* none \(line 2\), Z \(line 33\)",
    ),
    csv_row(
        "naive and aware without colons",
        with_times(lambda hour: stamp(hour).replace("-", "").replace(":", "") + ("" if late(hour) else "+0100")),
        r"time zones differ .* \+0100 \(line 2\), none \(line 33\)",
    ),
    csv_row(
        "named zone", with_times(lambda hour: stamp(hour) + " CET"), "csv:2: '2024-01-01T00:00 CET' .*no such date"
    ),
    csv_row(
        "epoch seconds", with_times(lambda hour: 1_704_067_200 + 3600 * hour), "csv:2: .* count of days or seconds"
    ),
    csv_row(
        "F37 epoch milliseconds",
        with_times(lambda hour: 1000 * (1_704_067_200 + 3600 * hour)),
        "csv:2: '1704067200000' in column 'time' .*days or seconds; write ISO 8601",
    ),
    csv_row(
        "F38 spreadsheet days",
        with_times(lambda hour: 45_292 + hour / 24),
        "csv:2: '45292.0' in column 'time' .*spreadsheet's count of days; .*ISO 8601",
    ),
    csv_row(
        "F33 month or day",
        with_times(lambda hour: f"{1 + hour // 24:02d}/02/2024 {hour % 24:02d}:00"),
        "csv:2: '01/02/2024 00:00' .*day and month could be confused; set dataset.date_format",
    ),
    csv_row(
        "F34 format changes",
        with_times(lambda hour: f"01/14/2024 {hour:02d}:00" if hour > 9 else f"14/01/2024 {hour:02d}:00", 23),
        "csv:12: '01/14/2024 10:00' .*dataset.date_format is '%d/%m/%Y %H:%M'",
        "dataset.date_format='%d/%m/%Y %H:%M'",
    ),
    csv_row("bad format", GOOD, "dataset.date_format=%Q: 'Q' is a bad directive", "dataset.date_format='%Q'"),
    csv_row("format twice", GOOD, "load.csv: .*dataset.date_format=%d%d", "dataset.date_format='%d%d'"),
    csv_row("F41 year 1", with_line(2, "0001-01-01T00:00,1,2"), "csv:2: 0001-01-01 .*outside the years 1678 to 2261"),
    csv_row(
        "F70 future",
        with_times(lambda hour: stamp(hour, "2100-01-01")),
        "csv:2: 2100-01-01 .*lies after .*dataset.latest",
    ),
    csv_row("after the latest", GOOD, "csv:27: 2024-01-02 01:00:00 .*after 2024-01-02", "dataset.latest='2024-01-02'"),
    # The clock.
    csv_row(
        "unsorted",
        [*GOOD[:45], GOOD[46], GOOD[45], *GOOD[47:]],
        r"csv:47: series 'csv' goes back in time to 2024-01-02T20:00:00; .*dataset.sort=true",
    ),
    csv_row(
        "F12 duplicate",
        [*GOOD[:46], GOOD[45], *GOOD[46:]],
        "csv:47: 2024-01-02T20:00:00 stands twice, first in line 46; .*dataset.duplicates=first or mean",
    ),
    csv_row(
        "F51 irregular",
        with_line(47, "2024-01-02T21:17,1,2"),
        r"csv:47: 2024-01-02T21:17:00 .* off the clock of 1h; steps found: 3600 s \(58 times\).*resample",
    ),
    csv_row(
        "F52 another clock later",
        with_times(lambda hour: stamp(hour + max(0, hour - 31))),
        "csv:34: the clock of series 'csv' changes from 1h to 2h; .*dataset.frequency=1h",
    ),
    csv_row("another clock asked for", GOOD, "csv:3: .*off the clock of 2h", "dataset.frequency=2h"),
    csv_row(
        "clocks of two series",
        [HEADER, *(f"{stamp(hour)},1,a" for hour in range(31)), *(f"{stamp(2 * hour)},1,b" for hour in range(31))],
        r"the series' clocks differ \(a 1h, b 2h\); set dataset.frequency",
        "dataset.series=x",
    ),
    csv_row(
        "gap of years of seconds",
        with_times(lambda row: str(np.datetime64("2004-01-01T00:00", "s") + row + 900_000 * row * late(row))),
        "the gaps of series 'csv' would add .* missing rows to 61; lower dataset.max_gap",
        "dataset.max_gap=1000000",
        "dataset.frequency=1s",
    ),
    # Too little to learn from.
    csv_row("F26 one row", GOOD[:2], r"rows \(1\) .*shows no clock; .*windows.context_length \+ windows.horizon"),
    csv_row(
        "F27 shorter than a window",
        GOOD[:8],
        r"load.csv: a split holds no window of 6 \+ 6 rows \(train 0, validation 0, test 0; rows: csv 7\); lower",
    ),
    csv_row("context longer than a split", GOOD, r"no window of 50 \+ 6 rows", "windows.context_length=50"),
    csv_row("horizon longer than a split", GOOD, r"no window of 6 \+ 20 rows", "windows.horizon=20"),
    csv_row("empty split", GOOD, "a split holds no window .*train 0", "splits.train=0.001"),
    csv_row(
        "more rows than there are",
        GOOD,
        "load.csv: series 'csv' has 61 rows but the splits ask for 90; lower splits.test",
        "splits.train=30",
        "splits.validation=30",
        "splits.test=30",
    ),
    csv_row(
        "F23 constant target", with_columns(lambda hour: 5), r"load.csv: target 'y' is constant \(5\) in the training"
    ),
    csv_row(
        "target constant in training",
        with_columns(lambda hour: 5 if hour < 45 else hour),
        r"target 'y' is constant \(5\) in the training rows; .*choose another column or enlarge splits.train",
    ),
    csv_row(
        "F25 target missing", with_columns(lambda hour: ""), "load.csv: target 'y' is never observed in the training"
    ),
    csv_row(
        "F66 many digits", with_columns(lambda hour: "0.1000000000000000055511151231257827"), r"'y' is constant \(0.1\)"
    ),
]
