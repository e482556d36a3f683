"""The window index against plain slicing of each series."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from headway.data import batches
from headway.data.calendar import calendar_features
from headway.data.scaling import Scaler
from headway.data.series import Dataset
from headway.data.splits import SPLITS, split
from headway.data.windows import WindowIndex, index_windows

ROWS = {"train": 23, "validation": 11, "test": 13}
MakeDataset = Callable[..., Dataset]


class Sliced(NamedTuple):
    """A window cut out of its series by plain slicing."""

    series: int
    context: NDArray[np.float64]
    target: NDArray[np.float64]
    times: NDArray[np.datetime64]
    first_target: int


def slices(dataset: Dataset, name: str, context_length: int, horizon: int, stride: int) -> Iterator[Sliced]:
    begin, end = {"train": (0, 23), "validation": (23, 34), "test": (34, 47)}[name]
    for number, series in enumerate(dataset.series):
        edges = (*series.segments, len(series))
        for first, after in itertools.pairwise(edges):
            start = max(first, begin - context_length)
            while start + context_length + horizon <= min(after, end):
                origin, stop = start + context_length, start + context_length + horizon
                context, target = series.values[start:origin], series.values[origin:stop][:, [2, 0]]
                has_last = not np.isnan(context[:, [2, 0]]).all(axis=0).any()
                if has_last and not np.isnan(target).all():
                    yield Sliced(number, context, target, series.timestamps[start:stop], origin)
                start += stride


def index_of(dataset: Dataset, name: str, **sizes: int) -> WindowIndex:
    return index_windows(dataset, split(dataset, **ROWS), name, **sizes)


CASES = [
    ((47,), None, 0.0),
    ((53, 47, 61), None, 0.0),
    ((53, 47), ((0, 17, 29), (0, 37)), 0.0),
    ((53, 47), ((0, 2, 41), (0, 23)), 0.5),
    ((47, 59), None, 0.83),
]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("sizes", itertools.product((1, 2, 7), (1, 3, 5), (1, 3)))
def test_every_window_is_what_slicing_its_series_gives(
    make_dataset: MakeDataset, case: Any, sizes: tuple[int, int, int]
) -> None:
    dataset = make_dataset(*case)
    context_length, horizon, stride = sizes
    for name in SPLITS:
        index = index_of(dataset, name, context_length=context_length, horizon=horizon, stride=stride)
        expected = list(slices(dataset, name, *sizes))
        raw = batches.gather_raw(dataset, index, np.arange(len(index)))
        assert len(index) == len(expected)
        for number, window in enumerate(expected):
            np.testing.assert_array_equal(raw.values[number], window.context)
            np.testing.assert_array_equal(raw.target[number], window.target)
            assert raw.series[number] == window.series
            assert raw.origins[number] == window.times[context_length - 1]


def test_windows_can_be_asked_for_in_any_order(make_dataset: MakeDataset) -> None:
    dataset = make_dataset((53, 47), ((0, 17), (0, 5, 29)))
    index = index_of(dataset, "train", context_length=3, horizon=2, stride=2)
    numbers = np.random.default_rng(0).permutation(len(index))
    in_order = index.starts(np.arange(len(index)))
    np.testing.assert_array_equal(index.starts(numbers), in_order[numbers])


@pytest.mark.parametrize("name", SPLITS)
def test_no_target_leaves_its_split(make_dataset: MakeDataset, name: str) -> None:
    dataset = make_dataset((53, 61))
    begin, end = {"train": (0, 23), "validation": (23, 34), "test": (34, 47)}[name]
    index = index_of(dataset, name, context_length=7, horizon=5, stride=1)
    origin = index.starts(np.arange(len(index))) + 7 - np.array([0, 53])[index.series_of(np.arange(len(index)))]
    assert origin.min() == max(begin, 7)
    assert origin.max() + 5 == end


def test_validation_and_test_start_right_at_their_border(make_dataset: MakeDataset) -> None:
    dataset = make_dataset((47,))
    for name, border in {"validation": 23, "test": 34}.items():
        index = index_of(dataset, name, context_length=7, horizon=5, stride=1)
        window = batches.gather_raw(dataset, index, np.array([0]))
        np.testing.assert_array_equal(window.target[0], dataset.series[0].values[border : border + 5][:, [2, 0]])
        np.testing.assert_array_equal(window.values[0], dataset.series[0].values[border - 7 : border])


def test_no_window_crosses_a_segment(make_dataset: MakeDataset) -> None:
    dataset = make_dataset((53, 47), ((0, 17, 29), (0, 37)))
    segment = np.concatenate([np.repeat([0, 1, 2], [17, 12, 24]), np.repeat([3, 4], [37, 10])])
    for name in SPLITS:
        index = index_of(dataset, name, context_length=3, horizon=2, stride=1)
        rows = index.starts(np.arange(len(index)))[:, None] + np.arange(5)
        assert (segment[rows] == segment[rows][:, :1]).all()


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("at_once", [1, 20, 97])
def test_windows_looked_at_in_parts_are_the_same(
    make_dataset: MakeDataset, case: Any, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = make_dataset(*case)
    for name, stride in itertools.product(SPLITS, (1, 3)):
        whole = index_of(dataset, name, context_length=2, horizon=3, stride=stride)
        with monkeypatch.context() as patch:
            patch.setattr("headway.data.series._VALUES_AT_ONCE", at_once)
            found = index_of(dataset, name, context_length=2, horizon=3, stride=stride)
        assert dict(found.dropped) == dict(whole.dropped)
        for runs in ("first", "count", "series"):  # as few runs as before, not only the same windows
            np.testing.assert_array_equal(getattr(found, runs), getattr(whole, runs))


@pytest.mark.parametrize("most", [1, 2, 7, 16])
def test_a_sample_is_of_the_windows_there_are_in_order_and_reaches_all_parts_of_the_split(
    make_dataset: MakeDataset, most: int
) -> None:
    dataset = make_dataset((53, 47), ((0, 17), (0, 5, 29)))
    whole = index_of(dataset, "train", context_length=3, horizon=2, stride=1)
    index = index_of(dataset, "train", context_length=3, horizon=2, stride=1, most=most)
    assert (len(whole), len(index), index.total) == (30, most, 30)
    numbers = np.arange(most)
    starts = whole.starts(np.arange(30)).tolist()
    places = [starts.index(start) for start in index.starts(numbers).tolist()]
    assert all(number * 30 // most <= place < (number + 1) * 30 // most for number, place in enumerate(places))
    np.testing.assert_array_equal(index.series_of(numbers), whole.series_of(np.array(places)))
    assert index.words == f"{most} of 30"


def test_a_sample_of_no_fewer_windows_than_there_are_is_all_of_them(make_dataset: MakeDataset) -> None:
    dataset = make_dataset((53, 47), ((0, 17), (0, 5, 29)))
    whole = index_of(dataset, "train", context_length=3, horizon=2, stride=1)
    for most in (30, 31):
        index = index_of(dataset, "train", context_length=3, horizon=2, stride=1, most=most)
        np.testing.assert_array_equal(index.starts(np.arange(30)), whole.starts(np.arange(30)))
        assert (len(index), index.words) == (30, "30")


def test_what_is_left_out_is_counted(make_dataset: MakeDataset) -> None:
    dataset = make_dataset((47,), ((0, 11),))
    values = dataset.series[0].values
    values[13:15, [0, 2]] = np.nan  # a target of 2 rows without any value, and contexts without one
    index = index_of(dataset, "train", context_length=2, horizon=2, stride=1)
    # 20 starts fit 23 rows; 8, 9 and 10 cross row 11; 11 has no target; 13 no context.
    assert dict(index.dropped) == {"crosses a gap": 3, "target never observed": 1, "no target value in the context": 1}
    assert index.starts(np.arange(len(index))).tolist() == [*range(8), 12, *range(14, 20)]


def test_history_reaches_back_to_the_segments_start_and_no_further(make_dataset: MakeDataset) -> None:
    dataset = make_dataset((53, 47), ((0, 17), (0,)))
    index = index_of(dataset, "validation", context_length=3, horizon=2, stride=1)
    numbers = np.arange(len(index))
    history = batches.gather_history(dataset, index, numbers, length=11)
    first, second = (int(np.flatnonzero(index.series_of(numbers) == number)[0]) for number in (0, 1))
    # The first origin is row 22; in the first series the segment began at row 17.
    assert np.isnan(history[first, :5]).all()
    np.testing.assert_array_equal(history[first, 5:], dataset.series[0].values[17:23][:, [2, 0]])
    np.testing.assert_array_equal(history[second], dataset.series[1].values[12:23][:, [2, 0]])


def test_a_batch_is_the_raw_windows_scaled(make_dataset: MakeDataset) -> None:
    dataset = make_dataset((53, 47), None, 0.2)
    scaler = Scaler(np.array([3.0, 5.0, 7.0]), np.array([11.0, 13.0, 17.0]))
    known_scaler, cycles = Scaler(np.array([19.0]), np.array([23.0])), {"day": 2}
    index = index_of(dataset, "test", context_length=7, horizon=5, stride=1)
    numbers = np.array([3, 1, 8])
    raw = batches.gather_raw(dataset, index, numbers)
    batch = batches.gather(batches.scale_rows(dataset, scaler, known_scaler, cycles), index, numbers)
    context = ((raw.values - scaler.mean) / scaler.scale).astype(np.float32)
    target = ((raw.target - [7.0, 3.0]) / [17.0, 11.0]).astype(np.float32)
    np.testing.assert_array_equal(batch.inputs["observed"], ~np.isnan(context))
    np.testing.assert_array_equal(batch.inputs["context"], np.nan_to_num(context))
    np.testing.assert_array_equal(batch.target_observed, ~np.isnan(target))
    np.testing.assert_array_equal(batch.target, np.nan_to_num(target))
    np.testing.assert_array_equal(batch.inputs["series"], raw.series)
    known = np.nan_to_num((raw.known_future - 19) / 23).astype(np.float32)
    times = raw.origins[:, None] + np.arange(-6, 6) * np.timedelta64(3600, "s")
    marks = ~np.isnan(raw.known_future)
    expected = np.concatenate([calendar_features(times, cycles), known, marks], axis=-1)
    np.testing.assert_array_equal(batch.inputs["known_future"], expected)


def test_batches_of_all_windows_hold_each_once_and_in_order(make_dataset: MakeDataset) -> None:
    index = index_of(make_dataset((47,)), "train", context_length=3, horizon=2, stride=1)
    parts = list(batches.all_numbers(index, batch_size=7))
    assert [len(part) for part in parts] == [7, 7, 5]
    assert np.concatenate(parts).tolist() == list(range(19))


def test_evenly_spaced_windows_reach_from_the_first_to_the_last(make_dataset: MakeDataset) -> None:
    index = index_of(make_dataset((47,)), "train", context_length=3, horizon=2, stride=1)
    assert batches.evenly_spaced(index, 4).tolist() == [0, 6, 12, 18]
    assert batches.evenly_spaced(index, 100).tolist() == list(range(19))
