"""Real sweeps of jobs that only track and sleep: who fails, who is tried again, what the parent run says."""

import json
import signal
from pathlib import Path

import pytest

CONF = str(Path(__file__).resolve().parents[2] / "conf")
LEARNING_RATE = "training.learning_rate=interval(0.001, 0.1)"
SEARCH = (LEARNING_RATE, "training.epochs=2", "sweep.pruner=none")
BROKEN = f"""
import sys, hydra
from headway.config import door
from headway.config.sweep import TrainCommand

@hydra.main(version_base="1.3", config_path={json.dumps(CONF)}, config_name="train")
def train(settings):
    raise RuntimeError("no such library")

sys.exit(door.run(train, configuration=TrainCommand))
"""


@pytest.fixture(scope="module")
def joblib(make_shell):
    """A grid in two processes, one of which is killed; under way while the other tests run."""
    shell = make_shell()
    words = ("seed=0,1,2", "training.epochs=2", "sweep.retries=1")
    launcher = ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
    return shell, shell.start(*words, *launcher, fresh=True, seconds=0.2, TOY='{"1": "kill"}')


@pytest.fixture(scope="module", autouse=True)
def failing(make_shell, joblib):
    """A grid of four, three of which fail."""
    shell = make_shell()
    known = ("training.learning_rate=0.003", "model.dropout=0.2", "training.epochs=2")
    return shell, shell.start("seed=0,1,2,3", *known, TOY='{"0": "exit", "1": "memory", "2": "raise"}').wait()


def test_children_that_fail_leave_the_others_to_go_on(failing) -> None:
    shell, code = failing
    assert code == 9
    assert [trial.state.name for trial in shell.trials().counted] == ["FAIL", "FAIL", "FAIL", "COMPLETE"]
    words = [trial.user_attrs.get("error") for trial in shell.trials().counted]
    assert words == ["something called sys.exit(3)", "MemoryError: no more of it", "RuntimeError: as asked", None]


def test_every_run_of_a_sweep_ends_and_stands_below_its_parent(failing) -> None:
    shell, _ = failing
    assert sorted(run.status for run in shell.children) == ["FAILED", "FAILED", "FAILED", "FINISHED"]
    assert {run.tags["mlflow.parentRunId"] for run in shell.children} == {shell.parent.id}
    assert {run.experiment for run in shell.runs} == {"headway"}
    assert (shell.parent.status, "mlflow.parentRunId" in shell.parent.tags) == ("FINISHED", False)


def test_a_parent_carries_what_its_best_child_reached(failing) -> None:
    shell, _ = failing
    (child,) = [run for run in shell.children if run.status == "FINISHED"]
    # The toy's error by hand: 1, its distance to the best learning rate, dropout, and a half after two epochs.
    assert child.metrics["validation/best_error"] == pytest.approx(1 + 0.7 + 0.2 + 0.5)
    assert shell.parent.metrics["validation/best_error"] == child.metrics["validation/best_error"]
    assert shell.parent.metrics["sweep/failed"] == 3
    assert shell.parent.tags["headway.best"] == child.tags["headway.id"]


@pytest.mark.parametrize(
    "sampler", ["tpe", *(pytest.param(name, marks=pytest.mark.slow) for name in ("cmaes", "qmc", "random"))]
)
def test_a_sampler_never_repeats_itself(shell, sampler: str) -> None:
    words = (LEARNING_RATE, "model.dropout=interval(0.0, 0.3)", "training.epochs=1", "tracking=off")
    assert shell.type(*words, f"sweep.sampler={sampler}", "sweep.n_trials=6") == 0
    assert (len(shell.trials().ended), len(shell.trials().parameters)) == (6, 6)


def test_a_database_that_is_away_is_named_without_its_password(shell) -> None:
    storage = "sweep.storage=postgresql://headway:s3cr3t@127.0.0.1:1/headway"
    assert shell.type(*SEARCH, storage) == 2
    assert "127.0.0.1:1/headway: cannot be opened" in shell.output
    assert "s3cr3t" not in shell.output


def test_a_search_tops_up_and_a_finished_one_does_nothing(shell) -> None:
    assert shell.type(*SEARCH, "sweep.n_trials=1") == 0
    first = shell.trials().ended
    assert shell.type(*SEARCH, "sweep.n_trials=3") == 0
    second, runs = shell.trials().ended, {run.id for run in shell.runs}
    assert shell.type(*SEARCH, "sweep.n_trials=3") == 0
    assert (len(first), len(second), len(runs)) == (1, 3, 4)
    assert first.items() <= second.items()
    assert (shell.trials().ended, {run.id for run in shell.runs}) == (second, runs)
    assert "all 3 trials are done" in shell.output


