"""What every typed spec has in common: frozen, strict about types, and closed to unknown keys."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PositiveInt, Strict

_MOST_NAMES = 10_000
_MOST_ROWS = 1_000_000_000


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


def is_printable(text: str) -> str:
    """The text, if every character of it can be seen; a newline in a name would make two lines of a message."""
    if not text.isprintable():
        raise ValueError(f"must hold no line break and nothing else that cannot be seen; got {ascii(text)[:80]}")
    return text


Time = Annotated[str, AfterValidator(_is_time)]
Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(is_printable)]
# YAML has lists, specs have tuples: only the container may be converted, its items stay strict.
Names = Annotated[tuple[Name, ...], Strict(False), Field(max_length=_MOST_NAMES)]
# Far beyond what any machine here can hold, and refused before anything tries to.
Rows = Annotated[PositiveInt, Field(le=_MOST_ROWS)]
Interval = Annotated[tuple[float, float], Strict(False)]
