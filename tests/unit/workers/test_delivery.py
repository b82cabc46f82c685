"""Delivery against a list of batches: faults are data."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import Rejected, Unavailable
from pipeline.retry import Backoff
from pipeline.stages import Handled
from pipeline.wire import Outgoing, Record
from workers.batches import Batch
from workers.delivery import Delivery, DependencyLost, Policy, TooManyRejected

AT = datetime(2026, 1, 5, 10, tzinfo=UTC)
TOPIC = "bellwether.documents"
QUICK = Policy(backoff=Backoff(first=timedelta(0), most=timedelta(0)))


def record(offset: int, value: bytes = b"fine") -> Record:
    return Record(topic=TOPIC, partition=0, offset=offset, at=AT, key=b"%d" % offset, value=value)


def batches(*sizes: int, value: Callable[[int], bytes] = lambda offset: b"fine") -> list[Batch]:
    found, offset = [], 0
    for size in sizes:
        records = [record(offset + i, value(offset + i)) for i in range(size)]
        offset += size
        found.append(Batch(records, {TP(TOPIC, 0): offset}, epoch=0))
    return found


class Listed:
    """A batch source over a list; remembers what was acknowledged."""

    def __init__(self, found: Sequence[Batch]) -> None:
        self._waiting = list(found)
        self.epoch = 0
        self.acknowledged: list[int] = []
        self.abandoned = 0
        self.emptied = asyncio.Event()
        self._left = len(found)

    async def next_batch(self) -> Batch:
        if not self._waiting:
            await asyncio.Event().wait()
        return self._waiting.pop(0)

    def is_current(self, batch: Batch) -> bool:
        return batch.epoch == self.epoch

    def finish(self, batch: Batch) -> None:
        self.acknowledged.append(batch.ends[TP(TOPIC, 0)])
        self._one_less()

    def abandon(self, batch: Batch) -> None:
        self.abandoned += 1
        self._one_less()

    def _one_less(self) -> None:
        self._left -= 1
        if self._left == 0:
            self.emptied.set()


@dataclass
class Sent:
    """A sender that keeps what it was given, and fails as often as it is told to."""

    records: list[Outgoing] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    too_large: int = 1_000_000

    async def send(self, outgoing: Sequence[Outgoing]) -> None:
        if self.failures:
            raise self.failures.pop(0)
        if any(len(one.value) > self.too_large for one in outgoing):
            raise Rejected("too large for the broker")
        self.records.extend(outgoing)

    def to(self, topic: str) -> list[Outgoing]:
        return [one for one in self.records if one.topic == topic]


def copy(records: Sequence[Record]) -> Handled:
    return Handled([Outgoing("classified", one.key or b"", one.value or b"") for one in records])


async def run(source: Listed, handler, sender: Sent, policy: Policy = QUICK) -> Delivery:
    """Run until every batch is acknowledged or abandoned; raises what ends the stage."""
    delivery = Delivery("classify", source, handler, sender, policy, clock=lambda: AT, seed=1)
    running = asyncio.ensure_future(delivery.run())
    emptied = asyncio.ensure_future(source.emptied.wait())
    await asyncio.wait({running, emptied}, return_when=asyncio.FIRST_COMPLETED)
    emptied.cancel()
    if running.done():
        running.result()
    running.cancel()
    return delivery


async def test_acknowledges_each_batch_in_order_after_its_results_are_sent():
    source, sender = Listed(batches(3, 2, 4)), Sent()
    delivery = await run(source, copy, sender)
    assert source.acknowledged == [3, 5, 9]
    assert [one.key for one in sender.records] == [b"%d" % i for i in range(9)]
    assert delivery.handled == 9


async def test_a_rejected_input_costs_its_neighbours_nothing():
    def handler(records: Sequence[Record]) -> Handled:
        if any(one.value == b"poison" for one in records):
            raise Rejected("poison: cannot be swallowed")
        return copy(records)

    poisoned = batches(8, value=lambda offset: b"poison" if offset in (2, 5) else b"fine")
    source, sender = Listed(poisoned), Sent()
    await run(source, handler, sender)
    assert sorted(one.key for one in sender.to("classified")) == [
        b"0",
        b"1",
        b"3",
        b"4",
        b"6",
        b"7",
    ]
    letters = [msgspec.json.decode(one.value) for one in sender.to("dead-letters")]
    assert [(letter["offset"], letter["reason"]) for letter in letters] == [
        (2, "poison: cannot be swallowed"),
        (5, "poison: cannot be swallowed"),
    ]
    assert source.acknowledged == [8]


async def test_waits_for_the_dead_letter_before_acknowledging():
    def handler(records: Sequence[Record]) -> Handled:
        return Handled((), [(one, Rejected("bad")) for one in records])

    # the results need no send; the letter fails twice
    source, sender = Listed(batches(1)), Sent(failures=[])
    order: list[str] = []

    class Watched(Sent):
        async def send(self, outgoing: Sequence[Outgoing]) -> None:
            order.append("sent " + ",".join(one.topic for one in outgoing))
            await super().send(outgoing)

    class WatchedSource(Listed):
        def finish(self, batch: Batch) -> None:
            order.append("acknowledged")
            super().finish(batch)

    sender = Watched(failures=[Unavailable("broker"), Unavailable("broker")])
    source = WatchedSource(batches(1))
    policy = Policy(dead_letter_share=1, backoff=QUICK.backoff)
    await run(source, handler, sender, policy)
    assert order[-2:] == ["sent dead-letters", "acknowledged"]
    assert order.count("acknowledged") == 1


async def test_holds_its_batch_while_a_store_is_away_and_keeps_the_order():
    failures = [Unavailable("redis"), Unavailable("redis", timedelta(0))]

    def handler(records: Sequence[Record]) -> Handled:
        if failures:
            raise failures.pop()
        return copy(records)

    source, sender = Listed(batches(2, 2)), Sent()
    await run(source, handler, sender)
    assert source.acknowledged == [2, 4]
    assert [one.key for one in sender.records] == [b"0", b"1", b"2", b"3"]


async def test_gives_up_on_an_outage_without_acknowledging():
    def handler(records: Sequence[Record]) -> Handled:
        raise Unavailable("database")

    source = Listed(batches(2))
    policy = Policy(outage=timedelta(0), backoff=QUICK.backoff)
    with pytest.raises(DependencyLost, match="database"):
        await run(source, handler, Sent(), policy)
    assert source.acknowledged == []


async def test_a_bug_ends_the_stage_without_acknowledging():
    def handler(records: Sequence[Record]) -> Handled:
        if records[0].offset == 2:
            raise KeyError("our bug")
        return copy(records)

    source = Listed(batches(2, 2, 2))
    with pytest.raises(KeyError):
        await run(source, handler, Sent())
    assert source.acknowledged in ([], [2])


async def test_a_send_the_broker_refuses_for_ever_ends_the_stage():
    source = Listed(batches(2))
    with pytest.raises(RuntimeError, match="refused"):
        await run(source, copy, Sent(failures=[RuntimeError("refused")]))
    assert source.acknowledged == []


async def test_a_batch_of_lost_partitions_is_abandoned_not_acknowledged():
    source = Listed(batches(2))

    def handler(records: Sequence[Record]) -> Handled:
        source.epoch = 1
        raise Unavailable("redis")

    await run(source, handler, Sent())
    assert source.acknowledged == []
    assert source.abandoned == 1


async def test_a_result_too_large_for_the_broker_becomes_its_own_dead_letter():
    large = batches(4, value=lambda offset: b"x" * 900 if offset == 1 else b"x")
    source, sender = Listed(large), Sent(too_large=800)
    await run(source, copy, sender)
    assert sorted(one.key for one in sender.to("classified")) == [b"0", b"2", b"3"]
    (letter,) = [msgspec.json.decode(one.value) for one in sender.to("dead-letters")]
    assert letter["offset"] == 1
    # the letter with the value would be too large too, so it says where the record stands
    assert letter["value"] == ""
    assert "900 bytes left out" in letter["reason"]
    assert source.acknowledged == [4]


async def test_stops_when_most_of_the_stream_is_rejected():
    def handler(records: Sequence[Record]) -> Handled:
        return Handled((), [(one, Rejected("bad release")) for one in records])

    source = Listed(batches(*[10] * 30))
    policy = Policy(window=100, backoff=QUICK.backoff)
    with pytest.raises(TooManyRejected, match="stopping"):
        await run(source, handler, Sent(), policy)


async def test_forgets_before_the_first_batch_of_an_epoch_and_only_then():
    seen: list[str] = []
    later = [Batch(b.records, b.ends, epoch=3) for b in batches(1, 1)]
    source = Listed(later)
    source.epoch = 3

    def handler(records: Sequence[Record]) -> Handled:
        seen.append("batch")
        return Handled(())

    delivery = Delivery(
        "watch", source, handler, Sent(), QUICK, lambda: AT, 1, lambda: seen.append("forget")
    )
    running = asyncio.ensure_future(delivery.run())
    await source.emptied.wait()
    running.cancel()
    assert seen == ["forget", "batch", "batch"]


@given(
    sizes=st.lists(st.integers(1, 6), min_size=1, max_size=6),
    poison=st.sets(st.integers(0, 35)),
    outages=st.integers(0, 3),
)
def test_every_record_ends_in_the_output_or_in_the_letters(sizes, poison, outages):
    failures: list[Exception] = [Unavailable("broker")] * outages

    def handler(records: Sequence[Record]) -> Handled:
        if any(one.value == b"poison" for one in records):
            raise Rejected("poison")
        return copy(records)

    async def scenario() -> None:
        found = batches(*sizes, value=lambda at: b"poison" if at in poison else b"fine")
        source, sender = Listed(found), Sent(failures=failures)
        await run(source, handler, sender, Policy(dead_letter_share=1, backoff=QUICK.backoff))
        results = {one.key for one in sender.to("classified")}
        letters = {one.key for one in sender.to("dead-letters")}
        assert results | letters == {b"%d" % i for i in range(sum(sizes))}
        assert not results & letters
        assert source.acknowledged[-1] == sum(sizes)

    asyncio.run(scenario())
