"""Studies of a plan; and real sweeps in folders of their own: commands that can be killed, and what they left, read without Headway."""

import json
import multiprocessing
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Self

import optuna
import pytest
from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from headway.sweeps.plan import Plan
from headway.sweeps.space import Choice, Span
from headway.sweeps.storage import JOURNAL, open_storage
from headway.sweeps.study import Study

TOY = Path(__file__).with_name("toy_train.py")
PATIENCE = 120.0
"""Seconds after which a command counts as hanging."""

# Loaded once: a process that is forked with them begins its sweep in half a second instead of four.
_PRELOADED = (
    "headway.sweeps.judge",
    "headway.sweeps.parent",
    "headway.sweeps.child",
    "headway.tracking.mlflow_mirror",
    "headway.tracking.mlflow_reader",
    "hydra_plugins.headway._impl",
    "matplotlib.backends.backend_agg",
    "optuna.importance",
    "sklearn.ensemble",
    "psycopg",
)
_BEGIN = """
import gc, os, runpy, signal, sys
gc.freeze()  # each job collects garbage, and what was preloaded is none
os.setsid()
os.chdir(folder)
os.environ.update(environment)
output = os.open("output.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
os.dup2(output, 1)
os.dup2(output, 2)
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.argv = [script, *words]
runpy.run_path(script, run_name="__main__")
"""


@dataclass
class Command:
    """A command under way, in a process group of its own."""

    process: "ForkServerProcess | subprocess.Popen[bytes]"

    def wait(self) -> int:
        """The exit code; minus the signal's number for one that was killed."""
        if isinstance(self.process, subprocess.Popen):
            return self.process.wait(timeout=PATIENCE)
        self.process.join(PATIENCE)
        assert self.process.exitcode is not None, "the sweep hangs"
        return self.process.exitcode

    def send(self, number: signal.Signals) -> int:
        """Send a signal to this process alone; returns the exit code."""
        with suppress(ProcessLookupError):
            os.kill(self.process.pid or 0, number)
        return self.wait()


@dataclass
class Shell:
    """A folder in which sweeps are typed."""

    folder: Path
    context: ForkServerContext
    commands: list[Command] = field(default_factory=list)

    def start(
        self, *words: str, fresh: bool = False, script: Path = TOY, seconds: float = 0.02, **environment: str
    ) -> Command:
        """Start `toy_train.py -m`.

        Args:
            words: Overrides.
            fresh: Whether in a new interpreter, which loads everything itself.
            script: Instead of the toy.
            seconds: Of each epoch.
            environment: More variables.
        """
        variables = {"OMP_NUM_THREADS": "1", "COLUMNS": "200", "TOY_SECONDS": str(seconds), **environment}
        if fresh:
            with (self.folder / "output.txt").open("ab") as output:
                process: ForkServerProcess | subprocess.Popen[bytes] = subprocess.Popen(
                    [sys.executable, str(script), "-m", *words],
                    cwd=self.folder,
                    env={**os.environ, **variables},
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )
        else:
            known = {
                "folder": str(self.folder),
                "environment": variables,
                "script": str(script),
                "words": ["-m", *words],
            }
            process = self.context.Process(target=exec, args=(_BEGIN, known))
            process.start()
        self.commands.append(Command(process))
        return self.commands[-1]

    def type(self, *words: str, seconds: float = 0.02, script: Path = TOY, **environment: str) -> int:
        """Run the toy to its end; returns the exit code."""
        return self.start(*words, seconds=seconds, script=script, **environment).wait()

    @property
    def output(self) -> str:
        """What all commands have said."""
        return (self.folder / "output.txt").read_text()

    @property
    def studies(self) -> list[Path]:
        """The folders of the sweeps whose study is a file."""
        return sorted(path.parent for path in self.folder.glob("runs/sweeps/*/study.jsonl"))

    def trials(self, name: str | None = None) -> "Trials":
        """The trials of a sweep, of the only one if no name is given."""
        (folder,) = [path for path in self.studies if name in (None, path.name)]
        return Trials.stored(JournalStorage(JournalFileBackend(str(folder / "study.jsonl"))))

    @staticmethod
    def trials_in(storage: str) -> "Trials":
        """The trials of the one sweep in a database."""
        return Trials.stored(storage)

    @property
    def runs(self) -> list["MlflowRun"]:
        """All MLflow runs."""
        with closing(sqlite3.connect(self.folder / "mlflow.db", timeout=30)) as database:
            rows = database.execute(
                "SELECT run_uuid, status, experiments.name FROM runs JOIN experiments USING (experiment_id)"
            ).fetchall()
            tags = database.execute("SELECT run_uuid, key, value FROM tags").fetchall()
            metrics = database.execute("SELECT run_uuid, key, value FROM latest_metrics").fetchall()
        return [
            MlflowRun(
                id_,
                status,
                experiment,
                {key: value for owner, key, value in tags if owner == id_},
                {key: value for owner, key, value in metrics if owner == id_},
            )
            for id_, status, experiment in rows
        ]

    @property
    def parent(self) -> "MlflowRun":
        """The only parent run."""
        (parent,) = [run for run in self.runs if run.tags["headway.kind"] == "sweep"]
        return parent

    @property
    def children(self) -> list["MlflowRun"]:
        """All other runs."""
        return [run for run in self.runs if run.tags["headway.kind"] != "sweep"]

    @property
    def statuses(self) -> dict[str, str]:
        """Run -> what its run.json says."""
        records = [json.loads(path.read_text()) for path in self.folder.glob("runs/*/run.json")]
        return {record["id"]: record["status"] for record in records}

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait for something to happen while a command runs."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with suppress(ValueError, LookupError, OSError):  # not there yet, or half written
                if condition():
                    return
            time.sleep(0.02)
        raise TimeoutError(f"it never happened; the sweep says: {self.output}")


