"""A ticket survives the way to a job."""

import re
from dataclasses import replace
from types import SimpleNamespace

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st

from headway.sweeps.ticket import Ticket

TICKET = Ticket(
    storage="postgresql://user:p@ss'\"@host/name",
    folder="/tmp/a folder, with [brackets] = and $signs/日本",
    study="heads-0a1b",
    trial=7,
    parent="2026-01-31_12-00-00_0a1b2c",
    parent_mlflow=None,
    sweeper={"host": "here", "pid": 11, "started": 1.25},
    swept=["model.heads=2", 'dataset.separator="\\t"'],
    objectives=["error", "seconds"],
    pruner="asha",
    is_search=True,
    epochs=13,
    threads=None,
)


def test_a_ticket_comes_back_as_it_was() -> None:
    assert Ticket.decode(TICKET.encode()) == TICKET


@given(folder=st.text(max_size=17), swept=st.lists(st.text(max_size=5), max_size=3), trial=st.integers(0, 10**6))
def test_a_ticket_passes_through_hydras_grammar_unchanged(folder: str, swept: list[str], trial: int) -> None:
    ticket = replace(TICKET, folder=folder, swept=swept, trial=trial)
    text = ticket.encode()
    assert re.fullmatch(r"[A-Za-z0-9_-]+", text)
    read = OverridesParser.create().parse_override(f"hydra.sweeper.ticket={text}").value()
    assert Ticket.of(SimpleNamespace(ticket=read)) == ticket


@pytest.mark.parametrize("sweeper", [SimpleNamespace(ticket=""), SimpleNamespace(), None])
def test_outside_of_a_sweep_there_is_no_ticket(sweeper: object) -> None:
    assert Ticket.of(sweeper) is None


@pytest.mark.parametrize("text", ["nothing", "e30", "W10", "é", TICKET.encode()[:-9]])
def test_what_is_no_ticket_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^This is no ticket of a sweep: "):
        Ticket.decode(text)
