"""The evaluation group, and the configuration of evaluate.py."""

from typing import Annotated, Literal

from pydantic import Field, PositiveInt, Strict

from headway.config.spec import Name, Spec
from headway.config.tracking import TrackingSpec

Rival = Literal["persistence", "seasonal_naive", "least_squares"]


class EvaluationSpec(Spec):
    """How a forecaster is judged.

    Attributes:
        rivals: The simple forecasters that stand beside the model in every table.
        batch_size: Windows per forward pass; scores do not depend on it.
        attention_windows: Validation windows whose attention scores are kept and drawn.
    """

    rivals: Annotated[tuple[Rival, ...], Strict(False)]
    batch_size: PositiveInt
    attention_windows: PositiveInt = Field(le=10_000)


class EvaluateConfig(Spec):
    """What evaluate.py takes: which run, and where runs are tracked. All else comes from the run."""

    run: Name
    tracking: TrackingSpec
