"""How a sweep is set: what is refused, and that it is no part of a run."""

import copy
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from headway.config.sweep import SweepSpec, TrainCommand
from headway.config.train import TrainConfig
from headway.config.validate import validate
from headway.errors import ConfigError

# Overrides as typed, and how the one message begins.
WRONG: list[tuple[list[str], str]] = [
    (["sweep.name="], "sweep.name=: must not be empty"),
    (["sweep.name=../out"], "sweep.name: must be letters, digits, _ . or -, at most 80 and none of the last three first"),
    (["sweep.name=.hidden"], "sweep.name: must be letters, digits, _ . or -"),
    (["sweep.name='a b'"], "sweep.name: must be letters, digits, _ . or -"),
    ([f"sweep.name={'a' * 81}"], "sweep.name: must be letters, digits, _ . or -"),
    (["sweep.name=7"], "sweep.name=7: expected text, got a whole number"),
    (["sweep.name=null"], "sweep.name=null: expected text, got null"),
    (["sweep.kind=random"], "sweep.kind=random: expected one of auto, grid, search"),
    (["sweep.n_trials=0"], "sweep.n_trials=0: expected a number above 0"),
    (["sweep.n_trials=-3"], "sweep.n_trials=-3: expected a number above 0"),
    (["sweep.n_trials=3.0"], "sweep.n_trials=3.0: expected a whole number, got a number"),
    (["sweep.n_trials=many"], "sweep.n_trials=many: expected a whole number, got text"),
    (["sweep.n_trials=100001"], "sweep.n_trials=100001: expected a number at most 100000"),
    (["sweep.time_budget=2x"], "sweep.time_budget: must be a whole number and one of s, min, h or D (days), like 2h; got 2x"),
    (["sweep.time_budget=0h"], "sweep.time_budget: must be a whole number and one of s, min, h or D"),
    (["sweep.time_budget=1.5h"], "sweep.time_budget: must be a whole number and one of s, min, h or D"),
    (["sweep.time_budget=60"], "sweep.time_budget=60: expected text, got a whole number"),
    (["sweep.sampler=tpa"], "sweep.sampler=tpa: expected one of tpe, cmaes, qmc, random, nsga2; did you mean tpe?"),
    (["sweep.sampler=null"], "sweep.sampler=null: expected one of tpe, cmaes, qmc, random, nsga2"),
    (["sweep.pruner=ahsa"], "sweep.pruner=ahsa: expected one of auto, asha, hyperband, median, none; did you mean asha?"),
    (["sweep.objectives=[]"], "sweep.objectives=[]: must not be empty"),
    (["sweep.objectives=error"], "sweep.objectives=error: expected a list, like [a,b], got text"),
    (["sweep.objectives=[eror]"], "sweep.objectives.0=eror: expected one of error, seconds, weights; did you mean error?"),
    (["sweep.objectives=[error,error]"], "sweep: objectives: error is named twice"),
    (["sweep.objectives=[seconds]"], "sweep: objectives must hold error: the fastest or smallest model alone is an untrained"),
    (
        ["sweep.objectives=[error,seconds]", "sweep.pruner=asha"],
        "sweep: pruner=asha compares trials by one number and there are 2 objectives (error,seconds); set sweep.pruner=none",
    ),
    (
        ["sweep.objectives=[error,seconds,weights]", "sweep.sampler=cmaes"],
        "sweep: sampler=cmaes knows one objective and there are 3 (error,seconds,weights); set sweep.sampler=nsga2",
    ),
    (["+sweep.space.seed=3"], "sweep.space.seed=3: expected text, got a whole number"),
    (["sweep.space=null"], "sweep.space=null: expected a mapping, like {a: 1}, got null"),
    (["sweep.storage=redis://host"], "sweep.storage: must be journal (a file in the sweep's folder) or the address of a"),
    (["sweep.storage="], "sweep.storage=: must not be empty"),
    (["sweep.batch=0"], "sweep.batch=0: expected a number above 0"),
    (["sweep.batch=10001"], "sweep.batch=10001: expected a number at most 10000"),
    (["sweep.threads=0"], "sweep.threads=0: expected a number above 0"),
    (["sweep.threads=1025"], "sweep.threads=1025: expected a number at most 1024"),
    (["sweep.retries=-1"], "sweep.retries=-1: expected a number at least 0"),
    (["sweep.retries=101"], "sweep.retries=101: expected a number at most 100"),
    (["sweep.skip_finished=1"], "sweep.skip_finished=1: expected true or false, got a whole number"),
    (["sweep.dry_run=yes"], "sweep.dry_run=yes: expected true or false, got text"),
    (["sweep.evaluate_best=null"], "sweep.evaluate_best=null: expected true or false, got null"),
    (["+sweep.trials=3"], "sweep.trials: unknown key; did you mean sweep.n_trials?"),
    (["~sweep.retries"], "sweep.retries: required but not set"),
]  # fmt: skip


