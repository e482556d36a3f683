"""Who works on which trial: no trial twice, none lost, none too many."""

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from headway.errors import ConfigError
from headway.process import Process
from headway.sweeps.space import Span
from headway.sweeps.storage import JOURNAL, open_storage
from headway.sweeps.study import Assignment, Plan, Study, name_of_grid


def numbers(assignments: list[Assignment]) -> list[int]:
    return [assignment.number for assignment in assignments]


def test_a_search_has_its_number_of_trials_and_no_more(sweep: Callable[..., Study]) -> None:
    study = sweep()
    assert numbers(study.ask(3)) == [0, 1, 2]
    assert numbers(study.ask(7)) == [3, 4]
    assert study.ask(7) == []


def test_failed_and_finished_trials_count(sweep: Callable[..., Study], raw: Callable[[], optuna.Study]) -> None:
    study = sweep()
    study.ask(3)
    study.fail(0, "as asked")
    raw().tell(1, 97.0)
    raw().tell(2, state=TrialState.PRUNED)
    assert study.finished == 3
    assert numbers(study.ask(7)) == [3, 4]
    assert study.trials[0].user_attrs["error"] == "as asked"


def test_a_larger_total_goes_on_with_the_same_study(sweep: Callable[..., Study]) -> None:
    sweep().ask(7)
    assert numbers(sweep(n_trials=7, sampler="tpe", seed=11, retries=0).ask(7)) == [5, 6]
    assert sweep(n_trials=2).ask(7) == []


def test_a_trial_is_what_was_sampled(sweep: Callable[..., Study], raw: Callable[[], optuna.Study]) -> None:
    study = sweep()
    assignments = study.ask(5)
    for assignment, trial in zip(assignments, raw().trials, strict=True):
        rate, heads, layers = (text.partition("=") for text in assignment.overrides)
        assert (rate[0], heads[0], layers[0]) == ("training.learning_rate", "model.heads", "model.layers")
        assert float(rate[2]) == pytest.approx(trial.params["training.learning_rate"], rel=1e-5)
        assert (heads[2], int(layers[2])) == (trial.params["model.heads"], trial.params["model.layers"])
        assert trial.user_attrs["owner"] == Process.own().as_dict()
    assert len({assignment.overrides for assignment in assignments}) == 5


