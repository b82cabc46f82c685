"""Delivery: an offset is acknowledged only after everything its record caused is durable.

One batch at a time, in order::

    batch ── handler (own thread: stores written) ── sends confirmed ── letters confirmed ── ack
                 │                                       │
                 ├─ Rejected: halve the batch until the one input is found; dead letter
                 ├─ Unavailable: wait, same batch again; too long: DependencyLost, exit
                 └─ anything else: our bug, nothing acknowledged, exit; delivered again

While the sends of one batch are being confirmed, the handler works on the next one; batches
are acknowledged in the order they were read, never one past another that is not done.
Every effect is idempotent (DESIGN.md, section 5), so doing a batch twice changes nothing.
"""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from time import monotonic
from typing import Protocol, TypeVar

from pipeline import metrics
from pipeline.errors import BellwetherError, Rejected, Unavailable
from pipeline.retry import Backoff
from pipeline.stages import Handled
from pipeline.wire import DEAD_LETTERS, DeadLetter, Outgoing, Record, dead_letter
from workers.batches import Batch

log = logging.getLogger(__name__)

T = TypeVar("T")
Handler = Callable[[Sequence[Record]], Handled]


class DependencyLost(BellwetherError):
    """A dependency stayed away longer than the outage limit: the process gives up."""


class TooManyRejected(BellwetherError):
    """So large a share of the input is rejected that the fault is likely ours."""


class BatchSource(Protocol):
    """Where batches come from and go back to: the consumer, or a list in a test."""

    async def next_batch(self) -> Batch: ...
    def is_current(self, batch: Batch) -> bool: ...
    def finish(self, batch: Batch) -> None: ...
    def abandon(self, batch: Batch) -> None: ...


