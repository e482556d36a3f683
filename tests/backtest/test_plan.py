"""Where origins lie: no row is known before its time, every window is judged once."""

import re
from collections.abc import Callable

import numpy as np
import pytest

from headway.backtest.plan import plan
from headway.config.backtest import BacktestSpec
from headway.config.evaluate import EvaluateConfig
from headway.config.train import TrainConfig
from headway.data.clock import Clock
from headway.data.series import Dataset, Series
from headway.data.windows import index_windows
from headway.errors import DataError

HORIZON = 5


def dataset_of(*lengths: int, start: str = "2023-01-01T00", clock: str = "1h") -> Dataset:
    """Series of those lengths; the second begins 7 steps later."""
    step, series = Clock.parse(clock), []
    for number, length in enumerate(lengths):
        times = step.after(np.datetime64(start, "s"), np.arange(length) + 7 * number)
        series.append(Series(f"s{number}", times, np.arange(2.0 * length).reshape(-1, 2), np.zeros((length, 0))))
    return Dataset("made", tuple(series), ("y", "x"), ("y",), (), step, 24)


@pytest.fixture
def spec(compose_evaluate: Callable[..., EvaluateConfig]) -> Callable[..., BacktestSpec]:
    return lambda kind="rolling", *words: (
        compose_evaluate(f"backtest={kind}", *(f"backtest.{word}" for word in words)).backtest
    )


@pytest.mark.parametrize("kind", ["rolling", "expanding"])
def test_nothing_at_or_after_an_origin_is_trained_on(
    compose: Callable[..., TrainConfig], spec: Callable[..., BacktestSpec], kind: str
) -> None:
    dataset = dataset_of(997, 503)
    for origin in plan(spec(kind, "every=3D", "origins=7"), dataset, compose().splits, horizon=HORIZON):
        for series, border in zip(dataset.series, origin.borders, strict=True):
            for split in ("train", "validation"):
                assert (series.timestamps[slice(*border[split])] < origin.time).all()
            assert (series.timestamps[slice(*border["test"])] >= origin.time).all()
            assert border["train"][1] <= border["validation"][0] <= border["validation"][1] <= border["test"][0]


@pytest.mark.parametrize("kind", ["rolling", "expanding"])
def test_every_window_after_the_first_origin_is_judged_once(
    compose: Callable[..., TrainConfig], spec: Callable[..., BacktestSpec], kind: str
) -> None:
    dataset = dataset_of(997, 503)
    origins = plan(spec(kind, "every=2D", "origins=11"), dataset, compose().splits, horizon=HORIZON)
    found = []
    for origin in origins:
        index = index_windows(dataset, origin.borders, "test", context_length=3, horizon=HORIZON)
        found += index.starts(np.arange(len(index))).tolist()
    first = [int(np.searchsorted(series.timestamps, origins[0].time)) for series in dataset.series]
    expected = [*range(first[0] - 3, 997 - 3 - HORIZON + 1), *range(997 + first[1] - 3, 997 + 503 - 3 - HORIZON + 1)]
    assert sorted(found) == expected


def test_rolling_trains_on_as_much_before_each_origin_and_expanding_on_all(
    compose: Callable[..., TrainConfig], spec: Callable[..., BacktestSpec]
) -> None:
    dataset, splits = dataset_of(997), compose().splits
    for kind, train, lengths in (
        ("rolling", "null", [397] * 5),
        ("rolling", "10D", [240] * 5),
        ("expanding", "null", [397, 517, 637, 757, 877]),
    ):
        origins = plan(spec(kind, "every=5D", "origins=5", f"train={train}"), dataset, splits, horizon=HORIZON)
        known = [origin.borders[0]["validation"][1] - origin.borders[0]["train"][0] for origin in origins]
        assert known == lengths
        shares = [
            np.diff(origin.borders[0]["validation"])[0] / length for origin, length in zip(origins, known, strict=True)
        ]
        assert shares == pytest.approx([0.1 / 0.8] * 5, abs=0.005)


def test_a_purge_lies_before_validation_and_before_the_origin(
    compose: Callable[..., TrainConfig], spec: Callable[..., BacktestSpec]
) -> None:
    splits = compose("splits.purge=11").splits
    for origin in plan(spec("rolling", "every=5D", "origins=3"), dataset_of(997), splits, horizon=HORIZON):
        border = origin.borders[0]
        assert border["validation"][0] - border["train"][1] == 11
        assert border["test"][0] - border["validation"][1] == 11


