"""A Faust transport that hands over whole batches.

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
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from time import monotonic
from typing import Any

import aiokafka
import aiokafka.errors
from faust.exceptions import ConsumerNotStarted
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport
from faust.types import TP

from workers.batches import BatchLine, Overlooked, batch_of

log = logging.getLogger(__name__)

# How long a revocation waits for the batch in flight; what is not done by then is read again
# by whoever owns the partition next.
DRAIN_SECONDS = 5.0
# Kafka answers an empty fetch after `fetch.max.wait`, the embedded broker at once: asked again
# and again, thousands of times a second, each idle stage keeps half a core busy.
EMPTY_FETCH_SECONDS = 0.01
_AGAIN = "%s[%d]: reading again from %d, not %d"


class BatchConsumer(Consumer):
    """The aiokafka driver's consumer, fed to a queue of batches instead of to streams."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.line = BatchLine()
        self._expected: dict[TP, int] = {}
        self._rechecked: dict[TP, int] = {}
        self._ends: dict[TP, int] = {}
        self._reached: dict[TP, int] = {}
        self._overlooked = Overlooked()
        self._stopping = False

    def _new_consumer_thread(self) -> AIOKafkaConsumerThread:
        return PacedThread(self, loop=self.loop, beacon=self.beacon)

    async def _drain_messages(self, fetcher: Any) -> None:
        """Read until stopped. Called by Faust's fetcher, again after every rebalance."""
        while not (self.should_stop or fetcher.should_stop or self._stopping):
            epoch = self.line.epoch
            try:
                fetched, _ = await self._wait_next_records(1.0)
            except aiokafka.errors.ConsumerStoppedError:
                if self.app.should_stop:
                    return
                raise
            if not fetched or not self.flow_active or epoch != self.line.epoch:
                if fetched:
                    self._rechecked.clear()  # the gap it leaves is ours, not the broker's
                await asyncio.sleep(0)
                continue
            whole = {
                TP(tp.topic, tp.partition): records
                for tp, records in fetched.items()
                if await self._follows(TP(tp.topic, tp.partition), records[0].offset)
            }
            if whole and epoch == self.line.epoch:
                starts = {tp: self._expected[tp] for tp in whole}
                batch = batch_of(whole, epoch, starts)
                await self.line.put(batch)
                # A rebalance while the queue was full threw the batch away: what it would
                # have reached says nothing about the partitions we own now.
                if self.line.is_current(batch):
                    self._expected.update(batch.ends)

    async def _follows(self, tp: TP, first: int) -> bool:
        """Whether a fetch that begins at `first` leaves out nothing of this partition.

        A fetch that straddles a rebalance, or is cancelled with its records in hand, moves
        the position past records nobody saw; acknowledging what comes after would lose them.
        So a gap is read again from where it began, and believed only if it is there the
        second time: then it is the broker's (compaction, retention, transaction markers).
        """
        expected = self._next_of(tp)
        if expected is None:
            epoch = self.line.epoch
            expected = (await self.earliest_offsets(tp)).get(tp, 0)
            if epoch != self.line.epoch:
                return False
        self._expected[tp] = expected
        if first == expected or (first > expected and self._rechecked.get(tp) == expected):
            return True
        if first > expected:
            self._rechecked[tp] = expected
            log.info(_AGAIN, *tp, expected, first)
        await self.seek_wait({tp: expected})
        return False

    def _next_of(self, tp: TP) -> int | None:
        """The next record to be handled, where anything is known of the partition."""
        return self._expected.get(tp, self._committed_offset.get(tp))

    async def drain(self, seconds: float) -> bool:
        """Read no more and wait for the batches in flight; whether all were done in time."""
        self._stopping = True
        return await self.line.close(seconds)

    async def measure(self) -> None:
        """Ask the broker where our partitions begin and end, and where we read.

        A fetch tells the end too, but one that has fallen asleep tells nothing, and its lag
        would look like none. What is deleted, and a transaction's marker at the end, are no
        records: the start and the position say so.
        """
        # Past the thread's queue, where every call waits for the fetch before it, and on the
        # thread's loop, where the client may be used.
        client = self._thread._ensure_consumer()  # noqa: SLF001
        asked = asyncio.run_coroutine_threadsafe(_standing(client), self._thread.thread_loop)
        ends, starts, positions = await asyncio.wrap_future(asked)
        idle = self.line.idle
        self._ends = ends
        self._reached = {
            tp: max(start, positions[tp] if idle else 0) for tp, start in starts.items()
        }
        if idle and self.flow_active:
            await self._read_overlooked(starts, positions)

    async def _read_overlooked(self, starts: Mapping[TP, int], positions: Mapping[TP, int]) -> None:
        wanted = {tp: max(start, self._next_of(tp) or 0) for tp, start in starts.items()}
        again = self._overlooked.found({tp: (at, positions[tp]) for tp, at in wanted.items()})
        for tp, at in again.items():
            log.info(_AGAIN, *tp, at, positions[tp])
            await self.seek_wait({tp: at})

    def lag(self) -> int:
        """Records known to be in our partitions and not done; 0 before there are any."""
        try:
            assigned = self.assignment()
        except ConsumerNotStarted:
            return 0
        total = 0
        for tp in assigned:
            end = max(self._fetched_end(tp), self._ends.get(tp, 0))
            done = self.line.done.get(tp, self._committed_offset.get(tp)) or 0
            total += max(0, end - max(done, self._reached.get(tp, 0)))
        return total

    def _fetched_end(self, tp: TP) -> int:
        try:
            return self.highwater(tp) or 0
        except aiokafka.errors.IllegalStateError:
            return 0  # taken away a moment ago

    async def force_commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Commit what is done and not yet committed."""
        committed = self._committed_offset
        ours = self.assignment()
        offsets = {
            tp: end
            for tp, end in self.line.done.items()
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
        if self.assignment():
            self.stop_flow()
            if not await self.line.close(DRAIN_SECONDS):
                log.warning("a batch in flight at a rebalance will be read again")
            await self.commit()
        self.line.new_epoch()
        self._expected.clear()
        self._rechecked.clear()
        self._reached.clear()
        self._overlooked.forget()
        await super().on_partitions_revoked(revoked)

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Nothing: Faust would complain about streams that are not used here; whether a stage
        gets on is for `workers.health` to say."""


