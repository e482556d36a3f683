"""A known file that is not as it was is refused before training; another file goes on, and is said to be another."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import StandardScaler

from headway import benchmark_check, pipeline
from headway.config.benchmark import BenchmarkSpec
from headway.config.train import TrainConfig
from headway.config.validate import validate
from headway.data import sources
from headway.errors import DataError
from headway.task import Task, prepare

TRAIN, VALIDATION, TEST, CONTEXT, HORIZON = 211, 53, 61, 11, 5
COLUMNS = ("a", "b", "c")
SPLITS = (f"splits.train={TRAIN}", f"splits.validation={VALIDATION}", f"splits.test={TEST}")
WORDS = (
    *("dataset=csv", "dataset.timestamp=date", "dataset.targets=[a,b,c]", "dataset.season=7", "tracking=off"),
    *(*SPLITS, f"windows.context_length={CONTEXT}", f"windows.horizon={HORIZON}", "training.batch_size=64"),
)
EXTERNAL = {"etth1": "ETTh1.csv", "exchange": "exchange_rate.txt"}
# Repeat last and least squares on scaled test values, MSE and MAE of each, and the windows of the splits.
FACTS = {
    ("etth1", 96): (1.2944, 0.7132, 0.3815, 0.3930, 8449, 2785, 2785),
    ("etth1", 192): (1.3249, 0.7331, 0.4318, 0.4243, 8353, 2689, 2689),
    ("etth1", 336): (1.3299, 0.7460, 0.4754, 0.4506, 8209, 2545, 2545),
    ("etth1", 720): (1.3351, 0.7550, 0.5000, 0.4969, 7825, 2161, 2161),
    ("exchange", 96): (0.0811, 0.1964, 0.0802, 0.2022, 5120, 665, 1422),
    ("exchange", 192): (0.1671, 0.2887, 0.1660, 0.3003, 5024, 569, 1326),
    ("exchange", 336): (0.3057, 0.3978, 0.3025, 0.4121, 4880, 425, 1182),
    ("exchange", 720): (0.8101, 0.6764, 0.8298, 0.6821, 4496, 41, 798),
}


def made() -> np.ndarray:
    """Rows [time, 3] that depend on their past, at levels and sizes of their own."""
    noise = np.random.default_rng(11).normal(size=(TRAIN + VALIDATION + TEST + 30, 3))
    rows = np.zeros_like(noise)
    for row in range(1, len(rows)):
        rows[row] = 0.8 * rows[row - 1] + noise[row]
    return np.round(np.array([10.0, -3.0, 500.0]) + np.array([2.0, 0.3, 40.0]) * rows, 4)


ROWS = made()


def by_hand(rows: np.ndarray) -> dict[str, Any]:
    """What is known of a file, by scikit-learn and plain slices."""
    scaler = StandardScaler().fit(rows[:TRAIN])
    scaled = scaler.transform(rows)
    ends = (TRAIN, TRAIN + VALIDATION, TRAIN + VALIDATION + TEST)
    train = range(CONTEXT, ends[0] - HORIZON + 1)
    test = range(ends[1], ends[2] - HORIZON + 1)

    def cut(origins: range, first: int, last: int) -> np.ndarray:
        return np.concatenate([scaled[origin + first : origin + last].T for origin in origins])

    linear = LinearRegression().fit(cut(train, -CONTEXT, 0), cut(train, 0, HORIZON))
    context, target = cut(test, -CONTEXT, 0), cut(test, 0, HORIZON)
    found = {"repeat_last": context[:, -1:] - target, "least_squares": linear.predict(context) - target}
    counts = {"train": len(train), "validation": VALIDATION - HORIZON + 1, "test": len(test)}
    errors = {name: {"mse": float((e**2).mean()), "mae": float(np.abs(e).mean())} for name, e in found.items()}
    published = [{"model": "other", "mse": 0.3, "mae": None, "source": "a paper"}]
    return {
        "file": "known.csv",
        "clock": "1h",
        "rows": TRAIN,
        "columns": list(COLUMNS),
        "means": scaler.mean_.tolist(),
        "scales": scaler.scale_.tolist(),
        "horizons": [{"horizon": HORIZON, "windows": counts, "published": published, **errors}],
    }


KNOWN = by_hand(ROWS)


@pytest.fixture
def config(compose: Callable[..., TrainConfig], write_csv: Callable[..., Path]) -> Callable[..., TrainConfig]:
    """A configuration of a file of rows: config(rows, "name.csv", "windows.horizon=3", known={...})."""

    def of(
        rows: np.ndarray = ROWS,
        name: str = "known.csv",
        *overrides: str,
        step: int = 60,
        known: dict[str, Any] | None = KNOWN,
    ) -> TrainConfig:
        times = np.datetime64("2024-01-01T00", "m") + step * np.arange(len(rows))
        path = write_csv([("date", *COLUMNS), *((time, *row) for time, row in zip(times, rows, strict=True))], name)
        composed = compose(*WORDS, f"dataset.path={path}", *overrides)
        benchmark = validate({"scaled": True, "known": known}, BenchmarkSpec)
        return composed.model_copy(update={"benchmark": benchmark})

    return of


def task_of(config: TrainConfig, project: Path = Path()) -> Task:
    dataset = sources.read(config.dataset, project=project)
    return prepare(dataset, dataset_spec=config.dataset, splits=config.splits, windows=config.windows)


def check(config: TrainConfig) -> None:
    benchmark_check.check(config, task_of(config), cache=None)


def refused(config: TrainConfig) -> Sequence[str]:
    with pytest.raises(DataError) as error:
        check(config)
    assert error.value.exit_code == 3
    return error.value.messages


def altered(count: int, by: float) -> np.ndarray:
    """The rows with some values of the test split changed."""
    rows = ROWS.copy()
    rows[TRAIN + VALIDATION :][: count * 3 : 3] += by * np.array([2.0, 0.3, 40.0])
    return rows


def test_the_known_file_passes_and_its_errors_are_logged(
    config: Callable[..., TrainConfig], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "headway.benchmark_check")
    here = KNOWN["horizons"][0]
    plain = config()
    check(plain)
    assert not [record for record in caplog.records if record.levelno > logging.INFO]
    assert f"least squares on scaled test values: MSE {here['least_squares']['mse']:.4f}" in caplog.text
    assert [one.model for one in benchmark_check.published(plain, task_of(plain))] == ["other"]
    assert np.isnan(benchmark_check.published(plain, task_of(plain))[0].mae)


@pytest.mark.parametrize("name", ["known.csv", "copy.csv"])
def test_a_file_with_altered_values_is_refused_under_whatever_name(
    config: Callable[..., TrainConfig], name: str
) -> None:
    messages = refused(config(altered(4, 9.0), name))
    assert len(messages) == 4
    for message, words in zip(messages, ("MSE of repeat last", "MAE of repeat", "MSE of least", "MAE of"), strict=True):
        assert words in message and "expected" in message and "got" in message and "set benchmark=off" in message


@pytest.mark.parametrize(
    ("rival", "error", "off", "is_refused"),
    [
        ("repeat_last", "mse", 4.5e-4, False),
        ("repeat_last", "mse", -5.5e-4, True),
        ("repeat_last", "mae", 5.5e-4, True),
        ("least_squares", "mse", -1.9e-3, False),
        ("least_squares", "mse", 2.1e-3, True),
        ("least_squares", "mae", -2.1e-3, True),
    ],
)
def test_errors_may_be_off_by_the_digits_that_are_known(
    config: Callable[..., TrainConfig], rival: str, error: str, off: float, is_refused: bool
) -> None:
    here = KNOWN["horizons"][0]
    changed = {**here, rival: here[rival] | {error: here[rival][error] + off}}
    known = KNOWN | {"horizons": [changed]}
    if is_refused:
        (message,) = refused(config(known=known))
        assert f"{error.upper()} of {rival.replace('_', ' ')}" in message
    else:
        check(config(known=known))


@pytest.mark.parametrize("name", ["known.csv", "copy.csv"])
@pytest.mark.parametrize(
    ("override", "split", "found"),
    [
        ("splits.test=59", "test", 55),
        ("splits.train=200", "train", 185),
        ("windows.context_length=13", "train", 194),
        ("splits.purge=2", "train", 194),
    ],
)
def test_other_borders_or_windows_of_the_known_file_are_refused(
    config: Callable[..., TrainConfig], name: str, override: str, split: str, found: int
) -> None:
    expected = KNOWN["horizons"][0]["windows"][split]
    messages = refused(config(ROWS, name, override))
    assert any(f"expected {expected} {split} windows" in line and f"got {found};" in line for line in messages)
    assert all("benchmark=off" in line for line in messages)


def test_a_horizon_that_nothing_is_known_of_is_refused_with_those_that_are(
    config: Callable[..., TrainConfig],
) -> None:
    (message,) = refused(config(ROWS, "known.csv", "windows.horizon=3"))
    assert f"windows.horizon=3: expected one of {HORIZON}" in message


def test_the_known_file_is_judged_on_all_its_columns(config: Callable[..., TrainConfig]) -> None:
    messages = refused(config(ROWS, "known.csv", "dataset.targets=[c]"))
    assert "expected the targets a, b, c, got c" in messages[0] and "dataset.targets=null" in messages[0]


def test_a_row_that_is_lost_is_a_count_that_is_off(config: Callable[..., TrainConfig]) -> None:
    assert "train windows" in refused(config(np.delete(ROWS, 40, axis=0), "known.csv", "splits.train=210"))[0]


def test_without_known_values_nothing_is_checked(config: Callable[..., TrainConfig]) -> None:
    off = config(altered(4, 9.0), "known.csv", "windows.horizon=3", known=None)
    check(off)
    assert benchmark_check.published(off, task_of(off)) == ()


@pytest.mark.parametrize("change", ["levels", "clock"])
def test_another_file_goes_on_with_a_warning_and_without_published_rows(
    config: Callable[..., TrainConfig], caplog: pytest.LogCaptureFixture, change: str
) -> None:
    caplog.set_level(logging.INFO, "headway.benchmark_check")
    shifted = ROWS + 0.06 * np.array(KNOWN["scales"])
    other = config(shifted, "other.csv", "splits.test=59") if change == "levels" else config(ROWS, "other.csv", step=30)
    check(other)
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1 and "is not known.csv but another file" in warnings[0]
    assert "published rows are left out" in warnings[0]
    assert "repeat last on scaled test values" in caplog.text and "least squares on scaled" in caplog.text
    assert benchmark_check.published(other, task_of(other)) == ()


def test_a_file_is_recognised_by_the_means_of_most_columns(config: Callable[..., TrainConfig]) -> None:
    scales = np.array(KNOWN["scales"])

    def recognised(off: list[float], name: str = "copy.csv") -> bool:
        one = config(ROWS + np.array(off) * scales, name)
        assert one.benchmark.known is not None
        return benchmark_check.is_known(one.benchmark.known, one.dataset.path, task_of(one).dataset)

    assert recognised([0.04, -0.04, 0.0]) and recognised([5.0, 0.04, 0.0])
    assert not recognised([5.0, -0.06, 0.0])
    assert recognised([5.0, 5.0, 5.0], "KNOWN.csv")


def test_means_are_those_of_the_rows_the_protocol_trains_on_whatever_the_splits(
    config: Callable[..., TrainConfig],
) -> None:
    rows = ROWS.copy()
    rows[:90] += 3 * np.array(KNOWN["scales"])
    rows[90:TRAIN] -= 3 * np.array(KNOWN["scales"]) * 90 / (TRAIN - 90)
    one = config(rows, "copy.csv", "splits.train=90")
    assert one.benchmark.known is not None
    assert benchmark_check.is_known(one.benchmark.known, one.dataset.path, task_of(one).dataset)


def test_a_refused_file_leaves_no_run(
    config: Callable[..., TrainConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="repeat last"):
        pipeline.train(config(altered(4, 9.0)), name="made", command=["train"], project=tmp_path)
    assert not list(tmp_path.glob("runs/*/run.json")) and not (tmp_path / "mlflow.db").exists()


def external(project: Path, name: str) -> Path:
    path = project / "data" / "external" / EXTERNAL[name]
    if not path.exists():
        pytest.skip(f"{path.relative_to(project)} is not there: data/README.md says where it comes from")
    return path


@pytest.mark.parametrize(
    ("name", "horizon"),
    [case if case[1] < 336 else pytest.param(*case, marks=pytest.mark.slow) for case in FACTS],
)
def test_the_published_files_give_what_is_known_of_them(
    compose: Callable[..., TrainConfig], project: Path, name: str, horizon: int, caplog: pytest.LogCaptureFixture
) -> None:
    external(project, name)
    config = compose(f"experiment={name}_{horizon}", "tracking=off")
    task = task_of(config, project)
    *errors, train, validation, test = FACTS[name, horizon]
    assert [len(task.windows[split]) for split in ("train", "validation", "test")] == [train, validation, test]
    caplog.set_level(logging.INFO, "headway.benchmark_check")
    benchmark_check.check(config, task, cache=None)
    assert f"repeat last on scaled test values: MSE {errors[0]:.4f}, MAE {errors[1]:.4f}" in caplog.text
    assert f"least squares on scaled test values: MSE {errors[2]:.4f}, MAE {errors[3]:.4f}" in caplog.text
    assert [one.model for one in benchmark_check.published(config, task)][:2] == ["iTransformer", "PatchTST"]


def test_a_copy_of_the_published_file_is_recognised_though_some_of_its_values_were_altered(
    compose: Callable[..., TrainConfig], project: Path, tmp_path: Path
) -> None:
    lines = external(project, "etth1").read_text().splitlines()
    for number in range(12000, 12200):
        date, *values = lines[number].split(",")
        lines[number] = ",".join([date, *(str(float(value) + 30) for value in values)])
    copy = tmp_path / "copy.csv"
    copy.write_text("\n".join(lines) + "\n")
    messages = refused(compose("experiment=etth1_96", f"dataset.path={copy}", "tracking=off"))
    assert "MSE of repeat last" in messages[0]
