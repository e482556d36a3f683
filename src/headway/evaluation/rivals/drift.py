"""The drift method: Hyndman & Athanasopoulos, Forecasting: Principles and Practice, 5.2."""

from collections.abc import Iterable
from typing import ClassVar

import numpy as np

from headway.evaluation.cases import Array, Cases


class Drift:
    """The line through the first and the last observed value of the context, drawn on from the last one."""

    learns: ClassVar[bool] = False

    def fit(self, cases: Iterable[Cases]) -> None:
        """Nothing to learn."""

    def forecast(self, cases: Cases) -> Array:
        """[B, H, targets] in the targets' own units; with fewer than two observed values, the last one repeats."""
        context = cases.history[:, -cases.context_length :]
        observed = ~np.isnan(context)
        first = observed.argmax(axis=1)[:, None]
        last = cases.context_length - 1 - observed[:, ::-1].argmax(axis=1)[:, None]
        rise = np.take_along_axis(context, last, axis=1) - np.take_along_axis(context, first, axis=1)
        slope = np.where(observed.sum(axis=1, keepdims=True) > 1, rise / np.maximum(last - first, 1), 0.0)
        # Counted from the last observed value, which may lie before the origin.
        ahead = np.arange(cases.context_length, cases.context_length + cases.horizon)[:, None] - last
        return cases.last[:, None] + ahead * slope


RIVAL = Drift
