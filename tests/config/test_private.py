"""Where a setting may hold a secret, and where it may not."""

import pytest

from headway.config.private import refuse_secrets, refuse_typed_secrets
from headway.errors import ConfigError

TOKEN = "q7Zr-kk3_9fX2vLw"


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_TOKEN", TOKEN)


@pytest.mark.parametrize(
    "settings",
    [
        {"dataset": {"name": f"a {TOKEN}"}},
        {"dataset": {"units": {TOKEN: "K"}}},
        {"dataset": {"targets": ["load", TOKEN]}},
        {"tracking": {"experiment": TOKEN}},
        {"dataset": {"source": "https://u:hunter2@h"}},
        {"tracking": {"uri2": TOKEN}},
    ],
    ids=["value", "key", "list", "group", "address", "another key"],
)
def test_a_secret_is_refused_by_the_name_of_its_place_and_never_repeated(settings: object) -> None:
    with pytest.raises(ConfigError, match="and settings are stored with the run; leave it out") as error:
        refuse_secrets(settings)
    (message,) = error.value.messages
    assert TOKEN not in message
    assert "hunter2" not in message
    assert message.startswith(("dataset.", "tracking."))


def test_the_variable_that_holds_it_is_named() -> None:
    with pytest.raises(ConfigError, match=r"^model.head: holds the value of HUB_TOKEN, which by its name is a secret"):
        refuse_secrets({"model": {"head": TOKEN}})


def test_two_addresses_may_hold_one_and_numbers_hold_none() -> None:
    refuse_secrets({"tracking": {"uri": f"http://u:{TOKEN}@h"}, "sweep": {"storage": TOKEN}, "seed": 7, "x": None})


@pytest.mark.parametrize("word", [f"dataset.name={TOKEN}", f"+{TOKEN}=1", f"++dataset.units.a={TOKEN}", TOKEN, "a=http://u:pw@h"])  # fmt: skip
def test_a_typed_secret_is_refused_and_never_repeated(word: str) -> None:
    with pytest.raises(ConfigError) as error:
        refuse_typed_secrets(["seed=1", word])
    assert TOKEN not in str(error.value)
    assert "pw@" not in str(error.value)


@pytest.mark.parametrize("word", [f"tracking.uri=http://u:{TOKEN}@h", f"++sweep.storage={TOKEN}", "seed=1", "--help", "+dataset.units.token=K"])  # fmt: skip
def test_what_may_be_typed_is_let_through(word: str) -> None:
    refuse_typed_secrets([word])
