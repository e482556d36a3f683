"""What exact resume and the numeric guard cost: CPU time beside the training's own, and milliseconds a save.

    python benchmarks/safety.py
    python benchmarks/safety.py --repeats 5 training.checkpoint_steps=64

Trains the default configuration (any override may follow) with checkpoints as a run has them. The thread that trains is
asked for its CPU time before and after everything that exists for resume and guard: the look after every execution, the
best weights, capturing a state, and writing it. That is set beside the CPU time of the whole training, all threads, in the
same process. A save is timed by the clock as well, from capture to the synced folder.
"""

import argparse
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3, help="trainings (default: %(default)s)")
    parser.add_argument("overrides", nargs="*", help="of the configuration")
    options = parser.parse_args()
    from hydra import compose, initialize_config_dir
    from omegaconf import OmegaConf

    from headway import backend
    from headway.config.sweep import TrainCommand
    from headway.config.validate import validate

    backend.load("auto")
    with initialize_config_dir(str(PROJECT / "conf"), version_base="1.3"):
        composed = compose("train", options.overrides)
    config = validate(OmegaConf.to_container(composed, resolve=True), TrainCommand).config

    import keras

    from headway.data import sources
    from headway.fitting import fit_forecaster
    from headway.task import prepare
    from headway.training.checkpoint import Checkpoints
    from headway.training.loop import Loop
    from headway.training.precision import device, precision_for
    from headway.training.progress import Progress

    task = prepare(
        sources.read(config.dataset, project=PROJECT),
        dataset_spec=config.dataset,
        splits=config.splits,
        windows=config.windows,
    )
    spent, saves = Spent(), []
    for name in ("on_epoch_begin", "on_train_batch_end", "on_test_begin", "on_epoch_end"):
        setattr(Loop, name, spent.timed(getattr(Loop, name)))
    Loop._save = clocked(Loop._save, saves)
    print(f"keras {keras.__version__} on {keras.backend.backend()}, {platform.machine()}, {os.cpu_count()} cores")
    print(f"checkpoint_steps {config.training.checkpoint_steps}, {config.training.ensemble} networks")
    shares = []
    for number in range(options.repeats):
        with tempfile.TemporaryDirectory(dir=".") as folder:
            spent.seconds, before = 0.0, time.process_time()
            fit_forecaster(
                config,
                task,
                precision=precision_for(config.training.precision, device()),
                so_far=Progress(Checkpoints(Path(folder) / "checkpoints"), seed=config.seed),
            )
            total = time.process_time() - before
        shares.append(spent.seconds / total)
        print(f"training {number + 1}: {spent.seconds:.3f} s of {total:.1f} s CPU, {shares[-1]:.2%}")
    times = sorted(1000 * seconds for seconds in saves)
    print(f"share of CPU time: median {statistics.median(shares):.2%}")
    print(
        f"a save: median {statistics.median(times):.1f} ms, 90 % below {times[int(0.9 * len(times))]:.1f} ms, "
        f"longest {times[-1]:.1f} ms ({len(times)} saves)"
    )


class Spent:
    """CPU seconds of the thread that trains, inside what was wrapped."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, whose time is added up."""

        def wrapped(*arguments: Any, **named: Any) -> Any:
            before = time.thread_time()
            try:
                return function(*arguments, **named)
            finally:
                self.seconds += time.thread_time() - before

        return wrapped


def clocked(function: Callable[..., Any], seconds: list[float]) -> Callable[..., Any]:
    """The function, whose durations are listed."""

    def wrapped(*arguments: Any, **named: Any) -> Any:
        before = time.monotonic()
        try:
            return function(*arguments, **named)
        finally:
            seconds.append(time.monotonic() - before)

    return wrapped


if __name__ == "__main__":
    main()
