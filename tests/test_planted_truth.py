"""A series of which the truth is known: its next value depends on the one three steps before it, and on nothing else.

Ten seeds of everything: pytest -m slow tests/test_planted_truth.py
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from headway.config.train import TrainConfig
from headway.data import sources
from headway.explanation import Explanation, explain
from headway.fitting import fit_forecaster
from headway.task import prepare

ROWS, CONTEXT = 6000, 6
PLANTED = CONTEXT - 3  # position in the context of the value three steps before the next
Explained = Callable[..., Explanation]


@pytest.fixture
def explained(compose: Callable[..., TrainConfig], tmp_path: Path) -> Explained:
    """Trains on the planted series of a seed and explains the test windows: explained(0, "model.readout=last")."""

    def run(seed: int, *overrides: str) -> Explanation:
        shocks = np.random.default_rng(seed).normal(scale=0.6, size=ROWS)
        load = np.zeros(ROWS)
        for row in range(3, ROWS):
            load[row] = 0.8 * load[row - 3] + shocks[row]
        hours = pd.date_range("2020-01-01", periods=ROWS, freq="h")
        path = tmp_path / f"planted_{seed}.csv"
        pd.DataFrame({"time": hours.strftime("%Y-%m-%dT%H:%M"), "load": load}).to_csv(path, index=False)
        config = compose(
            *("dataset=csv", f"dataset.path={path}", "dataset.timestamp=time", "dataset.targets=[load]"),
            *(
                "windows.horizon=1",
                f"seed={seed}",
                "training.ensemble=1",
                "training.epochs=20",
                "training.patience=20",
                *overrides,
            ),
        )
        dataset = sources.read(config.dataset, project=tmp_path)
        task = prepare(dataset, dataset_spec=config.dataset, splits=config.splits, windows=config.windows)
        forecaster, _ = fit_forecaster(config, task, precision="float32")
        return explain(
            forecaster, task, "test", windows=5000, readout=config.model.readout, draws=1000, seed=config.seed
        )

    return run


def test_attention_that_is_the_only_way_points_at_the_planted_lag_and_is_believed(explained: Explained) -> None:
    found = explained(1, "model.readout=last")
    assert found.attention.argmax() == PLANTED
    assert found.lags[:, 0].argmax() == PLANTED
    assert found.verdict.trusted, found.verdict.words
    assert found.verdict.headline.startswith("attention ranks the lags as permutation does")


@pytest.mark.parametrize("control", ["uniform", "frozen"])
def test_attention_that_learned_nothing_is_not_believed(explained: Explained, control: str) -> None:
    found = explained(1, "model.readout=last", f"model.attention={control}", "training.epochs=5")
    assert not found.verdict.trusted
    assert found.verdict.headline.startswith("do not read this map as importance")


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_trained_attention_is_right_and_believed_in_nine_of_ten_seeds(explained: Explained) -> None:
    found = [explained(seed, "model.readout=last") for seed in range(10)]
    assert [one.lags[:, 0].argmax() for one in found] == [PLANTED] * 10
    assert sum(one.attention.argmax() == PLANTED for one in found) >= 9
    assert sum(one.verdict.trusted for one in found) >= 9, [one.verdict.words for one in found]


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("control", ["uniform", "frozen"])
def test_controls_are_believed_in_none_of_ten_seeds(explained: Explained, control: str) -> None:
    # What a network with frozen weights can hear, it may use: six steps before tell of three steps before.
    found = [explained(seed, "model.readout=last", f"model.attention={control}") for seed in range(10)]
    assert not any(one.verdict.trusted for one in found), [one.verdict.words for one in found]


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_attention_that_the_forecast_can_do_without_is_not_believed(explained: Explained) -> None:
    """The default reads every encoded step: the planted lag reaches the forecast around attention."""
    found = [explained(seed) for seed in range(10)]
    assert [one.lags[:, 0].argmax() for one in found] == [PLANTED] * 10
    wrong = [one for one in found if one.attention.argmax() != PLANTED]
    assert not any(one.verdict.trusted for one in wrong)
