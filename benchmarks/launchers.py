"""The same two trainings on every launcher, with the versions they ran on: python benchmarks/launchers.py [launcher ...]

    python benchmarks/launchers.py                       one after the other, joblib, submitit_local, and Ray where it is installed
    python benchmarks/launchers.py joblib ray            these alone

Each sweep is `python train.py -m model.heads=2,4 training=fast training.epochs=1` in a temporary folder of its own, from Enter to
the last line. It must exit 0 and leave two children under one parent in MLflow. Ray (pip install -e '.[ray]', best in an environment
of its own: its launcher wants an older cloudpickle) runs in a network and process namespace that holds nothing but a loopback
device: nobody else reaches its ports, and nothing of it is left; that takes root on Linux.
"""

import argparse
import importlib.metadata
import os
import platform
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

TRAIN = Path(__file__).resolve().parent.parent / "train.py"
SWEEP = ["model.heads=2,4", "training=fast", "training.epochs=1"]
PACKAGES = [
    "hydra-core",
    "hydra-joblib-launcher",
    "joblib",
    "hydra-submitit-launcher",
    "submitit",
    "hydra-ray-launcher",
    "ray",
]
PACKAGES += ["cloudpickle", "optuna", "mlflow", "tensorflow"]
CORES = len(os.sched_getaffinity(0))
LAUNCHERS = {
    "basic": [],
    "joblib": ["hydra/launcher=joblib"],
    "submitit_local": ["hydra/launcher=submitit_local"],
    "ray": [
        "hydra/launcher=ray",
        f"+hydra.launcher.ray.init.num_cpus={CORES}",
        "+hydra.launcher.ray.init.include_dashboard=false",
    ],
}
ALONE = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
ALONE += ["sh", "-c", 'ip link set lo up; "$@"; exit $?', "sh"]


def main() -> None:
    """Run every launcher that was asked for, or that is installed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("launchers", nargs="*", choices=[*LAUNCHERS, []])
    asked = parser.parse_args().launchers or [name for name in LAUNCHERS if name != "ray" or version("ray")]
    print(f"python {platform.python_version()}, {CORES} cores")
    print("\n".join(f"{package} {version(package) or 'not installed'}" for package in PACKAGES), flush=True)
    print(f"\n{'launcher':16}{'exit':>6}{'children':>10}{'seconds':>10}")
    for name in asked:
        with tempfile.TemporaryDirectory(prefix="hw-", dir="/tmp") as folder:  # Ray's sockets bear no longer path
            code, seconds, output = timed(name, Path(folder))
            print(f"{name:16}{code:>6}{children(Path(folder)):>10}{seconds:>10.1f}", flush=True)
            if code:
                sys.exit(output)


def timed(name: str, folder: Path) -> tuple[int, float, str]:
    """Run the sweep; returns exit code, seconds, and what it said."""
    command = [sys.executable, str(TRAIN), "-m", *SWEEP, *LAUNCHERS[name]]
    home = {"HOME": str(folder), "RAY_TMPDIR": str(folder)} if name == "ray" else {}
    begun = time.perf_counter()
    done = subprocess.run(
        [*ALONE, *command] if name == "ray" else command,
        cwd=folder,
        env={**os.environ, **home},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.returncode, time.perf_counter() - begun, done.stdout


def children(folder: Path) -> int:
    """Finished runs below the one parent run in MLflow."""
    with closing(sqlite3.connect(folder / "mlflow.db")) as database:
        ((parent,),) = database.execute("SELECT run_uuid FROM tags WHERE key = 'headway.kind' AND value = 'sweep'")
        ((count,),) = database.execute(
            "SELECT count(*) FROM tags JOIN runs USING (run_uuid) "
            "WHERE key = 'mlflow.parentRunId' AND value = ? AND status = 'FINISHED'",
            [parent],
        )
    return int(count)


def version(package: str) -> str | None:
    """The installed version, or None."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


if __name__ == "__main__":
    main()
