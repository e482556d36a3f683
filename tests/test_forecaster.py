"""The forecaster as one thing: raw in, raw out, and a folder that is whole or refused."""

import hashlib
import io
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras import ops

from headway.config.train import TrainConfig
from headway.data import batches
from headway.data.clock import Clock
from headway.data.profile import ColumnProfile, Profile
from headway.data.scaling import Scaler
from headway.data.series import Dataset, Series
from headway.data.windows import index_windows
from headway.errors import DataError, StoredRunError
from headway.evaluation.calibration import Calibration
from headway.forecaster import Forecaster
from headway.models import ensemble
from headway.models.shape import TaskShape
from headway.models.transformer import Transformer

SHAPE = TaskShape(context_length=7, horizon=5, num_features=3, targets=(2, 0), num_known_future=6, num_series=2)
SCALER = Scaler(np.array([50.0, -3.0, 1000.0]), np.array([20.0, 0.5, 8.0]))
KNOWN_SCALER = Scaler(np.array([4.0]), np.array([2.0]))
COLUMN = ColumnProfile.of(np.arange(23.0))
PROFILE = Profile(
    columns={"temp": COLUMN, "wind": ColumnProfile.of(np.full(7, np.nan)), "pressure": COLUMN, "holiday": COLUMN},
    last_time={"EWR": "2024-02-03T04:00:00"},
    seasonal_scale=[[1.5, np.nan], [2.5, 0.5]],
    seasonal_square=[[3.0, np.nan], [7.0, 0.75]],
)
# [H, targets, Q]: lower quantiles go down, upper ones up.
OFFSETS = np.linspace(1, 2, 10).reshape(5, 2, 1) * [-3.0, -1, 0, 2, 5]
ORIGINS = np.datetime64("2024-02-28T22", "s") + np.arange(11) * np.timedelta64(1, "h")


def forecaster_of(compose: Callable[..., TrainConfig], *overrides: str, dtype: str = "float32") -> Forecaster:
    words = ("model.d_model=13", "model.heads=2", "model.key_dim=3", "model.feed_forward=17", "model.layers=2")
    network = Transformer(compose(*words, *overrides).model, SHAPE, dtype=dtype)
    generator = np.random.default_rng(1)
    for variable in network.weights:
        variable.assign(generator.normal(scale=0.3, size=variable.shape))
    return Forecaster(
        network=network,
        features=("temp", "wind", "pressure"),
        targets=("pressure", "temp"),
        known_future_columns=("holiday",),
        series=("EWR", "JFK"),
        clock=Clock.parse("1h"),
        cycles={"day": 2},
        scaler=SCALER,
        known_future_scaler=KNOWN_SCALER,
        units={"temp": "°F", "pressure": "mbar"},
        profile=PROFILE,
    )


@pytest.fixture(scope="module")
def forecaster(compose: Callable[..., TrainConfig]) -> Forecaster:
    return forecaster_of(compose)


@pytest.fixture
def folder(forecaster: Forecaster, tmp_path: Path) -> Path:
    """A saved forecaster."""
    forecaster.save(tmp_path / "forecaster")
    return tmp_path / "forecaster"


def windows(count: int = 11) -> dict[str, Any]:
    """Raw windows with missing values, as arguments of `forecast`."""
    generator = np.random.default_rng(2)
    values = SCALER.mean + SCALER.scale * generator.normal(size=(count, 7, 3))
    values[generator.random(values.shape) < 0.2] = np.nan
    return {
        "values": values,
        "origins": ORIGINS[:count],
        "series": np.arange(count) % 2,
        "known_future": generator.normal(loc=4, size=(count, 12, 1)),
    }


def rewrite(folder: Path, name: str, content: bytes) -> None:
    """Replace a file, with its own digest in the manifest."""
    (folder / name).write_bytes(content)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest[name] = hashlib.sha256(content).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))


