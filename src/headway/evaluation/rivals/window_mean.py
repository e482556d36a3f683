"""The mean of what the context shows."""

from collections.abc import Iterable
from typing import ClassVar

import numpy as np

from headway.evaluation.cases import Array, Cases


class WindowMean:
    """The mean of the observed values of the context, for every step."""

    learns: ClassVar[bool] = False

    def fit(self, cases: Iterable[Cases]) -> None:
        """Nothing to learn."""

    def forecast(self, cases: Cases) -> Array:
        """[B, H, targets] in the targets' own units; of a context without any value, the last one before it."""
        context = cases.history[:, -cases.context_length :]
        observed = ~np.isnan(context)
        count = observed.sum(axis=1)
        mean = np.where(observed, context, 0.0).sum(axis=1) / np.maximum(count, 1)
        return np.repeat(np.where(count > 0, mean, cases.last)[:, None], cases.horizon, axis=1)


RIVAL = WindowMean
