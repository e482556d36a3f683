"""train.py and evaluate.py as a user types them, on the shipped weather and on a file of one's own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
import yaml

from headway.config.evaluate import EvaluateConfig

PROJECT = Path(__file__).resolve().parent.parent
OWN_DATA = ["dataset=csv", "dataset.path=own.csv", "dataset.timestamp=time", "dataset.targets=[load]"]
OWN_DATA += ["training.batch_size=64"]
QUICK = ["training=fast", "training.epochs=1", "evaluation=quick", "evaluation.explain_windows=101"]
QUICK += ["tracking.system_metrics=false"]


def type_in(
    folder: Path, script: str, *arguments: str, prelude: str = "pass", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Runs a script in a folder; `prelude` is Python that runs before it, in the same process."""
    path = str(PROJECT / script)
    code = f"import runpy, sys; sys.argv = [{path!r}, *sys.argv[1:]]; {prelude}; runpy.run_path({path!r}, run_name='__main__')"
    # The folder of a script is on its path; -c has none.
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def weather(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which train.py was typed once, on the shipped weather, for one epoch."""
    folder = tmp_path_factory.mktemp("weather")
    done = type_in(folder, "train.py", *QUICK, "model.heads=2")
    assert done.returncode == 0, done.stderr
    (folder / "output.txt").write_text(done.stdout)
    return folder


def tables(output: str) -> str:
    return output[output.index("temp [") : output.index("MAE of temp on the test split")]


def only_run(folder: Path) -> Path:
    (run,) = [path.parent for path in (folder / "runs").glob("*/run.json")]
    return run


def mlflow_run(folder: Path) -> mlflow.entities.Run:
    client = mlflow.MlflowClient(f"sqlite:///{folder}/mlflow.db")
    experiment = client.get_experiment_by_name("headway")
    (run,) = client.search_runs([experiment.experiment_id])
    return run


def test_training_prints_the_table_with_rivals_and_a_link_to_the_run(weather: Path) -> None:
    output = (weather / "output.txt").read_text()
    for word in ("transformer", "persistence", "linear_regression", "95 % interval", "mase", "beats persistence by"):
        assert word in output
    assert "?workflowType=machine_learning" in output


def test_a_run_keeps_what_it_takes_to_review_it(weather: Path) -> None:
    names = {str(path.relative_to(only_run(weather))) for path in only_run(weather).rglob("*") if path.is_file()}
    expected = (
        "config.yaml metrics.jsonl attention_map.png attention_scores.npz forecast.png skill.png scores.csv report.md "
        "calibration.png slices.png slices.csv"
    )
    assert set(expected.split()) <= names
    assert {"forecaster/forecaster.json", "forecaster/weights.npz", "forecaster/manifest.json"} <= names


def test_attention_scores_are_kept_whole_per_probe_window(weather: Path) -> None:
    with np.load(only_run(weather) / "attention_scores.npz", allow_pickle=False) as stored:
        scores = stored["attention_scores"]
    assert scores.shape == (64, 1, 2, 6, 6)  # [P, layers, N, T, S]
    np.testing.assert_allclose(scores.sum(axis=-1), 1, atol=1e-5)


def test_mlflow_mirrors_parameters_metrics_pictures_and_data(weather: Path) -> None:
    run = mlflow_run(weather)
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "training=fast epochs=1 evaluation=quick explain_windows=101 heads=2"
    assert {"heads", "d_model", "precision", "seed"} <= set(run.data.params)
    assert {"train/loss", "validation/best_error", "test/temp/mae", "test/temp/mae_h6"} <= set(run.data.metrics)
    assert {"git_commit", "git_dirty", "device", "keras"} <= set(run.data.tags)
    assert run.data.tags["beats_baselines"] in ("true", "false")
    assert run.inputs.dataset_inputs[0].dataset.name == "nyc_weather"
    artifacts = {path.name for path in Path(run.info.artifact_uri.removeprefix("file://")).iterdir()}
    assert {"config.yaml", "attention_map.png", "forecast.png", "report.md", "forecaster", "images"} <= artifacts


def test_the_attention_picture_is_a_series_over_epochs(weather: Path) -> None:
    images = Path(mlflow_run(weather).info.artifact_uri.removeprefix("file://")) / "images"
    steps = {path.name.split("+step+")[1].split("+")[0] for path in images.glob("attention*.png")}
    assert steps == {"0", "1"}


def test_the_description_says_what_ran_and_how_it_did(weather: Path) -> None:
    note = mlflow_run(weather).data.tags["mlflow.note.content"]
    assert "against its strongest rival" in note.splitlines()[0]
    assert "- transformer beats seasonal naive by" in note
    assert "python train.py training=fast" in note
    assert f"get-artifact?path=attention_map.png&run_uuid={mlflow_run(weather).info.run_id}" in note


def test_evaluating_a_stored_run_gives_the_table_that_training_gave(weather: Path) -> None:
    done = type_in(weather, "evaluate.py")
    assert done.returncode == 0, done.stderr
    assert tables(done.stdout) == tables((weather / "output.txt").read_text())


@pytest.mark.parametrize(
    "selector", ["best", "beginning", *(pytest.param(word, marks=pytest.mark.slow) for word in ("id", "mlflow id"))]
)
def test_a_stored_run_is_found_by_whatever_names_it(
    weather: Path, selector: str, monkeypatch: pytest.MonkeyPatch, compose_evaluate: Callable[..., EvaluateConfig]
) -> None:
    from headway import pipeline

    own, mirrored = only_run(weather).name, mlflow_run(weather).info.run_id
    run = {"best": "best", "id": own, "mlflow id": mirrored, "beginning": mirrored[:8]}[selector]
    monkeypatch.chdir(weather)
    outcome = pipeline.evaluate(compose_evaluate(f"run='{run}'"), project=PROJECT)
    assert outcome.run_id == own
    assert tables(outcome.text) == tables((weather / "output.txt").read_text())


def test_persistence_in_the_table_is_persistence_of_the_file(weather: Path) -> None:
    """An independent path: pandas alone, from the csv to the score of a rival."""
    frame = pd.read_csv(PROJECT / "data/nyc_weather_2013.csv", parse_dates=["time_hour"])
    errors = []
    for _, station in frame.groupby("origin"):
        temp = station.set_index("time_hour").temp.asfreq("h")
        temp[pd.Timestamp("2013-05-09T02", tz="UTC")] = (
            np.nan if station.origin.iloc[0] == "JFK" else temp["2013-05-09T02"]
        )
        last, border = temp.ffill(), round(0.8 * len(temp))
        errors += [
            (temp.iloc[row : row + 6] - last.iloc[row - 1]).abs().to_numpy() for row in range(border, len(temp) - 5)
        ]
    table = pd.read_csv(only_run(weather) / "scores.csv")
    found = table[(table.forecaster == "persistence") & (table.horizon == "all")].mae.iloc[0]
    assert len(errors) == 5223
    assert found == pytest.approx(np.nanmean(errors), abs=1e-9)


def test_changed_data_are_refused_with_the_code_of_a_stored_run(weather: Path, tmp_path: Path) -> None:
    csv = tmp_path / "own.csv"
    write_series(csv)
    assert type_in(tmp_path, "train.py", *OWN_DATA, *QUICK, "tracking=off").returncode == 0
    csv.write_text(csv.read_text().replace("2024-01-03T00:00:00,", "2024-01-03T00:00:00,9"))
    done = type_in(tmp_path, "evaluate.py", "tracking=off")
    assert done.returncode == 4
    assert "fingerprint" in done.stderr and "Traceback" not in done.stderr


def test_a_requirement_that_does_not_hold_is_its_own_exit_code_after_the_tables(weather: Path) -> None:
    words = ["evaluation.require=beats_baselines", "evaluation.bootstrap=100"]
    met = type_in(weather, "evaluate.py", *words, "evaluation.rivals=[seasonal_naive]", "tracking=off")
    assert met.returncode == 0, met.stderr
    # One epoch is too little against a regression on the same inputs.
    unmet = type_in(weather, "evaluate.py", *words, "evaluation.rivals=[linear_regression]", "tracking=off")
    assert unmet.returncode == 8 and "linear_regression" in unmet.stdout
    (line,) = [line for line in unmet.stderr.splitlines() if line.startswith("error:")]
    assert "evaluation.require=beats_baselines: transformer" in line and "linear regression" in line


def test_evaluate_without_any_run_says_so_in_one_line(tmp_path: Path) -> None:
    done = type_in(tmp_path, "evaluate.py", "tracking=off")
    assert done.returncode == 4
    assert len(done.stderr.strip().splitlines()) == 1 and "python train.py" in done.stderr


def test_several_runs_of_a_sweep_have_folders_of_their_own(tmp_path: Path) -> None:
    write_series(tmp_path / "own.csv")
    done = type_in(tmp_path, "train.py", "-m", *OWN_DATA, *QUICK, "tracking=off", "model.heads=1,2", "evaluate=false")
    assert done.returncode == 0, done.stderr
    records = [json.loads(path.read_text()) for path in (tmp_path / "runs").glob("*/run.json")]
    (parent,) = (record for record in records if record["kind"] == "sweep")
    children = [record for record in records if record["parent"] == parent["id"]]
    assert sorted(record["name"] for record in children) == ["heads=1", "heads=2"]
    assert parent["best"] == min(children, key=lambda record: record["score"])["id"]


def test_training_runs_where_tensorflow_is_not_installed(tmp_path: Path) -> None:
    write_series(tmp_path / "own.csv")
    absent = "sys.modules['tensorflow'] = None"
    done = type_in(tmp_path, "train.py", *OWN_DATA, *QUICK, "tracking=off", prelude=absent, KERAS_BACKEND="jax")
    assert done.returncode == 0, done.stderr
    stored = yaml.safe_load((only_run(tmp_path) / "config.yaml").read_text())
    assert stored["config"]["dataset"]["targets"] == ["load"]
    refused = type_in(tmp_path, "train.py", *OWN_DATA, *QUICK, "tracking=off", prelude=absent)
    assert refused.returncode == 2 and "tensorflow is not installed" in refused.stderr


def write_series(path: Path, *, rows: int = 600) -> None:
    """An hourly series with a daily cycle and a second column, as a user's file might be."""
    hour = np.arange(rows)
    noise = np.random.default_rng(0).normal(size=rows)
    load = 50 + 10 * np.sin(2 * np.pi * hour / 24) + noise
    time = np.datetime_as_string(np.datetime64("2024-01-01T00", "s") + hour * np.timedelta64(3600, "s"))
    pd.DataFrame({"time": time, "load": load, "wind": noise}).to_csv(path, index=False)
