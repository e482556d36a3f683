"""A first Ctrl-C waits for what must be saved; a second one does not."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from headway import interruption

WAITING = """
import time
from headway import interruption
with interruption.deferred() as stop:
    print("ready", flush=True)
    while True:
        time.sleep(0.01)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_one_is_only_noted_and_the_old_handler_comes_back(
    number: signal.Signals, capfd: pytest.CaptureFixture[str]
) -> None:
    before = signal.getsignal(number)
    with interruption.deferred() as stop:
        assert not stop()
        os.kill(os.getpid(), number)
        deadline = time.monotonic() + 10
        while not stop() and time.monotonic() < deadline:
            time.sleep(0.001)
        assert stop()
    assert signal.getsignal(number) is before
    assert "again to stop at once" in capfd.readouterr().err


@pytest.mark.parametrize("numbers", [(signal.SIGINT, signal.SIGINT), (signal.SIGTERM, signal.SIGINT)])
def test_the_second_one_ends_the_process(numbers: tuple[signal.Signals, signal.Signals]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", WAITING], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        process.send_signal(numbers[0])
        assert process.stderr is not None and "again to stop at once" in process.stderr.readline()
        assert process.poll() is None
        process.send_signal(numbers[1])
        assert process.wait(timeout=30) == 75
    finally:
        process.kill()
        process.communicate()


def test_outside_of_the_main_thread_nothing_changes() -> None:
    found = []

    def look() -> None:
        before = signal.getsignal(signal.SIGINT)
        with interruption.deferred() as stop:
            found.append((stop(), signal.getsignal(signal.SIGINT) is before))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert found == [(False, True)]
