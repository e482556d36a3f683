"""Scores as text."""

from dataclasses import replace

import numpy as np
import pytest

from headway.evaluation.forecasts import Forecasts, Slicing
from headway.evaluation.metrics import METRICS
from headway.evaluation.scores import score
from headway.evaluation.tables import definitions, horizon_table, overall_table, pit_table, slice_table
from headway.evaluation.verdicts import Verdict

ACTUAL = np.array([[[0.0, 0.0], [0.0, np.nan], [0.0, 0.0]]] * 7)  # [W, H, targets]


def errors(*steps: float, second: float) -> np.ndarray:
    """Constant errors of the first target by step; the second target's error is `second`."""
    return np.stack([np.tile(steps, (7, 1)), np.full((7, len(steps)), second)], axis=-1).astype(np.float32)


FORECASTS = Forecasts(
    model="model",
    targets=("temp", "load"),
    levels=(0.1, 0.5, 0.9),
    ticks=np.arange(7),
    series=np.zeros(7, np.int64),
    actual=ACTUAL,
    quantiles=errors(1, 2, 3, second=150.123)[..., None] + np.array([-1.5, 0, 1], np.float32),
    rivals={"naive": errors(2, 2, 12, second=1.0), "perfect": errors(0, 0, 0, second=-0.0)},
    seasonal_scale=np.full((1, 2), 2.0),
    seasonal_square=np.full((1, 2), 4.0),
    slicings={
        "step|": Slicing(("first", "later", "never"), np.tile(np.array([0, 1, 1], np.int32), (7, 1))),
        "nothing": Slicing(("a", "b"), np.full((7, 1), -1, np.int32)),
    },
)
SCORES = score(FORECASTS)
POINT = score(replace(FORECASTS, levels=(0.5,), quantiles=FORECASTS.quantiles[..., 1:2]))
VERDICTS = (
    Verdict("temp", "naive", 0.625, 0.5, -0.0001, 0.0004),
    Verdict("temp", "perfect", np.nan, np.nan, np.nan, np.nan),
    Verdict("load", "naive", -149.123, np.nan, np.nan, 0.0512),
)


def cells(text: str) -> list[list[str]]:
    """Cells of a Markdown table, head first."""
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in text.splitlines()]
    return [row for row in rows if row and not set(row[0]) <= set(":-")]


def by_name(text: str) -> dict[str, dict[str, str]]:
    head, *rows = cells(text)
    return {row[0]: dict(zip(head[1:], row[1:], strict=True)) for row in rows}


def test_the_table_holds_the_headline_metrics_and_what_the_verdicts_say() -> None:
    first, second = overall_table(SCORES, VERDICTS, {"temp": "°F"}, style="github").split("\n\n")
    assert cells(first)[0] == [
        "temp [°F]",
        *("mae", "rmse", "mase", "bias", "crps", "coverage (nominal 80 %)", "width"),
        *("skill of model", "95 % interval", "p"),
    ]
    rows = by_name(first)
    assert list(rows) == ["model", "naive", "perfect"]
    # errors 1, 2, 3: rmse is the root of 14 / 3; of the intervals -0.5 to 2, 0.5 to 3 and 1.5 to 4 one holds 0
    assert list(rows["model"].values())[:4] == ["2.000", "2.160", "1.000", "2.000"]
    assert list(rows["model"].values())[5:] == ["33.333", "2.500", "", "", ""]
    assert list(rows["naive"].values())[-3:] == ["+62.5%", "+50.0% to +0.0%", "<0.001"]
    assert list(rows["naive"].values())[5:7] == ["", ""]
    assert list(rows["perfect"].values())[-3:] == ["", "", ""]
    assert cells(second)[0][0] == "load"
    assert by_name(second)["model"]["mae"] == "150.12"
    assert list(by_name(second)["naive"].values())[-3:] == ["-14912.3%", "", "0.051"]


def test_a_terminal_gets_the_same_cells_as_markdown() -> None:
    plain = overall_table(SCORES, VERDICTS, {"temp": "°F"})
    wide = overall_table(SCORES, VERDICTS, {"temp": "°F"}, style="github")
    assert [word for word in plain.split() if set(word) != {"-"}] == [
        word for word in wide.replace("|", " ").split() if not set(word) <= set(":-")
    ]


def test_no_number_is_minus_zero_or_hidden_by_rounding() -> None:
    small = replace(
        FORECASTS,
        quantiles=np.full((7, 3, 2, 3), [-4e-5, -4e-5, 0], np.float32),
        rivals={"naive": errors(1, 1, 1, second=-0.0), "drift": errors(0, 12345.6, 0, second=-3e-5)},
    )
    first, second = (by_name(part) for part in overall_table(score(small), (), {}, style="github").split("\n\n"))
    assert (first["model"]["mae"], first["model"]["bias"]) == ("4e-05", "-4e-05")
    assert (second["naive"]["bias"], first["naive"]["mae"]) == ("0.000", "1.000")
    assert first["drift"]["mae"] == "4115.2"


