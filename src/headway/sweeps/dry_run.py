"""What a sweep would run: its children with windows, weights and the time they would take."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from tabulate import tabulate

from headway import backend
from headway.config.train import TrainConfig
from headway.errors import ConfigError
from headway.sweeps.space import words
from headway.sweeps.sweep import Jobs, Sweep

if TYPE_CHECKING:
    from headway.estimate import Estimate

_MOST_ROWS = 100


def show(sweep: Sweep, jobs: Jobs, examples: Sequence[TrainConfig], *, console: Console) -> None:
    """Print what would run; nothing is trained to its end, written or tracked.

    Args:
        sweep: What would be swept.
        jobs: Composes the children.
        examples: Configurations of children: of a search, its corners.
        console: Where.

    Raises:
        DataError: The data cannot be read, or are too small.
    """

    def say(text: str) -> None:
        console.print(text, soft_wrap=True, markup=False)

    if sweep.plan.is_search:
        _show_search(sweep, examples, say)
    else:
        _show_grid(sweep, jobs, say)


def _show_grid(sweep: Sweep, jobs: Jobs, say: Callable[[str], None]) -> None:
    configs: list[TrainConfig | None] = []
    refused: list[str] = []
    for overrides in sweep.plan.points:
        try:
            configs.append(jobs.settings_of(overrides))
            refused.append("")
        except ConfigError as error:
            configs.append(None)
            refused.append(" ".join(error.messages))
    found = iter(_estimates(sweep, [config for config in configs if config is not None]))
    rows, total = [], 0.0
    for number, (overrides, config) in enumerate(zip(sweep.plan.points, configs, strict=True)):
        if config is None:
            rows.append([number, " ".join(overrides), "refused, see below"])
            continue
        estimate = next(found)
        total += estimate.seconds
        counts = " / ".join(f"{count:,}" for count in estimate.windows.values())
        rows.append([number, " ".join(overrides), counts, f"{estimate.weights:,}", duration(estimate.seconds)])
    header = ["", "settings", "windows (train / validation / test)", "weights", "training, about"]
    say(tabulate(rows[:_MOST_ROWS], headers=header, disable_numparse=True))
    if len(rows) > _MOST_ROWS:
        say(f"and {len(rows) - _MOST_ROWS} more")
    for words_of_refusal in dict.fromkeys(filter(None, refused)):
        say(f"refused: {words_of_refusal}")
    say(
        f"\n{sum(config is not None for config in configs)} children would run, {_at_once(sweep)}: about {duration(_side_by_side(sweep, total, len(rows)))} of training"
    )


def _show_search(sweep: Sweep, examples: Sequence[TrainConfig], say: Callable[[str], None]) -> None:
    say(
        tabulate([[key, words(dimension)] for key, dimension in sweep.plan.dimensions.items()], headers=["key", "from"])
    )
    found = _estimates(sweep, examples)
    counts = " / ".join(f"{count:,}" for count in found[0].windows.values())
    sizes = [estimate.weights for estimate in found]
    times = [estimate.seconds for estimate in found]
    say(f"\nwindows (train / validation / test): {counts}")
    say(f"weights at the corners of the space: {min(sizes):,} to {max(sizes):,}")
    low, high = (_side_by_side(sweep, time * sweep.plan.total, sweep.plan.total) for time in (min(times), max(times)))
    say(
        f"{sweep.plan.total} trials by {sweep.spec.sampler}, pruned by {sweep.pruner}, {_at_once(sweep)}: "
        f"about {duration(low)} to {duration(high)} of training if nothing is pruned"
    )


def _estimates(sweep: Sweep, configs: Sequence[TrainConfig]) -> "list[Estimate]":
    backend.load(configs[0].backend, threads=sweep.threads)
    # Here because Keras takes seconds to load.
    from headway.estimate import estimates

    return estimates(configs, project=sweep.project)


def _at_once(sweep: Sweep) -> str:
    return "one after the other" if sweep.side_by_side == 1 else f"{sweep.side_by_side} at a time"


def _side_by_side(sweep: Sweep, seconds: float, jobs: int) -> float:
    return seconds / max(1, min(sweep.side_by_side, jobs))


def duration(seconds: float) -> str:
    """Seconds for a reader: "40 s", "12 min", "3.5 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
