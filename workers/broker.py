"""What operators' tools ask of the broker: a client, its offsets, its errors as ours.

The stages read and write through `workers/transport.py`; this is kafka-python, for what is
done around them: creating topics, replaying, measuring lag, reading dead letters.
"""

import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import kafka
import kafka.errors
from kafka.net.compat import KafkaNetClient

from pipeline.errors import BellwetherError, ConfigurationError, Unavailable
from workers.settings import KafkaSettings

Positions = Mapping[tuple[str, int], int]
"""(topic, partition) to the offset of the next record."""


def kafka_client_config(kafka_settings: KafkaSettings) -> dict[str, Any]:
    """Address and security, as every kafka-python client takes them.

    Raises `ConfigurationError` for a certificate file that is not there: the client would
    only say that it cannot connect.
    """
    if kafka_settings.ssl_ca and not Path(kafka_settings.ssl_ca).is_file():
        raise ConfigurationError(
            f"BELLWETHER_KAFKA_SSL_CA={kafka_settings.ssl_ca!r}: there is no such file"
        )
    config: dict[str, Any] = {
        "bootstrap_servers": kafka_settings.servers.split(","),
        "security_protocol": kafka_settings.security,
    }
    if kafka_settings.ssl_ca:
        config["ssl_cafile"] = kafka_settings.ssl_ca
    if kafka_settings.security.startswith("SASL"):
        config["sasl_mechanism"] = kafka_settings.sasl_mechanism
        config["sasl_plain_username"] = kafka_settings.sasl_username
        config["sasl_plain_password"] = kafka_settings.sasl_password
    return config


_NO_COORDINATOR_YET = (
    kafka.errors.CoordinatorNotAvailableError,
    kafka.errors.CoordinatorLoadInProgressError,
    kafka.errors.NotCoordinatorError,
)
_COORDINATOR_SECONDS = 15.0

# What waiting cannot mend: an operator must change a setting, here or at the broker.
_REFUSALS = (
    kafka.errors.AuthorizationError,
    kafka.errors.SaslAuthenticationFailedError,
    kafka.errors.UnsupportedSaslMechanismError,
    kafka.errors.IllegalSaslStateError,
    kafka.errors.KafkaConfigurationError,
    kafka.errors.PolicyViolationError,
    kafka.errors.InvalidTopicError,
    kafka.errors.InvalidConfigurationError,
    kafka.errors.UnsupportedVersionError,
)


@contextmanager
def broker_errors(kafka_settings: KafkaSettings, doing: str) -> Iterator[None]:
    """Raise what the client raises as `Unavailable`, or `ConfigurationError` where waiting
    cannot help: wrong credentials, no permission."""
    where = f"the broker at {kafka_settings.servers}"
    try:
        yield
    except _REFUSALS as error:
        raise ConfigurationError(f"{doing}: {where} refuses: {_one_line(error)}") from error
    except (kafka.errors.KafkaError, OSError) as error:
        raise Unavailable(f"{doing}: {where} does not answer: {_one_line(error)}") from error


def _one_line(error: Exception) -> str:
    # a broker's error repeats request and response in full after its first sentence
    return " ".join(str(error).split())[:160] or type(error).__name__


def reach(kafka_settings: KafkaSettings, timeout_seconds: float = 3.0) -> None:
    """Return when one of the brokers accepts a connection; raise `Unavailable` with the
    reason when none does. Call it before making a client.

    A client of kafka-python that cannot connect says neither why nor that it has left its
    sockets and its thread behind.
    """
    refused = ""
    for server in kafka_settings.servers.split(","):
        host, _, port = server.rpartition(":")
        try:
            with socket.create_connection((host.strip("[]"), int(port)), timeout_seconds):
                return
        except OSError as error:
            refused = error.strerror or str(error)
    raise Unavailable(f"the broker at {kafka_settings.servers} does not answer: {refused}")


@contextmanager
def admin_client(
    kafka_settings: KafkaSettings, timeout_seconds: float = 10.0
) -> Iterator[kafka.KafkaAdminClient]:
    """A connected admin client, closed at the end. Raises `Unavailable` within the timeout."""
    config = kafka_client_config(kafka_settings)
    reach(kafka_settings, timeout_seconds)
    made: list[KafkaNetClient] = []

    def remembered(**net_config: Any) -> KafkaNetClient:
        made.append(KafkaNetClient(**net_config))
        return made[-1]

    try:
        with broker_errors(kafka_settings, "connecting"):
            client = kafka.KafkaAdminClient(
                **config,
                client_id="bellwether-admin",
                bootstrap_timeout_ms=round(timeout_seconds * 1000),
                request_timeout_ms=max(round(timeout_seconds * 1000), 1_000),
                # the constructor does not close what it opened when it fails
                kafka_client=remembered,
            )
    except BellwetherError:
        for net in made:
            net.close()
        raise
    try:
        yield client
    finally:
        client.close()


def partitions_of(client: kafka.KafkaAdminClient, topics: Sequence[str]) -> list[tuple[str, int]]:
    """Every partition of those of `topics` that exist."""
    return sorted(
        (found["name"], partition["partition_index"])
        for found in client.describe_topics(list(topics))
        if found["error_code"] == 0
        for partition in found["partitions"]
    )


def end_positions(
    client: kafka.KafkaAdminClient, topics: Sequence[str]
) -> dict[tuple[str, int], int]:
    """Where each partition of `topics` ends now; topics that do not exist are left out."""
    return _positions(client, topics, kafka.admin.OffsetSpec.LATEST)


def start_positions(
    client: kafka.KafkaAdminClient, topics: Sequence[str]
) -> dict[tuple[str, int], int]:
    """The first offset that is still kept, by partition."""
    return _positions(client, topics, kafka.admin.OffsetSpec.EARLIEST)


def _positions(
    client: kafka.KafkaAdminClient, topics: Sequence[str], which: Any
) -> dict[tuple[str, int], int]:
    wanted = {
        kafka.TopicPartition(topic, partition): which
        for topic, partition in partitions_of(client, topics)
    }
    if not wanted:
        return {}
    answer = client.list_partition_offsets(wanted)
    return {(found.topic, found.partition): value.offset for found, value in answer.items()}


def committed_positions(client: kafka.KafkaAdminClient, group: str) -> dict[tuple[str, int], int]:
    """What `group` has acknowledged; a partition it never acknowledged is left out.

    A new cluster looks for its group coordinators when it is first asked: that is waited for.
    """
    deadline = time.monotonic() + _COORDINATOR_SECONDS
    while True:
        try:
            answer = client.list_group_offsets({group: None}).get(group, {})
            break
        except _NO_COORDINATOR_YET:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
    return {
        (found.topic, found.partition): value.offset
        for found, value in answer.items()
        if value.offset >= 0
    }


def lag(ends: Positions, acknowledged: Positions, starts: Positions) -> int:
    """Records between what was acknowledged (else the first kept record) and the ends."""
    return sum(
        max(0, end - max(acknowledged.get(place, 0), starts.get(place, 0)))
        for place, end in ends.items()
    )
