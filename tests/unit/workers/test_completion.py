"""Waiting until everything is through, on readings given one by one."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from pipeline.errors import Unavailable
from workers.broker import lag
from workers.completion import Flow, wait_until_through

STALL = timedelta(seconds=10)


def readings(*moments: Flow) -> Iterator[Flow]:
    yield from moments
    while True:
        yield moments[-1]


class FakeTime:
    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def moment(classify: tuple[int, int], watch: tuple[int, int] = (0, 0)) -> Flow:
    """A reading: (waiting, acknowledged) of two stages."""
    return Flow(
        {"classify": classify[0], "watch": watch[0]},
        {"classify": classify[1], "watch": watch[1]},
        {},
    )


def test_it_ends_with_the_first_moment_in_which_nothing_waits():
    time, source = FakeTime(), readings(moment((5, 0)), moment((2, 3)), moment((0, 5)))
    through = wait_until_through(
        lambda: next(source), STALL, clock=lambda: time.now, sleep=time.sleep
    )
    assert through.acknowledged["classify"] == 5


def test_a_stage_that_acknowledges_nothing_is_named_after_the_stall_time():
    time = FakeTime()
    with pytest.raises(Unavailable, match="classify acknowledged nothing for 10 s"):
        wait_until_through(lambda: moment((5, 7)), STALL, clock=lambda: time.now, sleep=time.sleep)
    assert 10 <= time.now < 12


def test_movement_further_down_does_not_hide_a_stage_that_stands_still():
    time = FakeTime()

    def sweeping() -> Flow:
        done = int(time.now * 10)
        return moment((5, 7), (done % 2, done))

    with pytest.raises(Unavailable, match="classify"):
        wait_until_through(sweeping, STALL, clock=lambda: time.now, sleep=time.sleep)


def test_slow_progress_is_progress():
    time = FakeTime()

    def crawling() -> Flow:
        done = int(time.now // 8)
        return moment((max(0, 10 - done), done))

    through = wait_until_through(crawling, STALL, clock=lambda: time.now, sleep=time.sleep)
    assert through.acknowledged["classify"] == 10


def test_lag_counts_from_what_was_acknowledged_or_what_is_still_kept():
    ends = {("t", 0): 10, ("t", 1): 30, ("t", 2): 5}
    acknowledged = {("t", 0): 7}
    starts = {("t", 0): 0, ("t", 1): 20, ("t", 2): 5}
    assert lag(ends, acknowledged, starts) == 3 + 10 + 0
