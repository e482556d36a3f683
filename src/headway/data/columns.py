"""Which columns a file has, and which a configuration asks for: checked by name alone, so it answers at once."""

import csv
import difflib
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from headway.errors import DataError

if TYPE_CHECKING:
    from headway.config.dataset import DatasetSpec

_MOST_LISTED = 30  # columns in a message


def find(path: str, project: Path | None, *, source: str | None = None) -> Path:
    """The file of a path: below the current folder, else below the project's.

    Args:
        path: As configured.
        project: Folder to look in where a relative path is not below the current one.
        source: Where the file comes from, for the message.

    Raises:
        DataError: If there is none; the message names the nearest one.
    """
    try:
        return _find(path, project, source)
    except (OSError, RuntimeError) as error:  # a name too long, a folder that may not be entered, no such user's home
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(f"{path}: cannot be looked up ({reason}); correct dataset.path") from None


def _find(path: str, project: Path | None, source: str | None) -> Path:
    candidates = [Path(path).expanduser()] + ([project / path] if project else [])
    for candidate in candidates:
        if candidate.is_dir():
            raise DataError(f"{path}: is a folder, not a file; name the csv or parquet file in it")
        if candidate.is_file():
            if not os.access(candidate, os.R_OK):
                raise DataError(f"{path}: may not be read; give this user permission to read it")
            return candidate
        if candidate.is_symlink():
            raise DataError(f"{path}: is a link to {candidate.readlink()}, which does not exist; mend the link")
        if candidate.exists():
            raise DataError(f"{path}: is a device or a pipe, not a file; copy what it gives into a csv or parquet file")
    folder = candidates[0].parent
    names = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
    close = difflib.get_close_matches(candidates[0].name, names, n=1)
    hint = (
        f"; did you mean {folder / close[0]}?" if close else "" if folder.is_dir() else f"; there is no folder {folder}"
    )
    raise DataError(
        f"{path}: no such file, looked from {Path.cwd()}, where the command was typed{hint}"
        + (f"; {source}" if source else "")
    )


def check_header(spec: "DatasetSpec", *, project: Path | None = None) -> None:
    """Look at the first line of a csv file before anything heavy is loaded.

    A file whose first line cannot be read as csv is left to the reader, which says why.

    Raises:
        DataError: If there is no file, or a column that the configuration names is not in it.
    """
    path = find(spec.path, project, source=spec.source)
    if is_parquet(path):
        return
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            line = file.readline(1_000_000)
        first = next(csv.reader([line], delimiter=spec.separator), [])
    except (UnicodeDecodeError, csv.Error, OSError):
        return
    if len(first) > 1 and "\0" not in line:
        check_columns(spec.path, column_names(first, spec), spec)


def is_parquet(path: Path) -> bool:
    """Whether a file is read as parquet."""
    return path.suffix.lower() in (".parquet", ".pq")


def column_names(first: Sequence[str], spec: "DatasetSpec") -> list[str]:
    """Names of a csv file's columns: the configuration's, else the fields of its first line.

    Raises:
        DataError: If the configuration names more or fewer than the line has fields.
    """
    if spec.columns is None:
        return list(first)
    if len(spec.columns) != len(first):
        raise DataError(
            f"{spec.path}:1: dataset.columns names {len(spec.columns)} columns ({', '.join(spec.columns)}), this line has "
            f"{len(first)} fields; name one column per field, or set dataset.columns=null if the file has a header"
        )
    return list(spec.columns)


def derived(spec: "DatasetSpec") -> list[str]:
    """Names of the columns that the configuration makes of others."""
    return [f"{name}_{axis}" for name in spec.components for axis in "uv"]


def component_sources(spec: "DatasetSpec") -> list[str]:
    """Names of the columns that components are made of."""
    return [column for component in spec.components.values() for column in (component.speed, component.direction)]


def targets_of(names: Sequence[str], spec: "DatasetSpec") -> tuple[str, ...]:
    """Names of the columns to forecast: the configuration's, else all of the file's that have no other role.

    Raises:
        DataError: If every column has another role.
    """
    if spec.targets is not None:
        return spec.targets
    targets = tuple(name for name in _free(names, spec, ()) if name not in (spec.features or ()))
    if not targets:
        raise DataError(
            f"{spec.path}: dataset.targets=null makes targets of the columns that have no other role, and all have one; "
            "name them in dataset.targets"
        )
    return targets


