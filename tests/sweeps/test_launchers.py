"""The same sweep on joblib, submitit and Ray: nested children, cores that are shared out, and jobs that are killed."""

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import joblib
import psutil
import pytest
from optuna.trial import TrialState

SEEDS = "seed=1,2,3,5"
HERE = Path(__file__).resolve().parent

# A toy that loads Keras as a training does, and writes down what its process was like.
WITH_KERAS = """
import json, os, sys
from pathlib import Path
import hydra, toy_train
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf
from headway import backend
from headway.config import door
from headway.config.sweep import TrainCommand
from headway.config.validate import validate
from headway.sweeps import child
from headway.sweeps.ticket import Ticket

@hydra.main(version_base="1.3", config_path=toy_train.CONF, config_name="train")
def train(settings):
    config = validate(OmegaConf.to_container(settings, resolve=True), TrainCommand).config
    child.run(Ticket.of(HydraConfig.get().sweeper), lambda sweep: work(config, sweep))

def work(config, sweep):
    loaded = "keras" in sys.modules
    backend.load("auto", threads=sweep.ticket.threads)
    names = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
    words = {"pid": os.getpid(), "loaded": loaded, "threads": [os.environ[name] for name in names]}
    Path(f"job-{sweep.ticket.trial}.json").write_text(json.dumps(words))
    return toy_train._work(config, sweep)

if __name__ == "__main__":
    sys.exit(door.run(train, configuration=TrainCommand))
"""


@pytest.fixture(scope="module")
def on_joblib(make_shell):
    """Four jobs in two batches on two workers; finished."""
    shell = make_shell()
    script = shell.folder / "train.py"
    script.write_text(WITH_KERAS)
    words = [SEEDS, "training.epochs=2", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "sweep.batch=2"]
    path = os.pathsep.join([str(HERE), *os.environ.get("PYTHONPATH", "").split(os.pathsep)])
    code = shell.start(*words, fresh=True, script=script, seconds=0.2, PYTHONPATH=path).wait()
    assert code == 0, shell.output
    return shell


def jobs(shell) -> list[Mapping[str, object]]:
    return [json.loads(path.read_text()) for path in sorted(shell.folder.glob("job-*.json"))]


def are_nested(shell) -> bool:
    return {run.tags["mlflow.parentRunId"] for run in shell.children} == {shell.parent.id}


def test_four_jobs_of_joblib_are_children_of_one_parent(on_joblib) -> None:
    assert [trial.state for trial in on_joblib.trials().counted] == [TrialState.COMPLETE] * 4
    assert are_nested(on_joblib)
    assert [run.status for run in on_joblib.runs] == ["FINISHED"] * 5


def test_two_workers_of_joblib_serve_all_batches_and_load_keras_once_each(on_joblib) -> None:
    pids = {job["pid"] for job in jobs(on_joblib)}
    assert len(jobs(on_joblib)) == 4
    assert len(pids) <= 2
    assert sum(not job["loaded"] for job in jobs(on_joblib)) == len(pids)


