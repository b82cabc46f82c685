"""Connecting to SQL: one engine a process, SQLite by default, PostgreSQL by URL.

`unavailable()` is the one place that says which database errors pass by themselves: those
become `Unavailable` and the stage waits; a missing table or a wrong value stays a crash.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import msgspec
import sqlalchemy
from sqlalchemy import URL, Connection, Engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from pipeline.errors import ConfigurationError, Unavailable

CONNECT_SECONDS = 5
# Longer than any batch or page, shorter than the stage's patience with an outage.
STATEMENT_SECONDS = 60
# One writer at a time in SQLite: a batch waits for its neighbours' batches.
SQLITE_BUSY_SECONDS = 30
_SQLITE_AGAIN_SECONDS = 0.05
POOL_SIZE = 4
POOL_OVERFLOW = 4

# SQLite's primary result codes that say "not now": BUSY, LOCKED, NOMEM, READONLY, INTERRUPT,
# IOERR, FULL, CANTOPEN, PROTOCOL. The rest is our bug or a damaged file.
_SQLITE_NOT_NOW = frozenset({5, 6, 7, 8, 9, 10, 13, 14, 15})
# PostgreSQL's classes: connection, rollback (deadlock), resources (disk full), lock not
# available and "in recovery", intervention (shutdown, statement timeout), system (I/O).
_POSTGRES_NOT_NOW = ("08", "40", "53", "55", "57", "58")
# A write on a server that has become a standby: it passes with the failover.
_POSTGRES_READ_ONLY = "25006"


def connect(url: str, *, pool_size: int = POOL_SIZE) -> Engine:
    """The engine for `url`; nothing is opened yet. A SQLite file's folder is created.

    JSON columns take anything the wire encodes and give plain values back. Raises
    `ConfigurationError` where the URL cannot work.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        # the URL may hold a password, so neither it nor the parser's message is shown
        raise ConfigurationError(
            "BELLWETHER_DATABASE is not an SQLAlchemy URL: use "
            "postgresql+psycopg://user@host/name or sqlite:///path/file.db"
        ) from error
    if parsed.drivername in ("postgres", "postgresql"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed)
    if parsed.get_backend_name() == "postgresql":
        return _postgres(parsed, pool_size)
    raise ConfigurationError(
        f"BELLWETHER_DATABASE names {parsed.drivername}: sqlite and postgresql are supported"
    )


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _sqlite(url: URL) -> Engine:
    if url.database and url.database != ":memory:":
        Path(url.database).expanduser().parent.mkdir(parents=True, exist_ok=True)
    engine = sqlalchemy.create_engine(
        url, json_serializer=_json, json_deserializer=msgspec.json.decode
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: Any) -> None:
        # the driver's own BEGIN comes too late for DDL and cannot be IMMEDIATE; ours is below
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {SQLITE_BUSY_SECONDS * 1000}")
        _write_ahead(cursor)
        # safe against a killed process; a power cut may lose the last commits, not the file
        cursor.execute("PRAGMA synchronous = NORMAL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        kind = connection.get_execution_options().get("sqlite_begin", "")
        connection.exec_driver_sql(f"BEGIN {kind}")

    return engine


def _write_ahead(cursor: sqlite3.Cursor) -> None:
    """Let readers go on beside a writer. The change of a new file's mode is refused at once where
    another process makes it too, whatever `busy_timeout` says: SQLite cannot wait here."""
    until = monotonic() + SQLITE_BUSY_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or monotonic() > until:
                raise
            sleep(_SQLITE_AGAIN_SECONDS)
        else:
            return


def _postgres(url: URL, pool_size: int) -> Engine:
    try:
        return sqlalchemy.create_engine(
            url,
            json_serializer=_json,
            json_deserializer=msgspec.json.decode,
            pool_size=pool_size,
            max_overflow=POOL_OVERFLOW,
            pool_timeout=CONNECT_SECONDS,
            pool_pre_ping=True,
            pool_recycle=1800,
            connect_args={
                "connect_timeout": CONNECT_SECONDS,
                "application_name": "bellwether",
                # the views say UTC themselves; this is for people who look with the same login
                "options": f"-c timezone=UTC -c statement_timeout={STATEMENT_SECONDS * 1000}",
                # a server that vanished without a word is noticed within about 30 s
                "keepalives_idle": 10,
                "keepalives_interval": 5,
                "keepalives_count": 4,
            },
        )
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise ConfigurationError(
            "BELLWETHER_DATABASE names PostgreSQL, its driver is not installed: "
            "install the extra `postgres`"
        ) from error


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that will write: committed at the end, rolled back on an error.

    In SQLite it takes the write lock at once and waits its turn; a transaction that reads
    first and then writes would be refused when another wrote in between. Raises
    `Unavailable` as `unavailable` does.
    """
    with (
        unavailable(),
        engine.connect().execution_options(sqlite_begin="IMMEDIATE") as connection,
        connection.begin(),
    ):
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection to read with; one snapshot in SQLite. Raises `Unavailable`."""
    with unavailable(), engine.connect() as connection:
        yield connection


@contextmanager
def unavailable() -> Iterator[None]:
    """Turns the database's "not now" into `Unavailable`; every other error passes."""
    try:
        yield
    except PoolTimeout as error:
        raise Unavailable("the database's connection pool is exhausted") from error
    except DBAPIError as error:
        if passes_by_itself(error):
            first_line = (str(error.orig).splitlines() or [""])[0]
            raise Unavailable(f"the database: {first_line}") from error
        raise


def passes_by_itself(error: DBAPIError) -> bool:
    """Whether the same statement may succeed later without anyone changing the code."""
    original = error.orig
    if isinstance(original, sqlite3.Error):
        code = getattr(original, "sqlite_errorcode", None)
        return code is not None and code & 0xFF in _SQLITE_NOT_NOW
    if error.connection_invalidated:
        return True
    state: str | None = getattr(original, "sqlstate", None)
    if state is None:
        # the client's own words: refused, timed out, "the connection is closed"
        return isinstance(error, sqlalchemy.exc.OperationalError | sqlalchemy.exc.InterfaceError)
    return state.startswith(_POSTGRES_NOT_NOW) or state == _POSTGRES_READ_ONLY
