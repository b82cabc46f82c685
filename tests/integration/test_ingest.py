"""The ingest stage on a real broker and a real database, polling a local web server."""

import base64
import gc
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import kafka
import pytest
from sqlalchemy import Engine, insert, select

from pipeline.feeds.feed import SourceConfig
from pipeline.feeds.fetch import Fetcher, Limits
from pipeline.feeds.kinds import open_feed
from pipeline.stores.database import connect, writing
from pipeline.stores.feed_tables import outbox
from pipeline.stores.source_health import source_health
from pipeline.stores.tables import documents
from pipeline.wire import DOCUMENTS, DeadLetter, encode_json
from tests.unit.feeds.server import FeedServer, body, item, rss, serving, status
from workers.broker import kafka_client_config
from workers.document_sender import DocumentSender
from workers.embedded import embedded_broker
from workers.health import Health
from workers.ingest import Ingest, check, preview, run_ingest
from workers.intake import Intake
from workers.outbox import Outbox
from workers.outbox_rounds import Delivery
from workers.refusals import Refusals
from workers.settings import Settings, read_settings
from workers.topics import ensure_topics

ROUND = timedelta(milliseconds=100)


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with serving() as running:
        yield running


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Engine]:
    engine = connect(sqlite_url)
    yield engine
    engine.dispose()


@pytest.fixture
def settings(kafka_address: str, sqlite_url: str, tmp_path: Path) -> Settings:
    return settings_for(kafka_address, sqlite_url, f"{tmp_path.name}.")


def settings_for(address: str, url: str, prefix: str, **more: str) -> Settings:
    made = read_settings(
        {
            "BELLWETHER_KAFKA": address,
            "BELLWETHER_DATABASE": url,
            "BELLWETHER_TOPIC_PREFIX": prefix,
            "BELLWETHER_PARTITIONS": "2",
            **{f"BELLWETHER_{name}": value for name, value in more.items()},
        }
    )
    ensure_topics(made.kafka)
    return made


def source(server: FeedServer, name: str, seconds: float = 0.5) -> SourceConfig:
    return SourceConfig(
        name=name,
        url=server.url(f"/{name}"),
        interval=timedelta(seconds=seconds),
        allow_private=True,
    )


@contextmanager
def ingesting(
    settings: Settings, engine: Engine, *sources: SourceConfig, resend: float = 600
) -> Iterator[Ingest]:
    """The stage, running; it must end within seconds."""
    stop = threading.Event()
    fetcher = Fetcher(Limits(host_gap=timedelta(0)), wait=stop.wait)
    sender = DocumentSender(settings.kafka, confirm_seconds=5)
    delivery = Delivery(Outbox(engine, timedelta(seconds=resend)), sender, Refusals(settings.kafka))
    ingest = Ingest(
        [open_feed(one, fetcher) for one in sources], Intake(engine), delivery, every=ROUND
    )
    thread = threading.Thread(target=ingest.run, args=(stop,))
    thread.start()
    try:
        yield ingest
    finally:
        stop.set()
        thread.join(8)
        sender.close()
        assert not thread.is_alive(), "ingest did not stop"


def eventually(met: Callable[[], bool], what: str, seconds: float = 20) -> None:
    pause = threading.Event()
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        pause.wait(0.05)


class Reader:
    """Reads the topic `documents` from its beginning; `records` grows with `read`."""

    def __init__(self, settings: Settings) -> None:
        topic = settings.kafka.prefix + DOCUMENTS.name
        self._consumer = kafka.KafkaConsumer(
            **kafka_client_config(settings.kafka), group_id=None, enable_auto_commit=False
        )
        places = [kafka.TopicPartition(topic, number) for number in range(2)]
        self._consumer.assign(places)
        self._consumer.seek_to_beginning(*places)
        self.records: list[tuple[str, bytes]] = []

    def read(self) -> list[str]:
        """The ids read so far, in the order they came."""
        for records in self._consumer.poll(timeout_ms=200).values():
            self.records += [(record.key.decode(), record.value) for record in records]
        return [key for key, _ in self.records]

    def close(self) -> None:
        self._consumer.close(autocommit=False)


@pytest.fixture
def reader(settings: Settings) -> Iterator[Reader]:
    opened = Reader(settings)
    yield opened
    opened.close()


def archive(engine: Engine, ids: list[str]) -> None:
    """What the archive stage does, as far as ingest can see."""
    now = datetime.now(UTC)
    with writing(engine) as connection:
        connection.execute(
            insert(documents),
            [
                {
                    "id": one,
                    "source": "rss:good",
                    "lang": "en",
                    "published_at": now,
                    "given_subjects": [],
                    "extra": {},
                    "archived_at": now,
                }
                for one in ids
            ],
        )