async def _standing(
    client: aiokafka.AIOKafkaConsumer,
) -> tuple[dict[TP, int], dict[TP, int], dict[TP, int]]:
    """Ends, starts and positions of the client's partitions. Runs on the client's loop."""
    assigned = list(client.assignment())
    if not assigned:
        return {}, {}, {}
    # at once: on a connection the broker answers the fetch before them first
    ends, starts = await asyncio.gather(
        client.end_offsets(assigned), client.beginning_offsets(assigned)
    )
    positions = {tp: await client.position(tp) for tp in assigned}
    return tuple(  # type: ignore[return-value]
        {TP(tp.topic, tp.partition): offset for tp, offset in found.items()}
        for found in (ends, starts, positions)
    )


class PacedThread(AIOKafkaConsumerThread):
    """The driver's client thread, against a broker that does not hold an empty fetch back."""

    async def on_start(self) -> None:
        """Start the client; nothing is fetched before the subscription that comes later."""
        await super().on_start()
        fetcher: Any = self._ensure_consumer()._fetcher  # noqa: SLF001
        fetcher._proc_fetch_request = paced(fetcher._proc_fetch_request)  # noqa: SLF001


def paced(fetch: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """`fetch`, which says whether it found records, and where it found none at once a moment
    later. Cancelled in that moment it ends in silence, as the driver's own does."""

    async def fetch_and_wait(*request: Any) -> Any:
        begun = monotonic()
        found = await fetch(*request)
        if not found and monotonic() - begun < EMPTY_FETCH_SECONDS:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(EMPTY_FETCH_SECONDS)
        return found

    return fetch_and_wait


class BatchTransport(Transport):
    """Faust's aiokafka transport with the batch consumer."""

    Consumer = BatchConsumer
