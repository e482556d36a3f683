"""Settings of the data that cannot be: what a file without times needs, digests, separators, formats."""

from tests.bad_inputs.row import BadInput

FILE = ("dataset=csv", "dataset.path=load.csv", "dataset.targets=null")
CLOCK = (*FILE, "dataset.timestamp=null", "dataset.start=2024-01-01", "dataset.frequency=1h")


def row(name: str, message: str, *words: str, before: tuple[str, ...] = CLOCK) -> BadInput:
    return BadInput(name, (*before, *words), 2, f"^error: {message}")


ROWS: list[BadInput] = [
    row(
        "no clock",
        r"dataset: timestamp=null needs start and frequency.*got start=null, frequency=null; set dataset\.start=",
        "dataset.timestamp=null",
        before=FILE,
    ),
    row("no start", r"dataset: .*got start=null, frequency=1h; set dataset\.start=", "dataset.start=null"),
    row(
        "no frequency",
        r"dataset: .*got start=2024-01-01, frequency=null; set dataset\.start=",
        "dataset.frequency=null",
    ),
    row("two times", "dataset: start=2024-01-01 .* timestamp=time names a .*set one .*null", "dataset.timestamp=time"),
    row(
        "series without times",
        "dataset: timestamp=null cannot tell .*series=place .*; name the column of times",
        "dataset.series=place",
    ),
    row("start that is no time", r"dataset\.start: must be an ISO 8601 time .*got soon", "dataset.start=soon"),
    row("start with a zone", r"dataset\.start: .*without a zone", "dataset.start='2024-01-01T00:00Z'"),
    row(
        "day some months lack",
        "dataset: start=2024-01-29 on a clock of 1M is a day that not every month has; start on one up to the 28th",
        "dataset.frequency=1M",
        "dataset.start=2024-01-29",
    ),
    row(
        "start after the latest",
        "dataset: start=2024-01-01 lies after latest=2023-12-31T23:00; correct one",
        "dataset.latest='2023-12-31T23:00'",
    ),
    row("no columns", r"dataset\.columns=\[\]: must not be empty", "dataset.columns=[]"),
    row("no targets", r"dataset\.targets=\[\]: must not be empty", "dataset.targets=[]"),
    row("column named twice", "dataset: columns names 'a' twice; give every column a name", "dataset.columns=[a,b,a]"),
    row(
        "columns of parquet",
        r"dataset: columns names .* but load\.PQ is parquet; set it to null",
        "dataset.columns=[a]",
        "dataset.path=load.PQ",
    ),
    row("known target", "dataset: column 'a' has two roles", "dataset.targets=[a]", "dataset.known_future=[a]"),
    row("word for a digest", r"dataset\.sha256=abc: expected text that matches \^\[0-9a-f", "dataset.sha256=abc"),
    row("number for a digest", r"dataset\.sha256=7: expected text, got a whole number", "dataset.sha256=7"),
    row(
        "word for a named digest",
        r"dataset\.sha256=\{'load\.csv': 'abc'\}: expected text that matches",
        "dataset.sha256={load.csv:abc}",
    ),
    row("null for a named digest", r"dataset\.sha256=.*: expected text", "dataset.sha256={load.csv:null}"),
    row("long source", r"dataset\.source=x+\.\.\.: expected at most 500 char", f"dataset.source={'x' * 501}"),
    row("separator of two", "dataset.separator=ab: expected at most 1 characters", "dataset.separator=ab"),
    row("quote as separator", "dataset.separator: must be one character that no number", "dataset.separator='\"'"),
    row("digit as separator", "dataset.separator: must be one character that no number", "dataset.separator='7'"),
    row("letter as separator", r"dataset.separator: .*got '\\xb6'", "dataset.separator='¶'"),
    row("line break as separator", r"dataset.separator: .*got '\\n'", "dataset.separator='\n'"),
    row(
        "guessed format", r"dataset.date_format: must be a pattern of strptime.*got mixed", "dataset.date_format=mixed"
    ),
    row("line break in a path", r"dataset.path: must hold no line break.*got 'a\\nb'", "dataset.path='a\nb'"),
    row("line break in a name", r"dataset.name: must hold no line break.*got 'a\\nb'", "dataset.name='a\nb'"),
    row("long unit", "dataset.units.a=m+: expected at most 50 characters", f"+dataset.units.a={'m' * 51}"),
    row("half an interval", "dataset.plausible.a.1: required but not set", "+dataset.plausible.a=[1]"),
    row(
        "interval of three", "dataset.plausible.a=.*: expected at most 2 of them, got 3", "+dataset.plausible.a=[1,2,3]"
    ),
    row("interval without end", "dataset.plausible.a.1=inf: must be a finite number", "+dataset.plausible.a=[1,inf]"),
]
