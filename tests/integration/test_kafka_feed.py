"""A Kafka topic as a source, on a real broker."""

import json
import uuid
from datetime import UTC, datetime

import kafka
import pytest

from pipeline.errors import ConfigurationError, Unavailable
from pipeline.feeds.feed import Feed, FeedState, SourceConfig
from pipeline.feeds.fetch import Fetcher
from pipeline.feeds.kinds import FEEDS, open_feed
from workers.broker import kafka_client_config
from workers.kafka_feed import kafka_opener
from workers.settings import KafkaSettings, read_settings

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
MAPPING = {"fields": {"id": "n", "title": "head", "published": "at"}}


@pytest.fixture
def settings(kafka_address: str) -> KafkaSettings:
    return read_settings({"BELLWETHER_KAFKA": kafka_address}).kafka


def sent(settings: KafkaSettings, topic: str, *values: bytes) -> None:
    producer = kafka.KafkaProducer(**kafka_client_config(settings), bootstrap_timeout_ms=10_000)
    for value in values:
        producer.send(topic, value=value).get(timeout=30)
    producer.close()


def opened(settings: KafkaSettings, url: str) -> Feed:
    source = SourceConfig(name="k", kind="kafka", url=url, options=MAPPING)
    return open_feed(source, Fetcher(), {**FEEDS, "kafka": kafka_opener(settings)})


def record(number: int) -> bytes:
    return json.dumps({"n": number, "head": f"Story {number}", "at": 1777629600}).encode()


def test_a_topic_is_read_from_where_the_last_poll_stopped(settings: KafkaSettings) -> None:
    topic = f"t{uuid.uuid4().hex[:8]}"
    sent(settings, topic, record(1), b"no record", record(2))
    feed = opened(settings, f"kafka:///{topic}")
    first = feed.poll(FeedState(), NOW)
    assert [document.title for document in first.documents] == ["Story 1", "Story 2"]
    assert first.documents[0].published_at == datetime(2026, 5, 1, 10, tzinfo=UTC)
    assert first.skipped == 1
    sent(settings, topic, record(3))
    # another broker's address, which here is our own
    elsewhere = opened(settings, f"kafka://{settings.servers}/{topic}")
    second = elsewhere.poll(first.state, NOW)
    assert [document.title for document in second.documents] == ["Story 3"]
    assert elsewhere.poll(second.state, NOW).unchanged


def test_a_topic_that_does_not_exist_or_is_not_named_says_so(settings: KafkaSettings) -> None:
    with pytest.raises(ConfigurationError, match="kafka:///topic is needed"):
        opened(settings, "kafka://host:9092/")
    with pytest.raises(Unavailable, match=r"no topic|UnknownTopic"):
        opened(settings, f"kafka:///none{uuid.uuid4().hex}").poll(FeedState(), NOW)
