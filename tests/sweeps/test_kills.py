"""A sweep that is killed at any moment, and goes on with the same command: no trial is lost, none is counted twice."""

import json
import random
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

import optuna
import pytest

from headway.sweeps.storage import open_storage

TOY = Path(__file__).with_name("toy_train.py")
SEARCH = ("training.learning_rate=interval(0.001, 0.1)", "training.epochs=2", "sweep.pruner=median")
GRID = ("model.heads=1,2,4,8", "model.layers=1,2", "training.epochs=2")
JOBLIB = ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
DYING = f"""
import os, runpy, signal
from optuna.storages.journal import JournalFileBackend

left = int(os.environ["WRITES"])
write = JournalFileBackend.append_logs

def write_or_die(self, logs):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    write(self, logs)

JournalFileBackend.append_logs = write_or_die
runpy.run_path({str(TOY)!r}, run_name="__main__")
"""
TERMINAL = {"FINISHED", "FAILED", "KILLED"}


@dataclass
class Kills:
    """What was seen while a sweep was killed again and again."""

    moments: list[float] = field(default_factory=list)
    kept: dict[int, object] = field(default_factory=dict)
    progress: list[int] = field(default_factory=list)

    def look(self, trials) -> None:
        """Check that everything that had ended is still there, as it was."""
        now = trials.ended
        assert self.kept.items() <= now.items(), f"after {self.moments}: {self.kept} became {now}"
        self.kept = now
        self.progress.append(len(now))


def kill_and_go_on(shell, words, *, kills: int, longest: float, seed: int, fresh: bool = False, seconds: float = 0.02):
    """Type the same command again and again, kill it at moments drawn by a seed, and let the last one go on to its end."""
    draw = random.Random(seed)
    seen = Kills()
    for _ in range(kills):
        if is_done(shell):
            break
        seen.moments.append(round(draw.uniform(0.1, longest), 3))
        command = shell.start(*words, fresh=fresh, seconds=seconds)
        time.sleep(seen.moments[-1])
        command.send(signal.SIGKILL)
        if begun(shell):
            seen.look(shell.trials())
    if not is_done(shell):
        assert shell.start(*words, fresh=fresh, seconds=seconds).wait() == 0, shell.output
    seen.look(shell.trials())
    return seen


def begun(shell) -> bool:
    return any('"study_name"' in (folder / "study.jsonl").read_text() for folder in shell.studies)


def is_done(shell) -> bool:
    """Whether a grid has said that it is: typed again it would be another one."""
    return begun(shell) and "done" in shell.trials().study.user_attrs


def check_runs(shell) -> None:
    assert {run.status for run in shell.runs} <= TERMINAL
    assert shell.parent.status == "FINISHED"
    assert {run.tags["mlflow.parentRunId"] for run in shell.children} == {shell.parent.id}
    assert "running" not in shell.statuses.values()


def report(record_property, seen: Kills, shell, began: float) -> None:
    record_property("moments", seen.moments)
    record_property("ended trials after each", seen.progress)
    record_property("children in MLflow", len(shell.children))
    record_property("seconds", round(time.monotonic() - began, 1))


@pytest.mark.parametrize(
    ("kills", "n_trials", "seed"),
    [
        (2, 5, 1),
        *(pytest.param(20, 31, seed, marks=[pytest.mark.slow, pytest.mark.timeout(900)]) for seed in (2, 3, 5)),
    ],
)
def test_a_search_that_is_killed_loses_and_repeats_no_trial(shell, record_property, kills, n_trials, seed) -> None:
    began = time.monotonic()
    words = (*SEARCH, f"sweep.n_trials={n_trials}")
    seen = kill_and_go_on(shell, words, kills=kills, longest=3.0, seed=seed)
    trials = shell.trials()
    assert (len(trials.counted), len(trials.ended), len(trials.parameters)) == (n_trials,) * 3
    check_runs(shell)
    report(record_property, seen, shell, began)


