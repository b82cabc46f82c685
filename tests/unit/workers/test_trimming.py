"""What the embedded broker may forget."""

from hypothesis import given
from hypothesis import strategies as st

from workers.trimming import KEEP_RECORDS, LEAST_RECORDS, trim_points

READERS = {"classified": ("archive", "aggregate"), "trends": ("watch",)}
PLACE = ("classified", 0)


def test_the_slowest_reader_decides():
    acknowledged = {"archive": {PLACE: 9_000}, "aggregate": {PLACE: 5_000}}
    assert trim_points({PLACE: 0}, acknowledged, READERS) == {PLACE: 5_000 - KEEP_RECORDS}


def test_a_reader_that_has_acknowledged_nothing_keeps_everything():
    assert trim_points({PLACE: 0}, {"archive": {PLACE: 9_000}}, READERS) == {}


def test_topics_without_readers_are_never_trimmed():
    assert trim_points({("alerts", 0): 0}, {"notify": {("alerts", 0): 99_999}}, READERS) == {}


def test_a_few_records_are_not_worth_a_write():
    acknowledged = {"watch": {("trends", 1): LEAST_RECORDS + KEEP_RECORDS - 1}}
    assert trim_points({("trends", 1): 0}, acknowledged, READERS) == {}


offsets = st.integers(0, 10_000)


@given(start=offsets, archive=offsets, aggregate=offsets)
def test_nothing_unread_and_nothing_already_gone_is_trimmed(start, archive, aggregate):
    acknowledged = {"archive": {PLACE: archive}, "aggregate": {PLACE: aggregate}}
    point = trim_points({PLACE: start}, acknowledged, READERS).get(PLACE)
    if point is not None:
        assert start < point < min(archive, aggregate)
