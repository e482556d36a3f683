"""A backtest from plan to table: killed and taken up again, side by side or in turn, it ends with the same table."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest

from headway import pipeline
from headway.config.evaluate import EvaluateConfig
from headway.config.train import TrainConfig
from headway.errors import DataError, Interrupted

PROJECT = Path(__file__).resolve().parents[2]
TRAIN = ["dataset=csv", "dataset.path=own.csv", "dataset.timestamp=time", "dataset.targets=[load]", "evaluation=quick"]
# SGD, whose graph is built in a third of the time.
TRAIN += [
    "training.epochs=1",
    "training.ensemble=1",
    "training.optimizer=sgd",
    "training.batch_size=64",
    "tracking=off",
    "evaluate=false",
]
BACKTEST = ["tracking=off", "backtest=rolling", "backtest.origins=3", "backtest.every=4D", "evaluation.bootstrap=100"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, compose: Callable[..., TrainConfig]) -> Path:
    """A folder with a trained run on 997 hours of two cycles and noise, not backtested yet."""
    folder = tmp_path_factory.mktemp("trained")
    hour = np.arange(997)
    noise = np.random.default_rng(0).normal(size=997)
    load = 50 + 10 * np.sin(2 * np.pi * hour / 24) + noise
    times = np.datetime_as_string(np.datetime64("2024-01-01T00", "s") + hour * np.timedelta64(3600, "s"))
    pd.DataFrame({"time": times, "load": load, "wind": noise}).to_csv(folder / "own.csv", index=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        pipeline.train(compose(*TRAIN), name="own", command=[], project=PROJECT)
    return folder


@pytest.fixture
def backtest(
    trained: Path, compose_evaluate: Callable[..., EvaluateConfig], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., pipeline.Outcome]:
    """Runs a backtest in the folder of the trained run, in this process."""
    monkeypatch.chdir(trained)
    return lambda *words: pipeline.evaluate(compose_evaluate(*BACKTEST, *words), project=PROJECT)


@pytest.fixture(scope="module")
def whole(trained: Path, compose_evaluate: Callable[..., EvaluateConfig]) -> pd.DataFrame:
    """The table of a backtest that nothing disturbed; its kept forecasts are gone again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(trained)
        outcome = pipeline.evaluate(compose_evaluate(*BACKTEST), project=PROJECT)
    assert "rolling backtest: 3 origins every 4D, trained afresh at 3 of them" in outcome.text
    forget(trained)
    return table_of(trained)


def table_of(folder: Path) -> pd.DataFrame:
    (path,) = folder.glob("runs/*/backtest/slices.csv")
    return pd.read_csv(path)


def kept(folder: Path) -> list[Path]:
    return sorted(folder.glob("runs/.cache/backtests/*/origin_*.npz"))


def forget(folder: Path) -> None:
    for path in kept(folder):
        path.unlink()


class AfterTheFirst(logging.Handler):
    """Does something when the first origin is reported."""

    def __init__(self, deed: Callable[[], object]) -> None:
        super().__init__(logging.INFO)
        self.deed = deed

    def emit(self, record: logging.LogRecord) -> None:
        if "(1 of 3)" in record.getMessage():
            self.deed()


@pytest.fixture
def after_the_first(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[Callable[[], object]], None]]:
    """Arranges that something happens when the first origin is reported."""
    log = logging.getLogger("headway.backtest.run")
    caplog.set_level(logging.INFO, log.name)

    def arrange(deed: Callable[[], object]) -> None:
        log.addHandler(AfterTheFirst(deed))

    yield arrange
    for handler in [one for one in log.handlers if isinstance(one, AfterTheFirst)]:
        log.removeHandler(handler)


def workers() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "popen_loky" in " ".join(child.cmdline())]


def test_killed_and_taken_up_again_it_ends_with_the_same_table(
    trained: Path, whole: pd.DataFrame, backtest: Callable[..., pipeline.Outcome], caplog: pytest.LogCaptureFixture
) -> None:
    words = [sys.executable, str(PROJECT / "evaluate.py"), *BACKTEST]
    process = subprocess.Popen(words, cwd=trained, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and len(kept(trained)) < 2:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    before = {path: path.stat().st_mtime_ns for path in kept(trained)}
    assert len(before) == 2
    # A file that was damaged besides is made again.
    damaged = kept(trained)[0]
    damaged.write_bytes(damaged.read_bytes()[:1000])
    with caplog.at_level(logging.INFO):
        backtest()
    assert "1 of 3 origins are there from before" in caplog.text
    assert {path for path in before if path.stat().st_mtime_ns == before[path]} == set(before) - {damaged}
    pd.testing.assert_frame_equal(table_of(trained), whole, rtol=1e-4)  # rounds otherwise in another process


def test_with_its_processes_killed_it_says_what_is_kept_and_goes_on_in_one(
    trained: Path,
    whole: pd.DataFrame,
    backtest: Callable[..., pipeline.Outcome],
    after_the_first: Callable[[Callable[[], object]], None],
) -> None:
    forget(trained)
    after_the_first(lambda: [worker.kill() for worker in workers()])
    with pytest.raises(Interrupted, match=r"the system ended one of 2 processes.*; [12] of 3 origins are kept"):
        backtest("backtest.processes=2")
    assert kept(trained) and not workers()
    backtest()
    pd.testing.assert_frame_equal(table_of(trained), whole, rtol=1e-4)


def test_interrupted_it_says_what_is_kept(
    trained: Path,
    backtest: Callable[..., pipeline.Outcome],
    after_the_first: Callable[[Callable[[], object]], None],
) -> None:
    forget(trained)
    after_the_first(lambda: signal.raise_signal(signal.SIGINT))
    with pytest.raises(Interrupted, match=r"^interrupted; 1 of 3 origins are kept, the same command goes on$"):
        backtest()


def test_stored_weights_are_judged_without_training(trained: Path, backtest: Callable[..., pipeline.Outcome]) -> None:
    outcome = backtest("backtest.refit=0", "backtest.every=1D", "backtest.origins=5")
    assert "5 origins every 1D, with the stored weights" in outcome.text
    rows = table_of(trained)
    own = rows[(rows.by == "origin") & (rows.forecaster == "transformer") & (rows.horizon == "all")]
    assert own["slice"].tolist() == [f"2024-02-{day:02d}T13:00" for day in (6, 7, 8, 9, 10)]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["backtest.every=28D"], "3 origins every 28D do not fit"),
        (["backtest.every=2h"], r"origin 2024-02-11T09:00: no window of 6 \+ 6 rows to judge"),
    ],
)
def test_origins_that_cannot_be_judged_are_refused_before_any_is_trained(
    backtest: Callable[..., pipeline.Outcome], words: list[str], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        backtest(*words)
