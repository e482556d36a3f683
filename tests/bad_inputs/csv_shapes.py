"""csv files whose bytes, lines, fields or header are not as they should be."""

import gzip

from tests.bad_inputs.row import GOOD, HEADER, BadInput, csv_row, stamp, with_line, with_value

ROWS: list[BadInput] = [
    # No table at all.
    csv_row("F01 empty", b"", r"load\.csv: the file is empty \(0 bytes\)"),
    csv_row("byte order mark alone", b"\xef\xbb\xbf", "the file is empty"),
    csv_row("blank lines", b"\n\n\n", "the file is empty"),
    csv_row("first line empty", ["", *GOOD], "csv:1: the first line is empty; delete it"),
    csv_row("F02 header only", [HEADER], r"a header only, no rows of data; .*context_length \+ windows\.horizon"),
    csv_row("header and blank line", [HEADER, ""], "a header only"),
    csv_row("F59 gzip cut", gzip.compress("\n".join(GOOD).encode())[:100], "a gzip archive.*unpack it"),
    csv_row("F60 gzip named csv", gzip.compress("\n".join(GOOD).encode()), "a gzip archive.*unpack it"),
    csv_row("zip", b"PK\x03\x04", "spreadsheet.*save it as csv"),
    csv_row("F82 parquet named csv", b"PAR1....PAR1", r"a parquet file.*name it \.parquet"),
    csv_row("bzip2", b"BZh91AY&SY", "a bzip2 archive.*unpack it"),
    csv_row("xz", b"\xfd7zXZ\x00", "an xz archive.*unpack it"),
    csv_row("zstandard", b"\x28\xb5\x2f\xfd", "a zstandard archive.*unpack it"),
    csv_row("HDF5", b"\x89HDF\r\n\x1a\n", "an HDF5 file.*save it as csv"),
    csv_row("old spreadsheet", b"\xd0\xcf\x11\xe0\xa1\xb1", "an old spreadsheet.*save it as csv"),
    csv_row("database", b"SQLite format 3\0", "a database, not csv; save the table"),
    csv_row("pickle", b"\x80\x04\x95", "a pickle, which is never opened"),
    csv_row("PDF", b"%PDF-1.4\n", "a PDF document"),
    csv_row("git-lfs pointer", b"version https://git-lfs.github.com/spec/v1\noid sha256:4d\n", "run git lfs pull"),
    csv_row("F09 UTF-16", "\n".join(GOOD).encode("utf-16"), "UTF-16 text; save it as UTF-8"),
    csv_row("UTF-32", "\n".join(GOOD).encode("utf-32"), "UTF-32 text; save it as UTF-8"),
    csv_row("UTF-16 without mark", "\n".join(GOOD).encode("utf-16-le"), r"csv:1: holds a NUL byte \(character 2 "),
    csv_row("Latin-1", "\n".join(with_value("1é")).encode("latin-1"), r"csv:47: not UTF-8 text \(byte 19 of"),
    csv_row("Latin-1 header", "\n".join(["time,y,é", *GOOD[1:]]).encode("latin-1"), r"csv:1: not UTF-8 text \(byte 8"),
    csv_row(
        "half a surrogate pair", "\n".join(with_value("#")).encode().replace(b"#", b"\xed\xa0\x80"), "csv:47: not UTF"
    ),
    csv_row("F11 NUL", with_value("1\0002"), r"csv:47: holds a NUL byte \(character 19 of the line\).*fetch"),
    csv_row("F63 HTML", b"<!DOCTYPE html><html></html>", "looks like HTML.*Fetch it again"),
    csv_row("F64 JSON", b'[{"time": 1}]', "looks like JSON.*convert it"),
    # Separators and fields.
    csv_row(
        "F03 semicolon", [line.replace(",", ";") for line in GOOD], "looks like ';'; set 'dataset.separator=\";\"'$"
    ),
    csv_row(
        "F04 semicolon and decimal comma",
        [line.replace(",", ";").replace(".5", ",5") for line in GOOD],
        "set 'dataset.separator=\";\"'; its numbers have decimal commas: write points",
    ),
    csv_row(
        "F04 decimal comma",
        [line.replace(",", ";").replace(".5", ",5") for line in GOOD],
        "csv:2: column 'y' holds '0,5'; if the comma is a decimal comma, write a point",
        'dataset.separator=";"',
    ),
    csv_row(
        "F05 tab", [line.replace(",", "\t") for line in GOOD], r"looks like a tab; set 'dataset.separator=\"\\t\"'"
    ),
    csv_row("bar", [line.replace(",", "|") for line in GOOD], r"looks like '\|'; set 'dataset.separator=\"\|\"'"),
    csv_row("separator of a spreadsheet", ["sep=,", *GOOD], "csv:1: the first line is a spreadsheet's note.*delete it"),
    csv_row("F47 long line", with_line(11, f"{stamp(9)},1,2,3,4"), "csv:11: the header has 3 fields, this line 5"),
    csv_row("long first line", with_line(2, f"{stamp(0)},1,2,3"), "csv:2: the header has 3 fields, this line 4"),
    csv_row("every line long", [HEADER, *(line + ",0" for line in GOOD[1:])], "csv:2: .* 3 fields, this line 4"),
    csv_row("short line", with_line(47, f"{stamp(45)},1"), "csv:47: the header has 3 fields, this line 2"),
    csv_row("last line cut", [*GOOD, f"{stamp(61)},1"], "csv:63: the header has 3 fields, this line 2"),
    csv_row("note below", [*GOOD, "(61 rows)"], "csv:63: the header has 3 fields, this line 1; .*delete it"),
    csv_row("sum below", [*GOOD, "total,123,4"], "csv:63: 'total' in column 'time' is no such date or time; delete"),
    csv_row("header again", [*GOOD[:31], HEADER, *GOOD[31:]], "csv:32: 'time' in column 'time' is no such date"),
    csv_row("blank line inside", [*GOOD[:9], "", *GOOD[9:]], "csv:10: empty timestamp.*delete the line"),
    csv_row("F50 open quote", with_line(3, f'{stamp(1)},"1,2'), "csv:3: a quote is opened and not closed"),
    csv_row("value over two lines", with_value('"1\n2"'), "csv:47: a quote is opened and not closed"),
    csv_row("endless quote", [*with_value('"1'), "x" * 200_000], "csv:47: a quote is opened and not closed"),
    csv_row("text after a quote", with_value('"1"2'), "csv:47: a quote is opened and not closed .*expected after"),
    csv_row("quote in the last field", [*GOOD, f'{stamp(61)},1,"'], "csv:63: a quote is opened and not closed"),
    # The header.
    csv_row("F55 no header", GOOD[1:], "csv:1: the first line looks like data; write the columns' names"),
    csv_row("F56 comment first", ["# weather, 2024", *GOOD], "csv:1: the first line is a comment; delete it"),
    csv_row("F56 comment inside", [*GOOD[:9], "# a note", *GOOD[9:]], "csv:10: .*delete it if it is a comment"),
    csv_row("F57 units below", [HEADER, "UTC,degF,mm", *GOOD[1:]], "csv:2: 'UTC'.*delete the line if it holds units"),
    csv_row(
        "F44 no target",
        ["time,yy,x", *GOOD[1:]],
        r"no column 'y' \(dataset.targets\); .* time, yy, x; did you mean yy\?",
    ),
    csv_row("F45 other case", ["Time,y,x", *GOOD[1:]], r"no column 'time' \(dataset.timestamp\).*did you mean Time\?"),
    csv_row("F46 space in header", ["time, y,x", *GOOD[1:]], "csv:1: the header has spaces around 'y'"),
    csv_row("F46 space at a feature", ["time,y,x ", *GOOD[1:]], "csv:1: the header has spaces around 'x'"),
    csv_row("unseen character in header", ["time,y,x\u200b", *GOOD[1:]], r"csv:1: the column name 'x\\u200b'.*anew"),
    csv_row(
        "line break in header", ['time,y,"x', '"', *GOOD[1:]], "csv:1: the column name .*|csv:1: a quote is opened"
    ),
    csv_row("column twice", ["time,y,y", *GOOD[1:]], "csv:1: the column 'y' stands twice"),
    csv_row("F54 column without name", ["time,y,", *GOOD[1:]], "csv:1: a column without a name.*index"),
    csv_row(
        "F54 index column",
        [f",{HEADER}", *(f"{row},{line}" for row, line in enumerate(GOOD[1:]))],
        "csv:1: a column without a name.*index",
    ),
    csv_row("no series column", GOOD, r"no column 'station' \(dataset.series\)", "dataset.series=station"),
    csv_row("no feature", GOOD, r"no column 'z' \(dataset.features\)", "dataset.features=[y,z]"),
    csv_row("no known column", GOOD, r"no column 'z' \(dataset.known_future\)", "dataset.known_future=[z]"),
    csv_row("no plausible column", GOOD, r"no column 'z' \(dataset.plausible\)", "+dataset.plausible.z=[0,1]"),
    csv_row(
        "made column is there",
        ["time,y,x,wind_u", *(line + ",1" for line in GOOD[1:])],
        "csv:1: the column 'wind_u' would be made by dataset.components too",
        "+dataset.components.wind={speed:y,direction:x}",
    ),
    csv_row(
        "thousands of columns",
        [",".join(["time", *(f"c{number}" for number in range(5000))])],
        "no column 'y' .* and 4,971 more",
    ),
    csv_row("digest", GOOD, "load.csv: its sha256 is .*dataset.sha256=null", f"dataset.sha256={'a' * 64}"),
]
