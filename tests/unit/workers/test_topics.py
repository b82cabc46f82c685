"""What an existing topic is compared with, without a broker."""

from datetime import timedelta

import pytest

from pipeline.errors import ConfigurationError
from workers.settings import KafkaSettings, read_settings
from workers.topics import (
    MAX_DOCUMENT_BYTES,
    TOPIC_NAMES,
    TopicPlan,
    differences,
    kafka_client_config,
    topic_plans,
)

PLAN = TopicPlan(
    name="bellwether.documents",
    partitions=4,
    replication=1,
    retention=timedelta(hours=1),
    max_message_bytes=MAX_DOCUMENT_BYTES,
)
AS_PLANNED = {"retention.ms": "3600000", "max.message.bytes": str(MAX_DOCUMENT_BYTES)}


def kafka_settings(**values: str) -> KafkaSettings:
    environment = {f"BELLWETHER_{name}": value for name, value in values.items()}
    return read_settings({"BELLWETHER_KAFKA": "broker:9092", **environment}).kafka


def partitions(count: int, replicas: int = 1) -> list[dict[str, list[int]]]:
    return [{"replica_nodes": list(range(replicas))} for _ in range(count)]


def test_a_topic_as_planned_differs_in_nothing():
    assert differences(PLAN, partitions(4), AS_PLANNED) == []


@pytest.mark.parametrize(
    ("found", "config", "phrase"),
    [
        (partitions(8), AS_PLANNED, "8 partitions, 4 are configured"),
        (partitions(4, replicas=3), AS_PLANNED, "3 replicas, 1 are configured"),
        (partitions(4), AS_PLANNED | {"retention.ms": "-1"}, "retention.ms -1, 3600000"),
        (partitions(4), AS_PLANNED | {"max.message.bytes": "1048588"}, "1048588, 4194304"),
        (partitions(4), AS_PLANNED | {"cleanup.policy": "compact,delete"}, "cleanup.policy"),
    ],
)
def test_each_difference_is_named(found, config, phrase):
    (difference,) = differences(PLAN, found, config)
    assert phrase in difference


def test_room_for_larger_records_than_needed_is_no_difference():
    config = AS_PLANNED | {"max.message.bytes": str(2 * MAX_DOCUMENT_BYTES)}
    assert differences(PLAN, partitions(4), config) == []


def test_the_five_topics_carry_the_prefix_and_the_configured_settings():
    plans = topic_plans(
        kafka_settings(TOPIC_PREFIX="risk.", PARTITIONS="6", REPLICATION="3", RETENTION_HOURS="2")
    )
    assert [plan.name for plan in plans] == [f"risk.{name}" for name in TOPIC_NAMES]
    assert {(plan.partitions, plan.replication) for plan in plans} == {(6, 3)}
    assert {plan.config["retention.ms"] for plan in plans} == {"7200000"}


def test_a_dead_letter_has_room_for_the_largest_document_in_base64():
    sizes = {plan.name: plan.max_message_bytes for plan in topic_plans(kafka_settings())}
    letters = sizes["bellwether.dead-letters"]
    assert letters is not None
    assert letters > MAX_DOCUMENT_BYTES * 4 / 3


def test_clients_get_the_security_settings_and_only_those_that_apply(tmp_path):
    authority = tmp_path / "ca.pem"
    authority.touch()
    plain = kafka_client_config(kafka_settings())
    assert plain == {"bootstrap_servers": ["broker:9092"], "security_protocol": "PLAINTEXT"}
    secured = kafka_client_config(
        kafka_settings(
            KAFKA="one:9092,two:9092",
            KAFKA_SECURITY="SASL_SSL",
            KAFKA_SASL_USERNAME="reader",
            KAFKA_SASL_PASSWORD="secret",
            KAFKA_SSL_CA=str(authority),
        )
    )
    assert secured == {
        "bootstrap_servers": ["one:9092", "two:9092"],
        "security_protocol": "SASL_SSL",
        "ssl_cafile": str(authority),
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "reader",
        "sasl_plain_password": "secret",
    }


def test_a_certificate_authority_that_is_not_there_is_a_configuration_error():
    settings = kafka_settings(KAFKA_SECURITY="SSL", KAFKA_SSL_CA="/nonexistent/ca.pem")
    with pytest.raises(ConfigurationError, match="BELLWETHER_KAFKA_SSL_CA"):
        kafka_client_config(settings)
