"""Model and rivals side by side."""

import numpy as np
import pytest

from headway.evaluation.metrics import METRICS, Judged
from headway.evaluation.tables import definitions, horizon_table, judge, overall_table

ACTUAL = np.array([[[0.0, 0.0], [0.0, np.nan], [0.0, 0.0]]] * 7)  # [W, H, targets]
SCALE = np.full((7, 2), 2.0)


def judged(*errors: float, levels: tuple[float, ...] = (0.5,), second: float = 1.0) -> Judged:
    """Constant errors of the first target by step; the second target's error is `second`."""
    forecast = np.stack([np.tile(errors, (7, 1)), np.full((7, 3), second)], axis=-1)[..., None]
    spread = np.array(levels) - 0.5
    return Judged(ACTUAL, forecast + spread, levels, SCALE)


SCORES = judge(
    {
        "model": judged(1, 2, 3, levels=(0.1, 0.5, 0.9), second=150.123),
        "naive": judged(2, 2, 12),
        "perfect": judged(0, 0, 0, second=0.0),
    },
    model="model",
    targets=("temp", "load"),
)


def test_the_table_has_a_row_per_target_forecaster_and_step() -> None:
    assert len(SCORES.table) == 2 * 3 * (1 + 3)
    assert SCORES.table.horizon.unique().tolist() == ["all", "1", "2", "3"]
    assert set(METRICS) <= set(SCORES.table.columns)
    assert (SCORES.rivals, SCORES.num_windows, SCORES.num_values) == (["naive", "perfect"], 7, 35)


@pytest.mark.parametrize(("step", "skill"), [("all", 1 - 2 / (16 / 3)), (1, 0.5), (2, 0.0), (3, 0.75)])
def test_skill_is_one_minus_the_error_over_the_rivals(step: str | int, skill: float) -> None:
    assert SCORES.value("temp", "model", "skill_naive", step) == pytest.approx(skill)


def test_no_skill_is_measured_against_a_rival_without_error() -> None:
    assert np.isnan(SCORES.value("temp", "model", "skill_perfect"))


def test_values_by_step_are_those_of_each_forecaster() -> None:
    found = SCORES.by_horizon("temp", "mae")
    assert {name: values.tolist() for name, values in found.items()} == {
        "model": [1, 2, 3],
        "naive": [2, 2, 12],
        "perfect": [0, 0, 0],
    }


def test_metrics_are_the_models_by_path_and_the_rivals_error_and_none_is_missing() -> None:
    found = SCORES.metrics()
    assert found["temp/mae"] == 2
    assert found["temp/mae_h3"] == 3
    assert found["temp/skill_naive"] == pytest.approx(0.625)
    assert found["temp/mae_naive"] == pytest.approx(16 / 3)
    assert found["load/mae"] == pytest.approx(150.123)
    assert np.isfinite(list(found.values())).all()
    assert not {"load/mae_h2", "temp/skill_perfect", "temp/skill_naive_h1"} & set(found)


def test_a_target_that_was_never_observed_has_no_metric_at_all() -> None:
    unseen = Judged(np.full((7, 3, 1), np.nan), np.zeros((7, 3, 1, 1)), (0.5,), np.ones((7, 1)))
    assert judge({"model": unseen, "naive": unseen}, model="model", targets=("temp",)).metrics() == {}


def test_the_text_holds_the_numbers_of_model_and_rivals() -> None:
    text = overall_table(SCORES, {"temp": "°F"})
    lines = {line.split()[0]: line.split() for line in text.split("\n\n")[0].splitlines()}
    assert "temp [°F]" in text
    assert "coverage (nominal 80 %)" in text
    assert lines["model"][1:4] == ["2.000", "2.160", "1.000"]  # mae, rmse = sqrt(14/3), mase = mae / 2
    assert lines["naive"][1] == "5.333"
    assert lines["naive"][-1] == "+62.5%"
    assert "150.12" in text.split("\n\n")[1]


def test_the_text_by_step_shows_the_model_beside_its_rivals() -> None:
    title, _, head, _, *rows = horizon_table(SCORES, {"temp": "°F"}, step="1h").splitlines()[:7]
    assert title == "temp [°F] by steps of 1h: model, then MAE of its rivals"
    columns = ["step", *head.split()]
    assert columns[-2:] == ["naive", "perfect"]
    cells = [dict(zip(columns, row.split(), strict=False)) for row in rows]
    assert [row["step"] for row in cells] == ["+1", "+2", "+3"]
    assert [row["mae"] for row in cells] == ["1.000", "2.000", "3.000"]
    assert [row["naive"] for row in cells] == ["2.000", "2.000", "12.000"]


def test_markdown_has_the_same_rows() -> None:
    rows = overall_table(SCORES, {}, style="github").split("\n\n")[0].splitlines()
    assert [row.split("|")[1].strip() for row in rows if "---" not in row] == ["temp", "model", "naive", "perfect"]
    assert "| 2.160 |" in " ".join(rows[2].split())


def test_every_metric_is_defined_in_one_line() -> None:
    lines = definitions().splitlines()
    assert [line.split(":")[0] for line in lines] == list(METRICS)
    assert all(len(line.split(": ", 1)[1]) > 10 for line in lines)


def test_a_point_forecast_has_no_nominal_coverage() -> None:
    scores = judge({"model": judged(1, 2, 3)}, model="model", targets=("temp", "load"))
    assert scores.nominal is None
    assert "nominal" not in overall_table(scores, {})
