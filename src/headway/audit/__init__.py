"""An audit for leaks: what must not matter is changed in the user's own file, and what moves is told.

The file is perturbed, goes through the pipeline's own functions, and arrays are compared. What an audit
cannot see is told in its last line: a column that knows the future by its meaning, and what the
configuration declares to be known in advance.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tabulate import tabulate

from headway.audit.company import order_is_indifferent
from headway.audit.file_rows import windows_are_rows
from headway.audit.later_rows import choosing, training
from headway.audit.origins import forecasting_from
from headway.audit.subject import Subject
from headway.audit.tallies import Tallies
from headway.audit.targets import targets_are_apart
from headway.config.train import TrainConfig
from headway.forecaster import Forecaster

log = logging.getLogger(__name__)

Property = Callable[[Subject, Tallies], None]
PERTURBED: Mapping[str, Property] = {
    "rows after the training border change nothing that training sees": training,
    "rows after the validation border change nothing that chooses weights or calibration": choosing,
    "rows after an origin change nothing that its forecast is made from": forecasting_from,
    "order in the file and company in a batch change nothing": order_is_indifferent,
}
MADE_AGAIN: Mapping[str, Property] = {
    "every window is the file's rows at the clock's times, scaled by training rows": windows_are_rows,
    "targets lie in time order, each in one split": targets_are_apart,
}
PROPERTIES: Mapping[str, Property] = {**PERTURBED, **MADE_AGAIN}


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    Attributes:
        text: What was compared and what moved, as a table.
        leaks: A line for every leak; empty where there is none.
    """

    text: str
    leaks: list[str]


def audit_leaks(config: TrainConfig, forecaster: Forecaster, *, project: Path) -> Audit:
    """Audit the pipeline on a run's own file and configuration.

    Args:
        config: Of the run.
        forecaster: Of the run.
        project: Folder in which shipped data are found.

    Returns:
        The audit.

    Raises:
        DataError: If the file cannot be read as what the configuration says.
    """
    subject = Subject.read(config, forecaster, project=project)
    sections, leaks, values = [], [], 0
    for number, (words, check) in enumerate(PROPERTIES.items(), 1):
        started = time.monotonic()
        tallies = Tallies() if words in PERTURBED else Tallies(nothing="nothing differs", verb="differ")
        check(subject, tallies)
        moved = tallies.moved()
        log.info(
            "audit %d of %d: %s: %s, %.1f s",
            number,
            len(PROPERTIES),
            words,
            f"{tallies.values:,} values, {f'{len(moved)} things {tallies.verb}' if moved else tallies.nothing}",
            time.monotonic() - started,
        )
        sections.append(_section(number, words, tallies))
        leaks += [f"audit=leaks: property {number} does not hold: {one}" for one in moved]
        values += tallies.values
    return Audit("\n\n".join([*sections, _summary(leaks, values, config)]), leaks)


def _section(number: int, words: str, tallies: Tallies) -> str:
    table = tabulate(tallies.rows(), tablefmt="plain", colalign=("left", "right", "left"))
    left_out = [f"not compared: {reason}" for reason in tallies.left_out]
    return "\n".join([f"{number}. {words}", *(f"   {line}" for line in [*table.splitlines(), *left_out])])


def _summary(leaks: list[str], values: int, config: TrainConfig) -> str:
    known = ", ".join(config.dataset.known_future)
    declared = f" {known}: known in advance as the configuration says." if known else ""
    found = f"{len(leaks)} {'leak' if len(leaks) == 1 else 'leaks'} found" if leaks else "no leak found"
    return (
        f"{found}: {len(PROPERTIES)} properties, {values:,} values compared.{declared} "
        "No audit can tell whether a column of the file was itself written with hindsight."
    )
