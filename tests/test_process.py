"""Which process does something, and whether it still does."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import psutil
import pytest

from headway.process import Process


@pytest.fixture
def sleeper() -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield process
    process.kill()
    process.wait()


def identity(process: "subprocess.Popen[bytes]") -> Process:
    return replace(Process.own(), pid=process.pid, started=psutil.Process(process.pid).create_time())


def test_the_process_that_asks_is_alive_and_names_itself_the_same_way_every_time() -> None:
    own = Process.own()
    assert (own.pid, own.is_here, own.is_alive) == (os.getpid(), True, True)
    assert own == Process.own()


def test_a_killed_process_is_no_longer_alive(sleeper: "subprocess.Popen[bytes]") -> None:
    process = identity(sleeper)
    assert process.is_alive
    sleeper.kill()
    sleeper.wait()
    assert not process.is_alive


def test_a_process_that_ended_and_that_nobody_asked_for_its_result_is_not_alive(
    sleeper: "subprocess.Popen[bytes]",
) -> None:
    process = identity(sleeper)
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)  # waits, and leaves the zombie where it is
    assert psutil.Process(sleeper.pid).status() == psutil.STATUS_ZOMBIE
    assert not process.is_alive


@pytest.mark.parametrize(("seconds", "alive"), [(0.5, True), (-0.5, True), (11.0, False), (-11.0, False)])
def test_a_process_that_got_the_number_of_an_earlier_one_is_another(seconds: float, alive: bool) -> None:
    own = Process.own()
    assert replace(own, started=own.started + seconds).is_alive == alive


def test_of_a_process_on_another_machine_nothing_is_known() -> None:
    other = replace(Process.own(), host="another-machine")
    assert (other.is_here, other.is_alive) == (False, False)


def test_what_was_stored_is_read_back() -> None:
    assert Process.read(Process.own().as_dict()) == Process.own()


@pytest.mark.parametrize("stored", [None, 7, "text", [], {}, {"host": "a", "pid": "x", "started": 1.0}, {"host": "a"}])
def test_what_is_no_process_is_read_as_none(stored: object) -> None:
    assert Process.read(stored) is None


def test_the_peak_of_memory_is_in_megabytes_and_stays() -> None:
    code = (
        "import psutil\n"
        "from headway.process import peak_memory\n"
        "print(psutil.Process().memory_info().rss / 1e6, peak_memory())\n"
        "block = bytearray(97_000_000)\n"
        "block[::4096] = b'x' * len(block[::4096])\n"
        "print(peak_memory())\n"
        "del block\n"
        "print(peak_memory())\n"
    )
    # The process that starts it is larger, which is none of its own memory.
    larger = bytearray(b"x") * 211_000_000
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    held, before, grown, after = map(float, told.split())
    assert len(larger) == 211_000_000
    assert 0.9 * held < before < held + 60
    assert grown - before == pytest.approx(97, abs=15)
    assert after > grown - 5  # the kernel counts pages by the batch
