"""What a search may choose from, one dimension per key."""

from collections.abc import Sequence
from dataclasses import dataclass

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from headway.errors import ConfigError

Value = str | int | float


@dataclass(frozen=True)
class Choice:
    """One of some values.

    Attributes:
        texts: How each is written in an override; texts alone, because 1, 1.0 and true are equal to Python and to Optuna.
    """

    texts: tuple[str, ...]


@dataclass(frozen=True)
class Span:
    """A number between two others, both included.

    Attributes:
        low, high: The ends.
        step: Between neighbours, or None for every number (every whole one, if both ends are whole).
        log: Whether the search goes by ratios.
    """

    low: float
    high: float
    step: float | None = None
    log: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether only whole numbers are meant: all numbers that were written are."""
        return all(isinstance(number, int) for number in (self.low, self.high, self.step or 1))


Dimension = Choice | Span


def distribution(key: str, dimension: Dimension) -> BaseDistribution:
    """What Optuna samples from.

    Raises:
        ConfigError: The dimension holds nothing, or what cannot be sampled.
    """
    if isinstance(dimension, Choice):
        if not dimension.texts:
            raise ConfigError(f"{key}: nothing to choose from")
        return CategoricalDistribution(dimension.texts)
    low, high = dimension.low, dimension.high
    if low > high:
        raise ConfigError(f"{key}: from {low:g} to {high:g} there is nothing; the lower end comes first")
    if dimension.log and low <= 0:
        raise ConfigError(f"{key}: a logarithmic interval begins above 0, got {low:g}")
    if dimension.log and dimension.step is not None:
        raise ConfigError(f"{key}: tag(log, ...) goes with interval, not with range")
    if dimension.is_whole:
        return IntDistribution(int(low), int(high), step=int(dimension.step or 1), log=dimension.log)
    return FloatDistribution(low, high, step=dimension.step, log=dimension.log)


def override(key: str, dimension: Dimension, value: Value) -> str:
    """How a sampled value is written on a command line."""
    if isinstance(dimension, Choice):
        return f"{key}={value}"
    # Six digits are more than any search can tell apart, and a command that a person can read and repeat.
    return f"{key}={value}" if isinstance(value, int) else f"{key}={float(f'{value:.6g}')!r}"


def words(dimension: Dimension) -> str:
    """The dimension for a reader."""
    if isinstance(dimension, Choice):
        return ", ".join(dimension.texts)
    step = f", step {dimension.step:g}" if dimension.step is not None else ""
    return f"{dimension.low:g} to {dimension.high:g}{' (log)' if dimension.log else ''}{step}"


def fixed(points: Sequence[Sequence[str]]) -> list[dict[str, str]]:
    """Grid points as parameters: key -> text, of the keys that differ between points."""
    pairs = [{key: value for key, _, value in (text.partition("=") for text in point)} for point in points]
    keys = [key for key in (pairs[0] if pairs else {}) if len({point.get(key) for point in pairs}) > 1]
    return [{key.lstrip("+~"): point[key] for key in keys} for point in pairs]
