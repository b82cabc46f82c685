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


def test_more_records_than_one_poll_takes_are_all_read(settings: KafkaSettings) -> None:
    topic = f"t{uuid.uuid4().hex[:8]}"
    # a record may hold many items: what is read is not read again
    many = [json.loads(record(number)) for number in range(6_000)]
    for first in range(0, 6_000, 600):
        sent(settings, topic, json.dumps(many[first : first + 600]).encode())
    feed = opened(settings, f"kafka:///{topic}")
    poll = feed.poll(FeedState(), NOW)
    assert len(poll.documents) == 6_000
    assert feed.poll(poll.state, NOW).unchanged


def test_of_two_editions_in_one_poll_the_later_stands(settings: KafkaSettings) -> None:
    topic = f"t{uuid.uuid4().hex[:8]}"
    corrected = json.dumps({"n": 1, "head": "Corrected", "at": 1777629600}).encode()
    sent(settings, topic, record(1), record(2), corrected)
    poll = opened(settings, f"kafka:///{topic}").poll(FeedState(), NOW)
    assert [document.title for document in poll.documents] == ["Story 2", "Corrected"]


def test_a_topic_that_was_made_anew_is_read_from_its_beginning(settings: KafkaSettings) -> None:
    topic = f"t{uuid.uuid4().hex[:8]}"
    sent(settings, topic, record(1))
    feed = opened(settings, f"kafka:///{topic}")
    (partition,) = json.loads(feed.poll(FeedState(), NOW).state.etag or "").keys() - {"topic"}
    ahead = FeedState(etag=json.dumps({"topic": topic, partition: 6_000}))
    assert [one.title for one in feed.poll(ahead, NOW).documents] == ["Story 1"]
    another = FeedState(etag=json.dumps({"topic": "another", partition: 1}))
    assert [one.title for one in feed.poll(another, NOW).documents] == ["Story 1"]


def test_full_text_is_not_for_a_topic(settings: KafkaSettings) -> None:
    source = SourceConfig(name="k", kind="kafka", url="kafka:///t", options=MAPPING, full_text=True)
    with pytest.raises(ConfigurationError, match="full_text: not for a topic"):
        open_feed(source, Fetcher(), {**FEEDS, "kafka": kafka_opener(settings)})
