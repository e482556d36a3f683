"""What judging costs beside the forward passes: seconds and memory by the number of windows.

    python benchmarks/evaluation.py                       25,000, 50,000 and 100,000 windows
    python benchmarks/evaluation.py evaluation=quick      any override of train.py

Three hourly series of eight features, windows of 6 hours to 6 hours, all metrics by horizon, series, hour and
month, all rivals, 1,000 bootstrap draws, tables and pictures written. Each size is judged twice in a process of
its own: first the rivals are fitted, then they are taken from what was kept. The network is not trained: what
it forecasts changes no cost. "beside" is the second judgement without its forward passes; memory is the
process's highest, less what it held before. Close other programs.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from headway import backend
from headway.config.sweep import TrainCommand
from headway.config.train import TrainConfig
from headway.config.validate import validate

PROJECT = Path(__file__).resolve().parent.parent
SIZES = (25_000, 50_000, 100_000)
SERIES = 3
TRAIN, VALIDATION = 7000, 1000  # rows a series: the training set does not grow with what is judged
SETTING = ["dataset.series=origin", f"splits.train={TRAIN}", f"splits.validation={VALIDATION}"]


def main(overrides: list[str]) -> None:
    """Judge each size in a process of its own, and print a table."""
    print(
        f"{'windows':>8}  {'rivals fitted':>14}  {'forward passes':>14}  {'beside':>8}  {'of CPU':>8}  {'memory':>10}"
    )
    for size in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            words = [sys.executable, __file__, str(size), *overrides]
            subprocess.run(words, cwd=folder, check=True, env={**os.environ, "PYTHONPATH": str(PROJECT)})


def judge(size: int, overrides: list[str]) -> None:
    """Judge one size in this process and folder, and print its row."""
    rows = -(-size // SERIES) + 5
    with initialize_config_dir(str(PROJECT / "conf"), version_base="1.3"):
        settings = compose("train", overrides=[*SETTING, f"splits.test={rows}", *overrides])
    config = validate(OmegaConf.to_container(settings, resolve=True), TrainCommand).config
    backend.load(config.backend)
    from headway.fitting import untrained
    from headway.forecasting import forecast_windows
    from headway.judgement import judge_forecaster
    from headway.models.transformer import Transformer
    from headway.task import prepare

    dataset = made(rows, config)
    task = prepare(dataset, dataset_spec=config.dataset, splits=config.splits, windows=config.windows)
    forecaster = untrained(Transformer(config.model, task.shape), task)
    task.rows, task.profile, dataset.values  # noqa: B018 - held by any judgement, whatever it returns
    forecast_windows(forecaster, task, "validation", batch_size=config.evaluation.batch_size)  # compiles

    started = time.monotonic()
    judge_forecaster(forecaster, task, config.evaluation, seed=0).write(Path())
    first = time.monotonic() - started
    started = time.monotonic()
    for split in ("test", "validation", "validation"):  # to judge, to calibrate, to compare errors
        forecast_windows(forecaster, task, split, batch_size=config.evaluation.batch_size)
    forward = time.monotonic() - started
    held = rss()
    started, cpu = time.monotonic(), time.process_time()
    judgement = judge_forecaster(forecaster, task, config.evaluation, seed=0)
    judgement.write(Path())
    second, cpu = time.monotonic() - started, time.process_time() - cpu
    count = judgement.scores.num_windows
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{count:8,}  {first - second:12.1f} s  {forward:12.1f} s  {second - forward:6.1f} s  {cpu:6.1f} s  "
        f"{peak - held:6.0f} MiB",
        flush=True,
    )


def rss() -> float:
    """Memory this process holds now, in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def made(test_rows: int, config: TrainConfig):
    """Hourly series of the features of nyc_weather: daily and yearly cycles, and noise that lasts."""
    from headway.data.clock import Clock
    from headway.data.series import Dataset, Series

    rows, generator = TRAIN + VALIDATION + test_rows, np.random.default_rng(0)
    hours = np.arange(rows)
    times = np.datetime64("2000-01-01T00", "s") + hours * np.timedelta64(3600, "s")
    features = ("temp", "dewp", "humid", "precip", "pressure", "visib", "wind_u", "wind_v")
    series = []
    for number in range(SERIES):
        noise = generator.normal(size=(rows, len(features)))
        for row in range(1, rows):
            noise[row] += 0.9 * noise[row - 1]
        cycle = 10 * np.sin(2 * np.pi * hours / 24) + 20 * np.sin(2 * np.pi * hours / 8766)
        series.append(Series(f"series {number}", times, 50 + cycle[:, None] + noise, np.zeros((rows, 0))))
    return Dataset("made", tuple(series), features, config.dataset.targets, (), Clock(1, "h"), 24)


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1].isdigit():
        judge(int(sys.argv[1]), sys.argv[2:])
    else:
        main(sys.argv[1:])
