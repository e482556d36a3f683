"""Where the seconds go before the first step of a training, and over a whole run.

    python benchmarks/startup.py                          training=fast to its first step, beside the bare imports
    python benchmarks/startup.py backend=jax              any override of train.py
    python benchmarks/startup.py --beside ../other        and another checkout, in turn with this one
    python benchmarks/startup.py --imports                what is imported before the first step, by package
    python benchmarks/startup.py --whole --runs 1         the default run to its end, rivals taken from what was kept

Every run is a fresh process in a folder of its own, in turn, so that what else the machine does meets all alike;
one run before warms bytecode, file cache, MLflow's store and rivals up. "bare" imports Keras on the backend, and
MLflow, and does nothing else. The first step is over when Keras says so of its first execution (of
`training.steps_per_execution` steps). Medians; the ratio is the median of each round's. CPU is that of all
threads. Whoever measures walls closes other programs; `taskset -c 0` in front measures one core.
"""

import argparse
import collections
import functools
import json
import os
import platform
import re
import runpy
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
FAST = ["training=fast"]
BARE = "import time, os\nimport keras\nkept = time.process_time()\nimport mlflow\nprint(kept, time.process_time())"
RIVALS = "runs/.cache/rivals"
_MOST_PACKAGES = 14

Marks = list[tuple[str, float, float]]
"""What ended, and when: seconds since the start, seconds of CPU."""


