"""Stages as Faust agents on a real broker, in this process."""

import asyncio
import inspect
import json
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import aiokafka
import kafka
import pytest

from models.load import load_classifier
from pipeline.catalogue import load_catalogue
from pipeline.documents import Classification, Sentiment
from pipeline.errors import Unavailable
from pipeline.ports import Classifier, ClassifierInput
from pipeline.stages import Classify, Handled
from pipeline.stores.memory_stories import MemoryStoryIndex
from pipeline.subjects import CatalogueLinker
from pipeline.wire import Outgoing, Record
from workers.agents import StageRunner
from workers.health import Health
from workers.settings import Settings, read_settings
from workers.topics import ensure_topics
from workers.transport import BatchConsumer
from workers.wiring import Stage

pytestmark = pytest.mark.delivery


@pytest.fixture
def settings(kafka_address: str) -> Settings:
    """Settings with topics of this test alone."""
    found = read_settings(
        {
            "BELLWETHER_KAFKA": kafka_address,
            "BELLWETHER_TOPIC_PREFIX": f"t{uuid.uuid4().hex[:8]}.",
            "BELLWETHER_KAFKA_SESSION_TIMEOUT": "6",
            "BELLWETHER_KAFKA_REBALANCE_TIMEOUT": "10",
            "BELLWETHER_KAFKA_REQUEST_TIMEOUT": "15",
            "BELLWETHER_INSTANCE": "only",
        }
    )
    ensure_topics(found.kafka)
    return found


def document(number: int, text: str) -> bytes:
    value = {
        "id": f"d:{number}",
        "source": "test",
        "text": text,
        "published_at": "2026-01-05T10:00:00Z",
    }
    return json.dumps(value).encode()


def publish(settings: Settings, values: Sequence[bytes]) -> None:
    producer = kafka.KafkaProducer(bootstrap_servers=settings.kafka.servers, acks="all")
    for number, value in enumerate(values):
        producer.send(settings.kafka.prefix + "documents", key=b"d:%d" % number, value=value)
    producer.flush(20)
    producer.close()


def read(settings: Settings, topic: str) -> list[dict[str, Any]]:
    consumer = kafka.KafkaConsumer(
        bootstrap_servers=settings.kafka.servers, enable_auto_commit=False
    )
    name = settings.kafka.prefix + topic
    places = [kafka.TopicPartition(name, n) for n in consumer.partitions_for_topic(name) or ()]
    consumer.assign(places)
    consumer.seek_to_beginning(*places)
    ends = consumer.end_offsets(places)
    found: list[dict[str, Any]] = []
    while any(consumer.position(place) < ends[place] for place in places):
        for records in consumer.poll(timeout_ms=500).values():
            found.extend(json.loads(record.value) for record in records)
    consumer.close()
    return found


@asynccontextmanager
async def running(
    settings: Settings, handler: Any, health: Health, measure_seconds: float = 4.0
) -> AsyncIterator[asyncio.Future[None]]:
    """One classify stage at work, stopped at the end as SIGTERM does."""
    stop = asyncio.Event()
    stage = Stage(name="classify", reads="documents", handler=handler, batch_records=50)
    runner = StageRunner(stage, settings, health, measure_seconds=measure_seconds)
    work = asyncio.ensure_future(runner.run(stop))
    try:
        yield work
    finally:
        stop.set()
        await work


async def until(reached: Callable[[], bool], tries: int = 400) -> bool:
    """Ask every tenth of a second; whether it came true."""
    tick = asyncio.Event()
    for _ in range(tries):
        if reached():
            return True
        with suppress(TimeoutError):
            await asyncio.wait_for(tick.wait(), 0.1)
    return False


async def run_until(
    settings: Settings, handler, handled: Callable[[Health], bool] | Callable[[], bool]
) -> Health:
    """Run one classify stage until `handled`, or its own end."""
    health = Health(timedelta(seconds=30))
    asks_health = bool(inspect.signature(handled).parameters)
    async with running(settings, handler, health) as work:

        def reached() -> bool:
            health.check()
            return (handled(health) if asks_health else handled()) or work.done()  # type: ignore[call-arg]

        await until(reached)
    return health


class Counting:
    """A handler that counts what it was given."""

    def __init__(self, handler: Callable[[Sequence[Record]], Handled]) -> None:
        self._handler = handler
        self.seen = 0

    def __call__(self, records: Sequence[Record]) -> Handled:
        handled = self._handler(records)
        self.seen += len(records)
        return handled


class Fragile:
    """A classifier that raises on one word."""

    version = "fragile"

    def classify(self, inputs: Sequence[ClassifierInput]) -> list[Classification]:
        if any("boom" in one.text for one in inputs):
            raise ZeroDivisionError("a tensor came out empty")
        calm = Sentiment(0.1, 0.8, 0.1)
        return [Classification(model_version=self.version, sentiment=calm) for _ in inputs]


def classify(classifier: Classifier) -> Counting:
    linker = CatalogueLinker(load_catalogue())
    return Counting(Classify(classifier, linker, MemoryStoryIndex()))


async def test_a_document_that_makes_the_classifier_raise_is_a_dead_letter(settings: Settings):
    texts = [f"calm number {n}" if n != 70 else "boom" for n in range(120)]
    publish(settings, [document(n, text) for n, text in enumerate(texts)])
    handler = classify(Fragile())
    await run_until(settings, handler, lambda: handler.seen >= 120)
    classified = {found["document"]["id"] for found in read(settings, "classified")}
    assert classified == {f"d:{n}" for n in range(120)} - {"d:70"}
    (letter,) = read(settings, "dead-letters")
    assert "ZeroDivisionError" in letter["reason"]


