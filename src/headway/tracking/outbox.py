"""What is meant for a run's mirror beside its metrics, line by line in the run's folder, so that it can be sent at any time."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headway.tracking.journal import Lines, read_lines

FILE = "mirror.jsonl"
_ONCE = {"params", "image", "dataset"}
"""Kinds that a run which goes on must not send again."""


class Outbox:
    """Appends to the list of one run.

    Args:
        folder: The run's folder, which exists.
        goes_on: Whether the run was cut off, and does again what it did before: what is sent once is passed over then.
    """

    def __init__(self, folder: Path, *, goes_on: bool = False) -> None:
        self._lines = Lines(folder / FILE)
        self._before = {_key(line) for line in read_outbox(folder)} if goes_on else set()

    def append(self, kind: str, **content: object) -> None:
        """Write one line.

        Args:
            kind: `params` and `tags` (values), `files` (name), `image` (key, step), `dataset` (card), `description` (text)
                or `view` (targets).
            content: What the kind needs, ready for JSON.

        Raises:
            StorageError: The file cannot be written.
        """
        line = {"kind": kind, "time": time.time(), **content}
        if kind not in _ONCE or _key(line) not in self._before:
            self._lines.append(line)

    def close(self) -> None:
        """Close the file; a later `append` opens it again."""
        self._lines.close()


@dataclass
class Wanted:
    """What a store should hold of a run, beside its metrics.

    Attributes:
        params, tags: By name, as given.
        files: Names in the run's folder of files and folders; each once.
        images: (key, step) -> milliseconds since 1970.
        datasets: Arguments of `Run.log_dataset`.
        description: Markdown, or None.
        targets: For the experiment's view, or None.
    """

    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    files: dict[str, None] = field(default_factory=dict)
    images: dict[tuple[str, int], int] = field(default_factory=dict)
    datasets: list[Mapping[str, Any]] = field(default_factory=list)
    description: str | None = None
    targets: Sequence[str] | None = None

    def parts(self) -> Iterator["Wanted"]:
        """The same in small parts, without the view, each of which is sent with a call or two."""
        if self.params or self.tags:
            yield Wanted(params=self.params, tags=self.tags)
        yield from (Wanted(datasets=[card]) for card in self.datasets)
        yield from (Wanted(files={name: None}) for name in self.files)
        yield from (Wanted(images={key: moment}) for key, moment in self.images.items())
        if self.description is not None:
            yield Wanted(description=self.description)

    def __str__(self) -> str:
        """What it is, in words, for a warning."""
        pictures = [f"the picture {key} of step {step}" for key, step in self.images]
        cards, note = (
            ["the data set's card"] * bool(self.datasets),
            ["the description"] * (self.description is not None),
        )
        labels = ["parameters"] * bool(self.params) + ["tags"] * bool(self.tags)
        return " and ".join([*labels, *cards, *self.files, *pictures, *note]) or "nothing"


def read_wanted(folder: Path) -> Wanted:
    """All that was meant for the mirror so far."""
    return fold(read_outbox(folder))


def fold(lines: Iterable[Mapping[str, Any]]) -> Wanted:
    """What lines ask for together; one of a kind that this version does not know is passed over."""
    wanted = Wanted()
    for line in lines:
        try:
            _add(wanted, line)
        except (KeyError, TypeError, ValueError, AttributeError):
            continue
    return wanted


def read_outbox(folder: Path) -> Iterator[dict[str, Any]]:
    """The lines of a run's list, oldest first."""
    offset, end = -1, 0
    while end != offset:
        offset = end
        lines, end = read_lines(folder / FILE, offset)
        yield from lines


def milliseconds(line: Mapping[str, Any]) -> int:
    """When a line was written, as MLflow counts."""
    return int(float(line["time"]) * 1000)


def _add(wanted: Wanted, line: Mapping[str, Any]) -> None:
    match line["kind"]:
        case "params":
            # The first value counts: MLflow refuses a second one.
            wanted.params = {**{key: str(value) for key, value in line["values"].items()}, **wanted.params}
        case "tags":
            wanted.tags |= {key: str(value) for key, value in line["values"].items()}
        case "files":
            wanted.files[str(line["name"])] = None
        case "image":
            wanted.images.setdefault((str(line["key"]), int(line["step"])), milliseconds(line))
        case "dataset":
            wanted.datasets.append(line["card"])
        case "description":
            wanted.description = str(line["text"])
        case "view":
            wanted.targets = [str(target) for target in line["targets"]]


def _key(line: Mapping[str, Any]) -> str:
    content = {name: value for name, value in line.items() if name != "time"}
    return repr(sorted(content.items())) if line.get("kind") != "image" else f"{line.get('key')} {line.get('step')}"
