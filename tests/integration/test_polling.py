"""The timetable of ingest: processes that share sources, hosts that are slow, stops."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from random import Random

import pytest
from sqlalchemy import Engine, select

from pipeline.feeds.feed import SourceConfig
from pipeline.feeds.fetch import Fetcher, Limits
from pipeline.feeds.kinds import open_feed
from pipeline.stores.database import connect
from pipeline.stores.feed_tables import outbox
from pipeline.stores.source_health import source_health
from tests.integration.test_ingest import eventually
from tests.unit.feeds.server import FeedServer, body, item, rss, serving
from workers.intake import Intake
from workers.polling import Polling

SOON = timedelta(seconds=0.5)


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with serving() as running:
        yield running


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Engine]:
    engine = connect(sqlite_url)
    yield engine
    engine.dispose()


def source(server: FeedServer, name: str, host: str = "127.0.0.1") -> SourceConfig:
    url = server.url(f"/{name}").replace("127.0.0.1", host)
    return SourceConfig(
        name=name, url=url, interval=SOON, slowest=SOON, allow_private=True, robots=False
    )


def utc_now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def polling(engine: Engine, *sources: SourceConfig) -> Iterator[None]:
    """A process's timetable, running; it must end within its seconds."""
    stop = threading.Event()
    fetcher = Fetcher(Limits(host_gap=timedelta(0)), wait=stop.wait)
    feeds = [open_feed(one, fetcher) for one in sources]
    running = Polling(feeds, Intake(engine), lambda: None, utc_now, Random(7))
    running.start()
    try:
        yield
    finally:
        stop.set()
        running.stop(3)


def found(engine: Engine) -> int:
    with engine.connect() as connection:
        return len(connection.execute(select(outbox.c.id)).all())


A_PROCESS = """
import sys, threading
from datetime import UTC, datetime, timedelta
from random import Random
from pipeline.feeds.feed import SourceConfig
from pipeline.feeds.fetch import Fetcher, Limits
from pipeline.feeds.kinds import open_feed
from pipeline.stores.database import connect
from workers.intake import Intake
from workers.polling import Polling

url, database = sys.argv[1:]
second = timedelta(seconds=1)
source = SourceConfig(name="a", url=url, interval=second, allow_private=True, robots=False)
feeds = [open_feed(source, Fetcher(Limits(host_gap=timedelta(0))))]
intake = Intake(connect(database), lease=3 * second)
Polling(feeds, intake, lambda: None, lambda: datetime.now(UTC), Random(7)).start()
threading.Event().wait(60)
"""


def test_the_sources_of_a_killed_process_are_taken_over(
    server: FeedServer, database: Engine, sqlite_url: str
) -> None:
    inside = threading.Event()
    hold = threading.Event()

    def hang_once(request: BaseHTTPRequestHandler) -> None:
        first = not inside.is_set()
        inside.set()
        if first:
            hold.wait(30)
        body(rss(item("1"), item("2")))(request)

    server.routes["/a"] = hang_once
    arguments = [sys.executable, "-c", A_PROCESS, server.url("/a"), sqlite_url]
    with subprocess.Popen(arguments) as first:
        assert inside.wait(30)
        with subprocess.Popen(arguments) as second:
            try:
                # longer than the lease: the first process renews it while its poll runs
                assert not hold.wait(4)
                assert server.asked("/a") == 1
                first.kill()
                eventually(lambda: found(database) == 2, "the documents by the second process", 30)
            finally:
                hold.set()
                first.kill()
                second.kill()


def test_a_slow_host_has_two_polls_at_most_and_stops_nobody_else(
    server: FeedServer, database: Engine
) -> None:
    lock = threading.Lock()
    inside = most = 0

    def slow(request: BaseHTTPRequestHandler) -> None:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        server.closing.wait(0.4)
        with lock:
            inside -= 1
        body(rss(item("1")))(request)

    names = [f"slow{number}" for number in range(10)]
    server.routes |= dict.fromkeys([f"/{name}" for name in names], slow)
    server.routes["/quick"] = body(rss(item("q")))
    sources = [source(server, name) for name in names]
    with polling(database, *sources, source(server, "quick", "localhost")):
        eventually(lambda: server.asked("/quick") >= 3, "the quick host asked three times")
        eventually(lambda: all(server.asked(f"/{name}") for name in names), "every slow one asked")
        asked = [server.asked(f"/{name}") for name in names]
    assert most == 2
    # in turn: none is asked again and again before the last
    assert max(asked) <= 3


def test_a_poll_whose_next_time_cannot_be_told_gives_its_place_back(
    server: FeedServer, database: Engine
) -> None:
    class Forgetful(Intake):
        """Does not know when a source is due again: a mistake of ours."""

        def due_at(self, source: SourceConfig) -> datetime | None:
            raise RuntimeError(source.name)

    names = [f"s{number}" for number in range(6)]
    server.routes |= dict.fromkeys([f"/{name}" for name in names], body(rss(item("1"))))
    fetcher = Fetcher(Limits(host_gap=timedelta(0)))
    feeds = [open_feed(source(server, name), fetcher) for name in names]
    running = Polling(feeds, Forgetful(database), lambda: None, utc_now, Random(7))
    running.start()
    try:
        eventually(lambda: all(server.asked(f"/{name}") for name in names), "all asked once")
    finally:
        running.stop(3)


def test_a_poll_that_a_stop_cuts_short_is_no_failure_and_is_free_at_once(
    server: FeedServer, database: Engine
) -> None:
    asked = threading.Event()

    def slow(request: BaseHTTPRequestHandler) -> None:
        asked.set()
        server.closing.wait(1)
        body(rss(item("1")))(request)

    server.routes["/a"] = slow
    with polling(database, source(server, "a")):
        assert asked.wait(10)
    (health,) = source_health(database)
    assert (health.errors, health.items) == (0, 1)
    assert Intake(database).claim(source(server, "a"), utc_now() + 2 * SOON) is not None


def test_a_source_that_left_the_feed_file_is_retired_until_somebody_polls_it_again(
    server: FeedServer, database: Engine
) -> None:
    server.routes |= {"/a": body(rss(item("1"))), "/b": body(rss(item("1")))}
    with polling(database, source(server, "a"), source(server, "b")):
        eventually(lambda: found(database) == 2, "both polled")
    with polling(database, source(server, "b")):
        gone, kept = source_health(database)
        assert gone.retired_at is not None
        assert (kept.retired_at, kept.silent_after_seconds) == (None, 6 * 3600.0)
    with polling(database, source(server, "a")):
        eventually(lambda: source_health(database)[0].retired_at is None, "back again")


def test_an_answer_that_cannot_be_kept_is_a_failure_of_its_source(
    server: FeedServer, database: Engine
) -> None:
    class Breaks(Intake):
        def record(self, *args, **kwargs):
            raise UnicodeEncodeError("utf-8", "\\ud83d", 0, 1, "surrogates not allowed")

    server.routes["/a"] = body(rss(item("one")))
    feed = open_feed(source(server, "a"), Fetcher(Limits(host_gap=timedelta(0))))
    running = Polling([feed], Breaks(database), lambda: None, utc_now, Random(7))
    assert running.poll(feed) is None
    (health,) = source_health(database)
    assert health.failures_in_a_row == 1
    assert "UnicodeEncodeError" in (health.last_error or "")
