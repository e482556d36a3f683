"""How fast a csv file is read, checked and converted, beside pyarrow's own csv reader on the same file in the same run.

    python benchmarks/reading.py                     300 MB, with and without a column of series
    python benchmarks/reading.py --megabytes 3000 --convert-only
    taskset -c 0 python benchmarks/reading.py        on one core

Rows have one timestamp and eight numbers of up to six decimals. Each of `--repeats` rounds times pyarrow, then
`sources.read` in memory, then the conversion to a store; the table shows medians, and pyarrow's seconds divided by
each one's. Files lie in a temporary folder below `--folder`, which needs three times their size.
"""

import argparse
import datetime
import os
import platform
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from headway.config.dataset import DatasetSpec
from headway.config.sweep import TrainCommand
from headway.config.validate import validate
from headway.data import sources, stored_dataset

PROJECT = Path(__file__).resolve().parent.parent
FEATURES = [f"x{number}" for number in range(8)]
ROWS_AT_ONCE = 200_000


def main() -> None:
    """Write, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=300)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--convert-only", action="store_true", help="one conversion, nothing beside it")
    asked = parser.parse_args()
    print(
        f"{datetime.date.today()}, pyarrow {pa.__version__}, NumPy {np.__version__}, Python {platform.python_version()}, "
        f"{len(os.sched_getaffinity(0))} cores"
    )
    for many in (False,) if asked.convert_only else (False, True):
        with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
            path = Path(folder) / "load.csv"
            rows = write(path, megabytes=asked.megabytes, many_series=many)
            print(f"\n{path.stat().st_size / 1e6:,.0f} MB, {rows:,} rows, {'8 series' if many else 'one series'}")
            measure(spec_of(path, many_series=many), asked.repeats, convert_only=asked.convert_only)


def write(path: Path, *, megabytes: int, many_series: bool) -> int:
    """Write a file of about a size; its rows."""
    generator, rows = np.random.default_rng(0), 0
    schema = pa.schema([("time", pa.string()), *((name, pa.float64()) for name in FEATURES)])
    if many_series:
        schema = schema.append(pa.field("name", pa.string()))
    options = pa.csv.WriteOptions(quoting_style="none")
    with pa.csv.CSVWriter(path, schema, write_options=options) as writer:
        while path.stat().st_size < megabytes * 1e6:
            steps = (np.arange(rows, rows + ROWS_AT_ONCE) // (8 if many_series else 1)).astype("timedelta64[m]")
            times = np.datetime_as_string(np.datetime64("1900-01-01T00:00:00") + steps)
            columns = [
                pa.array(times),
                *(pa.array(np.round(generator.normal(size=ROWS_AT_ONCE) * 50, 6)) for _ in FEATURES),
            ]
            if many_series:  # interleaved, the hardest order
                columns.append(pa.array([f"s{row % 8}" for row in range(ROWS_AT_ONCE)]))
            writer.write_table(pa.table(columns, schema=schema))
            rows += ROWS_AT_ONCE
    return rows


def spec_of(path: Path, *, many_series: bool) -> DatasetSpec:
    """The configuration of such a file."""
    words = ["dataset=csv", f"dataset.path={path}", "dataset.timestamp=time", "dataset.targets=[x0]"]
    words += ["dataset.series=name"] if many_series else []
    with initialize_config_dir(str(PROJECT / "conf"), version_base="1.3"):
        settings = compose("train", overrides=[*words, "dataset.store=never"])
    return validate(OmegaConf.to_container(settings, resolve=True), TrainCommand).config.dataset


def measure(spec: DatasetSpec, repeats: int, *, convert_only: bool) -> None:
    """Time everything in turns, and print the table."""
    path, caches = Path(spec.path), iter(range(1_000_000))

    def convert() -> None:
        stored_dataset.stored(path, spec, cache=path.parent / f"cache{next(caches)}")

    ways: dict[str, Callable[[], Any]] = {"convert to a store": convert}
    if not convert_only:
        ways = {
            "pyarrow.csv.read_csv": lambda: pa.csv.read_csv(path),
            "read in memory": lambda: sources.read(spec),
            **ways,
        }
    took: dict[str, list[tuple[float, float, int]]] = {way: [] for way in ways}
    for _ in range(1 if convert_only else repeats):
        for way, run in ways.items():
            took[way].append(timed(run))
            for cache in path.parent.glob("cache*"):
                for file in sorted(cache.rglob("*"), reverse=True):
                    file.rmdir() if file.is_dir() else file.unlink()
    print(f"{'':22}{'wall s':>9}{'CPU s':>9}{'wall ratio':>12}{'CPU ratio':>11}{'RssAnon MB':>12}")
    own = [statistics.median(values) for values in zip(*next(iter(took.values())), strict=True)]
    for way, values in took.items():
        wall, cpu, memory = (statistics.median(column) for column in zip(*values, strict=True))
        print(f"{way:22}{wall:9.2f}{cpu:9.2f}{own[0] / wall:12.2f}{own[1] / cpu:11.2f}{memory:12,.0f}")


def timed(run: Callable[[], Any]) -> tuple[float, float, int]:
    """Seconds on the wall and of the processor, and the most private memory meanwhile in MB."""
    most, ended = [private_memory()], threading.Event()

    def watch() -> None:
        while not ended.wait(0.02):
            most.append(private_memory())

    watcher = threading.Thread(target=watch)
    watcher.start()
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        run()
        return time.perf_counter() - wall, time.process_time() - cpu, max(most)
    finally:
        ended.set()
        watcher.join()


def private_memory() -> int:
    """RssAnon of this process in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) // 1000
    return 0


if __name__ == "__main__":
    main()