async def test_invalid_documents_are_dead_letters_and_their_neighbours_pass(settings: Settings):
    bad = {
        b"\xff\xfe\x00": "UTF-8",
        b'{"source": "x"': "JSON",
        b'{"source": "x", "text": "no time"}': "published_at",
        b'{"source": "x", "published_at": "0001-01-01T00:00:00Z", "text": "t"}': "year 1",
        b'{"source": "x", "published_at": "9999-12-31T00:00:00Z", "text": "t"}': "year 9999",
        b'{"source": "x", "published_at": "2026-01-05T10:00:00Z", "text": "\\u0000"}': "NUL",
        b'{"source": "x", "published_at": "2026-01-05T10:00:00Z", "text": "\\ud800"}': "surrogate",
        b'{"source": "x", "published_at": "2026-01-05T10:00:00Z", "text": " "}': "empty",
        b'{"v": 2, "source": "x", "published_at": "2026-01-05T10:00:00Z", "text": "t"}': "version",
    }
    values = []
    for number, value in enumerate(bad):
        values += [value, document(number, f"good news number {number}")]
    publish(settings, values)
    handler = classify(load_classifier("baseline", "", "", ("en",)))
    await run_until(settings, handler, lambda: handler.seen >= len(values))
    assert len(read(settings, "classified")) == len(bad)
    reasons = [letter["reason"] for letter in read(settings, "dead-letters")]
    assert len(reasons) == len(bad)
    for words in bad.values():
        assert any(words in reason for reason in reasons), (words, reasons)


async def test_nothing_is_acknowledged_before_it_is_durable(settings: Settings):
    """A stage that is stopped while its store is away starts again at the same record."""
    publish(settings, [document(n, "text") for n in range(20)])
    tried = 0

    def away(records: Sequence[Record]) -> Handled:
        nonlocal tried
        tried += 1
        raise Unavailable("the store of this test")

    await run_until(settings, away, lambda: tried >= 2)
    seen: list[bytes | None] = []

    def back(records: Sequence[Record]) -> Handled:
        seen.extend(record.key for record in records)
        return Handled([Outgoing("classified", one.key or b"", b"{}") for one in records])

    await run_until(settings, back, lambda: len(seen) >= 20)
    assert set(seen) == {b"d:%d" % n for n in range(20)}

    again: list[bytes | None] = []

    def acknowledged(records: Sequence[Record]) -> Handled:
        again.extend(record.key for record in records)
        return Handled(())

    publish(settings, [document(0, "one more")])
    await run_until(settings, acknowledged, lambda: bool(again))
    assert again == [b"d:0"]


async def test_a_fetch_dropped_before_a_quiet_time_is_read_again(settings: Settings):
    """Nothing comes after it that would show the gap."""
    consumers: list[BatchConsumer] = []

    class Noting(Health):
        def watch(self, stage: str, consumer: Any, delivery: Any) -> None:
            consumers.append(consumer)
            super().watch(stage, consumer, delivery)

    handler = Counting(lambda records: Handled(()))
    async with running(settings, handler, Noting(timedelta(seconds=30)), measure_seconds=1.0):
        publish(settings, [document(n, "text") for n in range(20)])
        assert await until(lambda: handler.seen == 20)
        (consumer,) = consumers
        # the fetch that waits at the broker now comes back to a flow that has stopped
        consumer.stop_flow()
        publish(settings, [document(n, "text") for n in range(20, 40)])
        assert not await until(lambda: handler.seen > 20, tries=20)
        consumer.resume_flow()
        assert await until(lambda: handler.seen == 40)


async def test_the_marker_that_ends_a_transaction_is_no_lag(settings: Settings):
    """It takes an offset and is no record: a stage must not be thought asleep for it."""
    producer = aiokafka.AIOKafkaProducer(
        bootstrap_servers=settings.kafka.servers, transactional_id=settings.kafka.prefix
    )
    await producer.start()
    async with producer.transaction():
        await producer.send_and_wait(
            settings.kafka.prefix + "documents", document(1, "text"), b"d:1", partition=0
        )
    await producer.stop()
    handler = Counting(lambda records: Handled(()))

    def caught_up(health: Health) -> bool:
        stages = health.check()
        return handler.seen == 1 and bool(stages) and stages[0].lag == 0

    health = await run_until(settings, handler, caught_up)
    assert handler.seen == 1
    assert health.check()[0].lag == 0


async def test_readiness_follows_progress(settings: Settings):
    publish(settings, [document(n, "text") for n in range(10)])
    handler = Counting(lambda records: Handled(()))
    health = await run_until(settings, handler, lambda: handler.seen >= 10)
    assert health.report()["starting"] == []
    assert health.ready


def test_the_clock_of_the_broker_stands_in_for_a_missing_fetch_time():
    at = datetime(2026, 1, 5, 9, tzinfo=UTC)
    record = Record(
        topic="documents", partition=0, offset=0, at=at, key=None, value=document(1, "early")
    )
    handled = classify(Fragile())([record])
    (sent,) = handled.outgoing
    # published an hour after it arrived: a wrong clock, held back to the arrival
    assert json.loads(sent.value)["document"]["published_at"] == "2026-01-05T09:00:00Z"
