"""A run as a user trains it, and the headless Chromium that looks at it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from filelock import FileLock
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

EPOCHS = 3
START_PAGE = ("chrome://", "chrome-untrusted://")
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--headless=new",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",  # in containers /dev/shm is too small for a page with charts
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1700,1300",
)


@pytest.fixture(scope="session")
def executables() -> tuple[str, str]:
    """The paths of Chromium and of its driver; where one is missing, the tests are skipped."""
    chromium = next(filter(None, map(shutil.which, CHROMIUM)), None)
    driver = shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip(f"needs a Chromium ({', '.join(CHROMIUM)}) and its chromedriver on the PATH")
    return chromium, driver


@pytest.fixture(scope="session")
def trained(
    executables: tuple[str, str], tmp_path_factory: pytest.TempPathFactory, worker_id: str, project: Path
) -> Path:
    """A folder in which train.py was typed once, by whichever of the parallel test processes came first."""
    own = tmp_path_factory.getbasetemp()
    folder = (own if worker_id == "master" else own.parent) / "reviewed"
    with FileLock(f"{folder}.lock"):
        if not (folder / "output.txt").exists():
            folder.mkdir(exist_ok=True)
            write_load(folder / "own.csv")
            words = ["dataset=csv", "dataset.path=own.csv", "dataset.timestamp=time", "dataset.targets=[load]"]
            words += [f"training.epochs={EPOCHS}", "training.ensemble=1", "training.batch_size=64", "evaluation=quick"]
            command = [sys.executable, str(project / "train.py"), *words]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            (folder / "output.txt").write_text(done.stdout)
    return folder


def write_load(path: Path) -> None:
    """An hourly series with a daily cycle and a second column, as a user's file might be."""
    hour = np.arange(499)
    noise = np.random.default_rng(7).normal(size=len(hour))
    time = np.datetime_as_string(np.datetime64("2024-01-01T00", "s") + hour * np.timedelta64(3600, "s"))
    frame = pd.DataFrame({"time": time, "load": 50 + 10 * np.sin(2 * np.pi * hour / 24) + noise, "wind": noise[::-1]})
    frame.to_csv(path, index=False)


@pytest.fixture(scope="session")
def run_folder(trained: Path) -> Path:
    (record,) = (trained / "runs").glob("*/run.json")
    return record.parent


@pytest.fixture(scope="module")
def browser(executables: tuple[str, str]) -> Iterator[Chrome]:
    """Chromium without a window; it and its driver are gone when the module's tests have ended."""
    chromium, driver = executables
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        # Selenium looks for newer drivers and counts its users, unless told not to.
        patch.setenv("SE_OFFLINE", "true")
        patch.setenv("SE_AVOID_STATS", "true")
        options = ChromeOptions()
        options.binary_location = chromium
        # Chromium's sandbox refuses to work for root, which is who runs in most containers.
        for flag in (*FLAGS, f"--user-data-dir={profile}", *(["--no-sandbox"] if os.geteuid() == 0 else [])):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        started = Chrome(options=options, service=Service(executable_path=driver))
        try:
            yield started
        finally:
            started.quit()


@pytest.fixture(scope="module")
def errors(browser: Chrome) -> Callable[[], list[str]]:
    """What the console complained about since it was last asked."""
    return lambda: [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


@pytest.fixture(scope="module")
def requests(browser: Chrome) -> Callable[[], list[str]]:
    """The addresses that were asked for since the last call, but for those of the browser's own start page."""

    def read() -> list[str]:
        events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
        asked = [event["params"] for event in events if event["method"] == "Network.requestWillBeSent"]
        urls = [event["request"]["url"] for event in asked if not event["documentURL"].startswith(START_PAGE)]
        return [url for url in urls if not url.startswith("data:")]

    return read
