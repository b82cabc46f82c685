"""The contract of `Turns`, in memory and in SQL on both databases, on a clock of the test's own."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.feeds.politeness import MemoryTurns, NotNow, Turns
from pipeline.stores.database import connect
from pipeline.stores.host_turns import SqlTurns

START = datetime(2026, 3, 8, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
PATIENT = timedelta(hours=1)


class Clock:
    def __init__(self) -> None:
        self.passed = timedelta(0)

    def seconds(self) -> float:
        return self.passed.total_seconds()

    def time(self) -> datetime:
        return START + self.passed


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def turns(request: pytest.FixtureRequest, clock: Clock) -> Iterator[Turns]:
    if request.param == "memory":
        yield MemoryTurns(clock.seconds)
        return
    engine = connect(request.getfixturevalue(f"{request.param}_url"))
    yield SqlTurns(engine, clock.time)
    engine.dispose()


def test_turns_at_one_host_lie_a_gap_apart_and_hosts_do_not_wait_for_each_other(
    turns: Turns, clock: Clock
) -> None:
    assert [turns.turn("a", 2 * SECOND, PATIENT) for _ in range(3)] == [
        timedelta(0),
        2 * SECOND,
        4 * SECOND,
    ]
    assert turns.turn("b", 2 * SECOND, PATIENT) == timedelta(0)
    clock.passed = 60 * SECOND
    assert turns.turn("a", 2 * SECOND, PATIENT) == timedelta(0)


def test_a_turn_too_far_away_is_refused_with_the_wait_and_not_reserved(turns: Turns) -> None:
    turns.turn("a", 10 * SECOND, PATIENT)
    for _ in range(3):
        with pytest.raises(NotNow, match="the next turn at a is in 10 s") as refused:
            turns.turn("a", 10 * SECOND, 9 * SECOND)
        assert refused.value.retry_after == 10 * SECOND
    assert turns.turn("a", 10 * SECOND, PATIENT) == 10 * SECOND


def test_a_host_that_asked_for_it_is_left_alone_by_the_longest_of_its_wishes(
    turns: Turns, clock: Clock
) -> None:
    turns.turn("a", SECOND, PATIENT)
    turns.hold("a", 120 * SECOND)
    turns.hold("a", 30 * SECOND)
    clock.passed = 100 * SECOND
    with pytest.raises(NotNow, match="a asked for no requests for another 20 s") as refused:
        turns.turn("a", SECOND, PATIENT)
    assert refused.value.retry_after == 20 * SECOND
    clock.passed = 120 * SECOND
    assert turns.turn("a", SECOND, PATIENT) == timedelta(0)


def test_no_two_threads_get_the_same_turn(turns: Turns) -> None:
    with ThreadPoolExecutor(4) as pool:
        waits = list(pool.map(lambda _: turns.turn("a", SECOND, PATIENT), range(20)))
    assert sorted(waits) == [number * SECOND for number in range(20)]
