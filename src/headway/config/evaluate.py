"""The whole configuration of evaluate.py: which run, what is asked of it, and where runs are tracked."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from headway.config.backtest import BacktestSpec
from headway.config.evaluation import EvaluationChanges
from headway.config.spec import Name, Names, Spec, Time, is_printable
from headway.config.tracking import TrackingSpec


def _two(runs: tuple[str, ...]) -> tuple[str, ...]:
    if len(runs) != 2:
        raise ValueError(f"takes two runs, like compare=[latest,best]; got {len(runs)}")
    if runs[0] == runs[1]:
        raise ValueError(f"names the run {runs[0]!r} twice; give two runs, like compare=[latest,best]")
    return runs


class OtherData(Spec):
    """Data that a stored run is judged on instead of its own.

    Attributes:
        path: A file of the same columns, or None for the run's own test split.
    """

    path: Annotated[str, Field(min_length=1, max_length=4096), AfterValidator(is_printable)] | None


class WindowRequest(Spec):
    """A window to look at.

    Attributes:
        at: The time of the last step it has seen (ISO 8601, UTC), or None for no window.
        series: Name of its series, or None for the first few.
    """

    at: Time | None
    series: Name | None


class EvaluateConfig(Spec):
    """What evaluate.py takes. All else comes from the run.

    Attributes:
        run: "latest", "best", an id, a name or the beginning of an id.
        compare: Two runs, each named as for `run`, to set side by side instead of judging one; None for none.
        attention: One window whose attention is drawn beside the values it attends to, instead of judging.
        audit: "leaks" perturbs what must not matter and says what moved, instead of judging.
    """

    run: Name
    compare: Annotated[Names, AfterValidator(_two)] | None
    attention: WindowRequest
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
            "compare": self.compare is not None,
            "attention.at": self.attention.at is not None,
        }
        given = [word for word, is_asked in asked.items() if is_asked]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} are two questions; ask them one after the other")
        if self.attention.series is not None and self.attention.at is None:
            raise ValueError(
                "attention.series without attention.at: name the window's last time too, like attention.at=2013-11-05T12:00"
            )
        if self.compare is not None and self.evaluation.require == "beats_baselines":
            raise ValueError("evaluation.require=beats_baselines is asked of one run, against rivals; compare has none")
        return self
