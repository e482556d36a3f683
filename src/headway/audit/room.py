"""Whether memory has room for an audit, which holds the file and what is made of it several times."""

import contextlib
from pathlib import Path

from headway.data.series import Dataset
from headway.errors import DataError

_BYTES_A_NUMBER = 200  # of the file; a csv of nine columns was seen to take 150


def refuse_too_large(dataset: Dataset) -> None:
    """Refuse data that an audit would need more memory for than there is.

    Args:
        dataset: As it is read for training, maybe from a store.

    Raises:
        DataError: Naming both sizes.
    """
    columns = 1 + len(dataset.features) + len(dataset.known_future_columns)
    needed, free = dataset.num_rows * columns * _BYTES_A_NUMBER, _free()
    if free is not None and needed > free:
        raise DataError(
            f"{dataset.origin}: audit=leaks changes the file in memory and takes about {needed / 1e9:.1f} GB for it, "
            f"{free / 1e9:.1f} GB are free; train with the same settings on a part of the file, and audit that run"
        )


def _free() -> int | None:
    """Bytes of memory that this process may take, or None where the system does not say."""
    found = []
    with contextlib.suppress(OSError, ValueError):
        lines = Path("/proc/meminfo").read_text().splitlines()
        found += [1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")]
    with contextlib.suppress(OSError, ValueError):  # "max" is no number
        found.append(int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return min(found, default=None)
