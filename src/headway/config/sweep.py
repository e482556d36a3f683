"""The sweep group: how `python train.py -m ...` searches, and what it does with the winner."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, NonNegativeInt, PositiveInt, Strict, model_validator

from headway.config.spec import Name, Spec
from headway.config.train import TrainConfig

Objective = Literal["error", "seconds", "weights"]
_SECONDS = {"s": 1, "min": 60, "h": 3600, "D": 86400}


def _is_duration(text: str) -> str:
    if not re.fullmatch(r"[1-9][0-9]{0,5}(s|min|h|D)", text):
        raise ValueError(f"must be a whole number and one of s, min, h or D (days), like 2h; got {text}")
    return text


def _is_folder_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}", text):
        raise ValueError(f"must be letters, digits, _ . or -, at most 80 and none of the last three first; got {text}")
    return text


def _is_storage(text: str) -> str:
    if text == "journal" or re.match(r"(sqlite|postgresql|mysql|mariadb)(\+\w+)?://", text):
        return text
    # Not repeated: an address may hold a password.
    raise ValueError(
        "must be journal (a file in the sweep's folder) or the address of a database, like postgresql://user@host/name"
    )


class SweepSpec(Spec):
    """How many trainings become one sweep.

    Attributes:
        name: Of the sweep's folder in runs/sweeps and of its study; "auto" is made from the command,
            so that the same command goes on where it was.
        kind: "grid" trains every combination, "search" lets a sampler choose; "auto" is a grid unless an
            interval was typed.
        n_trials: Trials of a search, in all commands and processes together.
        time_budget: No trial of this command starts later than this after its first, or None.
        sampler: What chooses the next trial.
        pruner: What ends trials early that others have overtaken; "auto" is asha in a search for one objective.
        objectives: What is minimised: the validation "error", the "seconds" of training, the number of "weights".
        space: Dotted key -> what to search, in Hydra's words: "interval(0, 0.3)", "choice(16, 32)".
        storage: "journal", a file in the sweep's folder, or the address of a database for several machines.
        batch: Trials handed to the launcher at a time, or None for what it runs side by side.
        threads: Of each job, or None for its share of the cores.
        retries: How often a trial is tried again whose process was killed.
        skip_finished: Use a finished run of the same configuration, data and code instead of training it again.
        dry_run: Say what would run, and run nothing.
        evaluate_best: Judge the winner on the test split, once, at the end.
    """

    name: Annotated[Name, AfterValidator(_is_folder_name)]
    kind: Literal["auto", "grid", "search"]
    n_trials: Annotated[PositiveInt, Field(le=100_000)]
    time_budget: Annotated[str, AfterValidator(_is_duration)] | None
    sampler: Literal["tpe", "cmaes", "qmc", "random", "nsga2"]
    pruner: Literal["auto", "asha", "hyperband", "median", "none"]
    objectives: Annotated[tuple[Objective, ...], Strict(False)] = Field(min_length=1, max_length=3)
    space: dict[Name, Name]
    storage: Annotated[Name, AfterValidator(_is_storage)]
    batch: Annotated[PositiveInt, Field(le=10_000)] | None
    threads: Annotated[PositiveInt, Field(le=1_024)] | None
    retries: Annotated[NonNegativeInt, Field(le=100)]
    skip_finished: bool
    dry_run: bool
    evaluate_best: bool

    @property
    def seconds(self) -> float:
        """The time budget in seconds; infinite without one."""
        if self.time_budget is None:
            return float("inf")
        number, unit = re.fullmatch(r"(\d+)(\w+)", self.time_budget).groups()  # type: ignore[union-attr]
        return float(number) * _SECONDS[unit]

    @model_validator(mode="after")
    def _objectives_fit(self) -> "SweepSpec":
        twice = [name for position, name in enumerate(self.objectives) if name in self.objectives[:position]]
        if twice:
            raise ValueError(f"objectives: {twice[0]} is named twice")
        if "error" not in self.objectives:
            raise ValueError("objectives must hold error: the fastest or smallest model alone is an untrained one")
        if len(self.objectives) > 1:
            names = ",".join(self.objectives)
            if self.pruner not in ("auto", "none"):
                raise ValueError(
                    f"pruner={self.pruner} compares trials by one number and there are {len(self.objectives)} objectives ({names}); "
                    "set sweep.pruner=none or sweep.objectives=[error]"
                )
            if self.sampler == "cmaes":
                raise ValueError(
                    f"sampler=cmaes knows one objective and there are {len(self.objectives)} ({names}); "
                    "set sweep.sampler=nsga2 or sweep.objectives=[error]"
                )
        return self


class TrainCommand(TrainConfig):
    """What train.py takes: the configuration of a run, and of the sweep it may be part of.

    Attributes:
        sweep: Of no meaning for a single run, and no part of what it stores.
        resume: "auto" goes on with the newest unfinished run of the same settings, data and code, if there is one.
        run: The unfinished run to go on with, by its id, or None.
    """

    sweep: SweepSpec
    resume: Literal["off", "auto"]
    run: Name | None

    @property
    def going_on(self) -> str:
        """ "off", "auto", or the id of the run to go on with."""
        return self.run or self.resume

    @property
    def config(self) -> TrainConfig:
        """The configuration of the run alone."""
        return TrainConfig.model_construct(**{name: getattr(self, name) for name in TrainConfig.model_fields})
