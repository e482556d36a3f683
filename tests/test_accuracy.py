"""What the default promises on the shipped weather, as a mean over seeds. Minutes long: pytest -m slow"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

PROJECT = Path(__file__).resolve().parent.parent


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_default_beats_the_linear_rivals_on_the_weather(
    compose: Callable[..., object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from headway import pipeline

    monkeypatch.chdir(tmp_path)
    for seed in range(3):
        config = compose(f"seed={seed}", "tracking=off")
        pipeline.train(config, name=f"seed={seed}", command=["python", "train.py", f"seed={seed}"], project=PROJECT)
    tables = pd.concat(pd.read_csv(path) for path in (tmp_path / "runs").glob("*/scores.csv"))
    mae = tables[tables.horizon == "all"].groupby("forecaster").mae.mean()
    assert mae["transformer"] <= 2.10
    assert mae["transformer"] < mae["linear_regression"] < mae["least_squares"] < mae["persistence"]


@pytest.mark.slow
def test_calibrated_intervals_of_a_stationary_series_hold_their_share_at_every_step(
    compose: Callable[..., object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Noise that lasts and swings by the day, on a daily cycle: what is learned before the border holds after it."""
    from headway import pipeline

    monkeypatch.chdir(tmp_path)
    generator, hours = np.random.default_rng(0), np.arange(100_003)
    noise = generator.normal(size=len(hours)) * (1 + 0.6 * np.sin(2 * np.pi * hours / 24))
    for hour in range(1, len(hours)):
        noise[hour] += 0.7 * noise[hour - 1]
    times = np.datetime64("2000-01-01T00", "s") + hours * np.timedelta64(3600, "s")
    load = 50 + 10 * np.sin(2 * np.pi * hours / 24) + noise
    pd.DataFrame({"time": np.datetime_as_string(times), "load": load.round(4)}).to_csv("own.csv", index=False)
    words = ["dataset=csv", "dataset.path=own.csv", "dataset.timestamp=time", "dataset.targets=[load]"]
    words += ["splits.train=0.2", "splits.validation=0.4", "splits.test=0.4", "training=fast", "tracking=off"]
    config = compose(*words, "evaluation.rivals=[persistence]")
    pipeline.train(config, name="stationary", command=["python", "train.py"], project=tmp_path)
    (path,) = tmp_path.glob("runs/*/scores.csv")
    table = pd.read_csv(path)
    coverage = table[table.forecaster == "transformer"].set_index("horizon").coverage
    assert len(coverage) == 7
    assert (coverage.sub(80).abs() < 2).all(), coverage
