"""What a forecaster's attention says: of small networks whose truth is known, and of every kind of task."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest

from headway import explanation
from headway.config.train import TrainConfig
from headway.data import batches, sources
from headway.explanation import Explanation, explain
from headway.fitting import untrained
from headway.models.transformer import Transformer
from headway.task import prepare

WORDS = (
    *("dataset=csv", "dataset.timestamp=time", "dataset.targets=[y]", "dataset.season=5", "dataset.calendar.week=0"),
    *("windows.context_length=5", "windows.horizon=2", "dataset.max_gap=3"),
    *("model.d_model=6", "model.heads=2", "model.key_dim=3", "model.feed_forward=7"),
)
ROWS, STEPS = 307, 5


def frame_of(
    names: Sequence[str] = ("north",),
    columns: str | Sequence[str] = "yxz",
    *,
    begin: str = "2024-01-01T00",
    step: int = 60,
) -> pd.DataFrame:
    """307 rows a series of standard normal columns, so many minutes apart."""
    generator, parts = np.random.default_rng(1), []
    times = (np.datetime64(begin, "m") + step * np.arange(ROWS)).astype(str)
    for name in names:
        values = generator.normal(size=(ROWS, len(columns))).round(3)
        parts.append(pd.DataFrame({"time": times, "place": name, **dict(zip(columns, values.T, strict=True))}))
    frame = pd.concat(parts, ignore_index=True)
    return frame if len(names) > 1 else frame.drop(columns="place")


class Subject:
    """A network of random weights, and the task it is explained on."""

    def __init__(self, config: TrainConfig) -> None:
        self.readout = config.model.readout
        dataset = sources.read(config.dataset)
        self.task = prepare(dataset, dataset_spec=config.dataset, splits=config.splits, windows=config.windows)
        network = Transformer(config.model, self.task.shape)
        generator = np.random.default_rng(2)
        for variable in network.weights:
            variable.assign(generator.normal(scale=0.5, size=variable.shape))
        self.forecaster = untrained(network, self.task)

    def explained(self, windows: int = 1000, *, split: str = "test", draws: int = 53, seed: int = 3) -> Explanation:
        return explain(self.forecaster, self.task, split, windows=windows, readout=self.readout, draws=draws, seed=seed)

    @functools.cached_property
    def found(self) -> Explanation:
        return self.explained()

    @property
    def batch(self) -> batches.Batch:
        """All windows of the test split."""
        index = self.task.windows["test"]
        return batches.gather(self.task.rows, index, np.arange(len(index)))


@pytest.fixture(scope="module")
def subject(compose: Callable[..., TrainConfig], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Subject]:
    """Makes a subject of a frame and overrides."""

    def make(frame: pd.DataFrame, *overrides: str) -> Subject:
        path = tmp_path_factory.mktemp("data") / "data.csv"
        frame.to_csv(path, index=False)
        return Subject(compose(*WORDS, f"dataset.path={path}", *overrides))

    return make


@pytest.fixture(scope="module")
def plain(subject: Callable[..., Subject]) -> Subject:
    """One series, three features, one target."""
    return subject(frame_of())


@pytest.fixture(scope="module", autouse=True)
def few_blind_networks() -> Any:
    """Three untrained networks tell as much here as sixteen, whose making takes most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("headway.explanation._BLIND", 3)
        yield


KINDS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "one series": ({}, ()),
    "several series, targets with gaps, known in advance": (
        {"names": ("north", "east", "south"), "columns": ("y", "calendar", "x", "k")},
        ("dataset.series=place", "dataset.targets=[y,x]", "dataset.known_future=[k]"),
    ),
    "no embedding, last step, two layers, one head": (
        {},
        ("model.embedding=none", "model.d_model=3", "model.readout=last", "model.layers=2", "model.heads=1"),
    ),
    "one step of context, no calendar": (
        {"begin": "2024-03-01", "step": 1440},
        ("windows.context_length=1", "dataset.calendar.year=0"),
    ),
    "a column that is called as a lag": ({"columns": ("lag 1", "y", "lag 0")}, ("model.head=point",)),
}


