"""Kills trainings at random moments, goes on with them, and compares how they end with one that was left alone.

    python benchmarks/kills.py                      200 kills over three precisions
    python benchmarks/kills.py --kills 6 --seed 1 training.ensemble=1 evaluate=false    any override of train.py may follow

Each training is `python train.py ... resume=auto`, ended by SIGKILL at a random moment, in the middle of a save, or while it
is judged, again and again until it has come to its end. What must be the same to the last bit: weights, a digest of all that
training leaves (moments, loss scale, seeds, steps), the history, the scores and the attention maps. Every run must be one
folder and, where it is tracked, one MLflow run. Exits 1 if anything differs.
"""

import argparse
import collections
import concurrent.futures
import contextlib
import hashlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

PROJECT = Path(__file__).resolve().parent.parent
SMALL = [
    *("dataset=csv", "dataset.path=series.csv", "dataset.timestamp=time", "dataset.targets=[load]"),
    *("model.d_model=8", "model.heads=2", "model.feed_forward=8", "model.dropout=0.3", "model.head=point"),
    *("training=fast", "training.epochs=5", "training.batch_size=16", "training.ensemble=2", "training.patience=4"),
    *("training.steps_per_execution=3", "training.checkpoint_steps=7", "training.learning_rate=0.005"),
    *("evaluation=quick", "evaluation.explain_windows=0", "evaluation.bootstrap=50", "evaluation.rivals=[persistence]"),
]
PRECISIONS = {
    "float32": [],
    "mixed_bfloat16": ["training.ema=0.9"],
    "mixed_float16": ["training.loss=mse", "training.loss_scale=16777216.0"],
}
MEASURED = ("seconds", "per_second", "megabytes", "input_share", "system/")
AT_THE_END = "after its run had ended"
LONGEST = 300  # seconds that one process may take


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200, help="in all (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=2, help="trainings side by side (default: %(default)s)")
    parser.add_argument(
        "--tracked", type=float, default=0.25, help="share of trainings in MLflow (default: %(default)s)"
    )
    parser.add_argument("overrides", nargs="*", help="of the trainings")
    options = parser.parse_args()
    share = -(-options.kills // len(PRECISIONS))
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        chains = {
            precision: pool.submit(kill_often, Path(folder) / precision, precision, share, options)
            for precision in PRECISIONS
        }
        found = {precision: chain.result() for precision, chain in chains.items()}
    total: collections.Counter[str] = collections.Counter()
    for precision, (kills, differing, moments) in found.items():
        total["kills"] += kills
        total["differing"] += len(differing)
        words = ", ".join(f"{count} {moment}" for moment, count in sorted(moments.items()))
        print(f"{precision}: {kills} kills ({words})")
        for line in differing:
            print(f"  {line}")
    verdict = "every training ended to the bit as one that was left alone"
    print(f"{total['kills']} kills: {(total['differing'] and str(total['differing']) + ' differences') or verdict}")
    return 1 if total["differing"] else 0


def kill_often(folder: Path, precision: str, kills: int, options: argparse.Namespace) -> tuple[int, list[str], Any]:
    """Trainings of one precision, until that many kills have happened; how often, what differed, and at what moments."""
    generator = random.Random(f"{options.seed} {precision}")
    words = [*SMALL, *PRECISIONS[precision], f"training.precision={precision}", *options.overrides]
    alone = folder / "alone"
    alone.mkdir(parents=True)
    write_series(alone)
    began = time.monotonic()
    train(alone, [*words, "tracking=off"])
    lasted = time.monotonic() - began
    expected, differing, moments = outcome(alone), [], collections.Counter()
    if precision == "mixed_float16" and not expected["skipped"]:
        differing.append("float16 has skipped no step: the comparison shows less than it should")
    done = number = 0
    while done < kills:
        number += 1
        tracked = generator.random() < options.tracked
        place = folder / str(number)
        place.mkdir()
        write_series(place)
        wanted = [*words, "resume=auto", *([] if tracked else ["tracking=off"])]
        ended = False
        while not ended:
            if done < kills:
                moment = cut_off(place, wanted, generator, lasted)
                ended = moment is None
                if moment is not None:
                    done += 1
                    moments[moment] += 1
                    ended = moment == AT_THE_END
            else:
                train(place, wanted)
                ended = True
        if tracked:  # a kill after the run's end may have left something unsent
            subprocess.run(
                [sys.executable, "-m", "headway.tracking", "sync"], cwd=place, check=True, capture_output=True
            )
        found = outcome(place)
        differing += [f"training {number}: {name} differs" for name in expected if found[name] != expected[name]]
        differing += [f"training {number}: {line}" for line in oddities(place, tracked=tracked)]
        shutil.rmtree(place)
        print(f"{precision}: {done} kills in {number} trainings", file=sys.stderr, flush=True)
    return done, differing, moments


def write_series(folder: Path) -> None:
    """A short series of a daily cycle, another column, and some noise."""
    generator = np.random.default_rng(7)
    load = 50 + 10 * np.sin(np.arange(1500) * np.pi / 12) + generator.normal(size=1500).cumsum() * 0.1
    hours = np.datetime64("2024-01-01T00", "h") + np.arange(1500)
    rows = (f"{hour}:00,{value:.4f},{value % 7:.4f}" for hour, value in zip(hours, load, strict=True))
    (folder / "series.csv").write_text("\n".join(["time,load,other", *rows]) + "\n")


def train(folder: Path, words: list[str]) -> None:
    """One process that is left alone."""
    result = subprocess.run(command(words), cwd=folder, capture_output=True, text=True, timeout=LONGEST, check=False)
    if result.returncode:
        raise SystemExit(f"train.py ended with {result.returncode}:\n{result.stderr[-2000:]}")


def command(words: list[str]) -> list[str]:
    return [sys.executable, str(PROJECT / "train.py"), *words]


def cut_off(folder: Path, words: list[str], generator: random.Random, lasted: float) -> str | None:
    """Start a process and kill it; what it was doing then, or None where it had ended before."""
    way = generator.choice(["any", "any", "any", "in a save", "judged"])
    with (folder / "log.txt").open("ab") as log:
        process = subprocess.Popen(command(words), cwd=folder, stdout=log, stderr=log)
        try:
            wait_for(process, folder, way)
            if way == "any":
                wait(process, generator.uniform(0, lasted * 0.5))
            elif way == "judged":
                wait(process, generator.uniform(0, 2.0))
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                process.wait()
                return stage(folder)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    if process.returncode:
        raise SystemExit(f"train.py ended with {process.returncode}:\n{(folder / 'log.txt').read_text()[-2000:]}")
    return None


def wait_for(process: Any, folder: Path, way: str) -> None:
    """Until the run's folder is there, a checkpoint is being written, or training is over."""
    pattern = {"any": "runs/*/run.json", "in a save": "runs/*/checkpoints/.*.tmp", "judged": "runs/*/training.json"}[
        way
    ]
    while process.poll() is None and not any(folder.glob(pattern)):
        time.sleep(0.0005 if way == "in a save" else 0.01)


def wait(process: Any, seconds: float) -> None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)


