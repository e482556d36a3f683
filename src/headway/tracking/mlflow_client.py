"""The one place that imports mlflow: quiet, without telemetry, and with seconds instead of minutes of patience.

Nothing but the MLflow half of this package imports this module: mlflow takes about five seconds to load.
"""
# ruff: noqa: E402 - mlflow reads the environment while it is imported.

import importlib
import logging
import os
import warnings

for _variable, _value in {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # The defaults, seven retries of 120 seconds, hold a training for minutes per call when a server is gone.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
    # Loading a pickle runs code; a stored run is data.
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    # An asynchronous call swallows its error, and then nobody knows that the mirror is incomplete.
    "MLFLOW_ENABLE_ASYNC_LOGGING": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    # Its own links open the UI in the mode for language models; ours do not.
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}.items():
    os.environ.setdefault(_variable, _value)

from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag, ViewType
from mlflow.entities import Run as StoredMlflowRun
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

# About its own migrations, to people who never heard of them.
warnings.filterwarnings("ignore", module="alembic")
# One warning of our own says what failed; these would add a line per retry.
logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
# It would show a database's error twice, with forty lines of where it came from.
logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)


def load(store: str) -> None:
    """Import what a store at a resolved URI needs beside the client, which for a database takes as long as the client."""
    if not store.startswith("http"):
        importlib.import_module("mlflow.store.tracking.sqlalchemy_store")


__all__ = [
    "Dataset",
    "DatasetInput",
    "InputTag",
    "Metric",
    "MlflowClient",
    "MlflowException",
    "Param",
    "RunTag",
    "StoredMlflowRun",
    "ViewType",
    "load",
]
