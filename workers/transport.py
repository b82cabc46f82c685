"""A Faust transport that hands over whole batches, and the producer every stage sends by.

Faust's own path (conductor, channel, stream, one event at a time) costs ten times the work
and acknowledges what failed. `BatchConsumer` keeps what Faust is good at, which is the
group, rebalances and commits, and replaces the rest: fetched records go as one `Batch` to
the stage, and the offset of a partition moves only when `finish(batch)` says so.

    fetch ──▶ batches (bounded) ──▶ delivery ──▶ finish ──▶ committed once a second
                                                   ▲
             a rebalance ends the epoch: batches of an earlier epoch finish in vain
"""

import asyncio
import logging
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import aiokafka
import aiokafka.errors
import faust
from faust.transport.drivers.aiokafka import Consumer, Transport
from faust.types import TP

from pipeline import metrics
from pipeline.errors import Rejected, Unavailable
from pipeline.wire import Outgoing, Record, partition_of
from workers.settings import KafkaSettings

log = logging.getLogger(__name__)

# How long a revocation waits for the batch in flight; what is not done by then is read again
# by whoever owns the partition next.
DRAIN_SECONDS = 5.0
MAX_RECORD_BYTES = 12 * 1024 * 1024
# A broker limits whole batches to max.message.bytes, by default 1 MiB: half of it fits any.
BATCH_BYTES = 512 * 1024


@dataclass(frozen=True, slots=True)
class Batch:
    """Records in arrival order, where each partition ends, and the epoch they were read in."""

    records: Sequence[Record]
    ends: Mapping[TP, int]
    epoch: int
    read_at: float = field(default_factory=monotonic)