def stage(folder: Path) -> str:
    """What a killed process was doing, as far as its files show it."""
    if any(json.loads(path.read_text())["status"] == "finished" for path in folder.glob("runs/*/run.json")):
        return AT_THE_END
    if not any(folder.glob("runs/*/checkpoints/0*")):
        return "before the first checkpoint"
    if any(folder.glob("runs/*/checkpoints/.*.tmp")):
        return "in a save"
    return "while it was judged" if any(folder.glob("runs/*/training.json")) else "in training"


def outcome(folder: Path) -> dict[str, Any]:
    """What must be the same, by name."""
    (run,) = (path.parent for path in folder.glob("runs/*/run.json"))
    kept = json.loads((run / "training.json").read_text())
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    metrics = {
        (line["step"], name): value
        for line in lines
        for name, value in line["metrics"].items()
        if not any(word in name for word in MEASURED)
    }
    with np.load(run / "attention_epochs.npz") as maps:
        drawn = {name: maps[name].tolist() for name in maps.files}
    return {
        "state": kept["state"],
        "weights": json.loads((run / "forecaster" / "manifest.json").read_text()),
        "history": sorted(metrics.items()),
        "skipped": sum(value for (_, name), value in metrics.items() if name == "train/skipped_steps"),
        "scores": [hashlib.sha256(path.read_bytes()).hexdigest() for path in run.glob("scores.csv")],
        "attention": hashlib.sha256(json.dumps(drawn, sort_keys=True).encode()).hexdigest(),
    }


def oddities(folder: Path, *, tracked: bool) -> list[str]:
    """What should not be there after a training has ended."""
    (run,) = (path.parent for path in folder.glob("runs/*/run.json"))
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    times = collections.Counter((line["step"], name) for line in lines for name in line["metrics"])
    found = [
        f"{name} of step {step} stands {count} times in the journal"
        for (step, name), count in times.items()
        if count > 1
    ]
    found += [f"{path.name} is left over" for path in run.rglob(".*.tmp")]
    found += ["checkpoints are left over"] if (run / "checkpoints").exists() else []
    if json.loads((run / "run.json").read_text())["status"] != "finished":
        found.append("the run is not finished")
    if tracked:
        with contextlib.closing(sqlite3.connect(folder / "mlflow.db")) as database:
            statuses = [row[0] for row in database.execute("select status from runs")]
            twice = database.execute(
                "select key, step, count(*) from metrics where key not like 'system/%' group by key, step, run_uuid"
                " having count(*) > 1"
            ).fetchall()
        if statuses != ["FINISHED"]:
            found.append(f"MLflow's runs are {statuses}")
        found += [f"MLflow has {key} of step {step} {count} times" for key, step, count in twice]
    return found


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    sys.exit(main())
