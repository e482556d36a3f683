"""Which process does something, so that others can tell later whether it still does."""

import os
import resource
import socket
import sys
import time
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self

import psutil

_SAME_START = 2.0
"""Seconds by which two readings of a process's start may differ: the clock it is computed from is adjusted now and then."""


@dataclass(frozen=True)
class Process:
    """A process, told apart from a later one that got its number.

    Attributes:
        host: The machine's name.
        pid: The process's number there.
        started: When it began, in seconds since 1970.
    """

    host: str
    pid: int
    started: float

    @classmethod
    def own(cls) -> Self:
        """The process that asks."""
        return cls(socket.gethostname(), os.getpid(), _start_of(os.getpid()))

    @classmethod
    def read(cls, stored: object) -> Self | None:
        """A process from what `as_dict` gave, or None where that is something else."""
        try:
            return cls(str(stored["host"]), int(stored["pid"]), float(stored["started"]))  # type: ignore[index]
        except (KeyError, TypeError, ValueError):
            return None

    def as_dict(self) -> dict[str, Any]:
        """Plain values, to be stored as JSON."""
        return asdict(self)

    @property
    def is_here(self) -> bool:
        """Whether it runs, or ran, on this machine, so that `is_alive` can be asked."""
        return self.host == socket.gethostname()

    @property
    def is_alive(self) -> bool:
        """Whether it still runs. False for a process of another machine, too: ask `is_here` first."""
        if not self.is_here:
            return False
        try:
            process = psutil.Process(self.pid)
            return abs(process.create_time() - self.started) < _SAME_START and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False


@cache
def _start_of(pid: int) -> float:
    # Kept: the same process must name itself the same way, whatever happens to the clock meanwhile.
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return time.time()


def peak_memory() -> float:
    """The most memory that this process has held so far, in megabytes."""
    status = Path("/proc/self/status")
    for line in status.read_text().splitlines() if status.exists() else ():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    # The second choice: on Linux it begins with the peak of the process that started this one (getrusage(2)).
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 1e6 if sys.platform == "darwin" else most * 1024 / 1e6  # bytes there, KiB elsewhere
