"""One file of a stored run: a regular file of bounded length, inside of its folder, and nothing in it that acts.

What a run left behind may have been written by somebody else: it is data, never instructions, and it must not be able to
take all memory or to lead elsewhere.
"""

import json
import os
import stat
from pathlib import Path
from typing import Any

import yaml

from headway.errors import StoredRunError

_PIECE = 1 << 24


def read(path: Path, *, most: int) -> bytes:
    """All of a file.

    Args:
        path: The file. Neither it nor its folder may be a link.
        most: Bytes it may have.

    Raises:
        OSError: It is not there, or cannot be read.
        StoredRunError: It is a link, no regular file, or too long.
    """
    for place in (path.parent, path):
        if place.is_symlink():
            raise StoredRunError(
                f"{place}: is a link; a stored run is read inside of its own folder: copy what it names"
            )
    # Without waiting: a named pipe would keep the reader for ever.
    number = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(number, "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise StoredRunError(f"{path}: is no regular file; the run is damaged, train again")
        content = bytearray()
        while piece := file.read(min(_PIECE, most + 1 - len(content))):
            content += piece
    if len(content) > most:
        raise StoredRunError(
            f"{path}: {found.st_size:,} bytes, expected at most {most:,}; the run is damaged, train again"
        )
    return bytes(content)


def from_json(content: bytes) -> Any:
    """What a JSON text says.

    Raises:
        ValueError: It is none, it is nested too deep, or it holds NaN or Infinity, which JSON has not.
    """
    try:
        return json.loads(content, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("nested too deep") from None


def from_yaml(content: bytes) -> Any:
    """What a YAML text says, in plain values.

    Raises:
        ValueError: It is none, it is nested too deep, it names a type of Python, or it has aliases, by which a few lines
            can stand for more than there is memory.
    """
    try:
        return yaml.load(content.decode(), Loader=_Plain)  # noqa: S506 - a safe loader that is stricter still
    except RecursionError:
        raise ValueError("nested too deep") from None
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())[:300]) from None


class _Plain(yaml.SafeLoader):
    """Mappings, lists, texts and numbers, each written out."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.composer.ComposerError(None, None, "aliases are not allowed", None)
        return super().compose_node(parent, index)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