def features_of(names: Sequence[str], spec: "DatasetSpec", targets: tuple[str, ...]) -> tuple[str, ...]:
    """Names of the context's columns, targets included, in the order of the configuration or the file."""
    if spec.features is not None:
        return (*(target for target in targets if target not in spec.features), *spec.features)
    return _free(names, spec, targets)


def sources_of(spec: "DatasetSpec", features: tuple[str, ...]) -> list[str]:
    """Columns of the file that the features are made of, or that a policy speaks of; the features' own come first."""
    made = derived(spec)
    wanted = [column for column in features if column not in made]
    return list(dict.fromkeys([*wanted, *component_sources(spec), *spec.plausible, *spec.max_jump]))


def _free(names: Sequence[str], spec: "DatasetSpec", targets: tuple[str, ...]) -> tuple[str, ...]:
    """Names of the columns, made ones last, that are targets or neither time, series, known nor parts of others."""
    used = {spec.timestamp, spec.series, *spec.known_future, *component_sources(spec)} - {*targets}
    return (*(name for name in names if name not in used), *derived(spec))


def check_columns(file: str, names: Sequence[str], spec: "DatasetSpec") -> None:
    """Refuse a configuration that names a column the file does not have.

    Args:
        file: The file, for messages.
        names: The file's columns.
        spec: The dataset group.

    Raises:
        DataError: With one message per missing column, each naming the nearest.
    """
    if not names:
        raise DataError(f"{file}: holds no columns; give a table with a header")
    if names[0].lower().startswith("sep="):
        raise DataError(f"{file}:1: the first line is a spreadsheet's note on separators; delete it")
    if any(not name.strip() or name.startswith("Unnamed:") for name in names):
        raise DataError(
            f"{file}:1: a column without a name (an index column?) would become a feature; name it or drop it"
        )
    odd = next((name for name in names if not name.isprintable()), None)
    if odd is not None:
        raise DataError(
            f"{file}:1: the column name {ascii(odd)[:80]} holds a line break or another character that cannot be seen; type it anew"
        )
    repeated = sorted(name for name, count in Counter(names).items() if count > 1)
    if repeated:
        raise DataError(f"{file}:1: the column {repeated[0]!r} stands twice in the header; rename one")
    made, there = derived(spec), set(names)
    for name in made:
        if name in there:
            raise DataError(f"{file}:1: the column {name!r} would be made by dataset.components too; rename one")
    targets = spec.targets or ()
    wanted = {
        "dataset.timestamp": [spec.timestamp] if spec.timestamp is not None else [],
        "dataset.series": [spec.series] if spec.series is not None else [],
        "dataset.targets": [name for name in targets if name not in made],
        "dataset.features": [name for name in spec.features or () if name not in made and name not in targets],
        "dataset.known_future": list(spec.known_future),
        "dataset.components": component_sources(spec),
        "dataset.plausible": list(spec.plausible),
        "dataset.max_jump": list(spec.max_jump),
    }
    messages = [
        _absent(file, column, setting, names)
        for setting, columns in wanted.items()
        for column in columns
        if column not in there
    ]
    if messages and spec.columns is None and names[0].startswith("#"):
        raise DataError(f"{file}:1: the first line is a comment; delete it, so that the header comes first")
    if messages and spec.columns is None and any(_is_number(name) for name in names):
        raise DataError(
            f"{file}:1: the first line looks like data; write the columns' names above it, or set dataset.columns"
        )
    if messages:
        raise DataError(*messages)
    padded = next((name for name in names if name != name.strip()), None)
    if padded is not None:
        raise DataError(f"{file}:1: the header has spaces around {padded.strip()!r}: write it without them")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _absent(file: str, column: str, setting: str, names: Sequence[str]) -> str:
    if any(name.strip() == column for name in names):
        return f"{file}:1: the header has spaces around {column!r}: write it without them"
    folded = {name.lower(): name for name in reversed(names)}
    close = difflib.get_close_matches(column.lower(), list(folded), n=1, cutoff=0.6)
    hint = f"; did you mean {folded[close[0]]}?" if close else ""
    listed = ", ".join(names[:_MOST_LISTED]) + (
        f" and {len(names) - _MOST_LISTED:,} more" if names[_MOST_LISTED:] else ""
    )
    return f"{file}: no column {column!r} ({setting}); the file has {listed}{hint}"
