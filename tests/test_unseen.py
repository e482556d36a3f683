"""Data that a forecaster never saw: read as its own were, scaled by its own scaler, and compared with its training rows."""

import shutil
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from headway import tracking, unseen
from headway.config.train import TrainConfig
from headway.data import batches, sources
from headway.errors import DataError
from headway.fitting import untrained
from headway.forecasting import forecast_windows
from headway.judgement import Judgement, judge_forecaster
from headway.models.transformer import Transformer
from headway.task import Task, prepare
from headway.unseen import UnseenData

WORDS = (
    *("dataset=csv", "dataset.timestamp=time", "dataset.targets=[y]", "dataset.season=5", "dataset.calendar.week=0"),
    *("windows.context_length=3", "windows.horizon=2", "model.d_model=4", "model.heads=1", "model.feed_forward=3"),
    *("evaluation.rivals=[persistence,least_squares]", "evaluation.bootstrap=0", "evaluation.slices=[hour,x]"),
    *("dataset.max_gap=3", "+dataset.max_jump.x=50", "tracking=off"),
)
NAMES = ("north", "east", "south")


def frame_of(begin: str = "2024-01-01T00", *, seed: int = 1, names: tuple[str, ...] = NAMES) -> pd.DataFrame:
    """233 hourly rows a series of a target y, a feature x and a column k known in advance."""
    generator, parts = np.random.default_rng(seed), []
    for number, name in enumerate(names):
        values = generator.normal([50 + number, 7, 0], size=(233, 3)).round(3)
        times = (np.datetime64(begin, "m") + 60 * np.arange(233)).astype(str)
        parts.append(pd.DataFrame({"time": times, "place": name, **dict(zip("yxk", values.T, strict=True))}))
    return pd.concat(parts, ignore_index=True)


class Trained:
    """A forecaster of random weights and the data it was 'trained' on."""

    def __init__(self, config: TrainConfig) -> None:
        self.config = config
        dataset = sources.read(config.dataset)
        self.fingerprint = dataset.fingerprint()
        self.task = prepare(dataset, dataset_spec=config.dataset, splits=config.splits, windows=config.windows)
        network = Transformer(config.model, self.task.shape)
        generator = np.random.default_rng(2)
        for variable in network.weights:
            variable.assign(generator.normal(scale=0.3, size=variable.shape))
        self.forecaster = replace(untrained(network, self.task), units={"y": "MW"})

    def read(self, path: Path, *, store: str = "auto", **changes: Any) -> UnseenData:
        dataset = self.config.dataset.model_copy(update={"store": store})
        config = self.config.model_copy(update={"dataset": dataset})
        if changes:
            config = config.model_copy(update={"evaluation": config.evaluation.model_copy(update=changes)})
        return unseen.read(str(path), config, self.forecaster, self.fingerprint, project=Path())

    def judge(self, data: UnseenData) -> Judgement:
        return judge_forecaster(
            self.forecaster, data.trained_on, data.evaluation, seed=0, judged_on=data.judged_on, cache=None
        )


@pytest.fixture(scope="module")
def train(
    compose: Callable[..., TrainConfig], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[pd.DataFrame], Trained]:
    def train(frame: pd.DataFrame, *overrides: str) -> Trained:
        path = tmp_path_factory.mktemp("trained") / "trained.csv"
        frame.to_csv(path, index=False)
        return Trained(compose(*WORDS, f"dataset.path={path}", *overrides))

    return train


