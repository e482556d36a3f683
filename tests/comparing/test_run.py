"""A comparison from the command's words to the files that both runs keep."""

from collections.abc import Callable
from pathlib import Path

import pytest

from headway import pipeline
from headway.comparing.side import Side
from headway.config.evaluate import EvaluateConfig
from headway.errors import StoredRunError

PROJECT = Path(__file__).resolve().parents[2]
FILES = {"comparison.csv", "comparison.png", "comparison.txt"}


@pytest.fixture
def evaluate(compose_evaluate: Callable[..., EvaluateConfig]) -> Callable[..., pipeline.Outcome]:
    return lambda *words: pipeline.evaluate(compose_evaluate("tracking=off", *words), project=PROJECT)


def test_both_runs_keep_the_comparison(side: Callable[..., Side], evaluate: Callable[..., pipeline.Outcome]) -> None:
    first, second = side(name="seed=0"), side("seed=3", "model.heads=1", name="seed=3 heads=1", weights=3)
    outcome = evaluate(f"compare=[{first.run.id},latest]", "evaluation.bootstrap=0")
    assert outcome.run_id == first.run.id
    assert outcome.text.startswith(f"A: seed=0, run {first.run.id}\nB: seed=3 heads=1, run {second.run.id}\n\n")
    assert "settings of A -> of B:\n  seed: 0 -> 3\n  model.heads: 2 -> 1\n\ny [MW]" in outcome.text
    pictures = set()
    for own, other in ((first.run, second.run), (second.run, first.run)):
        folder = own.folder / "comparisons" / other.id
        assert {path.name for path in folder.iterdir()} == FILES
        assert (folder / "comparison.txt").read_text() == f"{outcome.text}\n"
        pictures |= {path.read_bytes() for path in (own.folder / "comparison.png", folder / "comparison.png")}
    (picture,) = pictures
    assert picture.startswith(b"\x89PNG")
    # What is typed changes the stored group of either run.
    assert "95 % interval" not in outcome.text and "evaluation.bootstrap" not in outcome.text
    assert "1 of 2 heads have a partner" in outcome.text or "0 of 2 heads have a partner" in outcome.text


def test_other_contexts_are_compared_in_skill_alone(
    side: Callable[..., Side], evaluate: Callable[..., pipeline.Outcome]
) -> None:
    first, second = side(), side("windows.context_length=7", weights=3)
    text = evaluate(f"compare=[{first.run.id},{second.run.id}]").text
    assert text.endswith("\n\nattention maps are not compared: A attends over 3 steps, B over 7")
    assert "windows.context_length: 3 -> 7" in text and "95 % interval" in text
    # Of one name, so that the ids tell them apart, and as they are.
    assert f"\n\n{first.run.id} " in text and f"{second.run.id} (" in text
    assert (second.run.folder / "comparison.png").read_bytes().startswith(b"\x89PNG")


def test_two_words_for_one_run_and_runs_of_other_tasks_are_refused_before_anything_is_written(
    side: Callable[..., Side], evaluate: Callable[..., pipeline.Outcome]
) -> None:
    first, second = side(name="refused"), side("windows.horizon=5", name="refused")
    with pytest.raises(StoredRunError, match=f"both words of compare mean the run {second.run.id}"):
        evaluate(f"compare=[latest,{second.run.id}]")
    with pytest.raises(StoredRunError, match=r"windows\.horizon is 2 in the run .* and 5 in the run"):
        evaluate(f"compare=[{first.run.id},{second.run.id}]")
    with pytest.raises(StoredRunError, match="There is no run 'nobody'"):
        evaluate(f"compare=[{first.run.id},nobody]")
    assert not list(first.run.folder.glob("comparison*")) and not list(second.run.folder.glob("comparison*"))


def test_data_that_have_changed_are_refused(
    side: Callable[..., Side], evaluate: Callable[..., pipeline.Outcome], folder: Path
) -> None:
    first, second = side(), side("seed=3")
    kept = (folder / "own.csv").read_text()
    try:
        lines = kept.splitlines()
        (folder / "own.csv").write_text("\n".join([*lines[:-1], lines[-1].replace(".", "1.")]))
        with pytest.raises(StoredRunError, match=r"own\.csv: its fingerprint is .* was trained on"):
            evaluate(f"compare=[{first.run.id},{second.run.id}]")
    finally:
        (folder / "own.csv").write_text(kept)
