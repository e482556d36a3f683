"""The page of a run: one safe file whose numbers are those of the run."""

import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from headway.run_report.build import FILE, write_report
from headway.stored import Stored
from headway.tracking import Run

EVIL = "<script>alert('x')</script> & \"q\" $y_1$ \N{THERMOMETER}"
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def evil(subject: Callable[..., Any], frame: Callable[..., pd.DataFrame]) -> Any:
    """Series, columns, units and notes with names that are markup, mathematics, or endless."""
    made = subject(frame(names=(EVIL, "long " * 61, "b"), columns=("y", "x", "z"), rows=97), "dataset.targets=[y,z]")
    names = {"y": f"{EVIL} y", "x": "wide" * 37, "z": "${{7*7}}{% raw %}"}
    dataset = replace(
        made.task.dataset,
        features=tuple(names[name] for name in made.task.dataset.features),
        targets=tuple(names[name] for name in made.task.dataset.targets),
        units={names["y"]: "</td><b>°F</b>"},
        notes=(f"note {EVIL}", "note " * 301),
    )
    made.task = replace(made.task, dataset=dataset)
    made.forecaster = replace(
        made.forecaster, features=dataset.features, targets=dataset.targets, units=dict(dataset.units)
    )
    return made


@pytest.mark.filterwarnings("ignore:Glyph .* missing from font")
def test_nothing_that_a_user_named_becomes_part_of_the_page(evil: Any, read_page: Callable[..., Any]) -> None:
    """Names, units, notes, headline, command and run: all are words, and the file needs no other."""
    _, html = evil.page(
        judgement=evil.judgement,
        explanation=evil.explanation,
        headline=EVIL,
        name=f"run {EVIL}",
        command=("python", "train.py", EVIL),
    )
    page = read_page(html)
    assert not {"script", "b", "iframe", "object"} & set(page.elements)
    assert page.text.count("<script>alert") > 5 and "${{7*7}}{% raw %}" in page.text
    sources = re.findall(r'(?:src|href)="([^"]*)"', html)
    assert sources and all(source.startswith(("data:", "#")) for source in sources)
    assert len(html.encode()) < 5 * MEGABYTE
    for target in evil.forecaster.targets:
        error = evil.judgement.scores.value(target, "transformer", "mae")
        assert f"MAE of {target} {error:.3f}" in page.text


def test_a_run_that_is_not_judged_says_so_and_has_no_scores(plain: Any, read_page: Callable[..., Any]) -> None:
    run, html = plain.page(headline="validation MAE 0.5 at epoch 2 of 3")
    page = read_page(html)
    assert "not judged" in page.text and "validation MAE 0.5 at epoch 2 of 3" in page.words
    assert sections_of(html) == ["data", "training", "reproduce"]
    assert f"python evaluate.py run={run.id}" in page.words
    assert "python train.py 'dataset.path=a b.csv'" in page.words
    assert "2 heads" in page.text and "1 layer," in page.text


def test_a_judged_run_gives_its_verdicts_and_windows_first(plain: Any, read_page: Callable[..., Any]) -> None:
    beaten = tuple(replace(one, skill=0.5, p_value=0.001) for one in plain.judgement.comparison.verdicts)
    judgement = replace(plain.judgement, comparison=replace(plain.judgement.comparison, verdicts=beaten))
    _, html = plain.page(judgement=judgement, explanation=plain.explanation)
    assert sections_of(html) == ["skill", "intervals", "forecasts", "attention", "data", "training", "reproduce"]
    words = read_page(html).words
    assert words.index("beats every rival") < words.index("run")
    windows = len(plain.task.windows["test"])
    assert any(word.startswith(f"{windows:,} test windows, 2024-01-0") for word in words)


def test_who_loses_to_one_rival_does_not_beat_every_one_and_attention_is_not_mentioned_unasked(
    plain: Any, read_page: Callable[..., Any]
) -> None:
    first, second = plain.judgement.comparison.verdicts
    lost = (replace(first, skill=0.5, p_value=0.001), replace(second, skill=-0.5, p_value=0.001))
    judgement = replace(plain.judgement, comparison=replace(plain.judgement.comparison, verdicts=lost))
    _, html = plain.page(judgement=judgement)
    page = read_page(html)
    assert "beats 1 of 2 rivals" in page.words and "beats every rival" not in page.text
    assert "attention" not in sections_of(html) and "importance" not in page.text


def test_judging_again_rewrites_the_page_and_keeps_curves_and_best_epoch(
    plain: Any, read_page: Callable[..., Any]
) -> None:
    def journal(run: Run) -> None:
        for epoch in range(1, 8):
            run.log_metrics({"train/loss": 1 / epoch, "validation/loss": 2 / epoch}, step=epoch)
        run.log_metrics({"validation/best_error": 0.5, "weights": 97.0}, step=5)
        run.log_metrics({"evaluation/seconds": 11.0, "explanation/seconds": 13.0})
        # What a later judging adds; the newest value counts.
        run.log_metrics({"evaluation/seconds": 23.0})

    _, html = plain.page(journal=journal)
    text = read_page(html).text
    assert "The weights of epoch 5 are kept, the best on validation." in text
    assert "Loss of training and validation over 7 epochs" in unescape(html)
    assert "23 s, rivals included" in text and "11 s" not in text and "13 s" in text


def test_a_page_is_written_over_the_one_before(plain: Any, tmp_path: Path) -> None:
    kept = Stored(plain.config, "f", ("python", "train.py"), {"git_commit": "abc", "git_dirty": "true"})
    curves = {"train/loss": [1.0], "validation/loss": [1.0]}
    for headline in ("what was found at first", "what was found later"):
        write_report(
            tmp_path,
            kept,
            plain.task,
            headline=headline,
            name="n",
            run_id="7",
            metrics={},
            curves=curves,
            best_epoch=1,
        )
    html = (tmp_path / FILE).read_text(encoding="utf-8")
    assert "what was found later" in html and "what was found at first" not in html
    assert "git checkout abc" in html and "changes that no commit holds" in html


def sections_of(html: str) -> list[str]:
    """Ids of the sections in order."""
    return re.findall(r'<section id="([a-z-]+)"', html)
