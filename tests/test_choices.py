"""Every choice of a model and of a training, through the pipeline's own function, on eight columns of a short file."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from headway import pipeline

SHORT = ["training=fast", "training.epochs=1", "evaluation.rivals=[persistence,nlinear]", "evaluation.bootstrap=50"]
SHORT += ["evaluation.explain_windows=0", "evaluation.attention_windows=7", "training.batch_size=64", "tracking=off"]
SHORT += ["dataset=csv", "dataset.path=short.csv", "dataset.timestamp=time", "dataset.targets=[a]"]


@pytest.mark.parametrize(
    "overrides",
    [
        ["model.d_model=8", "model.embedding=none", "model.heads=4"],
        ["model.attention=projected", "model.layers=2", "model.key_dim=5"],
        ["dataset.targets=[a,c]", "windows.context_length=7", "windows.horizon=5"],
        ["model.head=point", "training.loss=mse", "training.optimizer=sgd", "training.schedule=constant"],
        ["training.precision=mixed_bfloat16", "splits.purge=24", "model.position=none"],
        [
            "model.channels=separate",
            *("dataset.targets=[a,c]", "windows.context_length=9", "windows.horizon=7"),
            *("model.patch_length=3", "model.patch_stride=2", "model.decoder=direct", "model.normalisation=standard"),
            *("model.linear_path=true", "model.calendar_path=true", "training.ensemble=2", "training.ema=0.9"),
            "evaluation.explain_windows=23",
        ],
    ],
    ids=lambda overrides: overrides[0],
)
def test_every_choice_trains_and_is_judged(
    compose: Callable[..., object],
    project: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    overrides: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    times = np.datetime64("2024-01-01T00", "s") + np.arange(701) * np.timedelta64(3600, "s")
    columns = np.random.default_rng(1).normal(size=(8, 701)).cumsum(axis=1)
    pd.DataFrame({"time": times, **dict(zip("abcdefgh", columns, strict=True))}).to_csv("short.csv", index=False)
    config = compose(*SHORT, *overrides)
    command = ["python", "train.py", *overrides]
    text = pipeline.train(config, name="test", command=command, project=project).text
    (run,) = [path.parent for path in (tmp_path / "runs").glob("*/run.json")]
    scores = pd.read_csv(run / "scores.csv")
    model = scores[(scores.forecaster == "transformer") & (scores.horizon == "all")]
    assert np.isfinite(model[["mae", "rmse", "mase", "pinball"]]).all(axis=None)
    assert "transformer" in text
    assert (run / "report.html").is_file()
