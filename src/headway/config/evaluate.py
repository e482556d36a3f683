"""The whole configuration of evaluate.py: which run, what is asked of it, and where runs are tracked."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from headway.config.backtest import BacktestSpec
from headway.config.evaluation import EvaluationChanges
from headway.config.spec import Name, Spec
from headway.config.tracking import TrackingSpec


class OtherData(Spec):
    """Data that a stored run is judged on instead of its own.

    Attributes:
        path: A file of the same columns, or None for the run's own test split.
    """

    path: Annotated[str, Field(min_length=1, max_length=4096)] | None


class EvaluateConfig(Spec):
    """What evaluate.py takes. All else comes from the run.

    Attributes:
        run: "latest", "best", an id, a name or the beginning of an id.
        audit: "leaks" perturbs what must not matter and says what moved, instead of judging.
    """

    run: Name
    audit: Literal["off", "leaks"]
    dataset: OtherData
    evaluation: EvaluationChanges
    backtest: BacktestSpec
    tracking: TrackingSpec

    @model_validator(mode="after")
    def _one_question(self) -> "EvaluateConfig":
        asked = {
            "audit=leaks": self.audit != "off",
            f"backtest={self.backtest.kind}": self.backtest.kind != "off",
            "dataset.path": self.dataset.path is not None,
        }
        given = [word for word, is_asked in asked.items() if is_asked]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} are two questions; ask them one after the other")
        return self
