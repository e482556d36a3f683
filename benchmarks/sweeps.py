"""What sweeps cost and save, each in one run: python benchmarks/sweeps.py [jobs|pruning|start]

jobs      trials per hour of two jobs of one thread each beside one such job (start-up excluded)
pruning   epochs that ASHA saves in a search of 16 trials, and what the winner loses by it
start     what the plug-in adds to a start of train.py

Sweeps run in a temporary folder; nothing is left behind.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

TRAIN = Path(__file__).resolve().parent.parent / "train.py"
REPEATS = 3


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("jobs", "pruning", "start"))
    {"jobs": jobs, "pruning": pruning, "start": start}[parser.parse_args().what]()


def jobs() -> None:
    """Compare one worker with two, in turn, so that a noisy machine disturbs both."""
    rates: dict[int, list[float]] = {1: [], 2: []}
    for repeat in range(REPEATS):
        for workers in rates:
            trials = sweep(
                f"seed=range({repeat * 100},{repeat * 100 + 4 * workers})",
                "training=fast",
                "sweep.threads=1",
                *(["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"] if workers == 2 else []),
            )
            rates[workers].append(trials_per_hour(trials))
            print(f"{workers} at a time: {rates[workers][-1]:.0f} trials an hour", flush=True)
    one, two = (statistics.median(rates[workers]) for workers in rates)
    print(
        f"\nmedians of {REPEATS}: one job {one:.0f}, two jobs {two:.0f} trials an hour: {two / one:.2f} times as many"
    )


def trials_per_hour(trials: list[dict]) -> float:
    """Sum over workers of trials by time, from the end of a worker's first trial to the end of its last."""
    ends = defaultdict(list)
    for trial in trials:
        ends[trial["worker"]].append(trial["ended"])
    return sum(3600 * (len(times) - 1) / (max(times) - min(times)) for times in ends.values())


def pruning() -> None:
    """The same search with and without a pruner."""
    space = ("hparams_search=optuna", "training=fast", "sweep.n_trials=16")
    found = {}
    for pruner in ("none", "asha"):
        trials = sweep(*space, f"sweep.pruner={pruner}")
        epochs = sum(trial["epochs"] for trial in trials)
        best = min(trial["error"] for trial in trials if trial["error"] is not None)
        found[pruner] = epochs, best
        print(f"pruner {pruner}: {len(trials)} trials, {epochs} epochs, best validation MAE {best:.4f}", flush=True)
    (all_epochs, unpruned), (epochs, pruned) = found["none"], found["asha"]
    print(
        f"\nepochs saved: {1 - epochs / all_epochs:.0%}; winner {pruned / unpruned - 1:+.2%} against the unpruned sweep's"
    )


def sweep(*overrides: str) -> list[dict]:
    """Run a sweep and return its trials: worker, end in seconds since 1970, epochs, error or None."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(TRAIN), "-m", *overrides]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        (study,) = Path(folder).glob("runs/sweeps/*/study.jsonl")
        script = READ.format(path=str(study), name=study.parent.name)
        answer = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
        return json.loads(answer.stdout)


READ = """
import json
import optuna
optuna.logging.set_verbosity(optuna.logging.ERROR)
storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend({path!r}))
study = optuna.load_study(study_name={name!r}, storage=storage)
print(json.dumps([
    dict(
        worker=trial.user_attrs["owner"]["pid"],
        ended=trial.datetime_complete.timestamp(),
        epochs=max(trial.intermediate_values),
        error=trial.value if trial.state.name == "COMPLETE" else None,
    )
    for trial in study.trials
]))
"""


def start() -> None:
    """CPU seconds of importing the plug-in, after all that a start needs without it."""
    script = (
        "import sys, time; import hydra, hydra.core.plugins, hydra.plugins.sweeper, omegaconf; "
        "sys.path.insert(0, 'src'); began = time.process_time(); import hydra_plugins.headway.sweeper; "
        "print(time.process_time() - began)"
    )
    times = []
    for _ in range(9):
        answer = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
        times.append(float(answer.stdout))
    print(f"plug-in: {statistics.median(times) * 1000:.0f} ms of CPU time at every start (median of {len(times)})")
    helps = []
    for _ in range(5):
        before = os.times()
        subprocess.run([sys.executable, str(TRAIN), "--help"], check=True, stdout=subprocess.DEVNULL)
        after = os.times()
        helps.append(after.children_user + after.children_system - before.children_user - before.children_system)
    print(f"train.py --help: {statistics.median(helps):.2f} s of CPU time in all (median of {len(helps)})")


if __name__ == "__main__":
    main()