def test_two_jobs_at_a_time_have_half_of_the_cores_each(on_joblib) -> None:
    half = str(max(1, joblib.cpu_count() // 2))
    assert [job["threads"] for job in jobs(on_joblib)] == [[half] * 3] * 4


@pytest.mark.slow
def test_a_submitit_job_that_is_killed_is_tried_again_and_the_others_finish(shell) -> None:
    command = shell.start(SEEDS, "training.epochs=3", "hydra/launcher=submitit_local", "tracking=off", seconds=0.5)

    def under_way() -> list[int]:
        return [trial.number for trial in shell.trials().counted if trial.last_step == 1]

    shell.wait_until(lambda: bool(under_way()))
    victim = shell.trials().study.trials[under_way()[0]]
    os.kill(victim.user_attrs["owner"]["pid"], signal.SIGKILL)
    assert command.wait() == 0, shell.output
    trials = shell.trials()
    assert trials.study.trials[victim.number].user_attrs["losses"] == 1
    assert trials.overrides == [["seed=1"], ["seed=2"], ["seed=3"], ["seed=5"]]
    assert {trial.state for trial in trials.counted} == {TrialState.COMPLETE}
    parent = trials.study.user_attrs["parent"]["id"]
    records = [json.loads(path.read_text()) for path in shell.folder.glob("runs/*/run.json")]
    assert {record["parent"] for record in records if record["id"] != parent} == {parent}
    assert sum(record["status"] == "killed" for record in records) == 1


@pytest.mark.skipif(shutil.which("srun") is not None, reason="this machine belongs to a Slurm cluster")
def test_a_sweep_that_no_cluster_takes_says_so_and_goes_on_elsewhere(shell) -> None:
    assert shell.type(SEEDS, "hydra/launcher=submitit_slurm", "sweep.name=moved") == 2
    errors = [line for line in shell.output.splitlines() if not line.startswith("sweep moved")]
    assert len(errors) == 1
    assert errors[0].startswith("error: the launcher started no job: RuntimeError: Could not detect")
    assert shell.parent.status == "FAILED"
    assert {trial.state for trial in shell.trials().study.trials} == {TrialState.FAIL}
    assert shell.trials().counted == []
    assert shell.type(SEEDS, "sweep.name=moved") == 0
    assert [trial.state for trial in shell.trials().counted] == [TrialState.COMPLETE] * 4
    assert (shell.parent.status, are_nested(shell)) == ("FINISHED", True)


def test_a_folder_may_have_an_apostrophe_in_its_name(shell) -> None:
    folder = shell.folder / "Anna's"
    folder.mkdir()
    assert type(shell)(folder, shell.context, shell.commands).type("seed=1,2", "tracking=off") == 0


# Ray opens ports; in a network of its own nobody else reaches them, and whatever it starts ends with the namespace.
ALONE = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]


@pytest.fixture
def on_ray(shell) -> Iterator[Callable[..., "subprocess.Popen[bytes]"]]:
    """Starts a sweep with Ray's launcher in the folder of `shell`, after other commands if need be."""
    for module in ("ray", "hydra_plugins.hydra_ray_launcher"):
        if importlib.util.find_spec(module) is None:
            pytest.skip("Ray is not installed: pip install -e '.[ray]'")
    if shutil.which("unshare") is None or subprocess.run([*ALONE, "true"], capture_output=True).returncode != 0:
        pytest.skip("this machine or user may make no network namespace")
    home = tempfile.mkdtemp(prefix="ray-", dir="/tmp")  # the paths of its sockets may have 107 letters
    known = {**os.environ, "HOME": home, "RAY_TMPDIR": home, "RAY_USAGE_STATS_ENABLED": "0", "OMP_NUM_THREADS": "1"}
    started = []

    def start(*words: str, before: str = "true", **environment: str) -> "subprocess.Popen[bytes]":
        script = f'ip link set lo up; {before}; "$@"; exit $?'
        typed = [sys.executable, str(HERE / "toy_train.py"), "-m", "hydra/launcher=ray", *words]
        with (shell.folder / "output.txt").open("ab") as output:
            process = subprocess.Popen(
                [*ALONE, "sh", "-c", script, "sh", *typed],
                cwd=shell.folder,
                env=known | environment,
                stdout=output,
                stderr=output,
            )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()  # and with it the namespace, and all that lives in it
        process.wait()
    shutil.rmtree(home, ignore_errors=True)


@pytest.mark.slow
def test_a_job_on_a_ray_cluster_that_is_killed_is_tried_by_the_sweep_alone_and_the_others_finish(shell, on_ray) -> None:
    ray = Path(sys.executable).with_name("ray")
    cluster = f"{ray} start --head --num-cpus=2 --include-dashboard=false --node-ip-address=127.0.0.1"
    words = [SEEDS, "training.epochs=3", "sweep.retries=1", "hydra.launcher.ray.init.address=auto"]
    assert on_ray(*words, before=cluster, TOY=json.dumps({"3": "kill"})).wait(timeout=240) == 9, shell.output
    states = {trial.user_attrs["overrides"][0]: trial.state for trial in shell.trials().counted}
    assert states == dict.fromkeys(("seed=1", "seed=2", "seed=5"), TrialState.COMPLETE) | {"seed=3": TrialState.FAIL}
    assert are_nested(shell)
    names = [run.tags["mlflow.runName"] for run in shell.children]
    assert sorted(names) == ["seed=1", "seed=2", "seed=3", "seed=3", "seed=5"]
    assert sorted(run.status for run in shell.runs) == ["FINISHED"] * 4 + ["KILLED"] * 2


@pytest.mark.slow
def test_a_sweep_on_ray_that_is_terminated_can_be_gone_on_with(shell, on_ray) -> None:
    local = ("+hydra.launcher.ray.init.num_cpus=2", "+hydra.launcher.ray.init.include_dashboard=false")
    words = (SEEDS, "training.epochs=3", "sweep.name=ended", *local)
    process = on_ray(*words, TOY_SECONDS="5")
    shell.wait_until(lambda: any(trial.last_step == 1 for trial in shell.trials().counted))
    (inside,) = psutil.Process(process.pid).children()
    (sweeper,) = inside.children()
    sweeper.send_signal(signal.SIGTERM)
    assert process.wait(timeout=120) == 75, shell.output
    assert "error: sweep ended was interrupted; the same command goes on with it" in shell.output.splitlines()
    assert on_ray(*words).wait(timeout=240) == 0, shell.output
    assert {trial.state for trial in shell.trials().counted} == {TrialState.COMPLETE}
    assert "running" not in shell.statuses.values()
