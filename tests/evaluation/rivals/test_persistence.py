"""Persistence against a hand calculation."""

from collections.abc import Callable

import numpy as np

from headway.evaluation.cases import Cases
from headway.evaluation.rivals.persistence import Persistence


def test_persistence_repeats_the_last_value_that_was_observed(past_only: Callable[..., Cases]) -> None:
    nan = np.nan
    history = [[[1.0, 2.0], [3.0, nan], [nan, nan]], [[4.0, nan], [5.0, nan], [6.0, nan]]]
    found = Persistence().forecast(past_only(history, context=2, horizon=5))
    np.testing.assert_array_equal(found, np.repeat([[[3.0, 2.0]], [[6.0, nan]]], 5, axis=1))
