"""What importing costs, and the command line."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from headway.errors import ConfigError, StoredRunError
from headway.tracking import provenance


def test_importing_tracking_imports_no_mlflow_and_nothing_heavy() -> None:
    code = "import sys, headway.tracking, headway.tracking.run; print([m for m in ('mlflow', 'tensorflow', 'keras', 'pandas', 'numpy') if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


def test_a_run_with_tracking_off_imports_no_mlflow(tmp_path: Path) -> None:
    code = (
        "import sys, types, headway.tracking as t\n"
        "s = types.SimpleNamespace(kind='off', uri='', experiment='', required=False, system_metrics=True)\n"
        "with t.start(s, name='a', comparable='x') as run: run.log_metrics({'a': 1.0})\n"
        "with t.reopen(s, 'latest'): pass\n"
        "print('mlflow' in sys.modules)"
    )
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
        ).stdout.strip()
        == "False"
    )


def test_provenance_names_commit_and_versions_without_importing_them() -> None:
    found = provenance()
    assert {"git_commit", "git_dirty", "python", "platform", "tensorflow", "keras", "mlflow", "numpy"} <= set(found)
    assert all(isinstance(value, str) and value for value in found.values())


@pytest.mark.parametrize(("uri", "code"), [("sqlite:///absent.db", 4), ("./mlruns", 2)])
def test_the_ui_command_says_in_one_line_what_is_wrong(tmp_path: Path, uri: str, code: int) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "headway.tracking", "ui", "--uri", uri], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == code
    assert "Traceback" not in done.stdout + done.stderr
    assert len((done.stdout + done.stderr).strip().splitlines()) == 1


def test_a_taken_port_is_a_configuration_error(tmp_path: Path) -> None:
    from headway.tracking import server

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with (
            pytest.raises(ConfigError, match=f"Port {port}"),
            server.serving(f"sqlite:///{tmp_path}/mlflow.db", port=port),
        ):
            pass


def test_links_lead_to_the_shipped_view(settings) -> None:
    from headway import tracking
    from headway.tracking import server, uri

    with tracking.start(settings(), name="a", comparable="x") as run:
        run.publish_view(["temp"])
    assert server.links(uri.resolve("sqlite:///mlflow.db"), port=5000) == [run.view_link]
    with pytest.raises(StoredRunError, match="no database"):
        server.links(uri.resolve("sqlite:///absent.db"), port=5000)
