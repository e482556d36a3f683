"""The MLflow server over a database, in its light form, for reviewing runs on this machine."""

import logging
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager

from headway.errors import ConfigError, StoredRunError
from headway.tracking import mlflow_store, uri, view
from headway.tracking.mlflow_client import MlflowClient

log = logging.getLogger(__name__)

_HOST = "127.0.0.1"
_STARTING_SECONDS = 120.0
_STOPPING_SECONDS = 10.0


def links(store: str, *, port: int) -> list[str]:
    """The addresses worth opening, most recent experiment first: its view, or its list of runs where it has none.

    Args:
        store: The resolved URI of a database.
        port: The port of the server.

    Raises:
        StoredRunError: There is no such database.
    """
    if not mlflow_store.exists(store):
        raise StoredRunError(
            f"There is no database at {uri.shown(store)}: train a run first with python train.py, or name another with --uri."
        )
    client: MlflowClient = mlflow_store.connect(store)
    server = f"http://{_HOST}:{port}"
    found = []
    for experiment in client.search_experiments(order_by=["last_update_time DESC"]):
        keys = [key.removeprefix(view.PREFIX) for key in experiment.tags if key.startswith(view.PREFIX + "headway-")]
        found += [view.link(server, experiment.experiment_id, key) for key in keys]
        if not keys and experiment.name != "Default":
            found.append(view.link(server, experiment.experiment_id, None))
    return found or [f"{server}/#/experiments?workflowType=machine_learning"]


@contextmanager
def serving(store: str, *, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """The server as a process of its own, which answers when the block begins and is gone when it ends.

    Args:
        store: The resolved URI of a database.
        port: A free port; only this machine can reach it.

    Raises:
        ConfigError: The port is taken, or the URI is a server already.
        StoredRunError: The server does not start.
    """
    if store.startswith("http"):
        raise ConfigError(f"{uri.shown(store)} is a server already: open it in a browser.")
    _check_free(port)
    artifacts = mlflow_store.artifact_folder(store)
    command = [sys.executable, "-m", "mlflow", "server", "--host", _HOST, "--port", str(port), "--workers", "1"]
    command += [
        "--backend-store-uri",
        store,
        "--default-artifact-root",
        artifacts.as_uri() if artifacts else "mlartifacts",
    ]
    # Names that a page of another site cannot use to reach the server through the browser.
    command += ["--allowed-hosts", "localhost:*,127.0.0.1:*"]
    # Without the job runner: 2 processes and half a gigabyte instead of 15 and three.
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    # A group of its own, so that Ctrl-C reaches us alone and we stop the server with its worker.
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        _wait(process, port)
        yield process
    finally:
        _stop(process)


def _check_free(port: int) -> None:
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except (OSError, OverflowError) as error:
            raise ConfigError(
                f"Port {port} of {_HOST} cannot be used ({error}). Choose another one: --port {port % 60_000 + 1}"
            ) from error


def _wait(process: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + _STARTING_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            urllib.request.urlopen(f"http://{_HOST}:{port}/health", timeout=2).close()
        except (OSError, urllib.error.URLError):
            time.sleep(0.3)
        else:
            return
    raise StoredRunError(
        f"The MLflow server did not start on port {port}. To see why, run: mlflow server --port {port}"
    )


def _stop(process: "subprocess.Popen[bytes]") -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(timeout=_STOPPING_SECONDS)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
        return
