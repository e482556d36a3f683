"""The drift method against plain loops."""

from collections.abc import Callable

import numpy as np

from headway.evaluation.cases import Cases
from headway.evaluation.rivals.drift import Drift


def test_the_line_through_first_and_last_observed_value_goes_on(wild: Callable[..., Cases]) -> None:
    cases = wild()
    found = Drift().forecast(cases)
    for window, past in enumerate(cases.history[:, -5:]):
        for target in range(2):
            seen = [(row, value) for row, value in enumerate(past[:, target]) if not np.isnan(value)]
            (begin, first), (end, last) = seen[0], seen[-1]
            slope = (last - first) / (end - begin) if end > begin else 0.0
            expected = [last + slope * (4 + ahead - end) for ahead in range(1, 8)]
            np.testing.assert_allclose(found[window, :, target], expected, rtol=1e-12)


def test_a_whole_context_drifts_by_its_mean_change(past_only: Callable[..., Cases]) -> None:
    history = np.array([100.0, 1.0, 7.0, 4.0])[None, :, None]
    assert Drift().forecast(past_only(history, context=3, horizon=2)).ravel().tolist() == [5.5, 7.0]


def test_one_observed_value_does_not_drift(past_only: Callable[..., Cases]) -> None:
    history = np.array([100.0, np.nan, 7.0, np.nan])[None, :, None]
    assert Drift().forecast(past_only(history, context=3, horizon=2)).ravel().tolist() == [7.0, 7.0]
