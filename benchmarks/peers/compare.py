"""Headway beside other libraries: training throughput on the same rows, sizes and batch, in one run.

    pip install -e '.[jax]'                                             Headway, in an environment of its own
    pip install -r benchmarks/peers/requirements.txt                    the others, in a second one
    python benchmarks/peers/compare.py --python PEERS/bin/python        everything: about a quarter of an hour
    python benchmarks/peers/compare.py --cores 1 --systems headway-jax keras-gathered --seconds 20
    python benchmarks/peers/compare.py --again throughput.json          table and picture of a run that was stored

Windows of 6 hours to 6 hours of nyc_weather, batch 256, one block of d_model 64 with 4 heads and a feed-forward part of
128, float32, no dropout: steady training without validation, logs, checkpoints and bars, after a warm-up. Each system
runs in a process of its own on the same pinned cores, one after another, and all of them once before any runs again, so
that noise of the machine hits all alike. Close other programs. A system that fails says so in its row.

Written are three files of one name: all figures (json, after every process), the table (md) and the picture (png).
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from systems import SYSTEMS, System

HERE = Path(__file__).resolve().parent
# They would choose another device, another backend, or other threads than the cores say.
UNWANTED = ("KERAS_BACKEND", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "XLA_FLAGS")
SETTINGS = {"CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu", "TF_CPP_MIN_LOG_LEVEL": "2", "PYTHONWARNINGS": "ignore"}


def main() -> None:
    """Run what was asked for, and write it down."""
    asked = _arguments()
    if asked.again:
        write(json.loads(asked.again.read_text()), asked.again)
        return
    began = time.perf_counter()
    asked.out.parent.mkdir(parents=True, exist_ok=True)  # now: not after a quarter of an hour
    results = _about(asked) | {"runs": []}
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / "rows.npz"
        prepared = subprocess.run(
            [sys.executable, HERE / "rows.py", rows], env=_environment(), capture_output=True, text=True
        )
        if prepared.returncode:
            sys.exit(f"rows.py {_last_line(prepared.stderr)}")
        for measured in measure(asked, rows):
            results["runs"].append(measured)
            asked.out.write_text(json.dumps(results, indent=1))
    results["seconds_in_all"] = round(time.perf_counter() - began)
    write(results, asked.out)
    print(f"{results['seconds_in_all']} s in all; see {asked.out} and beside it")


def measure(asked: argparse.Namespace, rows: Path) -> Iterator[dict]:
    """All systems on each number of cores, again and again; in every second repeat in the other order."""
    chosen = [system for system in SYSTEMS if not asked.systems or system.key in asked.systems]
    free = sorted(os.sched_getaffinity(0))
    for repeat in range(asked.repeats):
        for cores in asked.cores:
            for system in chosen[:: 1 if repeat % 2 == 0 else -1]:
                if cores < system.least_cores:
                    continue
                result = run(system, free[-cores:], rows, asked)
                speed = (
                    f"{result['windows'] / result['wall']:10,.0f} windows/s"
                    if "windows" in result
                    else result["failed"]
                )
                print(
                    f"{repeat + 1}/{asked.repeats}  {cores} core{'s' * (cores > 1):1}  {system.name:44} {speed}",
                    flush=True,
                )
                yield {"system": system.key, "cores": cores, "repeat": repeat, **result}


def run(system: System, cores: list[int], rows: Path, asked: argparse.Namespace) -> dict:
    """One system in a process of its own: what it measured, or why it failed."""
    command = [
        asked.python if system.peer else sys.executable,
        str(HERE / system.script),
        *system.arguments,
        *("--rows", str(rows), "--seconds", str(asked.seconds), "--cores", *map(str, cores)),
        *("--began", repr(time.time())),
    ]
    try:
        done = subprocess.run(
            command,
            env=_environment(),
            cwd=rows.parent,  # libraries leave folders where they run
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=asked.timeout,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return {"failed": _last_line(str(error))}
    lines = [line for line in done.stdout.splitlines() if line.startswith('{"windows"')]
    return json.loads(lines[-1]) if lines and not done.returncode else {"failed": _last_line(done.stderr)}


def write(results: dict, path: Path) -> None:
    """The figures, the table and the picture, beside each other."""
    import picture
    import table

    path.write_text(json.dumps(results, indent=1) + "\n")
    text = table.markdown(results)
    path.with_suffix(".md").write_text(text)
    print(text)
    path.with_suffix(".png").write_bytes(picture.draw(results))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cores", type=int, nargs="+", help="how many, each in turn; 1 and 2, where there are")
    parser.add_argument("--systems", nargs="+", choices=[system.key for system in SYSTEMS], help="instead of all")
    parser.add_argument("--seconds", type=float, default=4.0, help="of training to measure, after the warm-up")
    parser.add_argument("--repeats", type=int, default=3, help="of each; the table shows medians")
    parser.add_argument("--python", default=sys.executable, help="of the environment that has the peers")
    parser.add_argument("--timeout", type=float, default=300.0, help="seconds, of one process")
    parser.add_argument(
        "--out", type=Path, default=Path("throughput.json"), help="the table and the picture lie beside it"
    )
    parser.add_argument("--again", type=Path, help="a json of an earlier run: write its table and picture anew")
    asked = parser.parse_args()
    free = len(os.sched_getaffinity(0))
    asked.cores = asked.cores or [1, 2][:free]
    if max(asked.cores) > free or min(asked.cores) < 1:
        parser.error(f"--cores {' '.join(map(str, asked.cores))}: this process may use {free}; ask for 1 to {free}")
    if asked.repeats < 1 or asked.seconds <= 0:
        parser.error("--repeats takes at least 1, and --seconds more than 0")
    return asked


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in UNWANTED} | SETTINGS


def _about(asked: argparse.Namespace) -> dict:
    processor = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": processor[0].partition(":")[2].strip() if processor else platform.machine(),
        "python": platform.python_version(),
        "seconds": asked.seconds,
        "repeats": asked.repeats,
        "cores": asked.cores,
        "systems": asked.systems or [],
    }


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    if lines and lines[-1].startswith("ModuleNotFoundError"):
        lines[-1] += (
            "; install benchmarks/peers/requirements.txt in an environment of its own and name it with --python"
        )
    return f"failed: {lines[-1].strip()[:200]}" if lines else "failed without a word"


if __name__ == "__main__":
    main()
