"""Settings that nobody thought of: a configuration, or exit code 2 and a line for each mistake, and never anything else."""

import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from headway.config.sweep import TrainCommand
from headway.config.validate import free_keys, known_keys, validate
from headway.errors import ConfigError

QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
KEYS = sorted(known_keys(TrainCommand))
FREE = sorted(free_keys(TrainCommand))
GRAMMAR = some.text(alphabet=string.printable + "é\u202e\ud800", max_size=9)
NUMBERS = (
    some.integers().map(str) | some.floats().map(str) | some.sampled_from(["1e999", "-0", "1_0", "010", "9" * 4999])
)
PLAIN_WORDS = [
    "null",
    "true",
    "yes",
    "no",
    "on",
    "nan",
    "inf",
    "???",
    "''",
    "[]",
    "{}",
    "[[]]",
    "[null]",
    "{a:{b:1}}",
    "[1,a,null]",
    "a,b",
    "a:b",
    "a=b",
    "~",
    "\\",
    "!!python/none",
]
CALLS = [
    "${seed}",
    "${model}",
    "${oc.env:HOME}",
    "${oc.env:NO_SUCH}",
    "${oc.decode:'['}",
    "${",
    "$",
    "range(1,4)",
    "interval(0,1)",
    "choice(1)",
    "glob(*)",
]
WORDS = some.sampled_from([*PLAIN_WORDS, *CALLS, "int(a)", "../../x", "/dev/null", "1" * 300])
VALUES = some.recursive(
    NUMBERS | WORDS | GRAMMAR,
    lambda inner: (
        some.lists(inner, max_size=3).map(lambda items: f"[{','.join(items)}]")
        | some.dictionaries(some.text(string.ascii_letters, min_size=1, max_size=4), inner, max_size=2).map(
            lambda pairs: "{" + ",".join(f"{key}:{value}" for key, value in pairs.items()) + "}"
        )
    ),
    max_leaves=5,
)
NAMES = (
    some.sampled_from(KEYS)
    | some.sampled_from(KEYS).map(lambda key: key[:-1])
    | some.tuples(some.sampled_from([*KEYS, *FREE]), some.text(string.ascii_letters + "._@/ é", max_size=4)).map(
        ".".join
    )
    | GRAMMAR
)
OVERRIDES = some.tuples(
    some.sampled_from(["", "", "", "+", "++", "~"]), NAMES, some.just("=") | some.just(""), VALUES
).map("".join)
# What a search or a flag of Hydra's would make of them is another test's.
ALONE = OVERRIDES.filter(lambda word: not word.startswith("-") and "hydra" not in word and "\0" not in word)

PLAIN = (
    some.none()
    | some.booleans()
    | some.integers()
    | some.floats()
    | some.text(max_size=5)
    | some.sampled_from([30, 5000]).map(lambda digits: -(10**digits))  # Python refuses to write the second
    | some.sampled_from(["x" * 5000, b"x", object, (1,), {1}, 1j, float("nan")])
)
NESTED = some.recursive(
    PLAIN,
    lambda inner: (
        some.lists(inner, max_size=3) | some.dictionaries(PLAIN.filter(lambda one: one.__hash__), inner, max_size=3)
    ),
    max_leaves=5,
)


def check_overrides(command: Callable[..., Any], tree: Callable[[], Any], count: int) -> None:
    @settings(max_examples=count, suppress_health_check=QUIET, deadline=None)
    @given(some.lists(ALONE, min_size=1, max_size=3))
    def check(words: list[str]) -> None:
        ended = command(*words)
        assert ended.code in (0, 2, 3), (words, ended)
        assert bool(ended.errors) == (ended.code != 0), (words, ended)
        assert all(line.startswith("error: ") and line.isprintable() for line in ended.errors), (words, ended)
        assert tree() == {}

    check()


def check_plain_settings(compose_settings: Callable[..., Any], count: int) -> None:
    good = compose_settings()

    @settings(max_examples=count, suppress_health_check=QUIET, deadline=None)
    @given(
        some.dictionaries(
            some.sampled_from([key for key in KEYS if "." in key]) | some.text(max_size=5),
            NESTED,
            min_size=1,
            max_size=3,
        )
    )
    def check(changes: dict[str, Any]) -> None:
        changed = {key: dict(value) if isinstance(value, dict) else value for key, value in good.items()}
        for key, value in changes.items():
            group, _, name = key.partition(".")
            if name and isinstance(changed.get(group), dict):
                changed[group][name] = value
            else:
                changed[key] = value
        try:
            assert isinstance(validate(changed, TrainCommand), TrainCommand)
        except ConfigError as error:
            assert error.exit_code == 2
            assert all(error.messages)

    check()


@pytest.fixture(autouse=True)
def a_folder_without_the_weather(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_overrides_are_taken_or_refused(command: Callable[..., Any], tree: Callable[[], Any]) -> None:
    check_overrides(command, tree, 25)


def test_settings_of_any_kind_are_taken_or_refused(compose_settings: Callable[..., Any]) -> None:
    check_plain_settings(compose_settings, 300)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_two_thousand_overrides_are_taken_or_refused(command: Callable[..., Any], tree: Callable[[], Any]) -> None:
    check_overrides(command, tree, 2000)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_three_thousand_settings_of_any_kind_are_taken_or_refused(compose_settings: Callable[..., Any]) -> None:
    check_plain_settings(compose_settings, 3000)
