"""The page of a run: one safe file whose numbers are those of the run."""

import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from typing import Any

import pandas as pd
import pytest

from headway.run_report.build import FILE, write_report
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
    assert not {"script", "b", "iframe", "object", "link"} & set(page.elements)
    assert page.text.count("<script>alert") > 5 and "${{7*7}}{% raw %}" in page.text
    assert "49" not in re.findall(r"\$(\w+)", page.text)
    sources = re.findall(r'(?:src|href)="([^"]*)"', html)
    assert sources and all(source.startswith(("data:image/svg+xml;base64,", "#")) for source in sources)
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


def test_a_judged_run_gives_its_windows_and_verdict_first(plain: Any, read_page: Callable[..., Any]) -> None:
    beaten = tuple(replace(one, skill=0.5, p_value=0.001) for one in plain.judgement.comparison.verdicts)
    lost = (beaten[0], replace(beaten[1], skill=-0.5))
    for verdicts, badge in ((beaten, "beats every rival"), (lost, "beats 1 of 2 rivals")):
        judgement = replace(plain.judgement, comparison=replace(plain.judgement.comparison, verdicts=verdicts))
        _, html = plain.page(judgement=judgement, explanation=plain.explanation)
        assert sections_of(html) == ["skill", "intervals", "forecasts", "attention", "data", "training", "reproduce"]
        words = read_page(html).words
        assert words.index(badge) < words.index("A headline") + 5
        windows = len(plain.task.windows["test"])
        assert any(word.startswith(f"{windows:,} test windows, 2024-01-0") for word in words)
        if badge != "beats every rival":
            assert "beats every rival" not in words


def test_without_an_explanation_there_is_no_word_on_attention_maps(plain: Any) -> None:
    _, html = plain.page(judgement=plain.judgement)
    assert "attention" not in sections_of(html) and "attention is not importance" not in html


def test_judging_again_rewrites_the_page_and_keeps_curves_and_best_epoch(
    plain: Any, read_page: Callable[..., Any]
) -> None:
    def journal(run: Run) -> None:
        for epoch in range(1, 8):
            run.log_metrics({"train/loss": 1 / epoch, "validation/loss": 2 / epoch}, step=epoch)
        run.log_metrics({"validation/best_mae": 0.5, "weights": 97.0}, step=5)
        run.log_metrics({"evaluation/seconds": 11.0, "explanation/seconds": 13.0})
        # What a later judging adds; the newest value counts.
        run.log_metrics({"evaluation/seconds": 23.0})

    _, html = plain.page(journal=journal)
    text = read_page(html).text
    assert "The weights of epoch 5 are kept, the best on validation." in text
    assert "Loss of training and validation over 7 epochs" in unescape(html)
    assert "23 s, rivals included" in text and "11 s" not in text and "13 s" in text


def test_a_page_is_written_over_the_one_before(plain: Any, tmp_path: Any) -> None:
    from headway.stored import Stored

    kept = Stored(plain.config, "f", ("python", "train.py"), {"git_commit": "abc", "git_dirty": "true"})
    for headline in ("first", "second"):
        write_report(
            tmp_path, kept, plain.task, headline=headline, name="n", run_id="7", metrics={},
            curves={"train/loss": [1.0], "validation/loss": [1.0]}, best_epoch=1,
        )  # fmt: skip
    html = (tmp_path / FILE).read_text(encoding="utf-8")
    assert "second" in html and "first" not in re.sub(r"<style>.*?</style>", "", html, flags=re.S).split("Training")[0]
    assert "git checkout abc" in html and "changes that no commit holds" in html


def sections_of(html: str) -> list[str]:
    """Ids of the sections in order."""
    return re.findall(r'<section[^>]* id="([a-z-]+)"', html) or re.findall(r'<section id="([a-z-]+)"', html)
