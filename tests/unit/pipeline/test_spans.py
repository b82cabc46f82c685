"""A history cut into spans."""

from datetime import UTC, datetime

from pipeline.stores.consistency import ALWAYS
from pipeline.stores.spans import Span, whole_minutes

DAY = datetime(2026, 3, 2, tzinfo=UTC)


def test_whole_minutes_reach_outwards_to_the_buckets_they_touch():
    touched = whole_minutes(
        DAY.replace(hour=9, minute=30, second=59), DAY.replace(hour=9, minute=32, microsecond=1)
    )
    assert touched == Span(DAY.replace(hour=9, minute=30), DAY.replace(hour=9, minute=33))


def test_whole_minutes_of_whole_minutes_are_themselves():
    exact = Span(DAY, DAY.replace(hour=1))
    assert whole_minutes(exact.start, exact.end) == exact
    assert whole_minutes(ALWAYS.start, ALWAYS.end) == ALWAYS


def test_the_part_of_a_span_within_another_is_empty_where_they_do_not_meet():
    morning = Span(DAY.replace(hour=6), DAY.replace(hour=12))
    assert morning.within(Span(DAY, DAY.replace(hour=8))) == Span(
        morning.start, DAY.replace(hour=8)
    )
    apart = morning.within(Span(DAY, DAY.replace(hour=3)))
    assert apart.end < apart.start
