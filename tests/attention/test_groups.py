"""Attention by groups of windows."""

import numpy as np
import pytest

from headway.attention.groups import error_tenths, grouped, spread

SCORES = np.random.default_rng(4).dirichlet(np.ones(5), size=(13, 2, 3, 5)).astype("float32")
CODES = np.array([0, 3, 0, 1, -1, 3, 3, 1, 0, -1, 3, 0, 1])  # 2 is empty


def test_a_group_is_the_mean_of_its_windows() -> None:
    found = grouped(SCORES, CODES, 4)
    assert (found.shape, found.dtype) == ((4, 2, 3, 5, 5), np.dtype("float32"))
    for group, members in {0: [0, 2, 8, 11], 1: [3, 7, 12], 3: [1, 5, 6, 10]}.items():
        np.testing.assert_allclose(found[group], sum(SCORES[member] for member in members) / len(members), rtol=1e-5)


def test_a_group_without_windows_is_nan() -> None:
    assert np.isnan(grouped(SCORES, CODES, 5)[[2, 4]]).all()
    assert np.isnan(grouped(SCORES, np.full(13, -1), 3)).all()


def test_a_window_left_out_touches_no_group_even_if_it_is_nan() -> None:
    broken = SCORES.copy()
    broken[CODES == -1] = np.nan
    np.testing.assert_array_equal(grouped(broken, CODES, 4), grouped(SCORES, CODES, 4))


def test_groups_of_more_windows_than_are_held_at_once_are_means_too() -> None:
    codes = np.arange(2**20 + 11) % 3
    found = grouped(np.arange(2**20 + 11, dtype="float64")[:, None] * [1.0, -1.0], codes, 3)
    for group in range(3):
        expected = np.arange(group, 2**20 + 11, 3).mean()
        np.testing.assert_allclose(found[group], [expected, -expected], rtol=1e-6)


@pytest.mark.parametrize(
    ("codes", "reason"), [(CODES[:-1], "One code per window"), (CODES + 2, "Codes run from 0 to 4: got 5")]
)
def test_codes_that_do_not_fit_are_refused(codes: np.ndarray, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        grouped(SCORES, codes, 5)


def test_spread_is_the_standard_deviation_over_windows() -> None:
    np.testing.assert_allclose(spread(SCORES), SCORES.std(axis=0), rtol=1e-5)
    np.testing.assert_array_equal(spread(SCORES[:1]), np.zeros((2, 3, 5, 5)))


def test_spread_over_more_windows_than_are_held_at_once() -> None:
    values = np.random.default_rng(5).normal(100, 0.01, size=(2**20 + 7, 2)).astype("float32")
    np.testing.assert_allclose(spread(values), values.std(axis=0, dtype="float64"), rtol=1e-5)


def test_the_best_and_the_worst_tenth_of_errors() -> None:
    errors = np.random.default_rng(6).permutation(37).astype("float64")
    codes = error_tenths(errors)
    assert set(errors[codes == 0]) == {0, 1, 2}
    assert set(errors[codes == 2]) == {34, 35, 36}
    assert (codes == 1).sum() == 31


def test_windows_without_an_error_are_in_no_tenth() -> None:
    errors = np.arange(26.0)
    errors[[0, 13, 25]] = np.nan
    codes = error_tenths(errors)
    assert np.flatnonzero(codes == -1).tolist() == [0, 13, 25]
    assert np.flatnonzero(codes == 0).tolist() == [1, 2]
    assert np.flatnonzero(codes == 2).tolist() == [23, 24]


def test_equal_errors_keep_the_order_of_their_windows() -> None:
    errors = np.random.default_rng(7).integers(0, 2, size=503).astype("float64")
    codes = error_tenths(errors)
    ranked = sorted(range(503), key=lambda window: (errors[window], window))
    assert np.flatnonzero(codes == 0).tolist() == ranked[:50]
    assert np.flatnonzero(codes == 2).tolist() == ranked[-50:]


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ([3.0, 1.0, 2.0], [2, 0, 1]),
        ([2.0, 1.0], [2, 0]),
        ([2.0, 1.0, np.nan], [2, 0, -1]),
        ([2.0], [1]),
        ([np.nan], [-1]),
        ([], []),
        ([np.inf, 1.0, 5.0, 2.0], [2, 0, 1, 1]),
        ([1.0, 1.0, 1.0, 1.0], [0, 1, 1, 2]),
    ],
)
def test_few_windows_still_have_a_best_and_a_worst(errors: list[float], expected: list[int]) -> None:
    assert error_tenths(np.array(errors)).tolist() == expected
