"""The rows that all systems train on: the training rows of nyc_weather as Headway reads and scales them.

    python benchmarks/peers/rows.py rows.npz     in Headway's environment; compare.py does it

Three series of eight standardised features on a regular clock, missing values at 0, the mean. Every system makes its own
windows of them, 6 rows to the 6 rows of the target that follow; none crosses a border between series, which makes 18,300.
The peers need only NumPy to read the file.
"""

import sys
from pathlib import Path

import numpy as np

PROJECT = Path(__file__).resolve().parent.parent.parent
CONTEXT, HORIZON, BATCH = 6, 6, 256
TARGET = 0  # position of temp among the features


def read(path: str) -> list[np.ndarray]:
    """One array [rows, features] of float32 per series."""
    with np.load(path) as stored:
        return [stored[name] for name in sorted(stored)]


def write(path: str) -> None:
    """Store the training rows of every series."""
    from hydra import compose, initialize_config_dir
    from omegaconf import OmegaConf

    from headway.config.sweep import TrainCommand
    from headway.config.validate import validate
    from headway.data import sources
    from headway.task import prepare

    with initialize_config_dir(str(PROJECT / "conf"), version_base="1.3"):
        settings = compose("train")
    config = validate(OmegaConf.to_container(settings, resolve=True), TrainCommand).config
    dataset = sources.read(config.dataset, project=PROJECT)
    task = prepare(dataset, dataset_spec=config.dataset, splits=config.splits, windows=config.windows)
    series, first = {}, 0
    for number, (one, borders) in enumerate(zip(dataset.series, task.borders, strict=True)):
        begin, end = borders["train"]
        series[f"series_{number}"] = task.rows.values[first + begin : first + end]
        first += len(one)
    np.savez(path, **series)


def windows(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All windows of one series: contexts [B, T, F] and targets [B, H], views of its rows."""
    spans = np.lib.stride_tricks.sliding_window_view(rows, CONTEXT + HORIZON, axis=0)
    return spans[:, :, :CONTEXT].swapaxes(1, 2), spans[:, TARGET, CONTEXT:]


if __name__ == "__main__":
    write(sys.argv[1])