def test_a_finished_grid_typed_again_is_a_new_sweep(shell) -> None:
    words = ("model.heads=1,2", "training.epochs=1", "tracking=off")
    assert [shell.type(*words), shell.type(*words)] == [0, 0]
    grids = [shell.trials(path.name).overrides for path in shell.studies]
    assert grids == [[["model.heads=1"], ["model.heads=2"]]] * 2
    assert [path.name.endswith(".2") for path in shell.studies] == [False, True]


def test_children_that_forecast_different_things_have_no_winner(shell) -> None:
    assert shell.type("windows.horizon=6,12", "training.epochs=1") == 0
    assert "validation/best_error" not in shell.parent.metrics
    assert "headway.best" not in shell.parent.tags
    assert "no winner is named" in shell.output


def test_no_trial_starts_after_the_time_budget(shell) -> None:
    words = (*SEARCH, "tracking=off", "sweep.n_trials=31", "sweep.time_budget=1s")
    assert shell.type(*words, seconds=0.2) == 0
    assert 1 <= len(shell.trials().ended) == len(shell.trials().counted) < 11


def test_a_search_for_two_objectives_names_those_that_none_beats(shell) -> None:
    space = ("training.learning_rate=interval(0.001, 0.1)", "model.d_model=choice(8, 16, 32)", "training.epochs=1")
    search = ("sweep.sampler=nsga2", "sweep.objectives=[error,weights]", "sweep.n_trials=5", "tracking=off")
    assert shell.type(*space, *search) == 0
    values = [trial.values for trial in shell.trials().counted]
    beaten = [
        any(all(a <= b for a, b in zip(rival, own, strict=True)) and rival != own for rival in values) for own in values
    ]
    named = shell.output.partition("Beaten by no other")[2]
    assert [f"trial {number}: error" in named for number in range(5)] == [not is_beaten for is_beaten in beaten]


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_an_interrupted_sweep_goes_on_with_the_same_command(shell, number: signal.Signals) -> None:
    words = (*SEARCH, "sweep.n_trials=2")
    command = shell.start(*words, seconds=1.0)
    # It has begun, and sleeps.
    shell.wait_until(lambda: "task" in shell.trials().counted[0].user_attrs)
    assert command.send(number) == 75
    assert {run.status for run in shell.runs} == {"KILLED"}
    assert set(shell.statuses.values()) == {"killed"}
    parent = shell.parent.id
    assert shell.type(*words) == 0
    assert (shell.parent.id, shell.parent.status) == (parent, "FINISHED")
    assert sorted(run.status for run in shell.children) == ["FINISHED"] * 2 + ["KILLED"]
    assert len(shell.trials().ended) == 2


@pytest.mark.slow
def test_a_sweep_that_is_asked_to_end_leaves_no_job_of_another_process_under_way(shell) -> None:
    words = ("seed=0,1", "training.epochs=1", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
    command = shell.start(*words, fresh=True, seconds=30.0)
    shell.wait_until(lambda: all("task" in trial.user_attrs for trial in shell.trials().counted) and shell.children)
    assert command.send(signal.SIGTERM) == 75
    assert {run.status for run in shell.runs} == {"KILLED"}
    assert set(shell.statuses.values()) == {"killed"}


def test_jobs_that_end_before_they_begin_are_not_tried_for_ever(shell) -> None:
    script = shell.folder / "broken.py"
    script.write_text(BROKEN)
    assert shell.type("seed=0,1", "sweep.retries=1", "tracking=off", script=script) == 9
    errors = [trial.user_attrs["error"].partition(",")[0] for trial in shell.trials().counted]
    assert errors == ["its process ended before it took the trial over 2 times"] * 2


def test_a_job_that_is_killed_is_tried_again_and_then_failed(joblib) -> None:
    shell, command = joblib
    assert command.wait() == 9
    assert shell.trials().overrides == [["seed=0"], ["seed=1"], ["seed=2"]]
    assert sorted(trial.state.name for trial in shell.trials().counted) == ["COMPLETE", "COMPLETE", "FAIL"]
    (killed,) = [trial for trial in shell.trials().counted if trial.state.name == "FAIL"]
    assert killed.user_attrs["overrides"] == ["seed=1"]
    assert "ended without a word 2 times" in killed.user_attrs["error"]


def test_no_run_of_a_killed_job_stays_under_way(joblib) -> None:
    shell, command = joblib
    command.wait()
    assert {run.status for run in shell.runs} == {"FINISHED", "KILLED"}
    assert {run.tags["mlflow.parentRunId"] for run in shell.children} == {shell.parent.id}
    assert "running" not in shell.statuses.values()
    assert shell.parent.status == "FINISHED"
