"""Hydra's own part of a configuration, looked at before Hydra makes anything of it.

Hydra calls what `_target_` names under `hydra.callbacks` and inside of a launcher's settings, and what a logging
configuration names, and it makes the folders it is told to. A yaml file that somebody sent must have none of these powers.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from pathlib import Path
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from omegaconf import DictConfig, OmegaConf

from headway.errors import ConfigError

_PLUGINS = ("hydra._internal.core_plugins.", "hydra_plugins.")
_SHIPPED = ("BasicLauncher", "JoblibLauncher", "LocalLauncher", "SlurmLauncher", "RayLauncher")
_FOLDERS = (Path("runs"), Path("multirun"))  # the second is what Hydra means where nobody says anything
# Settings of launchers that become commands or code of other processes: for those who type them alone.
_POWERFUL = ("setup", "python", "additional_parameters", "srun_args", "runtime_env", "env_vars", "exclude", "comment")


def checked(task: Callable[[], object]) -> Callable[[], object]:
    """A task of Hydra that ends with a ConfigError where a file of its configuration asks for more than settings.

    Args:
        task: The function that Hydra wraps.
    """

    @wraps(task)
    def run() -> object:
        load = ConfigLoaderImpl.load_configuration

        @wraps(load)
        def load_checked(*arguments: Any, **named: Any) -> DictConfig:
            config = load(*arguments, **named)
            refuse_powers(config)
            return config

        ConfigLoaderImpl.load_configuration = load_checked
        try:
            return task()
        finally:
            ConfigLoaderImpl.load_configuration = load

    return run


def refuse_powers(config: DictConfig) -> None:
    """Refuse what would call something or write outside of the folder of all runs.

    Args:
        config: As Hydra composed it.

    Raises:
        ConfigError: With one message for each.
    """
    hydra: Any = OmegaConf.to_container(config.hydra, resolve=False)
    found = [f"{key}: names code to call; a configuration holds settings alone: remove it" for key in _targets(hydra)]
    found += [
        f"hydra.{name}: sets logging up, which can call code and write files; leave it at none"
        for name in ("job_logging", "hydra_logging")
        if {"handlers", "formatters", "filters", "loggers"} & {*(hydra[name] or {})}
    ]
    if hydra["callbacks"]:
        found.append("hydra.callbacks: runs code beside the training; remove it")
    fixed: dict[str, tuple[object, ...]] = {
        "hydra.run.dir": (".",),
        "hydra.output_subdir": (None,),
        "hydra.job.chdir": (None, False),
        "hydra.job.env_set": ({},),
        "hydra.job.env_copy": ([],),
    }
    for key, allowed in fixed.items():
        value = OmegaConf.select(config, key)
        if value not in allowed:
            found.append(
                f"{key}={str(value)[:80]}: a run's folder and process are its own matter; leave it at {allowed[0]}"
            )
    folder, below = str(OmegaConf.select(config, "hydra.sweep.dir") or "."), str(hydra["sweep"]["subdir"] or ".")
    if ".." in Path(folder).parts or not any(
        Path(folder).absolute().is_relative_to(one.absolute()) for one in _FOLDERS
    ):
        found.append(f"hydra.sweep.dir={folder[:200]}: a sweep keeps its files in {_FOLDERS[0]}/; leave it out")
    if below not in (".", "${hydra.job.num}"):
        found.append(f"hydra.sweep.subdir={below[:200]}: a sweep keeps its files in its own folder; leave it out")
    if found:
        raise ConfigError(*dict.fromkeys(found))


def _targets(hydra: Mapping[str, Any]) -> Iterator[str]:
    """Keys that name code, but for the launchers and the sweeper that are shipped."""
    for group in ("launcher", "sweeper"):
        name = str((hydra[group] or {}).get("_target_", ""))
        is_known = group == "sweeper" or name.rpartition(".")[2] in _SHIPPED
        if not (name.startswith(_PLUGINS) and is_known):
            yield f"hydra.{group}._target_={name[:80]}"
    typed = [word.lstrip("+~").partition("=")[0] for word in sys.argv[1:]]
    for key, value in _inside({name: one for name, one in hydra.items() if name != "callbacks"}, "hydra"):
        name = key.rpartition(".")[2]
        if name in ("_target_", "()") and key not in ("hydra.launcher._target_", "hydra.sweeper._target_"):
            yield key
        elif key.startswith("hydra.launcher.") and value not in (None, {}, [], "") and name in _POWERFUL:
            if not any(f"{key}.".startswith(f"{word}.") for word in typed):
                yield key
        elif key.startswith("hydra.launcher.") and isinstance(value, str) and not value.isprintable():
            yield key


def _inside(value: object, key: str) -> Iterator[tuple[str, object]]:
    yield key, value
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from _inside(one, f"{key}.{name}")
    elif isinstance(value, list):
        for one in value:
            yield from _inside(one, key)
