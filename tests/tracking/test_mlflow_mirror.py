"""The mirror, against a real SQLite store."""

import io
import logging
import math
from pathlib import Path

import pytest
from PIL import Image

from headway import tracking
from headway.errors import TrackingError
from headway.tracking import view


def picture() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (13, 17)).save(file, format="PNG")
    return file.getvalue()


def test_metrics_parameters_and_tags_arrive(settings, client, caplog) -> None:
    with tracking.start(settings(), name="a", comparable="x", tags={"mine": "1"}) as run:
        run.log_metrics({"validation/mae": 3.0}, step=1)
        run.log_metrics({"validation/mae": 2.0}, step=2)
        run.log_params({"heads": 2})
        run.set_score(2.0)
    stored = client.get_run(run.record.mlflow_run_id)
    assert [(point.step, point.value) for point in client.get_metric_history(stored.info.run_id, "validation/mae")] == [
        (1, 3.0),
        (2, 2.0),
    ]
    assert stored.data.params == {"heads": "2"}
    assert (
        stored.data.tags.items()
        >= {"mine": "1", "headway.id": run.id, "headway.comparable": "x", "headway.score": "2.0"}.items()
    )
    assert (stored.info.run_name, stored.info.status) == ("a", "FINISHED")
    assert not caplog.records


@pytest.mark.parametrize(("error", "expected"), [(ValueError("bad"), "FAILED"), (KeyboardInterrupt(), "KILLED")])
def test_how_a_block_ends_decides_the_status_in_mlflow(settings, client, error: BaseException, expected: str) -> None:
    with pytest.raises(type(error)), tracking.start(settings(), name="a", comparable="x") as run:
        raise error
    assert client.get_run(run.record.mlflow_run_id).info.status == expected


def test_values_that_are_not_finite_stay_in_the_journal(settings, client, caplog) -> None:
    with tracking.start(settings(), name="a", comparable="x") as run:
        run.log_metrics({"train/loss": math.inf, "train/mae": 0.5, "validation/mae": math.nan})
    assert client.get_run(run.record.mlflow_run_id).data.metrics == {"train/mae": 0.5}
    assert len(tracking.read_journal(run.folder)[0]["metrics"]) == 3
    assert not caplog.records


@pytest.mark.parametrize(
    ("name", "legal"),
    [
        ("test/load (MW)/mae", "test/load _MW_/mae"),
        ("a//../b", "b"),
        ("/x", "x"),
        ("größe", "größe"),
        ("x" * 300, "x" * 250),
    ],
)
def test_a_name_that_mlflow_refuses_is_mirrored_under_the_nearest_legal_one(
    settings, client, caplog, name: str, legal: str
) -> None:
    with tracking.start(settings(), name="a", comparable="x") as run:
        run.log_metrics({name: 1.0})
        run.log_params({name: 1})
    stored = client.get_run(run.record.mlflow_run_id).data
    assert (set(stored.metrics), set(stored.params)) == ({legal}, {legal})
    assert not caplog.records


def test_a_long_parameter_is_cut_where_everybody_sees_it_and_a_repeated_one_is_passed_over(
    settings, client, caplog
) -> None:
    with tracking.start(settings(), name="a", comparable="x") as run:
        run.log_params({"columns": "c" * 7000})
        run.log_params({"columns": "other"})
    value = client.get_run(run.record.mlflow_run_id).data.params["columns"]
    assert len(value) == 6000
    assert value.endswith("… (cut)")
    assert not caplog.records


def test_files_pictures_data_and_description_arrive(settings, client, caplog) -> None:
    with tracking.start(settings(), name="a", comparable="x") as run:
        (run.folder / "forecaster").mkdir()
        (run.folder / "forecaster/weights.bin").write_bytes(b"w")
        run.log_file("forecaster")
        (run.folder / "config.yaml").write_text("a: 1")
        run.log_file("config.yaml")
        run.log_image(picture(), key="attention/all_heads", step=3)
        run.log_dataset("weather", "a" * 64, "data/weather.csv", schema={"temp": "double"}, profile={"rows": 5})
        run.describe("![](get-artifact?path=a.png&run_uuid={run_id})")
    stored = client.get_run(run.record.mlflow_run_id)
    assert {file.path for file in client.list_artifacts(stored.info.run_id)} == {"config.yaml", "forecaster", "images"}
    assert [file.path for file in client.list_artifacts(stored.info.run_id, "forecaster")] == ["forecaster/weights.bin"]
    assert stored.inputs.dataset_inputs[0].dataset.name == "weather"
    assert stored.data.tags["mlflow.note.content"].endswith(f"run_uuid={stored.info.run_id})")
    assert not caplog.records


