"""What the default promises on the shipped weather, as a mean over seeds. Minutes long: pytest -m slow"""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

PROJECT = Path(__file__).resolve().parent.parent


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_default_beats_persistence_and_least_squares_on_the_weather(
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
    assert mae["transformer"] < mae["least_squares"] < mae["persistence"]
