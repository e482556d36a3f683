"""The evaluation group: how a forecaster is judged."""

import difflib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, NonNegativeInt, PositiveInt, Strict

from headway.config.spec import Name, Spec

# A rival is a file of its own, so that adding one changes nothing here; nothing is imported to list them.
_RIVALS = Path(__file__).parents[1] / "evaluation" / "rivals"
RIVALS = tuple(sorted(path.stem for path in _RIVALS.glob("[!_]*.py")))


def _is_rival(name: str) -> str:
    if name not in RIVALS:
        close = difflib.get_close_matches(name, RIVALS, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise ValueError(f"{name!r} is no rival; there are {', '.join(RIVALS)}{hint}")
    return name


def _without_repeats(names: tuple[str, ...]) -> tuple[str, ...]:
    twice = [name for position, name in enumerate(names) if name in names[:position]]
    if twice:
        raise ValueError(f"{twice[0]!r} is named twice")
    return names


Rivals = Annotated[
    tuple[Annotated[str, AfterValidator(_is_rival)], ...], Strict(False), AfterValidator(_without_repeats)
]
Slices = Annotated[tuple[Name, ...], Strict(False), Field(max_length=100), AfterValidator(_without_repeats)]
CalibrationKind = Literal["conformal", "off"]
Requirement = Literal["nothing", "beats_baselines"]
Draws = Annotated[NonNegativeInt, Field(le=1_000_000)]
Windows = Annotated[PositiveInt, Field(le=10_000)]
Batch = Annotated[PositiveInt, Field(le=1_000_000)]
ExplainWindows = Annotated[NonNegativeInt, Field(le=100_000)]


class EvaluationSpec(Spec):
    """How a forecaster is judged.

    Attributes:
        rivals: The simple forecasters that stand beside the model in every table.
        slices: What errors are cut by besides series and horizon: "hour", "weekday" or "month" of the step
            ahead, or the name of a feature, cut at the quartiles of its training rows.
        calibration: "conformal" widens or narrows the quantiles by what validation showed, per horizon step.
        bootstrap: Draws behind the interval of every skill; 0 for none.
        require: "beats_baselines" fails (exit code 8) unless the model beats every rival for every target.
        batch_size: Windows per forward pass; scores do not depend on it.
        attention_windows: Validation windows whose attention scores are kept and drawn.
        explain_windows: Test windows behind importance and the verdict on attention, at most; fewer where contexts
            are long. 0 leaves both out.
    """

    rivals: Rivals
    slices: Slices
    calibration: CalibrationKind
    bootstrap: Draws
    require: Requirement
    batch_size: Batch
    attention_windows: Windows
    explain_windows: ExplainWindows


class EvaluationChanges(Spec):
    """What evaluate.py changes about the stored evaluation group; None leaves a key as it is stored."""

    rivals: Rivals | None
    slices: Slices | None
    calibration: CalibrationKind | None
    bootstrap: Draws | None
    require: Requirement | None
    batch_size: Batch | None
    attention_windows: Windows | None
    explain_windows: ExplainWindows | None

    def applied(self, stored: EvaluationSpec) -> EvaluationSpec:
        """The stored group with these changes."""
        changes = {name: value for name, value in self if value is not None}
        return stored.model_copy(update=changes)
