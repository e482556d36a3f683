"""How often actuals fall below quantiles, and where between them."""

import numpy as np
import pytest
from scipy.stats import chisquare, norm

from headway.evaluation.reliability import Reliability, pit_cells

LEVELS = np.array([0.1, 0.25, 0.5, 0.9])
CELLS = np.array([0.1, 0.15, 0.25, 0.4, 0.1])


def shares(actual: np.ndarray, quantiles: np.ndarray, *, parts: int = 1) -> np.ndarray:
    found = Reliability(actual.shape[1], quantiles.shape[-1])
    for one in np.array_split(np.arange(len(actual)), parts):
        found.add(actual[one], quantiles[one])
    return found.shares


def test_shares_are_of_observed_actuals_at_or_below_each_quantile() -> None:
    generator = np.random.default_rng(2)
    actual = np.where(generator.random((23, 5, 3)) < 0.3, np.nan, generator.integers(-3, 4, size=(23, 5, 3)))
    quantiles = np.sort(generator.integers(-3, 4, size=(23, 5, 3, 4)), axis=-1).astype(np.float32)
    found = shares(actual, quantiles, parts=7)
    assert found.shape == (6, 4)
    for row, steps in [(0, slice(None)), *((step + 1, slice(step, step + 1)) for step in range(5))]:
        pairs = [
            (value, row_quantiles)
            for value, row_quantiles in zip(actual[:, steps].ravel(), quantiles[:, steps].reshape(-1, 4), strict=True)
            if not np.isnan(value)
        ]
        expected = [sum(value <= edges[q] for value, edges in pairs) / len(pairs) for q in range(4)]
        np.testing.assert_allclose(found[row], expected)


def test_a_step_never_observed_has_no_share_and_no_weight() -> None:
    actual = np.array([[[1.0], [np.nan]], [[5.0], [np.nan]]])
    np.testing.assert_array_equal(shares(actual, np.full((2, 2, 1, 1), 3.0)), [[0.5], [0.5], [np.nan]])


def test_cells_are_what_lies_between_neighbouring_quantiles() -> None:
    generator = np.random.default_rng(3)
    actual, edges = generator.normal(size=2003), np.array([-1.0, 0.1, 0.4, 2.0])
    found = pit_cells(shares(actual[:, None, None], np.tile(edges, (2003, 1, 1, 1))))
    expected = np.histogram(actual, [-np.inf, *edges, np.inf])[0] / 2003
    np.testing.assert_allclose(found, [expected, expected])


@pytest.mark.parametrize(
    ("location", "scale", "honest"), [(0, 1, True), (0.2, 1, False), (0, 0.8, False), (0, 1.25, False)]
)
def test_the_transform_is_flat_for_the_true_quantiles_and_for_no_others(
    location: float, scale: float, honest: bool
) -> None:
    actual = np.random.default_rng(5).normal(size=(4001, 1, 1))
    quantiles = np.broadcast_to(norm.ppf(LEVELS, location, scale), (4001, 1, 1, 4))
    cells = pit_cells(shares(actual, quantiles))[0]
    assert cells.sum() == pytest.approx(1)
    p_value = chisquare(4001 * cells, 4001 * CELLS).pvalue
    assert p_value > 0.05 if honest else p_value < 1e-6
