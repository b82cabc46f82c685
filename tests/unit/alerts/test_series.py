"""What a series remembers does not depend on how it was told."""

import random
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from alerts.detection import judge
from alerts.minutes import minute_number, minute_start, unpacked
from alerts.rules import load_rules
from alerts.series import Series
from alerts.verdict import WindowTest
from pipeline.documents import DocumentId
from pipeline.trends import Bucket, Evidence, Totals, merged
from tests.unit.alerts.timeline import COMPANY, DAY, START, Timeline, at

LATENESS = 60


def bucket(minute: int, documents: int, negatives: int, voice: str | None = None) -> Bucket:
    """One minute with so many novel documents, a voice for each negative one."""
    start = at(minute)
    evidence = tuple(
        Evidence(
            document=DocumentId(f"{minute}-{number}"),
            story=f"story {minute} {number}",
            voice=voice or f"voice {minute} {number}",
            at=start + timedelta(seconds=number % 60),
            negative_micro=900_000,
            novel=True,
        )
        for number in range(min(negatives, 20))
    )
    totals = Totals(
        documents=documents, negative=negatives, novel=documents, novel_negative=negatives
    )
    return Bucket(start=start, totals=totals, evidence=evidence)


minutes = st.dictionaries(
    st.integers(0, 40 * DAY), st.tuples(st.integers(1, 9), st.integers(0, 9)), max_size=40
)


def told(buckets: list[Bucket], now: datetime | None = None) -> Series:
    series = Series.begun(START, START)
    for one in buckets:
        series.observe(one, max(one.start, now or one.start), LATENESS)
    return series


def made(counts: dict[int, tuple[int, int]]) -> list[Bucket]:
    return [
        bucket(minute, documents + negatives, negatives)
        for minute, (documents, negatives) in sorted(counts.items())
    ]


@given(minutes, st.integers(0, 200))
@settings(deadline=None)
def test_time_passing_in_one_jump_or_in_many_steps_leaves_the_same_state(counts, seed):
    chance = random.Random(seed)
    jumping, stepping = Series.begun(START, START), Series.begun(START, START)
    for one in made(counts):
        jumping.observe(one, one.start, LATENESS)
        target = minute_number(one.start)
        while stepping.minute < target:
            stepping.roll(min(target, stepping.minute + chance.randrange(1, 3000)))
        stepping.observe(one, one.start, LATENESS)
    end = at(45 * DAY)
    jumping.roll(minute_number(end))
    while stepping.minute < jumping.minute:
        stepping.roll(min(jumping.minute, stepping.minute + chance.randrange(1, 3000)))
    stepping.now = jumping.now
    assert stepping.encode() == jumping.encode()


@given(
    st.dictionaries(
        st.integers(0, 59), st.tuples(st.integers(1, 9), st.integers(0, 9)), max_size=15
    ),
    st.permutations(range(15)),
)
@settings(deadline=None)
def test_buckets_within_the_lateness_may_come_in_any_order_and_any_number_of_times(counts, order):
    buckets = made(counts)
    now = at(59)
    shuffled = [buckets[number] for number in order if number < len(buckets)]
    straight, mixed = told(buckets, now), told(shuffled + shuffled[::-1], now)
    assert mixed.minutes == straight.minutes
    assert mixed.voices == straight.voices


def test_a_later_state_of_a_bucket_replaces_the_earlier_one():
    series = told([bucket(5, 3, 1), bucket(5, 7, 4)])
    first = minute_number(at(0))
    assert unpacked(series.counts(first, first + 5)) == (7, 4)


def test_an_older_state_of_a_bucket_that_comes_again_changes_nothing():
    series = told([bucket(5, 7, 4)])
    before = series.encode()
    assert series.observe(bucket(5, 3, 1), at(5), LATENESS) is None
    assert series.encode() == before


def test_documents_that_are_taken_out_of_a_bucket_are_no_longer_counted():
    minute = minute_number(at(5))
    series = told([replace(bucket(5, 10, 10), revision=10)])
    # eight go elsewhere: each change counts
    fewer = replace(bucket(5, 2, 2), revision=18)
    assert series.observe(fewer, at(5), LATENESS) == minute
    assert unpacked(series.counts(minute, minute)) == (2, 2)
    # an older state again, from before the correction
    assert series.observe(replace(bucket(5, 9, 9), revision=9), at(5), LATENESS) is None
    assert unpacked(series.counts(minute, minute)) == (2, 2)
    # and what comes after it counts
    more = replace(bucket(5, 4, 3), revision=20)
    assert series.observe(more, at(5), LATENESS) == minute
    assert unpacked(series.counts(minute, minute)) == (4, 3)


