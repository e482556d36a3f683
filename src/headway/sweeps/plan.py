"""What a sweep is to do: what to choose from or which points to visit, how many, and by what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from optuna.distributions import BaseDistribution, CategoricalDistribution

from headway.sweeps.space import Dimension, distribution, fixed


@dataclass(frozen=True)
class Plan:
    """What a sweep is to do.

    Attributes:
        dimensions: Key -> what a search chooses from; empty for a grid.
        constants: Overrides that all children share.
        points: The overrides of every point of a grid; empty for a search.
        n_trials: Trials of a search.
        sampler: What chooses.
        seed: What its draws derive from.
        objectives: What is minimised.
        retries: How often a lost trial is tried again.
    """

    dimensions: Mapping[str, Dimension]
    constants: Sequence[str]
    points: Sequence[Sequence[str]]
    n_trials: int
    sampler: str
    seed: int
    objectives: Sequence[str]
    retries: int

    @property
    def is_search(self) -> bool:
        """Whether trials are chosen one after the other instead of listed."""
        return not self.points

    @property
    def total(self) -> int:
        """How many trials the sweep has when it is done."""
        return self.n_trials if self.is_search else len(self.points)


@dataclass(frozen=True)
class Assignment:
    """A trial to run.

    Attributes:
        number: Of the trial.
        overrides: What makes it differ from its siblings.
        alone: Whether it runs alone, because its process was lost before.
    """

    number: int
    overrides: tuple[str, ...]
    alone: bool


def distributions_of(plan: Plan) -> dict[str, BaseDistribution]:
    """What Optuna samples from, or finds the values of a grid in."""
    if plan.is_search:
        return {key: distribution(key, dimension) for key, dimension in plan.dimensions.items()}
    values = fixed(plan.points)
    return {
        key: CategoricalDistribution(list(dict.fromkeys(point[key] for point in values)))
        for key in (values[0] if values else {})
    }
