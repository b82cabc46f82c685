"""How a history is cut for looking at it in bounded memory."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.stores.consistency import ALWAYS
from pipeline.stores.spans import DAY, Span, spans, whole_minutes

FIRST = datetime(2026, 1, 1, tzinfo=UTC)


def day(number: int) -> datetime:
    return FIRST + number * DAY


def test_quiet_days_in_a_row_are_one_span_and_a_gap_ends_it():
    sizes = {day(0): 3, day(1): 4, day(3): 1}
    assert list(spans(sizes, 10)) == [Span(day(0), day(2)), Span(day(3), day(4))]


def test_a_span_ends_before_it_holds_too_much():
    assert list(spans({day(0): 6, day(1): 5}, 10)) == [Span(day(0), day(1)), Span(day(1), day(2))]


def test_a_busy_day_is_cut_into_parts():
    found = list(spans({day(0): 1, day(1): 25, day(2): 1}, 10))
    assert [span.start for span in found] == [
        day(0),
        day(1),
        day(1) + timedelta(hours=8),
        day(1) + timedelta(hours=16),
        day(2),
    ]


sizes = st.dictionaries(st.integers(0, 60).map(day), st.integers(0, 10**7))


@settings(deadline=None, max_examples=50)
@given(sizes, st.integers(10**4, 10**6))
def test_every_day_is_covered_once_and_nothing_else(sizes, most):
    found = list(spans(sizes, most))
    assert all(one.end <= other.start for one, other in pairwise(found))
    assert {one for span in found for one in span.days} == set(sizes)
    assert sum((span.end - span.start for span in found), timedelta()) == len(sizes) * DAY
    for span in found:
        assert len(span.days) == 1 or sum(sizes[one] for one in span.days) <= most


def test_whole_minutes_reach_outwards_to_the_buckets_they_touch():
    touched = whole_minutes(
        FIRST.replace(hour=9, minute=30, second=59), FIRST.replace(hour=9, minute=32, microsecond=1)
    )
    assert touched == Span(FIRST.replace(hour=9, minute=30), FIRST.replace(hour=9, minute=33))


def test_whole_minutes_of_whole_minutes_are_themselves():
    exact = Span(FIRST, FIRST.replace(hour=1))
    assert whole_minutes(exact.start, exact.end) == exact
    assert whole_minutes(ALWAYS.start, ALWAYS.end) == ALWAYS


def test_the_part_of_a_span_within_another_is_nothing_where_they_do_not_meet():
    morning = Span(FIRST.replace(hour=6), FIRST.replace(hour=12))
    early = Span(FIRST, FIRST.replace(hour=8))
    assert list(morning.within(early)) == [Span(morning.start, FIRST.replace(hour=8))]
    assert list(morning.within(Span(FIRST, FIRST.replace(hour=3)))) == []
    assert list(morning.within(Span(FIRST, morning.start))) == []


def test_the_part_of_some_days_that_crosses_midnight_is_cut_there():
    days = Span(day(0), day(4))
    night = Span(day(0) + timedelta(hours=23, minutes=35), day(1) + timedelta(hours=1, minutes=35))
    assert list(days.within(night)) == [Span(night.start, day(1)), Span(day(1), night.end)]
    longer = Span(night.start, day(3) + timedelta(minutes=1))
    assert list(days.within(longer)) == [
        Span(night.start, day(1)),
        Span(day(1), day(3)),
        Span(day(3), longer.end),
    ]
    assert list(days.within(ALWAYS)) == [days]


@given(
    first=st.integers(0, 3),
    length=st.integers(1, 4),
    start=st.integers(-1_000, 10_000),
    minutes=st.integers(0, 10_000),
)
def test_the_parts_within_another_cover_just_what_both_hold(first, length, start, minutes):
    span = Span(day(first), day(first + length))
    other = Span(day(0) + timedelta(minutes=start), day(0) + timedelta(minutes=start + minutes))
    parts = list(span.within(other))
    both = max(timedelta(0), min(span.end, other.end) - max(span.start, other.start))
    assert sum((part.end - part.start for part in parts), timedelta(0)) == both
    for one, following in pairwise(parts):
        assert one.end == following.start
    for part in parts:
        assert span.start <= part.start < part.end <= span.end
        # whole days, or minutes of one
        whole = part.start == part.days[0] and part.end == part.days[-1] + DAY
        assert whole or len(part.days) == 1