def test_a_minute_all_of_whose_documents_were_taken_out_is_learned_as_silence():
    series = told([replace(bucket(5, 1, 1), revision=1)])
    series.observe(replace(bucket(5, 0, 0), revision=2), at(5), LATENESS)
    series.roll(minute_number(at(3 * DAY)))
    silent = Series.begun(START, START)
    silent.roll(minute_number(at(3 * DAY)))
    assert series.negatives == silent.negatives
    assert (series.minutes, series.hours, series.revisions) == ({}, {}, {})


def test_a_bucket_older_than_the_lateness_is_not_counted():
    series = told([bucket(200, 1, 0)])
    assert series.observe(bucket(200 - LATENESS - 1, 9, 9), at(200), LATENESS) is None
    assert series.observe(bucket(200 - LATENESS, 9, 9), at(200), LATENESS) is not None


@given(minutes)
@settings(deadline=None)
def test_bytes_give_back_the_same_series(counts):
    series = told(made(counts))
    again = Series.decode(series.encode())
    assert again is not None
    assert again.encode() == series.encode()


def test_bytes_of_another_version_or_damaged_ones_are_no_state():
    data = told([bucket(1, 2, 1)])
    data.v = 99
    assert Series.decode(data.encode()) is None
    assert Series.decode(b"\xff not msgpack") is None


def test_the_state_of_the_busiest_series_stays_under_two_hundred_numbers():
    series = Series.begun(START, START)
    for minute in range(3 * DAY):
        series.observe(bucket(minute, 30, 3), at(minute), LATENESS)
    fields = 8
    assert len(series.minutes) + len(series.hours) + fields <= 200
    assert series.pulse is not None and len(series.pulse.state) <= 200
    assert len(series.voices) == 20
    assert len(series.encode()) < 8_000


def test_a_burst_teaches_little_and_a_new_level_is_learned():
    def learned_rate(burst_hours: int) -> float:
        series = Series.begun(START, START)
        for hour in range(20 * 24):
            loud = 10 * 24 <= hour < 10 * 24 + burst_hours
            series.observe(bucket(hour * 60, 400, 200 if loud else 2), at(hour * 60), LATENESS)
        return series.negatives * series.faded(series.learned_until) / series.learned_hours()

    assert learned_rate(0) < 2.1
    assert learned_rate(3) < 2.5
    assert learned_rate(240) > 50


def test_only_the_latest_piece_of_each_voice_is_kept():
    series = told([bucket(1, 9, 9, voice="one"), bucket(4, 2, 2, voice="one")])
    assert [voice.document for voice in series.voices.values()] == ["4-1"]


RULE = load_rules("").matching(COMPANY)[0]


@given(st.integers(0, 1_000_000), st.sampled_from([20.0, 300.0]))
@settings(deadline=None, max_examples=20, phases=(Phase.explicit, Phase.reuse, Phase.generate))
def test_what_is_worked_out_once_an_hour_is_what_a_fresh_copy_works_out(seed, per_day):
    """Documents up to an hour late, judged at each of the minutes they can change."""
    chance = random.Random(seed)
    timeline = Timeline()
    timeline.background(chance, 2.5, per_day, negative=0.5)
    series = Series.begun(START, START)
    buckets: dict[datetime, Bucket] = {}
    now = START
    late = sorted(timeline.in_order(), key=lambda said: said.minute + 60 * chance.random())
    for number, said in enumerate(late):
        one = said.bucket(number)
        buckets[one.start] = merged(buckets[one.start], one) if one.start in buckets else one
        now = max(now, one.start)
        first = series.observe(buckets[one.start], now, LATENESS)
        if first is None or chance.random() > 0.2:
            continue
        fresh = Series.decode(series.encode())
        assert fresh is not None
        for minute in (first, (first + series.minute) // 2, series.minute):
            assert judge(RULE, series, minute_start(minute)) == judge(
                RULE, fresh, minute_start(minute)
            )


def test_each_window_is_tested_by_the_signal_further_above_its_threshold():
    series = told([bucket(hour * 60, 10, int(hour % 4 == 0)) for hour in range(14 * 24)])
    # as many documents as ever, all of them negative
    for minute in range(14 * DAY + 1, 14 * DAY + 361, 20):
        series.observe(bucket(minute, 2, 2), at(minute), LATENESS)
        now = minute
    rule = load_rules("").rules[0]

    def tests(signal: str) -> dict[int, WindowTest]:
        verdict = judge(replace(rule, signal=signal), series, at(now))
        return {test.scale_minutes: test for test in verdict.breaches}

    either, volume, share = tests("negative"), tests("negative_volume"), tests("negative_share")
    assert volume.keys() & share.keys()
    for scale, test in either.items():
        asked = [found[scale] for found in (volume, share) if scale in found]
        assert test == max(asked, key=lambda one: one.margin)
    assert {test.signal for test in either.values()} == {"negative_volume", "negative_share"}
