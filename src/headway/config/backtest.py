"""The backtest group: a forecaster judged at many origins in time, as if each were today."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, NonNegativeInt, PositiveInt, model_validator

from headway.config.spec import Spec, Time


def _is_span(text: str) -> str:
    if not re.fullmatch(r"[1-9][0-9]{0,5}(s|min|h|D|W|M)", text):
        units = "s, min, h, D (days), W (weeks) or M (months)"
        raise ValueError(f"must be a whole number and one of {units}, like 28D; got {text}")
    return text


Span = Annotated[str, AfterValidator(_is_span)]


class BacktestSpec(Spec):
    """Where the origins lie and what is fitted at each.

    Attributes:
        kind: "rolling" trains on a span of fixed length before each origin, "expanding" on all rows before
            it, "off" does nothing.
        origins: How many.
        every: From one origin to the next; what lies between them is forecast and judged.
        first: Time of the first origin (ISO 8601), or None for as late as leaves room for all of them.
        train: Span of the rolling training rows, or None for what the first origin has before it.
        refit: Train afresh at every k-th origin; 0 never trains and judges the stored forecaster.
        processes: Origins trained side by side; None for what this machine's cores allow.
    """

    kind: Literal["off", "rolling", "expanding"]
    origins: Annotated[PositiveInt, Field(le=1000)]
    every: Span
    first: Time | None
    train: Span | None
    refit: Annotated[NonNegativeInt, Field(le=1000)]
    processes: Annotated[PositiveInt, Field(le=256)] | None

    @model_validator(mode="after")
    def _expanding_trains_on_all(self) -> "BacktestSpec":
        if self.kind == "expanding" and self.train is not None:
            raise ValueError(f"train={self.train} is the span of backtest=rolling; expanding trains on all rows before")
        return self