@pytest.fixture(scope="module")
def kinds(subject: Callable[..., Subject], plain: Subject) -> Callable[[str], Subject]:
    """Makes a subject of each kind once."""

    @functools.cache
    def make(kind: str) -> Subject:
        if kind == "one series":
            return plain
        words, overrides = KINDS[kind]
        frame = frame_of(**words)
        if "gaps" in kind:
            missing = np.random.default_rng(5).random((len(frame), 2)) < 0.3
            frame[["y", "x"]] = frame[["y", "x"]].mask(missing)
            frame = frame[frame.index % 29 != 13]  # in an hour left out nothing is known, not even in advance
        return subject(frame, *overrides)

    return make


class ByHand:
    """Errors of the network itself over windows whose targets are NaN where missing, by plain slicing."""

    def __init__(self, subject: Subject, *, seed: int = 3) -> None:
        self.network, self.inputs = subject.forecaster.network, subject.batch.inputs
        index = subject.task.windows["test"]
        raw = batches.gather_raw(subject.task.dataset, index, np.arange(len(index)))
        columns = list(self.network.shape.targets)
        scaler = subject.forecaster.scaler
        self.target = (raw.target - scaler.mean[columns]) / scaler.scale[columns]
        self.median = subject.forecaster.levels.index(0.5)
        generator = np.random.Generator(np.random.Philox(key=[seed, 1 << 40]))
        orders = [generator.permutation(len(index)) for _ in range(explanation.REPEATS + 2)]
        # Of features and lags some, of cells one, of the deletion test one.
        self.donors = [np.roll(order, 1)[np.argsort(order)] for order in orders]

    def errors(self, **changes: np.ndarray) -> np.ndarray:
        """Mean error [W] over observed values with some of the inputs changed."""
        forecast = keras.ops.convert_to_numpy(self.network(self.inputs | changes))[..., self.median]
        return np.nanmean(np.abs(forecast - self.target).reshape(len(forecast), -1), axis=1)

    def rise(self, *changed: dict[str, np.ndarray]) -> float:
        """Rise of the mean error, mean over several changes of the inputs."""
        return float(np.mean([self.errors(**each).mean() for each in changed]) / self.errors().mean() - 1)

    def permuted(self, donors: np.ndarray, names: Sequence[str], *where: Any) -> dict[str, np.ndarray]:
        """The inputs of these names with a part of the last axes taken from the donors."""
        found = {}
        for name in names:
            array = self.inputs[name].copy()
            array[(slice(None), *where)] = self.inputs[name][(donors, *where)]
            found[name] = array
        return found


CONTEXT = ("context", "observed")


