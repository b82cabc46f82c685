"""What every command shares: settings, quiet logging, lines and JSON on standard output."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from pipeline.errors import ConfigurationError
from workers.logs import set_up_logging
from workers.settings import Settings, read_settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def command_settings(*needed: str) -> Settings:
    """The settings, with `needed` present, for a command that ends by itself.

    Such a command says what it found; its log shows warnings only, unless DEBUG is asked for.
    """
    settings = read_settings()
    settings.require(*needed)
    level = settings.log_level if settings.log_level in ("DEBUG", "ERROR") else "WARNING"
    set_up_logging(replace(settings, log_level=level))
    if level != "DEBUG":
        # the client reports each attempt to connect; the command says it once at the end
        logging.getLogger("kafka").setLevel(logging.CRITICAL)
    return settings


@contextmanager
def database_of(settings: Settings) -> "Iterator[Engine]":
    """The database, with the schema this program needs; closed at the end.

    Raises `ConfigurationError` where it has another one, `Unavailable` where it is away.
    """
    from pipeline.stores.database import connect
    from pipeline.stores.migrate import head, revision

    engine = connect(settings.database)
    try:
        at = revision(engine)
        if at != head():
            raise ConfigurationError(
                f"the database is at revision {at or 'none'}, {head()} is needed: "
                "run `bellwether db upgrade`"
            )
        yield engine
    finally:
        engine.dispose()


def time_given(option: str, text: str) -> datetime:
    """The time that `option` was given as; a day is its midnight, and no zone is UTC.

    Raises `ConfigurationError` on anything else.
    """
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ConfigurationError(f"{option} {text}: a day or time such as 2026-03-01") from error


def period_given(
    start: str, end: str, latest: datetime, earliest: Callable[[datetime], datetime]
) -> tuple[datetime, datetime]:
    """What `--from` and `--to` name; without `--to` it ends `latest`, without `--from` it begins
    at the `earliest` for that end. Raises `ConfigurationError` where it would be empty."""
    until = time_given("--to", end) if end else latest
    since = time_given("--from", start) if start else earliest(until)
    if until <= since:
        raise ConfigurationError("--to must be later than --from")
    return since, until


def say(line: str) -> None:
    """One line on standard output, written at once."""
    typer.echo(line)


def note(line: str) -> None:
    """One line on standard error: what is not the command's result."""
    typer.echo(line, err=True)


def say_json(value: Any) -> None:
    """`value` as one line of JSON; times as RFC 3339."""
    typer.echo(msgspec.json.encode(value).decode())
