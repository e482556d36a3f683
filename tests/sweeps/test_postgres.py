"""Two sweepers on one study: in a PostgreSQL database, and in one journal file."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SEARCH = ("training.learning_rate=interval(0.001, 0.1)", "training.epochs=2", "sweep.pruner=none", "sweep.n_trials=20")
PASSWORD = "pa55-in-no-file"


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server of this test."""

    programs: Path
    port: int

    def database(self, name: str) -> str:
        """The address of a fresh, empty database."""
        environment = {**os.environ, "PGPASSWORD": PASSWORD}
        words = [self.programs / "createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "headway", name]
        subprocess.run(words, check=True, env=environment, timeout=60)
        return f"postgresql://headway:{PASSWORD}@127.0.0.1:{self.port}/{name}"


def programs() -> Path | None:
    """Where PostgreSQL is installed, the newest if there are several."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if on_path := shutil.which("initdb"):
        found.append(Path(on_path).resolve().parent)
    return max(found, key=lambda path: [int(part) for part in path.parts if part.isdigit()], default=None)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server that only this machine reaches, which wants a password."""
    where = programs()
    if where is None:
        pytest.skip("PostgreSQL is not installed")
    user = pwd.getpwuid(os.getuid()).pw_name
    if os.getuid() == 0:  # which PostgreSQL refuses to run as
        user = "postgres"
        if user not in {each.pw_name for each in pwd.getpwall()}:
            pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
    # Not below pytest's own folder, which only its user may enter.
    folder = Path(tempfile.mkdtemp(prefix="headway-postgres-"))
    folder.chmod(0o755)
    home, secret = folder / "home", folder / "password"
    home.mkdir(mode=0o700)
    secret.write_text(PASSWORD)
    if user == "postgres" and os.getuid() == 0:
        for path in (folder, home, secret):
            shutil.chown(path, user)

    def run(*words: object) -> None:
        identity = {"user": user} if os.getuid() == 0 else {}
        with (folder / "log").open("ab") as log:
            subprocess.run(
                [str(word) for word in words], check=True, timeout=120, cwd=folder, stdout=log, stderr=log, **identity
            )

    try:
        run(where / "initdb", "-D", home, "-U", "headway", "-A", "scram-sha-256", f"--pwfile={secret}", "-E", "UTF8")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
        run(where / "pg_ctl", "-D", home, "-w", "-t", "60", "-o", options, "-l", home / "server.log", "start")
        try:
            yield Server(where, port)
        finally:
            run(where / "pg_ctl", "-D", home, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


def check(shell, trials, total: int = 20) -> None:
    assert (len(trials.counted), len(trials.ended), len(trials.parameters)) == (total,) * 3
    assert {trial.state.name for trial in trials.counted} == {"COMPLETE"}
    assert shell.parent.status == "FINISHED"
    assert {run.status for run in shell.runs} <= {"FINISHED", "KILLED"}
    assert {run.tags["mlflow.parentRunId"] for run in shell.children} == {shell.parent.id}
    assert "running" not in shell.statuses.values()


def workers(trials) -> set[int]:
    """The processes that did the trials."""
    return {trial.user_attrs["owner"]["pid"] for trial in trials.counted}


def files_that_hold(folder: Path, secret: bytes) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and secret in path.read_bytes()]


def test_two_sweepers_share_a_fresh_database(shell, server: Server) -> None:
    storage = server.database("shared")
    words = (*SEARCH, f"sweep.storage='{storage}'")
    both = [shell.start(*words) for _ in range(2)]
    assert [command.wait() for command in both] == [0, 0], shell.output
    trials = shell.trials_in(storage)
    check(shell, trials)
    assert len(shell.children) == 20
    assert len(workers(trials)) == 2
    assert files_that_hold(shell.folder, b"headway:***@127.0.0.1") != []
    for secret in (PASSWORD.encode(), b"sweeper.ticket"):  # a ticket holds it, too, in other letters
        assert files_that_hold(shell.folder, secret) == []


def test_two_sweepers_share_a_journal(shell) -> None:
    both = [shell.start(*SEARCH) for _ in range(2)]
    assert [command.wait() for command in both] == [0, 0], shell.output
    check(shell, shell.trials())
    assert len(shell.children) == 20
    assert len(workers(shell.trials())) == 2


@pytest.mark.slow
@pytest.mark.parametrize("place", ["database", "journal"])
def test_a_sweeper_finishes_what_a_killed_one_began(shell, request, place: str) -> None:
    storage = request.getfixturevalue("server").database("survived") if place == "database" else "journal"
    words = (*SEARCH, f"sweep.storage='{storage}'")

    def trials():
        return shell.trials() if place == "journal" else shell.trials_in(storage)

    killed, other = (shell.start(*words, seconds=0.2) for _ in range(2))
    shell.wait_until(lambda: len(shell.children) > 2)  # looking into a database earlier would make its tables
    shell.wait_until(lambda: len(trials().ended) >= 7 and len(workers(trials())) == 2)
    before = trials().ended
    killed.send(signal.SIGKILL)
    assert other.wait() == 0, shell.output
    check(shell, trials())
    assert before.items() <= trials().ended.items()


@pytest.mark.slow
@pytest.mark.parametrize("round_", range(5))
def test_four_sweepers_make_the_tables_of_one_database_together(shell, server: Server, round_: int) -> None:
    storage = server.database(f"together{round_}")
    started = [shell.start(*SEARCH, f"sweep.storage='{storage}'", "tracking=off") for _ in range(4)]
    assert [command.wait() for command in started] == [0] * 4, shell.output
    trials = shell.trials_in(storage)
    assert (len(trials.ended), len(trials.parameters)) == (20, 20)