@pytest.mark.parametrize("kind", KINDS)
def test_importance_is_what_slicing_by_hand_finds(kinds: Callable[[str], Subject], kind: str) -> None:
    one = kinds(kind)
    found, hand, shape = one.found, ByHand(one), one.forecaster.network.shape
    *some, cells, _ = hand.donors
    everything = slice(None)
    for f, name in enumerate(one.forecaster.features):
        expected = hand.rise(*(hand.permuted(donors, CONTEXT, everything, f) for donors in some))
        assert found.features[name][0] == pytest.approx(expected, rel=1e-3, abs=1e-5)
    lags = [hand.rise(*(hand.permuted(d, CONTEXT, t) for d in some)) for t in range(shape.context_length)]
    np.testing.assert_allclose(found.lags[:, 0], lags, rtol=1e-3, atol=1e-5)
    assert found.cells is not None and found.cells.shape == (shape.num_features, shape.context_length, 3)
    for f, t in ((0, 0), (2, shape.context_length - 1), (1, shape.context_length // 2)):
        expected = hand.rise(hand.permuted(cells, CONTEXT, t, f))
        assert found.cells[f, t, 0] == pytest.approx(expected, rel=1e-3, abs=1e-5)


def test_the_calendar_columns_known_in_advance_and_the_series_have_an_importance(
    kinds: Callable[[str], Subject],
) -> None:
    one = kinds("several series, targets with gaps, known in advance")
    found, hand = one.found.features, ByHand(one)
    assert list(found) == ["y", "calendar", "x", "calendar (time)", "k", "series"]
    calendar = one.forecaster.network.shape.num_known_future - 2
    some, everything = hand.donors[: explanation.REPEATS], slice(None)
    expected = {
        "calendar (time)": [hand.permuted(d, ["known_future"], everything, slice(calendar)) for d in some],
        "k": [hand.permuted(d, ["known_future"], everything, slice(calendar, None)) for d in some],
        "series": [hand.permuted(d, ["series"]) for d in some],
    }
    for name, changed in expected.items():
        assert found[name][0] == pytest.approx(hand.rise(*changed), rel=1e-3, abs=1e-5)
        assert abs(found[name][0]) > 1e-4


@pytest.mark.parametrize("kind", KINDS)
def test_an_explanation_is_of_one_piece(kinds: Callable[[str], Subject], kind: str) -> None:
    one = kinds(kind)
    found, spec, shape = one.found, one.forecaster.network.spec, one.forecaster.network.shape
    steps, heads = shape.context_length, spec.layers * spec.heads
    assert found.windows == len(one.task.windows["test"]) and found.split == "test"
    assert found.mean.shape == found.spread.shape == (spec.layers, spec.heads, steps, steps)
    assert found.entropy.shape == found.distance.shape == (spec.layers, spec.heads)
    assert found.redundancy.shape == (heads, heads)
    assert found.curves.shape == (2, 3, len(found.steps), 3)
    for weights in (found.attention, found.rollout):
        assert weights.shape == (steps,) and weights.sum() == pytest.approx(1, abs=1e-5)
    for array in (found.lags, found.cells, found.curves, *found.features.values()):
        assert array is not None and np.isfinite(array).all()
        assert (array[..., 1] <= array[..., 0]).all() and (array[..., 0] <= array[..., 2]).all()
    for group in found.by.values():
        assert group.counts.sum() == found.windows and len(group.labels) == len(group.counts)
        assert group.received.shape == (len(group.labels), steps)
        weighted = np.nansum(group.received * group.counts[:, None], axis=0) / found.windows
        np.testing.assert_allclose(weighted, found.attention, atol=1e-5)
    assert set(found.feature_rhos) == set(one.forecaster.features)
    assert all(np.isfinite(value) for value in found.metrics().values())


@pytest.mark.parametrize("kind", ["one series", "no embedding, last step, two layers, one head"])
def test_attention_is_what_the_forecast_reads_of_the_scores(kinds: Callable[[str], Subject], kind: str) -> None:
    one = kinds(kind)
    scores = keras.ops.convert_to_numpy(one.forecaster.network.attention_scores(one.batch.inputs))
    read = scores[..., -1, :] if one.readout == "last" else scores.mean(axis=-2)
    np.testing.assert_allclose(one.found.attention, read.mean(axis=(0, 1, 2)), rtol=1e-4)
    np.testing.assert_allclose(one.found.mean, scores.mean(axis=0), rtol=1e-4)
    joint = np.eye(STEPS)
    for layer in range(scores.shape[1]):
        joint = (np.eye(STEPS) + scores[:, layer].mean(axis=1)) / 2 @ joint
    rolled = joint[:, -1] if one.readout == "last" else joint.mean(axis=1)
    np.testing.assert_allclose(one.found.rollout, rolled.mean(axis=0), rtol=1e-4)
    assert np.ptp(one.found.attention) > 0.005


@pytest.mark.parametrize("kind", ["one series", "no embedding, last step, two layers, one head"])
def test_deletion_goes_by_each_windows_own_attention(kinds: Callable[[str], Subject], kind: str) -> None:
    one = kinds(kind)
    found, hand = one.found, ByHand(one)
    scores = keras.ops.convert_to_numpy(one.forecaster.network.attention_scores(one.batch.inputs))
    each = (scores[..., -1, :] if one.readout == "last" else scores.mean(axis=-2)).mean(axis=(1, 2))
    assert found.steps.tolist() == [0, 1, 2, 3, 4, 5]
    np.testing.assert_array_equal(found.curves[:, :, 0], np.zeros((2, 3, 3)))
    rows, donors = np.arange(len(each)), hand.donors[-1]
    for order, steps in ((0, each.argmax(axis=1)), (2, each.argmin(axis=1))):
        mean, other = ({name: hand.inputs[name].copy() for name in CONTEXT} for _ in range(2))
        mean["context"][rows, steps], mean["observed"][rows, steps] = 0, 1
        for name in CONTEXT:
            other[name][rows, steps] = hand.inputs[name][donors, steps]
        for replacement, changed in enumerate((mean, other)):
            found_rise = found.curves[replacement, order, 1, 0]
            assert found_rise == pytest.approx(hand.rise(changed), rel=1e-3, abs=1e-5)
    gone = {"context": np.zeros_like(hand.inputs["context"]), "observed": np.ones_like(hand.inputs["observed"])}
    np.testing.assert_allclose(found.curves[0, :, -1, 0], hand.rise(gone), rtol=1e-3)
    np.testing.assert_allclose(found.curves[1, :, -1, 0], hand.rise(hand.permuted(donors, CONTEXT)), rtol=1e-3)


def test_the_verdict_rests_on_what_was_found(plain: Subject) -> None:
    found, steps = plain.found, plain.found.steps
    blind = np.maximum(found.lags[:, 0], 0).mean()
    assert found.verdict.lift == pytest.approx(found.attention @ np.maximum(found.lags[:, 0], 0) / blind)
    assert set(found.verdict.contrasts) == {"training mean", "another window"}
    for curves, (rise, low, high) in zip(found.curves, found.verdict.contrasts.values(), strict=True):
        most, random = (np.trapezoid(1 + curves[order, :, 0], steps) for order in (0, 1))
        assert rise == pytest.approx(most / random - 1, abs=1e-5)
        assert low <= rise <= high
    assert 0 < found.verdict.chance < 1


def test_a_feature_that_the_network_cannot_see_is_of_no_importance_at_all(subject: Callable[..., Subject]) -> None:
    one = subject(frame_of(columns=("x", "y", "unseen")))
    kernel = next(w for w in one.forecaster.network.weights if w.path.endswith("projection/kernel"))
    values = keras.ops.convert_to_numpy(kernel).copy()
    values[[2, 3 + 2]] = 0  # its value and its mark
    kernel.assign(values)
    found = one.explained()
    np.testing.assert_array_equal(found.features["unseen"], np.zeros(3))
    assert found.cells is not None
    np.testing.assert_array_equal(found.cells[2], np.zeros((STEPS, 3)))
    assert found.features["x"][0] != 0
    assert np.isnan(found.feature_rhos["unseen"])


def test_groups_are_means_over_their_windows(kinds: Callable[[str], Subject]) -> None:
    one = kinds("several series, targets with gaps, known in advance")
    found, hand, index = one.found.by, ByHand(one), one.task.windows["test"]
    scores = keras.ops.convert_to_numpy(one.forecaster.network.attention_scores(one.batch.inputs))
    origins = pd.DatetimeIndex(batches.gather_raw(one.task.dataset, index, np.arange(len(index))).origins)
    assert list(found) == ["hour of day", "series", "error"]  # all in one season
    assert found["series"].labels == tuple(series.name for series in one.task.dataset.series)
    errors = hand.errors()
    worst = np.argsort(errors)[-(len(errors) // 10) :]
    members = {
        ("hour of day", "07"): np.flatnonzero(origins.hour == 7),
        ("series", found["series"].labels[1]): np.flatnonzero(one.batch.inputs["series"] == 1),
        ("error", "worst tenth"): worst,
    }
    for (name, label), windows in members.items():
        place = found[name].labels.index(label)
        assert found[name].counts[place] == len(windows) > 0
        np.testing.assert_allclose(found[name].maps[place], scores[windows].mean(axis=0), rtol=1e-4)
        expected = scores[windows].mean(axis=(0, 1, 2, 3))
        np.testing.assert_allclose(found[name].received[place], expected, rtol=1e-4)


def test_days_have_no_hour_but_seasons(kinds: Callable[[str], Subject]) -> None:
    one = kinds("one step of context, no calendar")
    index = one.task.windows["test"]
    months = pd.DatetimeIndex(batches.gather_raw(one.task.dataset, index, np.arange(len(index))).origins).month
    seasons = one.found.by["season"]
    assert "hour of day" not in one.found.by and "calendar" not in one.found.features
    expected = [sum(month in season for month in months) for season in ((12, 1, 2), (3, 4, 5), (6, 7, 8), (9, 10, 11))]
    assert seasons.counts.tolist() == expected and sum(count > 0 for count in expected) > 1
    assert seasons.labels == ("Dec to Feb", "Mar to May", "Jun to Aug", "Sep to Nov")


def same(first: Explanation, second: Explanation) -> bool:
    """Whether all numbers of two explanations are the same bits."""
    pairs = [(getattr(first, name), getattr(second, name)) for name in ("lags", "cells", "curves", "attention", "mean")]
    pairs += zip(first.features.values(), second.features.values(), strict=True)
    return all(np.array_equal(one, other) for one, other in pairs) and first.verdict == second.verdict


def test_a_seed_gives_the_same_explanation_and_another_one_another(plain: Subject) -> None:
    keras.utils.set_random_seed(11)
    assert same(plain.explained(), plain.found)
    other = plain.explained(seed=4)
    assert (other.lags[:, 0] != plain.found.lags[:, 0]).all()
    assert (other.curves[:, 1, 1:-1, 0] != plain.found.curves[:, 1, 1:-1, 0]).all()
    assert other.verdict.chance != plain.found.verdict.chance
    np.testing.assert_array_equal(other.attention, plain.found.attention)


def test_the_forecaster_is_left_as_it_was(plain: Subject) -> None:
    before = [keras.ops.convert_to_numpy(weight).copy() for weight in plain.forecaster.network.weights]
    forecast = plain.forecaster.forecast_scaled(plain.batch.inputs)
    plain.explained(7)
    for weight, expected in zip(plain.forecaster.network.weights, before, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(weight), expected)
    np.testing.assert_array_equal(plain.forecaster.forecast_scaled(plain.batch.inputs), forecast)


def test_a_single_window_has_an_explanation_without_importance(plain: Subject) -> None:
    found = plain.explained(1)
    assert found.windows == 1 and found.by == {}
    # There is no other window to take values from.
    np.testing.assert_array_equal(found.lags[:, 0], np.zeros(STEPS))
    assert np.isnan(found.lags[:, 1:]).all() and np.isfinite(found.curves[..., 0]).all()
    assert not found.verdict.trusted and "no lag matters" in found.verdict.words


def test_seven_windows_have_an_explanation_that_nobody_trusts(plain: Subject) -> None:
    found = plain.explained(7)
    assert found.windows == 7 and found.by["error"].counts.tolist() == [1, 5, 1]
    assert np.isfinite(found.lags[:, 0]).all() and (found.lags[:, 0] != 0).all()
    assert not found.verdict.trusted


def test_the_split_that_is_asked_for_is_explained_and_no_more_windows_than_it_has(plain: Subject) -> None:
    found = plain.explained(split="validation", draws=0)
    assert (found.split, found.windows) == ("validation", len(plain.task.windows["validation"]))
    assert not np.allclose(found.attention, plain.found.attention, rtol=1e-6)
    assert np.isnan(found.lags[:, 1:]).all()


def test_what_would_take_long_is_left_out(plain: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headway.explanation._MOST_CELLS", 3 * STEPS - 1)
    monkeypatch.setattr("headway.explanation._MOST_STEPS", 1)
    found = plain.explained(split="train", draws=0)
    assert found.cells is None and found.feature_rhos == {}
    assert found.windows == 100 < len(plain.task.windows["train"])


def test_a_uniform_map_is_never_trusted(subject: Callable[..., Subject]) -> None:
    one = subject(frame_of(), "model.attention=uniform")
    for variable in one.forecaster.network.weights:
        if "logits" in variable.path:
            variable.assign(np.zeros(variable.shape))
    found = one.explained()
    np.testing.assert_allclose(found.attention, np.full(STEPS, 1 / STEPS), rtol=1e-5)
    assert np.isnan(found.verdict.rho) and np.isnan(found.verdict.chance)
    assert "do not read" in found.verdict.words and found.metrics()["attention/trusted"] == 0
    assert "attention/rho" not in found.metrics()


def test_lags_of_a_long_context_go_together_and_share_their_importance() -> None:
    blocks = explanation._blocks(113)
    assert (len(blocks), blocks[0], blocks[-1]) == (113, 0, 47)
    assert set(np.diff(blocks).tolist()) == {0, 1}
    assert explanation._blocks(48).tolist() == list(range(48))
    weights = np.arange(113, dtype=np.float64)
    shared = explanation._over(blocks, weights)
    np.testing.assert_allclose(shared[blocks == 5], weights[blocks == 5].mean())
    assert shared.sum() == pytest.approx(weights.sum())