def rewrite_weights(folder: Path, change: Callable[[dict[str, np.ndarray]], object]) -> None:
    with np.load(folder / "weights.npz") as archive:
        weights = dict(archive)
    change(weights)
    np.savez(folder / "changed.npz", **weights)
    rewrite(folder, "weights.npz", (folder / "changed.npz").read_bytes())


def rewrite_spec(folder: Path, **changes: Any) -> None:
    spec = json.loads((folder / "forecaster.json").read_text())
    rewrite(folder, "forecaster.json", json.dumps(spec | changes).encode())


def one_array() -> bytes:
    file = io.BytesIO()
    np.save(file, np.zeros(3))
    return file.getvalue()


def flip(path: Path, position: float) -> None:
    content = bytearray(path.read_bytes())
    content[int(position * len(content))] ^= 4
    path.write_bytes(content)


def test_raw_in_and_raw_out_is_scaling_by_hand_around_the_network(forecaster: Forecaster) -> None:
    raw = windows()
    hours = 22 + np.arange(11)[:, None] + np.arange(-6, 6)
    phase = 2 * np.pi * hours / 24
    calendar = np.stack([np.sin(phase), np.cos(phase), np.sin(2 * phase), np.cos(2 * phase)], axis=-1)
    missing = np.isnan(raw["values"])
    scaled = {
        "context": np.where(missing, 0, (raw["values"] - [50, -3, 1000]) / [20, 0.5, 8]).astype("float32"),
        "observed": 1 - missing.astype("float32"),
        "known_future": np.concatenate([calendar, (raw["known_future"] - 4) / 2, np.ones((11, 12, 1))], axis=-1).astype(
            "float32"
        ),
        "series": raw["series"].astype("int32"),
    }
    expected = ops.convert_to_numpy(forecaster.network(scaled)) * np.array([[8], [20]]) + np.array([[1000], [50]])
    found = forecaster.forecast(**raw)
    assert (found.shape, found.dtype) == ((11, 5, 2, 5), np.float64)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-3)
    assert (np.diff(found, axis=-1) >= 0).all()


def test_a_forecast_does_not_depend_on_the_batch_size(forecaster: Forecaster) -> None:
    together, apart = (forecaster.forecast(**windows(), batch_size=size) for size in (1024, 4))
    np.testing.assert_allclose(together, apart, rtol=1e-5, atol=1e-3)


def test_scaled_forecasts_are_the_networks_own_whatever_the_batch_size(forecaster: Forecaster) -> None:
    inputs = forecaster.inputs(**windows())
    expected = ops.convert_to_numpy(forecaster.network(inputs))
    for size in (1024, 11, 4, 1):
        found = forecaster.forecast_scaled(inputs, batch_size=size)
        assert (found.shape, found.dtype) == ((11, 5, 2, 5), np.float32)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_scaled_forecasts_are_not_calibrated_and_become_forecasts_by_unit(forecaster: Forecaster) -> None:
    calibrated = replace(forecaster, calibration=Calibration(OFFSETS, 2))
    scaled = calibrated.forecast_scaled(forecaster.inputs(**windows()))
    by_hand = scaled * np.array([[8], [20]]) + np.array([[1000], [50]])
    np.testing.assert_allclose(forecaster.forecast(**windows()), by_hand, rtol=1e-5, atol=1e-3)


def test_scaled_forecasts_follow_weights_that_change_later(compose: Callable[..., TrainConfig]) -> None:
    changing = forecaster_of(compose)
    inputs = changing.inputs(**windows())
    before = changing.forecast_scaled(inputs)
    for variable in changing.network.weights:
        variable.assign(variable * 0.5)
    after = changing.forecast_scaled(inputs)
    np.testing.assert_allclose(after, ops.convert_to_numpy(changing.network(inputs)), rtol=1e-5, atol=1e-5)
    assert np.abs(after - before).max() > 0.1


