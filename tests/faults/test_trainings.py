"""A whole training whose disk breaks somewhere: one line, exit code 6, whole files, and the same command goes on."""

import json
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml

from headway import pipeline
from headway.config import door
from headway.config.sweep import TrainCommand
from headway.config.train import TrainConfig

WORDS = (
    *("dataset=csv", "dataset.path=own.csv", "dataset.timestamp=time", "dataset.targets=[y]", "dataset.season=5"),
    *("dataset.calendar.week=0", "windows.context_length=3", "windows.horizon=2", "evaluation=quick", "tracking=off"),
    *("model.d_model=4", "model.heads=1", "model.feed_forward=3", "training.epochs=2", "training.batch_size=64"),
    *("training.ensemble=1", "training.jit=false", "evaluate=false"),
)
PLACES = 4  # at which the disk breaks, chosen by a seed

pytestmark = pytest.mark.slow


class Training:
    """The same small training, in one folder after another."""

    def __init__(self, config: TrainConfig, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._config, self._root, self._patch = config, root, monkeypatch
        times = np.datetime64("2024-01-01T00", "m") + 60 * np.arange(211)
        values = np.random.default_rng(1).normal(size=211).round(3)
        self._rows = "".join(f"{time},{value}\n" for time, value in zip(times, values, strict=True))

    def folder(self, name: str) -> Path:
        """A new folder with the data, in which the command is typed."""
        folder = self._root / name
        folder.mkdir()
        (folder / "own.csv").write_text(f"time,y\n{self._rows}")
        self._patch.chdir(folder)
        return folder

    def run(self) -> int:
        """Train; the exit code."""
        words = {"name": "made", "command": ["python", "train.py"], "project": Path(), "resume": "auto"}
        return door.run(lambda: pipeline.train(self._config, **words), configuration=TrainCommand)  # type: ignore[arg-type]


@pytest.fixture
def training(compose: Callable[..., TrainConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Training:
    monkeypatch.setattr(sys, "argv", ["train.py"])
    monkeypatch.setattr(signal, "signal", lambda *words: signal.SIG_DFL)  # of the whole process that tests run in
    return Training(compose(*WORDS), tmp_path, monkeypatch)


def weights(folder: Path) -> dict[str, list[float]]:
    # Where a run could not be marked as failed it counts as being trained, as this process lives, and another begins.
    path = max(folder.glob("runs/2*/forecaster/weights.npz"))
    with np.load(path) as stored:
        return {name: stored[name].tolist() for name in stored.files}


def refuse_halves(folder: Path) -> None:
    """Read every file as far as its kind allows; one that is cut cannot be read."""
    for path in folder.rglob("*.*"):
        if path.name.startswith(".") or any(part.endswith(".tmp") for part in path.parts):
            continue
        if path.suffix == ".json":
            json.loads(path.read_bytes())
        elif path.suffix == ".yaml":
            assert set(yaml.safe_load(path.read_bytes())) >= {"config", "fingerprint"}
        elif path.suffix in (".npz", ".npy"):
            found = np.load(path, allow_pickle=False)
            assert path.suffix == ".npy" or all(found[name].size for name in found.files)
        elif path.suffix == ".png":
            assert path.read_bytes().endswith(b"IEND\xaeB`\x82")
        elif path.suffix in (".html", ".md", ".txt", ".csv"):
            assert path.read_bytes().endswith(b"\n") or path.suffix == ".html"


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("kind", ["full", "read-only"])
def test_a_training_whose_disk_breaks_says_so_and_goes_on_to_the_same_weights(
    kind: str, training: Training, disk: type, capsys: pytest.CaptureFixture[str]
) -> None:
    reference = training.folder("reference")
    with disk(reference / "runs")() as counted:
        assert training.run() == 0
    assert counted.count > 100
    codes = []
    for at in sorted(random.Random(f"{kind} 3").sample(range(counted.count), PLACES)):
        folder = training.folder(f"broken at {at}")
        capsys.readouterr()
        with disk(folder / "runs", kind, at=at)() as broken:
            code = training.run()
        said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error:")]
        assert "Traceback" not in "".join(said)
        if code != 0:  # the cache of rivals and what removes what is no longer needed may fail in silence
            assert (code, len(said)) == (6, 1), f"at {at} ({broken.broken}): {said}"
        refuse_halves(folder / "runs")
        if code != 0:
            assert training.run() == 0, f"at {at}"
        assert weights(folder) == weights(reference), f"at {at} ({broken.broken})"
        codes.append(code)
    assert codes.count(6) > PLACES / 2
