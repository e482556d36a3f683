"""What chooses trials and what ends them, against hand-written rules."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState

from headway.sweeps import choosing

SAMPLERS = ["tpe", "cmaes", "qmc", "random", "nsga2"]
NUMBERS: Mapping[str, BaseDistribution] = {
    "rate": FloatDistribution(1e-4, 1e-1, log=True),
    "dropout": FloatDistribution(0.0, 0.3),
}
SPACES: dict[str, Mapping[str, BaseDistribution]] = {
    "one number": {"dropout": FloatDistribution(0.0, 0.3)},
    "numbers": NUMBERS,
    "whole": {
        "layers": IntDistribution(1, 5),
        "batch": IntDistribution(2, 64, log=True),
        "odd": IntDistribution(1, 9, step=2),
    },
    "steps": {"step": FloatDistribution(0.0, 1.0, step=0.25)},
    "choices": {"head": CategoricalDistribution(["quantile", "point", None, 3, 0.5, True])},
    "one choice": {"head": CategoricalDistribution(["point"]), "dropout": FloatDistribution(0.0, 0.3)},
    "everything": {**NUMBERS, "layers": IntDistribution(1, 5), "head": CategoricalDistribution(["quantile", "point"])},
}


def told(space: Mapping[str, BaseDistribution], count: int, *, objectives: int = 1) -> optuna.Study:
    """A study with some finished trials, the same ones every time."""
    study = optuna.create_study(
        directions=["minimize"] * objectives,
        sampler=optuna.samplers.RandomSampler(seed=3),
        pruner=optuna.pruners.NopPruner(),
    )
    for number in range(count):
        study.tell(study.ask(space), [(number * 7 % 11) / 11 + objective for objective in range(objectives)])
    return study


def drawn(
    name: str, study: optuna.Study, space: Mapping[str, BaseDistribution], *, seed: int, asked: int
) -> dict[str, Any]:
    study.sampler = choosing.sampler(name, seed=seed, asked=asked)
    return study.ask(space).params


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_stays_inside_every_space(name: str, space: Mapping[str, BaseDistribution]) -> None:
    study = told(space, 0)
    for asked in range(13):
        study.sampler = choosing.sampler(name, seed=5, asked=asked)
        trial = study.ask(space)
        assert trial.params.keys() == space.keys()
        for key, limits in space.items():
            assert limits._contains(limits.to_internal_repr(trial.params[key]))
        study.tell(trial, float(asked * 5 % 7))


@pytest.mark.parametrize("history", [0, 17])
@pytest.mark.parametrize("name", SAMPLERS)
def test_the_same_question_gets_the_same_answer(name: str, history: int) -> None:
    first, second = (drawn(name, told(NUMBERS, history), NUMBERS, seed=5, asked=history) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("history", [0, 17])
@pytest.mark.parametrize("name", [name for name in SAMPLERS if name != "qmc"])
def test_a_later_question_draws_other_numbers(name: str, history: int) -> None:
    answers = [drawn(name, told(NUMBERS, history), NUMBERS, seed=5, asked=asked) for asked in (19, 23, 29)]
    assert len({answer["rate"] for answer in answers}) == 3


@pytest.mark.parametrize("name", SAMPLERS)
def test_another_seed_draws_other_numbers(name: str) -> None:
    # A sequence of low discrepancy begins with a trial of its independent sampler, which tells it the space.
    studies = [told(NUMBERS, 3) for _ in range(2)]
    first, second = (
        drawn(name, study, NUMBERS, seed=seed, asked=3) for study, seed in zip(studies, (5, 7), strict=True)
    )
    assert first["rate"] != second["rate"]


def test_two_processes_go_on_in_one_low_discrepancy_sequence() -> None:
    study = told(NUMBERS, 1)
    rates = [drawn("qmc", study, NUMBERS, seed=5, asked=asked)["rate"] for asked in range(1, 17)]
    # Scrambled Sobol points: of sixteen one lies in each sixteenth of the interval.
    places = np.floor(np.log(np.array(rates) / 1e-4) / np.log(1e3) * 16)
    assert sorted(places) == list(range(16))


def test_two_objectives_are_sampled() -> None:
    for name in ("tpe", "nsga2", "random", "qmc"):
        assert drawn(name, told(NUMBERS, 13, objectives=2), NUMBERS, seed=5, asked=13).keys() == NUMBERS.keys()


@pytest.mark.parametrize(
    "make", [lambda: choosing.sampler("grid", seed=0, asked=0), lambda: choosing.pruner("best", epochs=3)]
)
def test_an_unknown_name_is_refused(make: Any) -> None:
    with pytest.raises(ValueError, match=r"is no (sampler|pruner)"):
        make()


class Asha:
    """Li et al. 2020, algorithm 2, for trials that cannot be paused: at each rung the best quarter of those seen so far goes on."""

    def __init__(self) -> None:
        self.rungs: dict[int, list[float]] = {}

    def is_pruned(self, epoch: int, value: float) -> bool:
        if epoch not in (1, 4, 16, 64):
            return False
        rung = self.rungs.setdefault(epoch, [])
        rung.append(value)
        best = sorted(rung)[: max(1, len(rung) // 4)]
        return value not in best


def reported(study: optuna.Study, trial: optuna.Trial, epoch: int, value: float) -> bool:
    trial.report(value, epoch)
    frozen: FrozenTrial = study.trials[trial.number]
    return study.pruner.prune(study, frozen)


@pytest.mark.parametrize("seed", range(3))
def test_asha_decides_as_the_paper_does(seed: int) -> None:
    random = np.random.default_rng(seed)
    study = optuna.create_study(pruner=choosing.pruner("asha", epochs=19))
    oracle, decisions = Asha(), []
    curves = 1 + random.random((41, 1)) + random.random((41, 19)).cumsum(axis=1) / 97
    under_way: list[optuna.Trial] = []
    epochs = [0] * len(curves)
    # Five at a time, each at its own pace, as in a sweep of several processes.
    while under_way or len(study.trials) < len(curves):
        while len(under_way) < 5 and len(study.trials) < len(curves):
            under_way.append(study.ask())
        trial = under_way[random.integers(len(under_way))]
        value = float(curves[trial.number, epochs[trial.number]])
        epochs[trial.number] += 1
        is_pruned = reported(study, trial, epochs[trial.number], value)
        assert is_pruned == oracle.is_pruned(epochs[trial.number], value)
        decisions.append(is_pruned)
        if is_pruned or epochs[trial.number] == 19:
            end(study, trial, value, is_pruned=is_pruned)
            under_way.remove(trial)
    assert 20 < sum(decisions) < 41


def end(study: optuna.Study, trial: optuna.Trial, value: float, *, is_pruned: bool) -> None:
    study.tell(trial, None if is_pruned else value, state=TrialState.PRUNED if is_pruned else TrialState.COMPLETE)


def test_the_median_prunes_who_is_worse_than_half_of_four_finished_ones() -> None:
    study = optuna.create_study(pruner=choosing.pruner("median", epochs=5))
    for value in (2.0, 3.0, 5.0):
        trial = study.ask()
        trial.report(value, 1)
        study.tell(trial, value)
    assert not reported(study, study.ask(), 1, 99.0)  # three are too few to tell
    trial = study.ask()
    trial.report(7.0, 1)
    study.tell(trial, 7.0)
    assert reported(study, study.ask(), 1, 4.1)  # the median is 4
    assert not reported(study, study.ask(), 1, 3.9)


@pytest.mark.parametrize("epochs", [1, 3, 17])
def test_hyperband_prunes_some_and_never_the_best(epochs: int) -> None:
    study = optuna.create_study(study_name="weather", pruner=choosing.pruner("hyperband", epochs=epochs))
    pruned = []
    for number in range(23):
        trial = study.ask()
        # The twelfth is the best there will ever be.
        level = 0.0 if number == 11 else 1.0 + number
        ended = any(reported(study, trial, epoch, level + 1 / epoch) for epoch in range(1, epochs + 1))
        end(study, trial, level, is_pruned=ended)
        pruned += [number] * ended
    assert pruned
    assert 11 not in pruned


def test_without_a_pruner_nothing_ends_early() -> None:
    study = optuna.create_study(pruner=choosing.pruner("none", epochs=5))
    assert not any(reported(study, study.ask(), epoch, float(number)) for number in range(11) for epoch in (1, 4))
