"""A backtest as a user types it: killed and taken up again, side by side or in turn, it ends with the same table."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

PROJECT = Path(__file__).resolve().parents[2]
TRAIN = ["dataset=csv", "dataset.path=own.csv", "dataset.timestamp=time", "dataset.targets=[load]", "evaluation=quick"]
TRAIN += ["training=fast", "training.epochs=1", "training.batch_size=64", "tracking=off", "evaluate=false"]
BACKTEST = ["tracking=off", "backtest=rolling", "backtest.origins=5", "backtest.every=4D", "evaluation.bootstrap=100"]


def start(folder: Path, script: str, *words: str) -> subprocess.Popen[str]:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, str(PROJECT / script), *words], cwd=folder, **pipes)


def type_in(folder: Path, script: str, *words: str) -> tuple[str, str]:
    process = start(folder, script, *words)
    output, errors = process.communicate()
    assert process.returncode == 0, errors
    return output, errors


def table_of(folder: Path) -> pd.DataFrame:
    (path,) = folder.glob("runs/*/backtest/slices.csv")
    return pd.read_csv(path)


def kept(folder: Path) -> list[Path]:
    return sorted(folder.glob("runs/.cache/backtests/*/origin_*.npz"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a trained run on 997 hours of two cycles and noise, not backtested yet."""
    folder = tmp_path_factory.mktemp("trained")
    hour = np.arange(997)
    noise = np.random.default_rng(0).normal(size=997)
    load = 50 + 10 * np.sin(2 * np.pi * hour / 24) + noise
    times = np.datetime_as_string(np.datetime64("2024-01-01T00", "s") + hour * np.timedelta64(3600, "s"))
    pd.DataFrame({"time": times, "load": load, "wind": noise}).to_csv(folder / "own.csv", index=False)
    type_in(folder, "train.py", *TRAIN)
    return folder


@pytest.fixture(scope="module")
def whole(trained: Path) -> pd.DataFrame:
    """The table of a backtest that nothing disturbed; its kept forecasts are gone again."""
    output, _ = type_in(trained, "evaluate.py", *BACKTEST)
    assert "rolling backtest: 5 origins every 4D, trained afresh at 5 of them" in output
    forget(trained)
    return table_of(trained)


def forget(folder: Path) -> None:
    for path in kept(folder):
        path.unlink()


def test_killed_and_taken_up_again_it_ends_with_the_same_table(trained: Path, whole: pd.DataFrame) -> None:
    forget(trained)
    process = start(trained, "evaluate.py", *BACKTEST)
    while process.poll() is None and len(kept(trained)) < 2:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    before = {path: path.stat().st_mtime_ns for path in kept(trained)}
    assert 2 <= len(before) < 5
    # A file that was damaged besides is made again.
    damaged = kept(trained)[0]
    damaged.write_bytes(damaged.read_bytes()[:1000])
    _, errors = type_in(trained, "evaluate.py", *BACKTEST)
    assert f"{len(before) - 1} of 5 origins are there from before" in errors
    assert all(path.stat().st_mtime_ns == when for path, when in before.items() if path != damaged)
    pd.testing.assert_frame_equal(table_of(trained), whole, check_exact=True)


def test_interrupted_it_says_what_is_kept_and_exits_75(trained: Path, whole: pd.DataFrame) -> None:
    forget(trained)
    process = start(trained, "evaluate.py", *BACKTEST)
    while process.poll() is None and not kept(trained):
        time.sleep(0.05)
    process.terminate()
    _, errors = process.communicate()
    assert process.returncode == 75
    assert f"{len(kept(trained))} of 5 origins are kept, the same command goes on" in errors.splitlines()[-1]


def test_two_processes_give_the_table_of_one(trained: Path, whole: pd.DataFrame) -> None:
    forget(trained)
    _, errors = type_in(trained, "evaluate.py", *BACKTEST, "backtest.processes=2")
    assert "Traceback" not in errors
    found = table_of(trained)
    pd.testing.assert_frame_equal(found, whole, rtol=1e-4)


def test_stored_weights_are_judged_without_training(trained: Path) -> None:
    output, _ = type_in(trained, "evaluate.py", *BACKTEST, "backtest.refit=0", "backtest.every=1D")
    assert "5 origins every 1D, with the stored weights" in output
    rows = table_of(trained)
    own = rows[(rows.by == "origin") & (rows.forecaster == "transformer") & (rows.horizon == "all")]
    assert own["slice"].tolist() == [f"2024-02-{day:02d}T13:00" for day in (6, 7, 8, 9, 10)]


def test_origins_that_do_not_fit_end_with_the_code_of_data(trained: Path) -> None:
    process = start(trained, "evaluate.py", "tracking=off", "backtest=rolling")
    _, errors = process.communicate()
    assert process.returncode == 3
    assert "12 origins every 28D do not fit" in errors.splitlines()[-1]
