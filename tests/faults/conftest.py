"""One cluster for the whole fault suite; every scenario breaks it and must leave it whole."""

import gc
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

import msgspec
import pytest

from benchmarks.load import Plan, history
from tests.cluster import STREAM, Cluster
from tests.kafka_services import start_broker
from tests.services import PostgresServer, open_folder
from workers.embedded import EmbeddedServer, embedded_redis
from workers.settings import read_settings
from workers.trimming import trim_once

# Scenarios take their event time one after the other, so that none is late for the last.
STRETCH = timedelta(hours=2)
RUNS = tuple(f"r{number}" for number in range(24))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--kafka") == "embedded":
        # It does not promise to keep what it acknowledged over an end of its own (measured:
        # docs/decisions.md, 2); what ingest sends is kept by its outbox, and tested there.
        broker = [item for item in items if "test_the_broker_away" in item.name]
        config.hook.pytest_deselected(items=broker)
        items[:] = [item for item in items if item not in broker]
    for item in items:
        if "/faults/" in str(item.path):
            if item.get_closest_marker("soak") is None:
                item.add_marker(pytest.mark.faults)
                item.add_marker(pytest.mark.timeout(240))
            # kafka-python leaves the socket of a refused reconnect to the garbage collector
            item.add_marker(pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"))


@pytest.fixture(autouse=True)
def collected_sockets() -> Iterator[None]:
    """The sockets above are collected within the test they are excused in."""
    yield
    gc.collect()


def only_logs(_folder: str, names: list[str]) -> list[str]:
    """What `copytree` leaves out: all but the processes' logs."""
    return [name for name in names if not name.endswith(".log")]


class Receiver:
    """A webhook's other end: remembers what it got; can be slow or refuse."""

    def __init__(self) -> None:
        # idempotency key and the subject of the alert, one pair a delivery
        self.told: list[tuple[str, str | None]] = []
        self.slow = Event()
        self.dead = False
        self._lock = Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", "0"))
                alert = msgspec.json.decode(self.rfile.read(length))["alert"]
                if receiver.slow.is_set():
                    # the sender gives up long before this answers
                    receiver.released.wait(30)
                    self.send_response(503)
                elif receiver.dead:
                    self.send_response(503)
                else:
                    key = self.headers.get("Idempotency-Key", "")
                    with receiver._lock:
                        receiver.told.append((key, alert["series"]["subject"]))
                    self.send_response(204)
                with suppress(OSError):
                    self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                return None

        self.released = Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/alerts"

    def stop(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()


@dataclass
class World:
    """The cluster and the services under it."""

    cluster: Cluster
    broker: Any
    redis: EmbeddedServer
    database: PostgresServer
    receiver: Receiver
    starts: datetime
    embedded: bool
    used: list[str] = field(default_factory=list)
    told_before: int = 0
    # documents archived, by run, of every scenario that went through
    settled: dict[str, int] = field(default_factory=dict)

    def plan(self, documents: int = 5000, **changes: Any) -> Plan:
        """The next stretch of event time, with one surge in it."""
        if self.embedded:
            # it writes its whole log anew every second: `demo` and `up` trim it too
            trim_once(read_settings(self.cluster.environment).kafka)
        run = RUNS[len(self.used)]
        start = self.starts + STRETCH * len(self.used)
        self.used.append(run)
        return Plan(
            run=run,
            documents=documents,
            start=start,
            length=STRETCH,
            seed=len(self.used),
            **changes,
        )

    def settle(self, plan: Plan, dead: int = 0, seconds: float = 120) -> None:
        """Wait until every document of `plan` is archived or a dead letter, and counted.

        What was published before is compared once, by the last test of the suite."""
        cluster = self.cluster
        cluster.until(
            lambda: cluster.archived(plan.run) >= plan.documents - dead,
            seconds,
            lambda: (
                f"{plan.documents - dead} documents of {plan.run} in SQL, there are "
                f"{cluster.archived(plan.run)}; lag {cluster.lags()}"
            ),
        )
        period = (f"--from={plan.start.isoformat()}", f"--to={(plan.start + STRETCH).isoformat()}")
        found: list[dict[str, Any]] = []

        def equal() -> bool:
            found.append(cluster.check(*period))
            return bool(found[-1]["redis_equals_sql"])

        cluster.until(
            equal, seconds, lambda: f"Redis equal to SQL, not {found[-1]['differences'][:5]}", 1.0
        )
        self.settled[plan.run] = plan.documents - dead

    def assert_whole(self, plan: Plan, dead: int = 0) -> None:
        """Nothing lost, nothing twice: the sentence every scenario ends with."""
        cluster = self.cluster
        self.settle(plan, dead)
        assert cluster.archived(plan.run) == plan.documents - dead
        assert len(cluster.letters(plan.run)) == dead
        for surge in range(plan.surges):
            self.assert_alerted(plan.subject(surge))

    def assert_alerted(self, subject: str) -> None:
        """The surge has its alert: in SQL, and on the topic in the state SQL has."""
        cluster = self.cluster
        query = (
            "SELECT count(*) FROM alerts WHERE subject = :subject AND topic IS NULL"
            " AND firing_at IS NOT NULL"
        )
        cluster.until(
            lambda: bool(cluster.scalar(query, subject=subject)), 60, f"an alert on {subject}"
        )
        revision = "SELECT max(revision) FROM alerts WHERE subject = :subject AND topic IS NULL"

        def on_topic() -> bool:
            stored = cluster.scalar(revision, subject=subject)
            sent = [
                alert["revision"]
                for alert in cluster.read("alerts")
                if alert["series"]["subject"] == subject and alert["series"]["topic"] is None
            ]
            return bool(sent) and max(sent) >= (stored or 0)

        cluster.until(on_topic, 60, f"the alert on {subject} on its topic", 1.0)
        cluster.until(
            lambda: any(told == subject for _, told in self.receiver.told),
            60,
            f"the webhook call about {subject}",
        )

    def assert_no_repeats(self) -> None:
        """No notification was sent twice for the same reason since the scenario began."""
        keys = [key for key, _ in self.receiver.told[self.told_before :]]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        assert not twice, twice


@pytest.fixture(scope="session")
def world(broker_kind: str) -> Iterator[World]:
    """Broker, Redis, PostgreSQL, and two of each process that may be more than one."""
    # its log records would hold those sockets until the end of the session
    logging.getLogger("kafka").setLevel(logging.CRITICAL + 1)
    with open_folder("bellwether-world-") as folder:
        yield from _world(broker_kind, folder)


def _world(broker_kind: str, folder: Path) -> Iterator[World]:
    broker = start_broker(broker_kind, folder)
    redis = embedded_redis(folder)
    redis.start()
    redis.wait_ready()
    (folder / "postgres").mkdir()
    database = PostgresServer(folder / "postgres")
    database.start()
    url = database.new_database()
    receiver = Receiver()
    cluster = Cluster(
        folder,
        {
            "BELLWETHER_KAFKA": broker.address,
            "BELLWETHER_REDIS": f"redis://{redis.address}/0",
            "BELLWETHER_DATABASE": url,
            "BELLWETHER_WEBHOOK_URL": receiver.url,
            "BELLWETHER_WEBHOOK_SECRET": "a secret of the tests",
            # dead members are noticed sooner than an operator would want
            "BELLWETHER_KAFKA_SESSION_TIMEOUT": "6",
            "BELLWETHER_KAFKA_REBALANCE_TIMEOUT": "15",
            "BELLWETHER_KAFKA_REQUEST_TIMEOUT": "25",
            "BELLWETHER_SWEEP_SECONDS": "2",
            "BELLWETHER_PERSIST_SECONDS": "5",
            # small batches: more of them are in flight when something breaks
            "BELLWETHER_BATCH_DOCUMENTS": "100",
        },
        # the embedded broker never forgets a member that died (docs/decisions.md, 2)
        dynamic=() if broker_kind == "embedded" else ("classify", "archive", "watch"),
    )
    starts = datetime.now(UTC) - STRETCH * (len(RUNS) + 1)
    embedded = broker_kind == "embedded"
    found = World(cluster, broker, redis, database, receiver, starts, embedded)
    try:
        cluster.run("db", "upgrade")
        cluster.run("topics", "create")
        for stage in ("classify", "classify", *STREAM[1:], "housekeeping"):
            cluster.add(stage)
        tickers = [
            Plan(run=run, documents=1, start=starts, length=STRETCH).ticker(surge)
            for run in RUNS
            for surge in range(2)
        ]
        known = list(history(tickers, starts, "known"))
        cluster.publish(known, 1000)
        cluster.until(lambda: cluster.archived("known") == len(known), 90, "the calm day in SQL")
        yield found
    finally:
        cluster.stop()
        if kept := os.environ.get("BELLWETHER_TEST_LOGS"):
            shutil.copytree(folder, kept, ignore=only_logs, dirs_exist_ok=True)
        database.stop()
        redis.stop()
        broker.stop()
        receiver.stop()
