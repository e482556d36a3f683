"""What a sweep shows: each child once in a log, the best ones in a terminal."""

import io
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState
from rich.console import Console

from headway.sweeps import terminal
from headway.sweeps.space import Choice, Span
from headway.sweeps.storage import JOURNAL, open_storage
from headway.sweeps.study import Plan, Study
from headway.sweeps.terminal import watched

PLAN = Plan(
    dimensions={"training.learning_rate": Span(0.001, 0.1), "model.embedding": Choice(("a [bold]b", "c"))},
    constants=(), points=(), n_trials=29, sampler="random", seed=3, objectives=("error",), retries=2,
)  # fmt: skip


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return Study(open_storage(JOURNAL, tmp_path), "weather", PLAN, folder=tmp_path)


@pytest.fixture
def end(study: Study, tmp_path: Path) -> Callable[..., None]:
    """Ends trials: end(3, 1.5), end(5, state=TrialState.PRUNED), end(7, error="no luck")."""

    def tell(number: int, score: float | None = None, *, error: str | None = None) -> None:
        raw = optuna.load_study(study_name="weather", storage=open_storage(JOURNAL, tmp_path))
        raw._storage.set_trial_intermediate_value(raw.trials[number]._trial_id, 2, 7.5)
        if score is not None:
            metrics = {"validation/best_error": score}
            study.reuse(number, [score], run="2026", mlflow_run=None, metrics=metrics, task="same")
        elif error is not None:
            study.fail(number, error)
        else:
            raw.tell(number, state=TrialState.PRUNED)

    return tell


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What the console was written to, ten times as fast as for people."""
    monkeypatch.setattr(terminal, "_PAUSE", 0.1)
    return io.StringIO()


def test_a_log_gets_one_line_for_every_child_that_ends(
    study: Study, end: Callable[..., None], shown: io.StringIO
) -> None:
    study.ask(6)
    end(0, 2.5)  # ended before this process came
    with watched(study, 29, console=Console(file=shown, width=60)):
        end(1, 1.23456)
        end(2)
        threading.Event().wait(0.3)
        end(3, error="[red]no luck[/]")
    first, second, third = sorted(shown.getvalue().splitlines(), key=lambda line: line.partition("trial")[2])
    assert first.startswith("[2/29] trial 1 learning_rate=")
    assert " embedding=" in first
    assert first.endswith(": validation error 1.235; best 1.235 (trial 1)")
    assert second.startswith("[3/29] trial 2 ")
    assert second.endswith(": validation error 7.5 pruned after epoch 2; best 1.235 (trial 1)")
    assert third.startswith("[4/29] trial 3 ")
    assert third.endswith(": failed: [red]no luck[/]; best 1.235 (trial 1)")


def test_a_failure_alone_has_no_best(study: Study, end: Callable[..., None], shown: io.StringIO) -> None:
    study.ask(1)
    with watched(study, 29, console=Console(file=shown, width=200)):
        end(0, error="no luck")
    (line,) = shown.getvalue().splitlines()
    assert line.endswith(" failed: no luck")


def test_what_failed_inside_is_raised_and_the_rest_still_shown(
    study: Study, end: Callable[..., None], shown: io.StringIO
) -> None:
    study.ask(1)
    with pytest.raises(RuntimeError, match="as asked"), watched(study, 29, console=Console(file=shown, width=200)):
        end(0, 1.5)
        raise RuntimeError("as asked")
    assert len(shown.getvalue().splitlines()) == 1


@pytest.mark.parametrize("width", [20, 60, 160])
def test_a_terminal_of_any_width_shows_a_table(
    study: Study, end: Callable[..., None], shown: io.StringIO, width: int
) -> None:
    study.ask(23)
    for number in range(17):
        end(number, 1.0 + number)
    end(17)
    end(18, error="[/]no luck")
    console = Console(file=shown, force_terminal=True, width=width, height=19, record=True)
    with watched(study, 29, console=console):
        threading.Event().wait(0.3)
    text = console.export_text()
    assert "19 of 29" in " ".join(text.split())
    if width == 160:
        assert "17 finished, 1 pruned, 4 running, 1 failed" in text
        states = [line.split()[-2] for line in text[text.rindex("19 of 29") :].splitlines() if line.endswith(" │")]
        # Of nineteen lines eight are the frame's, and what is left by those under way is for the best of the others.
        assert states == ["running"] * 4 + ["best"] + ["finished"] * 6


@pytest.mark.parametrize("value", ["[temp,dewp]", "[/]", "[bold]"])
def test_a_terminal_shows_values_as_they_are(tmp_path: Path, shown: io.StringIO, value: str) -> None:
    grid = replace(PLAN, dimensions={}, points=[[f"dataset.features={value}"], ["dataset.features=[temp]"]])
    study = Study(open_storage(JOURNAL, tmp_path), "grid", grid, folder=tmp_path)
    study.ask(2)
    with watched(study, 2, console=Console(file=shown, force_terminal=True, width=160)):
        pass
    assert value in shown.getvalue()


def test_a_table_without_children_can_be_drawn(study: Study, shown: io.StringIO) -> None:
    with watched(study, 29, console=Console(file=shown, force_terminal=True, width=60)):
        pass
    assert "0 of 29: none" in shown.getvalue()


def test_a_terminal_shows_nobody_as_best_where_tasks_differ(tmp_path: Path, shown: io.StringIO) -> None:
    grid = replace(PLAN, dimensions={}, points=[["windows.horizon=3"], ["windows.horizon=5"]])
    study = Study(open_storage(JOURNAL, tmp_path), "grid", grid, folder=tmp_path)
    study.ask(2)
    for number in range(2):
        metrics = {"validation/best_error": 1.5}
        study.reuse(number, [1.5], run="2026", mlflow_run=None, metrics=metrics, task=str(number))
    with watched(study, 2, console=Console(file=shown, force_terminal=True, width=160)):
        pass
    assert "finished" in shown.getvalue()
    assert "best" not in shown.getvalue()
