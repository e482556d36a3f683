"""Checkpoints: folders of raw arrays and plain JSON under SHA-256, written whole or not at all.

A checkpoint is `state.json` (what is no array, and name, type and shape of each array), `arrays.bin` (the arrays' bytes one
after another) and `manifest.json`. Nothing in it is code, compressed or pickled, so that reading takes as much memory as the
files are long, and what does not fit is found before anything is assigned.
"""

import json
import logging
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headway import checked_folder, files
from headway.errors import StorageError, StoredRunError

log = logging.getLogger(__name__)

FORMAT = 1
FOLDER = "checkpoints"
"""Of a run, with its checkpoints; gone once the run is finished."""

_STATE, _ARRAYS = "state.json", "arrays.bin"
_TYPES = ("float32", "float16", "int32", "int64", "uint32", "bool")
_UNPLANNED = "-interrupted"
_NAME = re.compile(rf"\d{{8}}({_UNPLANNED})?")
_LONGEST_STATE = 64_000_000


@dataclass(frozen=True)
class Checkpoint:
    """What is stored at one moment.

    Attributes:
        header: Plain values, as JSON knows them.
        arrays: Name -> array.
    """

    header: Mapping[str, Any]
    arrays: Mapping[str, NDArray[Any]]


class Checkpoints:
    """The checkpoints of one run, numbered as they are written.

    Two are kept: the newest, and the newest before it that was planned; one that an interruption asked for never takes
    the place of the one that training would go back to.

    Args:
        folder: Where they are; made with the first.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        files.remove_left_over(folder)

    def write(self, checkpoint: Checkpoint, *, planned: bool = True) -> None:
        """Add a checkpoint, and remove those that are no longer needed.

        Args:
            checkpoint: What to store.
            planned: Saved at its time, and not because an interruption asked for it.

        Raises:
            StorageError: It cannot be written; the ones before it are untouched.
        """
        before = self._stored()
        number = max((int(path.name[:8]) for path in before), default=0) + 1
        path = self._folder / (f"{number:08d}" if planned else f"{number:08d}{_UNPLANNED}")
        try:
            checked_folder.write(path, pack(checkpoint))
            kept = next((one for one in before if _is_planned(one)), None)
            for one in before:
                if one != kept:
                    files.remove_folder(one)
        except OSError as error:
            raise StorageError(
                f"{path}: the checkpoint cannot be written: {error.strerror}; free some space and go on with resume=auto"
            ) from error

    def newest(self, *, planned: bool = False) -> Checkpoint | None:
        """The newest checkpoint whose digests match; damaged ones are named and passed over.

        Args:
            planned: Only one that was saved at its time.

        Raises:
            StoredRunError: There are checkpoints, and each of them is damaged.
        """
        damaged = ""
        for path in self._stored():
            if planned and not _is_planned(path):
                continue
            try:
                return unpack(path)
            except StoredRunError as error:
                damaged = str(error)
                log.warning("%s; the checkpoint before it is taken", damaged)
        if damaged:
            raise StoredRunError(
                f"{damaged}; no other checkpoint is whole: the run cannot go on, begin another with resume=off"
            )
        return None

    def remove(self) -> None:
        """Remove all of them, with their folder."""
        if self._folder.is_dir():
            files.remove_folder(self._folder)

    def _stored(self) -> list[Path]:
        """All there are, newest first."""
        found = self._folder.iterdir() if self._folder.is_dir() else iter(())
        return sorted((path for path in found if _NAME.fullmatch(path.name)), key=lambda path: path.name, reverse=True)


def _is_planned(path: Path) -> bool:
    return not path.name.endswith(_UNPLANNED)


def pack(checkpoint: Checkpoint) -> dict[str, bytes]:
    """A checkpoint as files.

    Raises:
        ValueError: A value is none that can be stored: NaN in the header, or an array of objects.
    """
    listed, parts = [], []
    for name, array in checkpoint.arrays.items():
        if str(array.dtype) not in _TYPES:
            raise ValueError(f"{name}: {array.dtype} cannot be stored")
        listed.append({"name": name, "type": str(array.dtype), "shape": list(array.shape)})
        parts.append(np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
    state = {"format": FORMAT, **checkpoint.header, "arrays": listed}
    text = json.dumps(state, allow_nan=False, ensure_ascii=False)
    return {_STATE: text.encode(), _ARRAYS: b"".join(parts)}


def unpack(folder: Path) -> Checkpoint:
    """A checkpoint from its folder.

    Raises:
        StoredRunError: It is not whole, or not of this version.
    """
    contents = checked_folder.read(folder, (_STATE, _ARRAYS))
    if len(contents[_STATE]) > _LONGEST_STATE:
        raise StoredRunError(f"{folder}/{_STATE}: {len(contents[_STATE])} bytes are more than a checkpoint has")
    try:
        state = json.loads(contents[_STATE], parse_constant=_refuse)
        if state["format"] != FORMAT:
            raise StoredRunError(
                f"{folder}: format {state['format']!r} was written by another version of headway; this one reads {FORMAT}"
            )
        listed = [_listed(entry) for entry in state.pop("arrays")]
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise StoredRunError(f"{folder}/{_STATE}: not a checkpoint's: {type(error).__name__}: {error}") from None
    arrays, rest = {}, memoryview(contents[_ARRAYS])
    for name, kind, shape in listed:
        size = math.prod(shape) * kind.itemsize
        if name in arrays or size > len(rest):
            raise StoredRunError(f"{folder}/{_ARRAYS}: does not hold {name} once and whole")
        arrays[name] = np.frombuffer(rest[:size], kind).reshape(shape).astype(kind.newbyteorder("="))
        rest = rest[size:]
    if rest:
        raise StoredRunError(f"{folder}/{_ARRAYS}: is {len(rest)} bytes longer than its arrays")
    return Checkpoint(state, arrays)


def _listed(entry: Any) -> tuple[str, np.dtype[Any], tuple[int, ...]]:
    name, kind, shape = entry["name"], entry["type"], entry["shape"]
    if not isinstance(name, str) or kind not in _TYPES or not isinstance(shape, list):
        raise ValueError(f"an array must have a name, one of the types {', '.join(_TYPES)}, and a shape")
    if not all(type(length) is int and 0 <= length < 2**40 for length in shape) or len(shape) > 8:
        raise ValueError(f"{name}: {shape} is no shape")
    return name, np.dtype(kind).newbyteorder("<"), tuple(shape)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")
