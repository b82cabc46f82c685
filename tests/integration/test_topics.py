"""The five topics on a real broker: created once, reported, never changed."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import kafka
import pytest

from pipeline.errors import ConfigurationError, Unavailable
from workers.broker import admin_client, kafka_client_config, partitions_of
from workers.embedded import embedded_broker, free_port
from workers.settings import KafkaSettings, read_settings
from workers.topics import (
    MAX_DOCUMENT_BYTES,
    TOPIC_NAMES,
    State,
    TopicFinding,
    ensure_topics,
    inspect_topics,
)

pytestmark = pytest.mark.delivery


@pytest.fixture
def prefix() -> str:
    """Topics of this test's own: the broker is shared."""
    return f"t{uuid.uuid4().hex[:8]}."


def settings_of(address: str, prefix: str, **values: str) -> KafkaSettings:
    environment = {f"BELLWETHER_{name}": value for name, value in values.items()}
    return read_settings(
        {"BELLWETHER_KAFKA": address, "BELLWETHER_TOPIC_PREFIX": prefix, **environment}
    ).kafka


def states(findings: tuple[TopicFinding, ...]) -> set[State]:
    return {finding.state for finding in findings}


def test_missing_topics_are_created_and_found_as_configured_afterwards(kafka_address, prefix):
    settings = settings_of(kafka_address, prefix, PARTITIONS="3", RETENTION_HOURS="1")
    first = ensure_topics(settings)
    assert [finding.topic for finding in first] == [prefix + name for name in TOPIC_NAMES]
    assert states(first) == {State.CREATED}
    assert states(ensure_topics(settings)) == {State.AS_CONFIGURED}
    with admin_client(settings) as client:
        assert len(partitions_of(client, [prefix + "trends"])) == 3


def test_a_topic_with_other_settings_is_reported_in_one_line_and_left_alone(kafka_address, prefix):
    ensure_topics(settings_of(kafka_address, prefix, PARTITIONS="2", RETENTION_HOURS="1"))
    other = settings_of(kafka_address, prefix, PARTITIONS="5", RETENTION_HOURS="2")
    findings = ensure_topics(other)
    assert states(findings) == {State.DIFFERS}
    for finding in findings:
        assert "2 partitions, 5 are configured" in finding.detail
        assert "retention.ms 3600000, 7200000 is configured" in finding.detail
        assert "\n" not in str(finding)
    with admin_client(other) as client:
        assert len(partitions_of(client, [prefix + "documents"])) == 2


def test_looking_creates_nothing(kafka_address, prefix):
    settings = settings_of(kafka_address, prefix)
    assert states(inspect_topics(settings)) == {State.MISSING}
    assert states(inspect_topics(settings)) == {State.MISSING}


def test_many_processes_may_create_them_at_once(kafka_address, prefix):
    settings = settings_of(kafka_address, prefix)
    together = threading.Barrier(6)

    def create() -> tuple[TopicFinding, ...]:
        together.wait()
        return ensure_topics(settings)

    with ThreadPoolExecutor(6) as pool:
        results = [future.result() for future in [pool.submit(create) for _ in range(6)]]
    created = [f.topic for findings in results for f in findings if f.state is State.CREATED]
    assert sorted(created) == sorted(prefix + name for name in TOPIC_NAMES)
    assert all(states(findings) <= {State.CREATED, State.AS_CONFIGURED} for findings in results)


def test_more_replicas_than_brokers_is_said_after_waiting_for_them(kafka_address, prefix):
    settings = settings_of(kafka_address, prefix, REPLICATION="9")
    with pytest.raises(Unavailable, match="BELLWETHER_REPLICATION=9"):
        ensure_topics(settings, wait=timedelta(seconds=1))


def test_a_name_the_broker_refuses_is_a_configuration_error(kafka_address):
    with pytest.raises(ConfigurationError, match="Invalid"):
        ensure_topics(settings_of(kafka_address, "not/a/topic."))


def test_a_document_of_four_megabytes_arrives(kafka_address, prefix):
    settings = settings_of(kafka_address, prefix)
    ensure_topics(settings)
    producer = kafka.KafkaProducer(
        **kafka_client_config(settings), acks="all", max_request_size=2 * MAX_DOCUMENT_BYTES
    )
    try:
        text = b"x" * (MAX_DOCUMENT_BYTES - 4096)
        stored = producer.send(prefix + "documents", text, partition=0).get(30)
    finally:
        producer.close()
    assert stored.offset == 0


def test_a_broker_that_is_not_there_is_unavailable_after_the_wait():
    settings = settings_of(f"127.0.0.1:{free_port()}", "x.")
    with pytest.raises(Unavailable, match="does not answer"):
        ensure_topics(settings, wait=timedelta(seconds=1))


def test_a_broker_that_comes_later_is_waited_for(tmp_path: Path):
    server = embedded_broker(tmp_path)
    server.port = free_port()
    settings = settings_of(server.address, "late.")
    waited = []

    def start_instead_of_sleeping(seconds: float) -> None:
        waited.append(seconds)
        server.start()
        server.wait_ready()

    try:
        findings = ensure_topics(
            settings, wait=timedelta(seconds=30), sleep=start_instead_of_sleeping
        )
    finally:
        server.stop()
    assert states(findings) == {State.CREATED}
    assert len(waited) == 1