def main(words: list[str]) -> None:
    """Measure in turn, and print tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--beside", type=Path, help="another checkout of this project")
    parser.add_argument("--whole", action="store_true", help="the whole run instead of its start")
    parser.add_argument("--imports", action="store_true", help="imports by package, instead of phases")
    asked, overrides = parser.parse_known_args(words)
    trees = {"this": PROJECT} | ({"beside": asked.beside.resolve()} if asked.beside else {})
    backend = next((word.partition("=")[2] for word in overrides if word.startswith("backend=")), "tensorflow")
    print(
        f"{time.strftime('%Y-%m-%d')}, {len(os.sched_getaffinity(0))} core(s), Python {platform.python_version()}, ",
        end="",
    )
    print(", ".join(f"{name} {metadata.version(name)}" for name in (backend, "keras", "mlflow", "hydra-core")))
    print(f"benchmarks/startup.py {' '.join(words)}")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "2"}
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), trees, overrides if asked.whole else [*FAST, *overrides], environment)
        bench.warm_up(judge=asked.whole)
        if asked.imports:
            bench.imports()
        elif asked.whole:
            bench.whole(asked.runs)
        else:
            bench.start(asked.runs)


class Bench:
    """Runs in turn.

    Args:
        folder: For everything that is written.
        trees: Name -> checkout.
        overrides: Of train.py.
        environment: Of the runs.
    """

    def __init__(self, folder: Path, trees: dict[str, Path], overrides: list[str], environment: dict[str, str]) -> None:
        self._folder, self._trees, self._overrides, self._environment = folder, trees, overrides, environment
        self._count = 0

    def warm_up(self, *, judge: bool) -> None:
        """A run of each checkout, whose MLflow store and rivals the later ones find."""
        self._bare()
        for name, tree in self._trees.items():
            words = [*self._overrides, "training=fast", f"evaluate={str(judge).lower()}"]
            self._child(tree, [*words, "evaluation.explain_windows=0"], mode="end", folder=self._folder / name)

    def start(self, runs: int) -> None:
        """To the first step, with a store that is there and with a new one."""
        bare: list[tuple[float, float, float]] = []
        found: dict[str, list[Marks]] = collections.defaultdict(list)
        for _ in range(runs):
            bare.append(self._bare())
            for name, tree in self._trees.items():
                found[name].append(self._child(tree, self._overrides, mode="first step", store=self._folder / name))
                found[f"{name}, new store"].append(self._child(tree, self._overrides, mode="first step"))
        keras, cpu, wall = (statistics.median(values) for values in zip(*bare, strict=True))
        print(f"\n{'':24} {'wall':>7} {'CPU':>7}   {'ratio':>11}")
        print(f"{'bare imports':24} {wall:7.2f} {cpu:7.2f}   (CPU: keras {keras:.2f}, mlflow {cpu - keras:.2f})")
        for name, each in found.items():
            walls, cpus = [marks[-1][1] for marks in each], [marks[-1][2] for marks in each]
            of_wall = statistics.median(value / one[2] for value, one in zip(walls, bare, strict=True))
            of_cpu = statistics.median(value / one[1] for value, one in zip(cpus, bare, strict=True))
            line = f"{name:24} {statistics.median(walls):7.2f} {statistics.median(cpus):7.2f}"
            print(f"{line}   {of_wall:.2f} of wall, {of_cpu:.2f} of CPU")
        _print_phases(found)

    def whole(self, runs: int) -> None:
        """To the end of the run, each phase."""
        found: dict[str, list[Marks]] = collections.defaultdict(list)
        for _ in range(runs):
            for name, tree in self._trees.items():
                found[name].append(
                    self._child(tree, self._overrides, mode="end", store=self._folder / name, rivals=True)
                )
        _print_phases(found)

    def imports(self) -> None:
        """Seconds of import by package, before the first step."""
        for name, tree in self._trees.items():
            packages: collections.Counter[str] = collections.Counter()
            place = self._folder / "importtime"
            with place.open("w") as file:
                self._child(tree, self._overrides, mode="first step", store=self._folder / name, imports=file)
            for line in place.read_text().splitlines():
                if one := re.match(r"import time:\s+(\d+) \|\s+\d+ \| \s*([^.\s]+)", line):
                    packages[one[2]] += int(one[1])
            print(f"\n{name}: {sum(packages.values()) / 1e6:.2f} s, interpreter's bookkeeping included")
            for package, microseconds in packages.most_common(_MOST_PACKAGES):
                print(f"  {package:24} {microseconds / 1e6:6.2f}")

    def _bare(self) -> tuple[float, float, float]:
        """CPU of Keras, of Keras and MLflow, and the wall of both."""
        started = time.monotonic()
        words = [sys.executable, "-c", BARE]
        done = subprocess.run(
            words, env=self._environment, cwd=self._folder, check=True, capture_output=True, text=True
        )
        wall = time.monotonic() - started
        keras, both = map(float, done.stdout.split())
        return keras, both, wall

    def _child(
        self,
        tree: Path,
        overrides: list[str],
        *,
        mode: str,
        folder: Path | None = None,
        store: Path | None = None,
        rivals: bool = False,
        imports: Any = None,
    ) -> Marks:
        self._count += 1
        folder = folder or self._folder / f"run{self._count}"
        folder.mkdir(exist_ok=True)
        if store is not None:
            shutil.copy(store / "mlflow.db", folder)
            if rivals:
                shutil.copytree(store / RIVALS, folder / RIVALS)
        out = folder / "marks.json"
        options = ["-X", "importtime"] if imports is not None else []
        words = [
            sys.executable,
            *options,
            __file__,
            "child",
            str(time.monotonic()),
            mode,
            str(tree),
            str(out),
            *overrides,
        ]
        environment = {**self._environment, "PYTHONPATH": f"{tree}{os.pathsep}{tree / 'src'}"}
        with (folder / "log.txt").open("w") as log:
            done = subprocess.run(words, cwd=folder, env=environment, stdout=log, stderr=imports or log, check=False)
        if done.returncode:
            raise SystemExit((folder / "log.txt").read_text()[-2000:])
        return [(str(name), float(wall), float(cpu)) for name, wall, cpu in json.loads(out.read_text())]


def _print_phases(found: dict[str, list[Marks]]) -> None:
    """Medians of what lies between two marks, each run's phases of one name together."""
    names = list(dict.fromkeys(name for each in found.values() for marks in each for name, _, _ in marks))
    print(f"\n{'':34}" + "".join(f"{name:>24}" for name in found))
    print(f"{'':34}" + f"{'wall':>16}{'CPU':>8}" * len(found))
    for phase in [*names, "in all"]:
        columns = []
        for each in found.values():
            taken = [_taken(marks, phase) for marks in each]
            wall, cpu = (statistics.median(values) for values in zip(*taken, strict=True))
            columns.append(f"{wall:16.2f}{cpu:8.2f}")
        print(f"{phase:34}" + "".join(columns))


