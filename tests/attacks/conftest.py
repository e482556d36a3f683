"""A place to attack: a run as Headway stores it, what lies outside of it, and a canary that must never appear."""

import hashlib
import json
import logging
import os
import runpy
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from headway.config.train import TrainConfig
from headway.data.clock import Clock
from headway.data.profile import ColumnProfile, Profile
from headway.data.scaling import Scaler
from headway.forecaster import Forecaster
from headway.models.shape import TaskShape
from headway.models.transformer import Transformer
from headway.stored import Result, Stored

PROJECT = Path(__file__).resolve().parents[2]
RUN_ID = "2026-01-02_03-04-05_0a1b2c"


@pytest.fixture(autouse=True)
def levels() -> Iterator[None]:
    """What a command sets for its process must not outlive it here: other tests read the log."""
    names = ("headway", "hydra", "hydra_plugins")
    before = {name: logging.getLogger(name).level for name in names}
    yield
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


@dataclass(frozen=True)
class Place:
    """Where an attack happens.

    Attributes:
        work: The folder in which commands are typed.
        outside: A folder that is nobody's business, with a file in it.
        canary: What an attack that runs would make.
    """

    work: Path
    outside: Path
    canary: Path

    @property
    def run(self) -> Path:
        return self.work / "runs" / RUN_ID

    @property
    def forecaster(self) -> Path:
        return self.run / "forecaster"

    def forge(self, name: str, content: bytes) -> None:
        """Replace a file of the forecaster, with its own digest in the manifest."""
        (self.forecaster / name).write_bytes(content)
        manifest = json.loads((self.forecaster / "manifest.json").read_text())
        manifest[name] = hashlib.sha256(content).hexdigest()
        (self.forecaster / "manifest.json").write_text(json.dumps(manifest))

    def snapshot(self) -> dict[str, str]:
        """Every path of all three, with what it holds."""
        found = {}
        for path in sorted(self.work.parent.rglob("*")):
            kind = "link" if path.is_symlink() else "file" if path.is_file() else "folder or pipe"
            held = hashlib.sha256(path.read_bytes()).hexdigest() if kind == "file" else ""
            found[str(path)] = f"{kind} {path.lstat().st_mode} {held}"
        return found


@pytest.fixture(scope="session")
def stored_run(compose: Callable[..., TrainConfig], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run with a forecaster of random weights."""
    folder = tmp_path_factory.mktemp("stored") / RUN_ID
    folder.mkdir()
    config = compose("model.d_model=13", "model.heads=1", "model.feed_forward=17")
    shape = TaskShape(context_length=6, horizon=5, num_features=3, targets=(2, 0), num_known_future=4, num_series=2)
    column = ColumnProfile.of(np.arange(23.0))
    Forecaster(
        network=Transformer(config.model, shape),
        features=("temp", "wind", "pressure"),
        targets=("pressure", "temp"),
        known_future_columns=(),
        series=("EWR", "JFK"),
        clock=Clock.parse("1h"),
        cycles={"day": 2},
        scaler=Scaler(np.array([50.0, -3.0, 1000.0]), np.array([20.0, 0.5, 8.0])),
        known_future_scaler=Scaler(np.zeros(0), np.zeros(0)),
        units={"temp": "K"},
        profile=Profile(dict.fromkeys(("temp", "wind", "pressure"), column), {}, [[1.0, 2.0]] * 2, [[1.0, 4.0]] * 2),
    ).save(folder / "forecaster")
    Stored(config, "f" * 64, ("python", "train.py"), {"keras": "3"}).write(folder)
    Result({"validation/best_error": 1.5}, "task").write(folder)
    record = {"id": RUN_ID, "name": "a run", "status": "finished", "started": "2026-01-02T03:04:05", "score": 1.5}
    (folder / "run.json").write_text(json.dumps(record))
    (folder / "metrics.jsonl").write_text('{"step": 1, "time": 1.5, "metrics": {"train/loss": 0.5}}\n')
    return folder


@pytest.fixture
def place(stored_run: Path, tmp_path: Path) -> Place:
    found = Place(tmp_path / "work", tmp_path / "outside", tmp_path / "canary")
    shutil.copytree(stored_run, found.run)
    found.outside.mkdir()
    (found.outside / "config.yaml").write_bytes((stored_run / "config.yaml").read_bytes())
    return found


@pytest.fixture
def type_in(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., tuple[int, str]]]:
    """Runs a script as a command line would, in this process: type_in(folder, "train.py", "seed=1")."""
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    environment = dict(os.environ)

    def type_in(folder: Path, script: str, *words: str) -> tuple[int, str]:
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "argv", [str(PROJECT / script), *words])
        monkeypatch.syspath_prepend(str(PROJECT))
        monkeypatch.setattr(logging.root, "handlers", [])  # with pytest's own there, the script would set up none
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(PROJECT / script), run_name="__main__")
        said = capfd.readouterr()
        return int(ended.value.code or 0), said.out + said.err

    yield type_in
    signal.signal(signal.SIGTERM, before)
    for name in set(os.environ) - set(environment):
        del os.environ[name]