def test_sweepers_side_by_side_share_one_total(search: Plan, tmp_path: Path) -> None:
    plan = replace(search, n_trials=29)
    studies = [Study(open_storage(JOURNAL, tmp_path), "weather", plan, folder=tmp_path) for _ in range(3)]
    found: list[Assignment] = []

    def work(study: Study) -> None:
        while batch := study.ask(2):
            found.extend(batch)

    threads = [threading.Thread(target=work, args=(study,)) for study in studies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(numbers(found)) == list(range(29))
    assert len({assignment.overrides for assignment in found}) == 29


def test_every_point_of_a_grid_is_asked_for_once(sweep: Callable[..., Study], grid: Plan) -> None:
    first, second = sweep(grid), sweep(grid)
    found = [*first.ask(2), *second.ask(3), *first.ask(7), *second.ask(7)]
    assert [list(assignment.overrides) for assignment in found] == grid.points
    assert numbers(found) == list(range(6))


def test_equal_points_of_a_grid_are_two_children(sweep: Callable[..., Study], grid: Plan) -> None:
    study = sweep(grid, points=[["model.heads=2"], ["model.heads=2"]])
    assert [assignment.overrides for assignment in study.ask(7)] == [("model.heads=2",)] * 2


@pytest.mark.parametrize(
    "changes",
    [
        {"objectives": ("error", "seconds")},
        {"constants": ("training.epochs=5",)},
        {"dimensions": {"model.layers": Span(1, 5)}},
        {"points": (("model.heads=2",),)},
    ],
)
def test_another_space_is_refused(sweep: Callable[..., Study], changes: dict[str, Any]) -> None:
    sweep()
    with pytest.raises(ConfigError, match=r"^sweep\.name=weather: this sweep has another search space"):
        sweep(**changes)


def test_a_dimension_with_another_end_is_another_space(sweep: Callable[..., Study], search: Plan) -> None:
    sweep()
    with pytest.raises(ConfigError, match=r"^sweep\.name=weather: this sweep has another search space"):
        sweep(dimensions={**search.dimensions, "model.layers": Span(1, 7)})


def test_the_order_of_the_settings_is_no_other_space(sweep: Callable[..., Study]) -> None:
    sweep(constants=("a=3", "b=5")).ask(1)
    assert numbers(sweep(constants=("b=5", "a=3")).ask(1)) == [1]


def test_an_earlier_run_can_stand_for_a_trial(sweep: Callable[..., Study]) -> None:
    study = sweep()
    study.ask(1)
    study.reuse(0, [1.5], run="2026", mlflow_run=None, metrics={"weights": 97.0}, task="same")
    (trial,) = study.trials
    assert (trial.state, trial.value) == (TrialState.COMPLETE, 1.5)
    kept = {name: trial.user_attrs[name] for name in ("run", "mlflow_run", "metrics", "task", "reused")}
    assert kept == {"run": "2026", "mlflow_run": None, "metrics": {"weights": 97.0}, "task": "same", "reused": True}


def test_importance_is_of_what_the_error_depends_on(
    sweep: Callable[..., Study], raw: Callable[[], optuna.Study]
) -> None:
    study = sweep(n_trials=29)
    assert study.importance() == {}
    for assignment in study.ask(29):
        raw().tell(assignment.number, float(raw().trials[assignment.number].params["model.layers"]))
    shares = study.importance()
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["model.layers"] > 0.9
    assert shares == study.importance()


def test_equal_errors_have_no_importance(sweep: Callable[..., Study], raw: Callable[[], optuna.Study]) -> None:
    study = sweep(n_trials=7)
    for assignment in study.ask(7):
        raw().tell(assignment.number, 1.5)
    assert all(share == share for share in study.importance().values())


def test_the_front_holds_whom_nobody_beats(sweep: Callable[..., Study], raw: Callable[[], optuna.Study]) -> None:
    points = [(3.0, 1.0), (2.0, 2.0), (3.0, 2.0), (1.0, 5.0), (2.5, 2.5)]
    study = sweep(objectives=("error", "seconds"))
    for assignment, point in zip(study.ask(5), points, strict=True):
        raw().tell(assignment.number, point)
    beaten = {
        number
        for number, (error, seconds) in enumerate(points)
        for other in points
        if other != (error, seconds) and other[0] <= error and other[1] <= seconds
    }
    assert sorted(study.front()) == sorted(set(range(5)) - beaten)


def test_one_objective_has_no_front(sweep: Callable[..., Study], raw: Callable[[], optuna.Study]) -> None:
    study = sweep()
    study.ask(1)
    raw().tell(0, 97.0)
    assert study.front() == []


@pytest.mark.parametrize("kind", ["journal", "sqlite"])
def test_a_grid_that_is_done_gets_the_next_name(grid: Plan, tmp_path: Path, kind: str) -> None:
    address = JOURNAL if kind == "journal" else f"sqlite:///{tmp_path}/study.db"

    def name() -> str:
        return name_of_grid("heads", storage=address, sweeps=tmp_path)

    def study() -> Study:
        return Study(open_storage(address, tmp_path / name()), name(), grid, folder=tmp_path / name())

    assert name() == "heads"
    (tmp_path / "heads").mkdir()
    (tmp_path / "heads.2").mkdir()
    first = study()
    assert name() == "heads"  # begun, and not done
    first.keep("done", True)
    assert name() == "heads.2"
    study().keep("done", True)
    assert name() == "heads.3"


def test_what_is_kept_with_a_study_is_seen_by_all(sweep: Callable[..., Study]) -> None:
    assert sweep().attribute("parent") is None
    sweep().keep("parent", {"id": "2026", "mlflow_run_id": None})
    assert json.dumps(sweep().attribute("parent")) == '{"id": "2026", "mlflow_run_id": null}'
