"""Which of two forecasters is better: scored on the windows both have, and on no other."""

import csv
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from headway.comparing.side import Side, in_common
from headway.comparing.skill import SkillComparison, compare_skill
from headway.data import batches
from headway.errors import StoredRunError
from headway.forecasting import with_calibration

NAMES = ("one_run", "other_run")


def compared(first: Side, second: Side) -> SkillComparison:
    return compare_skill(first, second, names=NAMES)


def by_key(side: Side) -> dict[tuple[int, str], tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Series and origin -> quantiles [H, Q] as the forecaster gives them, and what happened [H]."""
    index = side.task.windows["test"]
    raw = batches.gather_raw(side.task.dataset, index, np.arange(len(index)))
    forecaster = with_calibration(side.forecaster, side.task, side.config.evaluation)
    quantiles = forecaster.forecast(raw.values, origins=raw.origins, series=raw.series)
    keys = zip(raw.series.tolist(), raw.origins.astype(str).tolist(), strict=True)
    found = zip(quantiles[:, :, 0], raw.target[:, :, 0], strict=True)
    return dict(zip(keys, found, strict=True))


def test_both_are_scored_on_the_windows_that_both_have(side: Callable[..., Side]) -> None:
    first, second = side(), side("windows.context_length=7", weights=3)
    skill = compared(first, second)
    own, other = by_key(first), by_key(second)
    both = [key for key in own if key in other]
    assert skill.windows == (len(own), len(other), len(both))
    assert len(both) < len(own)
    assert (
        skill.counted == f"the {len(both):,} test windows that both have, of {len(own):,} of A and {len(other):,} of B"
    )
    actual = np.array([own[key][1] for key in both])
    expected = {}
    for position, found in enumerate((own, other)):
        quantiles = np.array([found[key][0] for key in both])
        errors = np.abs(quantiles[..., 2] - actual)
        inside = (quantiles[..., 0] <= actual) & (actual <= quantiles[..., -1])
        expected[position] = errors
        assert skill.values("y", "mae", "all")[position] == pytest.approx(np.nanmean(errors), rel=1e-5)
        assert skill.values("y", "mae", "2")[position] == pytest.approx(np.nanmean(errors[:, 1]), rel=1e-5)
        assert skill.values("y", "coverage", "1")[position] == pytest.approx(100 * inside[:, 0].mean(), abs=1e-9)
    (verdict,) = skill.comparison.verdicts
    assert verdict.skill == pytest.approx(1 - np.nanmean(expected[0]) / np.nanmean(expected[1]), rel=1e-5)


def test_the_other_way_round_is_the_same_test(side: Callable[..., Side]) -> None:
    first, second = side(), side(weights=3)
    (forth,) = compared(first, second).comparison.verdicts
    (back,) = compared(second, first).comparison.verdicts
    assert forth.p_value == pytest.approx(back.p_value)
    assert (1 - forth.skill) * (1 - back.skill) == pytest.approx(1)
    assert forth.skill != pytest.approx(0, abs=1e-3)


def test_the_same_weights_do_exactly_as_well_on_all_windows(side: Callable[..., Side]) -> None:
    skill = compared(side(), side("seed=5"))
    assert skill.verdicts == ["one_run does exactly as well as other_run"]
    assert skill.counted == f"all {skill.windows[0]:,} test windows"
    fewer = replace(skill, windows=(1009, 1009, 7), judged=7)
    assert fewer.counted == "the 7 test windows that both have, of 1,009 of A and 1,009 of B"


def test_runs_of_other_samples_are_scored_on_one_sample_of_the_windows_both_could_have(
    side: Callable[..., Side],
) -> None:
    first, second = side("windows.most=13"), side("windows.most=29", "windows.context_length=7", weights=3)
    skill = compared(first, second)
    common = in_common(first.task.windows["test"], second.task.windows["test"])
    expected = []
    for one, index in zip((first, second), common, strict=True):
        raw = batches.gather_raw(one.task.dataset, index, np.arange(13))
        forecaster = with_calibration(one.forecaster, one.task, one.config.evaluation)
        quantiles = forecaster.forecast(raw.values, origins=raw.origins, series=raw.series)
        expected.append(np.nanmean(np.abs(quantiles[:, :, 0, 2] - raw.target[:, :, 0])))
    assert skill.values("y", "mae", "all") == pytest.approx(expected, rel=1e-5)
    totals = (first.task.windows["test"].total, second.task.windows["test"].total, common[0].total)
    assert (skill.windows, skill.judged) == (totals, 13)
    assert skill.counted == (
        f"a sample of 13 of the {totals[2]} test windows that both have, of {totals[0]} of A and {totals[1]} of B"
    )
    assert replace(skill, windows=(1009, 1009, 1009)).counted == "a sample of 13 of the 1,009 test windows"


def test_the_table_has_both_values_and_their_difference_with_the_same_decimals(side: Callable[..., Side]) -> None:
    skill = compared(side(), side(weights=3))
    head, _, *rows = skill.table().splitlines()
    assert head.split() == ["y", "[MW]", "A", "B", "B", "-", "A"]
    cells = [re.split(r"\s{2,}", row) for row in rows]
    found = {name: values for name, *values in cells}
    one, other = skill.values("y", "mae", "2")
    told = [float(value) for value in found["mae +2"]]
    assert told == pytest.approx([one, other, other - one], abs=0.006)
    assert len({len(value.partition(".")[2]) for value in found["mae +2"]}) == 1
    assert "coverage (nominal 80 %)" in skill.table()
    assert list(found)[-2:] == ["coverage +1", "coverage +2"]


def test_the_file_has_every_metric_and_the_skill_beside_mae(side: Callable[..., Side], tmp_path: Path) -> None:
    skill = compared(side(), side(weights=3))
    skill.write(tmp_path / "comparison.csv")
    with (tmp_path / "comparison.csv").open(newline="") as file:
        rows = {(row["metric"], row["horizon"]): row for row in csv.DictReader(file)}
    assert {horizon for _, horizon in rows} == {"all", "1", "2"}
    assert {"mae", "winkler", "rmsse"} <= {metric for metric, _ in rows}
    one, other = skill.values("y", "winkler", "1")
    row = rows["winkler", "1"]
    assert [float(row[key]) for key in ("A: one_run", "B: other_run", "B - A")] == pytest.approx(
        [one, other, other - one], rel=1e-4, abs=1e-4
    )
    (verdict,) = skill.comparison.verdicts
    found = [float(rows["mae", "all"][key]) for key in ("skill of A", "skill low", "skill high", "p")]
    assert found == pytest.approx([verdict.skill, verdict.low, verdict.high, verdict.p_value], rel=1e-4)
    by_step = [float(rows["mae", "2"][key]) for key in ("A: one_run", "B: other_run", "skill of A")]
    assert by_step[2] == pytest.approx(1 - by_step[0] / by_step[1], rel=1e-3, abs=1e-5)
    assert rows["mae", "2"]["p"] is None and rows["rmse", "all"]["skill of A"] is None


def test_scores_of_other_quantiles_are_not_set_side_by_side(side: Callable[..., Side]) -> None:
    skill = compared(side(), side("model.head=point", "training.loss=mae", weights=3))
    assert not skill.same_levels
    table = skill.table()
    assert "crps" not in table and "rmse" in table
    coverage = next(line for line in table.splitlines() if line.startswith("coverage (nominal 80 %)"))
    assert coverage.split()[-1] == f"{skill.values('y', 'coverage', 'all')[0]:.2f}"


def test_a_season_of_its_own_does_not_change_what_errors_are_scaled_by(side: Callable[..., Side]) -> None:
    one, other = compared(side(), side("dataset.season=7")).values("y", "mase", "all")
    assert one == other


def test_runs_whose_origins_never_meet_are_refused(side: Callable[..., Side]) -> None:
    first, index = side(), side().task.windows["test"]
    ends = (
        replace(index, first=index.first[[run]], count=index.count[[run]], series=index.series[[run]])
        for run in (0, -1)
    )
    apart = [replace(first, task=replace(first.task, windows={"test": end})) for end in ends]
    with pytest.raises(
        StoredRunError, match=r"have no test window in common \(of \d+ and \d+\): with windows\.stride=1"
    ):
        compared(*apart)
