"""Sending: records to the broker, every one of them confirmed.

Faust's own producer only queues a record; what the broker refused later was lost while its
source was acknowledged. Here nothing returns before the broker has answered for everything.
"""

import asyncio
import ssl
from collections.abc import Sequence
from typing import Any

import aiokafka
import aiokafka.errors
import faust

from pipeline.errors import Rejected, Unavailable
from pipeline.wire import Outgoing, partition_of
from workers.settings import KafkaSettings

MAX_RECORD_BYTES = 12 * 1024 * 1024
# A broker limits whole batches to max.message.bytes, by default 1 MiB: half of it fits any.
BATCH_BYTES = 512 * 1024


class Sender:
    """Sends records and returns when the broker has confirmed every one of them."""

    def __init__(self, producer: aiokafka.AIOKafkaProducer, settings: KafkaSettings) -> None:
        self._producer = producer
        self._prefix = settings.prefix

    async def send(self, outgoing: Sequence[Outgoing]) -> None:
        """Send all, await all. Order within a partition is kept.

        Raises `Rejected` when a record is larger than the broker takes, `Unavailable` when
        the broker did not confirm; then some may have been written: send all again.
        """
        if not outgoing:
            return
        try:
            await self._send(outgoing)
        except aiokafka.errors.MessageSizeTooLargeError as error:
            raise Rejected(f"too large for the broker: {error}") from error
        except (aiokafka.errors.KafkaError, TimeoutError, OSError) as error:
            if isinstance(error, aiokafka.errors.KafkaError) and not _passing(error):
                raise
            raise Unavailable(f"Kafka: {type(error).__name__}: {error}") from error

    async def _send(self, outgoing: Sequence[Outgoing]) -> None:
        by_partition: dict[tuple[str, int], list[Outgoing]] = {}
        counts: dict[str, int] = {}
        for one in outgoing:
            topic = self._prefix + one.topic
            partitions = counts.get(topic)
            if partitions is None:
                partitions = counts[topic] = len(await self._producer.partitions_for(topic))
            if one.partition is None:
                partition = partition_of(one.key, partitions)
            else:
                partition = one.partition % partitions
            by_partition.setdefault((topic, partition), []).append(one)
        confirmations = []
        for (topic, partition), records in by_partition.items():
            builder = self._producer.create_batch()
            for one in records:
                if builder.append(key=one.key, value=one.value, timestamp=None) is None:
                    confirmations.append(
                        await self._producer.send_batch(builder, topic, partition=partition)
                    )
                    builder = self._producer.create_batch()
                    # an empty batch takes a record of any size; the broker may refuse it
                    builder.append(key=one.key, value=one.value, timestamp=None)
            confirmations.append(
                await self._producer.send_batch(builder, topic, partition=partition)
            )
        # Every future is awaited even when one fails: an unawaited failure would be a
        # silent loss, and a warning at exit.
        results = await asyncio.gather(*confirmations, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result


def _passing(error: aiokafka.errors.KafkaError) -> bool:
    """Whether trying again may help: the broker is away, moving or slow."""
    return bool(error.retriable) or isinstance(
        error,
        aiokafka.errors.KafkaTimeoutError
        | aiokafka.errors.RequestTimedOutError
        | aiokafka.errors.KafkaConnectionError
        | aiokafka.errors.NotLeaderForPartitionError
        | aiokafka.errors.NotEnoughReplicasError,
    )


def aiokafka_security(settings: KafkaSettings) -> dict[str, Any]:
    """The security arguments of an aiokafka client."""
    found: dict[str, Any] = {"security_protocol": settings.security}
    if settings.security.endswith("SSL"):
        found["ssl_context"] = ssl.create_default_context(cafile=settings.ssl_ca or None)
    if settings.security.startswith("SASL"):
        found["sasl_mechanism"] = settings.sasl_mechanism
        found["sasl_plain_username"] = settings.sasl_username
        found["sasl_plain_password"] = settings.sasl_password
    return found


def new_producer(settings: KafkaSettings, client_id: str) -> aiokafka.AIOKafkaProducer:
    """An idempotent producer: retries neither duplicate nor reorder. Not started."""
    return aiokafka.AIOKafkaProducer(
        bootstrap_servers=settings.servers.split(","),
        client_id=client_id,
        enable_idempotence=True,
        acks="all",
        max_batch_size=BATCH_BYTES,
        max_request_size=MAX_RECORD_BYTES,
        request_timeout_ms=30_000,
        **aiokafka_security(settings),
    )


def faust_broker(settings: KafkaSettings) -> str:
    """The broker URL in Faust's form."""
    return ";".join(f"kafka://{server}" for server in settings.servers.split(","))


def faust_credentials(settings: KafkaSettings) -> Any:
    """Faust's credentials object for the same security settings, or None."""
    if settings.security == "PLAINTEXT":
        return None
    context = None
    if settings.security.endswith("SSL"):
        context = ssl.create_default_context(cafile=settings.ssl_ca or None)
    if settings.security == "SSL":
        return faust.SSLCredentials(context)
    return faust.SASLCredentials(
        mechanism=settings.sasl_mechanism,
        username=settings.sasl_username,
        password=settings.sasl_password,
        ssl_context=context,
    )
