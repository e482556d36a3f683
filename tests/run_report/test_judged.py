"""The sections on skill, intervals and forecasts hold the numbers of the scores."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from headway.evaluation.scaled import Published
from headway.judgement import judge_forecaster
from headway.report.page import Pictures
from headway.run_report import judged
from headway.run_report.excerpt import MOST_ROWS

SCORES = "Scores on the test split"


@pytest.fixture(scope="module")
def sections(plain: Any) -> dict[str, Any]:
    return {section.id: section for section in judged.sections(plain.judgement)}


@pytest.fixture(scope="module")
def two(subject: Callable[..., Any], frame: Callable[..., pd.DataFrame]) -> Any:
    """Two targets, one of them in megawatts; two series."""
    words = ("dataset.targets=[y,z]", "+dataset.units.z=MW", "evaluation.slices=[]")
    return subject(frame(names=("a", "b"), columns=("y", "x", "z")), *words)


def test_the_table_of_scores_holds_the_csv(plain: Any, sections: dict[str, Any], opened: Any, tmp_path: Any) -> None:
    plain.judgement.write(tmp_path)
    table: Any = pd.read_csv(tmp_path / "scores.csv")
    whole = table[table.horizon == "all"].set_index("forecaster")
    found = opened(sections["skill"])
    assert found.column(SCORES, "y") == ["transformer", "persistence", "drift"]
    for metric in ("mae", "rmse", "bias"):
        expected = [f"{whole.loc[name, metric]:.3f}" for name in ("transformer", "persistence", "drift")]
        assert found.column(SCORES, metric) == expected
    assert sections["skill"].lead.startswith(f"MAE of y {whole.loc['transformer', 'mae']:.3f}, better than ")
    by_step = table[table.horizon != "all"].set_index(["forecaster", "horizon"])
    for step in ("1", "2"):
        assert found.cell("Error by steps of 1h", "drift", f"+{step}") == f"{by_step.loc[('drift', step), 'mae']:.3f}"
    assert [found.tables[SCORES].rows[place][0] for place in found.tables[SCORES].emphasised] == ["transformer"]


def test_what_is_beaten_is_one_finding_and_what_is_not_has_its_words(plain: Any, opened: Any) -> None:
    judgement = plain.judgement
    first, second = judgement.comparison.verdicts
    third = replace(first, rival="window_mean")
    better = [replace(one, skill=0.5, low=0.4, high=0.6, p_value=0.001) for one in (first, second, third)]
    worse, open_ = replace(first, skill=-0.5, low=-0.6, high=-0.4), replace(second, p_value=0.5)
    for verdicts, tones in (
        (better, [("positive", "transformer beats persistence, drift and window mean")]),
        ([worse, better[1]], [("positive", "transformer beats drift"), ("negative", f"transformer {worse.words}")]),
        ([open_], [("neutral", f"transformer {open_.words}")]),
    ):
        changed = replace(judgement, comparison=replace(judgement.comparison, verdicts=tuple(verdicts)))
        skill = judged.sections(changed)[0]
        assert [(one.tone, one.text) for one in opened(skill).verdicts] == tones
        beaten = sum(tone == "positive" for tone, _ in tones) and (3 if verdicts is better else 1)
        assert skill.lead.endswith(f"better than {beaten} of {len(verdicts)} rivals by more than chance.")


def test_every_slice_has_its_row_and_the_worst_of_many_series_are_shown(
    subject: Callable[..., Any], frame: Callable[..., pd.DataFrame], opened: Any
) -> None:
    names = ("transformer", *(f"s{number:02d}" for number in range(36)))
    many = subject(frame(names=names, columns=("y",), rows=61), "evaluation.slices=[hour]")
    found = opened(judged.sections(many.judgement)[0])
    errors = many.judgement.scores.by_slice("y", "series").query("forecaster == 'transformer'").set_index("slice").mae
    kept = errors.nlargest(MOST_ROWS).index
    assert found.column("By series", "y by series") == [name for name in errors.index if name in set(kept)]
    assert f"Shown are {MOST_ROWS} of 37 rows" in found.tables["By series"].note
    assert not list(found.tables["By series"].emphasised)  # a series may be called what the model is
    hours = many.judgement.scores.by_slice("y", "hour").query("forecaster == 'transformer'")
    assert found.column("By hour", "y by hour") == hours["slice"].tolist()
    assert found.column("By hour", "mae") == [f"{mae:.3f}" for mae in hours.mae]


def test_two_targets_have_their_own_scores_and_the_first_has_the_slices(two: Any, opened: Any) -> None:
    skill, intervals, _ = judged.sections(two.judgement)
    found, scores = opened(skill), two.judgement.scores
    for target, head in (("y", "y"), ("z", "z [MW]")):
        error = f"{scores.value(target, 'transformer', 'mae'):.3f}"
        assert found.cell(f"{SCORES}: {target}", "transformer", "mae") == error
        assert found.tables[f"{SCORES}: {target}"].header[0] == head
        assert f"MAE of {target} {error}{' MW' if target == 'z' else ''}, better than " in skill.lead
        assert f"{scores.value(target, 'transformer', 'coverage'):.1f} % of the actuals of {target}" in intervals.lead
    assert skill.lead.count(" of 2 rivals by more than chance.") == 2
    assert [caption for caption in found.tables if caption.startswith("By ")] == ["By series: y"]
    assert found.texts == ["Pictures and slices are those of y, the first target; slices.csv has those of all."]


@pytest.mark.slow
def test_of_many_targets_the_first_four_have_tables_and_the_rest_is_counted(
    subject: Callable[..., Any], frame: Callable[..., pd.DataFrame], opened: Any
) -> None:
    words = ("dataset.targets=[a,b,c,d,e,f]", "evaluation.slices=[]", "evaluation.rivals=[drift]")
    many = subject(frame(names=("n",), columns=tuple("abcdef"), rows=61), *words)
    skill = judged.sections(many.judgement)[0]
    assert [caption[-1] for caption in opened(skill).tables if caption.startswith(SCORES)] == ["a", "b", "c", "d"]
    assert skill.lead.endswith("The scores of 2 more targets are in scores.csv.")


def test_a_point_forecast_without_rivals_has_no_intervals_and_no_skill(
    subject: Callable[..., Any], frame: Callable[..., pd.DataFrame], opened: Any
) -> None:
    words = ("model.head=point", "training.loss=mae", "evaluation.rivals=[]")
    lone = subject(frame(names=("n",)), *words)
    skill, forecasts = judged.sections(lone.judgement)
    assert (skill.id, forecasts.id) == ("skill", "forecasts")
    found = opened(skill)
    assert found.column(SCORES, "y") == ["transformer"]
    assert not found.verdicts and not found.tables[SCORES].note
    error = lone.judgement.scores.value("y", "transformer", "mae")
    assert skill.lead == f"MAE of y {error:.3f}."
    assert "rival's error" not in found.pictures[0].caption
    assert "coverage" not in found.facts and "mae" in found.facts


def test_the_share_that_intervals_hold_is_the_share_that_was_counted(plain: Any, sections: dict[str, Any]) -> None:
    forecasts = plain.judgement.forecasts
    inside = (forecasts.quantiles[:, :, 0, 0] <= forecasts.actual[:, :, 0]) & (
        forecasts.actual[:, :, 0] <= forecasts.quantiles[:, :, 0, -1]
    )
    lead = sections["intervals"].lead
    shown = re.search(r"holds ([0-9.]+) % of the actuals of y\.$", lead)
    assert shown and float(shown[1]) == pytest.approx(100 * inside.mean(), abs=0.3)  # a tie may fall either way
    assert lead.startswith("The nominal 80 % interval")


def test_every_note_on_coverage_is_a_sentence_of_its_own(two: Any, opened: Any) -> None:
    scores = replace(two.judgement.scores, nominal=2.0)  # which nothing keeps
    changed = replace(two.judgement, scores=scores)
    texts = opened(judged.sections(changed)[1]).texts
    assert [text[:20] for text in texts] == ["Intervals of y hold ", "Intervals of z hold "]
    assert all(text.endswith(").") and "\n" not in text for text in texts)


def test_windows_are_shown_best_typical_and_the_worst_first(plain: Any, sections: dict[str, Any]) -> None:
    (shown,) = [block.pictures for block in sections["forecasts"].blocks if isinstance(block, Pictures)]
    forecasts = plain.judgement.forecasts
    errors = np.sort(np.abs(forecasts.quantiles[:, :, 0, 2] - forecasts.actual[:, :, 0]).mean(axis=1))
    found = [float(str(re.search(r"mean absolute error ([0-9.]+)", one.alt)[1])) for one in shown]  # type: ignore[index]
    assert found[0] == pytest.approx(errors[0], abs=0.006)
    assert found[1] == pytest.approx(errors[len(errors) // 2], abs=0.006)
    assert found[2] == pytest.approx(errors[-1], abs=0.006)
    assert found[2:] == sorted(found[2:], reverse=True)
    ranks = [one.caption.split(" window: ")[0] for one in shown]
    assert ranks == ["The best", "The typical", "The worst", "The second worst", "The third worst", "The fourth worst"]


@pytest.mark.slow
def test_fewer_windows_than_places_show_what_there_is(
    subject: Callable[..., Any], frame: Callable[..., pd.DataFrame]
) -> None:
    short = subject(frame(names=("n",), columns=("y",), rows=41), "splits.train=0.8", "splits.test=0.07")
    assert len(short.task.windows["test"]) < 4
    section = judged.sections(short.judgement)[-1]
    (shown,) = [block.pictures for block in section.blocks if isinstance(block, Pictures)]
    assert [one.caption.split(" window")[0] for one in shown] == ["The best", "The typical", "The worst"]
    assert "no second worst" in section.lead


def test_scaled_errors_come_first_and_hold_the_numbers_of_their_csv(two: Any, opened: Any, tmp_path: Any) -> None:
    published = [Published("paper", 0.1234, 0.2345, "a source")]
    judgement = judge_forecaster(
        two.forecaster, two.task, two.config.evaluation, seed=0, cache=None, scaled=True, published=published
    )
    judgement.write(tmp_path)
    first, second, *_ = judged.sections(judgement)
    assert (first.id, second.id) == ("scaled", "skill")
    table: Any = pd.read_csv(tmp_path / "scaled.csv").set_index("forecaster")
    found, caption = opened(first), "Scaled errors on the test split"
    assert found.column(caption, "scaled values") == ["transformer", "persistence", "drift", "paper"]
    for error, last in (("mse", "0.123"), ("mae", "0.234")):
        expected = [f"{table.loc[name, error]:.4f}" for name in ("transformer", "persistence", "drift")]
        assert found.column(caption, error) == [*expected, last]
    assert found.column(caption, "source")[-1] == "published: a source"
    assert first.lead.startswith(judgement.headline) and "mean over 2 columns" in first.lead
