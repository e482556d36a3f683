"""One thread that draws: matplotlib must not be used by two at once, and its pictures need not hold up what computes."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self, TypeVar

Drawn = TypeVar("Drawn")


class Drawing:
    """Draws one thing after the other, for the length of a `with` block; whoever draws outside of it waits first.

    Args:
        later: Draw nothing until `begin` is called, or somebody waits: Python runs one thread at a time, and what is begun beside
            a computation that is Python itself holds it up.
    """

    def __init__(self, *, later: bool = False) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="drawing")
        self._may_begin = threading.Event()
        self._pending: list[Future[Any]] = []
        if later:
            self._thread.submit(self._may_begin.wait)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.begin()
        # After an error nobody asks any more for what was not begun.
        self._thread.shutdown(cancel_futures=error is not None)

    def begin(self) -> None:
        """Draw what waits, and from now on at once."""
        self._may_begin.set()

    def submit(self, draw: Callable[[], Drawn]) -> Future[Drawn]:
        """Have something drawn.

        Args:
            draw: Called in the thread; what it raises is raised by the future's `result`, and by `wait`.
        """
        drawn = self._thread.submit(draw)
        self._pending = [one for one in self._pending if not one.done() or one.exception()]
        self._pending.append(drawn)
        return drawn

    def wait(self) -> None:
        """Wait until nothing is drawn any more.

        Raises:
            Exception: Whatever drawing raised first.
        """
        self.begin()
        pending, self._pending = self._pending, []
        for drawn in pending:
            drawn.result()