def test_a_missing_value_reaches_the_network_as_a_zero_with_a_mark(forecaster: Forecaster) -> None:
    raw = windows()
    inputs = forecaster.inputs(**raw)
    missing = np.isnan(raw["values"])
    assert missing.any()
    assert not inputs["context"][missing].any()
    np.testing.assert_array_equal(inputs["observed"], 1.0 - missing)


def test_a_window_without_any_observation_still_has_a_finite_forecast(forecaster: Forecaster) -> None:
    raw = windows()
    raw["values"][:] = np.nan
    assert np.isfinite(forecaster.forecast(**raw)).all()


def test_rows_after_the_origin_do_not_move_the_forecast(forecaster: Forecaster) -> None:
    generator = np.random.default_rng(3)
    values, known = generator.normal(size=(29, 3)), generator.normal(size=(29, 1))
    times = ORIGINS[0] + np.arange(29) * np.timedelta64(1, "h")
    found = []
    for change in (0.0, 1e6):
        rows = values.copy()
        rows[13:] += change
        series = tuple(Series(name, times, rows, known) for name in forecaster.series)
        dataset = Dataset(
            "d", series, forecaster.features, forecaster.targets, ("holiday",), forecaster.clock, season=24
        )
        borders = [{"train": (0, 29), "validation": (29, 29), "test": (29, 29)}] * 2
        index = index_windows(dataset, borders, "train", context_length=7, horizon=5)
        raw = batches.gather_raw(dataset, index, np.arange(7))  # window 6 ends with row 12
        assert raw.origins[-1] == times[12]
        found.append(
            forecaster.forecast(raw.values, origins=raw.origins, series=raw.series, known_future=raw.known_future)
        )
    np.testing.assert_array_equal(*found)


def test_attention_scores_come_by_layer_and_head_whatever_the_batch_size(forecaster: Forecaster) -> None:
    inputs = forecaster.inputs(**windows())
    scores = forecaster.attention_scores(inputs, batch_size=4)
    assert (scores.shape, scores.dtype) == ((11, 2, 2, 7, 7), np.float32)
    np.testing.assert_allclose(scores.sum(axis=-1), np.ones((11, 2, 2, 7)), atol=1e-5)
    np.testing.assert_allclose(scores, forecaster.attention_scores(inputs), atol=1e-5)