@pytest.mark.parametrize(
    ("kills", "seed"),
    [(1, 2), *(pytest.param(20, seed, marks=[pytest.mark.slow, pytest.mark.timeout(900)]) for seed in (3, 5, 7))],
)
def test_a_grid_that_is_killed_trains_every_point_once(shell, record_property, kills: int, seed: int) -> None:
    began = time.monotonic()
    seen = kill_and_go_on(shell, GRID, kills=kills, longest=4.0, seed=seed)
    trials = shell.trials()
    assert trials.overrides == sorted(
        [f"model.heads={heads}", f"model.layers={layers}"] for heads in (1, 2, 4, 8) for layers in (1, 2)
    )
    assert len(trials.ended) == 8
    check_runs(shell)
    report(record_property, seen, shell, began)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_sweep_of_real_trainings_is_killed_in_the_middle_of_one_and_goes_on(shell, project: Path) -> None:
    words = ["model.dropout=interval(0, 0.3)", "training=fast", "sweep.n_trials=4", "sweep.pruner=none"]
    seen = Kills()
    for ended in (1, 2):
        command = shell.start(*words, script=project / "train.py", fresh=True)

        def is_in_a_training(ended: int = ended) -> bool:
            trials = shell.trials()
            running = [trial for trial in trials.counted if trial.state == optuna.trial.TrialState.RUNNING]
            return len(trials.ended) >= ended and any(trial.intermediate_values for trial in running)

        shell.wait_until(is_in_a_training)
        command.send(signal.SIGKILL)
        seen.look(shell.trials())
    assert shell.start(*words, script=project / "train.py", fresh=True).wait() == 0, shell.output
    seen.look(shell.trials())
    assert (len(shell.trials().counted), len(shell.trials().ended)) == (4, 4)
    check_runs(shell)
    assert sum(run.status == "KILLED" for run in shell.children) == 2


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [11, 13])
def test_a_search_is_killed_while_its_interpreter_starts(shell, record_property, seed: int) -> None:
    began = time.monotonic()
    words = (*SEARCH, "sweep.n_trials=23")
    seen = kill_and_go_on(shell, words, kills=20, longest=12.0, seed=seed, fresh=True)
    assert (len(shell.trials().counted), len(shell.trials().ended)) == (23, 23)
    check_runs(shell)
    report(record_property, seen, shell, began)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("words", "total"), [((*SEARCH, "sweep.n_trials=11"), 11), (GRID, 8)], ids=["search", "grid"])
def test_jobs_in_processes_of_their_own_outlive_their_sweeper(shell, record_property, words, total: int) -> None:
    began = time.monotonic()
    seen = kill_and_go_on(shell, (*words, *JOBLIB), kills=5, longest=15.0, seed=17, fresh=True, seconds=0.5)
    trials = shell.trials()
    assert (len(trials.counted), len(trials.ended), len({json.dumps(each) for each in trials.overrides})) == (
        total,
    ) * 3
    check_runs(shell)
    report(record_property, seen, shell, began)


def die_after(shell, words, writes: int) -> int:
    """Run the command until it has written to the study so often; returns the exit code."""
    script = shell.folder / "dying.py"
    script.write_text(DYING)
    return shell.type(*words, script=script, WRITES=str(writes))


def check_two(shell, words) -> None:
    """Go on, and check that a sweep of two is whole."""
    kept = shell.trials().ended if begun(shell) else {}
    assert shell.type(*words) == 0, shell.output
    trials = shell.trials()
    assert (len(trials.counted), len(trials.ended), len({json.dumps(each) for each in trials.overrides})) == (2, 2, 2)
    assert kept.items() <= trials.ended.items()
    check_runs(shell)
    states = [trial.state.name for trial in trials.study.get_trials(deepcopy=False)]
    assert not {"RUNNING", "WAITING"} & set(states)


TWO = {
    "search": (*SEARCH[:1], "model.dropout=interval(0.0, 0.3)", "training.epochs=1", "sweep.n_trials=2"),
    "grid": ("model.heads=2,4", "training.epochs=1"),
}


@pytest.mark.parametrize("writes", [2, pytest.param(29, marks=pytest.mark.slow)])
def test_a_sweep_killed_between_two_writes_goes_on(shell, writes: int) -> None:
    assert die_after(shell, TWO["search"], writes) == -signal.SIGKILL
    check_two(shell, TWO["search"])


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", TWO)
def test_a_sweep_killed_between_any_two_writes_goes_on(make_shell, record_property, kind: str) -> None:
    for writes in range(1000):
        shell = make_shell()
        if (code := die_after(shell, TWO[kind], writes)) == 0:
            break
        assert code == -signal.SIGKILL
        if not is_done(shell):
            check_two(shell, TWO[kind])
    record_property("writes", writes)
    assert writes > 20


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", TWO)
def test_what_was_lost_is_counted_once_however_often_its_recovery_is_killed(make_shell, kind: str) -> None:
    for writes in range(12):
        shell = make_shell()
        command = shell.start(*TWO[kind], "sweep.retries=1", seconds=5.0)
        shell.wait_until(lambda shell=shell: "task" in shell.trials().counted[0].user_attrs)
        command.send(signal.SIGKILL)
        assert die_after(shell, (*TWO[kind], "sweep.retries=1"), writes) == -signal.SIGKILL
        check_two(shell, (*TWO[kind], "sweep.retries=1"))


def test_a_line_that_a_kill_cut_off_spoils_nothing_that_others_write(tmp_path: Path) -> None:
    storage = open_storage("journal", tmp_path)
    optuna.create_study(study_name="before", storage=storage)
    with (tmp_path / "study.jsonl").open("ab") as file:
        file.write(b'{"op_code": 4, "trial')
    optuna.create_study(study_name="after", storage=storage)
    assert set(optuna.get_all_study_names(open_storage("journal", tmp_path))) == {"before", "after"}
