"""What a series is taken for until it has shown a week of its own."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from alerts.fleet_week import EVERYTHING, FleetWeek, week_told
from alerts.judging import Judged, step
from alerts.lifecycle import fingerprint_of
from alerts.memory import MemoryAlertStore
from alerts.minutes import minute_number
from alerts.rebuild import rebuild_states
from alerts.rules import load_rules
from alerts.series import Series
from alerts.state_names import WEEK, state_name
from alerts.tracking import Tracked
from alerts.watch import Watch
from alerts.weekly import DAYS, FLAT, HOURS, day_cell, hour_cell
from pipeline.documents import DocumentId
from pipeline.ports import CountedDocument
from pipeline.stores.memory import MemorySeriesStates, MemoryTrendStore
from pipeline.trends import Bucket, Contribution, Totals, TrendPoint
from tests.unit.alerts.test_scenarios import HIT, shock
from tests.unit.alerts.timeline import COMPANY, DAY, START, Watched, at

# START is a Monday; 9 and 15 o'clock are busy, weekends are not.
WEEKS = 4


def busy_days(weeks: int = WEEKS) -> list[Bucket]:
    """Buckets of everything: by day, on workdays."""
    found = []
    for day in range(7 * weeks):
        for hour in range(24):
            count = 1 if day % 7 > 4 else 20 if hour in (9, 15) else 4
            minute = day * DAY + hour * 60 + 7
            found.append(bucket(minute, 3 * count, count))
    return found


def bucket(minute: float, documents: int, negative: int) -> Bucket:
    totals = Totals(documents=documents, novel=documents, novel_negative=negative)
    return Bucket(start=at(minute), totals=totals)


def points(buckets: Sequence[Bucket]) -> list[TrendPoint]:
    return [
        TrendPoint(series=EVERYTHING, bucket=one, watermark=one.start + timedelta(seconds=30))
        for one in buckets
    ]


def epoch_day(minute: float) -> int:
    return int(at(minute).timestamp() // 86_400)


def test_a_week_is_flat_until_something_was_told():
    assert FleetWeek().on(20_000) == FLAT
    first = week_told(busy_days()[:5], START)
    assert first.on(epoch_day(0)) == first.on(epoch_day(DAY)) == FLAT


def test_the_fleets_busy_hours_are_believed_of_a_series_nobody_knows():
    week = week_told(busy_days(), START).on(epoch_day(7 * WEEKS * DAY))
    nine = int(at(7 * WEEKS * DAY + 9 * 60).timestamp() // 3600)
    unknown = Series.begun(START, at(7 * WEEKS * DAY))
    (morning,) = unknown.upcoming(nine, nine, week)
    (night,) = unknown.upcoming(nine - 6, nine - 6, week)
    assert morning > 3 * night
    assert unknown.upcoming(nine, nine) == [1.0]
    # a Saturday's mean is far below a Monday's
    saturday = nine + 5 * 24
    assert unknown.upcoming(saturday, saturday, week)[0] < 0.3 * morning


def test_a_series_that_is_busy_at_night_soon_has_its_own_week():
    week = week_told(busy_days(), START).on(epoch_day(7 * WEEKS * DAY))
    own = Series.begun(START, START)
    for day in range(7 * WEEKS):
        own.observe(bucket(day * DAY + 3 * 60, 30, 10), at(day * DAY + 3 * 60), 10)
    nine = own.learned_until // 24 * 24 + 9
    (morning,) = own.upcoming(nine, nine, week)
    (night,) = own.upcoming(nine - 6, nine - 6, week)
    assert night > 2 * morning


def test_what_is_believed_on_a_day_was_known_at_the_midnight_before_it_began():
    buckets = busy_days()
    whole = week_told(buckets, START)
    last = epoch_day(7 * WEEKS * DAY) - 1
    # without the day before, and without the day itself
    shorter = week_told(buckets[: -24 * 2 + 1], START)
    assert whole.on(last) == shorter.on(last)
    assert whole.on(last) != whole.on(last - 1)


@given(
    cuts=st.lists(st.integers(1, 200), min_size=1, max_size=6),
    seed=st.integers(0, 100),
)
@settings(max_examples=20, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
def test_a_watch_tells_the_same_week_wherever_batches_end_and_processes_too(cuts, seed):
    buckets = busy_days(3)
    states, told = MemorySeriesStates(), points(buckets)
    rules = load_rules("")
    if seed % 2:
        # no rule asks for everything: it is followed for the week alone
        about_companies = [one for one in rules.rules if one.id == "company-negative-surge"]
        assert not any(rule.matches(EVERYTHING) for rule in about_companies)
        rules = replace(rules, rules=tuple(about_companies))
    watch, place, turn = Watch(rules, states, MemoryAlertStore()), 0, 0
    chance = random.Random(seed)
    while place < len(told):
        size = cuts[turn % len(cuts)]
        watch.follow(told[place : place + size])
        if chance.random() < 0.2:
            watch = Watch(rules, states, MemoryAlertStore())
        place, turn = place + size, turn + 1
    (data,) = states.load([WEEK])
    assert FleetWeek.decode(data).days == week_told(buckets, START).days


def test_a_week_lost_with_redis_is_told_again_by_the_buckets():
    buckets, trends, states = busy_days(2), MemoryTrendStore(), MemorySeriesStates()
    trends.add(
        [
            CountedDocument(
                document=DocumentId(str(number)),
                at=bucket.start,
                contributions=(Contribution(series=EVERYTHING, bucket=bucket),),
            )
            for number, bucket in enumerate(buckets)
        ]
    )
    rebuild_states(load_rules(""), trends, states)
    (data,) = states.load([WEEK])
    assert FleetWeek.decode(data).days == week_told(buckets, START).days
    # what is there is not touched
    states.save({WEEK: FleetWeek({7: FLAT}).encode()})
    rebuild_states(load_rules(""), trends, states)
    assert FleetWeek.decode(states.load([WEEK])[0]).days == {7: FLAT}


def test_old_days_are_forgotten_and_the_oldest_known_stands_for_them():
    week = week_told(busy_days(), START)
    assert len(week.days) == 16
    assert week.on(epoch_day(0)) == week.days[min(week.days)]


@pytest.mark.parametrize("data", [None, b"", b"\xff", b"\x81\x01\x91\x01"])
def test_what_cannot_be_read_is_a_flat_week(data):
    assert FleetWeek.decode(data).on(20_000) == FLAT


def test_cells_are_hours_of_the_day_then_days_of_the_week():
    assert len(FLAT) == HOURS + DAYS
    assert {hour_cell(hour) for hour in range(24)} == set(range(24))
    assert {day_cell(24 * day) for day in range(7)} == set(range(24, 31))


def test_a_midnight_is_remembered_as_it_will_be_when_nothing_more_is_heard():
    everything = Series.begun(START, START)
    for one in busy_days(2)[:-20]:
        everything.observe(one, one.start, 0)
    before, week = everything.encode(), FleetWeek()
    week.pass_to(epoch_day(17 * DAY), everything)
    assert everything.encode() == before, "it is only asked"
    later = Series.decode(before)
    assert later is not None
    assert week.days[epoch_day(17 * DAY)] != later.week_cells()
    later.roll(minute_number(at(17 * DAY)))
    assert week.days[epoch_day(17 * DAY)] == later.week_cells()


def test_a_minute_is_judged_by_the_fleets_week_of_its_own_day():
    """Whoever tells of it a day later, and whatever was learned since."""
    watched = Watched().play(shock())
    (data,) = watched.states.load([state_name(COMPANY)])
    (rule,) = [one for one in load_rules("").rules if one.id == "company-negative-surge"]

    def expected(week: FleetWeek) -> float:
        series = Series.decode(data or b"")
        assert series is not None
        one = Tracked(rule, fingerprint_of(rule, COMPANY), COMPANY, None)
        seen = Judged(series, None, 0.01, week)
        assert step(one, seen, series.minute, series.minute + DAY)
        assert one.now is not None
        return one.now.arithmetic.expected

    busy, day = (3.0,) * len(FLAT), epoch_day(HIT)
    told = expected(FleetWeek({day - 1: busy}))
    assert told > 1.5 * expected(FleetWeek())
    assert expected(FleetWeek({day - 1: busy, day: FLAT})) == told
