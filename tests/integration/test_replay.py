"""Replays, lag and dead letters on a real broker, without stages: the test plays their part."""

import base64
import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import kafka
import pytest

from pipeline.errors import Unavailable
from pipeline.wire import DEAD_LETTERS, DeadLetter
from workers.broker import admin_client, committed_positions, end_positions, kafka_client_config
from workers.completion import flow, wait_until_through
from workers.embedded import free_port
from workers.letters import count_letters, put_back, read_letters
from workers.replay import Line, lines_of, replay
from workers.settings import KafkaSettings, read_settings
from workers.topics import ensure_topics
from workers.trimming import KEEP_RECORDS, trim_once

pytestmark = pytest.mark.delivery

START = datetime(2026, 1, 5, 9, tzinfo=UTC)


@pytest.fixture
def settings(kafka_address: str) -> KafkaSettings:
    found = read_settings(
        {
            "BELLWETHER_KAFKA": kafka_address,
            "BELLWETHER_TOPIC_PREFIX": f"r{uuid.uuid4().hex[:8]}.",
            "BELLWETHER_PARTITIONS": "3",
        }
    ).kafka
    ensure_topics(found)
    return found


def records_of(settings: KafkaSettings, topic: str) -> Iterator[tuple[int, bytes | None, bytes]]:
    """(partition, key, value) of everything in a topic."""
    with admin_client(settings) as client:
        ends = end_positions(client, [settings.prefix + topic])
    consumer = kafka.KafkaConsumer(**kafka_client_config(settings), group_id=None)
    try:
        for (name, partition), end in ends.items():
            place = kafka.TopicPartition(name, partition)
            consumer.assign([place])
            consumer.seek(place, 0)
            while consumer.position(place) < end:
                for record in consumer.poll(timeout_ms=500).get(place, []):
                    yield record.partition, record.key, record.value
    finally:
        consumer.close(autocommit=False)


def send(settings: KafkaSettings, topic: str, *values: bytes, partition: int = 0) -> None:
    producer = kafka.KafkaProducer(**kafka_client_config(settings), acks="all", linger_ms=5)
    try:
        futures = [
            producer.send(settings.prefix + topic, value, partition=partition) for value in values
        ]
        for future in futures:
            future.get(30)
    finally:
        producer.close()


def acknowledge(settings: KafkaSettings, stage: str, topic: str) -> None:
    """What a stage does when it has handled everything."""
    with admin_client(settings) as client:
        ends = end_positions(client, [settings.prefix + topic])
        client.alter_group_offsets(
            settings.prefix + stage,
            {
                kafka.TopicPartition(*place): kafka.OffsetAndMetadata(end, "", -1)
                for place, end in ends.items()
            },
        )


def documents_file(folder: Path, *names: str, extra: bytes = b"") -> Path:
    lines = [
        json.dumps(
            {
                "id": name,
                "source": "test",
                "title": f"about {name}",
                "published_at": (START + timedelta(minutes=number)).isoformat(),
            }
        ).encode()
        for number, name in enumerate(names)
    ]
    path = folder / "documents.jsonl"
    path.write_bytes(b"\n".join([*lines, extra]) + b"\n")
    return path


def letter(topic: str, offset: int, value: bytes = b"{}", stage: str = "classify") -> bytes:
    return DEAD_LETTERS.encode(
        DeadLetter(
            stage=stage,
            topic=topic,
            partition=0,
            offset=offset,
            key=base64.b64encode(b"key").decode(),
            value=base64.b64encode(value).decode(),
            reason="text: missing",
            error="Rejected",
            at=START,
        )
    ).value


def test_a_replay_keeps_the_order_of_the_file_in_one_partition(settings, tmp_path):
    names = [f"d{number}" for number in range(2_000)]
    replayed = replay(lines_of(documents_file(tmp_path, *names)), settings)
    found = list(records_of(settings, "documents"))
    assert replayed.sent == len(names)
    assert {partition for partition, _, _ in found} == {0}
    assert [key for _, key, _ in found] == [name.encode() for name in names]


