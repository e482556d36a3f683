"""A folder whose files carry their SHA-256 in a manifest, and a network's weights in one of them."""

import hashlib
import io
import json
import math
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from headway import files, stored_file
from headway.errors import HeadwayError, StoredRunError

if TYPE_CHECKING:
    import keras

    from headway.models.weights import Weight

MOST_BYTES = 1 << 33
"""Of a file whose size nothing else bounds: 8 GiB."""

_MANIFEST = "manifest.json"
_LONGEST_MANIFEST = 1 << 20
_HEADER = 1 << 12  # bytes that an archive spends on an array besides its values, names included


def write(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write files and their manifest as a folder, whole or not at all; one that is there is replaced.

    Raises:
        OSError: It cannot be written.
    """
    manifest = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    files.write_folder(folder, {**contents, _MANIFEST: (json.dumps(manifest, indent=2) + "\n").encode()})


def read(folder: Path, names: Sequence[str], *, most: int = MOST_BYTES) -> dict[str, bytes]:
    """The bytes of all files, once their digests are found to be the manifest's.

    Args:
        folder: The folder, no link; nothing outside of it is read.
        names: The files in it; others are left alone.
        most: Bytes that each may have.

    Raises:
        StoredRunError: If a file is missing, a link, too long, or not what the manifest says.
    """
    for name in names:
        if name in ("", ".", "..") or Path(name).name != name or "\0" in name:
            raise StoredRunError(f"{folder}: {name!r} is no name of a file in it")
    try:
        manifest: Any = stored_file.from_json(stored_file.read(folder / _MANIFEST, most=_LONGEST_MANIFEST))
        contents = {name: stored_file.read(folder / name, most=most) for name in names}
    except OSError as error:
        raise StoredRunError(
            f"{folder}: {error.strerror}: {Path(error.filename).name}; it holds {', '.join(names)} and {_MANIFEST}"
        ) from None
    except ValueError:
        raise StoredRunError(f"{folder}/{_MANIFEST}: not JSON; the folder is damaged, train again") from None
    for name, content in contents.items():
        if not isinstance(manifest, dict) or manifest.get(name) != hashlib.sha256(content).hexdigest():
            raise StoredRunError(f"{folder}/{name}: its SHA-256 is not the manifest's; it is damaged, train again")
    return contents


def most_bytes(weights: Mapping[str, "Weight"]) -> int:
    """Bytes that an archive of weights may have."""
    return sum(_num_bytes(one.shape, one.dtype) + _HEADER for one in weights.values()) + _HEADER


def arrays(stored: bytes, weights: Mapping[str, "Weight"], path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of an npz archive, after all of them were found to be what is expected.

    Nothing is decompressed and nothing unpickled: of each array the header is compared before its values are read.

    Args:
        stored: The archive.
        weights: What it must hold, by name.
        path: What a message names.

    Raises:
        StoredRunError: It is no such archive.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(stored)) as archive:
            entries = {entry.filename.removesuffix(".npy"): entry for entry in archive.infolist()}
            differing = sorted(set(entries) ^ set(weights))
            if differing:
                place = differing[0][:200] if differing[0].isprintable() else repr(differing[0][:200])
                raise StoredRunError(f"{path}: does not fit the model at {place} and {len(differing) - 1} more")
            if len(archive.infolist()) > len(entries):
                raise StoredRunError(f"{path}: holds an array twice; it is damaged, train again")
            if any(one.compress_type != zipfile.ZIP_STORED for one in entries.values()):
                raise StoredRunError(f"{path}: is compressed, which the weights of a forecaster never are; train again")
            return {name: _array(archive, entries[name], name, one, path) for name, one in weights.items()}
    except HeadwayError:
        raise
    except Exception as error:  # what a hostile archive makes the readers of zip files and of headers raise, all of it
        words = " ".join(str(error).split())[:200] or type(error).__name__
        raise StoredRunError(f"{path}: not a readable npz file: {words}") from None


def assign(network: "keras.Model", found: Mapping[str, NDArray[Any]]) -> None:
    """Give a network the weights that `arrays` has found to fit."""
    for variable in network.weights:
        variable.assign(found[variable.path])


def _array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str, expected: "Weight", path: Path) -> NDArray[Any]:
    with archive.open(entry) as file:
        version = np.lib.format.read_magic(file)
        if version != (1, 0):
            raise ValueError(f"{name}: npy format {version}")
        shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(file)
        if shape != expected.shape:
            raise StoredRunError(f"{path}: {name} is {list(shape)}, the model has {list(expected.shape)}")
        if dtype != np.dtype(expected.dtype) or dtype.hasobject:
            raise StoredRunError(f"{path}: {name} is of the type {dtype}, the model has {expected.dtype}")
        if fortran_order and len(shape) > 1:
            raise ValueError(f"{name}: columns first")
        length = _num_bytes(shape, expected.dtype)
        content = file.read(length + 1)  # to the end: only then its checksum is compared
    if len(content) != length:
        raise ValueError(f"{name}: {len(content)} bytes, its shape takes {length}")
    values = np.frombuffer(content, dtype).reshape(shape)
    if not np.isfinite(values).all():
        raise StoredRunError(f"{path}: {name} holds a value that is not finite")
    return values


def _num_bytes(shape: tuple[int, ...], dtype: str) -> int:
    return math.prod(shape) * np.dtype(dtype).itemsize
