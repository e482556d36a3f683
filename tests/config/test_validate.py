"""What becomes of settings that are taken, and of several mistakes; one by one they stand in tests/bad_inputs."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from headway.config.dataset import DatasetSpec
from headway.config.evaluate import EvaluateConfig
from headway.config.sweep import TrainCommand
from headway.config.train import TrainConfig
from headway.config.validate import known_keys, validate
from headway.errors import ConfigError

CSV = ["dataset=csv", "dataset.path=a.csv", "dataset.timestamp=time", "dataset.targets=[y]"]


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