@pytest.fixture(scope="module")
def trained(train: Callable[..., Trained]) -> Trained:
    """Of three series."""
    return train(frame_of(), "dataset.series=place", "dataset.known_future=[k]")


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes a frame as new.csv."""

    def write(frame: pd.DataFrame, name: str = "new.csv") -> Path:
        frame.to_csv(tmp_path / name, index=False)
        return tmp_path / name

    return write


LATER = frame_of("2024-03-01T00")


def medians(trained: Trained, task: Task) -> dict[tuple[str, str], list[float]]:
    """Series and origin -> median forecast of the test windows."""
    index = task.windows["test"]
    quantiles, _ = forecast_windows(trained.forecaster, task, "test", batch_size=97)
    numbers = np.arange(len(index))
    origins = task.dataset.timestamps[index.starts(numbers) + index.context_length - 1]
    names = [task.dataset.series[number].name for number in index.series_of(numbers)]
    found = quantiles[..., trained.forecaster.median].reshape(len(index), -1).tolist()
    return {(name, str(origin)): one for name, origin, one in zip(names, origins, found, strict=True)}


def test_the_trained_file_itself_is_judged_on_all_its_windows_with_the_same_forecasts(trained: Trained) -> None:
    data = trained.read(Path(trained.config.dataset.path))
    assert len(data.judged_on.windows["test"]) == 3 * (233 - 3 - 2 + 1)
    own, all_windows = medians(trained, trained.task), medians(trained, data.judged_on)
    assert 0 < len(own) < len(all_windows)
    assert own.keys() <= all_windows.keys()
    np.testing.assert_allclose([all_windows[key] for key in own], list(own.values()), rtol=1e-5)


def test_the_scalers_are_the_forecasters_own(trained: Trained, write: Callable[..., Path]) -> None:
    task = trained.read(write(LATER.assign(y=LATER.y * 3))).judged_on
    assert task.scaler is trained.forecaster.scaler
    assert task.known_future_scaler is trained.forecaster.known_future_scaler
    expected = (LATER.y * 3 - trained.task.scaler.mean[0]) / trained.task.scaler.scale[0]
    np.testing.assert_allclose(task.rows.values[:, 0], expected, rtol=1e-5)


def test_a_shifted_column_is_far_and_outside_and_the_others_are_not(
    trained: Trained, write: Callable[..., Path]
) -> None:
    data = trained.read(write(LATER.assign(x=LATER.x + 9)))
    assert list(data.drift) == ["y", "x", "k"]
    assert data.drift["x"].stability_index > 0.25
    assert data.drift["x"].outside > 0.9
    for name in ("y", "k"):
        assert data.drift[name].stability_index < 0.1
        assert data.drift[name].outside < 0.02
    assert "far from their training rows: x" in data.text
    assert "with values that training never saw: x" in data.text


def test_drift_is_counted_in_the_columns_own_units(trained: Trained, write: Callable[..., Path]) -> None:
    data = trained.read(write(LATER))
    profile = trained.forecaster.profile.columns["y"]
    later = LATER.y.to_numpy()
    outside = ((later < profile.lowest) | (later > profile.highest)).mean()
    assert data.drift["y"].outside == pytest.approx(outside)
    assert (data.drift["y"].lowest, data.drift["y"].highest) == (later.min(), later.max())
    assert "y [MW]" in data.text


def test_a_column_that_is_gone_missing_is_named(trained: Trained, write: Callable[..., Path]) -> None:
    data = trained.read(write(LATER.assign(x=np.nan)))
    assert data.drift["x"].missing == 1.0
    assert "missing more often than in training: x" in data.text
    assert "never observed" in data.text


def test_without_drift_the_text_says_so(trained: Trained, write: Callable[..., Path]) -> None:
    data = trained.read(write(LATER))
    assert "no input has drifted" in data.text
    assert data.text.startswith("new.csv: 699 rows of 3 of 3 series, 2024-03-01T00:00 to 2024-03-10T16:00; 687 windows")
    assert data.notes == ()


def test_of_a_sample_of_the_windows_the_text_says_of_how_many(trained: Trained, write: Callable[..., Path]) -> None:
    sizes = trained.config.windows.model_copy(update={"most": 23})
    config = trained.config.model_copy(update={"windows": sizes})
    data = unseen.read(str(write(LATER)), config, trained.forecaster, trained.fingerprint, project=Path())
    assert len(data.judged_on.windows["test"]) == 23
    assert data.text.splitlines()[0].endswith("; 23 of 687 windows")


def test_so_few_rows_that_the_index_is_chance_are_said_to_be(trained: Trained, write: Callable[..., Path]) -> None:
    assert "PSI of 31 rows says little" in trained.read(write(LATER[:31])).text


def test_series_and_columns_in_another_order_are_told_by_their_names(
    trained: Trained, write: Callable[..., Path]
) -> None:
    plain = medians(trained, trained.read(write(LATER)).judged_on)
    shuffled = LATER[["x", "k", "place", "y", "time"]].sort_values(["place", "time"])
    data = trained.read(write(shuffled))
    assert [series.name for series in data.judged_on.dataset.series] == list(NAMES)
    assert data.judged_on.dataset.features == trained.forecaster.features
    assert medians(trained, data.judged_on) == plain


@pytest.mark.parametrize("places", [NAMES, ("south", "north"), ("east",)])
def test_rows_that_stay_in_their_file_are_judged_as_those_in_memory_whatever_their_order(
    trained: Trained,
    write: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    places: tuple[str, ...],
) -> None:
    monkeypatch.chdir(tmp_path)  # where stores are made
    parts = [LATER[LATER.place == place] for place in reversed(places)]
    path = write(pd.concat(parts)[["x", "k", "place", "y", "time"]])
    memory, stored = (trained.read(path, store=store) for store in ("never", "always"))
    assert stored.judged_on.dataset.is_stored and not memory.judged_on.dataset.is_stored
    assert stored.judged_on.dataset.features == trained.forecaster.features
    assert stored.judged_on.dataset.fingerprint() == memory.judged_on.dataset.fingerprint()
    assert (stored.text, stored.notes) == (memory.text, memory.notes)
    own, other = (trained.judge(data) for data in (stored, memory))
    # A rival learns from training rows whose mean, of chunks, is rounded otherwise.
    pd.testing.assert_frame_equal(own.scores.table, other.scores.table, rtol=1e-12)
    pd.testing.assert_frame_equal(own.scores.slices, other.scores.slices, rtol=1e-12)
    for name in ("ticks", "series", "actual", "quantiles"):
        np.testing.assert_array_equal(getattr(own.forecasts, name), getattr(other.forecasts, name))
    # Windows of one series in time, whatever stands between: a history must not reach into another's rows.
    task = stored.judged_on
    numbers = np.arange(len(task.windows["test"]))
    expected = batches.gather_history(memory.judged_on.dataset, memory.judged_on.windows["test"], numbers, length=29)
    np.testing.assert_array_equal(
        batches.gather_history(task.dataset, task.windows["test"], numbers, length=29), expected
    )


def test_a_column_too_many_is_refused_before_a_large_file_is_converted(
    trained: Trained, write: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"new.csv: has z besides; the forecaster was trained on y, x$"):
        trained.read(write(LATER.assign(z=1.5)), store="always")
    assert not (tmp_path / "runs").exists()


def test_a_large_file_takes_little_memory_of_its_own(
    train: Callable[..., Trained], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("headway.data.series._VALUES_AT_ONCE", 1 << 12)
    trained = train(frame_of(names=("north",)).drop(columns="place"))
    generator, rows, path = np.random.default_rng(5), 400_009, tmp_path / "new.parquet"
    times = np.datetime64("1970-01-01", "ms") + np.arange(rows) * np.timedelta64(3_600_000, "ms")
    pd.DataFrame({"x": generator.normal(size=rows), "k": 1, "time": times, "y": 7.5}).to_parquet(path, index=False)
    trained.read(path, store="always")  # and converted
    tracemalloc.start()
    data = trained.read(path, store="always")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(data.judged_on.windows["test"]) == rows - 4
    assert data.drift["x"].rows == rows
    assert data.judged_on.dataset.values.nbytes == 24 * rows
    assert peak < 12 * rows


def test_a_file_may_hold_some_of_the_series(trained: Trained, write: Callable[..., Path]) -> None:
    plain = medians(trained, trained.read(write(LATER)).judged_on)
    data = trained.read(write(LATER[LATER.place == "south"]))
    found = medians(trained, data.judged_on)
    assert {name for name, _ in found} == {"south"}
    expected = {key: value for key, value in plain.items() if key[0] == "south"}
    assert found.keys() == expected.keys()
    # In a batch of another height float32 rounds otherwise.
    np.testing.assert_allclose(list(found.values()), list(expected.values()), rtol=1e-6)
    assert "233 rows of 1 of 3 series" in data.text
    judgement = trained.judge(data)
    assert judgement.scores.num_windows == 229
    mine = [plain[key][0] for key in found]
    actual = LATER[LATER.place == "south"].y.to_numpy()[3:-1]
    one_step = judgement.scores.value("y", "transformer", "mae", 1)
    assert one_step == pytest.approx(np.abs(np.array(mine) - actual).mean(), rel=1e-5)


def test_features_are_cut_at_the_quartiles_of_the_training_rows(trained: Trained, write: Callable[..., Path]) -> None:
    judgement = trained.judge(trained.read(write(LATER.assign(x=LATER.x + 9))))
    rows = judgement.scores.by_slice("y", "x")
    (label,) = rows["slice"].unique()
    border = trained.forecaster.profile.columns["x"].quartiles[-1]
    assert label == f"above {border:.4g}"


def test_rivals_learn_from_the_training_rows_and_not_from_the_file(
    trained: Trained, write: Callable[..., Path]
) -> None:
    data = trained.read(write(LATER))
    assert data.trained_on.dataset.fingerprint() == trained.fingerprint
    assert data.evaluation.rivals == ("persistence", "least_squares")
    changed = LATER.copy()
    changed.loc[changed.index % 233 >= 150, "y"] += 1000
    first, second = (trained.judge(one).forecasts for one in (data, trained.read(write(changed))))
    early = np.flatnonzero(first.series == 0)[:140]  # windows that end before row 150
    for name, forecast in first.rivals.items():
        np.testing.assert_array_equal(forecast[early], second.rivals[name][early])


def without_column(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.drop(columns="x")


def every(minutes: int) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def stretched(frame: pd.DataFrame) -> pd.DataFrame:
        times = np.datetime64("2024-03-01T00", "m") + minutes * (np.arange(len(frame)) % 233)
        return frame.assign(time=times.astype(str))

    return stretched


WRONG: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], str]] = {
    "a column lacking": (
        without_column,
        r"no column 'x' \(dataset.max_jump\)|lacks x; the forecaster was trained on y, x",
    ),
    "the target lacking": (lambda frame: frame.drop(columns="y"), "no column 'y'"),
    "a column known in advance lacking": (lambda frame: frame.drop(columns="k"), "no column 'k'"),
    "no series column": (lambda frame: frame.drop(columns="place"), "no column 'place'"),
    "a column renamed": (lambda frame: frame.rename(columns={"y": "yy"}), "no column 'y'.*did you mean yy"),
    "a column besides": (
        lambda frame: frame.assign(z=1.5),
        r"new.csv: has z besides; the forecaster was trained on y, x",
    ),
    "another series": (lambda frame: frame.replace({"east": "west"}), "series 'west' is none .*: north, east, south"),
    "a faster clock": (every(15), "off the clock of 1h"),
    "a slower clock": (every(1440), r"new.csv: holds no window of 3 \+ 2 rows one step of 1h apart \(rows: north 233"),
    "no rows": (lambda frame: frame[:0], "no rows of data"),
    "too few rows": (lambda frame: frame[:4], r"holds no window of 3 \+ 2 rows .*rows: north 4\)"),
    "no target": (lambda frame: frame.assign(y=np.nan), "target never observed"),
    "a known value missing": (lambda frame: frame.assign(k=np.nan), "known_future says it is known in advance"),
    "text": (lambda frame: frame.assign(x="high"), "column 'x' holds 'high'"),
    "time backwards": (lambda frame: frame[::-1], "goes back in time .*sort the file; the run's own settings hold"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_file_that_is_not_like_the_training_data_is_refused_in_one_line(
    trained: Trained, write: Callable[..., Path], wrong: str
) -> None:
    change, words = WRONG[wrong]
    with pytest.raises(DataError, match=words) as error:
        trained.read(write(change(LATER)))
    assert error.value.exit_code == 3
    assert len(str(error.value).splitlines()) == 1
    assert "trained.csv" not in str(error.value)


def test_no_message_advises_a_setting_that_evaluating_has_not(trained: Trained, write: Callable[..., Path]) -> None:
    path = write(LATER)
    path.write_text(path.read_text().replace(",", ";"))
    with pytest.raises(DataError) as error:
        trained.read(path)
    assert "the separator looks like ';'" in str(error.value)
    assert "set " not in str(error.value)


def test_a_limit_on_the_times_of_the_training_file_does_not_bind_a_later_one(
    train: Callable[..., Trained], write: Callable[..., Path]
) -> None:
    words = ("dataset.series=place", "dataset.known_future=[k]", "dataset.latest=2024-02-01")
    assert len(train(frame_of(), *words).read(write(LATER)).judged_on.windows["test"]) == 687


@pytest.mark.parametrize(("begin", "overlaps"), [("2024-01-08T17", True), ("2024-01-08T18", False)])
def test_a_file_that_begins_before_validation_ended_is_not_all_unseen(
    trained: Trained, write: Callable[..., Path], begin: str, overlaps: bool
) -> None:
    # Four fifths of 233 hours are 186: the last validation row is 185 hours after the first.
    last = np.datetime64("2024-01-01T00:00:00") + np.timedelta64(185, "h")
    assert trained.forecaster.profile.last_time == dict.fromkeys(NAMES, str(last))
    assert bool(trained.read(write(frame_of(begin, seed=3))).notes) == overlaps


def test_the_note_on_an_overlap_counts_the_series_there_are(trained: Trained, write: Callable[..., Path]) -> None:
    frame = frame_of()
    (note,) = trained.read(write(frame[frame.place != "east"])).notes
    assert note.startswith("not all unseen: 2 of 2 series begin before the forecaster's training and validation rows")
    assert "(north: 2024-01-08T17:00)" in note


@pytest.mark.parametrize("fate", ["gone", "changed"])
def test_without_the_training_file_what_learns_is_left_out_with_a_note(
    train: Callable[..., Trained], write: Callable[..., Path], fate: str
) -> None:
    trained = train(frame_of(), "dataset.series=place", "dataset.known_future=[k]", "evaluation.calibration=off")
    path = Path(trained.config.dataset.path)
    shutil.move(path, path.with_name("elsewhere.csv"))
    if fate == "changed":
        frame_of(seed=5).to_csv(path, index=False)
    data = trained.read(write(LATER), calibration="conformal")
    assert data.evaluation.rivals == ("persistence",)
    assert data.evaluation.calibration == "off"
    assert [note.rpartition(": ")[2] for note in data.notes] == [
        "rivals that learn from it are left out",
        "quantiles are not calibrated",
    ]
    assert all("trained.csv is not there as it was trained on" in note for note in data.notes)
    assert trained.read(write(LATER), rivals=("persistence",)).notes == ()
    assert data.trained_on is data.judged_on
    judgement = trained.judge(data)
    assert judgement.scores.rivals == ["persistence"]
    assert judgement.scores.num_windows == 687


def test_a_single_series_needs_no_series_column_and_any_file_name(
    train: Callable[..., Trained], write: Callable[..., Path]
) -> None:
    one = LATER[LATER.place == "north"].drop(columns="place")
    trained = train(frame_of(names=("north",)).drop(columns="place"))
    data = trained.read(write(one, "another name.csv"))
    assert [series.name for series in data.judged_on.dataset.series] == list(trained.forecaster.series)
    assert data.text.startswith("another name.csv: 233 rows, 2024-03-01T00:00 to")
    with pytest.raises(DataError, match=r"new.csv: has place besides; the forecaster was trained on y, x, k$"):
        trained.read(write(LATER[LATER.place == "north"]))


def test_scores_pictures_and_drift_are_kept_in_a_folder_named_after_the_file(
    trained: Trained, write: Callable[..., Path], tmp_path: Path
) -> None:
    path = write(LATER, "march 2024.csv")
    data = trained.read(path)
    judgement = trained.judge(data)
    with tracking.start(trained.config.tracking, name="n", comparable="c", root=tmp_path / "runs") as run:
        unseen.record(run, str(path), judgement, data)
    folder = run.folder / "unseen" / "march 2024"
    assert {"drift.txt", *judgement.files} <= {file.name for file in folder.iterdir()}
    assert (folder / "drift.txt").read_text() == f"{data.text}\n"
    logged = tracking.read_journal(run.folder)[-1]["metrics"]
    assert logged["unseen/march 2024/drift/x"] == pytest.approx(data.drift["x"].stability_index, rel=1e-5)
    error = judgement.scores.value("y", "transformer", "mae")
    assert logged["unseen/march 2024/y/mae"] == pytest.approx(error, rel=1e-5)
