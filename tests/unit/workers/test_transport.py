"""How fetched records become a batch."""

from dataclasses import dataclass

from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from workers.transport import batch_of


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
