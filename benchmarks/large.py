"""Data larger than memory: what a batch costs as windows grow, and a training on a file of many gigabytes.

    python benchmarks/large.py batches                    10,000 to 1,000,000,000 windows, from memory and from a file
    python benchmarks/large.py train --gigabytes 20       a stored series of 20 GB, trained on a sample of its windows
    python benchmarks/large.py train --gigabytes 2 --windows 100000 model.d_model=64      any override of train.py

`batches` measures the order of an epoch, the rows where windows start, and the gather, for batches of 256 windows of 6
and 6 rows: microseconds of CPU time a batch, the median of seven rounds. Beyond 100,000,000 windows the rows that are
gathered lie among the first 100,000,000, as there is no memory and no disk for more; the order is that of all.

`train` writes one series of eight features straight into a store, a chunk at a time, and trains on it as train.py does,
with its judgement, pictures and report. It prints the highest private resident memory (RssAnon) of the process: pages
of the file belong to the system, and are not in it. Close other programs; the file is removed in the end.
"""

import argparse
import os
import statistics
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

PROJECT = Path(__file__).resolve().parent.parent
BATCH, CONTEXT, HORIZON = 256, 6, 6
COUNTS = (10**4, 10**5, 10**6, 10**7, 10**8, 10**9)
MOST_ROWS = 10**8
ROUNDS, BATCHES = 7, 200
FEATURES = ("temp", "dewp", "humid", "precip", "pressure", "visib", "wind_u", "wind_v")
BYTES_A_ROW = 8 * (len(FEATURES) + 1)  # and its time


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["batches", "train"])
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="where the file is written")
    parser.add_argument("--most", type=int, default=10**9, help="windows of the largest case of batches")
    parser.add_argument("--gigabytes", type=float, default=20.0, help="size of the stored series")
    parser.add_argument("--windows", type=int, default=100_000, help="windows.most: of each split")
    asked, overrides = parser.parse_known_args()
    with tempfile.TemporaryDirectory(dir=asked.folder, prefix="headway-large-") as folder:
        if asked.what == "batches":
            batches(Path(folder), asked.most)
        else:
            train(Path(folder), asked.gigabytes, asked.windows, overrides)


def batches(folder: Path, most: int) -> None:
    """Print what a batch costs, from memory and from a file, by the number of windows."""
    from headway.data.batches import RowsOnDisk, scale_rows
    from headway.data.scaling import Scaler
    from headway.data.windows import WindowIndex

    scaler, none = Scaler(np.zeros(1), np.ones(1)), Scaler(np.zeros(0), np.ones(0))
    print(
        f"{'windows':>13}  {'order':>8}  {'starts':>8}  {'from memory':>12}  {'from a file':>12}  microseconds a batch"
    )
    for count in (count for count in COUNTS if count <= most):
        rows = min(count, MOST_ROWS) + CONTEXT + HORIZON - 1
        dataset = stored(folder / f"{count}", rows, ("load",))
        memory = scale_rows(dataset, scaler, none, {"day": 2, "year": 1})
        disk = RowsOnDisk(dataset, scaler, none, {"day": 2, "year": 1})
        dataset.values.sum(), dataset.timestamps.max()  # pages are in the system's memory before time is taken
        one = np.array([count]), np.zeros(1, np.int64)
        index = WindowIndex(one[1], one[0], one[1], 1, CONTEXT, HORIZON, {})
        within = WindowIndex(one[1], np.array([min(count, MOST_ROWS)]), one[1], 1, CONTEXT, HORIZON, {})
        print(f"{count:13,}  {'  '.join(costs(count, index, within, memory, disk))}", flush=True)
        del memory, disk, dataset
        for file in folder.rglob("*.npy"):
            file.unlink()


def costs(count: int, index, within, memory, disk) -> list[str]:
    """Microseconds a batch of each part, as texts of the table's widths."""
    from headway.data.batches import gather, shuffled

    places = np.random.default_rng(0).integers(0, max(1, count - BATCH), BATCHES)
    places = [place + np.arange(BATCH) for place in places]
    numbers = [shuffled(place, count=count, seed=0, epoch=0) for place in places]
    near = [number % len(within) for number in numbers]
    parts = [
        (8, lambda turn: shuffled(places[turn], count=count, seed=0, epoch=0)),
        (8, lambda turn: index.starts(numbers[turn])),
        (12, lambda turn: gather(memory, within, near[turn])),
        (12, lambda turn: gather(disk, within, near[turn])),
    ]
    found = []
    for width, work in parts:
        rounds = []
        for _ in range(ROUNDS):
            started = time.process_time()
            for turn in range(BATCHES):
                work(turn)
            rounds.append((time.process_time() - started) / BATCHES * 1e6)
        found.append(f"{statistics.median(rounds):{width}.0f}")
    return found


