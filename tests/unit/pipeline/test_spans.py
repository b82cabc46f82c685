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


def test_the_part_of_a_span_within_another_is_empty_where_they_do_not_meet():
    morning = Span(FIRST.replace(hour=6), FIRST.replace(hour=12))
    assert morning.within(Span(FIRST, FIRST.replace(hour=8))) == Span(
        morning.start, FIRST.replace(hour=8)
    )
    apart = morning.within(Span(FIRST, FIRST.replace(hour=3)))
    assert apart.end < apart.start