def test_no_windows_give_an_empty_forecast_and_no_scores(forecaster: Forecaster) -> None:
    nothing = windows(0)
    assert forecaster.forecast(**nothing).shape == (0, 5, 2, 5)
    assert forecaster.attention_scores(forecaster.inputs(**nothing)).shape == (0, 2, 2, 7, 7)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("values", np.zeros((11, 6, 3)), r"values must be \[B, 7, 3\] of temp, wind, pressure: got \[11, 6, 3\]"),
        ("values", np.zeros((11, 7, 2)), r"got \[11, 7, 2\]"),
        ("values", np.zeros((7, 3)), r"got \[7, 3\]"),
        ("values", np.full((11, 7, 3), [0, np.inf, 0]), "wind is infinite"),
        ("origins", ORIGINS[:1], r"origins must be \[11\], one per window: got \[1\]"),
        ("origins", ORIGINS[:, None], r"got \[11, 1\]"),
        ("series", np.zeros(2, int), r"series must be \[11\], one per window: got \[2\]"),
        ("series", np.full(11, 2), "series must be indices below 2 of EWR, JFK: got 2 to 2"),
        ("series", np.full(11, -1), "got -1 to -1"),
        ("known_future", None, r"known_future must be \[11, 12, 1\] of holiday: got \[11, 12, 0\]"),
        ("known_future", np.zeros((11, 5, 1)), r"got \[11, 5, 1\]"),
    ],
)
def test_what_the_forecaster_was_not_trained_on_is_refused_by_name(
    forecaster: Forecaster, name: str, value: Any, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        forecaster.forecast(**{**windows(), name: value})


def test_a_loaded_forecaster_is_the_saved_one(forecaster: Forecaster, folder: Path) -> None:
    loaded = Forecaster.load(folder)
    known = {name: getattr(loaded, name) for name in ("features", "targets", "known_future_columns", "series", "units")}
    assert known == {name: getattr(forecaster, name) for name in known}
    assert (loaded.clock, loaded.cycles, loaded.levels) == (forecaster.clock, forecaster.cycles, forecaster.levels)
    assert (loaded.network.spec, loaded.network.shape) == (forecaster.network.spec, forecaster.network.shape)
    for name in ("scaler", "known_future_scaler"):
        np.testing.assert_array_equal(getattr(loaded, name).mean, getattr(forecaster, name).mean)
        np.testing.assert_array_equal(getattr(loaded, name).scale, getattr(forecaster, name).scale)
    assert repr(loaded.profile) == repr(PROFILE)  # NaN is no other NaN's equal
    assert loaded.calibration is None


def test_an_ensemble_is_saved_and_loaded_whole(compose: Callable[..., TrainConfig], tmp_path: Path) -> None:
    single = forecaster_of(compose)
    network = ensemble.make(single.network.spec, SHAPE, members=3)
    generator = np.random.default_rng(7)
    for variable in network.weights:
        variable.assign(generator.normal(scale=0.3, size=variable.shape))
    whole = replace(single, network=network)
    whole.save(tmp_path / "forecaster")
    loaded = Forecaster.load(tmp_path / "forecaster")
    batch = windows()
    np.testing.assert_array_equal(loaded.forecast(**batch), whole.forecast(**batch))
    each = [replace(single, network=member).forecast(**batch) for member in network.members]
    np.testing.assert_allclose(whole.forecast(**batch), np.mean(each, axis=0), rtol=1e-5)
    scores = loaded.attention_scores(loaded.inputs(**batch))
    assert scores.shape == (11, 2, 6, 7, 7)
    nothing = {name: array[:0] for name, array in loaded.inputs(**batch).items()}
    assert loaded.attention_scores(nothing).shape == (0, 2, 6, 7, 7)


def test_a_calibrated_forecast_is_the_plain_one_with_its_quantiles_moved(forecaster: Forecaster) -> None:
    plain = forecaster.forecast(**windows())
    found = replace(forecaster, calibration=Calibration(OFFSETS, 2)).forecast(**windows())
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found[..., 2], plain[..., 2])
    np.testing.assert_allclose(found, plain + OFFSETS, rtol=1e-6, atol=1e-3)
    assert (np.diff(found, axis=-1) >= 0).all()


def test_a_saved_calibration_moves_the_loaded_forecaster_alike(forecaster: Forecaster, tmp_path: Path) -> None:
    calibrated = replace(forecaster, calibration=Calibration(OFFSETS, 2))
    calibrated.save(tmp_path / "forecaster")
    loaded = Forecaster.load(tmp_path / "forecaster")
    np.testing.assert_array_equal(loaded.forecast(**windows()), calibrated.forecast(**windows()))


def test_what_is_saved_is_json_without_nan(folder: Path) -> None:
    text = (folder / "forecaster.json").read_text()
    json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert '"lowest": null' in text


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_a_saved_forecaster_forecasts_the_same_bits(
    compose: Callable[..., TrainConfig], tmp_path: Path, dtype: str
) -> None:
    forecaster = forecaster_of(compose, dtype=dtype)
    forecaster.save(tmp_path / "forecaster")
    np.testing.assert_array_equal(
        Forecaster.load(tmp_path / "forecaster").forecast(**windows()), forecaster.forecast(**windows())
    )


