"""The scaler against scikit-learn's."""

import logging
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.preprocessing import StandardScaler

from headway.data.scaling import Scaler, fit_scalers
from headway.data.series import Dataset
from headway.data.splits import split
from headway.errors import DataError

ROWS = {"train": 23, "validation": 11, "test": 13}


@settings(max_examples=50, deadline=None)
@given(arrays.arrays(np.float64, (13, 3), elements=st.floats(-1e4, 1e4).map(lambda value: round(value, 3))))
def test_scaler_agrees_with_scikit_learn(rows: np.ndarray) -> None:
    oracle, scaler = StandardScaler().fit(rows), Scaler.fit(rows)
    np.testing.assert_allclose(scaler.mean, oracle.mean_, atol=1e-9)
    np.testing.assert_allclose(scaler.scale, oracle.scale_, rtol=1e-9)
    np.testing.assert_allclose(scaler.scaled(rows), oracle.transform(rows), rtol=1e-5, atol=1e-6)


def test_missing_values_are_left_out_and_stay_missing() -> None:
    rows = np.array([[1.0, np.nan], [np.nan, 5.0], [4.0, 7.0], [7.0, np.nan]])
    oracle, scaler = StandardScaler().fit(rows), Scaler.fit(rows)
    np.testing.assert_allclose([scaler.mean, scaler.scale], [oracle.mean_, oracle.scale_])
    np.testing.assert_array_equal(np.isnan(scaler.scaled(rows)), np.isnan(rows))


@pytest.mark.parametrize("constant", [0.0, 0.1, -1e9, np.nan])
def test_a_column_that_does_not_vary_keeps_its_unit(constant: float) -> None:
    scaler = Scaler.fit(np.full((101, 1), constant))
    assert scaler.scale.tolist() == [1.0]
    np.testing.assert_allclose(scaler.mean, 0.0 if np.isnan(constant) else constant)


def test_scalers_see_the_training_rows_of_every_series_and_no_others(make_dataset: Callable[..., Dataset]) -> None:
    dataset = make_dataset((53, 47))
    scaler, known_scaler = fit_scalers(dataset, split(dataset, **ROWS))
    rows = np.concatenate([series.values[:23] for series in dataset.series])
    np.testing.assert_allclose(scaler.mean, StandardScaler().fit(rows).mean_)
    np.testing.assert_allclose(scaler.scale, StandardScaler().fit(rows).scale_)
    np.testing.assert_allclose(known_scaler.mean, -scaler.mean[:1])


def test_columns_are_taken_in_the_order_asked_for() -> None:
    scaler = Scaler(np.array([1.0, 2.0, 3.0]), np.array([5.0, 7.0, 11.0])).columns([2, 0])
    assert (scaler.mean.tolist(), scaler.scale.tolist()) == ([3.0, 1.0], [11.0, 5.0])


@pytest.mark.parametrize(("value", "words"), [(4.0, "is constant \\(4\\)"), (np.nan, "is never observed")])
def test_a_target_that_cannot_be_learned_is_refused(
    make_dataset: Callable[..., Dataset], value: float, words: str
) -> None:
    dataset = make_dataset((47,))
    dataset.series[0].values[:23, 2] = value
    with pytest.raises(DataError, match=f"target 'c' {words}"):
        fit_scalers(dataset, split(dataset, **ROWS))


def test_a_feature_that_does_not_vary_is_named_in_a_warning(
    make_dataset: Callable[..., Dataset], caplog: pytest.LogCaptureFixture
) -> None:
    dataset = make_dataset((47,))
    dataset.series[0].values[:23, 1] = 4.0
    with caplog.at_level(logging.WARNING):
        fit_scalers(dataset, split(dataset, **ROWS))
    assert [record.getMessage() for record in caplog.records] == [
        "made: feature b does not vary in the training rows; its scale is 1"
    ]
