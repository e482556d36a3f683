"""What the dataset group refuses on sight: exit code 2, and one line that says what to set."""

import re
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

# What is typed, and what the message must match.
REFUSED: dict[str, tuple[tuple[str, ...], str]] = {
    "no clock": (
        (*CSV, "dataset.timestamp=null"),
        r"^dataset: timestamp=null needs start and frequency.*got start=null, frequency=null; set dataset\.start=",
    ),
    "no start": ((*CLOCK, "dataset.start=null"), r"got start=null, frequency=1h; set dataset\.start="),
    "no frequency": ((*CLOCK, "dataset.frequency=null"), r"got start=2024-01-01, frequency=null; set dataset\.start="),
    "two times": ((*CLOCK, "dataset.timestamp=time"), "start=2024-01-01 .* timestamp=time names a .*set one .*null"),
    "series": (
        (*CLOCK, "dataset.series=place"),
        "timestamp=null cannot tell .*series=place .*; name the column of times",
    ),
    "start that is no time": ((*CLOCK, "dataset.start=soon"), r"dataset\.start: must be an ISO 8601 time .*got soon"),
    "start with a zone": ((*CLOCK, "dataset.start='2024-01-01T00:00Z'"), "without a zone"),
    "day some months lack": (
        (*CLOCK, "dataset.frequency=1M", "dataset.start=2024-01-29"),
        "start=2024-01-29 on a clock of 1M is a day that not every month has; start on one up to the 28th",
    ),
    "start after the latest": (
        (*CLOCK, "dataset.latest='2023-12-31T23:00'"),
        "start=2024-01-01 lies after latest=2023-12-31T23:00; correct one",
    ),
    "no columns": ((*CLOCK, "dataset.columns=[]"), r"dataset\.columns=\[\]: must not be empty"),
    "no targets": ((*CLOCK, "dataset.targets=[]"), r"dataset\.targets=\[\]: must not be empty"),
    "column twice": ((*CLOCK, "dataset.columns=[a,b,a]"), "columns names 'a' twice; give every column a name"),
    "columns of parquet": (
        (*CLOCK, "dataset.columns=[a]", "dataset.path=load.PQ"),
        r"columns names .* but load\.PQ is parquet; set it to null",
    ),
    "target known in advance": (
        (*CLOCK, "dataset.targets=[a]", "dataset.known_future=[a]"),
        "column 'a' has two roles",
    ),
    "word for a digest": (
        (*CLOCK, "dataset.sha256=abc"),
        r"dataset\.sha256=abc: expected text that matches \^\[0-9a-f",
    ),
    "number for a digest": ((*CLOCK, "dataset.sha256=7"), r"dataset\.sha256=7: expected text, got a whole number"),
    "word for a named digest": (
        (*CLOCK, "dataset.sha256={load.csv:abc}"),
        r"dataset\.sha256=\{'load\.csv': 'abc'\}: expected text that matches",
    ),
    "null for a named digest": ((*CLOCK, "dataset.sha256={load.csv:null}"), r"dataset\.sha256=.*: expected text"),
    "long source": ((*CLOCK, f"dataset.source={'x' * 501}"), r"dataset\.source=x+\.\.\.: expected at most 500 char"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused_before_the_file_is_looked_for(compose: Compose, case: str) -> None:
    overrides, words = REFUSED[case]
    with pytest.raises(ConfigError) as error:
        compose(*overrides)
    assert error.value.exit_code == 2
    assert len(error.value.messages) == 1
    assert re.search(words, str(error.value)), str(error.value)


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
