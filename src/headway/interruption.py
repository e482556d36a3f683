"""Ctrl-C and SIGTERM while something is under way that must be saved first."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from headway.errors import Interrupted

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def deferred() -> Iterator[Callable[[], bool]]:
    """Within the block the first Ctrl-C or SIGTERM is only noted; a second one ends the process at once.

    Outside of the main thread, which alone hears signals, nothing changes.

    Returns:
        What says whether there was one.
    """
    heard: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return

    def note(number: int, frame: FrameType | None) -> None:
        if heard:
            # Without clean-up: what is saved is saved whole, and the next start marks the run.
            os._exit(Interrupted.exit_code)
        heard.append(number)
        sys.stderr.write("stopping once the state is saved; again to stop at once\n")

    before = {number: signal.signal(number, note) for number in _SIGNALS}
    try:
        yield lambda: bool(heard)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
