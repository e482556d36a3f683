"""Persistence: nothing changes."""

from collections.abc import Iterable
from typing import ClassVar

import numpy as np

from headway.evaluation.cases import Array, Cases


class Persistence:
    """The last observed value, for every step."""

    learns: ClassVar[bool] = False

    def fit(self, cases: Iterable[Cases]) -> None:
        """Nothing to learn."""

    def forecast(self, cases: Cases) -> Array:
        """[B, H, targets] in the targets' own units."""
        return np.repeat(cases.last[:, None], cases.horizon, axis=1)


RIVAL = Persistence