class BatchConsumer(Consumer):
    """The aiokafka driver's consumer, fed to a queue of batches instead of to streams."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # one batch waits while one is handled: more would only be read again after a crash
        self.batches: asyncio.Queue[Batch] = asyncio.Queue(maxsize=1)
        self.epoch = 0
        self.rebalances = 0
        self._done: dict[TP, int] = {}
        self._expected: dict[TP, int] = {}
        self._rechecked: dict[TP, int] = {}
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._stopping = False

    async def _drain_messages(self, fetcher: Any) -> None:
        """Read until stopped. Called by Faust's fetcher, again after every rebalance."""
        while not (self.should_stop or fetcher.should_stop or self._stopping):
            epoch = self.epoch
            try:
                fetched, _ = await self._wait_next_records(1.0)
            except aiokafka.errors.ConsumerStoppedError:
                if self.app.should_stop:
                    return
                raise
            if not fetched or not self.flow_active or epoch != self.epoch:
                await asyncio.sleep(0)
                continue
            whole = {
                TP(tp.topic, tp.partition): records
                for tp, records in fetched.items()
                if await self._follows(TP(tp.topic, tp.partition), records[0].offset)
            }
            if whole and epoch == self.epoch:
                await self.batches.put(_batch(whole, epoch))
                self._expected.update((tp, records[-1].offset + 1) for tp, records in whole.items())

    async def _follows(self, tp: TP, first: int) -> bool:
        """Whether a fetch that begins at `first` leaves out nothing of this partition.

        A fetch that straddles a rebalance, or is cancelled with its records in hand, moves
        the position past records nobody saw; acknowledging what comes after would lose them.
        So a gap is read again from where it began, and believed only if it is there the
        second time: then it is the broker's (compaction, retention, transaction markers).
        """
        expected = self._expected.get(tp)
        if expected is None:
            expected = self._committed_offset.get(tp)
            if expected is None:
                expected = (await self.earliest_offsets(tp)).get(tp, 0)
            self._expected[tp] = expected
        if first == expected or (first > expected and self._rechecked.get(tp) == expected):
            return True
        if first > expected:
            self._rechecked[tp] = expected
            log.info("%s[%d]: reading again from %d, not %d", *tp, expected, first)
        await self.seek_wait({tp: expected})
        return False

    async def next_batch(self) -> Batch:
        """The next batch of the current epoch; the caller must `finish` or `abandon` it."""
        while True:
            batch = await self.batches.get()
            if self.is_current(batch):
                self._in_flight += 1
                self._idle.clear()
                return batch

    def is_current(self, batch: Batch) -> bool:
        """Whether the partitions of `batch` are still ours to acknowledge."""
        return batch.epoch == self.epoch

    def finish(self, batch: Batch) -> None:
        """Everything `batch` caused is durable: its offsets may be committed."""
        if self.is_current(batch):
            self._done.update(batch.ends)
        self.abandon(batch)

    def abandon(self, batch: Batch) -> None:
        """`batch` is no longer worked on; not acknowledged, so it will be read again."""
        self._in_flight -= 1
        if self._in_flight == 0:
            self._idle.set()

    async def drain(self, seconds: float) -> bool:
        """Read no more and wait for the batches in flight; whether all were done in time."""
        self._stopping = True
        self._empty_queue()
        try:
            await asyncio.wait_for(self._idle.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def lag(self) -> int:
        """Records known to be in our partitions and not done, by the last fetch's answer."""
        total = 0
        for tp in self.assignment():
            end = self.highwater(tp)
            done = self._done.get(tp, self._committed_offset.get(tp))
            if end is not None and end > (done or 0):
                total += end - (done or 0)
        return total

    async def force_commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Commit what is done and not yet committed."""
        committed = self._committed_offset
        ours = self.assignment()
        offsets = {
            tp: end
            for tp, end in self._done.items()
            if tp in ours and end > (committed.get(tp) or 0)
        }
        if not offsets:
            return False
        did = bool(await self._commit(offsets))
        if did:
            committed.update(offsets)
        return did

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Finish what is in flight (bounded), commit it, and end the epoch."""
        self.rebalances += 1
        if self.assignment():
            self.stop_flow()
            self._empty_queue()
            try:
                await asyncio.wait_for(self._idle.wait(), DRAIN_SECONDS)
            except TimeoutError:
                log.warning("a batch in flight at a rebalance will be read again")
            await self.commit()
        self.epoch += 1
        self._done.clear()
        self._expected.clear()
        self._rechecked.clear()
        self._empty_queue()
        await super().on_partitions_revoked(revoked)

    def _empty_queue(self) -> None:
        while not self.batches.empty():
            self.batches.get_nowait()


def _batch(fetched: Mapping[Any, Sequence[Any]], epoch: int) -> Batch:
    records: list[Record] = []
    ends: dict[TP, int] = {}
    for tp, found in fetched.items():
        ends[TP(tp.topic, tp.partition)] = found[-1].offset + 1
        records.extend(
            Record(
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
                at=datetime.fromtimestamp(record.timestamp / 1000, UTC),
                key=record.key,
                value=record.value,
            )
            for record in found
        )
    if len(ends) > 1:
        # Partitions are fetched one after the other; the broker's clock restores the order
        # in which they were written, which keeps the event-time watermark from jumping.
        # Stable, and offsets of one partition never run backwards in time for one writer,
        # so the order within a partition is kept by the second key.
        records.sort(key=lambda record: (record.at, record.partition, record.offset))
    return Batch(records, ends, epoch)


class BatchTransport(Transport):
    """Faust's aiokafka transport with the batch consumer."""

    Consumer = BatchConsumer


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
            partition = one.partition
            if partition is None:
                partitions = counts.get(topic)
                if partitions is None:
                    partitions = counts[topic] = len(await self._producer.partitions_for(topic))
                partition = partition_of(one.key, partitions)
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


def note_rebalances(consumer: BatchConsumer, stage: str, seen: int) -> int:
    """Bring the rebalance counter up to date; returns the new count."""
    metrics.REBALANCES.labels(stage).inc(consumer.rebalances - seen)
    return consumer.rebalances


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
