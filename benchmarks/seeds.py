"""A row of the results: trainings that differ in the seed alone, their mean and spread, and the median seed's verdicts.

    python benchmarks/seeds.py experiment=etth1_96
    python benchmarks/seeds.py --seeds 0 1 2 3 4 --

Words after the seeds are those of train.py. Of a published benchmark the error is the scaled MSE and MAE over all
columns, else the MAE of the first target. Runs stay where train.py leaves them; times are of this machine.
"""

import argparse
import csv
import re
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Run:
    """A judged training.

    Attributes:
        seed: Its seed.
        minutes: From Enter to the table.
        errors: Forecaster -> metric -> error, the model first.
        verdicts: Its sentences about every rival.
    """

    seed: int
    minutes: float
    errors: dict[str, dict[str, float]]
    verdicts: list[str]

    def own(self, metric: str) -> float:
        """The model's error."""
        return next(iter(self.errors.values()))[metric]


def main() -> None:
    """Train, read, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("words", nargs="*", help="as for train.py")
    asked = parser.parse_args()
    runs = [train(seed, asked.words) for seed in asked.seeds]
    metrics = list(next(iter(runs[0].errors.values())))
    ranked = sorted(runs, key=lambda run: run.own(metrics[0]))
    median = ranked[(len(ranked) - 1) // 2]
    sys.stdout.write(
        f"\npython train.py {' '.join([*asked.words, 'seed=N'])}: seeds {', '.join(map(str, asked.seeds))}\n"
    )
    for metric in metrics:
        own = [run.own(metric) for run in runs]
        spread = statistics.stdev(own) if len(own) > 1 else 0.0
        values = ", ".join(f"{value:.4f}" for value in own)
        sys.stdout.write(f"{metric}: mean {statistics.mean(own):.4f}, standard deviation {spread:.4f} ({values})\n")
    for rival, errors in list(runs[0].errors.items())[1:]:
        sys.stdout.write(f"  {rival}: {', '.join(f'{name} {value:.4f}' for name, value in errors.items())}\n")
    sys.stdout.write(f"verdicts of the median seed, {median.seed}:\n")
    sys.stdout.writelines(f"  {line}\n" for line in median.verdicts)
    minutes = ", ".join(f"{run.minutes:.1f}" for run in runs)
    sys.stdout.write(f"minutes from Enter to the table: {minutes}\n")


def train(seed: int, words: list[str]) -> Run:
    """Type train.py with a seed, and read what the run left."""
    started = time.monotonic()
    command = [sys.executable, str(PROJECT / "train.py"), *words, f"seed={seed}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr or done.stdout)
    minutes = (time.monotonic() - started) / 60
    found = re.findall(r"^run (\d{4}-\d\d-\d\d_\w[\w-]*)", done.stdout, re.MULTILINE)
    verdicts = [
        line for line in done.stdout.splitlines() if re.match(r"(scaled MSE: )?transformer (beats|loses|is|does)", line)
    ]
    return Run(seed, minutes, errors(Path("runs") / found[-1]), verdicts)


def errors(folder: Path) -> dict[str, dict[str, float]]:
    """Errors of the model and its rivals in a run's folder."""
    scaled = folder / "scaled.csv"
    with (scaled if scaled.is_file() else folder / "scores.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if scaled.is_file():
        return {row["forecaster"]: {"mse": float(row["mse"]), "mae": float(row["mae"])} for row in rows}
    first = [row for row in rows if row["target"] == rows[0]["target"] and row["horizon"] == "all"]
    return {row["forecaster"]: {"mae": float(row["mae"])} for row in first}


if __name__ == "__main__":
    main()
