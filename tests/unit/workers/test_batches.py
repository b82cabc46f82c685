"""How fetched records become a batch, and how batches pass through the line."""

import asyncio
from dataclasses import dataclass

import pytest
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from workers.batches import Batch, BatchLine, OutOfOrder, Overlooked, batch_of

PLACE = TP("t", 0)


@dataclass
class Fetched:
    """A record as the client gives it."""

    offset: int
    timestamp: int
    key: bytes = b"k"
    value: bytes = b"v"


def places(batch) -> list[tuple[int, int]]:
    return [(record.partition, record.offset) for record in batch.records]


def test_partitions_are_merged_by_the_brokers_clock():
    batch = batch_of(
        {
            TP("t", 0): [Fetched(5, 1000), Fetched(6, 3000)],
            TP("t", 1): [Fetched(9, 2000), Fetched(10, 4000)],
        },
        epoch=3,
    )
    assert places(batch) == [(0, 5), (1, 9), (0, 6), (1, 10)]
    assert batch.ends == {TP("t", 0): 7, TP("t", 1): 11}
    assert batch.epoch == 3
    assert batch.records[0].at.timestamp() == 1.0


@given(
    st.lists(
        st.lists(st.integers(0, 50).map(lambda second: second * 1000), min_size=1, max_size=20),
        min_size=1,
        max_size=4,
    )
)
def test_nothing_is_lost_and_no_partition_is_reordered_whatever_the_clocks_say(clocks):
    fetched = {
        TP("t", number): [Fetched(offset, stamp) for offset, stamp in enumerate(stamps)]
        for number, stamps in enumerate(clocks)
    }
    found = places(batch_of(fetched, epoch=0))
    assert len(found) == sum(map(len, clocks))
    for number, stamps in enumerate(clocks):
        mine = [offset for partition, offset in found if partition == number]
        assert mine == list(range(len(stamps)))


def line_batch(start: int, end: int, epoch: int = 0) -> Batch:
    return Batch((), {PLACE: end}, epoch, {PLACE: start})


async def settled() -> None:
    """Let every task that can go on do so."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_closed_line_hands_out_no_batch_behind_one_it_threw_away():
    """As at a rebalance under a backlog: one in flight, one waiting, one that has no room."""
    line = BatchLine()
    first, second, third = line_batch(0, 400), line_batch(400, 800), line_batch(800, 1200)
    await line.put(first)
    assert await line.next_batch() is first
    await line.put(second)
    no_room = asyncio.ensure_future(line.put(third))
    await settled()
    closing = asyncio.ensure_future(line.close(5))
    await settled()
    asked = asyncio.ensure_future(line.next_batch())
    await settled()
    assert no_room.done() and not asked.done() and not closing.done()
    line.finish(first)
    assert await closing
    assert line.done == {PLACE: 400}
    line.new_epoch()
    again = line_batch(400, 800, epoch=1)
    await line.put(again)
    assert await asked is again


async def test_a_batch_whose_forerunner_is_not_done_is_never_acknowledged():
    line = BatchLine()
    for batch in (line_batch(0, 10), line_batch(20, 30)):
        await line.put(batch)
        await line.next_batch()
        if batch.starts[PLACE] == 0:
            line.finish(batch)
            continue
        with pytest.raises(OutOfOrder, match="from 20 follows one that ended at 10"):
            line.finish(batch)
    assert line.done == {PLACE: 10}
    assert line.idle


async def test_what_was_not_done_in_time_is_said_and_not_acknowledged_in_the_next_epoch():
    line = BatchLine()
    slow = line_batch(0, 10)
    await line.put(slow)
    await line.next_batch()
    assert not await line.close(0.01)
    line.new_epoch()
    line.finish(slow)
    assert line.done == {}
    assert line.idle


async def test_a_batch_of_partitions_that_moved_is_not_handed_out():
    line = BatchLine()
    before, now = line_batch(400, 800), line_batch(0, 400, epoch=1)
    line.new_epoch()
    await line.put(before)
    asked = asyncio.ensure_future(line.next_batch())
    await line.put(now)
    assert await asked is now


async def test_nothing_is_done_of_the_partitions_of_a_new_epoch():
    """Another owner may have got further, or not so far."""
    line = BatchLine()
    for epoch, batch in enumerate([line_batch(0, 400), line_batch(100, 200, epoch=1)]):
        await line.put(batch)
        line.finish(await line.next_batch())
        assert line.done == batch.ends
        line.new_epoch()
        assert (line.done, line.epoch) == ({}, epoch + 1)


def test_records_that_a_dropped_fetch_went_past_are_read_again_after_a_second_look():
    overlooked = Overlooked()
    assert overlooked.found({PLACE: (10, 30)}) == {}
    assert overlooked.found({PLACE: (10, 30)}) == {PLACE: 10}


def test_a_fetch_that_is_just_arriving_is_not_taken_for_a_dropped_one():
    overlooked = Overlooked()
    assert overlooked.found({PLACE: (10, 30)}) == {}
    assert overlooked.found({PLACE: (30, 30)}) == {}
    assert overlooked.found({PLACE: (30, 50)}) == {}
    assert overlooked.found({PLACE: (50, 60)}) == {}


def test_what_is_no_record_is_asked_for_once():
    overlooked = Overlooked()
    looks = [overlooked.found({PLACE: (10, 11)}) for _ in range(6)]
    assert looks == [{}, {PLACE: 10}, {}, {}, {}, {}]


def test_after_a_rebalance_nothing_is_known_of_the_partitions():
    overlooked = Overlooked()
    overlooked.found({PLACE: (10, 30)})
    overlooked.forget()
    assert overlooked.found({PLACE: (10, 30)}) == {}
    assert overlooked.found({PLACE: (10, 30)}) == {PLACE: 10}
