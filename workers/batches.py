"""Batches between the fetch and the acknowledgement: one waits, the others are being handled.

::

    fetch ──▶ put ──▶ (one waits) ──▶ next_batch ──▶ handled ──▶ finish ──▶ `done`, committed later

The offset of a partition moves from one finished batch to the next, never over a batch that
was thrown away: `close` therefore hands out nothing more, and `finish` looks at where a batch
begins.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from faust.types import TP

from pipeline.errors import BellwetherError
from pipeline.wire import Record

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class OutOfOrder(BellwetherError):
    """A batch was to be acknowledged whose forerunner was not: a fault of ours."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Records in arrival order, the epoch they were read in, and by partition where the batch
    ends and where it begins: the end of the one before, also where the broker has a gap."""

    records: Sequence[Record]
    ends: Mapping[TP, int]
    epoch: int
    starts: Mapping[TP, int] = field(default_factory=dict)


def batch_of(
    fetched: Mapping[Any, Sequence[Any]], epoch: int, starts: Mapping[TP, int] | None = None
) -> Batch:
    """Fetched records as one batch, in the order in which they were written.

    Partitions are fetched one after the other; the broker's clock puts them in order again,
    which keeps the event-time watermark from jumping. Within a partition the order of the
    offsets stands, also where a writer's clock ran backwards.
    """
    ends: dict[TP, int] = {}
    rows: list[tuple[int, int, int, Record]] = []
    stamp, at = -1, _EPOCH
    for tp, found in fetched.items():
        topic, partition, place = tp.topic, tp.partition, 0
        ends[TP(topic, partition)] = found[-1].offset + 1
        for record in found:
            if record.timestamp != stamp:  # many records share a millisecond
                stamp = record.timestamp
                at = datetime.fromtimestamp(stamp / 1000, UTC)
            if stamp > place:
                place = stamp
            offset = record.offset
            one = Record(
                topic=topic,
                partition=partition,
                offset=offset,
                at=at,
                key=record.key,
                value=record.value,
            )
            rows.append((place, partition, offset, one))
    if len(ends) > 1:
        rows.sort()
    records = [row[3] for row in rows]
    return Batch(records, ends, epoch, starts or {})


class BatchLine:
    """The batches of one consumer on their way, and how far each partition is done."""

    def __init__(self) -> None:
        # one batch waits while one is handled: more would only be read again after a crash
        self._waiting: asyncio.Queue[Batch] = asyncio.Queue(maxsize=1)
        self._open = True
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self.epoch = 0
        self.done: dict[TP, int] = {}

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing is being handled."""
        return self._in_flight == 0 and self._waiting.empty()

    def is_current(self, batch: Batch) -> bool:
        """Whether the partitions of `batch` are still ours to acknowledge."""
        return batch.epoch == self.epoch

    async def put(self, batch: Batch) -> None:
        """Returns once there is room for `batch`."""
        await self._waiting.put(batch)

    async def next_batch(self) -> Batch:
        """The next batch of the current epoch; the caller must `finish` or `abandon` it."""
        while True:
            batch = await self._waiting.get()
            # A closed line hands out nothing: what was thrown away before this batch would
            # be acknowledged with it. Closing makes room, so a waiting `put` comes through.
            if self._open and self.is_current(batch):
                self._in_flight += 1
                self._idle.clear()
                return batch

    def finish(self, batch: Batch) -> None:
        """Everything `batch` caused is durable: its offsets may be committed.

        Raises `OutOfOrder`, and moves nothing, when it does not follow what is done.
        """
        try:
            if self.is_current(batch):
                for tp, start in batch.starts.items():
                    if (done := self.done.get(tp, start)) != start:
                        raise OutOfOrder(
                            f"{tp.topic}[{tp.partition}]: a batch from {start:,} follows one "
                            f"that ended at {done:,}; nothing of it is acknowledged"
                        )
                self.done.update(batch.ends)
        finally:
            self.abandon(batch)

    def abandon(self, batch: Batch) -> None:
        """`batch` is no longer worked on; not acknowledged, so it will be read again."""
        self._in_flight -= 1
        if self._in_flight == 0:
            self._idle.set()

    async def close(self, seconds: float) -> bool:
        """Hand out nothing more, throw away what waits; whether what was being handled was
        done within `seconds`."""
        self._open = False
        self._clear()
        try:
            await asyncio.wait_for(self._idle.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def new_epoch(self) -> None:
        """Other partitions from now on: nothing is done yet, and batches are handed out."""
        self.epoch += 1
        self.done.clear()
        self._clear()
        self._open = True

    def _clear(self) -> None:
        with suppress(asyncio.QueueEmpty):
            while True:
                self._waiting.get_nowait()


class Overlooked:
    """Partitions whose position lies behind records that nobody saw.

    A fetch that a rebalance throws away has moved the position past its records. In a busy
    partition the next fetch shows the gap; in a quiet one nothing comes, and they would wait
    for the next record however long that takes.
    """

    def __init__(self) -> None:
        self._before: dict[TP, tuple[int, int]] = {}
        self._told: dict[TP, int] = {}

    def found(self, standing: Mapping[TP, tuple[int, int]]) -> dict[TP, int]:
        """Where to read again from, given (next record to be handled, position) of each
        partition while nothing is under way.

        Told once two looks in a row saw the same, so that a fetch just arriving is none; and
        once for each place: past a transaction's marker there is nothing to be had.
        """
        again = {
            tp: wanted
            for tp, (wanted, position) in standing.items()
            if position > wanted
            and self._before.get(tp) == (wanted, position)
            and self._told.get(tp) != wanted
        }
        self._before = dict(standing)
        self._told.update(again)
        return again

    def forget(self) -> None:
        """After a rebalance: other partitions, other positions."""
        self._before.clear()
        self._told.clear()
