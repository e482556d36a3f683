"""The splits and windows groups: where time is cut, and what a window is made of."""

from typing import Annotated

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from headway.config.spec import Rows, Spec

_MOST_STEPS = 100_000  # of a window: attention over as many would take 40 GB per head
Share = Annotated[float, Field(gt=0, lt=1)] | Rows
Steps = Annotated[PositiveInt, Field(le=_MOST_STEPS)]
MostWindows = Annotated[PositiveInt, Field(le=1_000_000_000)]


class SplitsSpec(Spec):
    """Borders in time, per series: fractions of its rows, or numbers of rows.

    Attributes:
        train, validation, test: Three fractions that sum to at most 1, or three numbers of rows.
        purge: Rows left out before each border, for targets that overlap.
    """

    train: Share
    validation: Share
    test: Share
    purge: Annotated[NonNegativeInt, Field(le=1_000_000_000)]

    @model_validator(mode="after")
    def _shares_agree(self) -> "SplitsSpec":
        shares = (self.train, self.validation, self.test)
        fractions = [isinstance(share, float) for share in shares]
        if any(fractions) and not all(fractions):
            raise ValueError(
                "train, validation and test must be three fractions or three numbers of rows, not a mixture"
            )
        if all(fractions) and sum(shares) > 1 + 1e-9:
            raise ValueError(f"train + validation + test = {sum(shares):g}; fractions must sum to at most 1")
        return self


class WindowsSpec(Spec):
    """What a window is made of, counted in rows.

    Attributes:
        context_length: Rows the model sees, at most 100,000.
        horizon: Rows it forecasts, at most 100,000.
        stride: Rows between the starts of neighbouring windows.
        most: Of a split with more windows, a sample of so many is all there is of it, spread evenly over the split and
            the same in every run; None for all windows.
    """

    context_length: Steps
    horizon: Steps
    stride: Rows
    most: MostWindows | None
