"""What an entry script tells its user."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Outcome:
    """What an entry script tells its user.

    Attributes:
        run_id: The run's id.
        text: Tables and sentences for the terminal.
        link: Address of the run in the MLflow UI, or None.
        unmet: What was required of the result and does not hold, in words.
        metrics: What a training ended with, or the scores of a judged run, by path.
        headline: The text in one sentence; empty where nothing was judged.
    """

    run_id: str
    text: str
    link: str | None
    unmet: tuple[str, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    headline: str = ""