@dataclass(frozen=True)
class MlflowRun:
    """A run as the database has it."""

    id: str
    status: str
    experiment: str
    tags: Mapping[str, str]
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Trials:
    """What a study says."""

    study: optuna.Study

    @classmethod
    def stored(cls, storage: BaseStorage | str) -> Self:
        """Those of the one study that a storage holds."""
        (name,) = optuna.get_all_study_names(storage)
        return cls(optuna.load_study(study_name=name, storage=storage))

    @property
    def counted(self) -> list[FrozenTrial]:
        """The trials that count: a lost one is tried again under another number."""
        return [trial for trial in self.study.get_trials(deepcopy=False) if "lost" not in trial.user_attrs]

    @property
    def ended(self) -> dict[int, tuple[TrialState, object, object]]:
        """How those ended that did: number -> state, values, epochs."""
        return {
            trial.number: (trial.state, trial.values, trial.last_step)
            for trial in self.counted
            if trial.state.is_finished()
        }

    @property
    def overrides(self) -> list[list[str]]:
        """What each ran with."""
        return sorted(trial.user_attrs["overrides"] for trial in self.counted)

    @property
    def parameters(self) -> set[tuple[object, ...]]:
        """What the sampler chose."""
        return {tuple(trial.params.values()) for trial in self.counted}


@pytest.fixture(scope="session")
def processes() -> ForkServerContext:
    """What forks processes with everything loaded."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(_PRELOADED))
    return context


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory, processes: ForkServerContext) -> Path:
    """An empty MLflow database: fresh migrations take a second."""
    file = tmp_path_factory.mktemp("store") / "mlflow.db"
    code = f"from headway.tracking import mlflow_store; mlflow_store.connect('sqlite:///{file}')"
    process = processes.Process(target=exec, args=(code, {}))
    process.start()
    process.join(PATIENCE)
    assert process.exitcode == 0
    return file


@pytest.fixture(scope="session")
def make_shell(
    tmp_path_factory: pytest.TempPathFactory, migrated: Path, processes: ForkServerContext
) -> Iterator[Callable[[], Shell]]:
    """Makes folders with a database; what still runs in them at the end is killed."""
    shells: list[Shell] = []

    def make() -> Shell:
        folder = tmp_path_factory.mktemp("sweep")
        shutil.copy(migrated, folder / "mlflow.db")
        shells.append(Shell(folder, processes))
        return shells[-1]

    yield make
    for command in (command for shell in shells for command in shell.commands):
        with suppress(ProcessLookupError):
            os.killpg(command.process.pid or 0, signal.SIGKILL)


@pytest.fixture
def shell(make_shell: Callable[[], Shell]) -> Shell:
    return make_shell()


@pytest.fixture
def search() -> Plan:
    """Five trials of three parameters."""
    return Plan(
        dimensions={
            "training.learning_rate": Span(0.001, 0.1, log=True),
            "model.heads": Choice(("2", "4", "8")),
            "model.layers": Span(1, 5),
        },
        constants=("training.epochs=3",),
        points=(),
        n_trials=5,
        sampler="random",
        seed=3,
        objectives=("error",),
        retries=2,
    )


@pytest.fixture
def grid(search: Plan) -> Plan:
    """Six points of two keys."""
    points = [[f"model.heads={heads}", f"seed={seed}"] for heads in (2, 4, 8) for seed in (3, 5)]
    return replace(search, dimensions={}, points=points)


@pytest.fixture
def storage(tmp_path: Path) -> BaseStorage:
    return open_storage(JOURNAL, tmp_path)


@pytest.fixture
def sweep(storage: BaseStorage, search: Plan, tmp_path: Path) -> Callable[..., Study]:
    """Makes a sweeper's view of the same study, of a plan with changes: sweep(grid, retries=1)."""
    return lambda plan=search, **changes: Study(storage, "weather", replace(plan, **changes), folder=tmp_path)


@pytest.fixture
def raw(storage: BaseStorage) -> Callable[[], optuna.Study]:
    """Optuna's own view of the study."""
    return lambda: optuna.load_study(study_name="weather", storage=storage)
