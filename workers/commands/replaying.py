"""`bellwether replay`: a file through the pipeline, and the books at the end."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.errors import ConfigurationError
from workers.commands.terminal import AsJson, command_settings, database_of, note, say, say_json

if TYPE_CHECKING:
    from workers.completion import Flow
    from workers.progress import Progress
    from workers.replay import Replayed
    from workers.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a replay came to; None where it did not wait to find out.

    `documents` are the records sent; `classified` and `archived` different documents;
    `dead_letters` different records; `alerts` those that began firing since the start.
    """

    documents: int
    classified: int | None = None
    archived: int | None = None
    dead_letters: int | None = None
    alerts: int | None = None
    redis_equals_sql: bool | None = None
    seconds: float


def replay(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="JSONL of documents, gzipped or not.")
    ],
    embedded: Annotated[
        bool, typer.Option("--embedded", help="First start everything, in a fresh folder.")
    ] = False,
    speed: Annotated[
        str, typer.Option(help="How many times event time, or max.", metavar="N|max")
    ] = "max",
    wait: Annotated[
        bool, typer.Option("--wait", help="Until all of it is through all stages.")
    ] = False,
    spread: Annotated[
        bool,
        typer.Option(
            "--spread",
            help="Spread over partitions by key. Faster with many classify processes, but "
            "partitions are then read side by side and event time is out of order.",
        ),
    ] = False,
    stall: Annotated[
        float, typer.Option(help="With --wait: seconds without progress until it gives up.", min=1)
    ] = 120.0,
    as_json: AsJson = False,
) -> None:
    """Send a file of documents through `documents`, in order and keeping event time.

    All go to one partition, so that order is kept end to end; see --spread. Lines that are
    no valid document are sent as they are and become dead letters; lines over the size
    limit of the topic are named and left out, with exit status 1.
    """
    # the first line is read before anything is started for it
    from workers.replay import lines_of

    next(lines_of(file), None)
    times = _times(speed)
    with _cluster(embedded, wait) as settings:
        replayed, outcome = _replayed(file, settings, times, spread, wait, stall)
    if as_json:
        say_json(outcome)
    else:
        for name in Outcome.__slots__:
            value = getattr(outcome, name)
            if value is not None:
                say(f"{name}: {value}")
    if replayed.too_long:
        shown = ", ".join(str(number) for number in replayed.too_long[:10])
        note(f"bellwether: {len(replayed.too_long)} lines are too long to send: {shown}")
        raise typer.Exit(1)


def _times(speed: str) -> float | None:
    if speed == "max":
        return None
    try:
        times = float(speed)
    except ValueError:
        times = 0.0
    if not 0.001 <= times <= 1e9:
        raise ConfigurationError(f"--speed {speed}: a number of times event time, or max")
    return times


@contextmanager
def _cluster(embedded: bool, wait: bool) -> "Iterator[Settings]":
    """The settings of the cluster to replay into; an embedded one lives as long as this."""
    if not embedded:
        yield command_settings("KAFKA", *(("REDIS", "DATABASE") if wait else ()))
        return
    settings = command_settings()
    from workers.cluster import LocalCluster
    from workers.supervisor import SERVICE_STAGES, STREAM_STAGES

    settings.data.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="replay-", dir=settings.data) as folder:
        note(f"starting the embedded services and all stages in {folder}")
        with LocalCluster(Path(folder), (*STREAM_STAGES, *SERVICE_STAGES)) as cluster:
            yield cluster.settings


def _replayed(
    file: Path,
    settings: "Settings",
    times: float | None,
    spread: bool,
    wait: bool,
    stall: float,
) -> "tuple[Replayed, Outcome]":
    from rich.console import Console

    from workers.completion import flow, wait_until_through
    from workers.progress import Progress
    from workers.replay import Pace, lines_of
    from workers.replay import replay as send

    began = time.monotonic()
    before = flow(settings.kafka)
    mark = _mark(settings) if wait else 0
    with Progress(Console(stderr=True), ("documents in",)) as progress:

        def sending(replayed: "Replayed", at: datetime | None) -> None:
            event = "" if at is None else f"event time {at:%Y-%m-%d %H:%M}"
            progress.show({"documents in": replayed.sent}, note=event)

        replayed = send(
            lines_of(file),
            settings.kafka,
            pace=Pace(speed=times),
            partition=None if spread else 0,
            progress=sending,
        )
        if wait:
            wait_until_through(
                lambda: flow(settings.kafka),
                timedelta(seconds=stall),
                progress=lambda moment: _waiting(progress, moment),
            )
    sent_seconds = time.monotonic() - began
    if not wait:
        return replayed, Outcome(documents=replayed.sent, seconds=round(sent_seconds, 2))
    return replayed, _books(file, settings, replayed, before, mark, sent_seconds)


def _waiting(progress: "Progress", moment: "Flow") -> None:
    progress.show({}, note=f"waiting: {moment}")


def _mark(settings: "Settings") -> int:
    from workers.accounts import newest_alert_event

    with database_of(settings) as engine:
        return newest_alert_event(engine)


def _books(
    file: Path,
    settings: "Settings",
    replayed: "Replayed",
    before: "Flow",
    mark: int,
    seconds: float,
) -> Outcome:
    from workers.accounts import alerts_since, archived_of, comparison
    from workers.letters import count_letters
    from workers.replay import distinct_ids, lines_of

    with database_of(settings) as engine:
        archived = archived_of(engine, distinct_ids(lines_of(file)))
        return Outcome(
            documents=replayed.sent,
            classified=archived.classified,
            archived=archived.documents,
            dead_letters=count_letters(settings.kafka, since=before.ends),
            alerts=alerts_since(engine, mark),
            redis_equals_sql=comparison(engine, settings).equal,
            seconds=round(seconds, 2),
        )
