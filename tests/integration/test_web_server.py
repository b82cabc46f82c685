"""The web stage as a process runs it: on real Redis, from start to a clean end."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from queue import Queue
from time import monotonic

import httpx
import pytest
import redis

from pipeline.errors import ConfigurationError
from pipeline.ports import CountedDocument
from pipeline.stores.archive import SqlArchive
from pipeline.stores.database import connect
from pipeline.trends import contributions
from tests.services import RedisServer, free_port
from tests.web_site import NOON, Site, news
from workers.completion import Flow
from workers.health import Health
from workers.settings import Settings, read_settings
from workers.web.broker_figures import BrokerFigures
from workers.web.overview import StreamFigures
from workers.web.server import run_web
from workers.web.serving import allowed_hosts, serve
from workers.wiring import trend_store


def settings_of(sqlite_url: str, redis_url: str, port: int = 0, **more: str) -> Settings:
    return read_settings(
        {
            "BELLWETHER_DATABASE": sqlite_url,
            "BELLWETHER_REDIS": redis_url,
            "BELLWETHER_WEB_PORT": str(port),
            **{f"BELLWETHER_{name}": value for name, value in more.items()},
        }
    )


class Started(Health):
    """A health that lets a test wait until the stage reports."""

    def __init__(self) -> None:
        super().__init__(timedelta(seconds=60))
        self.reported: Queue[str] = Queue()

    def watch(self, stage, consumer, delivery) -> None:
        super().watch(stage, consumer, delivery)
        self.reported.put(stage)


@contextmanager
def running(settings: Settings, health: Started) -> Iterator[None]:
    stop = threading.Event()
    failures: list[BaseException] = []

    def run() -> None:
        try:
            run_web(settings, stop, health)
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        assert health.reported.get(timeout=15) == "web"
        yield
    finally:
        began = monotonic()
        stop.set()
        thread.join(15)
        assert not thread.is_alive()
        assert monotonic() - began < 8, "SIGTERM must end the stage within 10 s"
    assert failures == []


def test_the_stage_serves_what_redis_and_sql_hold(
    sqlite_url: str, redis_server: RedisServer, redis_client: redis.Redis
) -> None:
    port = free_port()
    settings = settings_of(sqlite_url, redis_server.url, port, SYNTHETIC="1")
    document = news("a", NOON)
    counted = CountedDocument(document=document.id, at=NOON, contributions=contributions(document))
    trend_store(settings, redis_client).add([counted])
    engine = connect(sqlite_url)
    SqlArchive(engine).store([document], NOON)
    engine.dispose()
    health = Started()
    health.expect("web")
    assert not health.ready
    with running(settings, health), httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        health.check()
        assert health.ready
        assert client.get("/health/ready").json() == {
            "ok": True,
            "checks": {"database": "ok", "redis": "ok"},
        }
        stats = client.get("/api/stats").json()
        assert (stats["documents"], stats["synthetic"], stats["lag"]) == (1, True, None)
        query = {"series": "subject=AAPL", "to": "2026-03-02T12:10:00Z"}
        points = client.get("/api/series/points", params=query).json()
        assert [point["documents"] for point in points["points"]] == [1]
        assert client.get("/", headers={"host": "elsewhere.example"}).status_code == 421
        # the end must not wait for a client that listens
        with client.stream("GET", "/api/events") as events:
            assert events.status_code == 200


def test_a_taken_port_is_said_in_one_line(sqlite_url: str, redis_server: RedisServer) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = settings_of(sqlite_url, redis_server.url, taken.getsockname()[1])
        with pytest.raises(ConfigurationError, match="BELLWETHER_WEB_PORT") as raised:
            run_web(settings, threading.Event(), Started())
    assert "\n" not in str(raised.value)


def test_a_missing_setting_is_named() -> None:
    with pytest.raises(ConfigurationError, match="BELLWETHER_REDIS"):
        run_web(settings_of("sqlite://", ""), threading.Event(), Started())


def test_a_server_told_to_stop_before_it_began_ends(site: Site) -> None:
    stop = threading.Event()
    stop.set()
    serve(site.app(), "127.0.0.1", 0, stop)


@pytest.fixture
def site(sqlite_url: str) -> Iterator[Site]:
    engine = connect(sqlite_url)
    yield Site(engine)
    engine.dispose()


@pytest.mark.parametrize(
    ("host", "names", "answered"),
    [
        ("127.0.0.1", (), {"localhost", "127.0.0.1", "[::1]"}),
        ("::1", (), {"localhost", "127.0.0.1", "[::1]"}),
        ("localhost", (), {"localhost", "127.0.0.1", "[::1]"}),
        ("0.0.0.0", (), None),
        ("0.0.0.0", ("news.bank.example",), {"news.bank.example"}),
    ],
)
def test_which_names_are_answered(
    host: str, names: tuple[str, ...], answered: set[str] | None
) -> None:
    allowed = allowed_hosts(host, names)
    assert allowed is None if answered is None else allowed is not None and answered <= allowed


def test_the_brokers_figures_are_unknown_while_it_is_away_and_known_again() -> None:
    moments: list[Flow | BaseException] = [
        Flow({"classify": 7}, {}, {("bw.dead-letters", 0): 2, ("bw.documents", 0): 99}),
        ConfigurationError("no permission"),
        RuntimeError("a broken client"),
        Flow({"classify": 0}, {}, {}),
    ]

    def flow() -> Flow:
        moment = moments.pop(0)
        if isinstance(moment, BaseException):
            raise moment
        return moment

    broker = BrokerFigures(flow)
    assert broker.figures() == StreamFigures()
    seen = []
    for _ in range(4):
        broker.ask()
        seen.append(broker.figures())
    assert seen == [
        StreamFigures(lag={"classify": 7}, dead_letters=2),
        StreamFigures(),
        StreamFigures(),
        StreamFigures(lag={"classify": 0}, dead_letters=0),
    ]
