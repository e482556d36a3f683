"""What each of Hydra's launchers needs, and how many jobs it runs at once."""

import os
import signal

import joblib
from hydra.plugins.launcher import Launcher
from omegaconf import DictConfig, OmegaConf

_MOST_AT_ONCE = 8
"""Jobs of a search that are handed to a cluster at a time, where `sweep.batch` says nothing."""


def complete(launcher: DictConfig) -> None:
    """Set what Hydra's launcher of Ray leaves open, as far as the user does; to be called within `open_dict`."""
    if kind_of(launcher) != "RayLauncher":
        return
    # The study counts the jobs that were lost and tries them again, alone; Ray would start them at once and beside others.
    launcher.ray.remote.setdefault("max_retries", 0)
    # Nothing is told to anybody unless the user says so.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")


def start_ray(launcher: Launcher) -> None:
    """Start or join Ray as the user says; its launcher would add a size of memory, which Ray refuses where it joins a cluster."""
    from hydra_plugins.hydra_ray_launcher._launcher_util import start_ray

    start_ray(launcher.ray_cfg.init)
    # Ray takes SIGTERM over, and would die of it without a word to the study. Of what a handler raises it lets KeyboardInterrupt pass.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def kind_of(launcher: DictConfig) -> str:
    """The launcher's class by name."""
    return str(launcher._target_).rpartition(".")[2]


def at_once(config: DictConfig, points: int | None) -> tuple[int, int, int | None]:
    """Jobs the launcher is handed at a time, jobs it runs at once, and threads of each; None leaves them as they are."""
    launcher = config.hydra.launcher
    kind = kind_of(launcher)
    cores: int = joblib.cpu_count()
    if kind == "BasicLauncher":
        return 1, 1, None
    if kind == "JoblibLauncher":
        asked = int(launcher.n_jobs)
        processes = max(1, cores + 1 + asked if asked < 0 else asked)
        processes = min(processes, points or processes)
        return points or processes, processes, max(1, cores // processes)
    if kind == "LocalLauncher":  # every job of a batch is a process at once
        processes = min(cores, points or cores)
        return processes, processes, max(1, cores // processes)
    many = points or _MOST_AT_ONCE
    if kind == "SlurmLauncher":
        return many, many, launcher.cpus_per_task
    if kind == "RayLauncher":
        share = OmegaConf.select(launcher, "ray.remote.num_cpus") or 1
        return many, many, max(1, int(share))
    return many, many, None