def stored(folder: Path, rows: int, features: tuple[str, ...]):
    """A dataset of one series whose rows lie in files, written a chunk at a time."""
    from headway.data.clock import Clock
    from headway.data.series import Dataset, Series, StoredRows

    folder.mkdir()
    values = np.lib.format.open_memmap(folder / "values.npy", "w+", np.float64, (rows, len(features)))
    times = np.lib.format.open_memmap(folder / "times.npy", "w+", "datetime64[s]", (rows,))
    for first, part in made(rows, len(features)):
        values[first : first + len(part)] = part
        times[first : first + len(part)] = times_of(first, len(part))
    values, times = np.asarray(values), np.asarray(times)
    nothing = np.empty((rows, 0))
    series = Series("one", times, values, nothing)
    return Dataset(
        "large",
        (series,),
        features,
        features[:1],
        (),
        Clock(1, "min"),
        1440,
        stored=StoredRows(values, nothing, times, ""),
    )


def made(rows: int, features: int, *, at_once: int = 1 << 18):
    """(first row, rows) chunk by chunk: a day's cycle and noise that the row before tells something of."""
    generator = np.random.default_rng(0)
    drawn = generator.standard_normal((2 * at_once + 1, features))
    noise = drawn[1:] + 0.8 * drawn[:-1]
    for first in range(0, rows, at_once):
        count, begin = min(at_once, rows - first), generator.integers(at_once)
        cycle = 10 * np.sin(2 * np.pi * np.arange(first, first + count) / 1440)
        yield first, 50 + cycle[:, None] + noise[begin : begin + count]


def times_of(first: int, count: int) -> np.ndarray:
    """Times of rows, a minute apart."""
    return np.datetime64("1500-01-01T00:00", "s") + 60 * np.arange(first, first + count)


def train(folder: Path, gigabytes: float, windows: int, overrides: list[str]) -> None:
    """Write a store, train on it, and print what it took."""
    from hydra import compose, initialize_config_dir
    from omegaconf import OmegaConf

    from headway import backend
    from headway.config.sweep import TrainCommand
    from headway.config.validate import validate
    from headway.data import sources

    rows = int(gigabytes * 1e9 / BYTES_A_ROW)
    words = ["training=fast", "evaluation=quick", "dataset.name=large", f"windows.most={windows}", *overrides]
    with initialize_config_dir(str(PROJECT / "conf"), version_base="1.3"):
        settings = compose("train", overrides=words)
    config = validate(OmegaConf.to_container(settings, resolve=True), TrainCommand).config
    os.chdir(folder)
    started = time.monotonic()
    dataset = written(folder / "store", rows, config.dataset.targets)
    size = sum(file.stat().st_size for file in (folder / "store").iterdir()) / 1e9
    print(f"{rows:,} rows, {size:.1f} GB, written in {time.monotonic() - started:.0f} s", flush=True)
    sources.read = lambda spec, project=None: dataset  # what it takes to convert a file is another question
    backend.load(config.backend, largest_product=config.largest_product)
    memory = Highest("RssAnon")
    started, cpu = time.monotonic(), time.process_time()
    with memory:
        from headway import pipeline

        before = memory.value
        outcome = pipeline.train(config, name="large", command=words, project=PROJECT)
    seconds = time.monotonic() - started
    print(outcome.text)
    print(
        f"\n{rows - CONTEXT - HORIZON + 1:,} windows in {size:.1f} GB, at most {windows:,} of a split: "
        f"{seconds:.0f} s, {time.process_time() - cpu:.0f} s of CPU; highest private memory {memory.highest:.0f} MiB, "
        f"of which {before:.0f} MiB before a row was read"
    )


def written(folder: Path, rows: int, targets: tuple[str, ...]):
    """A dataset of one series in a store that was written a chunk at a time."""
    from headway.data import store, store_file
    from headway.data.clock import Clock
    from headway.data.series import Dataset, Series, StoredRows
    from headway.data.series_stream import Filled

    folder.mkdir()
    with store_file.writing(folder / store.ROWS, "large", rows=rows, features=len(FEATURES), known_future=0) as file:
        for first, part in made(rows, len(FEATURES)):
            file.write(first, Filled(times_of(first, len(part)), part, np.empty((len(part), 0))))
    header = store.Header(
        "large", {}, None, FEATURES, targets, (), (("one", rows, (0,)),), "1min", (), f"{rows}", 0, ""
    )  # fmt: skip
    found = store.columns(folder, header)
    series = Series("one", found.timestamps, found.values, found.known_future)
    stored_rows = StoredRows(found.values, found.known_future, found.timestamps, header.fingerprint)
    return Dataset("large", (series,), FEATURES, targets, (), Clock(1, "min"), 1440, stored=stored_rows)


class Highest:
    """The highest value of a line of /proc/self/status while the block runs, in MiB, looked at every 20 ms.

    Args:
        line: Its name: RssAnon is private resident memory.
    """

    def __init__(self, line: str) -> None:
        self.line, self.highest = line, 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "Highest":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def value(self) -> float:
        """What it is now."""
        status = Path("/proc/self/status").read_text()
        return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith(self.line))

    def _look(self) -> None:
        while not self._ended.wait(0.02):
            self.highest = max(self.highest, self.value)


if __name__ == "__main__":
    main()