def waiting(engine: Engine) -> int:
    with engine.connect() as connection:
        return len(connection.execute(select(outbox.c.id)).all())


def test_new_items_reach_the_topic_and_broken_sources_stop_nobody(
    settings: Settings,
    database: Engine,
    server: FeedServer,
    reader: Reader,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    server.routes["/good"] = body(rss(item("1"), item("2")), ETag='"1"')
    server.routes["/down"] = status(500)
    server.routes["/page"] = body(b"<html>Forbidden</html>")
    server.routes["/hangs"] = lambda request: hang(server)
    names = ("down", "page", "hangs", "good")
    with ingesting(settings, database, *(source(server, name) for name in names)):
        eventually(lambda: len(reader.read()) == 2, "two documents in the topic")
        server.routes["/good"] = body(rss(item("3"), item("2"), item("1")), ETag='"2"')
        eventually(lambda: len(reader.read()) == 3, "the third document in the topic")
        eventually(lambda: server.asked("/down") >= 1, "the broken source asked")
    found = [DOCUMENTS.decode(value) for _, value in reader.records]
    assert {one.extra["guid"] for one in found} == {"1", "2", "3"}
    assert all(key == one.id for (key, _), one in zip(reader.records, found, strict=True))
    health = {one.source: one for one in source_health(database)}
    assert (health["rss:good"].items, health["rss:good"].errors) == (3, 0)
    assert health["rss:down"].last_error == f"{server.url('/down')}: HTTP 500"
    assert "an HTML page" in (health["rss:page"].last_error or "")
    told = [record.getMessage() for record in caplog.records if "rss:down" in record.getMessage()]
    assert told[0] == f"feed rss:down: {server.url('/down')}: HTTP 500"
    # one line a failure, no traceback
    assert not any(record.exc_info for record in caplog.records)
    assert any(headers.get("if-none-match") == '"1"' for _, headers in server.requests)


def test_a_restart_sends_nothing_twice(
    settings: Settings, database: Engine, server: FeedServer, reader: Reader
) -> None:
    server.routes["/good"] = body(rss(item("1"), item("2")))
    with ingesting(settings, database, source(server, "good")):
        eventually(lambda: len(reader.read()) == 2, "two documents in the topic")
    asked = server.asked("/good")
    server.routes["/good"] = body(rss(item("1"), item("2"), item("3")))
    with ingesting(settings, database, source(server, "good")):
        eventually(lambda: len(reader.read()) == 3, "the third document in the topic")
        eventually(lambda: server.asked("/good") >= asked + 3, "three more polls")
    ids = reader.read()
    assert len(ids) == len(set(ids)) == 3


def test_what_arrived_leaves_the_outbox(
    settings: Settings, database: Engine, server: FeedServer, reader: Reader
) -> None:
    server.routes["/good"] = body(rss(item("1"), item("2")))
    with ingesting(settings, database, source(server, "good")):
        eventually(lambda: len(reader.read()) == 2, "two documents in the topic")
        assert waiting(database) == 2
        archive(database, reader.read())
        eventually(lambda: waiting(database) == 0, "the outbox empty")


def test_what_the_broker_loses_is_sent_again_with_the_same_id_and_bytes(
    tmp_path: Path, sqlite_url: str, database: Engine, server: FeedServer
) -> None:
    first, second = embedded_broker(tmp_path / "1"), embedded_broker(tmp_path / "2")
    for broker in (first, second):
        broker.start()
        broker.wait_ready(30)
    server.routes["/good"] = body(rss(item("1"), item("2")))
    try:
        before = settings_for(first.address, sqlite_url, "lost.")
        reader = Reader(before)
        with ingesting(before, database, source(server, "good")):
            eventually(lambda: len(reader.read()) == 2, "two documents in the topic")
        reader.close()
        first.stop()
        # a broker without the records: as after a crash that took acknowledged ones along
        after = settings_for(second.address, sqlite_url, "lost.")
        again = Reader(after)
        with ingesting(after, database, source(server, "good"), resend=1):
            eventually(lambda: len(again.read()) >= 2, "both documents sent again")
            archive(database, sorted(set(again.read())))
            eventually(lambda: waiting(database) == 0, "the outbox empty")
        assert set(again.records) == set(reader.records)
        again.close()
    finally:
        first.stop()
        second.stop()


def test_a_document_among_the_dead_letters_is_not_sent_for_ever(
    settings: Settings, database: Engine, server: FeedServer, reader: Reader
) -> None:
    server.routes["/good"] = body(rss(item("1")))
    with ingesting(settings, database, source(server, "good"), resend=1):
        eventually(lambda: len(reader.read()) >= 1, "the document in the topic")
        document_id, value = reader.records[0]
        letter = DeadLetter(
            stage="classify",
            topic=settings.kafka.prefix + DOCUMENTS.name,
            partition=0,
            offset=0,
            key=base64.b64encode(document_id.encode()).decode(),
            value=base64.b64encode(value).decode(),
            reason="the classifier fails on it",
            error="Rejected",
            at=datetime.now(UTC),
        )
        producer = kafka.KafkaProducer(**kafka_client_config(settings.kafka))
        producer.send(f"{settings.kafka.prefix}dead-letters", encode_json(letter)).get(10)
        producer.close()
        eventually(lambda: waiting(database) == 0, "the outbox empty")


def test_two_processes_never_poll_one_source_at_once(
    settings: Settings, sqlite_url: str, server: FeedServer, reader: Reader
) -> None:
    inside = threading.Semaphore(1)
    overlaps: list[str] = []

    def slow(request: BaseHTTPRequestHandler) -> None:
        if not inside.acquire(blocking=False):
            overlaps.append(request.path)
            return
        try:
            server.closing.wait(0.2)
            body(rss(item("1"), item("2")))(request)
        finally:
            inside.release()

    server.routes["/good"] = slow
    engines = [connect(sqlite_url), connect(sqlite_url)]
    with (
        ingesting(settings, engines[0], source(server, "good", 0.3)),
        ingesting(settings, engines[1], source(server, "good", 0.3)),
    ):
        eventually(lambda: server.asked("/good") >= 8, "eight polls")
    for engine in engines:
        engine.dispose()
    assert overlaps == []
    assert len(reader.read()) == 2


# kafka-python leaves the socket of each refused connection to the garbage collector
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
def test_outages_of_the_broker_are_waited_for(
    tmp_path: Path,
    sqlite_url: str,
    database: Engine,
    server: FeedServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # its log records hold those sockets until the end of the session
    caplog.set_level(logging.CRITICAL, logger="kafka")
    broker = embedded_broker(tmp_path)
    broker.start()
    broker.wait_ready(30)
    server.routes["/good"] = body(rss(item("1")))
    try:
        settings = settings_for(broker.address, sqlite_url, "outage.")
        broker.stop()
        with ingesting(settings, database, source(server, "good")) as ingest:
            eventually(lambda: ingest.holding is not None, "the broker missed at the start")
            eventually(lambda: waiting(database) == 1, "the document in the outbox")
            broker.start()
            broker.wait_ready(30)
            eventually(lambda: ingest.holding is None, "the first outage over")
            broker.stop()
            server.routes["/good"] = body(rss(item("1"), item("2")))
            eventually(lambda: ingest.holding is not None, "the broker missed in work")
            broker.start()
            broker.wait_ready(30)
            eventually(lambda: ingest.holding is None, "the second outage over", 30)
        reader = Reader(settings)
        eventually(lambda: len(set(reader.read())) == 2, "both documents in the topic")
        reader.close()
    finally:
        broker.stop()
        gc.collect()


def test_the_stage_runs_from_its_settings_and_reports_health(
    settings: Settings, sqlite_url: str, server: FeedServer, tmp_path: Path, reader: Reader
) -> None:
    server.routes["/good"] = body(rss(item("1")))
    (tmp_path / "feeds.yaml").write_text(
        f"contact: ops@bank.example\nfeeds:\n  - name: good\n    url: {server.url('/good')}\n"
        "    interval: 10s\n    allow_private: true\n"
    )
    ours = settings_for(
        settings.kafka.servers,
        sqlite_url,
        settings.kafka.prefix,
        FEEDS=str(tmp_path / "feeds.yaml"),
    )
    health, stop = Health(timedelta(seconds=60)), threading.Event()
    health.expect("ingest")
    thread = threading.Thread(target=run_ingest, args=(ours, stop, health))
    thread.start()
    try:
        eventually(lambda: len(reader.read()) == 1, "the document in the topic")
        health.check()
        assert health.ready
    finally:
        stop.set()
        thread.join(8)
    assert not thread.is_alive()
    assert "ops@bank.example" in server.requests[0][1]["user-agent"]


def test_preview_and_check_store_and_send_nothing(server: FeedServer) -> None:
    server.routes["/good"] = body(rss(item("1"), item("2")))
    fetcher = Fetcher(Limits(host_gap=timedelta(0)))
    found = preview(server.url("/good"), allow_private=True, fetcher=fetcher)
    assert [one.extra["guid"] for one in found] == ["1", "2"]
    good, broken = check([source(server, "good"), source(server, "none")], fetcher=fetcher)
    assert (len(good.documents), good.error) == (2, None)
    assert good.newest == datetime(2026, 3, 8, 23, 58, 37, tzinfo=UTC)
    assert good.titles == ["Shares of Acme fall"] * 2
    assert (broken.documents, broken.error) == ((), f"{server.url('/none')}: HTTP 404")


def hang(server: FeedServer) -> None:
    server.closing.wait(60)
