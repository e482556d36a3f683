"""Gradient-boosted trees on everything the model sees."""

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from headway.evaluation.cases import Array, Cases

_MOST_CATEGORIES = 255  # of scikit-learn's histograms; more series are told apart by the order of their numbers


class GradientBoosting:
    """Gradient-boosted trees (scikit-learn) on exactly the model's inputs; one ensemble per step and target, on the change from the last observed value.

    Args:
        iterations: Trees per ensemble.
    """

    learns: ClassVar[bool] = True

    def __init__(self, *, iterations: int = 400) -> None:
        self.iterations = iterations

    def fit(self, cases: Iterable[Cases]) -> None:
        """Grow the trees for the absolute error; the same on any number of threads.

        All training windows are held at once: windows * inputs * 4 bytes, and up to 13 more per
        input while scikit-learn bins a copy of them.
        """
        gathered = [(_inputs(batch), batch.target - batch.last[:, None], batch.num_series) for batch in cases]
        inputs = np.concatenate([part for part, _, _ in gathered])
        changes = np.concatenate([part for _, part, _ in gathered])
        num_series = gathered[0][2]
        gathered.clear()
        categories = [inputs.shape[1] - 1] if 1 < num_series <= _MOST_CATEGORIES else None
        self.ensembles = [
            [self._grown(inputs, change, categories) for change in of_step.T] for of_step in changes.swapaxes(0, 1)
        ]

    def forecast(self, cases: Cases) -> Array:
        """[B, H, targets] in the targets' own units; the last observed value where training had no target."""
        forecast = np.repeat(cases.last[:, None], cases.horizon, axis=1)
        if not len(cases):
            return forecast
        inputs = _inputs(cases)
        for step, of_step in enumerate(self.ensembles):
            for target, ensemble in enumerate(of_step):
                if ensemble is not None:
                    with _one_thread():
                        forecast[:, step, target] += ensemble.predict(inputs)
        return forecast

    def _grown(self, inputs: NDArray[np.float32], change: Array, categories: list[int] | None) -> Any:
        known = ~np.isnan(change)
        if not known.any():
            return None
        ensemble = HistGradientBoostingRegressor(
            loss="absolute_error",
            max_iter=self.iterations,
            categorical_features=categories,
            early_stopping=False,
            random_state=0,
        )
        rows = inputs[known]
        # No tree can split a constant, and scikit-learn cannot bin a column without any number.
        rows[:, np.isnan(rows).all(axis=0)] = 0
        with _one_thread():
            return ensemble.fit(rows, change[known])


def _one_thread() -> threadpool_limits:
    """Each of the thousands of short loops waits for its slowest thread: where another program takes a core,
    two threads took 90 s for what one does in 7 (docs/EXPERIMENTS.md).
    """
    return threadpool_limits(limits=1, user_api="openmp")


def _inputs(cases: Cases) -> NDArray[np.float32]:
    """The model's inputs, a row per window: [B, T * F + (T + H) * C + 1].

    A missing value is NaN, which trees tell from every number: the marks would say nothing more.
    """
    size = len(cases)
    return np.hstack(
        [
            np.where(cases.observed > 0, cases.context, np.float32(np.nan)).reshape(size, -1),
            cases.known_future.reshape(size, -1),
            cases.series[:, None],
        ],
        dtype=np.float32,
    )


RIVAL = GradientBoosting
