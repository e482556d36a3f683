"""What chooses the next trial, and what ends one early."""

import warnings

import numpy as np
import optuna
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner, SuccessiveHalvingPruner
from optuna.samplers import BaseSampler, CmaEsSampler, NSGAIISampler, QMCSampler, RandomSampler, TPESampler

REDUCTION = 4
"""Of the trials that reach a rung one in four goes on: Li et al., "A System for Massively Parallel Hyperparameter Tuning", 2020."""


POPULATION = 10
"""Trials of a generation of NSGA-II: its usual 50 would make a search of 40 trials a random one."""


def sampler(name: str, *, seed: int, asked: int) -> BaseSampler:
    """A sampler for one question to the study.

    Everything a sampler learns stands in the study. What it draws depends on the seed and on the number of trials asked for
    before, so that neither a second process nor one that goes on after a kill draws the same numbers again.

    Args:
        name: "tpe", "cmaes", "qmc", "random" or "nsga2".
        seed: The sweep's seed.
        asked: Trials the study has so far.
    """
    draw = int(np.random.default_rng([seed, asked]).integers(2**31))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        match name:
            case "tpe":
                # Trials of other processes under way count as bad ones, so that nobody tries the same place.
                return TPESampler(seed=draw, constant_liar=True)
            case "cmaes":
                return CmaEsSampler(seed=draw, warn_independent_sampling=False)
            case "qmc":
                # The sequence is scrambled once; its position stands in the study.
                first = RandomSampler(seed=draw)
                return QMCSampler(seed=seed, scramble=True, independent_sampler=first, warn_independent_sampling=False)
            case "nsga2":
                return NSGAIISampler(seed=draw, population_size=POPULATION)
            case "random":
                return RandomSampler(seed=draw)
    raise ValueError(f"{name!r} is no sampler: tpe, cmaes, qmc, nsga2 or random.")


def pruner(name: str, *, epochs: int) -> BasePruner:
    """A pruner, the same in every process of a sweep.

    Args:
        name: "asha", "hyperband", "median" or "none".
        epochs: Most epochs of a trial.
    """
    match name:
        case "asha":
            return SuccessiveHalvingPruner(min_resource=1, reduction_factor=REDUCTION)
        case "hyperband":
            return HyperbandPruner(min_resource=1, max_resource=max(epochs, 1), reduction_factor=REDUCTION)
        case "median":
            return MedianPruner(n_startup_trials=4)
        case "none":
            return NopPruner()
    raise ValueError(f"{name!r} is no pruner: asha, hyperband, median or none.")