def test_errors_by_step_stand_beside_the_rivals_and_the_models_interval() -> None:
    text = horizon_table(SCORES, {"temp": "°F"}, step="1h", style="github")
    intro, first, _, second = text.split("\n\n")
    assert intro == "by steps of 1h"
    assert cells(first) == [
        ["MAE of temp [°F]", "+1", "+2", "+3"],
        ["model", "1.000", "2.000", "3.000"],
        ["its coverage (nominal 80 %)", "100", "0.000", "0.000"],
        ["its width", "2.500", "2.500", "2.500"],
        ["naive", "2.000", "2.000", "12.000"],
        ["perfect", "0.000", "0.000", "0.000"],
    ]
    assert cells(second)[1] == ["model", "150.12", "", "150.12"]


@pytest.mark.parametrize(("horizon", "columns"), [(1, 1), (11, 11), (12, 12), (13, 12), (97, 12)])
def test_of_a_long_horizon_some_steps_are_shown_the_first_and_the_last_among_them(horizon: int, columns: int) -> None:
    shape = (7, horizon, 1)
    forecast = np.broadcast_to(np.arange(1, horizon + 1)[:, None], shape).astype(np.float32)
    long = score(
        replace(
            FORECASTS,
            targets=("temp",),
            levels=(0.5,),
            actual=np.zeros(shape),
            quantiles=forecast[..., None],
            rivals={},
            seasonal_scale=np.ones((1, 1)),
            seasonal_square=np.ones((1, 1)),
            slicings={},
        )
    )
    head, row = cells(horizon_table(long, {}, style="github"))
    assert len(head) == 1 + columns
    assert (head[1], head[-1]) == ("+1", f"+{horizon}")
    assert [float(value) for value in row[1:]] == [float(step) for step in head[1:]]  # the error of step n is n


def test_slices_show_the_model_beside_its_strongest_rival() -> None:
    first, second = slice_table(SCORES, "step|", {"temp": "°F"}).split("\n\n")
    rows = [row.split() for row in first.splitlines()]
    assert " ".join(rows[0]) == "temp [°F] by step| values mae bias coverage (nominal 80 %) mae of perfect skill"
    assert rows[2:] == [
        ["first", "7", "1.000", "1.000", "100", "0.000"],
        ["later", "14", "2.500", "2.500", "0.000", "0.000"],
    ]
    assert second.splitlines()[2].split()[:2] == ["first", "7"]
    assert "nan" not in first + second
    fair = score(replace(FORECASTS, rivals={"naive": FORECASTS.rivals["naive"]}))
    rows = [row.split() for row in slice_table(fair, "step|", {}).split("\n\n")[0].splitlines()]
    assert [row[-2:] for row in rows[2:]] == [["2.000", "+50.0%"], ["7.000", "+64.3%"]]


@pytest.mark.parametrize("style", ["simple", "github"])
def test_a_slicing_that_holds_nothing_is_a_head_without_rows(style: str) -> None:
    first, second = slice_table(SCORES, "nothing", {}, style=style).split("\n\n")
    assert first.split()[:3] == (["temp", "by", "nothing"] if style == "simple" else ["|", "temp", "by"])
    assert "load by nothing" in second
    assert len(first.splitlines()) == 2


def test_a_point_forecast_has_no_columns_of_an_interval() -> None:
    text = overall_table(POINT, VERDICTS, {}, style="github")
    assert cells(text)[0][1:6] == ["mae", "rmse", "mase", "bias", "crps"]
    for found in (text, horizon_table(POINT, {}), slice_table(POINT, "step|", {})):
        assert not {"coverage", "width", "nominal", "nan"} & set(found.replace("|", " ").split())


def test_without_rivals_there_is_the_model_alone() -> None:
    alone = score(replace(FORECASTS, rivals={}))
    assert list(by_name(overall_table(alone, (), {}, style="github").split("\n\n")[0])) == ["model"]
    assert "skill" not in slice_table(alone, "step|", {})


def test_every_metric_is_defined_within_a_terminals_width() -> None:
    lines = definitions().splitlines()
    named = [line.split(":")[0] for line in lines if not line.startswith(" ")]
    assert named == [*METRICS, "skill", "p"]
    assert max(map(len, lines)) <= 120
    joined = definitions().replace("\n    ", " ").splitlines()
    assert all(line.endswith(".") for line in joined), joined
    short = [line.split(":")[0] for line in definitions(headline=True).splitlines() if not line.startswith(" ")]
    assert short == [*(name for name, one in METRICS.items() if one.headline), "skill", "p"]


def test_the_table_of_cells_holds_what_lies_between_the_quantiles() -> None:
    lines = pit_table(np.array([0.15, 0.55, 0.9]), (0.1, 0.5, 0.9)).splitlines()
    assert [line.split() for line in lines[2:]] == [
        ["0", "to", "0.1", "10.0", "15.0"],
        ["0.1", "to", "0.5", "40.0", "40.0"],
        ["0.5", "to", "0.9", "40.0", "35.0"],
        ["0.9", "to", "1", "10.0", "10.0"],
    ]
