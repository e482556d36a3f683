"""Trainings in turn, or side by side in processes of their own, which end when their parent does."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing

import joblib

from headway.backtest.worker import Job, work
from headway.errors import Interrupted
from headway.training.precision import Device

_CORES_A_PROCESS = 2


def number_of(asked: int | None, jobs: int, *, on: Device) -> int:
    """Processes for some jobs: as many as asked for, else one per two cores; one on a GPU, whose memory it takes."""
    cores: int = joblib.cpu_count()  # that this process may use; a container's share of a machine is less than all
    return min(asked or (1 if on.is_gpu else max(1, cores // _CORES_A_PROCESS)), jobs)


def run_all(jobs: Sequence[Job], *, processes: int) -> Iterator[tuple[int, float]]:
    """Run all jobs; yields the number of every origin as it is there, and the seconds it took.

    Raises:
        Interrupted: If the system ended a process.
    """
    if processes <= 1:
        yield from (done for job in jobs for done in work(job))
        return
    threads = max(1, joblib.cpu_count() // processes)
    # TensorFlow reads this when a process loads it; the parent has loaded it already.
    os.environ["TF_NUM_INTRAOP_THREADS"] = os.environ["TF_NUM_INTEROP_THREADS"] = str(threads)
    with joblib.parallel_config(backend="loky", n_jobs=processes, inner_max_num_threads=threads):
        results = joblib.Parallel(return_as="generator_unordered")(joblib.delayed(work)(job) for job in jobs)
    try:
        with closing(results):
            for result in results:
                yield from result
    except BrokenProcessPool:
        raise Interrupted(
            f"the system ended one of {processes} processes, as it does when memory runs out; backtest.processes=1 needs least"
        ) from None
