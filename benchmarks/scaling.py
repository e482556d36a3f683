"""Whether training holds its speed as windows and batches grow: 10^4 to 10^8 windows, 64 to 4,096 of them a step.

    python benchmarks/scaling.py windows                        from memory as far as it goes, and from a file
    python benchmarks/scaling.py windows --most 1000000         leaves out the 11 GB file of the largest
    python benchmarks/scaling.py batches                        on the weather
    KERAS_BACKEND=jax python benchmarks/scaling.py batches model.decoder=direct     any override of train.py

The network, its feed and its steps are those of benchmarks/throughput.py, pinned to one core. `windows` trains on a made
series of eight features a minute apart whose training split has that many windows, of which an epoch takes 73,728 that
the order of the whole epoch begins with; in memory up to ten million, and from a store (benchmarks/large.py).
Every round trains each case for an epoch, after one that compiles; the table has medians over `--rounds`, and the stall
meter: the share of the time in which steps waited for their input. Close other programs.
"""

import argparse
import logging
import os
import statistics
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import throughput  # pins the process to one core
from hydra import compose, initialize_config_dir
from large import written
from omegaconf import OmegaConf

from headway import backend
from headway.config.sweep import TrainCommand
from headway.config.train import TrainConfig
from headway.config.validate import validate

COUNTS, MOST_IN_MEMORY = (10**4, 10**5, 10**6, 10**7, 10**8), 10**7
BATCH_SIZES = (64, 128, 256, 512, 1024, 2048, 4096)
AN_EPOCH, EPOCHS = 288 * 256, 1


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["windows", "batches"])
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="where files are written")
    parser.add_argument("--most", type=int, default=COUNTS[-1], help="windows of the largest case")
    parser.add_argument("--rounds", type=int, default=5)
    asked, overrides = parser.parse_known_args()
    logging.disable(logging.INFO)  # each case would tell of its rows
    config = configured(overrides)
    print(
        f"{backend.load(config.backend, largest_product=config.largest_product)}, one core of {os.cpu_count()}",
        flush=True,
    )
    if asked.what == "batches":
        sizes = {f"{size:,} a step": configured([*overrides, f"training.batch_size={size}"]) for size in BATCH_SIZES}
        show({name: Case(one) for name, one in sizes.items()}, asked.rounds)
        return
    with tempfile.TemporaryDirectory(dir=asked.folder, prefix="headway-scaling-") as folder:
        cases = {}
        for count in (count for count in COUNTS if count <= asked.most):
            rows = int(count / config.splits.train)
            on_disk = written(Path(folder) / f"{count}", rows, config.dataset.targets)
            on_disk.values.sum(), on_disk.timestamps.max()  # pages are in the system's memory before time is taken
            if count <= MOST_IN_MEMORY:
                cases[f"{count:,} in memory"] = Case(config, in_memory(on_disk))
            cases[f"{count:,} in a file"] = Case(config, on_disk)
        show(cases, asked.rounds)


def configured(overrides: list[str]) -> TrainConfig:
    """The setting of benchmarks/throughput.py with overrides."""
    with initialize_config_dir(str(throughput.PROJECT / "conf"), version_base="1.3"):
        settings = compose("train", overrides=[*throughput.SETTING, *overrides])
    return validate(OmegaConf.to_container(settings, resolve=True), TrainCommand).config


def in_memory(dataset):
    """The same rows as arrays of the process."""
    from headway.data.series import Series

    series = [Series(one.name, one.timestamps.copy(), one.values.copy(), one.known_future) for one in dataset.series]
    return replace(dataset, series=tuple(series), stored=None)


class Case:
    """A network and what it is fed, and what its epochs took.

    Args:
        config: Of the training.
        dataset: Rows; None for those of the configuration.
    """

    def __init__(self, config: TrainConfig, dataset: Any = None) -> None:
        self.forecaster, self.feed, _ = throughput.ready(config, dataset, most=AN_EPOCH)
        self.seen = self.feed.num_batches * config.training.batch_size
        self.wall, self.cpu, self.waiting = list[float](), list[float](), list[float]()

    def run(self) -> None:
        """Train a round."""
        import keras

        clock, waited = throughput.EpochClock(), []
        note = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: waited.append(self.feed.waiting.seconds))
        throughput.fit(self.forecaster, self.feed, [clock.callback(), note], epochs=1 + EPOCHS)
        self.wall += [self.seen / seconds for seconds in clock.wall[1:]]
        self.cpu += [self.seen / seconds for seconds in clock.cpu[1:]]
        self.waiting.append((waited[-1] - waited[0]) / sum(clock.wall[1:]))


def show(cases: dict[str, Case], rounds: int) -> None:
    """Train the cases in turn, and print their medians and each one's share of the best."""
    for _ in range(rounds):
        for case in cases.values():
            case.run()
    best = max(statistics.median(case.cpu) for case in cases.values())
    print(f"{'windows':>25} {'a wall second':>14} {'a CPU second':>14} {'of the best':>12} {'waited for input':>17}")
    for name, case in cases.items():
        wall, cpu, waiting = (statistics.median(values) for values in (case.wall, case.cpu, case.waiting))
        print(f"{name:>25} {wall:14,.0f} {cpu:14,.0f} {cpu / best:12.0%} {waiting:17.1%}")


if __name__ == "__main__":
    main()
