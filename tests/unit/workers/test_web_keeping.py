"""Kept answers: asked rarely, never wrong for longer than promised."""

import threading
from collections.abc import Sequence
from datetime import timedelta
from queue import Queue

import pytest

from pipeline.errors import Unavailable
from pipeline.ports import CountedDocument
from pipeline.stores.memory import MemoryTrendStore
from pipeline.trends import EVERYTHING, Bucket, SeriesKey, contributions
from tests.web_site import NOON, minutes, news
from workers.web.keeping import Kept, LiveMinutes

LONG = timedelta(hours=1)


def test_an_answer_is_asked_for_once_while_it_is_fresh() -> None:
    answers = iter(range(9))
    kept = Kept(lambda: next(answers), LONG, share=1.0)
    assert [kept.get() for _ in range(5)] == [0] * 5


def test_an_old_answer_is_asked_for_again() -> None:
    answers = iter(range(9))
    kept = Kept(lambda: next(answers), timedelta(0), share=1e9)
    assert [kept.get() for _ in range(3)] == [0, 1, 2]


def test_an_error_is_not_kept() -> None:
    answers: list[object] = [Unavailable("away"), "here"]

    def ask() -> object:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    kept = Kept(ask, LONG, share=1.0)
    with pytest.raises(Unavailable):
        kept.get()
    assert kept.get() == "here"


def test_while_one_asks_the_others_get_the_last_answer() -> None:
    asked: Queue[None] = Queue()
    gate = threading.Event()
    answers = iter(("old", "new"))

    def ask() -> str:
        answer = next(answers)
        if answer == "new":
            asked.put(None)
            assert gate.wait(10)
        return answer

    kept = Kept(ask, timedelta(0), share=1e9)
    assert kept.get() == "old"
    slow: Queue[str] = Queue()
    thread = threading.Thread(target=lambda: slow.put(kept.get()))
    thread.start()
    asked.get(timeout=10)
    assert kept.get() == "old"
    gate.set()
    assert slow.get(timeout=10) == "new"
    thread.join(10)


class CountingStore(MemoryTrendStore):
    """Remembers which ranges were read."""

    def __init__(self) -> None:
        super().__init__(clock=lambda: 0.0)
        self.reads: list[tuple[object, object]] = []

    def buckets(self, series: SeriesKey, start, end) -> list[Bucket]:
        self.reads.append((start, end))
        return super().buckets(series, start, end)

    def put(self, names: Sequence[str], at) -> None:
        self.add(
            [
                CountedDocument(document=one.id, at=at, contributions=contributions(one))
                for one in (news(name, at) for name in names)
            ]
        )


def test_the_last_hour_is_always_new_and_the_rest_is_read_once() -> None:
    store = CountingStore()
    store.put(["a"], NOON - minutes(300))
    store.put(["b"], NOON - minutes(5))
    live = LiveMinutes(store, share=1e-9)
    start = NOON - minutes(600)
    first = live.get(EVERYTHING, start, NOON)
    assert {at: bucket.totals.documents for at, bucket in first.items()} == {
        NOON - minutes(300): 1,
        NOON - minutes(5): 1,
    }
    store.put(["c"], NOON - minutes(5))
    second = live.get(EVERYTHING, start, NOON)
    assert second[NOON - minutes(5)].totals.documents == 2
    assert store.reads == [(start, NOON), (NOON - minutes(60), NOON)]


def test_a_range_that_was_not_read_is_read() -> None:
    store = CountingStore()
    store.put(["a"], NOON - minutes(900))
    live = LiveMinutes(store, share=1e-9)
    assert live.get(EVERYTHING, NOON - minutes(600), NOON) == {}
    assert len(live.get(EVERYTHING, NOON - minutes(1000), NOON)) == 1
    # and a narrower one inside it holds nothing from outside
    assert live.get(EVERYTHING, NOON - minutes(600), NOON) == {}


def test_time_that_went_on_past_what_was_read_is_read() -> None:
    store = CountingStore()
    live = LiveMinutes(store, share=1e-9)
    live.get(EVERYTHING, NOON - minutes(600), NOON)
    store.put(["a"], NOON + minutes(30))
    later = NOON + minutes(300)
    assert len(live.get(EVERYTHING, NOON - minutes(600), later)) == 1


def test_before_the_first_answer_nobody_waits_for_ever() -> None:
    asked: Queue[None] = Queue()
    gate = threading.Event()

    def ask() -> str:
        asked.put(None)
        assert gate.wait(30)
        return "here"

    kept = Kept(ask, LONG, share=1.0)
    thread = threading.Thread(target=kept.get)
    thread.start()
    asked.get(timeout=10)
    with pytest.raises(Unavailable):
        kept.get()
    gate.set()
    thread.join(10)
    assert kept.get() == "here"


def test_what_failed_slowly_is_not_asked_for_at_once_again() -> None:
    times = 0

    def ask() -> str:
        nonlocal times
        times += 1
        raise Unavailable("away")

    # the share makes a short while of a failure that cost next to nothing
    kept = Kept(ask, LONG, share=1e-9)
    for _ in range(5):
        with pytest.raises(Unavailable, match="away"):
            kept.get()
    assert times == 1