def test_artifacts_lie_beside_the_database_wherever_the_command_was_typed(
    settings, client, tmp_path, monkeypatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    with tracking.start(settings(uri=f"sqlite:///{tmp_path}/mlflow.db"), name="a", comparable="x") as run:
        pass
    assert client.get_run(run.record.mlflow_run_id).info.artifact_uri.startswith(f"file://{tmp_path}/mlartifacts/")


def test_a_dead_server_costs_one_warning_and_no_metric(bare, dead: str, caplog) -> None:
    with tracking.start(bare(uri=dead), name="a", comparable="x") as run:
        for epoch in range(1, 6):
            run.log_metrics({"validation/mae": 1.0 / epoch}, step=epoch)
        run.publish_view(["temp"])
    (warning,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert str(run.folder / "metrics.jsonl") in warning.getMessage()
    assert [line["step"] for line in tracking.read_journal(run.folder)] == [1, 2, 3, 4, 5]
    assert run.record.status == "finished"


def test_a_dead_server_that_is_required_is_an_error_and_the_run_failed(bare, dead: str) -> None:
    with (
        pytest.raises(TrackingError, match=r"tracking\.required=false"),
        tracking.start(bare(uri=dead, required=True), name="a", comparable="x"),
    ):
        pass
    (record,) = Path("runs").glob("*/run.json")
    assert '"failed"' in record.read_text()


def test_a_store_that_breaks_in_the_middle_leaves_the_journal_whole(settings, tmp_path: Path, caplog) -> None:
    with tracking.start(settings(), name="a", comparable="x") as run:
        run.log_metrics({"validation/mae": 2.0}, step=1)
        (tmp_path / "mlflow.db").write_bytes(b"no database any more" * 1000)
        run.log_metrics({"validation/mae": 1.0}, step=2)
        run.log_metrics({"validation/mae": 0.5}, step=3)
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 1
    assert [line["step"] for line in tracking.read_journal(run.folder)] == [1, 2, 3]


def test_a_second_run_in_the_same_process_inherits_nothing(settings, client) -> None:
    with (
        tracking.start(settings(), name="outer", comparable="x") as outer,
        tracking.start(settings(), name="inner", comparable="x") as inner,
    ):
        inner.log_params({"heads": 3})
        outer.log_params({"heads": 5})
    assert client.get_run(inner.record.mlflow_run_id).data.params == {"heads": "3"}
    assert client.get_run(outer.record.mlflow_run_id).data.params == {"heads": "5"}


def test_runs_drawn_together_have_colours_of_their_own(settings, client) -> None:
    colors = set()
    for _ in range(7):
        with tracking.start(settings(), name="a", comparable="x") as run:
            colors.add(client.get_run(run.record.mlflow_run_id).data.tags["mlflow.runColor"])
    assert len(colors) == 7


def test_the_view_shows_what_was_logged_and_starts_at_the_last_picture(settings, client, caplog) -> None:
    with tracking.start(settings(), name="a", comparable="x") as run:
        run.log_metrics({"validation/mae": 2.0, "test/temp/mae": 2.0, "test/temp/mae_h1": 1.0, "test/temp/mae_h2": 3.0})
        run.log_metrics({"test/temp/skill_persistence": 0.3})
        for step in (0, 5, 11):
            run.log_image(picture(), key="attention/all_heads", step=step)
        run.publish_view(["temp"])
    tags = client.get_experiment("1").tags
    (name,) = [tag for tag in tags if tag.startswith("mlflow.sharedViewState.")]
    state = view.decode(tags[name])
    assert "metrics.`test/temp/skill_persistence`" in state["selectedColumns"]
    assert (state["orderByKey"], state["orderByAsc"]) == ("metrics.`validation/best_error`", True)
    assert [chart["step"] for chart in state["compareRunCharts"] if chart["type"] == "IMAGE"] == [11]
    assert ["test/temp/mae_h1", "test/temp/mae_h2"] in [
        chart.get("selectedMetricKeys") for chart in state["compareRunCharts"]
    ]
    assert f"viewStateShareKey={name.removeprefix('mlflow.sharedViewState.')}&" in str(run.view_link)
    assert str(run.view_link).endswith("&workflowType=machine_learning")
    assert not caplog.records


def test_the_slider_starts_where_every_recent_run_has_a_picture(settings, client) -> None:
    for steps in ((0, 3, 7), (0, 3)):
        with tracking.start(settings(), name="a", comparable="x") as run:
            for step in steps:
                run.log_image(picture(), key="attention/all_heads", step=step)
            run.publish_view(["temp"])
    (value,) = [value for tag, value in client.get_experiment("1").tags.items() if tag.startswith(view.PREFIX)]
    assert [chart["step"] for chart in view.decode(value)["compareRunCharts"] if chart["type"] == "IMAGE"] == [3]


def test_system_metrics_are_sampled_and_stop_with_the_run() -> None:
    import threading

    from headway.tracking.system_metrics import SystemMetrics

    samples: list[dict[str, float]] = []
    second = threading.Event()

    def sink(metrics: dict[str, float], *, step: int, time: float) -> None:
        samples.append(metrics)
        if step == 1:
            second.set()

    sampler = SystemMetrics(sink, interval=0.01)
    sampler.start()
    assert second.wait(30)
    sampler.stop()
    assert all(name.startswith("system/") for name in samples[0])
    assert samples[0]["system/process_memory_megabytes"] > 1