class RecordSender(Protocol):
    """Sends records; returns once the broker confirmed all of them."""

    async def send(self, outgoing: Sequence[Outgoing]) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How patient delivery is.

    `outage`: how long one batch may wait for a dependency. A stage stops when more than
    `dead_letter_share` of its last `window` records were rejected: bad input is a few records,
    everything being bad is a bad release, and stopping then keeps the stream intact.
    """

    outage: timedelta = timedelta(minutes=5)
    dead_letter_share: float = 0.5
    window: int = 2000
    backoff: Backoff = field(default_factory=Backoff)


class Delivery:
    """Runs one stage: batches from `source` through `handler`, results to `sender`."""

    def __init__(
        self,
        stage: str,
        source: BatchSource,
        handler: Handler,
        sender: RecordSender,
        policy: Policy,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        seed: int | None = None,
        forget: Callable[[], None] | None = None,
    ) -> None:
        """`forget` is called, on the handler's thread, before the first batch of an epoch:
        what the handler remembers of a partition may have been changed by another owner."""
        self._stage = stage
        self._forget = forget
        self._epoch = -1
        self._source = source
        self._handler = handler
        self._sender = sender
        self._policy = policy
        self._clock = clock
        self._random = Random(seed)  # noqa: S311 - jitter, not a secret
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=stage)
        self._verdicts: deque[tuple[int, int]] = deque()
        self.progressed_at = monotonic()
        self.holding: str | None = None
        self.handled = 0
        # there before the first record: what does not exist yet does not grow, for Prometheus
        metrics.RECORDS.labels(stage)
        metrics.DEAD.labels(stage)

    async def run(self) -> None:
        """Work until cancelled. Raises what must end the process."""
        confirming: asyncio.Task[None] | None = None
        next_batch = asyncio.ensure_future(self._source.next_batch())
        try:
            while True:
                waiting = {next_batch} | ({confirming} if confirming else set())
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                if confirming is not None and confirming.done():
                    confirming.result()
                    confirming = None
                if not next_batch.done():
                    continue
                batch = next_batch.result()
                started = monotonic()
                handled = await self._handled(batch)
                metrics.BATCH_SECONDS.labels(self._stage).observe(monotonic() - started)
                metrics.BATCH_RECORDS.labels(self._stage).observe(len(batch.records))
                if confirming is not None:
                    await confirming
                confirming = asyncio.ensure_future(self._confirm(batch, handled))
                next_batch = asyncio.ensure_future(self._source.next_batch())
        finally:
            next_batch.cancel()
            if confirming is not None:
                confirming.cancel()
            self._executor.shutdown(wait=False, cancel_futures=True)

    async def _handled(self, batch: Batch) -> Handled | None:
        """What the handler says of the batch; None when the batch is no longer ours."""
        if batch.epoch != self._epoch:
            if self._epoch >= 0:
                metrics.REBALANCES.labels(self._stage).inc(batch.epoch - self._epoch)
            self._epoch = batch.epoch
            if self._forget is not None:
                loop = asyncio.get_running_loop()
                await loop.run_in_executor(self._executor, self._forget)
        return await self._patiently(batch, lambda: self._divided(batch.records))

    async def _divided(self, records: Sequence[Record]) -> Handled:
        """The handler's answer; an input it rejects is found by halving."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._executor, self._handler, records)
        except Rejected as error:
            if len(records) == 1:
                return Handled((), [(records[0], error)])
        middle = len(records) // 2
        first = await self._divided(records[:middle])
        second = await self._divided(records[middle:])
        return Handled([*first.outgoing, *second.outgoing], [*first.rejected, *second.rejected])

    async def _confirm(self, batch: Batch, handled: Handled | None) -> None:
        """Send what the batch gave, wait for the broker's word, then acknowledge."""
        if handled is None:
            self._source.abandon(batch)
            return

        async def send() -> Sequence[tuple[Record, Rejected]]:
            return await self._send(batch.records, handled)

        rejected = await self._patiently(batch, send)
        if rejected is None:
            self._source.abandon(batch)
            return
        self._source.finish(batch)
        self._note(len(batch.records), len(rejected))
        for topic, count in Counter(one.topic for one in handled.outgoing).items():
            metrics.SENT.labels(self._stage, topic).inc(count)
        oldest = min((record.at for record in batch.records), default=None)
        if oldest is not None:
            age = (self._clock() - oldest).total_seconds()
            metrics.LATENCY.labels(self._stage).observe(max(0.0, age))

    async def _send(
        self, records: Sequence[Record], handled: Handled
    ) -> Sequence[tuple[Record, Rejected]]:
        """Send results and letters. A result too large for the broker costs its own input
        only: its record is found by handling the batch in halves again."""
        try:
            await self._sender.send(handled.outgoing)
        except Rejected as error:
            if len(records) == 1:
                rejected = [(records[0], error)]
                await self._send_letters(rejected)
                return rejected
            middle = len(records) // 2
            found: list[tuple[Record, Rejected]] = []
            for half in (records[:middle], records[middle:]):
                found.extend(await self._send(half, await self._divided(half)))
            return found
        await self._send_letters(handled.rejected)
        return handled.rejected

    async def _send_letters(self, rejected: Sequence[tuple[Record, Rejected]]) -> None:
        at = self._clock()
        for record, error in rejected:
            letter = dead_letter(record, self._stage, error, at)
            log.warning(
                "rejected %s[%d]@%d: %s", record.topic, record.partition, record.offset, error
            )
            try:
                await self._sender.send([_addressed(letter, record)])
            except Rejected:
                # The letter itself is too large for this broker. The place of the record is
                # what matters then; the record stays readable there until retention.
                stub = dead_letter(
                    Record(
                        topic=record.topic,
                        partition=record.partition,
                        offset=record.offset,
                        at=record.at,
                        key=None,
                        value=None,
                    ),
                    self._stage,
                    Rejected(
                        f"{error.reason} (value of {len(record.value or b''):,} bytes left "
                        "out: the broker takes no letter so large)"
                    ),
                    at,
                )
                await self._sender.send([_addressed(stub, record)])
        if rejected:
            metrics.DEAD.labels(self._stage).inc(len(rejected))

    async def _patiently(self, batch: Batch, work: Callable[[], Awaitable[T]]) -> T | None:
        """The result of `work`, tried again while a dependency is away.

        None when the batch's partitions were taken away meanwhile: their next owner does it.
        """
        waits = self._policy.backoff.waits(self._random)
        deadline = monotonic() + self._policy.outage.total_seconds()
        try:
            while self._source.is_current(batch):
                try:
                    return await work()
                except Unavailable as error:
                    if monotonic() > deadline:
                        raise DependencyLost(
                            f"{self._stage}: {error.what}; gave up after "
                            f"{self._policy.outage.total_seconds():.0f} s, nothing acknowledged"
                        ) from error
                    if self.holding is None:
                        log.warning("%s holds its batch: %s", self._stage, error.what)
                        metrics.HOLDS.labels(self._stage).inc()
                        metrics.HOLDING.labels(self._stage).set(1)
                    self.holding = error.what
                    wait = max(next(waits), error.retry_after or timedelta())
                    await asyncio.sleep(wait.total_seconds())
            return None
        finally:
            if self.holding is not None:
                self.holding = None
                metrics.HOLDING.labels(self._stage).set(0)
                log.info("%s goes on", self._stage)

    def _note(self, records: int, rejected: int) -> None:
        self.progressed_at = monotonic()
        self.handled += records
        metrics.RECORDS.labels(self._stage).inc(records)
        verdicts = self._verdicts
        verdicts.append((records, rejected))
        total = sum(count for count, _ in verdicts)
        while total - verdicts[0][0] >= self._policy.window:
            total -= verdicts.popleft()[0]
        bad = sum(count for _, count in verdicts)
        if total >= self._policy.window and bad > self._policy.dead_letter_share * total:
            raise TooManyRejected(
                f"{self._stage}: {bad:,} of the last {total:,} records were rejected, over the "
                f"share of {self._policy.dead_letter_share:g}: stopping; see "
                "`bellwether dead-letters list`, raise BELLWETHER_DEAD_LETTER_SHARE if it is meant"
            )


def _addressed(letter: DeadLetter, record: Record) -> Outgoing:
    """The letter's record, under the original key byte for byte."""
    return Outgoing(DEAD_LETTERS.name, record.key or b"", DEAD_LETTERS.encode(letter).value)
