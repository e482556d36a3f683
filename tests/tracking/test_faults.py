"""A store that fails costs a training nothing but seconds, and can be given later what it missed."""

import hashlib
import resource
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import faulty
import numpy as np
import pandas as pd
import pytest

from headway import pipeline
from headway.tracking.sync import sync

SHORT = ["training=fast", "training.epochs=2", "evaluate=false", "evaluation.attention_windows=7", "seed=3"]
SHORT += ["training.batch_size=64", "dataset=csv", "dataset.path=short.csv", "dataset.timestamp=time"]
SHORT += ["dataset.targets=[a]", "tracking.system_metrics=false"]
PROMISED = 10.0
"""Seconds that tracking may add, whatever the store does."""

MARGIN, BUSY = 5.0, 1.5
"""Seconds and times by which the training itself may take longer on a busy machine."""

SLOW = pytest.mark.slow
"""What trains and waits for many seconds; `test_background.py` has the same faults without a training."""

Train = Callable[..., tuple[Path, float]]


@pytest.fixture
def train(compose, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Train:
    """Trains for two epochs on a short file, and returns the run's folder and the seconds that took."""
    monkeypatch.chdir(tmp_path)
    times = np.datetime64("2024-01-01T00", "s") + np.arange(401) * np.timedelta64(3600, "s")
    columns = np.random.default_rng(1).normal(size=(3, 401)).cumsum(axis=1)
    pd.DataFrame({"time": times, **dict(zip("abc", columns, strict=True))}).to_csv("short.csv", index=False)

    def run(*overrides: str) -> tuple[Path, float]:
        before = set(tmp_path.glob("runs/*/run.json"))
        started = time.monotonic()
        pipeline.train(compose(*SHORT, *overrides), name="a", command=["python", "train.py"], project=project)
        seconds = time.monotonic() - started
        ((path),) = set(tmp_path.glob("runs/*/run.json")) - before
        return path.parent, seconds

    return run


def weights(folder: Path) -> str:
    """A digest of the arrays that were trained."""
    digest = hashlib.sha256()
    with np.load(folder / "forecaster" / "weights.npz") as arrays:
        assert arrays.files
        for name in sorted(arrays.files):
            digest.update(f"{name} {arrays[name].dtype} {arrays[name].shape}".encode() + arrays[name].tobytes())
    return digest.hexdigest()


@pytest.fixture(scope="module")
def untracked() -> dict[str, Any]:
    """Weights and seconds of the same training without tracking; found by the first test that asks."""
    return {}


def most(untracked: dict[str, Any]) -> float:
    """Seconds that the training may take with tracking."""
    return float(untracked["seconds"]) * BUSY + MARGIN + PROMISED


def compare(train: Train, untracked: dict[str, Any], uri: str) -> Path:
    """Train with and without a store; returns the folder of the run that was meant for it."""
    if not untracked:
        folder, untracked["seconds"] = train("tracking=off")
        untracked["weights"] = weights(folder)
    folder, seconds = train(f"tracking.uri={uri}")
    assert weights(folder) == untracked["weights"]
    if seconds > most(untracked):
        # The machine may have become busy meanwhile.
        untracked["seconds"] = train("tracking=off")[1]
    assert seconds < most(untracked)
    return folder


def send_the_rest(folder: Path, uri: str, *, missed: bool = True) -> None:
    """Synchronise twice: the first time brings what is missing, the second time nothing."""
    from headway.tracking.mlflow_client import MlflowClient

    (line,) = sync([folder.name], store=uri)
    if missed:
        assert "sent" in line
    faulty.assert_complete(MlflowClient(tracking_uri=uri), folder, "headway")
    (line,) = sync([folder.name], store=uri)
    assert line.endswith("nothing was missing")


@pytest.fixture
def store(migrated: Path, tmp_path: Path) -> str:
    """A database that works."""
    shutil.copy(migrated, tmp_path / "mlflow.db")
    return f"sqlite:///{tmp_path}/mlflow.db"


@contextmanager
def during(folder: Path, act: Callable[[], None]) -> Iterator[None]:
    """Do something once the first epoch is journaled."""

    def watch() -> None:
        while not over.wait(0.002):
            if any(path.read_bytes() for path in folder.glob("runs/*/metrics.jsonl") if path not in before):
                act()
                return

    before, over = set(folder.glob("runs/*/metrics.jsonl")), threading.Event()
    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize(
    "mode", ["hang", *(pytest.param(mode, marks=SLOW) for mode in ("500", "401", "302", "garbage", "empty", "down"))]
)
def test_a_server_that_fails_from_the_start_costs_seconds_and_no_result(
    train: Train, untracked: dict[str, Any], store: str, caplog: pytest.LogCaptureFixture, mode: str
) -> None:
    server = faulty.Faulty()
    server.mode = mode
    if mode == "down":
        server.stop()
    folder = compare(train, untracked, server.uri)
    server.over.set()
    warnings = [record.getMessage() for record in caplog.records if record.name.startswith("headway.tracking")]
    assert any(f"python -m headway.tracking sync {folder.name}" in text for text in warnings)
    assert all(len(text.splitlines()) == 1 for text in warnings)
    send_the_rest(folder, store)
    if mode != "down":
        server.stop()


@SLOW
def test_a_locked_database_costs_seconds_and_no_result(
    train: Train, untracked: dict[str, Any], store: str, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "mlflow.db", isolation_level=None)) as lock:
        lock.execute("BEGIN EXCLUSIVE")
        folder = compare(train, untracked, store)
    send_the_rest(folder, store)