def test_with_a_refit_at_every_third_origin_the_others_use_the_training_before(
    compose: Callable[..., TrainConfig], spec: Callable[..., BacktestSpec]
) -> None:
    origins = plan(
        spec("expanding", "every=2D", "origins=7", "refit=3"), dataset_of(997), compose().splits, horizon=HORIZON
    )
    assert [origin.refit for origin in origins] == [0, 0, 0, 3, 3, 3, 6]
    for origin in origins:
        assert origin.borders[0]["train"] == origins[origin.refit].borders[0]["train"]
        assert origin.borders[0]["test"][0] == int(np.searchsorted(dataset_of(997).series[0].timestamps, origin.time))


def test_months_are_calendar_months_and_the_last_origin_ends_with_the_data(
    compose: Callable[..., TrainConfig], spec: Callable[..., BacktestSpec]
) -> None:
    dataset = dataset_of(8736)  # to 2023-12-30
    words = ("every=1M", "first=2023-01-15T00:00", "origins=12")
    origins = plan(spec("expanding", *words), dataset, compose().splits, horizon=HORIZON)
    assert [origin.label for origin in origins] == [f"2023-{month:02d}-15" for month in range(1, 13)]
    assert origins[-1].borders[0]["test"][1] == 8736


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (("every=2D", "origins=31"), "set backtest.origins to 20 or less or a shorter backtest.every"),
        (("every=28D", "origins=12"), "set backtest.origins to 1 or less or a shorter backtest.every"),
        (("every=60D", "origins=1"), "set a shorter backtest.every"),
        (("every=2D", "origins=7", "first=2023-02-05T00:00"), "set backtest.origins to 4 or less or a shorter"),
    ],
)
def test_origins_that_do_not_fit_into_the_data_are_refused_with_what_would(
    compose: Callable[..., TrainConfig], spec: Callable[..., BacktestSpec], words: tuple[str, ...], advice: str
) -> None:
    dataset, splits = dataset_of(997), compose().splits
    with pytest.raises(DataError, match=f"do not fit between 2023-01-01 and 2023-02-11T13:00 .*; {re.escape(advice)}"):
        plan(spec("rolling", *words), dataset, splits, horizon=HORIZON)
    most = re.search(r"to (\d+) or less", advice)
    if most:
        changed = [f"origins={most[1]}" if word.startswith("origins") else word for word in words]
        assert len(plan(spec("rolling", *changed), dataset, splits, horizon=HORIZON)) == int(most[1])


@pytest.mark.parametrize("first", ["2022-12-31T00:00", "2023-01-01T00:00", "2023-02-11T13:00", "2024-01-01T00:00"])
@pytest.mark.parametrize("origins", [1, 3])
def test_a_first_origin_outside_the_data_is_refused(
    compose: Callable[..., TrainConfig], spec: Callable[..., BacktestSpec], first: str, origins: int
) -> None:
    words = ("every=2D", f"origins={origins}", f"first={first}")
    with pytest.raises(DataError, match=rf"backtest\.first={first} must lie after 2023-01-01,"):
        plan(spec("rolling", *words), dataset_of(997), compose().splits, horizon=HORIZON)


def test_origins_seconds_apart_have_labels_of_their_own(
    compose: Callable[..., TrainConfig], spec: Callable[..., BacktestSpec]
) -> None:
    dataset = dataset_of(997, clock="1s")
    origins = plan(spec("rolling", "every=20s", "origins=5"), dataset, compose().splits, horizon=HORIZON)
    labels = ["2023-01-01T00:14:57", "2023-01-01T00:15:17", "2023-01-01T00:15:37", "2023-01-01T00:15:57"]
    assert [origin.label for origin in origins] == [*labels, "2023-01-01T00:16:17"]


def test_stored_weights_are_not_judged_on_what_they_have_seen(
    compose: Callable[..., TrainConfig], spec: Callable[..., BacktestSpec]
) -> None:
    dataset, splits = dataset_of(997), compose().splits
    own = ({"train": (0, 698), "validation": (698, 797), "test": (797, 997)},)
    seen = dataset.series[0].timestamps[796]
    found = plan(
        spec("rolling", "every=2D", "origins=3", "refit=0"), dataset, splits, horizon=HORIZON, stored=(own, seen)
    )
    assert all(origin.borders[0]["train"] == (0, 698) for origin in found)
    assert found[0].time > seen
    # A row at the first origin itself has been seen.
    with pytest.raises(DataError, match=r"refit=0 judges stored weights"):
        words = ("every=2D", "origins=3", "refit=0")
        plan(spec("rolling", *words), dataset, splits, horizon=HORIZON, stored=(own, found[0].time))
    with pytest.raises(DataError, match=r"refit=0 judges stored weights"):
        plan(spec("rolling", "every=2D", "origins=7", "refit=0"), dataset, splits, horizon=HORIZON, stored=(own, seen))
