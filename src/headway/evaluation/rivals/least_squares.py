"""One linear map from the values of a column to its future, in closed form.

This is the linear layer that the long-horizon benchmarks compare with (Zeng et al. 2023, "Are
Transformers Effective for Time Series Forecasting?"), solved rather than trained.
"""

from collections.abc import Iterable
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from headway.evaluation.cases import Array, Cases

_RIDGE = 1e-10  # of the mean diagonal: decides only between columns that depend on each other


class LeastSquares:
    """Least squares on the target's own context: one linear map of its T values and a bias, shared by all targets and series."""

    learns: ClassVar[bool] = True

    def fit(self, cases: Iterable[Cases]) -> None:
        """Add up the normal equations batch by batch; memory does not grow with windows.

        A row is a window of one target, standardised so that targets can share the map. A target value
        that is missing leaves the row out of its own step only. A step never observed keeps a map of zeros.
        """
        gram, moment = np.zeros(()), np.zeros(())
        missed: dict[int, Array] = {}
        for batch in cases:
            context = _carried(_rows(batch, batch.history[:, -batch.context_length :]))
            usable = ~np.isnan(context[:, -1])
            context, target = context[usable], _rows(batch, batch.target)[usable]
            anchor = self._anchor(context)
            design, response = _with_bias(context - anchor), target - anchor
            missing = np.isnan(response)
            gram = gram + design.T @ design  # [T+1, T+1]
            moment = moment + design.T @ np.where(missing, 0.0, response)  # [T+1, H]
            for step in np.flatnonzero(missing.any(axis=0)).tolist():
                without = design[missing[:, step]]
                missed[step] = missed.get(step, 0.0) + without.T @ without
        self.weights = solve(gram, moment, ridge=_RIDGE)  # [T+1, H]
        for step, rows in missed.items():
            self.weights[:, step] = solve(gram - rows, moment[:, step], ridge=_RIDGE)

    def forecast(self, cases: Cases) -> Array:
        """[B, H, targets] in the targets' own units."""
        last = (cases.last - cases.mean) / cases.scale
        context = _carried(_rows(cases, cases.history[:, -cases.context_length :]))
        # Nothing observed in the context: its rows are the last value before it.
        context = np.where(np.isnan(context), last.reshape(-1, 1), context)
        anchor = self._anchor(context)
        forecast_scaled = _with_bias(context - anchor) @ self.weights + anchor  # [B * targets, H]
        by_step = forecast_scaled.reshape(len(cases), len(cases.mean), cases.horizon).swapaxes(1, 2)
        return by_step * cases.scale + cases.mean

    def _anchor(self, context: Array) -> Array:
        """What is taken from context and target before the map and added after it: [rows, T] -> [rows, 1]."""
        return np.zeros((len(context), 1))


def solve(gram: Array, moment: Array, *, ridge: float) -> Array:
    """Weights of the normal equations `gram` [P, P] and `moment` [P] or [P, Q]; zeros where `moment` is all zero.

    Args:
        gram: Sum of the outer products of the rows.
        moment: Sum of the rows times what they should give.
        ridge: Added to the diagonal, as a share of its mean.
    """
    if not moment.any():
        return np.zeros_like(moment)
    return np.linalg.solve(gram + ridge * gram.trace() / len(gram) * np.eye(len(gram)), moment)


def _rows(cases: Cases, values: Array) -> Array:
    """Values in the targets' units, standardised, a row for each window and target: [B, L, targets] -> [B * targets, L]."""
    scaled: Array = (values - cases.mean) / cases.scale
    return scaled.swapaxes(1, 2).reshape(len(values) * len(cases.mean), values.shape[1])


def _carried(rows: NDArray[np.float64]) -> Array:
    """Rows [rows, T] with missing values carried forward, leading ones backward; NaN where a row has none."""
    observed = ~np.isnan(rows)
    latest = np.maximum.accumulate(np.where(observed, np.arange(rows.shape[1]), 0), axis=1)
    source = np.maximum(latest, observed.argmax(axis=1)[:, None])
    carried: Array = np.take_along_axis(rows, source, axis=1)
    return carried


def _with_bias(rows: Array) -> Array:
    return np.column_stack([rows, np.ones(len(rows))])


RIVAL = LeastSquares
