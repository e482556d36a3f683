"""How often the test errs and the intervals hold, on synthetic losses of known skill.

    python benchmarks/significance.py            500 draws a cell: about a minute
    python benchmarks/significance.py 4000       the figures in src/headway/evaluation/significance.py

Each draw is three series of errors that correlate at .8. The test should reject 5 % of equally good pairs,
with and without gaps; 95 % of the intervals should hold the true skill of 0.1. The names: `horizon 6` are
absolute errors of forecasts that share five of six shocks with the next, `sum 6` differences that are
themselves sums of six shocks, `ar .8` first-order autoregressive differences (test) or log-losses
(intervals), `error ar .8` absolute autoregressive errors.
"""

import sys
from collections.abc import Callable

import numpy as np
from scipy.signal import lfilter

from headway.evaluation.significance import diebold_mariano, skill_intervals

Array = np.ndarray
SIZES = (200, 600, 1700)
SKILL = 0.1
GENERATOR = np.random.default_rng(0)


def filtered(time: int, ahead: list[float] | Array, back: float = 0.0) -> Array:
    """Unit-variance errors [time, 3] correlated at .8: shocks through a moving average and an AR(1)."""
    warm_up = 100 + len(ahead)
    shocks = np.sqrt(0.8) * GENERATOR.normal(size=(time + warm_up, 1))
    shocks = shocks + np.sqrt(0.2) * GENERATOR.normal(size=(time + warm_up, 3))
    values = lfilter(ahead, [1, -back], shocks, axis=0)[warm_up:]
    return values * np.sqrt((1 - back**2) / np.square(ahead).sum())


def horizon(steps: int) -> Callable[[int], Array]:
    """Absolute errors averaged over a horizon: weights fall linearly."""
    return lambda time: np.abs(filtered(time, np.arange(steps, 0, -1)))


def persistent(back: float) -> Callable[[int], Array]:
    """Log-normal losses, autoregressive in their logarithm."""
    return lambda time: np.exp(0.6 * filtered(time, [1], back))


# name -> (losses [time, 3], grid steps of overlap)
LOSSES = {
    "horizon 6": (horizon(6), 5),
    "horizon 24": (horizon(24), 23),
    "error ar .5": (lambda time: np.abs(filtered(time, [1], 0.5)), 5),
    "error ar .8": (lambda time: np.abs(filtered(time, [1], 0.8)), 5),
    "ar .5": (persistent(0.5), 5),
    "ar .8": (persistent(0.8), 5),
}
DIFFERENCES = {
    "horizon 6": (lambda time: horizon(6)(time) - horizon(6)(time), 5),
    "horizon 24": (lambda time: horizon(24)(time) - horizon(24)(time), 23),
    "sum 6": (lambda time: filtered(time, np.ones(6)), 5),
    "sum 24": (lambda time: filtered(time, np.ones(24)), 23),
    "ar .5": (lambda time: filtered(time, [1], 0.5), 5),
    "ar .8": (lambda time: filtered(time, [1], 0.8), 5),
    "ar .8, horizon 1": (lambda time: filtered(time, [1], 0.8), 0),
    "ar .9": (lambda time: filtered(time, [1], 0.9), 5),
}
GAPS = {
    "none": lambda time: np.zeros(time, bool),
    "30 % at random": lambda time: GENERATOR.random(time) < 0.3,
    "one third, in one piece": lambda time: np.abs(np.arange(time) - time / 2) < time / 6,
    "9 of 24 each day": lambda time: np.arange(time) % 24 < 9,
}


def rejected(draws: int, time: int, name: str, gaps: str) -> float:
    """Percent of equally good pairs that the test calls different."""
    draw, overlap = DIFFERENCES[name]
    found = 0
    for _ in range(draws):
        difference = np.where(GAPS[gaps](time), np.nan, draw(time).mean(axis=1))
        found += diebold_mariano(difference, overlap=overlap).p_value < 0.05
    return 100 * found / draws


def covered(draws: int, time: int, name: str) -> float:
    """Percent of 95 % intervals that hold the true skill."""
    draw, overlap = LOSSES[name]
    found = 0
    for seed in range(draws):
        own, rival = (1 - SKILL) * draw(time).sum(axis=1), draw(time).sum(axis=1)
        low, high = skill_intervals(own[:, None], rival[None, :, None], overlap=overlap, draws=300, seed=seed)[0, 0]
        found += low <= SKILL <= high
    return 100 * found / draws


def main(draws: int) -> None:
    """Print both tables."""
    for gaps in GAPS:
        print(f"\nRejections at nominal 5 %, in percent; gaps: {gaps}; {draws} draws")
        print(f"{'origins':18}", *(f"{time:6}" for time in SIZES))
        for name in DIFFERENCES:
            print(f"{name:18}", *(f"{rejected(draws, time, name, gaps):6.1f}" for time in SIZES), flush=True)
    print(f"\nIntervals that hold the true skill at nominal 95 %, in percent; {draws} draws")
    print(f"{'origins':18}", *(f"{time:6}" for time in SIZES))
    for name in LOSSES:
        print(f"{name:18}", *(f"{covered(draws, time, name):6.1f}" for time in SIZES), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
