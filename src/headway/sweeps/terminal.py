"""What a sweep shows while it runs: a live table in a terminal, a line per finished trial elsewhere."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from headway.sweeps import children
from headway.sweeps.children import Row
from headway.sweeps.repeat import repeated
from headway.sweeps.study import Study

_PAUSE = 1.0
_FEWEST_ROWS = 4


@contextmanager
def watched(study: Study, total: int, *, console: Console | None = None) -> Iterator[None]:
    """Show the study as it goes, for the length of a `with` block.

    Args:
        study: The study.
        total: How many trials it will have.
        console: Where; standard output unless said otherwise.
    """
    console = console or Console(highlight=False)
    show = _Table(console, total) if console.is_terminal else _Lines(console, total)
    seen = {row.number for row in children.rows_of(study) if row.state in _ENDED}
    with show, repeated(lambda: show(children.rows_of(study), seen), every=_PAUSE):
        yield


_ENDED = ("finished", "pruned", "failed")


class _Lines:
    """One line a finished trial: what a log file or a pipe can hold."""

    def __init__(self, console: Console, total: int) -> None:
        self._console, self._total = console, total

    def __enter__(self) -> "_Lines":
        return self

    def __exit__(self, *error: object) -> None:
        return

    def __call__(self, rows: Sequence[Row], seen: set[int]) -> None:
        ended = [row for row in rows if row.state in _ENDED]
        fresh = [row for row in ended if row.number not in seen]
        best = children.best_of(rows)
        for row in fresh:
            seen.add(row.number)
            settings = " ".join(
                f"{key.rpartition('.')[2]}={children.short(value)}" for key, value in row.parameters.items()
            )
            ended_how = {"pruned": f" pruned after epoch {row.epochs}", "failed": f" failed: {row.error}"}.get(
                row.state, ""
            )
            score = "" if row.score is None else f" validation error {row.score:.4g}"
            leading = "" if best is None or best.score is None else f"; best {best.score:.4g} (trial {best.number})"
            line = f"[{len(seen)}/{self._total}] trial {row.number} {settings}:{score}{ended_how}{leading}"
            self._console.print(line, soft_wrap=True, markup=False)


class _Table:
    """The best trials and those under way, drawn again every second."""

    def __init__(self, console: Console, total: int) -> None:
        self._total, self._console = total, console
        self._began = time.monotonic()
        self._live = Live(console=console, auto_refresh=False, transient=True)

    def __enter__(self) -> "_Table":
        self._live.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._live.__exit__(None, None, None)

    def __call__(self, rows: Sequence[Row], seen: set[int]) -> None:
        self._live.update(self._draw(rows), refresh=True)

    def _draw(self, rows: Sequence[Row]) -> Table:
        running = [row for row in rows if row.state == "running"]
        room = max(_FEWEST_ROWS, self._console.size.height - 8 - len(running))
        shown = [*running, *children.ranked([row for row in rows if row.state in _ENDED])[:room]]
        keys = list(dict.fromkeys(key for row in shown for key in row.parameters))
        drawn = Table(
            title=f"{sum(row.state in _ENDED for row in rows)} of {self._total}: {children.counts(rows)}; "
            f"{time.monotonic() - self._began:.0f} s",
            title_justify="left",
        )
        for name in ("trial", *(key.rpartition(".")[2] for key in keys), "epoch", "validation error", "state"):
            drawn.add_column(name, justify="right")
        best = children.best_of(rows)
        for row in shown:
            drawn.add_row(
                str(row.number),
                *(Text(children.short(row.parameters.get(key, ""))) for key in keys),  # [..] is markup to a plain cell
                str(max(row.curve, default=0) or ""),
                "" if row.score is None else f"{row.score:.4g}",
                "best" if best is not None and row.number == best.number else row.state,
                style="bold" if best is not None and row.number == best.number else "",
            )
        return drawn
