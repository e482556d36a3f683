"""What every system is measured with: pinned cores, a clock over steps, the matrix rate, the peak of memory, one JSON line.

A system's script calls `begin` before it imports anything heavy, hands its `Clock` the windows it has trained on so far,
and ends with `report`. Needs nothing but NumPy.
"""

import argparse
import json
import multiprocessing
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

PRODUCT = (1536, 64, 64)  # rows x inner x columns: 256 windows of 6 steps, d_model 64
PRODUCTS = 400
TRIES = 4
WARM_UP_SECONDS = 1.0


@dataclass
class Clock:
    """Wall and CPU time of steady training: from the end of the warm-up until enough seconds have gone.

    Attributes:
        began: Wall time at which the command was started.
        seconds: To measure.
        warm_up: Marks left out, and at least a second: compilation, and threads that start.
    """

    began: float
    seconds: float
    warm_up: int = 1
    first_step: float = 0.0
    aside: float = 0.0  # spent on the matrix rate before the first step
    marks: int = 0
    ready: float = 0.0  # when the first mark came
    peak: float = 0.0  # megabytes, when the last mark came
    start: tuple[int, float, float] | None = None
    end: tuple[int, float, float] = field(default=(0, 0.0, 0.0))

    def stepped(self) -> None:
        """Say that a step has ended; the first one counts."""
        if not self.first_step:
            self.first_step = time.time() - self.began - self.aside

    def mark(self, windows: int) -> bool:
        """Say how many windows have been trained on since the start; returns whether that is enough."""
        now = (windows, time.perf_counter(), cpu_seconds())
        self.marks += 1
        self.ready = self.ready or now[1]
        if self.start is None:
            if self.marks > self.warm_up and now[1] - self.ready >= WARM_UP_SECONDS:
                self.start = now
            return False
        self.end = now
        if enough := now[1] - self.start[1] >= self.seconds:
            self.peak = peak_megabytes()  # here, while workers are still alive
        return enough

    def spent(self) -> tuple[int, float, float]:
        """Windows, wall seconds and CPU seconds that were measured."""
        if self.start is None or not self.peak:
            raise RuntimeError("training ended before it was measured; give it more epochs")
        windows, wall, cpu = (end - start for end, start in zip(self.end, self.start, strict=True))
        return int(windows), wall, cpu


def begin(description: str, *, variants: tuple[str, ...] = ()) -> argparse.Namespace:
    """Read the command line and pin the process, before anything asks how many cores there are."""
    parser = argparse.ArgumentParser(description=description)
    if variants:
        parser.add_argument("variant", choices=variants)
    parser.add_argument("--rows", required=True, help="what rows.py has written")
    parser.add_argument("--cores", type=int, nargs="+", default=[max(os.sched_getaffinity(0))], help="their numbers")
    parser.add_argument("--seconds", type=float, default=5.0, help="to measure, after the warm-up")
    parser.add_argument("--workers", type=int, default=0, help="processes that load batches, where a system takes them")
    parser.add_argument("--began", type=float, default=time.time(), help="wall time at which the command was started")
    asked = parser.parse_args()
    os.sched_setaffinity(0, asked.cores)
    return asked


def matrix_rate(products: Callable[..., Callable[[], object]], clock: Clock | None = None) -> float:
    """Floating-point operations per second of matrix products: the best of NumPy and a framework.

    Args:
        products: Takes two arrays and a number, and gives what multiplies them so often.
        clock: Whose time to the first step is not to hold this.
    """
    import numpy as np

    began = time.time()
    rows, inner, columns = PRODUCT
    generator = np.random.default_rng(0)
    left = generator.standard_normal((rows, inner), np.float32)
    right = generator.standard_normal((inner, columns), np.float32) / np.float32(np.sqrt(inner))
    out = np.empty((rows, columns), np.float32)

    def in_numpy() -> None:
        for _ in range(PRODUCTS):
            np.matmul(left, right, out=out)

    fastest = min(_seconds(in_numpy), _seconds(products(left, right, PRODUCTS)))
    if clock is not None:
        clock.aside += time.time() - began
    return 2 * rows * inner * columns * PRODUCTS / fastest


def cpu_seconds() -> float:
    """CPU time of all threads of this process, and of the workers it has started."""
    return time.process_time() + sum(_cpu_of(worker) for worker in _workers())


def peak_megabytes() -> float:
    """The most memory that this process has held, and what its workers hold for themselves."""
    # Not getrusage: its peak begins with that of the process which started this one.
    own = _megabytes(Path("/proc/self/status"), "VmHWM")
    # Not what a worker still shares with this process since it was forked.
    return own + sum(_megabytes(Path(f"/proc/{worker}/smaps_rollup"), "Private_Dirty") for worker in _workers())


def report(clock: Clock, *, packages: tuple[str, ...], **more: object) -> None:
    """Print the measurement as one line of JSON."""
    windows, wall, cpu = clock.spent()
    measured = {
        "windows": windows,
        "wall": wall,
        "cpu": cpu,
        "first_step": clock.first_step,
        "peak_megabytes": clock.peak,
        "versions": {name: version(name) for name in packages},
        **more,
    }
    print(json.dumps(measured), flush=True)


def _seconds(run: Callable[[], object]) -> float:
    run()
    spent = []
    for _ in range(TRIES):
        began = time.perf_counter()
        run()
        spent.append(time.perf_counter() - began)
    return min(spent)


def _workers() -> list[int]:
    return [worker.pid for worker in multiprocessing.active_children() if worker.pid]


def _cpu_of(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def _megabytes(file: Path, name: str) -> float:
    for line in file.read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    return 0.0