@SLOW
def test_a_read_only_database_costs_no_result(
    train: Train, untracked: dict[str, Any], store: str, tmp_path: Path
) -> None:
    # The header's version for writing: SQLite reads a file of a later version, and writes none.
    database = tmp_path / "mlflow.db"
    whole = database.read_bytes()
    database.write_bytes(whole[:18] + b"\3" + whole[19:])
    folder = compare(train, untracked, store)
    assert database.read_bytes()[18] == 3
    database.write_bytes(whole)
    send_the_rest(folder, store)


@SLOW
def test_a_full_disk_of_the_store_costs_no_result(
    train: Train, untracked: dict[str, Any], store: str, tmp_path: Path
) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = (tmp_path / "mlflow.db").stat().st_size // 2  # more than any file of such a run
    train("tracking=off")  # what is written once and is larger is written now
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        folder = compare(train, untracked, store)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    send_the_rest(folder, store)


@SLOW
def test_a_database_that_breaks_in_the_middle_costs_no_result(
    train: Train, untracked: dict[str, Any], store: str, tmp_path: Path
) -> None:
    compare(train, untracked, store)
    whole = (tmp_path / "mlflow.db").read_bytes()
    with during(tmp_path, lambda: (tmp_path / "mlflow.db").write_bytes(b"no database any more" * 1000)):
        folder = compare(train, untracked, store)
    (tmp_path / "mlflow.db").write_bytes(whole)
    send_the_rest(folder, store)


@SLOW
@pytest.mark.timeout(1200)
def test_twelve_faults_of_a_real_server_cost_seconds_and_no_result(
    train: Train, untracked: dict[str, Any], tmp_path: Path
) -> None:
    import socket

    from headway.tracking import server

    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    faults = [("reset", when) for when in ("start", "middle", "end")]
    faults += [("hang", "start"), ("hang", "middle"), ("hang", "end"), ("slow", "start"), ("lost", "middle")]
    faults += [("500", "middle"), ("401", "middle"), ("302", "middle"), ("garbage", "end")]
    with server.serving(f"sqlite:///{tmp_path}/real.db", port=port):
        proxy = faulty.Faulty(port)
        folder = compare(train, untracked, proxy.uri)
        send_the_rest(folder, proxy.uri, missed=False)
        for mode, when in faults:
            proxy.plan(mode, when=when)
            folder = compare(train, untracked, proxy.uri)
            assert proxy.mode == mode, when
            proxy.mend()
            proxy.over.set()  # whoever hangs goes
            for thread in threading.enumerate():
                if thread.name == "tracking":  # left behind by a run that waited long enough
                    thread.join(60)
            proxy.over.clear()
            send_the_rest(folder, proxy.uri, missed=False)
        # Down in fact, and not only silent.
        proxy.stop()
        folder = compare(train, untracked, proxy.uri)
        proxy.start()
        proxy.mend()
        send_the_rest(folder, proxy.uri)
        proxy.stop()
