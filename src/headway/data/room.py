"""Room on a disk: it is known early on whether there will be enough."""

import shutil
from collections.abc import Callable
from pathlib import Path

from headway.errors import StorageError


class Room:
    """Says how far reading has come, and refuses a disk that is too small as soon as that can be told.

    Args:
        folder: On the disk.
        numbers: That a row takes in all, in scratch files and in the store.
        tell: Told the share.
    """

    def __init__(self, folder: Path, numbers: int, tell: Callable[[float], None]) -> None:
        self._folder, self._numbers, self._tell, self._is_told = folder, numbers, tell, False

    def read(self, rows: int, share: float) -> None:
        """So many rows, this share of the file, have been read.

        Raises:
            StorageError: By what they took, there is no room for the others.
        """
        self._tell(share)
        if self._is_told:
            return
        self._is_told = True
        needed, free = rows / share * 8 * self._numbers, shutil.disk_usage(self._folder).free
        if needed > free:
            raise StorageError(
                f"{self._folder}: converting takes about {needed / 1e9:.1f} GB there, {free / 1e9:.1f} GB are free; make "
                "room, start where there is more, or set dataset.store=never to read the file into memory"
            )