def _taken(marks: Marks, phase: str) -> tuple[float, float]:
    if phase == "in all":
        return marks[-1][1], marks[-1][2]
    wall = cpu = 0.0
    for (name, ended, used), (_, began, before) in zip(marks, [("", 0.0, 0.0), *marks], strict=False):
        if name == phase:
            wall, cpu = wall + ended - began, cpu + used - before
    return wall, cpu


class Clock:
    """Marks in this process what has ended, and watches functions of others.

    Args:
        started: When the process was asked for.
        mode: "first step" ends it there.
        out: Where the marks are kept.
    """

    def __init__(self, started: float, mode: str, out: Path) -> None:
        self._started, self._mode, self._out = started, mode, out
        self._marks: Marks = []
        self.is_under_way = False

    def mark(self, name: str) -> None:
        """Say what ended just now."""
        self._marks.append((name, time.monotonic() - self._started, time.process_time()))

    def keep(self) -> None:
        """Write the marks."""
        self._out.write_text(json.dumps(self._marks))

    def first_step(self) -> None:
        """Say that an execution has ended."""
        if not self.is_under_way:
            self.is_under_way = True
            self.mark("tracing, first execution")
            if self._mode == "first step":
                self.keep()
                os._exit(0)

    def watch(self, owner: Any, name: str, *, before: str = "", after: str = "") -> None:
        """Mark where a function begins, or ends; one that is not there has no marks."""
        function: Callable[..., Any] | None = getattr(owner, name, None)
        if function is None:
            return

        @functools.wraps(function)
        def watched(*arguments: Any, **named: Any) -> Any:
            if before:
                self.mark(before)
            try:
                return function(*arguments, **named)
            finally:
                if after:
                    self.mark(after)

        setattr(owner, name, watched)


def child(started: str, mode: str, tree: str, out: str, *overrides: str) -> int:
    """Run train.py here, and keep when what ended."""
    clock = Clock(float(started), mode, Path(out))
    clock.mark("interpreter")
    from headway import backend

    load = backend.load

    def load_watched(*arguments: Any, **named: Any) -> str:
        clock.mark("hydra, configuration")
        chosen = load(*arguments, **named)
        clock.mark("keras and its backend")
        _watch_pipeline(clock)
        return chosen

    backend.load = load_watched
    sys.argv = [str(Path(tree) / "train.py"), *overrides]
    code = 0
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as ending:
        code = int(ending.code or 0)
    clock.mark("run ended")
    clock.keep()
    return code


def _watch_pipeline(clock: Clock) -> None:
    import keras

    import headway.pipeline.judging as judging
    import headway.pipeline.training_run as training_run
    from headway import fitting

    clock.mark("Headway's own modules")
    callbacks = keras.callbacks.CallbackList
    record: Any = vars(training_run)["EpochRecord"]
    clock.watch(training_run, "prepared", after="data")
    clock.watch(training_run, "record_start", before="run opened", after="start recorded")
    clock.watch(fitting, "compiled", before="until a network is built", after="network built, compiled")
    call = record.__call__

    def recorded(*arguments: Any, **named: Any) -> None:
        clock.mark("training" if clock.is_under_way else "until a network is built")
        call(*arguments, **named)
        clock.mark("epochs recorded" if clock.is_under_way else "untrained attention recorded")

    record.__call__ = recorded
    clock.watch(callbacks, "on_train_begin", before="until the first batch")
    ended = callbacks.on_train_batch_end

    def batch_ended(*arguments: Any, **named: Any) -> None:
        clock.first_step()
        ended(*arguments, **named)

    callbacks.on_train_batch_end = batch_ended
    clock.watch(training_run, "fit_forecaster", after="calibration")
    clock.watch(training_run, "record_training", after="training recorded")
    clock.watch(training_run, "judge", before="training recorded")
    clock.watch(judging, "judge_forecaster", after="judged")
    clock.watch(judging, "explain", after="attention explained")
    clock.watch(judging, "record_explanation", after="explanation drawn")
    clock.watch(judging, "record_judgement", after="judgement drawn")
    clock.watch(judging, "record_report", after="report")


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        sys.exit(child(*sys.argv[2:]))
    main(sys.argv[1:])
