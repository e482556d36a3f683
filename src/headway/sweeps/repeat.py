"""Something that is done again and again beside the work."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)

_LONGEST_END = 30.0
"""Seconds that the end of the block waits for a call under way: a database that is away must not hold it for ever."""


@contextmanager
def repeated(call: Callable[[], object], *, every: float) -> Iterator[None]:
    """Make a call again and again in a thread of its own, for the length of a `with` block, and once more at its end.

    Args:
        call: What it raises is no reason to stop: a database may be away for a while, and the next call tries again.
        every: Seconds between two calls.
    """
    done = threading.Event()

    def work() -> None:
        is_last = False
        while not is_last:
            is_last = done.wait(every)
            try:
                call()
            except Exception as error:
                log.debug("%s: %s", call, error)

    thread = threading.Thread(target=work, name="sweep-repeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(timeout=_LONGEST_END)
