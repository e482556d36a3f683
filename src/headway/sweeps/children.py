"""The children of a sweep as rows: what each was, how it did, and which one won."""

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from optuna.trial import FrozenTrial, TrialState
from tabulate import tabulate

from headway.sweeps import study
from headway.sweeps.study import Study

_STATES = {
    TrialState.WAITING: "waiting",
    TrialState.RUNNING: "running",
    TrialState.COMPLETE: "finished",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}
_SORTED = ("finished", "pruned", "running", "waiting", "failed")
_LONGEST_ERROR = 80


@dataclass(frozen=True)
class Row:
    """One child.

    Attributes:
        number: Of its trial.
        state: "waiting", "running", "finished", "pruned" or "failed".
        parameters: Key -> value as written, of what differs between siblings.
        curve: Epoch -> validation error.
        metrics: What it ended with, by path.
        values: Its objectives.
        seconds: From its start to its end, or None.
        run, mlflow_run: Its ids, or None.
        task: The same for children whose scores can be compared.
        error: Why it failed, or None.
        reused: Whether an earlier run stands for it.
    """

    number: int
    state: str
    parameters: Mapping[str, str]
    curve: Mapping[int, float]
    metrics: Mapping[str, float]
    values: tuple[float, ...]
    seconds: float | None
    run: str | None
    mlflow_run: str | None
    task: str
    error: str | None
    reused: bool

    @property
    def score(self) -> float | None:
        """The validation error; of a child that was pruned, the last it reported."""
        if self.state == "finished":
            return self.metrics.get("validation/best_error")
        return self.curve[max(self.curve)] if self.state in ("pruned", "running") and self.curve else None

    @property
    def epochs(self) -> int:
        """Epochs it trained; none where an earlier run stands for it."""
        return 0 if self.reused else max(self.curve, default=0)


def rows_of(sweep: Study) -> list[Row]:
    """All children, in the order of their trials."""
    return [_row(trial) for trial in sweep.trials]


def best_of(rows: Sequence[Row]) -> Row | None:
    """The finished child with the lowest validation error; None if there is none, or if they forecast different things."""
    finished = [row for row in rows if row.state == "finished" and row.score is not None]
    if len({row.task for row in finished}) > 1:
        return None
    return min(finished, key=lambda row: (row.score, row.number), default=None)


def ranked(rows: Sequence[Row]) -> list[Row]:
    """The finished ones first, each group by its error."""
    return sorted(
        rows, key=lambda row: (_SORTED.index(row.state), math.inf if row.score is None else row.score, row.number)
    )


def table(rows: Sequence[Row], *, style: str = "simple", most: int | None = None) -> str:
    """The children as a table, best first.

    Args:
        rows: The children.
        style: Of tabulate.
        most: Rows shown; the rest is counted.
    """
    keys = list(dict.fromkeys(key for row in rows for key in row.parameters))
    shown = ranked(rows)[:most]
    cells = [
        [
            row.number,
            *(short(row.parameters.get(key, "")) for key in keys),
            None if row.score is None else f"{row.score:.4g}",
            _state(row),
            row.epochs or None,
            None if row.seconds is None or row.reused else f"{row.seconds:.0f} s",
            row.run or "",
        ]
        for row in shown
    ]
    header = ["trial", *(key.rpartition(".")[2] for key in keys), "validation error", "state", "epochs", "time", "run"]
    text = tabulate(cells, headers=header, tablefmt=style, disable_numparse=True)
    return text + (f"\n\n{len(rows) - len(shown)} more in trials.csv" if len(shown) < len(rows) else "")


def counts(rows: Sequence[Row]) -> str:
    """How many children ended how: "12 finished, 3 pruned, 1 failed"."""
    states = [row.state for row in rows]
    return ", ".join(f"{states.count(state)} {state}" for state in _SORTED if state in states) or "none"


def command_of(row: Row, shared: Sequence[str]) -> list[str]:
    """The words that train this child again, and judge it.

    Args:
        row: The child.
        shared: Overrides of all children.
    """
    return ["python", "train.py", *shared, *(f"{key}={value}" for key, value in row.parameters.items())]


def spelled(command: Sequence[str]) -> str:
    """A command as a shell takes it."""
    return shlex.join(command)


def short(text: str) -> str:
    """A value for a table: a number of many digits with four of them."""
    try:
        number = float(text)
    except ValueError:
        return text
    return text if len(text) <= 8 else f"{number:.4g}"


def _row(trial: FrozenTrial) -> Row:
    attributes = trial.user_attrs
    pairs = [text.partition("=") for text in attributes.get(study.OVERRIDES, ())]
    duration = trial.duration.total_seconds() if trial.duration is not None else None
    return Row(
        number=trial.number,
        state=_STATES[trial.state],
        parameters={key: value for key, _, value in pairs},
        curve=dict(trial.intermediate_values),
        metrics=attributes.get(study.METRICS, {}),
        values=tuple(trial.values) if trial.state == TrialState.COMPLETE else (),
        seconds=duration,
        run=attributes.get(study.RUN),
        mlflow_run=attributes.get(study.MLFLOW_RUN),
        task=attributes.get(study.TASK, ""),
        error=attributes.get(study.ERROR),
        reused=bool(attributes.get(study.REUSED)),
    )


def _state(row: Row) -> str:
    if row.reused:
        return "finished before"
    if row.error:
        words = row.error if len(row.error) <= _LONGEST_ERROR else row.error[: _LONGEST_ERROR - 3] + "..."
        return f"{row.state}: {words}"
    return row.state
