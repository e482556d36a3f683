"""A sweep's study: the trials that were asked for, who works on each, and how each ended."""

import itertools
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

from headway.errors import ConfigError
from headway.process import Process
from headway.sweeps import choosing
from headway.sweeps.plan import Assignment, Plan, distributions_of
from headway.sweeps.space import fixed, override, words
from headway.sweeps.storage import FILE, JOURNAL, alone, open_storage

BEAT_SECONDS, SILENT_SECONDS = 60.0, 600.0
"""A process says so often that it still answers for a trial. After so long without a word one of another machine counts as gone;
of one of this machine its number is asked."""

MOST_UNSEEN = 10
"""How often a trial may vanish together with its sweeper: a user may kill a sweep many times, a trial that always does is bad."""

# Names of what Headway keeps with a trial, and with a study.
OVERRIDES, OWNER, BEAT, CLAIMED, POINT = "overrides", "owner", "beat", "claimed", "point"
LOST, LOSSES, UNSEEN, RETRY_OF = "lost", "losses", "unseen", "retry_of"
ERROR, REUSED = "error", "reused"
RUN, MLFLOW_RUN, METRICS, TASK = "run", "mlflow_run", "metrics", "task"
PARENT, SPACE, DONE, JUDGED = "parent", "space", "done", "judged"


