"""Settings for tests, and a migrated database, made once and copied: fresh migrations take a second."""

import importlib.util
import shutil
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

_SPEC = importlib.util.spec_from_file_location("faulty", Path(__file__).with_name("faulty.py"))
assert _SPEC is not None and _SPEC.loader is not None
faulty = importlib.util.module_from_spec(_SPEC)
sys.modules["faulty"] = faulty  # so that the tests, which are no package, can import it
_SPEC.loader.exec_module(faulty)


def make_settings(**changes: object) -> SimpleNamespace:
    defaults = {"uri": "sqlite:///mlflow.db", "experiment": "weather", "required": False, "system_metrics": False}
    return SimpleNamespace(**({"kind": "mlflow"} | defaults | changes))


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from headway.tracking import mlflow_store

    file = tmp_path_factory.mktemp("store") / "mlflow.db"
    mlflow_store.connect(f"sqlite:///{file}")
    return file


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., SimpleNamespace]:
    """Makes settings, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return make_settings


@pytest.fixture
def settings(migrated: Path, tmp_path: Path, bare: Callable[..., SimpleNamespace]) -> Callable[..., SimpleNamespace]:
    """Makes settings, in a folder with a database."""
    shutil.copy(migrated, tmp_path / "mlflow.db")
    return bare


@pytest.fixture
def client(tmp_path: Path) -> Any:
    """MLflow's own view of the database of `settings`."""
    from headway.tracking.mlflow_client import MlflowClient

    return MlflowClient(tracking_uri=f"sqlite:///{tmp_path}/mlflow.db")


@pytest.fixture
def dead() -> str:
    """A server that nobody runs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


@pytest.fixture
def off(bare: Callable[..., SimpleNamespace]) -> SimpleNamespace:
    return bare(kind="off")


@pytest.fixture(scope="session")
def picture() -> bytes:
    """A small picture."""
    import io

    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (13, 17)).save(file, format="PNG")
    return file.getvalue()


@pytest.fixture(scope="session")
def assert_complete() -> Callable[..., None]:
    """Asserts that a store holds all that a run's folder says, once."""
    return faulty.assert_complete
