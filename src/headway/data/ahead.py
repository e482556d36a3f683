"""Work that threads do while the caller looks at what was made before; NumPy, Arrow and the disk let them."""

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_AT_ONCE = 2  # things that are made of others; more would take memory, and hardly less time

Thing = TypeVar("Thing")
Made = TypeVar("Made")


def ahead(things: Generator[Thing]) -> Generator[Thing]:
    """The same things, one of which a thread has already made when it is asked for.

    Args:
        things: What makes them. It runs in the thread alone, and is closed with this.

    Raises:
        Exception: What making one has raised, when that one is asked for.
    """
    end = object()
    with contextlib.closing(things), ThreadPoolExecutor(1, "ahead") as thread:
        coming = thread.submit(next, things, end)
        while (thing := coming.result()) is not end:
            coming = thread.submit(next, things, end)
            yield thing  # type: ignore[misc]


def each(things: Generator[Thing], make: Callable[[Thing], Made]) -> Generator[tuple[Thing, Made]]:
    """Things in their order, each with what is made of it, some at once by threads.

    Args:
        things: They; closed with this.
        make: Makes something of one, whatever the others are.

    Raises:
        Exception: What making one has raised, when that one is asked for.
    """
    coming, failed = deque[tuple[Thing, Future[Made]]](), None
    with contextlib.closing(things), ThreadPoolExecutor(_AT_ONCE, "each") as threads:
        while True:
            try:
                thing = next(things)
            except StopIteration:
                break
            except Exception as error:
                failed = error  # it comes after the things that came before
                break
            coming.append((thing, threads.submit(make, thing)))
            if len(coming) > _AT_ONCE:
                first, made = coming.popleft()
                yield first, made.result()
        for first, made in coming:
            yield first, made.result()
    if failed is not None:
        raise failed


def beginning(make: Callable[[], Made]) -> Future[Made]:
    """What a thread begins to make; it goes with the process if nobody waits for it."""
    future = Future[Made]()

    def run() -> None:
        try:
            future.set_result(make())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, name="beginning", daemon=True).start()
    return future
