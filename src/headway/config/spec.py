"""What every typed spec has in common: frozen, strict about types, and closed to unknown keys."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict


class Spec(BaseModel):
    """A group of settings. No defaults live here: every number stands once, in `conf/`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def _is_time(text: str) -> str:
    try:
        naive = datetime.fromisoformat(text).tzinfo is None
    except ValueError:
        naive = False
    if not naive:
        raise ValueError(f"must be an ISO 8601 time without a zone, like 2030-12-31T23:00; got {text}")
    return text


Time = Annotated[str, AfterValidator(_is_time)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
# YAML has lists, specs have tuples: only the container may be converted, its items stay strict.
Names = Annotated[tuple[Name, ...], Strict(False)]
Interval = Annotated[tuple[float, float], Strict(False)]
