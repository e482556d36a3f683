"""The seasonal naive forecast against plain indexing."""

from collections.abc import Callable

import numpy as np
import pytest

from headway.evaluation.cases import Cases
from headway.evaluation.rivals.seasonal_naive import SeasonalNaive


@pytest.mark.parametrize("horizon", [3, 7, 17])
def test_it_is_the_latest_known_row_a_whole_number_of_seasons_before(
    horizon: int, cases_of: Callable[..., Cases]
) -> None:
    rows = np.random.default_rng(2).normal(size=(53, 3))
    cases = cases_of([rows], context=5, horizon=horizon, season=7)
    found = SeasonalNaive().forecast(cases)
    for number, origin in enumerate(range(6, 53 - horizon)):
        for ahead in range(1, horizon + 1):
            row = origin + ahead
            while row > origin:
                row -= 7
            np.testing.assert_array_equal(found[number, ahead - 1], rows[row, [2, 0]])


def test_it_reads_the_end_of_a_history_longer_than_a_season(past_only: Callable[..., Cases]) -> None:
    cases = past_only(np.arange(11.0)[None, :, None], context=11, horizon=4, season=3)
    assert SeasonalNaive().forecast(cases).ravel().tolist() == [8, 9, 10, 8]


def test_it_is_the_last_observed_value_where_the_season_is_missing(past_only: Callable[..., Cases]) -> None:
    history = np.array([np.nan, 2.0, 3.0, np.nan])[None, :, None]
    cases = past_only(history, context=2, horizon=4, season=4)
    assert SeasonalNaive().forecast(cases).ravel().tolist() == [3, 2, 3, 3]
