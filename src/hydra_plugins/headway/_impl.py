"""From a command line to a sweep of plain values, and from a trial back to a job of Hydra's launcher."""

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn, JobStatus
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf, open_dict
from rich.console import Console

from headway.config.naming import is_of_the_start, is_of_the_sweep
from headway.config.private import refuse_secrets
from headway.config.spec import Spec
from headway.config.sweep import SweepSpec, TrainCommand
from headway.config.train import TrainConfig
from headway.config.validate import takes_whole_numbers, validate
from headway.data.columns import check_header
from headway.errors import ConfigError, DataError, HeadwayError, Interrupted
from headway.identity import code_version
from headway.redaction import redacted
from headway.sweeps import dry_run, judge
from headway.sweeps import sweep as sweeps
from headway.sweeps.plan import Plan
from headway.sweeps.space import Choice, Dimension, Span, distribution
from headway.sweeps.storage import shown
from headway.sweeps.study import name_of_grid
from headway.sweeps.ticket import Ticket
from headway.tracking import uri
from hydra_plugins.headway import _launchers as launchers

log = logging.getLogger(__name__)

_FOLDER = Path("runs/sweeps")
_MOST_NUMBERS = 100_000

# What may change between two commands of the same sweep.
_CHANGEABLE = (
    "n_trials",
    "time_budget",
    "batch",
    "threads",
    "retries",
    "skip_finished",
    "dry_run",
    "evaluate_best",
    "name",
)


def sweep(arguments: Sequence[str], *, context: HydraContext, task: TaskFunction, config: DictConfig) -> None:
    """Run the sweep of a command line.

    Args:
        arguments: The overrides that were typed, without Hydra's own.
        context, task, config: As Hydra hands them to a sweeper.

    Raises:
        ConfigError: What was typed makes no sweep.
        SweepError: A child failed.
        Interrupted: The user ended it.
    """
    for talkative in ("headway", "hydra", "hydra_plugins"):  # what one run says is noise when twenty say it
        logging.getLogger(talkative).setLevel(logging.WARNING)
    spec = _settings(config)
    _refuse_written_passwords(config, spec)
    overrides = _parse([f"{key}={value}" for key, value in spec.space.items()], context) | _parse(arguments, context)
    swept = {key: override for key, override in overrides.items() if override.is_sweep_override()}
    constants = [override.input_line or "" for override in overrides.values() if not override.is_sweep_override()]
    _refuse(swept, overrides)
    is_search = spec.kind == "search" or any(override.is_interval_sweep() for override in swept.values())
    if is_search and spec.kind == "grid":
        raise ConfigError(
            "sweep.kind=grid: an interval has no list of values; use choice or range, or sweep.kind=search"
        )
    if is_search and not swept:
        raise ConfigError(
            "a search needs something to choose from; for example model.dropout='interval(0, 0.3)' or hparams_search=optuna"
        )
    project = next(
        Path(source.path).parent for source in config.hydra.runtime.config_sources if source.provider == "main"
    )
    jobs = _Jobs(context, task, config, constants, project=project)
    seed, epochs = int(config.seed), int(config.training.epochs)
    plan = Plan(
        dimensions={key: _dimension(key, override) for key, override in swept.items()} if is_search else {},
        constants=[text for text in constants if not is_of_the_sweep(text)],
        points=[] if is_search else _points(swept),
        n_trials=spec.n_trials,
        sampler=spec.sampler,
        seed=seed,
        objectives=spec.objectives,
        retries=spec.retries,
    )
    examples = jobs.check(plan)
    pruner = spec.pruner if spec.pruner != "auto" else "asha" if is_search and len(spec.objectives) == 1 else "none"
    name = spec.name if spec.name != "auto" else _name(plan, spec)
    if spec.name == "auto" and not plan.is_search and not spec.dry_run:
        name = name_of_grid(name, storage=spec.storage, sweeps=_FOLDER)
    batch, side_by_side, threads = launchers.at_once(config, len(plan.points) or None)
    job = sweeps.Sweep(
        name=name,
        folder=_FOLDER / name,
        spec=spec,
        plan=plan,
        pruner=pruner,
        command=["python", "train.py", "-m", *map(_without_password, _typed(config, arguments))],
        shared=[text for text in plan.constants if not text.startswith("tracking")],
        tracking=examples[0].tracking,
        epochs=epochs,
        batch=spec.batch or batch,
        side_by_side=min(side_by_side, spec.batch or side_by_side),
        threads=spec.threads or threads,
        project=project,
    )
    console = Console(highlight=False)
    if spec.dry_run:
        dry_run.show(job, jobs, examples, console=console)
        return
    jobs.open(job.folder)
    sweeps.run(job, jobs, judge=judge.of(examples[0], project=project), console=console)


