"""`bellwether demo` and `bellwether up`: everything on this machine, nothing to install."""

import signal
import threading
from typing import Annotated

import typer

from workers.commands.terminal import command_settings


def demo(
    leave: Annotated[
        bool,
        typer.Option("--exit", help="End after the replay; status 0 only if all is as expected."),
    ] = False,
) -> None:
    """Embedded services, every stage, and 48 hours of synthetic news in a minute.

    Prints each alert with its arithmetic and evidence as it fires, then leaves the dashboard
    up until Ctrl-C. Starts afresh each time.
    """
    from rich.console import Console

    from workers.demo import run_demo

    settings = command_settings()
    status = run_demo(settings.data / "demo", Console(), _stop_on_signals(), leave)
    raise typer.Exit(status)


def up() -> None:
    """The same services and stages on the feeds of BELLWETHER_FEEDS, until Ctrl-C.

    Keeps its data under BELLWETHER_DATA, so the next run goes on where this one ended.
    """
    from pathlib import Path

    from rich.console import Console

    from workers.cluster import LocalCluster
    from workers.demo import run_up
    from workers.feed_file import feed_file
    from workers.supervisor import ALL_STAGES

    settings = command_settings()
    # a mistake in the file is said now, not by a child that ends
    feed_file(settings)
    feeds = {"BELLWETHER_FEEDS": str(Path(settings.feeds).resolve())}
    cluster = LocalCluster(settings.data / "up", ALL_STAGES, feeds)
    raise typer.Exit(run_up(cluster, Console(), _stop_on_signals()))


def _stop_on_signals() -> threading.Event:
    """An event that SIGINT and SIGTERM set; a second one of them ends us at once."""
    stopping = threading.Event()

    def on_signal(number: int, _frame: object) -> None:
        if stopping.is_set():
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    return stopping
