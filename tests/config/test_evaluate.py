"""What evaluate.py takes: one question at a time, and changes to what the run has stored."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headway.config.backtest import BacktestSpec
from headway.config.evaluate import EvaluateConfig
from headway.config.evaluation import RIVALS
from headway.config.train import TrainConfig
from headway.config.validate import validate
from headway.errors import ConfigError
from headway.evaluation import rivals

# Overrides as typed, and what the one message must be or begin with.
WRONG: list[tuple[list[str], str]] = [
    (["evaluation.rivals=[persistance]"], "evaluation.rivals.0: 'persistance' is no rival; there are drift, gradient_"),
    (["evaluation.rivals=persistence"], "evaluation.rivals=persistence: expected a list, like [a,b], got text"),
    (["evaluation.rivals=[drift,drift]"], "evaluation.rivals: 'drift' is named twice"),
    (["evaluation.slices=[hour,hour]"], "evaluation.slices: 'hour' is named twice"),
    (["evaluation.calibration=of"], "evaluation.calibration=of: expected one of conformal, off; did you mean off?"),
    (["evaluation.bootstrap=-1"], "evaluation.bootstrap=-1: expected a number at least 0"),
    (
        ["evaluation.require=beats_baseline"],
        "evaluation.require=beats_baseline: expected one of nothing, beats_baselines; did you mean beats_baselines?",
    ),
    (["+evaluation.rival=[drift]"], "evaluation.rival: unknown key; did you mean evaluation.rivals?"),
    (["audit=leak"], "audit=leak: expected one of off, leaks; did you mean leaks?"),
    (["audit=leaks", "backtest=rolling"], "audit=leaks and backtest=rolling are two questions; ask them one after"),
    (["audit=leaks", "dataset.path=new.csv"], "audit=leaks and dataset.path are two questions"),
    (["backtest=expanding", "dataset.path=new.csv"], "backtest=expanding and dataset.path are two questions"),
    (
        ["audit=leaks", "backtest=rolling", "dataset.path=new.csv"],
        "audit=leaks and backtest=rolling and dataset.path are two questions",
    ),
    (["dataset.path="], "dataset.path=: must not be empty"),
    (
        ["backtest=expanding", "backtest.train=30D"],
        "backtest: train=30D is the span of backtest=rolling; expanding trains",
    ),
    (["backtest.every=28"], "backtest.every=28: expected text, got a whole number; for example backtest.every=28D"),
    (["dataset.path=[a,b]"], "dataset.path=['a', 'b']: expected text, got a list"),
    (["backtest.kind=roling"], "backtest.kind=roling: expected one of off, rolling, expanding; did you mean rolling?"),
    (["backtest.every=4weeks"], "backtest.every: must be a whole number and one of s, min, h, D (days), W (weeks)"),
    (["backtest.every=0D"], "backtest.every: must be a whole number"),
    (["backtest.every=7"], "backtest.every=7: expected text, got a whole number"),
    (["backtest.every=null"], "backtest.every=null: expected text, got null"),
    (["backtest.train=1y"], "backtest.train: must be a whole number"),
    (["backtest.origins=0"], "backtest.origins=0: expected a number above 0"),
    (["backtest.origins=1001"], "backtest.origins=1001: expected a number at most 1000"),
    (["backtest.refit=-1"], "backtest.refit=-1: expected a number at least 0"),
    (["backtest.processes=0"], "backtest.processes=0: expected a number above 0"),
    (
        ["backtest.first=soon"],
        "backtest.first: must be an ISO 8601 time without a zone, like 2030-12-31T23:00; got soon",
    ),
    (["backtest.first='2013-01-15T00:00Z'"], "backtest.first: must be an ISO 8601 time without a zone"),
    (["run="], "run=: must not be empty"),
    (["compare=[best]"], "compare: takes two runs, like compare=[latest,best]; got 1"),
    (["compare=[]"], "compare: takes two runs, like compare=[latest,best]; got 0"),
    (["compare=[a,b,c]"], "compare: takes two runs, like compare=[latest,best]; got 3"),
    (["compare=[best,best]"], "compare: names the run 'best' twice; give two runs, like compare=[latest,best]"),
    (["compare=best"], "compare=best: expected a list, like [a,b], got text"),
    (["compare=[best,7]"], "compare.1=7: expected text, got a whole number"),
    (["compare=[best,'']"], "compare.1=: must not be empty"),
    (["compare=[a,b]", "audit=leaks"], "audit=leaks and compare are two questions; ask them one after the other"),
    (["compare=[a,b]", "backtest=rolling"], "backtest=rolling and compare are two questions"),
    (["compare=[a,b]", "dataset.path=new.csv"], "dataset.path and compare are two questions"),
    (["compare=[a,b]", "evaluation.require=beats_baselines"], "evaluation.require=beats_baselines is asked of one run"),
    (["attention.series=JFK"], "attention.series without attention.at: name the window's last time too"),
    (["attention.at="], "attention.at: must be an ISO 8601 time without a zone"),
    (["attention.at=noon"], "attention.at: must be an ISO 8601 time without a zone, like 2030-12-31T23:00; got noon"),
    (["attention.at='2013-11-05T12:00Z'"], "attention.at: must be an ISO 8601 time without a zone"),
    (["attention.at=2013"], "attention.at=2013: expected text, got a whole number"),
    (["attention.at=2013-11-05T12:00", "audit=leaks"], "audit=leaks and attention.at are two questions"),
    (["attention.at=2013-11-05T12:00", "compare=[a,b]"], "compare and attention.at are two questions"),
    (["attention.at=2013-11-05T12:00", "attention.series="], "attention.series=: must not be empty"),
    (["+comparre=[a,b]"], "comparre: unknown key; did you mean compare?"),
]


@pytest.mark.parametrize(
    ("overrides", "words"), WRONG, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_a_wrong_setting_gets_one_line(compose_settings: Callable[..., Any], overrides: list[str], words: str) -> None:
    with pytest.raises(ConfigError) as error:
        validate(compose_settings(*overrides, script="evaluate"), EvaluateConfig)
    assert error.value.exit_code == 2
    (message,) = error.value.messages
    assert message.startswith(words)
    assert "\n" not in message


def test_the_nearest_rival_is_named(compose: Callable[..., TrainConfig]) -> None:
    with pytest.raises(ConfigError, match=r"did you mean persistence\?$"):
        compose("evaluation.rivals=[drift,persistance]")
    with pytest.raises(ConfigError, match=r"there are .*window_mean$"):
        compose("evaluation.rivals=[prophet_of_old]")


def test_every_rival_there_is_can_be_named_and_made(compose: Callable[..., TrainConfig]) -> None:
    assert compose(f"evaluation.rivals=[{','.join(RIVALS)}]").evaluation.rivals == RIVALS
    assert {"persistence", "seasonal_naive"} <= set(RIVALS)
    assert all(hasattr(rivals.make(name), "forecast") for name in RIVALS)
    assert set(compose("evaluation=default").evaluation.rivals) == set(RIVALS)


@pytest.mark.parametrize("words", [[], ["audit=off"], ["backtest=off"], ["backtest.kind=off"], ["dataset.path=null"]])
def test_off_is_a_word_and_no_yaml_false(compose_evaluate: Callable[..., EvaluateConfig], words: list[str]) -> None:
    config = compose_evaluate(*words, "evaluation.calibration=off")
    assert (config.audit, config.backtest.kind, config.dataset.path) == ("off", "off", None)
    assert config.evaluation.calibration == "off"


def test_what_is_not_typed_stays_as_it_is_stored(
    compose: Callable[..., TrainConfig], compose_evaluate: Callable[..., EvaluateConfig]
) -> None:
    stored = compose("evaluation.rivals=[drift]", "evaluation.bootstrap=7").evaluation
    assert compose_evaluate().evaluation.applied(stored) == stored
    changed = compose_evaluate("evaluation.bootstrap=0", "evaluation.slices=[]").evaluation.applied(stored)
    assert (changed.bootstrap, changed.slices, changed.rivals) == (0, (), ("drift",))
    assert changed.attention_windows == stored.attention_windows


def test_a_whole_choice_changes_all_of_the_stored_group(
    compose: Callable[..., TrainConfig], compose_evaluate: Callable[..., EvaluateConfig]
) -> None:
    stored = compose("evaluation.rivals=[drift]", "evaluation.bootstrap=7").evaluation
    assert compose_evaluate("evaluation=quick").evaluation.applied(stored) == compose("evaluation=quick").evaluation


def test_a_training_needs_every_key_of_the_group(compose: Callable[..., TrainConfig]) -> None:
    with pytest.raises(ConfigError) as error:
        compose("evaluation=as_trained")
    assert "evaluation.rivals=null: expected a list, like [a,b], got null" in error.value.messages


@pytest.mark.parametrize("span", ["45s", "15min", "1h", "28D", "4W", "1M", "999999h"])
def test_spans_arrive_as_typed(compose_evaluate: Callable[..., EvaluateConfig], span: str) -> None:
    found = compose_evaluate("backtest=rolling", f"backtest.every={span}", f"backtest.train={span}").backtest
    assert (found.every, found.train) == (span, span)


def test_a_backtest_as_the_headers_show_it(compose_evaluate: Callable[..., EvaluateConfig]) -> None:
    words = ["backtest=rolling", "backtest.every=1M", "backtest.first=2013-01-15T00:00", "backtest.refit=0"]
    assert compose_evaluate(*words).backtest == BacktestSpec(
        kind="rolling", origins=12, every="1M", first="2013-01-15T00:00", train=None, refit=0, processes=None
    )
    assert compose_evaluate("backtest=expanding", "backtest.first=2013-01-15").backtest.kind == "expanding"


def test_a_wrong_word_is_answered_without_keras_and_before_any_run_is_looked_for(project: Path, tmp_path: Path) -> None:
    prelude = (
        "import runpy, sys; sys.argv = sys.argv[1:]\n"
        "try: runpy.run_path(sys.argv[0], run_name='__main__')\n"
        "finally: sys.stderr.write(','.join({'keras', 'numpy', 'pandas', 'sklearn'} & set(sys.modules)))"
    )
    words = [str(project / "evaluate.py"), "evaluation.rivals=[persistance]", "backtest.every=4weeks"]
    done = subprocess.run(
        [sys.executable, "-c", prelude, *words],
        cwd=tmp_path,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == ["error", "error"]
    assert not list(tmp_path.iterdir())


def test_two_runs_to_compare_arrive_as_typed_and_none_by_default(
    compose_evaluate: Callable[..., EvaluateConfig],
) -> None:
    assert compose_evaluate("compare=[best,2026-01-31_12-00-00_0a1b2c]").compare == (
        "best",
        "2026-01-31_12-00-00_0a1b2c",
    )
    assert compose_evaluate().compare is None


def test_a_window_to_look_at_is_a_time_and_a_series_or_nothing(
    compose_evaluate: Callable[..., EvaluateConfig],
) -> None:
    asked = compose_evaluate("attention.at=2013-11-05T12:00", "attention.series=JFK").attention
    assert (asked.at, asked.series) == ("2013-11-05T12:00", "JFK")
    asked = compose_evaluate().attention
    assert (asked.at, asked.series) == (None, None)
