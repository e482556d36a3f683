"""How far something that takes long has come: a bar on a terminal, else a line of the log now and then."""

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)

_SECONDS = 10.0  # between two lines


@contextmanager
def progress(what: str) -> Iterator[Callable[[float], None]]:
    """Say how far it has come.

    Args:
        what: Is going on, in words.

    Yields:
        To be told the share, from 0 to 1, that is done.
    """
    if sys.stderr.isatty():
        with _bar(what) as move:
            yield move
        return
    said = time.monotonic()

    def tell(share: float) -> None:
        nonlocal said
        if time.monotonic() - said >= _SECONDS:
            said = time.monotonic()
            log.info("%s: %.0f %%", what, 100 * share)

    yield tell


@contextmanager
def _bar(what: str) -> Iterator[Callable[[float], None]]:
    # Loaded only by who waits long enough to look at it.
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=1.0)
        yield lambda share: bar.update(task, completed=share)