class _Sweep(Spec):
    """The sweep group alone, under its own name."""

    sweep: SweepSpec


class _Jobs:
    """Children as Hydra composes them and its launcher starts them."""

    def __init__(
        self,
        context: HydraContext,
        task: TaskFunction,
        config: DictConfig,
        constants: Sequence[str],
        *,
        project: Path,
    ) -> None:
        self._context, self._task, self._config = context, task, config
        self._constants, self._project = list(constants), project

    def settings_of(self, overrides: Sequence[str]) -> TrainConfig:
        """The validated configuration of a child.

        Raises:
            ConfigError: It is refused.
        """
        composed = self._context.config_loader.load_sweep_config(self._config, [*self._constants, *overrides])
        with open_dict(composed):
            del composed["hydra"]
        plain = OmegaConf.to_container(composed, resolve=True)
        refuse_secrets(plain)
        return validate(plain, TrainCommand).config

    def check(self, plan: Plan) -> list[TrainConfig]:
        """Refuse what no child could be trained with, before anything is made; returns those that can be.

        Of a grid every child is looked at, of a search its corners.

        Raises:
            ConfigError, DataError: Every child is refused.
        """
        for key, dimension in plan.dimensions.items():
            distribution(key, dimension)
        good, refused = [], dict[str, HeadwayError]()
        for overrides in plan.points or _corners(plan.dimensions):
            try:
                config = self.settings_of(overrides)
                check_header(config.dataset, project=self._project)
                good.append(config)
            except (ConfigError, DataError) as error:
                refused |= dict.fromkeys(error.messages, error)
        if not good:
            raise type(next(iter(refused.values())))(*list(refused)[:10])
        return good

    def open(self, folder: Path) -> None:
        """Make the launcher; its own files go into the sweep's folder."""
        self._folder = str(folder.absolute())
        # Launchers keep their jobs here, and in them the address of the storage, perhaps with a password.
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with open_dict(self._config):
            self._config.hydra.sweep.dir = self._folder
            launchers.complete(self._config.hydra.launcher)
        self._launcher = Plugins.instance().instantiate_launcher(
            hydra_context=self._context, task_function=self._task, config=self._config
        )

    def launch(self, jobs: Sequence[tuple[Ticket, Sequence[str]]], *, first: int) -> None:
        """Run jobs to their ends.

        Raises:
            Interrupted: The user wants all of it to end.
        """
        folder = self._folder.replace("'", r"\'")
        lists = [
            [
                *self._constants,
                *overrides,
                f"hydra.sweep.dir='{folder}'",
                f"hydra.sweeper.ticket={ticket.encode()}",
            ]
            for ticket, overrides in jobs
        ]
        if launchers.kind_of(self._config.hydra.launcher) == "RayLauncher":
            launchers.start_ray(self._launcher)
        returned: Sequence[JobReturn] = self._launcher.launch(lists, initial_job_idx=first)
        for job in returned:
            if job.status != JobStatus.FAILED:
                continue
            if isinstance(job._return_value, Interrupted):
                raise job._return_value
            log.warning("a job ended before it could tell its trial how: %r", job._return_value)


def _settings(config: DictConfig) -> SweepSpec:
    """The sweep group, checked before anything else is."""
    return validate({"sweep": OmegaConf.to_container(config.sweep, resolve=True)}, _Sweep).sweep


def _parse(arguments: Sequence[str], context: HydraContext) -> dict[str, Override]:
    parser = OverridesParser.create(config_loader=context.config_loader)
    # Without the + of an addition: what is typed with it replaces the same key of a search space, too.
    return {override.get_key_element().lstrip("+"): override for override in parser.parse_overrides(list(arguments))}


def _refuse(swept: Mapping[str, Override], overrides: Mapping[str, Override]) -> None:
    """What no sweep may do: look at the test split in its children, or change itself from child to child."""
    for key, override in overrides.items():
        if getattr(override.value(), "shuffle", False):
            raise ConfigError(
                f"{override.input_line}: a sweep keeps its order, so that the same command goes on where it was; "
                "leave shuffle out"
            )
        name = key.lstrip("+")
        if name == "evaluate" and (key in swept or override.value() is True):
            raise ConfigError(
                f"{override.input_line}: the children of a sweep never look at the test split; "
                "sweep.evaluate_best=true judges the winner once, at the end"
            )
        if is_of_the_start(override.input_line or ""):
            raise ConfigError(
                f"{override.input_line}: goes on with a single run; a sweep goes on by itself when its command is typed again"
            )
        if key in swept and (name.startswith(("sweep.", "tracking")) or name == "hparams_search"):
            raise ConfigError(f"{override.input_line}: one sweep has one value of {name}; give one")