@pytest.fixture(scope="module")
def composed(compose_settings: Callable[..., Any]) -> Callable[..., Any]:
    """As `compose_settings`, each once."""
    return functools.cache(compose_settings)


@pytest.fixture
def command(composed: Callable[..., Any]) -> Callable[..., TrainCommand]:
    """What train.py takes, with settings of the sweep as typed: hundreds are composed in no time."""

    def make(*words: str) -> TrainCommand:
        sweep = copy.deepcopy(composed()["sweep"])
        for override in OverridesParser.create().parse_overrides(list(words)):
            place, (*groups, key) = sweep, override.key_or_group.split(".")[1:]
            for group in groups:
                place = place.setdefault(group, {})
            if override.is_delete():
                del place[key]
            else:
                place[key] = override.value()
        return validate({**composed(), "sweep": sweep}, TrainCommand)

    return make


@pytest.mark.parametrize(
    ("overrides", "words"), WRONG, ids=lambda value: " ".join(value)[:50] if isinstance(value, list) else ""
)
def test_a_wrong_setting_gets_one_line(command: Callable[..., TrainCommand], overrides: list[str], words: str) -> None:
    with pytest.raises(ConfigError) as error:
        command(*overrides)
    (message,) = error.value.messages
    assert message.startswith(words)
    assert "\n" not in message


def test_every_setting_has_a_refusal() -> None:
    tried = {word.lstrip("+~").partition("=")[0].split(".")[1] for overrides, _ in WRONG for word in overrides}
    assert tried >= SweepSpec.model_fields.keys()


def test_a_password_is_not_repeated(command: Callable[..., TrainCommand]) -> None:
    with pytest.raises(ConfigError) as error:
        command("sweep.storage='postgres:/user:secret@host/name'")
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("null", float("inf")), ("1s", 1), ("97s", 97), ("30min", 1800), ("2h", 7200), ("7D", 604_800), ("999999D", 86_399_913_600)],
)  # fmt: skip
def test_a_time_budget_is_a_number_of_seconds(command: Callable[..., TrainCommand], text: str, seconds: float) -> None:
    assert command(f"sweep.time_budget={text}").sweep.seconds == seconds


@pytest.mark.parametrize(
    "storage",
    ["journal", "sqlite:///study.db", "postgresql://user@host/name", "postgresql+psycopg://u:p@h:97/n", "mysql+pymysql://h/n"],
)  # fmt: skip
def test_a_study_lives_in_a_file_or_a_database(command: Callable[..., TrainCommand], storage: str) -> None:
    assert command(f"sweep.storage='{storage}'").sweep.storage == storage


@pytest.mark.parametrize("objectives", ["[error]", "[weights,error]", "[error,seconds,weights]"])
def test_objectives_are_kept_in_their_order(command: Callable[..., TrainCommand], objectives: str) -> None:
    assert f"[{','.join(command(f'sweep.objectives={objectives}').sweep.objectives)}]" == objectives


SEARCHES = {"off", "optuna", "pareto", "long_horizon"}


@pytest.mark.parametrize("search", sorted(SEARCHES))
def test_every_shipped_search_is_a_sweep(composed: Callable[..., Any], project: Path, search: str) -> None:
    assert {path.stem for path in (project / "conf" / "hparams_search").glob("*.yaml")} == SEARCHES
    spec = validate(composed(f"hparams_search={search}"), TrainCommand).sweep
    assert (spec.kind == "search") == bool(spec.space) == (search != "off")


def test_a_run_is_configured_as_if_there_were_no_sweep(composed: Callable[..., Any]) -> None:
    words = ["model.heads=2", "dataset=csv", "dataset.path=a.csv", "dataset.timestamp=t", "dataset.targets=[y]"]
    settings = composed(*words, "sweep.n_trials=97")
    of_a_sweep = validate(settings, TrainCommand).config
    alone = validate(
        {key: value for key, value in settings.items() if key not in ("sweep", "resume", "run")}, TrainConfig
    )
    assert type(of_a_sweep) is TrainConfig
    assert of_a_sweep == alone
    assert of_a_sweep.model_dump_json() == alone.model_dump_json()
    assert (of_a_sweep.loss, of_a_sweep.model.heads) == ("pinball", 2)


def test_a_run_alone_has_no_sweep(composed: Callable[..., Any]) -> None:
    with pytest.raises(ConfigError, match=r"^sweep: unknown key"):
        validate(composed(), TrainConfig)
