"""A study outlives whoever writes it: torn lines, other processes, and who may count trials."""

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest
from optuna.storages import BaseStorage

from headway.errors import ConfigError, StorageError
from headway.sweeps import storage
from headway.sweeps.storage import FILE, JOURNAL, alone, open_storage, shown

WRITER = """
import sys
from pathlib import Path
import optuna
from headway.sweeps.storage import open_storage
study = optuna.load_study(study_name="weather", storage=open_storage("journal", Path(sys.argv[1])))
for number in range(11):
    trial = study.ask()
    trial.set_user_attr("from", f"{sys.argv[2]} {number}")
    study.tell(trial, float(number))
"""


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """The folder of a study with five finished trials."""
    study = optuna.create_study(study_name="weather", storage=open_storage(JOURNAL, tmp_path / "made" / "here"))
    for number in range(5):
        trial = study.ask()
        trial.set_user_attr("name", f"trial\u2028{number}")
        study.tell(trial, float(number))
    return tmp_path / "made" / "here"


def values(folder: Path) -> list[float | None]:
    study = optuna.load_study(study_name="weather", storage=open_storage(JOURNAL, folder))
    return [trial.value if trial.state.is_finished() else None for trial in study.trials]


@pytest.mark.parametrize("kept", [1, 2, 7, 31, -1])
def test_a_torn_last_line_is_cut_off_and_nothing_else(journal: Path, kept: int) -> None:
    lines = (journal / FILE).read_bytes().splitlines(keepends=True)
    (journal / FILE).write_bytes(b"".join(lines[:-1]) + lines[-1][:kept])
    # The last line is what told the last trial's value.
    assert values(journal) == [0, 1, 2, 3, None]
    assert (journal / FILE).read_bytes() == b"".join(lines[:-1])


def test_after_a_torn_line_the_study_goes_on(journal: Path) -> None:
    with (journal / FILE).open("ab") as file:
        file.write(b'{"op_code": 4, "wor')
    study = optuna.load_study(study_name="weather", storage=open_storage(JOURNAL, journal))
    study.tell(study.ask(), 97.0)
    assert values(journal) == [0, 1, 2, 3, 4, 97]


def test_a_line_that_another_process_left_unfinished_is_cut_off_by_the_next_writer(journal: Path) -> None:
    study = optuna.load_study(study_name="weather", storage=open_storage(JOURNAL, journal))
    with (journal / FILE).open("ab") as file:
        file.write(b'{"op_code": 4, "wor')
    study.tell(study.ask(), 97.0)
    assert b'"wor{' not in (journal / FILE).read_bytes()
    assert values(journal) == [0, 1, 2, 3, 4, 97]


@pytest.mark.parametrize("content", [None, b"", b"{"])
def test_a_journal_without_a_whole_line_is_a_new_one(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / FILE).write_bytes(content)
    assert open_storage(JOURNAL, tmp_path).get_all_studies() == []


def test_a_whole_journal_stays_as_it_is(journal: Path) -> None:
    before = (journal / FILE).read_bytes()
    open_storage(JOURNAL, journal)
    assert (journal / FILE).read_bytes() == before


def test_processes_that_write_together_lose_nothing(journal: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(journal), name]) for name in "abc"]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0, 0]
    trials = optuna.load_study(study_name="weather", storage=open_storage(JOURNAL, journal)).trials
    assert [trial.number for trial in trials] == list(range(5 + 33))
    written = {trial.user_attrs["from"]: trial.value for trial in trials[5:]}
    assert written == {f"{name} {number}": float(number) for name in "abc" for number in range(11)}


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"file.*study\.jsonl cannot be opened: .*give another sweep\.name"):
        open_storage(JOURNAL, tmp_path / "file" / "sweep")


@pytest.mark.parametrize(
    "make",
    [
        lambda folder: open_storage(JOURNAL, folder),
        lambda folder: open_storage(f"sqlite:///{folder}/study.db", folder),
        lambda folder: optuna.storages.InMemoryStorage(),
    ],
    ids=["journal", "sqlite", "memory"],
)
def test_one_sweeper_at_a_time_counts_trials(tmp_path: Path, make: Callable[[Path], BaseStorage]) -> None:
    opened, order, is_waiting = make(tmp_path), [], threading.Event()

    def other() -> None:
        is_waiting.set()
        with alone(opened, tmp_path):
            order.append("other")

    thread = threading.Thread(target=other)
    with alone(opened, tmp_path):
        thread.start()
        is_waiting.wait()
        thread.join(timeout=0.2)
        order.append("own")
    thread.join(timeout=60)
    assert order == ["own", "other"]


def test_who_fails_alone_lets_the_next_one_in(tmp_path: Path) -> None:
    opened = open_storage(JOURNAL, tmp_path)
    with pytest.raises(RuntimeError, match="as asked"), alone(opened, tmp_path):
        raise RuntimeError("as asked")
    with alone(opened, tmp_path):
        assert (tmp_path / FILE).exists() or opened.get_all_studies() == []


def test_a_database_keeps_studies(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/study.db"
    optuna.create_study(study_name="weather", storage=open_storage(address, tmp_path))
    assert optuna.load_study(study_name="weather", storage=open_storage(address, tmp_path)).trials == []


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("sqlite:////no/such/folder/study.db", "cannot be opened: unable to open database file"),
        ("postgresql+nothing://user:secret@host/name", "pip install -e '.[postgres]' brings the driver"),
        ("postgresql+psycopg://user:secret@127.0.0.1:9/name", "cannot be opened: "),
    ],
)
def test_a_database_that_cannot_be_opened_is_named_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, words: str
) -> None:
    monkeypatch.setattr(storage, "_PAUSE", 0.0)
    with pytest.raises(ConfigError) as error:
        open_storage(address, tmp_path)
    (message,) = error.value.messages
    assert message.startswith(f"sweep.storage={address.replace('secret', '***')}: ")
    assert words in message
    assert "secret" not in message


def test_an_address_that_is_none_is_a_mistake_of_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        open_storage("postgresql://user:secret@host:port/name", tmp_path)


def test_a_storage_is_shown_without_its_password() -> None:
    assert shown(JOURNAL) == "journal"
    assert shown("postgresql+psycopg://user:secret@host:97/name") == "postgresql+psycopg://user:***@host:97/name"
    assert shown("sqlite:///study.db") == "sqlite:///study.db"
