"""Rows that stay in their file: the same windows, batches and fits as from memory, in little memory of their own."""

import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from headway.data import batches
from headway.data.clock import Clock
from headway.data.profile import sampled
from headway.data.scaling import Moments, Scaler, fit_scalers
from headway.data.series import Dataset, Series, StoredRows
from headway.data.splits import SPLITS, split
from headway.data.windows import index_windows

ROWS = {"train": 23, "validation": 11, "test": 13}
OnDisk = Callable[[Dataset], Dataset]


@pytest.fixture
def dataset(make_dataset: Callable[..., Dataset]) -> Dataset:
    return make_dataset((53, 47, 61), ((0, 17), (0, 5, 29), (0,)), 0.2)


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few rows at a time, so that small files have many chunks."""
    monkeypatch.setattr("headway.data.series._VALUES_AT_ONCE", 20)


def test_a_dataset_on_disk_is_read_from_its_file(dataset: Dataset, on_disk: OnDisk) -> None:
    stored = on_disk(dataset)
    assert stored.is_stored and not dataset.is_stored and stored.stored is not None
    for name in ("values", "known_future", "timestamps"):
        assert getattr(stored, name) is getattr(stored.stored, name)
        np.testing.assert_array_equal(getattr(stored, name), getattr(dataset, name))
    assert stored.segment_starts.tolist() == [0, 17, 53, 58, 82, 100]


def test_the_fingerprint_does_not_depend_on_how_many_rows_are_looked_at_in_one_go(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = dataset.fingerprint()
    monkeypatch.setattr("headway.data.series._VALUES_AT_ONCE", 20)
    assert dataset.fingerprint() == whole
    dataset.series[2].values[-1, 0] = 1.5
    assert dataset.fingerprint() != whole


def test_rows_that_do_not_fit_together_are_refused(dataset: Dataset) -> None:
    rows = StoredRows(dataset.values, dataset.known_future, dataset.timestamps, "")
    with pytest.raises(ValueError, match="stored rows must agree: got 160 timestamps, 161 rows of values and 161"):
        replace(rows, timestamps=rows.timestamps[1:])
    with pytest.raises(ValueError, match=r"stored values must be \[161, 3\].*got \[160, 3\]"):
        fewer = StoredRows(rows.values[1:], rows.known_future[1:], rows.timestamps[1:], "")
        replace(dataset, stored=fewer)


@pytest.mark.parametrize(
    ("clock", "cycles"),
    [(Clock(1, "h"), {"day": 3, "week": 1, "year": 2}), (Clock(1, "D"), {"year": 1}), (Clock(1, "M"), {})],
)
def test_a_batch_from_disk_is_bit_for_bit_that_from_memory(
    dataset: Dataset, on_disk: OnDisk, clock: Clock, cycles: dict[str, int]
) -> None:
    first = np.datetime64("2023-12-29T05", "s")
    series = [replace(one, timestamps=clock.after(first, np.arange(len(one)))) for one in dataset.series]
    dataset = replace(dataset, series=tuple(series), clock=clock)
    scalers = fit_scalers(dataset, split(dataset, **ROWS))
    memory = batches.scale_rows(dataset, *scalers, cycles)
    disk = batches.RowsOnDisk(on_disk(dataset), *scalers, cycles)
    for name in SPLITS:
        index = index_windows(dataset, split(dataset, **ROWS), name, context_length=7, horizon=3)
        numbers = np.random.default_rng(1).permutation(len(index))[:11]
        one, other = (batches.gather(rows, index, numbers) for rows in (memory, disk))
        for key, expected in one.inputs.items():
            np.testing.assert_array_equal(other.inputs[key], expected, strict=True)
        np.testing.assert_array_equal(other.target, one.target, strict=True)
        np.testing.assert_array_equal(other.target_observed, one.target_observed, strict=True)
    assert disk.targets == memory.targets


@pytest.mark.usefixtures("small_chunks")
def test_windows_and_what_is_gathered_of_them_are_the_same_from_disk(dataset: Dataset, on_disk: OnDisk) -> None:
    found: list[list[Any]] = []
    for one in (dataset, on_disk(dataset)):
        index = index_windows(one, split(one, **ROWS), "train", context_length=3, horizon=2, most=13)
        raw = batches.gather_raw(one, index, np.arange(len(index)))
        history = batches.gather_history(one, index, np.arange(len(index)), length=9)
        found.append([index.first, index.count, index.series, raw.values, raw.known_future, raw.target, history])
        found[-1] += [raw.origins.astype(np.int64)]
    for expected, other in zip(*found, strict=True):
        np.testing.assert_array_equal(other, expected)


@pytest.mark.usefixtures("small_chunks")
def test_scalers_fitted_chunk_by_chunk_are_those_of_scikit_learn(dataset: Dataset, on_disk: OnDisk) -> None:
    stored = on_disk(dataset)
    scaler, known = fit_scalers(stored, split(stored, **ROWS))
    for found, columns in ((scaler, "values"), (known, "known_future")):
        oracle = StandardScaler().fit(np.concatenate([getattr(series, columns)[:23] for series in dataset.series]))
        np.testing.assert_allclose(found.mean, oracle.mean_, rtol=1e-12)
        np.testing.assert_allclose(found.scale, oracle.scale_, rtol=1e-12)


def test_joined_moments_lose_no_digits_to_a_large_mean() -> None:
    rows = 1e8 + np.random.default_rng(4).normal(size=(5003, 2))
    rows[::7, 1] = np.nan
    parts = [rows[:1], rows[1:2], *np.array_split(rows[2:], 17), rows[:0]]
    joined = Moments.of(parts[0])
    for part in parts[1:]:
        joined = joined.joined(Moments.of(part))
    # In numbers that are small the sums of squares are exact enough to be the truth.
    shifted = Scaler.fit(rows - 1e8)
    np.testing.assert_allclose(joined.scaler.scale, shifted.scale, rtol=1e-7)
    np.testing.assert_allclose(joined.scaler.mean - 1e8, shifted.mean, atol=1e-6)
    np.testing.assert_array_equal(joined.count, (~np.isnan(rows)).sum(axis=0))
    np.testing.assert_array_equal([joined.lowest, joined.highest], [np.nanmin(rows, axis=0), np.nanmax(rows, axis=0)])


def test_of_many_rows_a_profile_is_taken_of_a_sample_that_does_not_depend_on_chunks() -> None:
    rows = np.random.default_rng(6).normal(size=(10_007, 2))
    whole = sampled([rows], len(rows), most=1000)
    np.testing.assert_array_equal(sampled(np.array_split(rows, 23), len(rows), most=1000), whole)
    places = [int(np.flatnonzero((rows == row).all(axis=1))[0]) for row in whole]
    assert all(n * 10_007 // 1000 <= place < (n + 1) * 10_007 // 1000 for n, place in enumerate(places))
    np.testing.assert_array_equal(sampled(np.array_split(rows, 23), len(rows), most=10_007), rows)


def test_series_in_another_order_than_their_rows_have_the_windows_they_have_in_memory(
    dataset: Dataset, on_disk: OnDisk
) -> None:
    stored, order = on_disk(dataset), (2, 0, 1)
    assert stored.stored is not None
    rows = replace(stored.stored, begins=tuple(int(stored.begins[place]) for place in order))
    turned = replace(stored, series=tuple(stored.series[place] for place in order), stored=rows)
    memory = replace(dataset, series=tuple(dataset.series[place] for place in order))
    for name in SPLITS:
        indices = [
            index_windows(one, split(one, **ROWS), name, context_length=5, horizon=3) for one in (turned, memory)
        ]
        numbers = np.arange(len(indices[1]))
        found, expected = (
            batches.gather_raw(one, index, numbers) for one, index in zip((turned, memory), indices, strict=True)
        )
        for part in ("values", "known_future", "origins", "series", "target"):
            np.testing.assert_array_equal(getattr(found, part), getattr(expected, part))
        histories = [
            batches.gather_history(one, index, numbers, length=19)
            for one, index in zip((turned, memory), indices, strict=True)
        ]
        np.testing.assert_array_equal(*histories)


def test_a_large_file_takes_little_memory_of_its_own(on_disk: OnDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headway.data.series._VALUES_AT_ONCE", 1 << 14)
    generator, rows = np.random.default_rng(8), 400_000
    values = generator.normal(size=(rows, 5))
    values[generator.random(rows) < 0.001] = np.nan
    times = np.datetime64("2000-01-01", "s") + np.arange(rows) * np.timedelta64(60, "s")
    series = Series("one", times, values, values[:, :2].copy())
    stored = on_disk(Dataset("made", (series,), tuple("abcde"), ("b",), ("k", "l"), Clock(1, "min"), 60))
    del values, series, times
    tracemalloc.start()
    borders = split(stored, train=0.6, validation=0.2, test=0.2)
    indices = [index_windows(stored, borders, name, context_length=60, horizon=30) for name in SPLITS]
    scalers = fit_scalers(stored, borders)
    disk = batches.RowsOnDisk(stored, *scalers, {"day": 2})
    for place in range(0, len(indices[0]) - 256, len(indices[0]) // 20):
        numbers = batches.shuffled(np.arange(place, place + 256), count=len(indices[0]), seed=0, epoch=0)
        batches.gather(disk, indices[0], numbers)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert stored.values.nbytes == 16_000_000
    assert peak < 6_000_000  # a batch of 256 windows of 90 rows, and a few chunks of 128 KiB
