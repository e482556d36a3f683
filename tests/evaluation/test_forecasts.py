"""Forecasts as a file, in parts, and joined."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from headway.errors import NumericError
from headway.evaluation import forecasts as module
from headway.evaluation.forecasts import Forecasts, Slicing, join
from headway.evaluation.scores import score

WINDOWS, HORIZON, TARGETS, LEVELS = 23, 5, ("température", "load"), (0.1, 0.5, 0.9)


def make() -> Forecasts:
    generator = np.random.default_rng(3)
    shape = (WINDOWS, HORIZON, len(TARGETS))
    return Forecasts(
        model="model",
        targets=TARGETS,
        levels=LEVELS,
        ticks=np.arange(WINDOWS) + 10**9,
        series=np.arange(WINDOWS) % 3,
        actual=np.where(generator.random(shape) < 0.2, np.nan, generator.normal(size=shape)),
        quantiles=np.sort(generator.normal(size=(*shape, 3)), axis=-1).astype(np.float32),
        rivals={name: generator.normal(size=shape).astype(np.float32) for name in ("naive", "drift")},
        seasonal_scale=generator.uniform(1, 2, size=(3, 2)),
        seasonal_square=generator.uniform(1, 2, size=(3, 2)),
        slicings={
            "series": Slicing(("Zürich", "東京", "a/b.npy"), (np.arange(WINDOWS) % 3)[:, None].astype(np.int32)),
            "hour": Slicing(tuple(f"{hour:02d}" for hour in range(7)), _codes(generator)),
            "wind/°": Slicing((), np.full((WINDOWS, 1), -1, np.int32)),
        },
    )


def _codes(generator: np.random.Generator) -> np.ndarray:
    return generator.integers(-1, 7, size=(WINDOWS, HORIZON)).astype(np.int32)


def assert_same(found: Forecasts, expected: Forecasts) -> None:
    assert (found.model, found.targets, found.levels) == (expected.model, expected.targets, expected.levels)
    for name in ("ticks", "series", "actual", "quantiles", "seasonal_scale", "seasonal_square"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), strict=True)
    assert list(found.rivals) == list(expected.rivals)
    for name, forecast in expected.rivals.items():
        np.testing.assert_array_equal(found.rivals[name], forecast, strict=True)
    assert list(found.slicings) == list(expected.slicings)
    for name, slicing in expected.slicings.items():
        assert found.slicings[name].labels == slicing.labels
        np.testing.assert_array_equal(found.slicings[name].codes, slicing.codes, strict=True)


def taken(forecasts: Forecasts, windows: slice, *, only: bool = False) -> Forecasts:
    """Some windows; with `only`, slicings name those of their labels that occur."""
    slicings = {name: Slicing(one.labels, one.codes[windows]) for name, one in forecasts.slicings.items()}
    if only:
        for name, one in slicings.items():
            present = [int(code) for code in np.unique(one.codes) if code >= 0]
            position = {code: number for number, code in enumerate(present)} | {-1: -1}
            codes = np.vectorize(position.__getitem__, otypes=[np.int32])(one.codes)
            slicings[name] = Slicing(tuple(one.labels[code] for code in present), codes)
    return replace(
        forecasts,
        **{name: getattr(forecasts, name)[windows] for name in ("ticks", "series", "actual", "quantiles")},
        rivals={name: forecast[windows] for name, forecast in forecasts.rivals.items()},
        slicings=slicings,
    )


def test_what_is_saved_is_what_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "origin 1.npz"
    make().save(path)
    assert_same(Forecasts.load(path), make())
    assert list(tmp_path.iterdir()) == [path]


def test_a_point_forecast_without_rivals_or_slicings_survives_too(tmp_path: Path) -> None:
    point = replace(make(), levels=(0.5,), quantiles=make().quantiles[..., :1], rivals={}, slicings={})
    point.save(tmp_path / "one")
    assert_same(Forecasts.load(tmp_path / "one"), point)


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "kept.npz"
    make().save(path)
    with pytest.raises(ValueError, match="allow_pickle"):
        replace(make(), seasonal_scale=np.array([object()])).save(path)
    assert_same(Forecasts.load(path), make())
    assert list(tmp_path.iterdir()) == [path]


def test_a_damaged_file_is_refused_or_harmless(tmp_path: Path) -> None:
    whole, path, generator = tmp_path / "whole", tmp_path / "damaged", np.random.default_rng(5)
    make().save(whole)
    data = whole.read_bytes()
    cut = [data[:end] for end in range(0, len(data), 211)]
    flipped = [bytearray(data) for _ in range(400)]
    for one in flipped:
        one[generator.integers(len(data))] ^= 1 << generator.integers(8)
    refused = 0
    for one in [*cut, *flipped]:
        path.write_bytes(one)
        try:
            found = Forecasts.load(path)
        except (ValueError, OSError):
            refused += 1
        else:  # a byte of the archive that nothing reads
            assert_same(found, make())
    assert len(cut) + 300 < refused < len(cut) + 400


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    array, archive = io.BytesIO(), io.BytesIO()
    np.save(array, np.zeros(3))
    np.savez(archive, forecast=np.zeros(3))
    for data in (b"", b"text", array.getvalue(), archive.getvalue()):
        (tmp_path / "other").write_bytes(data)
        with pytest.raises(ValueError, match="other holds no forecasts, or is damaged"):
            Forecasts.load(tmp_path / "other")
    with pytest.raises(FileNotFoundError):
        Forecasts.load(tmp_path / "absent")


def test_parts_cover_every_window_once_and_are_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_VALUES_AT_ONCE", 7 * HORIZON * 2 * 3)
    found = [np.arange(WINDOWS)[part] for part in make().parts()]
    assert [len(part) for part in found] == [7, 7, 7, 2]
    assert np.concatenate(found).tolist() == list(range(WINDOWS))


def test_a_window_is_judged_by_the_scale_of_its_series_and_a_rival_at_the_models_levels() -> None:
    whole = make()
    rival, model = whole.judged("drift", slice(2, 13)), whole.judged("model", slice(2, 13))
    assert (rival.levels, rival.scored_levels, model.levels) == ((0.5,), LEVELS, LEVELS)
    np.testing.assert_array_equal(rival.forecast[..., 0], whole.rivals["drift"][2:13])
    np.testing.assert_array_equal(model.forecast, whole.quantiles[2:13])
    for number, series in enumerate(whole.series[2:13]):
        np.testing.assert_array_equal(rival.seasonal_scale[number], whole.seasonal_scale[series])
        np.testing.assert_array_equal(model.seasonal_square[number], whole.seasonal_square[series])
    for name in whole.forecasters:
        np.testing.assert_array_equal(whole.point(name, slice(2, 13)), whole.judged(name, slice(2, 13)).point)


def test_only_slicings_of_several_slices_tell_anything() -> None:
    one = Slicing(("all of it",), np.zeros((WINDOWS, 1), np.int32))
    assert list(replace(make(), slicings={"one": one, **make().slicings}).telling) == ["series", "hour"]


def test_parts_joined_again_are_the_whole() -> None:
    whole = make()
    assert_same(join([taken(whole, slice(7)), taken(whole, slice(7, 8)), taken(whole, slice(8, None))]), whole)


def test_parts_that_name_only_slices_of_their_own_have_the_scores_of_the_whole() -> None:
    whole = make()
    joined = join([taken(whole, slice(first, first + 3), only=True) for first in range(0, WINDOWS, 3)])
    found, expected = score(joined), score(whole)
    pd.testing.assert_frame_equal(found.table, expected.table)
    key = ["target", "by", "slice", "horizon", "forecaster"]
    pd.testing.assert_frame_equal(
        found.slices.sort_values(key, ignore_index=True), expected.slices.sort_values(key, ignore_index=True)
    )


@pytest.mark.parametrize(
    ("parts", "united"),
    [
        ([["10", "11"], ["12"], ["12", "13"]], ["10", "11", "12", "13"]),
        ([["06", "07", "09"], ["00", "01", "07", "08", "09"]], ["06", "00", "01", "07", "08", "09"]),
        ([["low", "missing"], ["lower", "high", "missing"]], ["low", "lower", "high", "missing"]),
        ([["a"], [], ["a"]], ["a"]),
    ],
)
def test_labels_are_united_in_the_order_of_the_parts(parts: list[list[str]], united: list[str]) -> None:
    made = [
        replace(make(), slicings={"by": Slicing(tuple(part), np.full((WINDOWS, 1), len(part) - 1, np.int32))})
        for part in parts
    ]
    slicing = join(made).slicings["by"]
    assert list(slicing.labels) == united
    found = [slicing.labels[code] if code >= 0 else None for code in slicing.codes[::WINDOWS, 0]]
    assert found == [part[-1] if part else None for part in parts]


@pytest.mark.parametrize(
    "changes",
    [{"model": "other"}, {"targets": ("a", "b")}, {"levels": (0.2, 0.5, 0.8)}, {"rivals": {}}, {"slicings": {}}],
)
def test_only_parts_of_the_same_kind_are_joined(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="parts must have the same names"):
        join([make(), replace(make(), **changes)])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"levels": (0.5,)}, r"quantiles must be of shape \(23, 5, 2, 1\)"),
        ({"ticks": np.zeros(22, np.int64)}, "ticks"),
        ({"series": np.zeros((23, 1), np.int64)}, "series"),
        ({"targets": ("one",)}, "targets"),
        ({"rivals": {"naive": np.zeros((23, 5, 1), np.float32)}}, "forecasts of naive"),
        ({"slicings": {"by": Slicing(("a",), np.zeros((23, 2), np.int32))}}, "codes of by"),
        ({"slicings": {"by": Slicing(("a",), np.ones((23, 1), np.int32))}}, "codes of by must be -1 to 0"),
        ({"slicings": {"by": Slicing(("a",), np.full((23, 1), -2, np.int32))}}, "codes of by must be -1 to 0"),
    ],
)
def test_arrays_that_do_not_fit_together_are_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replace(make(), **changes)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_forecaster_cannot_leave_out_what_it_does_not_know(value: float) -> None:
    holed = make().rivals["drift"].copy()
    holed[4, 2, 1] = value
    with pytest.raises(NumericError, match="forecasts of drift must be finite"):
        replace(make(), rivals={"naive": make().rivals["naive"], "drift": holed})
