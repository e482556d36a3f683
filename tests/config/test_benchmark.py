"""Published benchmarks: what an experiment sets, what wins over it, and which known values are refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from headway.config.benchmark import BenchmarkSpec
from headway.config.sweep import TrainCommand
from headway.config.train import TrainConfig
from headway.config.validate import validate
from headway.errors import ConfigError

KNOWN: dict[str, Any] = {
    "file": "load.csv",
    "clock": "1h",
    "rows": 101,
    "columns": ["a", "b", "c"],
    "means": [1.0, -2.0, 0.0],
    "scales": [1.0, 2.0, 0.5],
    "horizons": [
        {
            "horizon": 7,
            "windows": {"train": 83, "validation": 31, "test": 37},
            "repeat_last": {"mse": 1.5, "mae": 0.9},
            "least_squares": {"mse": 0.5, "mae": 0.4},
            "published": [{"model": "other", "mse": 0.6, "mae": None, "source": "a paper"}],
        }
    ],
}
PROTOCOLS = {"etth1": (8640, 2880, 2880), "exchange": (5311, 760, 1517)}
EXPERIMENTS = [(name, horizon) for name in PROTOCOLS for horizon in (96, 192, 336, 720)]


def with_known(**changes: object) -> dict[str, Any]:
    return {"scaled": True, "known": KNOWN | changes}


def with_horizon(**changes: object) -> dict[str, Any]:
    return with_known(horizons=[KNOWN["horizons"][0] | changes])


@pytest.mark.parametrize(("name", "horizon"), EXPERIMENTS)
def test_an_experiment_sets_the_protocol_whole(compose: Callable[..., TrainConfig], name: str, horizon: int) -> None:
    config = compose(f"experiment={name}_{horizon}")
    rows = PROTOCOLS[name]
    assert (config.splits.train, config.splits.validation, config.splits.test) == rows
    assert (config.windows.context_length, config.windows.horizon, config.windows.stride) == (96, horizon, 1)
    assert (config.loss, config.model.head, config.criterion) == ("mse", "point", "mse")
    assert config.evaluation.rivals == ("persistence", "seasonal_naive", "least_squares", "nlinear")
    assert config.evaluation.calibration == "off" and config.dataset.targets is None
    assert config.evaluation.slices == (("month",) if name == "etth1" else ())  # rates have made-up dates
    assert config.benchmark.scaled and config.benchmark.known is not None
    here = config.benchmark.known.at(horizon)
    assert here is not None and len(here.published) == 4
    # By hand: a window needs context and horizon in the training rows, and its horizon alone in the others.
    expected = (rows[0] - 96 - horizon + 1, rows[1] - horizon + 1, rows[2] - horizon + 1)
    assert (here.windows.train, here.windows.validation, here.windows.test) == expected
    assert config.benchmark.known.rows == rows[0]


def test_every_experiment_is_one_of_those_and_says_what_it_is(project: Path) -> None:
    files = sorted((project / "conf" / "experiment").glob("*.yaml"))
    assert {path.stem for path in files} == {f"{name}_{horizon}" for name, horizon in EXPERIMENTS}
    for path in files:
        lines = path.read_text().splitlines()
        assert lines[0] == "# @package _global_" and f"experiment={path.stem}" in path.read_text()


def test_the_command_line_wins_over_an_experiment_and_that_over_the_groups(
    compose: Callable[..., TrainConfig],
) -> None:
    plain = compose("experiment=etth1_96")
    assert plain.training.loss == "mse" and compose().training.loss == "auto"
    typed = compose("experiment=etth1_96", "training.loss=mae", "splits.test=700", "evaluation=quick", "seed=7")
    assert (typed.training.loss, typed.splits.test, typed.seed) == ("mae", 700, 7)
    assert "drift" in typed.evaluation.rivals and typed.dataset.path == plain.dataset.path


def test_without_an_experiment_nothing_is_known_and_off_takes_it_out_of_one(
    compose: Callable[..., TrainConfig],
) -> None:
    for config in (compose(), compose("experiment=etth1_96", "benchmark=off", "windows.horizon=48")):
        assert config.benchmark == BenchmarkSpec(scaled=False, known=None)


def test_what_is_known_survives_being_stored(compose: Callable[..., TrainConfig]) -> None:
    config = compose("experiment=exchange_720")
    record = yaml.safe_load(yaml.safe_dump(config.model_dump(mode="json")))
    assert validate(record, TrainConfig) == config


def test_known_values_are_found_by_horizon() -> None:
    known = validate(with_known(), BenchmarkSpec).known
    assert known is not None and known.at(11) is None
    here = known.at(7)
    assert here is not None and here.published[0].mae is None and here.windows.test == 37


@pytest.mark.parametrize(
    ("benchmark", "words"),
    [
        (with_known(means=[1.0, 2.0]), "columns, means and scales must be as many: got 3, 2, 3"),
        (with_known(scales=[1.0, 2.0]), "columns, means and scales must be as many: got 3, 3, 2"),
        (with_known(scales=[1.0, 0.0, 1.0]), "known.scales.1=0.0: expected a number above 0"),
        (with_known(means=[1.0, float("inf"), 1.0]), "known.means.1=inf: must be a finite number"),
        (with_known(columns=["a", "b", "a"]), "columns names a twice"),
        (with_known(columns=[], means=[], scales=[]), "known.columns=[]: must not be empty"),
        (with_known(horizons=KNOWN["horizons"] * 2), "horizons names 7 twice"),
        (with_known(horizons=[]), "known.horizons=[]: must not be empty"),
        (with_known(clock="hourly"), "known.clock=hourly: expected text that matches"),
        (with_known(rows=0), "known.rows=0: expected a number above 0"),
        (with_horizon(horizon=0), "horizon=0: expected a number above 0"),
        (with_horizon(repeat_last={"mse": -0.1, "mae": 0.1}), "mse=-0.1: expected a number at least 0"),
        (with_horizon(least_squares={"mse": None, "mae": 0.1}), "mse=null: expected a number, got null"),
        (with_horizon(windows={"train": 1, "validation": 0, "test": 1}), "validation=0: expected a number above 0"),
        (
            with_horizon(published=[{"model": "", "mse": 1.0, "mae": 1.0, "source": "a paper"}]),
            "model=: must not be empty",
        ),
        ({"scaled": "yes", "known": None}, "scaled=yes: expected true or false, got text"),
        ({"scaled": True}, "known: required but not set"),
    ],
)
def test_wrong_known_values_are_refused_in_one_line(benchmark: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as refused:
        validate(benchmark, BenchmarkSpec)
    (message,) = refused.value.messages
    assert words in message


def test_an_unknown_key_of_the_group_is_named(compose_settings: Callable[..., Any]) -> None:
    with pytest.raises(ConfigError, match=r"did you mean benchmark\.scaled"):
        validate(compose_settings("+benchmark.scale=true"), TrainCommand)
