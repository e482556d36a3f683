"""What every typed spec has in common: frozen, strict about types, and closed to unknown keys."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, Strict


class Spec(BaseModel):
    """A group of settings. No defaults live here: every number stands once, in `conf/`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


Name = Annotated[str, Field(min_length=1, max_length=200)]
# YAML has lists, specs have tuples: only the container may be converted, its items stay strict.
Names = Annotated[tuple[Name, ...], Strict(False)]
Interval = Annotated[tuple[float, float], Strict(False)]
