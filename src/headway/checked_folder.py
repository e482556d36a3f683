"""A folder whose files carry their SHA-256 in a manifest, and a network's weights in one of them."""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headway.errors import StoredRunError

if TYPE_CHECKING:
    import keras

_MANIFEST = "manifest.json"


def write(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write files and their manifest into a folder that does not exist yet."""
    folder.mkdir(parents=True)
    manifest = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    (folder / _MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")


def read(folder: Path, names: Sequence[str]) -> dict[str, bytes]:
    """The bytes of all files, once their digests are found to be the manifest's.

    Raises:
        StoredRunError: If a file is missing or not what the manifest says.
    """
    try:
        manifest: dict[str, Any] = json.loads((folder / _MANIFEST).read_bytes())
        contents = {name: (folder / name).read_bytes() for name in names}
    except OSError as error:
        raise StoredRunError(
            f"{folder}: {error.strerror}: {Path(error.filename).name}; a forecaster is {', '.join(names)} and {_MANIFEST}"
        ) from None
    except ValueError:
        raise StoredRunError(f"{folder}/{_MANIFEST}: not JSON; the forecaster is damaged, train again") from None
    for name, content in contents.items():
        if not isinstance(manifest, dict) or manifest.get(name) != hashlib.sha256(content).hexdigest():
            raise StoredRunError(
                f"{folder}/{name}: its SHA-256 is not the manifest's; the forecaster is damaged, train again"
            )
    return contents


def assign(network: "keras.Model", stored: bytes, path: Path) -> None:
    """Give a network its weights from an npz archive, after all of them were found to fit.

    Raises:
        StoredRunError: If they do not fit, or one is not finite; `path` is what the message names.
    """
    try:
        with np.load(io.BytesIO(stored), allow_pickle=False) as archive:
            weights = {name: archive[name] for name in archive.files}
    except (TypeError, ValueError, EOFError, zipfile.BadZipFile) as error:  # one array alone is of another type
        raise StoredRunError(f"{path}: not a readable npz file: {error}") from None
    variables = {variable.path: variable for variable in network.weights}
    if set(weights) != set(variables):
        differing = sorted(set(weights) ^ set(variables))
        raise StoredRunError(f"{path}: does not fit the model at {differing[0]} and {len(differing) - 1} more")
    for name, value in weights.items():
        if value.shape != tuple(variables[name].shape):
            raise StoredRunError(f"{path}: {name} is {list(value.shape)}, the model has {list(variables[name].shape)}")
        if not np.isfinite(value).all():
            raise StoredRunError(f"{path}: {name} holds a value that is not finite")
    for name, value in weights.items():
        variables[name].assign(value)
