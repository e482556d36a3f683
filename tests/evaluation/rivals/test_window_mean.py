"""The window mean against NumPy's own."""

from collections.abc import Callable

import numpy as np

from headway.evaluation.cases import Cases
from headway.evaluation.rivals.window_mean import WindowMean


def test_it_is_the_mean_of_what_was_observed_in_the_context_alone(wild: Callable[..., Cases]) -> None:
    cases = wild()
    expected = np.nanmean(cases.history[:, -5:], axis=1)
    found = WindowMean().forecast(cases)
    for step in range(7):
        np.testing.assert_allclose(found[:, step], expected, rtol=1e-12)