def test_spread_over_partitions_every_document_still_arrives_once(settings, tmp_path):
    names = [f"d{number}" for number in range(300)]
    replay(lines_of(documents_file(tmp_path, *names)), settings, partition=None)
    found = list(records_of(settings, "documents"))
    assert sorted(key for _, key, _ in found if key) == sorted(name.encode() for name in names)
    assert len({partition for partition, _, _ in found}) == 3


def test_damaged_lines_are_sent_as_they_are(settings, tmp_path):
    damaged = b'{"title": "no source\xff'
    replay(lines_of(documents_file(tmp_path, "a", extra=damaged)), settings)
    assert (0, None, damaged) in list(records_of(settings, "documents"))


def test_a_replay_without_a_broker_is_unavailable():
    nowhere = read_settings({"BELLWETHER_KAFKA": f"127.0.0.1:{free_port()}"}).kafka
    with pytest.raises(Unavailable, match="does not answer"):
        replay(iter([Line(1, b"{}", None, None)]), nowhere)


def test_everything_is_through_only_when_the_last_stage_has_acknowledged(settings, tmp_path):
    replay(lines_of(documents_file(tmp_path, "a", "b")), settings)
    assert flow(settings).waiting["classify"] == 2
    send(settings, "classified", b"1", b"2")
    acknowledge(settings, "classify", "documents")
    assert flow(settings).first_waiting == "archive"
    for stage in ("archive", "aggregate"):
        acknowledge(settings, stage, "classified")
    send(settings, "trends", b"1")
    assert flow(settings).first_waiting == "watch"
    acknowledge(settings, "watch", "trends")
    through = wait_until_through(lambda: flow(settings), timedelta(seconds=5))
    assert through.first_waiting is None
    assert through.acknowledged["archive"] == 2


def test_dead_letters_are_read_to_the_end_and_counted_by_the_record_they_are_about(settings):
    assert list(read_letters(settings)) == []
    topic = settings.prefix + "documents"
    send(settings, "dead-letters", letter(topic, 5), letter(topic, 5), letter(topic, 6))
    send(settings, "dead-letters", letter(topic, 7), b"not a letter", partition=2)
    assert len(list(read_letters(settings))) == 5
    # 5, 6, 7 and the one that cannot be read
    assert count_letters(settings) == 4


def test_only_letters_since_a_moment_are_counted_when_asked(settings):
    topic = settings.prefix + "documents"
    send(settings, "dead-letters", letter(topic, 1), letter(topic, 2))
    before = flow(settings).ends
    assert count_letters(settings, since=before) == 0
    send(settings, "dead-letters", letter(topic, 3))
    assert count_letters(settings, since=before) == 1


def test_what_a_letter_holds_is_put_back_once_with_its_key(settings):
    topic = settings.prefix + "documents"
    send(settings, "dead-letters", letter(topic, 5, b"bytes \xff"), letter(topic, 5, b"bytes \xff"))
    assert put_back(settings, read_letters(settings)) == 1
    ((_, key, value),) = records_of(settings, "documents")
    assert (key, value) == (b"key", b"bytes \xff")


def test_only_what_every_reader_has_acknowledged_is_dropped(settings):
    send(settings, "classified", *(b"x" for _ in range(3_000)))
    send(settings, "documents", *(b"x" for _ in range(3_000)))
    acknowledge(settings, "classify", "documents")
    acknowledge(settings, "archive", "classified")
    # aggregate has not read its topic, so only `documents` gets shorter
    assert trim_once(settings) == 3_000 - KEEP_RECORDS
    assert flow(settings).waiting["aggregate"] == 3_000
    assert flow(settings).waiting["classify"] == 0
    with admin_client(settings) as client:
        assert committed_positions(client, settings.prefix + "archive")
