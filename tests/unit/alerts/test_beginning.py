"""Since when the stream has been watched: strays and stragglers do not decide it."""

import random

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from alerts.beginning import DAY_HOURS, GAP_HOURS, Beginning, begun_with
from alerts.series import Series
from alerts.state_names import BEGINNING, state_name
from pipeline.trends import TrendPoint
from pipeline.wire import Record
from tests.unit.alerts.timeline import COMPANY, DAY, START, Said, Timeline, Watched, at, record_of

FIRST = int(START.timestamp()) // 3600


def told(hours: list[int]) -> Beginning | None:
    known = None
    for hour in hours:
        known = begun_with(known, hour)
    return known


def test_the_stream_begins_with_the_first_hour_told_of() -> None:
    assert told([100, 101, 150]) == Beginning(100, 150)


def test_an_article_of_last_year_before_the_stream_is_no_beginning() -> None:
    assert told([100, 9_000, 9_001]) == Beginning(9_000, 9_001, 100)
    # not though it comes again
    assert told([100, 9_000, 100, 9_001]) == Beginning(9_000, 9_001, 100)


def test_a_straggler_does_not_set_the_beginning_back() -> None:
    assert told([9_000, 100, 9_001]) == Beginning(9_000, 9_001)
    assert told([9_000, 9_050, 9_100, 8_990]) == Beginning(9_000, 9_100)


def test_a_partition_a_little_behind_does() -> None:
    assert told([9_010, 9_000]) == Beginning(9_000, 9_010)


def test_a_stream_that_was_still_for_a_week_goes_on() -> None:
    assert told([100, 100 + DAY_HOURS, 400]) == Beginning(100, 400)


def test_a_day_that_goes_on_was_the_beginning_after_all() -> None:
    # of two partitions of a replay the thin one is read first
    assert told([0, 100, 5, 6, 30]) == Beginning(0, 100)


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.none() | st.integers(0, 10**6))
def test_bytes_give_back_the_same_beginning(since: int, more: int, stray: int | None) -> None:
    begun = Beginning(since, since + more, stray)
    assert Beginning.decode(begun.encode()) == begun


def test_what_an_older_program_wrote_is_believed() -> None:
    known = Beginning.decode(str(600).encode())
    assert known == Beginning(10, 10 + DAY_HOURS)
    assert known.told(10 + 2 * GAP_HOURS).since == 10
    assert Beginning.decode(b"x") is None
    assert Beginning.decode(None) is None


OLD = Said(-400 * DAY, "negative", "a voice", "a story")


def with_a_stray(days: float, place: int) -> list[Record]:
    """A company's days, and one document of last year that a process reads first at `place`."""
    timeline = Timeline()
    timeline.background(random.Random(3), days, 20)
    records = [record for (record,) in timeline.points(timeline.in_order(), iter([1] * 10_000))]
    stray = TrendPoint(series=COMPANY, bucket=OLD.bucket(9_999), watermark=at(OLD.minute))
    return [*records[:place], record_of(stray), *records[place:]]


@given(st.integers(1, 9), st.sampled_from([0, 1, 30, 90]))
@settings(deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
def test_one_old_document_teaches_no_year_of_silence(size: int, place: int) -> None:
    records, watched = with_a_stray(6, place), Watched()
    for start in range(0, len(records), size):
        watched.give(records[start : start + size])
    begun, data = watched.states.load([BEGINNING, state_name(COMPANY)])
    known = Beginning.decode(begun)
    assert known is not None
    assert abs(known.since - FIRST) <= 3
    series = Series.decode(data or b"")
    assert series is not None
    assert series.since == known.since


def test_a_first_day_stays_a_time_of_learning_whatever_comes_first() -> None:
    timeline, watched = Timeline(), Watched()
    for number in range(30):
        timeline.say(300 + number)
    records = [record for (record,) in timeline.points(timeline.in_order(), iter([1] * 10_000))]
    stray = TrendPoint(series=COMPANY, bucket=OLD.bucket(9_999), watermark=at(OLD.minute))
    for record in (record_of(stray), *records):
        watched.give([record])
    assert not watched.fired()
