"""Counts on a terminal: bars that move where there is one, a plain line now and then where not."""

import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

PLAIN_EVERY_SECONDS = 10.0


class Progress:
    """A few named counts, each out of a total that may still be unknown; a context manager.

    `say` prints a line above the bars. Without a terminal, or where the console is told to be
    plain, the counts are printed as one line every ten seconds and at the end.
    """

    def __init__(
        self,
        console: Console,
        names: Sequence[str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console
        self._counts: dict[str, int] = dict.fromkeys(names, 0)
        self._totals: dict[str, int | None] = dict.fromkeys(names)
        self._note = ""
        self._clock = clock
        self._printed_at: float | None = None
        self._live: Live | None = None
        if console.is_terminal:
            self._live = Live(self._table(), console=console, refresh_per_second=4)

    def show(
        self, counts: Mapping[str, int], totals: Mapping[str, int] | None = None, note: str = ""
    ) -> None:
        """Show these counts; names not given keep what they have."""
        self._counts.update(counts)
        self._totals.update(totals or {})
        self._note = note
        if self._live is not None:
            self._live.update(self._table())
        elif self._printed_at is None or self._clock() - self._printed_at >= PLAIN_EVERY_SECONDS:
            self._print()

    def say(self, text: str, style: str = "") -> None:
        """One line above the counts; brackets in it are text, not markup."""
        # a text is a text: `rss:b:` is no picture of a letter
        self._console.print(
            text, style=style, markup=False, emoji=False, highlight=False, soft_wrap=True
        )

    def __enter__(self) -> "Progress":
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.update(self._table())
            self._live.stop()
        else:
            self._print()

    def _print(self) -> None:
        self._printed_at = self._clock()
        self.say(", ".join(f"{name} {self._count(name)}" for name in self._counts) + self._noted())

    def _count(self, name: str) -> str:
        total = self._totals[name]
        return f"{self._counts[name]:,}" + (f"/{total:,}" if total else "")

    def _noted(self) -> str:
        return f"  {self._note}" if self._note else ""

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for name, count in self._counts.items():
            total = self._totals[name]
            bar = ProgressBar(total=total, completed=count, width=40) if total else ""
            table.add_row(name, bar, self._count(name))
        if self._note:
            table.add_row("", self._note)
        return table
