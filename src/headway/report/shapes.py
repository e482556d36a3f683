"""The check of every array that enters a picture."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.floating[Any]]


def shaped(name: str, array: ArrayLike, letters: str, **sizes: int) -> NDArray[np.float64]:
    """Return the array as floats after comparing its shape with the one it should have.

    Args:
        name: What the message calls the array.
        array: The values; NaN stands for missing.
        letters: One letter per axis; a letter used twice means two axes of equal length.
        sizes: The lengths already known, by letter.

    Raises:
        ValueError: The number of axes or a length differs, or an axis is empty.
    """
    values = np.asarray(array, dtype=np.float64)
    known = dict(sizes)
    fits = values.ndim == len(letters) and all(
        length > 0 and known.setdefault(letter, length) == length
        for letter, length in zip(letters, values.shape, strict=False)
    )
    if not fits:
        expected = ", ".join(f"{axis}={sizes[axis]}" if axis in sizes else axis for axis in letters)
        raise ValueError(f"{name} must have shape [{expected}]: got {list(values.shape)}")
    return values
