"""The dataset group: digests by name, and the shipped benchmarks; what it refuses stands in tests/bad_inputs."""

from collections.abc import Callable
from typing import Any

import pytest

from headway.config.dataset import DatasetSpec
from headway.config.train import TrainConfig
from headway.config.validate import validate
from headway.errors import ConfigError

Compose = Callable[..., TrainConfig]

CSV = ("dataset=csv", "dataset.path=load.csv", "dataset.targets=null")
CLOCK = (*CSV, "dataset.timestamp=null", "dataset.start=2024-01-01", "dataset.frequency=1h")
DIGEST = "0f" * 32


def test_the_name_of_a_digest_has_no_folder(compose_settings: Callable[..., Any]) -> None:
    settings = compose_settings(*CLOCK)["dataset"]
    for name in ("data/load.csv", "", 7):
        with pytest.raises(ConfigError, match="sha256: must name files without their folders"):
            validate(settings | {"sha256": {name: DIGEST}}, DatasetSpec)
    for known in (None, DIGEST, {"load.csv": DIGEST}, {}):
        assert validate(settings | {"sha256": known}, DatasetSpec).sha256 == known


def test_a_digest_on_the_command_line_takes_the_place_of_a_named_one(compose: Compose) -> None:
    named = compose("dataset=etth1").dataset.sha256
    assert isinstance(named, dict) and [*named] == ["ETTh1.csv"]
    assert compose("dataset=etth1", f"dataset.sha256={DIGEST}").dataset.sha256 == DIGEST
    assert compose("dataset=etth1", "dataset.sha256=null").dataset.sha256 is None


def test_a_block_without_embedding_is_not_counted_before_its_columns_are_known(compose: Compose) -> None:
    words = ("dataset.features=[a,b]", "model.embedding=none", "model.d_model=6", "model.heads=1")
    assert compose(*CLOCK, *words).dataset.targets is None
    with pytest.raises(ConfigError, match=r"needs model\.d_model=3"):
        compose(*CLOCK, *words, "dataset.targets=[c]")


@pytest.mark.parametrize("name", ["etth1", "exchange_rate"])
def test_a_benchmark_says_where_it_comes_from_and_forecasts_every_column(compose: Compose, name: str) -> None:
    spec = compose(f"dataset={name}").dataset
    assert spec.targets is None
    assert spec.source is not None and "github.com/" in spec.source
    assert spec.path.startswith("data/external/") and isinstance(spec.sha256, dict)
    assert [*spec.sha256] == [spec.path.removeprefix("data/external/")]


def test_more_names_than_a_file_has_columns_are_refused_in_one_line(compose_settings: Callable[..., Any]) -> None:
    settings = compose_settings(*CLOCK)["dataset"]
    with pytest.raises(ConfigError) as error:
        validate(settings | {"known_future": [f"c{number}" for number in range(100_000)]}, DatasetSpec)
    (message,) = error.value.messages
    assert message.endswith("expected at most 10000 of them, got 100000")
    assert len(message) < 200
