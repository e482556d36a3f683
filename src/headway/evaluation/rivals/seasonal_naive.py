"""The seasonal naive forecast: as one season ago."""

from collections.abc import Iterable
from typing import ClassVar

import numpy as np

from headway.evaluation.cases import Array, Cases


class SeasonalNaive:
    """The value one season before; where that is missing, the last observed value."""

    learns: ClassVar[bool] = False

    def fit(self, cases: Iterable[Cases]) -> None:
        """Nothing to learn."""

    def forecast(self, cases: Cases) -> Array:
        """[B, H, targets] in the targets' own units; past one season ahead, the last known season repeats."""
        step = np.arange(cases.horizon) % cases.season
        seasonal = cases.history[:, cases.history.shape[1] - cases.season + step]
        return np.where(np.isnan(seasonal), cases.last[:, None], seasonal)


RIVAL = SeasonalNaive