def test_a_saved_forecaster_forecasts_the_same_bits_in_a_new_process(
    forecaster: Forecaster, folder: Path, tmp_path: Path
) -> None:
    np.savez(tmp_path / "windows.npz", **windows())
    code = (
        "import sys, numpy as np\n"
        "from pathlib import Path\n"
        "from headway.forecaster import Forecaster\n"
        "folder, raw, found = sys.argv[1:]\n"
        "np.save(found, Forecaster.load(Path(folder)).forecast(**np.load(raw)))\n"
    )
    arguments = [str(folder), str(tmp_path / "windows.npz"), str(tmp_path / "found.npy")]
    subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True)
    np.testing.assert_array_equal(np.load(tmp_path / "found.npy"), forecaster.forecast(**windows()))


def test_a_folder_that_exists_is_replaced_whole(forecaster: Forecaster, folder: Path) -> None:
    (folder / "note.txt").write_text("of the one before")
    flip(folder / "weights.npz", 0.5)
    forecaster.save(folder)
    assert [path.name for path in folder.parent.iterdir()] == ["forecaster"]
    assert sorted(path.name for path in folder.iterdir()) == ["forecaster.json", "manifest.json", "weights.npz"]
    np.testing.assert_array_equal(Forecaster.load(folder).forecast(**windows()), forecaster.forecast(**windows()))


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "no folder": (lambda folder: folder.rename(folder.parent / "elsewhere"), "manifest.json"),
    "no manifest": (lambda folder: (folder / "manifest.json").unlink(), "No such file.*manifest.json"),
    "no weights": (lambda folder: (folder / "weights.npz").unlink(), "No such file.*weights.npz"),
    "no spec": (lambda folder: (folder / "forecaster.json").unlink(), "No such file.*forecaster.json"),
    "a bit of the weights": (lambda folder: flip(folder / "weights.npz", 0.5), "weights.npz: its SHA-256"),
    "a bit of the spec": (lambda folder: flip(folder / "forecaster.json", 0.5), "forecaster.json: its SHA-256"),
    "half the weights": (
        lambda folder: (folder / "weights.npz").write_bytes((folder / "weights.npz").read_bytes()[:999]),
        "weights.npz: its SHA-256",
    ),
    "an empty manifest": (lambda folder: (folder / "manifest.json").write_text(""), "manifest.json: not JSON"),
    "a manifest of another kind": (lambda folder: (folder / "manifest.json").write_text("[1]"), "SHA-256"),
    "weights that are no archive": (lambda folder: rewrite(folder, "weights.npz", b"PK\x03\x04 what"), "npz"),
    "weights of no bytes": (lambda folder: rewrite(folder, "weights.npz", b""), "npz"),
    "weights that need pickle": (
        lambda folder: rewrite_weights(folder, lambda weights: weights.update(extra=np.array([{}], object))),
        "npz",
    ),
    "a spec that is no object": (lambda folder: rewrite(folder, "forecaster.json", b"[1, 2]"), "forecaster.json"),
    "a spec that is no JSON": (lambda folder: rewrite(folder, "forecaster.json", b"{"), "forecaster.json"),
    "an older format": (lambda folder: rewrite_spec(folder, format=1), "format 1 .* this one reads 3, train again"),
    "no profile": (lambda folder: rewrite_spec(folder, profile=None), "profile=null: expected a mapping"),
    "a profile of another kind": (
        lambda folder: rewrite_spec(folder, profile={"columns": []}),
        "forecaster.json: Attr",
    ),
    "a profile of other columns": (
        lambda folder: rewrite_spec(folder, profile=PROFILE.to_json() | {"columns": {}}),
        "profile lacks the column holiday",
    ),
    "a profile of other series": (
        lambda folder: rewrite_spec(folder, profile=PROFILE.to_json() | {"seasonal_square": [[1.0, 2.0]]}),
        r"profile.seasonal_square must be \[2, 2\]: got \[1, 2\]",
    ),
    "a calibration of another size": (
        lambda folder: rewrite_spec(folder, calibration=OFFSETS[:4].tolist()),
        r"calibration must be finite \[5, 2, 5\]: got \[4, 2, 5\]",
    ),
    "a calibration that is no number": (
        lambda folder: rewrite_spec(folder, calibration=(OFFSETS * np.nan).tolist()),
        "forecaster.json: ValueError: NaN is no JSON",
    ),
    "one array for weights": (lambda folder: rewrite(folder, "weights.npz", one_array()), "not a readable npz"),
    "a newer format": (lambda folder: rewrite_spec(folder, format=99), "format 99 .* this one reads 3, train again"),
    "no members": (lambda folder: rewrite_spec(folder, members=0), "members=0: expected a number above 0"),
    "more members than there is memory": (
        lambda folder: rewrite_spec(folder, members=10**9),
        "members=1000000000: expected a number at most 64",
    ),
    "members in words": (
        lambda folder: rewrite_spec(folder, members="two"),
        "members=two: expected a whole number, got text",
    ),
    "another number of members": (lambda folder: rewrite_spec(folder, members=2), "does not fit the model at member_1"),
    "an unknown precision": (lambda folder: rewrite_spec(folder, precision="float7"), "forecaster.json: .*float7"),
    "no series": (
        lambda folder: rewrite(
            folder,
            "forecaster.json",
            json.dumps(
                {k: v for k, v in json.loads((folder / "forecaster.json").read_text()).items() if k != "series"}
            ).encode(),
        ),
        "series: required but not set",
    ),
    "another size": (
        lambda folder: rewrite_spec(
            folder, model=json.loads((folder / "forecaster.json").read_text())["model"] | {"d_model": 11}
        ),
        r"is \[.*\], the model has \[.*\]",
    ),
    "a variable too many": (
        lambda folder: rewrite_weights(folder, lambda weights: weights.update(extra=np.zeros(3))),
        "does not fit the model at extra",
    ),
    "a variable too few": (
        lambda folder: rewrite_weights(folder, lambda weights: weights.pop("transformer/norm/gamma")),
        "does not fit the model at transformer/norm/gamma",
    ),
    "a variable of another shape": (
        lambda folder: rewrite_weights(
            folder, lambda weights: weights.update({"transformer/norm/gamma": np.ones(1, "f4")})
        ),
        r"transformer/norm/gamma is \[1\], the model has \[13\]",
    ),
    "a weight of twice the width": (
        lambda folder: rewrite_weights(folder, lambda weights: weights.update({"transformer/norm/gamma": np.ones(13)})),
        "transformer/norm/gamma is of the type float64, the model has float32",
    ),
    "a weight that is infinite": (
        lambda folder: rewrite_weights(
            folder, lambda weights: weights.update({"transformer/norm/gamma": np.full(13, np.inf, "float32")})
        ),
        "transformer/norm/gamma holds a value that is not finite",
    ),
    "a weight that is no number": (
        lambda folder: rewrite_weights(
            folder, lambda weights: weights.update({"transformer/norm/gamma": np.full(13, np.nan, "float32")})
        ),
        "transformer/norm/gamma holds a value that is not finite",
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_folder_is_refused_and_says_why(folder: Path, damage: str) -> None:
    harm, message = DAMAGE[damage]
    harm(folder)
    with pytest.raises(StoredRunError, match=message) as error:
        Forecaster.load(folder)
    assert error.value.exit_code == 4
    assert len(str(error.value).splitlines()) == 1


def test_the_saved_folder_needs_no_pickle_and_no_code(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == ["forecaster.json", "manifest.json", "weights.npz"]
    with np.load(folder / "weights.npz", allow_pickle=False) as archive:
        assert {array.dtype for array in dict(archive).values()} == {np.dtype("float32")}


def test_the_point_forecast_is_the_level_of_one_half(forecaster: Forecaster) -> None:
    assert (forecaster.median, forecaster.levels[forecaster.median]) == (2, 0.5)
