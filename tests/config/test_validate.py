"""Every wrong setting gets one line: its key, its value, and what is allowed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from headway.config.dataset import DatasetSpec
from headway.config.evaluate import EvaluateConfig
from headway.config.sweep import TrainCommand
from headway.config.train import TrainConfig
from headway.config.validate import known_keys, validate
from headway.errors import ConfigError

CSV = ["dataset=csv", "dataset.path=a.csv", "dataset.timestamp=time", "dataset.targets=[y]"]

# Overrides as typed, and what the one message must say.
WRONG: list[tuple[list[str], str]] = [
    (["model.heads=0"], "model.heads=0: expected a number above 0"),
    (["model.heads=-2"], "model.heads=-2: expected a number above 0"),
    (["model.heads=two"], "model.heads=two: expected a whole number, got text"),
    (["model.heads=4.0"], "model.heads=4.0: expected a whole number, got a number"),
    (["model.heads=true"], "model.heads=true: expected a whole number, got true or false"),
    (["model.heads=null"], "model.heads=null: expected a whole number, got null"),
    (["model.heads=010"], "model.heads=010: expected a whole number, got text"),
    (["model.heads=3"], "model: heads must divide d_model: got heads=3, d_model=32. Set model.heads to 1, 2, 4, 8, 16"),
    (["model.d_model=0"], "model.d_model=0: expected a number above 0"),
    (["model.layers=0"], "model.layers=0: expected a number above 0"),
    (["model.key_dim=0"], "model.key_dim=0: expected a number above 0"),
    (["model.dropout=1.5"], "model.dropout=1.5: expected a number below 1"),
    (["model.dropout=1.0"], "model.dropout=1.0: expected a number below 1"),
    (["model.dropout=-0.1"], "model.dropout=-0.1: expected a number at least 0"),
    (["model.dropout=nan"], "model.dropout=nan: must be a finite number"),
    (
        ["model.attention=sefl"],
        "model.attention=sefl: expected one of self, projected, uniform, frozen; did you mean self?",
    ),
    (["model.head=median"], "model.head=median: expected one of quantile, point"),
    (["model.quantiles=[]"], "model.quantiles=[]: must not be empty"),
    (["model.quantiles=[0.1,0.9]"], "model: quantiles must rise and hold 0.5"),
    (["model.quantiles=[0.9,0.5]"], "model: quantiles must rise and hold 0.5"),
    (["model.quantiles=[0.5,1.5]"], "model.quantiles.1=1.5: expected a number below 1"),
    (["model.embedding=none"], "model.embedding=none needs model.d_model=8, the number of features; got 32"),
    (["+model.foo=1"], "model.foo: unknown key; model has attention, heads,"),
    (["+model.haeds=1"], "model.haeds: unknown key; did you mean model.heads?"),
    (["+haeds=1"], "haeds: unknown key; did you mean model.heads?"),
    (["+whatever=1"], "whatever: unknown key; the top level has seed, evaluate, backend,"),
    (["~model.heads"], "model.heads: required but not set"),
    (["windows.context_length=0"], "windows.context_length=0: expected a number above 0"),
    (["windows.context_length=-1"], "windows.context_length=-1: expected a number above 0"),
    (["windows.horizon=0"], "windows.horizon=0: expected a number above 0"),
    (["windows.stride=0"], "windows.stride=0: expected a number above 0"),
    (["splits.train=0.9"], "splits: train + validation + test = 1.2; fractions must sum to at most 1"),
    (["splits.test=0"], "splits.test=0: expected a number above 0"),
    (["splits.test=0.0"], "splits.test=0.0: expected a number above 0 or a whole number"),
    (["splits.test=1.5"], "splits.test=1.5: expected a number below 1 or a whole number"),
    (["splits.test=much"], "splits.test=much: expected a number or a whole number, got text"),
    (["splits.train=8640"], "splits: train, validation and test must be three fractions or three numbers of rows"),
    (["splits.purge=-1"], "splits.purge=-1: expected a number at least 0"),
    (
        ["splits.train=11", "splits.validation=7", "splits.test=7"],
        "splits.train has 11 rows but a window needs 12; lower windows.horizon or enlarge the split",
    ),
    (
        ["splits.train=101", "splits.validation=53", "splits.test=5"],
        "splits.test has 5 rows but a window needs 6",
    ),
    (
        ["splits.train=101", "splits.validation=53", "splits.test=53", "splits.purge=48"],
        "splits.validation has 5 rows but a window needs 6",
    ),
    (["seed=-1"], "seed=-1: expected a number at least 0"),
    (["seed=4294967296"], "seed=4294967296: expected a number at most 4294967295"),
    (["seed=lucky"], "seed=lucky: expected a whole number, got text"),
    (["evaluate=yes"], "evaluate=yes: expected true or false, got text"),
    (["evaluate=on"], "evaluate=on: expected true or false, got text"),
    (["evaluate=1"], "evaluate=1: expected true or false, got a whole number"),
    (["training.jit=no"], "training.jit=no: expected true or false, got text"),
    (["backend=torch"], "backend=torch: expected one of auto, tensorflow, jax"),
    (["training.batch_size=0"], "training.batch_size=0: expected a number above 0"),
    (["training.epochs=0"], "training.epochs=0: expected a number above 0"),
    (["training.learning_rate=nan"], "training.learning_rate=nan: must be a finite number"),
    (["training.learning_rate=inf"], "training.learning_rate=inf: must be a finite number"),
    (["training.learning_rate=-1"], "training.learning_rate=-1: expected a number above 0"),
    (["training.learning_rate='1e-3'"], "training.learning_rate=1e-3: expected a number, got text"),
    (["training.precision=float8"], "training.precision=float8: expected one of auto, float32, mixed_bfloat16,"),
    (["training.optimizer=adamm"], "training.optimizer=adamm: expected one of adamw, adam, sgd; did you mean adam?"),
    (["training.loss=mape"], "training.loss=mape: expected one of auto, pinball, mae, mse"),
    (["training.loss=mae"], "training.loss=mae does not fit model.head=quantile"),
    (["model.head=point", "training.loss=pinball"], "training.loss=pinball does not fit model.head=point"),
    (["training.schedule=linear"], "training.schedule=linear: expected one of cosine, constant"),
    (["evaluation.rivals=[persistance]"], "evaluation.rivals.0: 'persistance' is no rival; there are drift, gradient_"),
    (["evaluation.rivals=persistence"], "evaluation.rivals=persistence: expected a list, like [a,b], got text"),
    (["evaluation.rivals=[drift,nlinear,drift]"], "evaluation.rivals: 'drift' is named twice"),
    (["evaluation.rivals=[1]"], "evaluation.rivals.0=1: expected text, got a whole number"),
    (["evaluation.rivals=null"], "evaluation.rivals=null: expected a list, like [a,b], got null"),
    (["evaluation.slices=hour"], "evaluation.slices=hour: expected a list, like [a,b], got text"),
    (["evaluation.slices=[hour,temp,hour]"], "evaluation.slices: 'hour' is named twice"),
    (["evaluation.slices=['']"], "evaluation.slices.0=: must not be empty"),
    (
        ["evaluation.calibration=conformal_"],
        "evaluation.calibration=conformal_: expected one of conformal, off; did you",
    ),
    (["evaluation.bootstrap=-1"], "evaluation.bootstrap=-1: expected a number at least 0"),
    (["evaluation.bootstrap=1000001"], "evaluation.bootstrap=1000001: expected a number at most 1000000"),
    (["evaluation.bootstrap=1e3"], "evaluation.bootstrap=1000.0: expected a whole number, got a number"),
    (
        ["evaluation.require=beats_baseline"],
        "evaluation.require=beats_baseline: expected one of nothing, beats_baselines; did you mean beats_baselines?",
    ),
    (["evaluation.batch_size=0"], "evaluation.batch_size=0: expected a number above 0"),
    (["evaluation.attention_windows=10001"], "evaluation.attention_windows=10001: expected a number at most 10000"),
    (["tracking.kind=wandb"], "tracking.kind=wandb: expected one of mlflow, off"),
    (["dataset.targets=temp"], "dataset.targets=temp: expected a list, like [a,b], got text"),
    (["dataset.targets=[]"], "dataset.targets=[]: must not be empty"),
    (["dataset.targets=[1]"], "dataset.targets.0=1: expected text, got a whole number"),
    (["dataset.targets=[temp,temp]"], "dataset: column 'temp' has two roles"),
    (["dataset.known_future=[time_hour]"], "dataset: column 'time_hour' has two roles"),
    (["dataset.features=[temp,time_hour]"], "dataset: features names 'time_hour', which has another role already"),
    (["dataset.features=[dewp,dewp]"], "dataset: features names a column twice"),
    (["dataset.known_future=[humid]"], "dataset: features names 'humid', which has another role already"),
    (["dataset.sha256=abc"], "dataset.sha256=abc: expected text that matches ^[0-9a-f]{64}$"),
    (
        ["dataset.frequency=1x"],
        "dataset.frequency=1x: expected text that matches ^[1-9][0-9]{0,5}(s|min|h|D|W|M)$; for",
    ),
    (["dataset.separator=ab"], "dataset.separator=ab: expected at most 1 characters"),
    (["dataset.latest=tomorrow"], "dataset.latest: must be an ISO 8601 time without a zone"),
    (["dataset.latest='2024-01-01T00:00Z'"], "dataset.latest: must be an ISO 8601 time without a zone"),
    (["dataset.plausible.temp=[9,3]"], "dataset: plausible.temp: the lowest value 9 is not below the highest 3"),
    (["dataset.plausible.temp=9"], "dataset.plausible.temp=9: expected a list, like [a,b], got a whole number"),
    (["dataset.max_jump.temp=0"], "dataset: max_jump.temp=0: must be above 0"),
    (["dataset.components.wind=5"], "dataset.components.wind=5: expected a mapping, like {a: 1}, got a whole number"),
    (["+dataset.calendar.days=1"], "dataset.calendar.days=days: expected one of hour, day, week, year"),
    (["dataset.calendar.day=-1"], "dataset.calendar.day=-1: expected a number at least 0"),
    (["dataset.duplicates=last"], "dataset.duplicates=last: expected one of error, first, mean"),
    (["dataset.season=0"], "dataset.season=0: expected a number above 0"),
    (["dataset.name=null"], "dataset.name=null: expected text, got null"),
]


@pytest.mark.parametrize(
    ("overrides", "words"), WRONG, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_a_wrong_setting_gets_one_line(compose_settings: Callable[..., Any], overrides: list[str], words: str) -> None:
    with pytest.raises(ConfigError) as error:
        validate(compose_settings(*overrides), TrainCommand)
    assert error.value.exit_code == 2
    (message,) = error.value.messages
    assert message.startswith(words)
    assert "\n" not in message


def test_every_mistake_gets_a_line_of_its_own(compose: Callable[..., TrainConfig]) -> None:
    with pytest.raises(ConfigError) as error:
        compose("model.heads=0", "seed=-1", "+model.foo=1", "training.epochs=many")
    assert sorted(message.split("=")[0].split(":")[0] for message in error.value.messages) == [
        "model.foo",
        "model.heads",
        "seed",
        "training.epochs",
    ]


def test_what_a_csv_needs_is_named_with_an_example(compose: Callable[..., TrainConfig]) -> None:
    with pytest.raises(ConfigError) as error:
        compose("dataset=csv")
    assert error.value.messages == (
        "dataset.path: required but not set; for example dataset.path=my.csv",
        "dataset.timestamp: required but not set; for example dataset.timestamp=time",
        "dataset.targets: required but not set; for example dataset.targets=[load]",
    )


@pytest.mark.parametrize("settings", [None, [], "model"])
def test_settings_that_are_no_mapping_are_refused(settings: object) -> None:
    with pytest.raises(ConfigError, match="expected a mapping of settings"):
        validate(settings, TrainCommand)


def test_numbers_and_lists_arrive_as_typed(compose: Callable[..., TrainConfig]) -> None:
    config = compose(*CSV, "splits.train=101", "splits.validation=53", "splits.test=53", "training.learning_rate=1")
    assert (config.splits.train, type(config.splits.train)) == (101, int)
    assert config.dataset.targets == ("y",)
    assert config.training.learning_rate == 1.0
    assert compose('dataset.separator="\\t"').dataset.separator == "\t"


def test_a_configuration_cannot_be_changed(compose: Callable[..., TrainConfig]) -> None:
    with pytest.raises(ValueError, match="frozen"):
        compose().model.heads = 8


@pytest.mark.parametrize(
    ("overrides", "loss", "levels"),
    [
        ([], "pinball", (0.1, 0.25, 0.5, 0.75, 0.9)),
        (["model.head=point"], "mae", (0.5,)),
        (["model.head=point", "training.loss=mse"], "mse", (0.5,)),
    ],
)
def test_loss_and_levels_follow_the_head(
    compose: Callable[..., TrainConfig], overrides: list[str], loss: str, levels: tuple[float, ...]
) -> None:
    config = compose(*overrides)
    assert (config.loss, config.model.levels) == (loss, levels)


def choices(project: Path, *groups: str) -> list[str]:
    return [f"{group}={file.stem}" for group in groups for file in sorted((project / "conf" / group).glob("*.yaml"))]


def test_every_choice_of_every_group_composes(compose: Callable[..., TrainConfig], project: Path) -> None:
    groups = sorted(folder.name for folder in (project / "conf").iterdir() if folder.is_dir())
    found = choices(project, *(group for group in groups if group != "backtest"))
    assert {"dataset=csv", "dataset=nyc_weather", "tracking=off", "training=fast", "evaluation=quick"} <= set(found)
    for choice in found:
        required = CSV[1:] if choice == "dataset=csv" else []
        if choice in ("model=patches", "model=random_walk"):  # their patches fill no context of six steps
            required = ["windows.context_length=96"]
        if choice != "evaluation=as_trained":  # of evaluate.py alone: a training has nothing stored to keep to
            assert compose(choice, *required).dataset.name


def test_every_choice_of_every_group_of_evaluate_composes(
    compose_evaluate: Callable[..., EvaluateConfig], project: Path
) -> None:
    for choice in choices(project, "backtest", "evaluation", "tracking"):
        assert compose_evaluate(choice).run == "latest"


def test_every_key_of_a_spec_stands_in_its_file_and_the_reverse(project: Path) -> None:
    settings = yaml.safe_load((project / "conf/dataset/csv.yaml").read_text())
    assert set(settings) == set(known_keys(DatasetSpec))