def _points(swept: Mapping[str, Override]) -> list[list[str]]:
    """Hydra's own grid: every combination, the last key fastest."""
    from hydra._internal.core_plugins.basic_sweeper import BasicSweeper

    (points,) = BasicSweeper.split_arguments(list(swept.values()), None)
    return points


def _dimension(key: str, override: Override) -> Dimension:
    """What a search chooses from, in plain values.

    Raises:
        ConfigError: It says nothing that can be searched.
    """
    value = override.value()
    if isinstance(value, IntervalSweep):
        low, high = value.start, value.end
        if low is None or high is None:
            raise ConfigError(f"{override.input_line}: an interval has two ends")
        if takes_whole_numbers(TrainConfig, key.lstrip("+")) and float(low).is_integer() and float(high).is_integer():
            low, high = int(low), int(high)  # Hydra makes every end of an interval a decimal number
        return Span(low, high, log="log" in value.tags)
    if isinstance(value, RangeSweep):
        start, step = value.start, value.step
        if start is None or value.stop is None or step <= 0:
            raise ConfigError(f"{override.input_line}: a range to search goes up: range(start, stop, step)")
        return Span(start, _last(value, override.input_line), step=step, log="log" in value.tags)
    return Choice(tuple(override.sweep_string_iterator()))


def _last(span: RangeSweep, typed: str | None) -> float:
    """The last number that Hydra's own range holds; less than the first where it holds none."""
    numbers = span.range()
    if isinstance(numbers, range):
        return numbers[-1] if numbers else numbers.start - 1
    last = float(span.start or 0) - 1
    for count, number in enumerate(numbers):
        if count == _MOST_NUMBERS:
            raise ConfigError(f"{typed}: more than {_MOST_NUMBERS:,} numbers; an interval has no steps")
        last = round(number, 12)  # it adds up: 0.3 + 0.3 + 0.3 is 0.8999999999999999
    return last


def _corners(dimensions: Mapping[str, Dimension]) -> list[list[str]]:
    """The first of everything, and the last of everything."""
    ends = [
        (dimension.texts[0], dimension.texts[-1]) if isinstance(dimension, Choice) else (dimension.low, dimension.high)
        for dimension in dimensions.values()
        if not (isinstance(dimension, Choice) and not dimension.texts)
    ]
    return [[f"{key}={end[place]}" for key, end in zip(dimensions, ends, strict=False)] for place in (0, 1)]


def _name(plan: Plan, spec: SweepSpec) -> str:
    """A name from what was typed; a grid is another one after a change of the code, a search goes on."""
    keys = list(plan.dimensions) or list(
        dict.fromkeys(text.partition("=")[0] for point in plan.points for text in point)
    )
    leaves = [key.rpartition(".")[2].lstrip("+~") for key in keys]
    words = "-".join(leaves[:3]) + (f"-and-{len(leaves) - 3}-more" if len(leaves) > 3 else "")
    kept = {name: value for name, value in spec.model_dump(mode="json").items() if name not in _CHANGEABLE}
    parts = [
        sorted(plan.constants),
        [str(plan.dimensions), plan.points],
        kept,
        None if plan.is_search else code_version(),
    ]
    return f"{words or 'sweep'}-{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:8]}"


def _typed(config: DictConfig, arguments: Sequence[str]) -> list[str]:
    return [*(text for text in config.hydra.overrides.hydra if not text.startswith("hydra.mode")), *arguments]


def _without_password(override: str) -> str:
    key, _, value = str(override).partition("=")
    if key.lstrip("+") == "sweep.storage":
        return f"{key}={shown(value.strip(chr(39) + chr(34)))}"
    if key.lstrip("+") == "tracking.uri":
        return f"{key}={uri.shown(value)}"
    return redacted(str(override))


def _refuse_written_passwords(config: DictConfig, spec: SweepSpec) -> None:
    """Refuse a password that a launcher would write into a file with each of its jobs."""
    if launchers.kind_of(config.hydra.launcher) not in ("LocalLauncher", "SlurmLauncher"):
        return
    # The storage goes to a job as it is, all else as it was written: what is looked up is looked up there.
    texts = {"sweep.storage": spec.storage, "tracking.uri": str(OmegaConf.to_container(config.tracking)["uri"])}  # type: ignore[call-overload,index]
    wrong = [key for key, text in texts.items() if redacted(text) != text]
    if wrong:
        raise ConfigError(
            f"{wrong[0]}: holds a password, and the jobs of this launcher are files; leave it out of the address and "
            "give it by PGPASSWORD or ~/.pgpass, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
        )