class Study:
    """Trials of one sweep, shared by every process that works on it.

    Args:
        storage: Where they are kept.
        name: The study's name.
        plan: What is to be done.
        folder: The sweep's folder.
    """

    def __init__(self, storage: BaseStorage, name: str, plan: Plan, *, folder: Path) -> None:
        self._storage, self._plan, self._folder = storage, plan, folder
        self._distributions = distributions_of(plan)
        with alone(storage, folder):
            self._study = optuna.create_study(
                storage=storage,
                study_name=name,
                directions=["minimize"] * len(plan.objectives),
                load_if_exists=True,
                pruner=optuna.pruners.NopPruner(),
            )
            self._refuse_another_space(name)

    @property
    def trials(self) -> list[FrozenTrial]:
        """All trials that count: what was lost and is tried again does not."""
        return [trial for trial in self._study.get_trials(deepcopy=False) if LOST not in trial.user_attrs]

    @property
    def finished(self) -> int:
        """Trials that have ended."""
        return sum(trial.state.is_finished() for trial in self.trials)

    def attribute(self, name: str) -> Any:
        """What was kept with the study under a name, or None."""
        return self._study.user_attrs.get(name)

    def keep(self, name: str, value: object) -> None:
        """Keep a value with the study."""
        self._study.set_user_attr(name, value)

    def alone(self) -> Any:
        """A `with` block in which no other sweeper asks, counts or names a parent."""
        return alone(self._storage, self._folder)

    def ask(self, most: int) -> list[Assignment]:
        """Take trials to run: those that were lost first, and no more than the sweep's total allows.

        Args:
            most: How many at once.
        """
        with self.alone():
            self.recover()
            trials = self.trials
            if self._plan.is_search:
                taken = sum(trial.state != TrialState.WAITING for trial in trials)
                room = self._plan.total - taken
            else:
                self._complete_grid(trials)
                room = sum(trial.state == TrialState.WAITING for trial in self.trials)
            assignments: list[Assignment] = []
            while len(assignments) < min(most, room):
                waiting = [trial for trial in self.trials if trial.state == TrialState.WAITING]
                is_alone = bool(waiting) and waiting[0].user_attrs.get(LOSSES, 0) > 0
                if is_alone and assignments:
                    break
                assignments.append(self._ask_one(alone=is_alone))
                if is_alone:
                    break
            return assignments

    def recover(self) -> int:
        """Give up trials whose process is gone, so that they are tried again; returns how many.

        Call it inside `alone`: a trial without an owner is then one whose sweeper was killed while it asked.
        """
        running = [trial for trial in self._study.get_trials(deepcopy=False) if trial.state == TrialState.RUNNING]
        lost = [trial for trial in running if LOST in trial.user_attrs or not is_worked_on(trial)]
        for trial in lost:
            self._lose(trial, seen=False)
        return len(lost)

    def give_up(self, number: int, *, counts: bool = False, began: bool = False) -> None:
        """Let a trial be tried again that this process will not finish.

        Args:
            number: Of the trial; one that has ended stays as it is.
            counts: Whether its job was lost, instead of never begun or ended by the user.
            began: Whether its job is known to have begun, even where it never took the trial over.
        """
        with self.alone():
            trial = self._trial(number)
            if trial.state == TrialState.RUNNING:
                self._lose(trial, counts=counts, began=began)

    def workers_of(self, numbers: Sequence[int]) -> dict[int, Process | None]:
        """Who works on those of some trials that have not ended: trial -> process, or None where it is gone."""
        running = [(number, self._trial(number)) for number in numbers]
        return {
            number: Process.read(trial.user_attrs.get(OWNER)) if is_worked_on(trial) else None
            for number, trial in running
            if trial.state == TrialState.RUNNING
        }

    def fail(self, number: int, error: str) -> None:
        """End a trial that cannot run."""
        self._set(number, ERROR, error)
        self._study.tell(number, state=TrialState.FAIL)

    def reuse(
        self,
        number: int,
        values: Sequence[float],
        *,
        run: str,
        mlflow_run: str | None,
        metrics: Mapping[str, float],
        task: str,
    ) -> None:
        """End a trial with what an earlier run of the same configuration found."""
        known = {RUN: run, MLFLOW_RUN: mlflow_run, METRICS: dict(metrics), TASK: task, REUSED: True}
        for name, value in known.items():
            self._set(number, name, value)
        self._study.tell(number, list(values))

    def beat(self, numbers: Sequence[int]) -> None:
        """Say that this process still answers for some trials."""
        for number in numbers:
            if self._trial(number).state == TrialState.RUNNING:
                self._set(number, BEAT, time.time())

    def is_claimed(self, number: int) -> bool:
        """Whether a job works, or worked, on the trial, and not the sweeper that asked for it."""
        return bool(self._trial(number).user_attrs.get(CLAIMED))

    def importance(self) -> dict[str, float]:
        """Share of each parameter in the differences of the error (fANOVA: Hutter et al., 2014); empty where too little is known."""
        try:
            return dict(
                optuna.importance.get_param_importances(
                    self._study,
                    evaluator=optuna.importance.FanovaImportanceEvaluator(seed=self._plan.seed),
                    target=lambda trial: trial.values[list(self._plan.objectives).index("error")],
                )
            )
        except (ValueError, RuntimeError, ZeroDivisionError):
            return {}

    def front(self) -> list[int]:
        """Numbers of the finished trials that no other beats in every objective."""
        return [trial.number for trial in self._study.best_trials] if len(self._plan.objectives) > 1 else []

    def _refuse_another_space(self, name: str) -> None:
        """Optuna would mix what cannot be compared, or fail in the middle."""
        plan = self._plan
        space = [list(plan.objectives), sorted(plan.constants), [list(point) for point in plan.points]]
        space.append([f"{key}: {words(dimension)}" for key, dimension in plan.dimensions.items()])
        if (known := self.attribute(SPACE)) is None:
            self.keep(SPACE, space)
        elif known != space:
            raise ConfigError(
                f"sweep.name={name}: this sweep has another search space, other objectives or other settings; "
                "give this one another sweep.name, or repeat the command it was begun with"
            )

    def _ask_one(self, *, alone: bool) -> Assignment:
        asked = len(self._study.get_trials(deepcopy=False))
        self._study.sampler = choosing.sampler(self._plan.sampler, seed=self._plan.seed, asked=asked)
        trial = self._study.ask(self._distributions)
        overrides = trial.user_attrs.get(OVERRIDES)
        if overrides is None:
            overrides = [
                override(key, dimension, trial.params[key]) for key, dimension in self._plan.dimensions.items()
            ]
            trial.set_user_attr(OVERRIDES, overrides)
        trial.set_user_attr(BEAT, time.time())
        trial.set_user_attr(OWNER, Process.own().as_dict())
        return Assignment(trial.number, tuple(overrides), alone)

    def _complete_grid(self, trials: Sequence[FrozenTrial]) -> None:
        there = {trial.user_attrs.get(POINT) for trial in trials}
        lost = [trial.user_attrs for trial in self._study.get_trials(deepcopy=False) if LOST in trial.user_attrs]

        def times(point: int, what: str) -> int:
            return max((attributes.get(what, 0) for attributes in lost if attributes[POINT] == point), default=0)

        parameters = fixed(self._plan.points)
        for number, (overrides, values) in enumerate(zip(self._plan.points, parameters, strict=True)):
            if number not in there:
                attributes = {POINT: number, OVERRIDES: list(overrides)}
                self._enqueue(values, attributes | {what: times(number, what) for what in (LOSSES, UNSEEN)})

    def _lose(self, trial: FrozenTrial, *, counts: bool = True, began: bool = False, seen: bool = True) -> None:
        """End a trial as lost and queue it again, or as failed where it was lost too often.

        Args:
            trial: One that runs.
            counts: Whether its job was lost, instead of never begun or ended by the user.
            began: Whether its job is known to have begun.
            seen: Whether its sweeper saw it go; if not, that one may have been killed, and the trial is not to blame.
        """
        if LOST in trial.user_attrs:  # whoever wrote it was killed before the next line
            self._study.tell(trial.number, state=TrialState.FAIL)
            return
        is_claimed = bool(trial.user_attrs.get(CLAIMED))
        is_loss = counts and (began or is_claimed)
        losses = trial.user_attrs.get(LOSSES, 0) + (is_loss and seen)
        unseen = trial.user_attrs.get(UNSEEN, 0) + (is_loss and not seen)
        if losses > self._plan.retries or unseen > MOST_UNSEEN:
            how = "without a word" if is_claimed else "before it took the trial over"
            self.fail(
                trial.number,
                f"its process ended {how} {losses + unseen} times, as one does that is killed or out of memory",
            )
            return
        if self._plan.is_search:
            # Queued before the loss is written: killed in between, the next sweeper finds that it was queued.
            everything = self._study.get_trials(deepcopy=False)
            if (
                all(other.user_attrs.get(RETRY_OF) != trial.number for other in everything)
                and OVERRIDES in trial.user_attrs
            ):
                attributes = {RETRY_OF: trial.number, OVERRIDES: trial.user_attrs[OVERRIDES]}
                attributes |= {LOSSES: losses, UNSEEN: unseen}
                # A process killed while it asked for a retry has written only some of the parameters.
                self._enqueue({**trial.system_attrs.get("fixed_params", {}), **trial.params}, attributes)
        # This first: killed in between, the loss must not be counted a second time.
        self._set(trial.number, LOST, True)
        self._set(trial.number, LOSSES, losses)
        self._set(trial.number, UNSEEN, unseen)
        self._study.tell(trial.number, state=TrialState.FAIL)

    def _enqueue(self, parameters: Mapping[str, Any], attributes: Mapping[str, Any]) -> None:
        self._study.add_trial(
            create_trial(
                state=TrialState.WAITING, system_attrs={"fixed_params": dict(parameters)}, user_attrs=dict(attributes)
            )
        )

    def _trial(self, number: int) -> FrozenTrial:
        return self._storage.get_trial(self._id(number))

    def _set(self, number: int, name: str, value: object) -> None:
        self._storage.set_trial_user_attr(self._id(number), name, value)

    def _id(self, number: int) -> int:
        return self._storage.get_trial_id_from_study_id_trial_number(self._study._study_id, number)


def is_worked_on(trial: FrozenTrial) -> bool:
    """Whether the process that answers for a running trial is still there."""
    owner = Process.read(trial.user_attrs.get(OWNER))
    if owner is None:
        return False
    if owner.is_here:
        return owner.is_alive
    return time.time() - float(trial.user_attrs.get(BEAT, 0.0)) < SILENT_SECONDS


def name_of_grid(base: str, *, storage: str, sweeps: Path) -> str:
    """The first of base, base.2, base.3, ... whose grid is not done yet.

    Args:
        base: Made from what is trained.
        storage: "journal", or the address of a database.
        sweeps: The folder of all sweeps.
    """
    for number in itertools.count(1):
        name = base if number == 1 else f"{base}.{number}"
        if storage == JOURNAL and not (sweeps / name / FILE).exists():
            return name
        opened = open_storage(storage, sweeps / name)
        try:
            known = optuna.load_study(study_name=name, storage=opened)
        except KeyError:
            return name
        if not known.user_attrs.get(DONE):
            return name
    raise AssertionError("unreachable")  # pragma: no cover
